"""A campaign to three domains whose mail servers are real ones: Postfix, which
wants TLS, Exim, which greylists, OpenSMTPD behind a host that is down."""

import contextlib
import os
import re

import pytest

from kit import certificate, process
from kit.dns import Dns
from kit.exim import Exim
from kit.opensmtpd import OpenSmtpd
from kit.places import free_ports
from kit.postfix import Postfix
from kit.presort import Presort

MAILS = 60
PEM = "/etc/postfix/mx.postfix.example.pem"
NAMES = {
    "postfix.example": ["MX 10 mx.postfix.example."],
    "mx.postfix.example": ["A 127.0.4.1"],
    "exim.example": ["MX 10 mx.exim.example."],
    "mx.exim.example": ["A 127.0.4.2"],
    "smtpd.example": ["MX 5 down.smtpd.example.",
                      "MX 10 mx.smtpd.example."],
    "down.smtpd.example": ["A 127.0.4.9"],
    "mx.smtpd.example": ["A 127.0.4.3"],
}


def recipients_of(messages, field):
    """Whom the server says it delivered each message for."""
    return sorted(re.search(rb"(?m)^" + field + rb": <?([^>\s]+)>?\s*$", m)[1]
                  .decode() for m in messages)


@pytest.mark.skipif(os.geteuid() != 0, reason="these servers need root")
def test_three_servers_each_with_its_own_ways(tmp_path):
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        start = stack.enter_context
        dns = start(Dns(NAMES))
        pems = {name: certificate.make(tmp_path, f"mx.{name}.example")
                for name in ("postfix", "exim")}
        postfix = start(Postfix(
            address="127.0.4.1", port=port, files=[pems["postfix"]],
            settings={"smtpd_tls_security_level": "encrypt",
                      "smtpd_tls_cert_file": PEM, "smtpd_tls_key_file": PEM}))
        exim = start(Exim("127.0.4.2", port, "mx.exim.example", pems["exim"]))
        smtpd = start(OpenSmtpd("127.0.4.3", port, "mx.smtpd.example"))
        presort = start(Presort(
            "direct", dkim_required=0, direct_port=port,
            retry_first_seconds=1, retry_most_seconds=2, poll_interval_ms=200,
            connect_timeout_seconds=2, **dns.settings))
        everybody = {d: [f"u{i}@{d}.example" for i in range(MAILS)]
                     for d in ("postfix", "exim", "smtpd")}
        campaign = presort.new_campaign(
            [a for addresses in everybody.values() for a in addresses],
            text="Hello.\n.\n..dots\n\u00e9\n", html=None)
        presort.send(campaign)
        presort.wait_for(campaign, 90)
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == 3 * MAILS, presort.sql("""
            SELECT DISTINCT split_part(m.recipient, '@', 2), verdict, step,
                code, reply
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE verdict <> 'delivered'""")
        # Each got it once, as the servers tell.
        for server, domain, field in (
                (postfix, "postfix", b"X-Original-To"),
                (exim, "exim", b"Envelope-to"),
                (smtpd, "smtpd", b"Delivered-To")):
            try:
                process.wait_until(lambda s=server: len(s.messages()) >= MAILS,
                                   30, f"the mails at {domain}")
            except TimeoutError:
                pytest.fail(server.log()[-3000:])
            assert recipients_of(server.messages(), field) == sorted(
                everybody[domain]), server.log()[-2000:]
        # And how: by TLS; greylisted ones came again; from the next host.
        assert exim.log().count(" X=TLS1.3:") >= MAILS
        assert exim.log().count("greylisted") >= MAILS
        assert all(b"with ESMTPS" in m for m in postfix.messages())
        rows = dict(presort.sql("""
            SELECT split_part(m.recipient, '@', 2), min(o.mx) FROM outcome o
            JOIN mail m USING (batch, seq) WHERE o.verdict = 'delivered'
            GROUP BY 1"""))
        assert rows["smtpd.example"].startswith("127.0.4.3:")
        assert "peer=127.0.4.9:" in presort.log()
