"""Mail that has to wait, for whatever reason, keeps no place from other mail:
what a worker holds is shared by campaigns and by sites."""

import time

from kit import process
from test_sites import internet, people


MANY = {f"d{i}.example": "many" for i in range(1200)}
TO_MANY = [f"user{i}@{domain}" for domain in MANY for i in range(50)]


def test_a_campaign_at_its_limit_leaves_room_for_others():
    """It goes to more sites than a worker has places for batches, and than it
    keeps in mind as claimable."""
    with internet({"many": [], "free": []}, workers=1,
                  domains=MANY) as (presort, sinks):
        limited = presort.new_campaign(TO_MANY)
        presort.command("limits", "set", "campaign", limited,
                        "mails_per_second=5")
        presort.send(limited)
        process.wait_until(lambda: len(sinks["many"].copies()) >= 10, 60,
                           "its first mails")
        time.sleep(3)
        [[held]] = presort.sql(
            "SELECT count(*) FROM batch WHERE state = 'claimed'")
        assert int(held) <= 20
        before, at = len(sinks["many"].copies()), time.monotonic()
        other = presort.new_campaign(people("free", 200))
        presort.send(other)
        presort.wait_for(other, 15)
        # And goes on as fast as it may.
        time.sleep(5)
        sent = len(sinks["many"].copies()) - before
        took = time.monotonic() - at
        assert 5 * took * 0.6 - 5 <= sent <= 5 * took + 6


def test_a_campaign_to_slow_sites_leaves_room_for_others():
    with internet({"many": ["--slow", "30000"], "free": []}, workers=1,
                  domains=MANY) as (presort, _):
        presort.send(presort.new_campaign(TO_MANY))
        process.wait_until(lambda: presort.sql(
            "SELECT count(*) >= 20 FROM batch WHERE state = 'claimed'"
        ) == [["t"]], 60, "its first batches")
        time.sleep(5)
        other = presort.new_campaign(people("free", 200))
        presort.send(other)
        presort.wait_for(other, 15)


def test_what_expires_in_hand_is_settled_then():
    """Mail in a worker's hand that waits for a limit."""
    with internet({"slow": [], "other": []}) as (presort, sinks):
        presort.command("limits", "set", "site", "mx.slow.example",
                        "mails_per_hour=1")
        brief = presort.new_campaign(people("slow", 100) +
                                     people("other", 100), expire_seconds=12)
        longer = presort.new_campaign(people("slow", 20))
        presort.send(brief)
        presort.send(longer)
        presort.wait_for_totals(brief, 20, lambda t: t["delivered"] >= 100)
        presort.wait_for(brief, 20)
        totals = presort.check_totals(brief)
        assert totals["delivered"] + totals["expired"] == 200
        assert 100 <= totals["delivered"] <= 102
        assert presort.sql("SELECT DISTINCT reply FROM outcome WHERE verdict "
                           "= 'expired'") == [
            ["expired before it could be sent"]]
        # Nobody else's waits elsewhere now, or is settled.
        assert presort.totals(longer)["pending"] >= 18
        assert presort.campaign(longer)["state"] == "sending"
        assert sum(sinks["slow"].copies().values()) <= 2
