"""A campaign of a million lines, and transactional mail beside it.

recipients_upload     lines of CSV a second, until the answer; duplicates folded
first_mail_1m         seconds from `send` to the first mail at the server
worker_rss            the largest worker's peak resident size until the end
transactional_p99_ms  from POST /emails to the server, while the campaign runs
"""

import os
import statistics
import tempfile
import time

from kit import places

from . import audience, machine
from .service import Service, presort_sink

LINES = int(os.environ.get("BENCH_LINES", "1000000"))
SINGLES = 2000
SINGLES_PER_SECOND = 100
ARRIVAL_S = 60


def wait_first_mail(log):
    """When the server took the first mail (wall clock, seconds)."""
    end = time.monotonic() + ARRIVAL_S
    while time.monotonic() < end:
        with open(log, encoding="utf-8") as file:
            line = file.readline()
        if line.endswith("\n"):
            return int(line.split("\t")[0]) / 1000
        time.sleep(0.005)
    raise RuntimeError("no mail arrived")


def send_singles(presort):
    """Posts SINGLES mails at an even pace. Each is addressed to the moment it
    was posted at, so that the server's log holds both times."""
    start = time.monotonic()
    for number in range(SINGLES):
        time.sleep(max(0, start + number / SINGLES_PER_SECOND
                       - time.monotonic()))
        presort.call("POST", "/emails", {
            "from": "receipts@market.example",
            "to": [f"posted-{time.time_ns() // 1000}@example.com"],
            "subject": f"Receipt {number}", "text": "Thank you.\n"})


def arrivals_ms(log):
    taken = []
    with open(log, encoding="utf-8") as file:
        for line in file:
            at_ms, _, recipient = line.split("\t")[:3]
            if recipient.startswith("posted-"):
                posted_us = int(recipient[7:].split("@")[0])
                taken.append(int(at_ms) - posted_us / 1000)
    return taken


def wait_arrivals(log):
    end = time.monotonic() + ARRIVAL_S
    while True:
        taken = arrivals_ms(log)
        if len(taken) >= SINGLES:
            return taken
        if time.monotonic() > end:
            raise RuntimeError(f"{len(taken)} of {SINGLES} mails arrived")
        time.sleep(1)


def measure(presort, log):
    path = audience.csv(LINES)
    name = presort.new_campaign("million")
    start = time.perf_counter()
    counts = presort.upload(name, path)
    upload = LINES / (time.perf_counter() - start)
    if counts["accepted"] != audience.distinct(LINES):
        raise RuntimeError(f"duplicates not folded: {counts}")
    sent = time.time()
    presort.call("POST", f"/campaigns/{name}/send", {})
    first = wait_first_mail(log) - sent
    send_singles(presort)
    state = presort.call("GET", f"/campaigns/{name}")["state"]
    if state != "sending":
        raise RuntimeError(f"the campaign was {state} before the singles were"
                           " sent: nothing was measured")
    taken = sorted(wait_arrivals(log))
    return {"recipients_upload": upload, "first_mail_1m": first,
            "worker_rss": machine.peak_rss_mb(presort.workers()),
            "transactional_p99_ms": taken[len(taken) * 99 // 100],
            "transactional_median_ms": statistics.median(taken)}


def run(say):
    port, = places.free_ports(1)
    with tempfile.TemporaryDirectory(prefix="presort-bench-") as folder:
        log = os.path.join(folder, "sink.log")
        with presort_sink(port, "--log", log), \
                Service(port) as presort:
            return measure(presort, log)
