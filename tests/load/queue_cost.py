"""What the queue costs a mail: claim, read and settle without SMTP, with
10,000 and with 2,000,000 mails queued.

queue_us_per_mail_10k, _2m  CPU of the worker and of its server processes
queue_growth                the second by the first
"""

import os
import signal
import statistics
import subprocess

from kit import places, process

from . import audience, machine
from .service import Service

SMALL, LARGE = 10_000, int(os.environ.get("BENCH_QUEUED", "2000000"))
WARM = 10_000  # settled before each sample, of mails queued besides
SAMPLE = 10_000  # alike for both, so that only the queue's length differs
SLACK = 2_000  # whole batches are claimed, so a sample may take a few more
ROUNDS = 5


def queued_campaign(presort, mails):
    """A campaign of so many mails that is being sent, while no worker claims
    any of it: they are stopped."""
    campaign, _ = presort.market_campaign(audience.csv(
        audience.lines_of(mails)))
    presort.send(campaign)
    return campaign


def server_cpu_us(presort):
    """CPU of the PostgreSQL processes, by process."""
    return {pid: machine.cpu_ns(pid) / 1000
            for server in presort.pids("postgres")
            for pid in [server, *process.children(server)]}


def sample(presort, campaign):
    """CPU and wall microseconds a mail."""
    with subprocess.Popen(
            [places.BUILD / "load/queue_bench", presort.directory, campaign,
             str(WARM), str(SAMPLE)],
            env=presort.environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as bench:
        if bench.stdout.readline() != "ready\n":
            raise RuntimeError("queue_bench did not start")
        before = server_cpu_us(presort)
        bench.stdin.write("\n")
        bench.stdin.flush()
        said = bench.stdout.readline()
        after = server_cpu_us(presort)
        bench.communicate("\n")
    settled, wall_us, own_us = (int(word) for word in said.split())
    server_us = sum(after[pid] - before.get(pid, 0) for pid in after)
    return (own_us + server_us) / settled, wall_us / settled


def samples(presort):
    small = [sample(presort, queued_campaign(presort, WARM + SMALL + SLACK))
             for _ in range(ROUNDS)]
    large_campaign = queued_campaign(
        presort, LARGE + ROUNDS * (WARM + SAMPLE + SLACK))
    large = [sample(presort, large_campaign) for _ in range(ROUNDS)]
    return small, large


def run(say):
    with Service(1) as presort:
        for pid in presort.workers():
            os.kill(pid, signal.SIGSTOP)
        try:
            small, large = samples(presort)
        finally:
            for pid in presort.workers():
                os.kill(pid, signal.SIGCONT)
    (small_us, small_wall), (large_us, large_wall) = (
        [statistics.median(column) for column in zip(*rows)]
        for rows in (small, large))
    return {"queue_us_per_mail_10k": small_us,
            "queue_us_per_mail_2m": large_us,
            "queue_growth": large_us / small_us,
            "queue_wall_us_10k": small_wall, "queue_wall_us_2m": large_wall}
