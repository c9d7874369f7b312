"""What a server says decides what becomes of a mail."""

import time

from kit.presort import Presort
from kit.sink import Sink

SOON = {"retry_first_seconds": 1, "retry_most_seconds": 2,
        "retry_jitter_percent": 0, "poll_interval_ms": 100}
READERS = [f"u{i}@example.com" for i in range(200)]


def outcomes(presort, campaign, verdict):
    """{recipient: its row} of the recipients that ended so."""
    page = presort.ask(
        "GET", f"/campaigns/{campaign}/recipients?outcome={verdict}&limit=100")
    return {row["recipient"]: row for row in page["data"]}


def test_greylisted_then_delivered():
    with Sink("--greylist", "0.8") as sink, Presort(sink.port, **SOON
                                                    ) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == 200
        assert totals["deferred"] >= 200
        assert sink.deeds(READERS[0])[0] == "deferred"
        assert sink.deeds(READERS[0])[-1] == "accepted"
        assert sink.totals()["duplicates"] == 0


def test_refused_for_good():
    with Sink("--refuse", "u1?@*:550 5.1.1 no such user", "--refuse",
              "u2?@*@dot:554 5.6.0 not this text") as sink, Presort(
                  sink.port, **SOON) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["bounced"]) == (180, 20)
        bounced = outcomes(presort, campaign, "bounced")
        assert set(bounced) == {f"u{i}@example.com" for i in range(10, 30)}
        row = bounced["u11@example.com"]
        assert (row["code"], row["enhanced_status"]) == (550, "5.1.1")
        assert "no such user" in row["reply"] and row["attempts"] == 1
        assert bounced["u21@example.com"]["enhanced_status"] == "5.6.0"
        # Nobody was asked twice.
        assert sink.deeds("u11@example.com") == ["refused"]


def test_lost_after_the_dot():
    """Sent again once: a mail twice is better than none. Lost again, nobody
    knows, and so it is said."""
    with Sink("--drop-after-dot", "u1?@*+1", "--lose-after-dot",
              "u2?@*") as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["in_doubt"]) == (190, 10)
        copies = sink.copies()
        twice = {r for r, n in copies.items() if n == 2}
        assert twice == {f"u{i}@example.com" for i in range(10, 20)}
        assert max(copies.values()) == 2
        assert set(outcomes(presort, campaign, "in_doubt")) == {
            f"u{i}@example.com" for i in range(20, 30)}
        assert sink.deeds("u21@example.com") == ["dropped", "dropped"]


def test_lost_before_the_dot_is_sent_again():
    with Sink("--drop-before-dot", "*=20%+2") as sink, Presort(
            sink.port, **SOON) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 200
        assert sink.totals()["duplicates"] == 0
        assert sink.totals()["dropped"] > 40


def test_expired():
    with Sink("--defer", "u1?@*:451 4.3.2 never now") as sink, Presort(
            sink.port, **SOON, expire_seconds=5) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        found = presort.wait_for(campaign, 40)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["expired"]) == (190, 10)
        assert found["finished_at"]
        assert set(outcomes(presort, campaign, "expired")) == {
            f"u{i}@example.com" for i in range(10, 20)}
        assert len(sink.deeds("u10@example.com")) >= 2


def test_server_that_allows_little():
    """421 after each 20 mails, no PIPELINING, few connections: slower, but
    everything arrives, once."""
    with Sink("--421-after", "20", "--no-pipelining", "--max-connections",
              "3") as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 200
        assert sink.totals()["duplicates"] == 0


def test_server_that_is_away_for_a_while():
    """Nobody could be asked, so nobody is deferred: the mail waits."""
    with Sink() as sink:
        with Presort(sink.port, **SOON) as presort:
            sink.stop()
            campaign = presort.new_campaign(READERS)
            presort.send(campaign)
            time.sleep(3)
            assert presort.totals(campaign)["delivered"] == 0
            sink.start()
            presort.wait_for(campaign, 15)
            totals = presort.check_totals(campaign)
            assert (totals["delivered"], totals["deferred"]) == (200, 0)
        assert sink.totals()["duplicates"] == 0
