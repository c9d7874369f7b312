"""A campaign of a million lines, and transactional mail beside it.

recipients_upload     lines of CSV a second, until the answer; duplicates folded
first_mail_1m         seconds from `send` to the first mail at the server
worker_rss            the largest worker's peak resident size until the end
transactional_p99_ms  from POST /emails to the server, while the campaign runs
"""

import http.client
import json
import os
import statistics
import time

from kit import process
from kit.sink import Sink

from . import audience, machine
from .service import Service

LINES = int(os.environ.get("BENCH_LINES", "1000000"))
SINGLES = 1000
SINGLES_PER_SECOND = 100
ARRIVAL_S = 60


def first_mail(log):
    """When the server took the first mail (wall clock, seconds), or None."""
    with open(log, encoding="utf-8") as file:
        line = file.readline()
    return int(line.split("\t")[0]) / 1000 if line.endswith("\n") else None


def post_singles(presort):
    """Posts SINGLES mails at an even pace over one connection. Each is
    addressed to the moment it was posted at, so that the server's log holds
    both times."""
    connection = http.client.HTTPConnection("127.0.0.1", presort.port)
    headers = {"Authorization": f"Bearer {presort.key}",
               "Content-Type": "application/json"}
    start = time.monotonic()
    for number in range(SINGLES):
        time.sleep(max(0, start + number / SINGLES_PER_SECOND
                       - time.monotonic()))
        connection.request("POST", "/emails", json.dumps({
            "from": "receipts@market.example",
            "to": [f"posted-{time.time_ns() // 1000}@example.com"],
            "subject": f"Receipt {number}", "text": "Thank you.\n"}), headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"POST /emails: {answer.status} {text}")


def arrivals_ms(log):
    """Milliseconds from post to arrival, of each single mail that did."""
    taken = []
    with open(log, encoding="utf-8") as file:
        for line in file:
            at_ms, _, recipient = line.split("\t")[:3]
            if recipient.startswith("posted-"):
                posted_us = int(recipient[7:].split("@")[0])
                taken.append(int(at_ms) - posted_us / 1000)
    return taken


def measure(presort, log):
    path = audience.csv(LINES)
    start = time.perf_counter()
    campaign, counts = presort.market_campaign(path)
    upload = LINES / (time.perf_counter() - start)
    if counts["accepted"] != audience.distinct(LINES):
        raise RuntimeError(f"duplicates not folded: {counts}")
    sent = time.time()
    presort.send(campaign)
    first = process.wait_until(lambda: first_mail(log), ARRIVAL_S,
                               "the first mail", 0.005) - sent
    post_singles(presort)
    if presort.campaign(campaign)["state"] != "sending":
        raise RuntimeError("the campaign was over before the singles were sent")
    process.wait_until(lambda: len(arrivals_ms(log)) == SINGLES, ARRIVAL_S,
                       "all singles", 1)
    taken = sorted(arrivals_ms(log))
    return {"recipients_upload": upload, "first_mail_1m": first,
            "worker_rss": machine.peak_rss_mb(presort.workers()),
            "transactional_p99_ms": taken[len(taken) * 99 // 100],
            "transactional_median_ms": statistics.median(taken)}


def run(say):
    with Sink() as sink, Service(sink.port) as presort:
        return measure(presort, sink.log)
