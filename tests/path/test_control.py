"""A campaign under way is paused and resumed, or cancelled."""

import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

READERS = [f"u{i}@site{i % 20}.example" for i in range(4000)]


def stands_still(sink, seconds=5):
    """Mails at the sink, once they no longer become more."""
    def same():
        before = sink.totals()["mails"]
        time.sleep(0.5)
        return before if sink.totals()["mails"] == before else None
    return process.wait_until(same, seconds, "the end of mail")


def start(presort):
    campaign = presort.new_campaign(READERS)
    presort.send(campaign)
    presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 300)
    return campaign


def test_paused_and_resumed():
    with Sink("--slow", "4") as sink, Presort(sink.port) as presort:
        campaign = start(presort)
        presort.ask("POST", f"/campaigns/{campaign}/pause", {})
        assert presort.campaign(campaign)["state"] == "paused"
        there = stands_still(sink)
        assert there < 3500
        time.sleep(1)
        assert sink.totals()["mails"] == there
        assert presort.totals(campaign)["delivered"] == there
        presort.ask("POST", f"/campaigns/{campaign}/resume", {})
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 4000
        assert sink.totals()["duplicates"] == 0


def test_cancelled_half_way():
    with Sink("--slow", "4") as sink, Presort(sink.port) as presort:
        campaign = start(presort)
        presort.ask("POST", f"/campaigns/{campaign}/cancel", {})
        assert presort.campaign(campaign)["state"] == "cancelled"
        there = stands_still(sink)
        assert 300 < there < 3500

        def settled():
            totals = presort.totals(campaign)
            return totals["delivered"] + totals["cancelled"] == 4000
        process.wait_until(settled, 20, "the last outcome")
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == sink.totals()["mails"] == there
        assert presort.call("POST", f"/campaigns/{campaign}/resume", {}
                            ).status // 100 == 4
        assert presort.campaign(campaign)["state"] == "cancelled"


def test_paused_campaign_survives_a_restart():
    with Sink("--slow", "4") as sink, Presort(sink.port) as presort:
        campaign = start(presort)
        presort.ask("POST", f"/campaigns/{campaign}/pause", {})
        stands_still(sink)
        presort.stop()
        presort.start()
        there = sink.totals()["mails"]
        time.sleep(1)
        assert sink.totals()["mails"] == there
        presort.ask("POST", f"/campaigns/{campaign}/resume", {})
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 4000
        assert sink.totals()["duplicates"] == 0
