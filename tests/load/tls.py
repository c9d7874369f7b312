"""The campaign of load/campaign to a relay with STARTTLS, against the same to
the same relay in clear: connections stay open, so it is the sealing of mails
that is measured, on both sides, and not the handshakes.

tls_ratio       our mails/s by TLS, by our mails/s in clear, from the same run
worker_us_tls   user and system time of the workers by TLS, a mail
worker_us_clear the same in clear
"""

from kit.sink import Sink

from .campaign import campaign_rate
from .service import Service


def _rate(*options):
    with Sink(*options, bare=True) as sink, Service(sink.port) as presort:
        return campaign_rate(presort)


def run(say):
    clear, clear_us = _rate()
    sealed, sealed_us = _rate("--starttls", "--tls-required")
    return {"tls_ratio": sealed / clear, "tls_rate": sealed,
            "clear_rate": clear, "worker_us_tls": sealed_us,
            "worker_us_clear": clear_us}
