"""Campaigns share by weight, not by age: one that starts during a larger one
gets its share at once."""

from kit.presort import Presort
from kit.sink import Sink

OLD = [f"old{i}@site{i % 20}.example" for i in range(20000)]
NEW = [f"new{i}@site{i % 20}.example" for i in range(9000)]


def delivered(presort, campaign):
    return presort.totals(campaign)["delivered"]


def test_a_heavier_campaign_that_starts_late_gets_its_share():
    with Sink("--slow", "4") as sink, Presort(sink.port, workers=1) as presort:
        old = presort.new_campaign(OLD)
        new = presort.new_campaign(NEW, weight=3)
        presort.send(old)
        presort.wait_for_totals(old, 30, lambda t: t["delivered"] > 1000)
        presort.send(new)
        presort.wait_for_totals(new, 60, lambda t: t["delivered"] > 300)
        old_before = delivered(presort, old)
        new_before = delivered(presort, new)
        presort.wait_for_totals(
            new, 60, lambda t: t["delivered"] > new_before + 3000)
        old_share = delivered(presort, old) - old_before
        new_share = delivered(presort, new) - new_before
        # Three to one; two requests apart, so not to the mail.
        assert 2.2 < new_share / old_share < 4
