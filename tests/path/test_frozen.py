"""A worker that is frozen, as by a machine that went to sleep, keeps its
connections to the database. Its batches go to others all the same, and when it
wakes up it disturbs nobody."""

import signal

import pytest

from kit import process
from kit.presort import Presort
from kit.sink import Sink

CONNECTIONS = 8
RECIPIENTS = [f"u{i}@site{i % 50}.example" for i in range(1500)]


# One of the two keeps the queue in order for both: whoever that is.
@pytest.mark.parametrize("which", [0, 1])
def test_its_batches_go_to_others(which):
    with Sink("--slow", "10") as sink, Presort(
            sink.port, workers=2, lease_seconds=3, poll_interval_ms=200,
            batch_mails_max=100,
            site_connections_max=CONNECTIONS) as presort:
        campaign = presort.new_campaign(RECIPIENTS)
        presort.send(campaign)
        workers = [int(pid) for pid, in presort.sql(
            "SELECT pid FROM worker ORDER BY id")]
        process.wait_until(
            lambda: process.connections_to(workers[which], sink.port) > 0,
            30, "the worker's work")
        process.freeze(workers[which])
        try:
            presort.wait_for(campaign, 60)
        finally:
            process.kill(workers[which], signal.SIGCONT)
        assert presort.check_totals(campaign)["delivered"] == len(RECIPIENTS)
        # What was under way on its connections is sent again, and what it had
        # settled but not committed.
        assert sink.totals()["duplicates"] <= 2 * CONNECTIONS
        # It is one of them again.
        again = presort.new_campaign(RECIPIENTS[:500])
        presort.send(again)
        presort.wait_for(again, 60)
        presort.check_totals(again)
        assert workers[which] in presort.pids("presort-engine")
