"""presort route test: one mail by the way that a real one would take, with
every word that is said."""

import base64
import contextlib
import socketserver
import subprocess
import threading

from kit import places
from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

SECRET = "correct horse battery staple"
FROM = ("--from", "shop@source.example")


def trial(presort, *words):
    """Exit status, what it printed, and what it complained of."""
    run = subprocess.run([places.PRESORT, "route", "test", *words],
                         env=presort.environment, capture_output=True,
                         text=True, errors="strict", timeout=60, check=False)
    return run.returncode, run.stdout, run.stderr


def test_a_relay_with_its_login():
    """By each mechanism: the mail arrives, TLS and the login are told of, and
    nothing of the password is: not in the words of a client, and not in what
    a server says of SCRAM or LOGIN."""
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(Sink("--starttls", "--tls-required",
                                        "--auth", f"jo:{SECRET}"))
        presort = stack.enter_context(Presort(relay="sandbox"))
        secret = presort.directory / "secret"
        secret.write_text(SECRET + "\n", encoding="utf-8")
        for way in ("plain", "login", "xoauth2"):
            presort.command(
                "relay", "add", way, f"127.0.0.1:{sink.port}", "--tls",
                "required", "--login", way, "--user", "jo", "--secret",
                f"file:{secret}")
            presort.command("route", "add", "--to", f"{way}.example", "--via",
                            way)
            status, text, complaint = trial(presort, f"a@{way}.example", *FROM)
            assert status == 0, text + complaint
            assert f": relay {way}\n" in text
            assert f"(127.0.0.1:{sink.port}), TLS required" in text
            assert "> STARTTLS\n" in text and "* TLSv1.3, " in text
            assert "the login: what is said in it is not shown" in text
            assert "< 235\n" in text
            assert f"> RCPT TO:<a@{way}.example>" in text
            assert "> Subject: A test of Presort\n" in text
            assert text.endswith(f"* 127.0.0.1:{sink.port} took the mail\n"
                                 "> QUIT\n" + text.rpartition("> QUIT\n")[2])
            assert "AUTH PLAIN " not in text.replace("< 250-AUTH PLAIN ", "") \
                .replace("< 250 AUTH PLAIN ", "")
            for hidden in (SECRET, f"\0jo\0{SECRET}",
                           f"user=jo\1auth=Bearer {SECRET}\1\1"):
                coded = base64.b64encode(hidden.encode()).decode()
                assert hidden not in text and coded not in text
            assert "< 334 " not in text
            assert complaint == ""
        assert set(sink.copies()) == {"a@plain.example", "a@login.example",
                                      "a@xoauth2.example"}
        presort.command("relay", "add", "wrong", f"127.0.0.1:{sink.port}",
                        "--tls", "required", "--user", "other", "--secret",
                        f"file:{secret}")
        presort.command("route", "add", "--to", "wrong.example", "--via",
                        "wrong")
        status, text, _ = trial(presort, "a@wrong.example", *FROM)
        assert status == 1 and "< 535 " in text, text
        assert "MAIL FROM" not in text


def test_directly_by_mx_and_tls():
    """The better server is down and the next one takes the mail; broken TLS is
    done without where it is not demanded; what would not arrive says why; and
    --dry connects to nobody."""
    port = free_ports(1)[0]
    names = {
        "one.example": ["MX 10 dead.example.", "MX 20 mx.example."],
        "mx.example": ["A 127.0.1.1"], "dead.example": ["A 127.0.1.77"],
        "null.example": ["MX 0 ."],
        "refusing.example": ["MX 10 mx.example."],
        "broken.example": ["MX 10 broken-mx.example."],
        "broken-mx.example": ["A 127.0.1.3"],
        "gone.example": ["MX 10 dead.example."],
    }
    with Dns(names) as dns, \
            Sink("--starttls", "--refuse", "*@refusing.example@rcpt:550 5.1.1 "
                 "nobody", address="127.0.1.1", port=port) as sink, \
            BrokenTls(("127.0.1.3", port)) as broken, \
            Presort(relay="sandbox", direct_port=port, dkim_required=1,
                    connect_timeout_seconds=2, **dns.settings) as presort:
        status, text, _ = trial(presort, "a@one.example", *FROM, "--dry")
        assert status == 1 and "no DKIM key" in text, text
        presort.command("dkim", "create", "source.example", "--algorithm",
                        "both")
        status, text, _ = trial(presort, "a@one.example", *FROM, "--dry")
        assert status == 0 and "the sandbox, which keeps mail" in text, text
        assert "presort route default direct" in text
        status, text, _ = trial(presort, "a@one.example", *FROM, "--dry",
                                "--via", "direct")
        assert status == 0 and "as if a route said so: directly" in text
        status, text, _ = trial(presort, "a@one.example", *FROM, "--via", "x")
        assert status == 1 and "there is no relay x" in text
        presort.command("route", "default", "direct")
        status, text, _ = trial(presort, "a@one.example", *FROM, "--dry")
        assert status == 0 and "connecting" not in text, text
        assert "DKIM signatures: 2\n" in text
        assert f"*   dead.example (127.0.1.77:{port}), TLS opportunistic\n" \
            in text
        assert sink.copies() == {}
        status, text, _ = trial(presort, "a@one.example", *FROM)
        assert status == 0, text
        dead, mx = text.index("to dead.example"), text.index("to mx.example")
        assert dead < text.index("connect: connection refused") < mx
        assert "certificate not verified (self-signed certificate)" in text
        assert text.count("> DKIM-Signature: ") == 2
        assert sink.copies() == {"a@one.example": 1}
        status, text, _ = trial(presort, "a@refusing.example", *FROM)
        assert status == 1 and "< 550 5.1.1 nobody\n" in text, text
        assert "refused for good at RCPT TO: the mail would bounce" in text
        status, text, _ = trial(presort, "a@null.example", *FROM)
        assert status == 1 and "5.1.10" in text and "would bounce" in text
        status, text, _ = trial(presort, "a@gone.example", *FROM)
        assert status == 1 and "would be tried again later" in text
        status, text, _ = trial(presort, "a@broken.example", *FROM)
        assert status == 0 and "once more, in clear" in text, text
        assert "* in clear, without TLS\n" in text
        assert broken.mails == 1


class Hostile(socketserver.ThreadingTCPServer):
    """Says what no terminal should be told, then refuses."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), HostileTalk)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class HostileTalk(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 \x1b[2J\x1b]0;owned\x07 a\rb\xff \xc2\x9b2J\r\n")
        self.rfile.readline()
        self.wfile.write(b"250-" + b"x" * 1500 + b"\r\n250 fine\r\n")
        self.rfile.readline()
        self.wfile.write(b"550 5.7.1 \xe2\x82\xac no\r\n")


class BrokenTls(Hostile):
    """Offers STARTTLS, and answers the handshake with nonsense."""

    def __init__(self, address):
        socketserver.ThreadingTCPServer.__init__(self, address, BrokenTalk)
        self.mails = 0


class BrokenTalk(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b"220 broken\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"EHLO":
                self.wfile.write(b"250-broken\r\n250 STARTTLS\r\n")
            elif word == b"STAR":
                self.wfile.write(b"220 go\r\nnonsense, not TLS\r\n")
                return
            elif word == b"DATA":
                self.wfile.write(b"354 go\r\n")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.mails += 1
                self.wfile.write(b"250 taken\r\n")
            else:
                self.wfile.write(b"250 ok\r\n")


def test_what_servers_say_steers_no_terminal():
    with Hostile() as server, \
            Presort(relay=server.server_address[1]) as presort:
        status, text, _ = trial(presort, "a@one.example", *FROM)
        assert status == 1, text
        assert all(c == "\n" or c >= " " and not "\x7f" <= c < "\xa0"
                   for c in text), ascii(text)
        assert "\\x1b[2J\\x1b]0;owned\\x07" in text and "b\\xff" in text
        assert "\\xc2\\x9b" in text
        assert "< 550 5.7.1 \u20ac no\n" in text
        assert max(map(len, text.splitlines())) < 1010


def test_bad_words():
    with Presort(relay="sandbox") as presort:
        for words, complaint in (
                (("a@one.example",), "--from"),
                (("nobody", *FROM), "ADDRESS: nobody: "),
                (("a@one.example", "--from", "x"), "--from: x: "),
                (("a@one.example", *FROM, "--class", "bulk"), "--class is"),
                (("a@one.example", *FROM, "--project", "none"),
                 'no project "none"')):
            status, text, error = trial(presort, *words)
            assert status != 0 and text == "" and complaint in error, error
