"""POST /emails from 64 connections, each request another mail, each answered
after its commit; the engine delivers meanwhile.

api_single_durable  requests a second, all answered 2xx
"""

import os
import pathlib
import re
import subprocess

from kit import process
from kit.sink import Sink

from .service import Service

CONNECTIONS = 64
SECONDS = 10
ARRIVAL_S = 120


def load(presort):
    """What wrk said; every answer was 2xx."""
    said = subprocess.run(
        ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s",
         pathlib.Path(__file__).with_name("emails.lua"),
         f"http://127.0.0.1:{presort.port}/emails"],
        env=dict(os.environ, PRESORT_KEY=presort.key), check=True,
        capture_output=True, text=True).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    return said


def run(say):
    with Sink() as sink, Service(sink.port) as presort:
        said = load(presort)
        posted = int(re.search(r"(\d+) requests in", said).group(1))
        # Those under way when wrk stopped listening may arrive as well.
        process.wait_until(
            lambda: posted <= sink.totals()["mails"] <= posted + CONNECTIONS,
            ARRIVAL_S, f"all {posted} mails posted", 0.2)
    say("latency " + " ".join(re.findall(r"\d\d% +[\d.]+[mu]?s", said)))
    return {"api_single_durable":
            float(re.search(r"Requests/sec: +([\d.]+)", said).group(1))}
