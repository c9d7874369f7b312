"""A campaign of 100,000, beside what Postfix's load generator reaches with the
same server and mails of the same size.

campaign_ratio      our mails/s, from `send` to the last outcome committed, by
                    smtp-source's (10 sessions, kept open, 4,096 bytes); the
                    body of our mail has a little more
worker_us_per_mail  user and system time of the workers in that run
"""

import os
import time

from kit import bench_tools

from . import audience, machine
from .service import Service

RECIPIENTS = int(os.environ.get("BENCH_RECIPIENTS", "100000"))
LIMIT_S = 600


def campaign_rate(presort):
    """Mails/s of a campaign, and the workers' microseconds a mail."""
    campaign, counts = presort.market_campaign(audience.csv(
        audience.lines_of(RECIPIENTS)))
    mails = counts["accepted"]
    workers = presort.workers()
    cpu = machine.cpu_seconds(workers)
    start = time.perf_counter()
    presort.send(campaign)
    presort.wait_for_totals(campaign, LIMIT_S,
                            lambda totals: totals["delivered"] == mails)
    taken = time.perf_counter() - start
    if presort.workers() != workers:
        raise RuntimeError("a worker was restarted")
    cpu = machine.cpu_seconds(workers) - cpu
    return mails / taken, cpu / mails * 1e6


def run(say):
    with bench_tools.smtp_sink(backlog=1000) as port:
        source = bench_tools.smtp_source(port, RECIPIENTS)
        with Service(port) as presort:
            ours, cpu_us = campaign_rate(presort)
    return {"campaign_ratio": ours / source, "worker_us_per_mail": cpu_us,
            "campaign_rate": ours, "smtp_source_rate": source}
