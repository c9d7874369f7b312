"""Two machines, which are two state directories, share one database and one
campaign; then one of them is lost."""

import time

from kit import process
from kit.postgres import Postgres
from kit.presort import Presort
from kit.sink import Sink

READERS = [f"u{i}@site{i % 50}.example" for i in range(10000)]
SETTINGS = {"on_disk": True, "lease_seconds": 3, "poll_interval_ms": 200,
            "workers": 1, "batch_mails_max": 200, "site_connections_max": 12}


def worked(presort, campaign):
    """Outcomes of this machine's workers."""
    return int(presort.sql(f"""
        SELECT count(*) FROM outcome o JOIN worker w ON w.id = o.worker
        JOIN batch b ON b.id = o.batch WHERE b.campaign = '{campaign}'
        AND w.slot LIKE '%:{presort.state}#%'""")[0][0])


def test_one_of_two_machines_dies():
    with Postgres(on_disk=True) as database, Sink(
            "--slow", "3") as sink, Presort(
            sink.port, database.url, **SETTINGS) as one, Presort(
                sink.port, database.url, key=one.key, **SETTINGS) as two:
        campaign = one.new_campaign(READERS)
        one.send(campaign)
        process.wait_until(lambda: min(worked(one, campaign),
                                       worked(two, campaign)) > 500,
                           60, "both machines' work")
        # Two can be asked as well as one.
        assert two.campaign(campaign)["state"] == "sending"

        [worker] = two.pids("presort-engine")
        connections = process.connections_to(worker, sink.port)
        assert connections > 0
        killed_ms = time.time() * 1000
        two.kill()
        # Lost with the machine: open transactions, and what was settled but
        # not yet committed.
        unsure = connections + sum(
            killed_ms - 300 < line.time_ms <= killed_ms
            for line in sink.lines())
        assert sink.totals()["mails"] < len(READERS)

        one.wait_for(campaign, 90)
        assert one.check_totals(campaign)["delivered"] == len(READERS)
        assert len(sink.copies()) == len(READERS)
        assert sink.totals()["duplicates"] <= unsure
