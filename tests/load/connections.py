"""2,000 connections by TLS in one worker's place: the SMTP client itself, with
nothing of the engine around it, each connection kept open after a mail.

connections_rss  MB resident while all are open
"""

import resource
import subprocess

from kit import places
from kit.sink import Sink

CONNECTIONS = 2000


def _raise_limit():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def run(say):
    _raise_limit()
    with Sink("--starttls", "--tls-required", bare=True) as sink:
        said = subprocess.run(
            [places.BUILD / "load" / "connections", str(sink.port),
             str(CONNECTIONS)],
            capture_output=True, text=True, check=True, timeout=300).stdout
    found = dict(line.split()[:2] for line in said.splitlines())
    return {"connections_rss": float(found["connections_rss"]),
            "rss_without": float(found["before_rss"])}
