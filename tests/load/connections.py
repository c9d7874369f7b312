"""2,000 connections by TLS: of the SMTP client itself, with nothing of the engine
around it, each kept open after a mail; and of a worker, with a mail of a
campaign under way on each.

connections_rss         MB resident of the client while all are open
worker_connections_rss  the same of the whole worker
"""

import os
import resource
import subprocess
import time

from kit import places, process
from kit.sink import Sink

from . import audience
from .service import Service

CONNECTIONS = 2000
RECIPIENTS = 20000
SLOW_MS = 3000
LIMIT_S = 120


def _raise_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _resident_mb(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def _worker():
    """MB before the campaign, and the most while CONNECTIONS are open."""
    with Sink("--starttls", "--tls-required", "--slow", str(SLOW_MS),
              bare=True) as sink, Service(
                  sink.port, workers=1,
                  site_connections_max=CONNECTIONS + 2) as presort:
        [worker] = presort.workers()
        before = _resident_mb(worker)
        campaign, _ = presort.market_campaign(audience.csv(
            audience.lines_of(RECIPIENTS)))
        presort.send(campaign)
        process.wait_until(
            lambda: process.connections_to(worker, sink.port) >= CONNECTIONS,
            LIMIT_S, f"{CONNECTIONS} connections", 0.2)
        most = 0
        for _ in range(20):
            most = max(most, _resident_mb(worker))
            time.sleep(0.5)
        if process.connections_to(worker, sink.port) < CONNECTIONS * 9 // 10:
            raise RuntimeError("connections are gone")
        presort.ask("POST", f"/campaigns/{campaign}/cancel", {})
    return before, most


def run(say):
    _raise_limit()
    with Sink("--starttls", "--tls-required", bare=True) as sink:
        said = subprocess.run(
            [places.BUILD / "load" / "connections", str(sink.port),
             str(CONNECTIONS)],
            capture_output=True, text=True, check=True, timeout=300).stdout
    found = dict(line.split()[:2] for line in said.splitlines())
    before, most = _worker()
    return {"connections_rss": float(found["connections_rss"]),
            "worker_connections_rss": most,
            "rss_without": float(found["before_rss"]),
            "worker_rss_without": before}
