"""Relays with TLS and a login: what is asked for is had, or no mail goes."""

import contextlib
import os
import pathlib
import socketserver
import subprocess
import tempfile
import threading

from kit import process
from kit.postfix import Postfix
from kit.presort import Presort
from kit.sink import Sink

import pytest

SECRET = "correct horse battery staple"


def receipt(presort, to, **fields):
    presort.ask("POST", "/emails", {
        **fields,
        "from": "shop@source.example", "to": [to], "subject": "Receipt",
        "text": "Thanks.\n\n.\n.a line that starts with a dot\n"})


def arrives(sink, address):
    process.wait_until(lambda: address in sink.copies(), 15, address)


def add_relay(presort, name, servers, *options):
    presort.command("relay", "add", name, servers, *options)
    presort.command("route", "add", "--to", f"{name}.example", "--via", name)


def wait_for_routes(presort, n):
    process.wait_until(lambda: presort.log().count(f"rules={n}") >= 2, 10,
                       "both workers to know")


@contextlib.contextmanager
def readable():
    """A directory that the engine's user can read too."""
    with tempfile.TemporaryDirectory(prefix="relay-") as name:
        directory = pathlib.Path(name)
        directory.chmod(0o755)
        yield directory


def certificate(directory, host):
    """Files with a certificate for host, signed by itself, and its key."""
    path = directory / f"{host}.pem"
    key = directory / f"{host}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}",
         "-keyout", str(key), "-out", str(path)],
        check=True, capture_output=True)
    return path, key


def test_login_over_tls():
    with readable() as directory, Sink() as plain, \
            Sink("--starttls", "--tls-required", "--chunking", "--dsn",
                 "--auth", f"jo:{SECRET}", maildir=True) as submission, \
            Sink("--tls", "--auth", f"jo:{SECRET}") as smtps, \
            Sink("--starttls", "--auth", "jo:another") as wrong, \
            Sink("--starttls", "--auth", f"jo:{SECRET}") as token, \
            Presort(relay=plain.port, poll_interval_ms=200) as presort:
        secret = directory / "secret"
        secret.write_text(SECRET + "\n", encoding="utf-8")
        login = ("--login", "auto", "--user", "jo", "--secret",
                 f"file:{secret}")
        add_relay(presort, "submission", f"127.0.0.1:{submission.port}",
                  "--tls", "required", *login)
        add_relay(presort, "smtps", f"smtps://127.0.0.1:{smtps.port}",
                  "--tls", "required", *login)
        add_relay(presort, "wrong", f"127.0.0.1:{wrong.port}",
                  "--tls", "required", *login)
        add_relay(presort, "token", f"127.0.0.1:{token.port}",
                  "--tls", "required", "--login", "xoauth2", "--user", "jo",
                  "--secret", f"command:cat {secret}; echo rest")
        add_relay(presort, "none", f"127.0.0.1:{token.port}",
                  "--tls", "required", "--login", "xoauth2", "--user", "jo",
                  "--secret", "command:exit 3")
        wait_for_routes(presort, 5)
        for name in ("submission", "smtps", "wrong", "token", "none"):
            receipt(presort, f"a@{name}.example")
        arrives(submission, "a@submission.example")
        arrives(smtps, "a@smtps.example")
        process.wait_until(lambda: "code=535" in presort.log(), 15,
                           "the login to be refused")
        process.wait_until(lambda: presort.ask("GET", "/relays/wrong")["why"],
                           15, "the reason")
        shown = presort.ask("GET", "/relays/wrong")
        assert shown["why"].startswith("login refused: 535 5.7.8 ")
        assert "login refused: 535 5.7.8 " in str(presort.ask(
            "GET", "/sites/relay%20wrong"))
        assert f"why={shown['why'][:20]}" in presort.command("relay", "list")
        assert "login refused" in presort.command("sites", "relay wrong")
        assert presort.ask("GET", "/relays/submission")["why"] is None
        right = directory / "right"
        right.write_text("another\n", encoding="utf-8")
        presort.command("relay", "add", "wrong", f"127.0.0.1:{wrong.port}",
                        "--tls", "required", "--login", "auto", "--user", "jo",
                        "--secret", f"file:{right}")
        arrives(wrong, "a@wrong.example")
        process.wait_until(lambda: "login" not in str(presort.ask(
            "GET", "/relays/wrong")["why"]), 15, "the reason to go")
        arrives(token, "a@token.example")
        assert "relay=none status=3" in presort.log()
        assert set(token.copies()) == {"a@token.example"}
        assert plain.copies() == {}
        assert SECRET not in presort.log()
        assert "horse" not in presort.log()
        message = submission.messages()[0].content
        assert b"\r\n.\r\n.a line that" in message.replace(b"=2E", b".")


def test_only_a_verified_server_gets_mail():
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(readable())
        cert, key = certificate(directory, "localhost")
        other, other_key = certificate(directory, "other.test")
        plain = stack.enter_context(Sink())
        right = stack.enter_context(Sink("--starttls", "--tls-cert", cert,
                                         "--tls-key", key))
        wrong = stack.enter_context(Sink("--starttls", "--tls-cert", other,
                                         "--tls-key", other_key))
        presort = stack.enter_context(Presort(
            relay=plain.port, poll_interval_ms=200, tls_ca_file=cert))
        add_relay(presort, "right", f"localhost:{right.port}", "--tls",
                  "verified")
        add_relay(presort, "wrong", f"localhost:{wrong.port}", "--tls",
                  "verified")
        add_relay(presort, "clear", f"localhost:{plain.port}", "--tls",
                  "verified")
        wait_for_routes(presort, 3)
        for name in ("right", "wrong", "clear"):
            receipt(presort, f"a@{name}.example")
        arrives(right, "a@right.example")
        process.wait_until(lambda: "self-signed certificate" in presort.log() and
                           "offers no STARTTLS" in presort.log(), 15,
                           "both to be refused")
        assert wrong.copies() == {}
        assert plain.copies() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="Postfix's master needs root")
def test_postfix_by_tls_and_bdat():
    with readable() as directory:
        cert, key = certificate(directory, "localhost")
        settings = {
            "smtpd_discard_ehlo_keywords": "",
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_cert_file": "/etc/postfix/localhost.pem",
            "smtpd_tls_key_file": "/etc/postfix/localhost.key",
            "smtpd_tls_loglevel": "1"}
        with Postfix(settings=settings, files=(cert, key)) as postfix, \
                Sink() as plain, \
                Presort(relay=plain.port, poll_interval_ms=200,
                        tls_ca_file=cert) as presort:
            add_relay(presort, "real", f"localhost:{postfix.port}", "--tls",
                      "verified")
            wait_for_routes(presort, 1)
            campaign = presort.new_campaign(
                [f"a{i}@real.example" for i in range(40)])
            presort.send(campaign)
            presort.wait_for(campaign, 30)
            assert presort.check_totals(campaign)["delivered"] == 40
            receipt(presort, "b@real.example")
            process.wait_until(lambda: len(postfix.messages()) == 41, 20,
                               "all mails")
            log = postfix.log()
            assert "TLS connection established from" in log
            assert all(b"with ESMTPS" in message
                       for message in postfix.messages())
            presort.stop()  # or its connections would stay
            process.wait_until(lambda: " bdat=" in postfix.log(), 10,
                               "Postfix to tell of BDAT")


class _Broken(socketserver.StreamRequestHandler):
    """Offers STARTTLS, and hangs up where the handshake should be."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        with contextlib.suppress(OSError):
            self.say("220 broken")
            for line in self.rfile:
                verb = line.split()[0].upper() if line.split() else b""
                if verb == b"EHLO":
                    self.say("250-broken\r\n250 STARTTLS")
                elif verb == b"STARTTLS":
                    self.say("220 go")
                    self.server.handshakes += 1
                    return
                elif verb == b"DATA":
                    self.say("354 go")
                    while self.rfile.readline() not in (b".\r\n", b""):
                        pass
                    self.server.mails += 1
                    self.say("250 kept")
                elif verb == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    handshakes = mails = 0


def test_broken_tls_goes_in_clear_where_that_is_allowed():
    with _Server(("127.0.0.1", 0), _Broken) as broken, \
            _Server(("127.0.0.1", 0), _Broken) as strict, Sink() as plain:
        for server in (broken, strict):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        with Presort(relay=plain.port, poll_interval_ms=200,
                     workers=1) as presort:
            add_relay(presort, "may", f"127.0.0.1:{broken.server_address[1]}")
            add_relay(presort, "must", f"127.0.0.1:{strict.server_address[1]}",
                      "--tls", "required")
            process.wait_until(lambda: "rules=2" in presort.log(), 10,
                               "the worker to know")
            for i in range(3):
                receipt(presort, f"a{i}@may.example")
                receipt(presort, f"a{i}@must.example")
            process.wait_until(lambda: broken.mails == 3, 15, "three mails")
            process.wait_until(lambda: strict.handshakes >= 2, 15, "two tries")
            assert "tls_broken" in presort.log()
            assert strict.mails == 0
            tried = broken.handshakes
            receipt(presort, "b@may.example")
            process.wait_until(lambda: broken.mails == 4, 15, "a fourth")
            assert broken.handshakes == tried  # it is remembered
            # What requires TLS (RFC 8689) waits until it is tried again.
            receipt(presort, "c@may.example", require_tls=True)
            assert process.wait_until(lambda: presort.sql(
                "SELECT o.verdict, o.enhanced FROM outcome o JOIN mail m "
                "USING (batch, seq) WHERE m.recipient = 'c@may.example'"),
                15, "its outcome") == [["deferred", "4.7.10"]]
            assert broken.mails == 4
        for server in (broken, strict):
            server.shutdown()


def test_the_relay_of_the_settings_logs_in_too():
    with readable() as directory, \
            Sink("--starttls", "--tls-required", "--auth",
                 f"jo:{SECRET}") as sink:
        secret = directory / "secret"
        secret.write_text(SECRET, encoding="utf-8")
        with Presort(relay=sink.port, relay_tls="required", relay_login="auto",
                     relay_user="jo",
                     relay_secret=f"file:{secret}") as presort:
            receipt(presort, "a@one.example")
            arrives(sink, "a@one.example")
            assert "horse" not in presort.log()
