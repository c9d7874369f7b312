"""POST /emails from 64 connections, each request another mail, each answered
after its commit; the engine delivers meanwhile.

api_single_durable  requests a second, all answered 2xx
"""

import json
import os
import re
import subprocess
import time
import urllib.request

from kit import places

from .service import Service, presort_sink

CONNECTIONS = 64
SECONDS = 10
ARRIVAL_S = 120


def arrived(stats_port):
    with urllib.request.urlopen(f"http://127.0.0.1:{stats_port}/") as answer:
        return json.load(answer)["mails"]


def wait_arrivals(stats_port, posted):
    """Every mail answered with 2xx reaches the server; so may those under way
    when wrk stopped listening."""
    end = time.monotonic() + ARRIVAL_S
    while (mails := arrived(stats_port)) < posted:
        if time.monotonic() > end:
            raise RuntimeError(f"{mails} of {posted} mails arrived")
        time.sleep(0.2)
    if mails > posted + CONNECTIONS:
        raise RuntimeError(f"{mails} mails arrived, {posted} were posted")


def run(say):
    port, stats_port = places.free_ports(2)
    with presort_sink(port, "--stats", f"127.0.0.1:{stats_port}"), \
            Service(port) as presort:
        said = subprocess.run(
            ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency",
             "-s", os.path.join(os.path.dirname(__file__), "emails.lua"),
             f"http://127.0.0.1:{presort.port}/emails"],
            env=dict(os.environ, PRESORT_KEY=presort.key), check=True,
            capture_output=True, text=True).stdout
        if "Non-2xx" in said or "Socket errors" in said:
            raise RuntimeError(said)
        posted = int(re.search(r"(\d+) requests in", said).group(1))
        wait_arrivals(stats_port, posted)
    say("latency " + " ".join(re.findall(r"\d\d% +[\d.]+[mu]?s", said)))
    return {"api_single_durable":
            float(re.search(r"Requests/sec: +([\d.]+)", said).group(1))}
