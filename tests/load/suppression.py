"""What a long suppression list costs: the campaign of load/campaign with
1,000,000 addresses on the project's list, and with none, in the same run.

suppression_ratio: mails/s with the list by mails/s without.
"""

import os

from kit import bench_tools, process

from .campaign import campaign_rate
from .service import Service

ADDRESSES = int(os.environ.get("BENCH_SUPPRESSIONS", "1000000"))


def _is_read(presort, workers):
    return presort.log().count(f"suppressions_read addresses={ADDRESSES}") \
        >= workers


def run(say):
    with bench_tools.smtp_sink(backlog=1000) as port, \
            Service(port) as presort:
        none, before_us = campaign_rate(presort)
        presort.sql(f"""
            INSERT INTO suppression (project, address, reason, created)
            SELECT 1, 'gone' || n || '@one.example', 'bounce', now()
            FROM generate_series(1, {ADDRESSES}) n; ANALYZE suppression""")
        workers = presort.workers()
        for pid in workers:
            process.kill(pid)
        process.wait_until(lambda: _is_read(presort, len(workers)), 120,
                           "the list")
        many, cpu_us = campaign_rate(presort)
    return {"suppression_ratio": many / none, "rate": many,
            "worker_us": cpu_us, "worker_us_without": before_us}
