"""What the queue costs a mail: claim, read and settle without SMTP, with
10,000 and with 2,000,000 mails queued.

queue_us_per_mail_10k, _2m  CPU of the worker and of its server processes
queue_growth                the second by the first
"""

import os
import signal
import statistics
import subprocess

from kit import places

from . import audience, machine
from .service import Service

SMALL, LARGE = 10_000, int(os.environ.get("BENCH_QUEUED", "2000000"))
SMALL_ROUNDS = 5  # each fills and empties the queue
LARGE_SAMPLE = 100_000  # of the large queue, so that it stays large


def queued_campaign(presort, mails):
    """A campaign of so many mails that is being sent, while no worker claims
    any of it: they are stopped."""
    lines = mails * 100 // 99 + 1
    name = presort.new_campaign("queue")
    presort.upload(name, audience.csv(lines))
    presort.call("POST", f"/campaigns/{name}/send", {})
    return name


def server_cpu_us(presort):
    """CPU of the PostgreSQL processes, by process."""
    return {pid: machine.cpu_ns(pid) / 1000
            for pid in machine.named(machine.children(presort.up.pid),
                                     "postgres")}


def drain(presort, campaign, mails):
    """CPU and wall microseconds a mail."""
    with subprocess.Popen(
            [places.BUILD / "load/queue_bench", campaign,
             str(mails)],
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


def run(say):
    with Service(1) as presort:
        for pid in presort.workers():
            os.kill(pid, signal.SIGSTOP)
        try:
            small = [drain(presort, queued_campaign(presort, SMALL), SMALL)
                     for _ in range(SMALL_ROUNDS)]
            large = drain(presort, queued_campaign(presort, LARGE),
                          LARGE_SAMPLE)
        finally:
            for pid in presort.workers():
                os.kill(pid, signal.SIGCONT)
    small_us = statistics.median(cpu for cpu, _ in small)
    return {"queue_us_per_mail_10k": small_us,
            "queue_us_per_mail_2m": large[0],
            "queue_growth": large[0] / small_us,
            "queue_wall_us_10k": statistics.median(wall for _, wall in small),
            "queue_wall_us_2m": large[1]}
