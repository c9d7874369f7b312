"""kill -9 anything, any time: nothing is lost, and a duplicate is possible
only for a mail whose final dot was sent and not yet answered, which is at most
one per open connection."""

import random
import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

RECIPIENTS = 50000
KILLS_LEAST = 30
SEED = 20261123


class Killer:
    def __init__(self, presort, sink):
        self.presort, self.sink = presort, sink
        self.random = random.Random(SEED)
        self.kills = self.database_kills = self.connections = 0

    def kill_worker(self):
        workers = self.presort.pids("presort-engine")
        if not workers:
            return
        worker = self.random.choice(workers)
        # Stopped first, so that what is counted is what is open at the kill.
        process.freeze(worker)
        open_now = process.connections_to(worker, self.sink.port)
        process.kill(worker)
        # One that had no work yet proves nothing.
        self.kills += open_now > 0
        self.connections += open_now

    def kill_database(self):
        for pid in self.presort.pids("postgres"):
            process.kill(pid)
            self.database_kills += 1

    def share_done(self):
        return self.sink.totals()["recipients"] / RECIPIENTS

    def run(self, seconds):
        end = time.monotonic() + seconds
        while self.kills < KILLS_LEAST or self.database_kills < 2:
            assert time.monotonic() < end, (self.kills, self.database_kills)
            assert self.share_done() < 1, "nothing left to kill"
            time.sleep(self.random.uniform(0.05, 0.7))
            self.kill_worker()
            if self.kills >= 10 * (self.database_kills + 1):
                self.kill_database()


def test_fifty_thousand_while_all_is_killed():
    # Five workers, so that one that died often, and is not restarted at once
    # any more, does not hold up the next kill. It comes back within the usual
    # lease, and so replays its journal before others take its batches.
    with Sink("--slow", "2") as sink, Presort(
            sink.port, workers=5, site_connections_max=6,
            retry_first_seconds=1, retry_most_seconds=2) as presort:
        readers = [f"u{i}@site{i % 40}.example" for i in range(RECIPIENTS)]
        campaign = presort.new_campaign(readers)
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 100)
        killer = Killer(presort, sink)
        killer.run(200)
        print(f"{killer.kills} kills of {killer.connections} connections, at "
              f"{killer.share_done():.0%}")

        presort.wait_for(campaign, 200)
        assert presort.check_totals(campaign)["delivered"] == RECIPIENTS
        copies = sink.copies()
        assert set(copies) == set(readers)
        duplicates = sum(copies.values()) - RECIPIENTS
        print(f"{duplicates} duplicates")
        assert duplicates <= killer.connections
