"""The campaign of load/campaign, its mails signed by DKIM.

campaign_ratio_ed25519, campaign_ratio_rsa2048: as campaign_ratio, against
smtp-source with mails that nobody signs. How many signatures this machine's
cores could make in a second if they did nothing else is what `openssl speed`
says beside it.
"""

import os
import subprocess

from kit import bench_tools

from .campaign import RECIPIENTS, campaign_rate
from .service import Service

DOMAIN = "market.example"


def signatures_per_second(algorithm):
    """Of all cores together."""
    said = subprocess.run(
        ["openssl", "speed", "-seconds", "2", "-multi", str(os.cpu_count()),
         algorithm], capture_output=True, text=True, check=True).stdout
    return float(said.splitlines()[-1].split()[-2])


def _rate(port, algorithm):
    with Service(port) as presort:
        # The upload takes longer than the workers do to read the key.
        presort.command("dkim", "create", DOMAIN, "--algorithm", algorithm)
        return campaign_rate(presort)


def run(say):
    found = {}
    with bench_tools.smtp_sink(backlog=1000) as port:
        source = bench_tools.smtp_source(port, RECIPIENTS)
        for algorithm in ("ed25519", "rsa2048"):
            ours, cpu_us = _rate(port, algorithm)
            found[f"campaign_ratio_{algorithm}"] = ours / source
            found[f"signed_rate_{algorithm}"] = ours
            found[f"worker_us_{algorithm}"] = cpu_us
            found[f"openssl_speed_{algorithm}"] = signatures_per_second(
                algorithm)
    return {**found, "smtp_source_rate": source}
