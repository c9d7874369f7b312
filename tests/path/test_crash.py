"""kill -9 anything, any time: nothing is lost, and a duplicate is possible
only for a mail whose final dot was sent and not yet answered, which is at most
one per open connection."""

import random
import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

SEED = 20261123

# Each of these happens to some mails, once.
MISBEHAVIOUR = ("--421-after", "40", "--refuse", "*=2%", "--defer", "*=10%+1",
                "--defer", "*=3%+1@dot:451 4.3.0 later", "--drop-before-dot",
                "*=3%+1", "--drop-after-dot", "*=1%+1")


def readers(n):
    return [f"u{i}@site{i % 40}.example" for i in range(n)]


class Killer:
    def __init__(self, presort, sink, recipients):
        self.presort, self.sink = presort, sink
        self.recipients = recipients
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

    def kill_api(self):
        for pid in self.presort.pids("presort-api"):
            process.kill(pid)

    def done(self):
        return self.sink.totals()["recipients"] / self.recipients

    def run(self, kills, database_kills, seconds):
        """Until so many are killed; PostgreSQL at even distances."""
        end = time.monotonic() + seconds
        while self.kills < kills or self.database_kills < database_kills:
            assert time.monotonic() < end, (self.kills, self.database_kills)
            assert self.done() < 0.95, "nothing left to kill"
            time.sleep(self.random.uniform(0.05, 0.7))
            self.kill_worker()
            if self.kills * database_kills > kills * self.database_kills:
                self.kill_database()
        print(f"{self.kills} kills of {self.connections} connections, at "
              f"{self.done():.0%}")


def test_fifty_thousand_while_all_is_killed():
    # Five workers, so that one that died often, and is not restarted at once
    # any more, does not hold up the next kill. It comes back within the usual
    # lease, and so replays its journal before others take its batches.
    with Sink("--slow", "2") as sink, Presort(
            sink.port, on_disk=True, workers=5, site_connections_max=6,
            retry_first_seconds=1, retry_most_seconds=2) as presort:
        audience = readers(50000)
        campaign = presort.new_campaign(audience)
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 100)
        killer = Killer(presort, sink, len(audience))
        killer.run(30, 2, 200)

        presort.wait_for(campaign, 200)
        assert presort.check_totals(campaign)["delivered"] == len(audience)
        copies = sink.copies()
        assert set(copies) == set(audience)
        duplicates = sum(copies.values()) - len(audience)
        print(f"{duplicates} duplicates")
        assert duplicates <= killer.connections


def test_killed_while_the_server_misbehaves():
    with Sink("--slow", "3", *MISBEHAVIOUR) as sink, Presort(
            sink.port, on_disk=True, workers=3, site_connections_max=6,
            retry_first_seconds=1, retry_most_seconds=2) as presort:
        audience = readers(10000)
        campaign = presort.new_campaign(audience)
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 100)
        killer = Killer(presort, sink, len(audience))
        killer.kill_api()
        killer.run(8, 1, 100)
        killer.kill_api()

        presort.wait_for(campaign, 100)
        totals = presort.check_totals(campaign)
        # Refused are about one in fifty, and always the same ones: the sink's
        # log knows which. Everybody else has got it.
        refused = {line.recipient for line in sink.lines()
                   if line.deed == "refused"}
        assert totals["bounced"] == len(refused)
        copies = sink.copies()
        assert set(copies) == set(audience) - refused
        duplicates = sum(copies.values()) - len(copies)
        dropped = sink.totals()["dropped_accepted"]
        print(f"{duplicates} duplicates, {dropped} left unanswered")
        assert duplicates <= killer.connections + dropped
