"""Mailbox servers, and attackers in between, that would have the password in
clear (USENIX Security 2021, "NO STARTTLS"): replayed, they never get it, and
nobody waits for them."""

import base64
import json
import socket
import socketserver
import ssl
import threading
import time

import pytest

from kit import places, process
from kit.dovecot import make_certificate
from kit.presort import Presort
from kit.sink import Sink

INDEX = (places.TOP.parent / "shared/corpora/starttls-fakeserver/index.jsonl")
SECRET, USER = "hunter2-of-stories", "bounces-of-stories"
SILENCE_SECONDS = 2


def word(name):
    """A capability as the corpus has it, as it goes over the wire."""
    if isinstance(name, dict):
        [(kind, value)] = name.items()
        if kind == "Auth":
            return f"AUTH={word(value)}".upper()
        while isinstance(value, dict):
            [value] = value.values()
        return str(value)
    return {"Imap4Rev1": "IMAP4rev1"}.get(name, name.upper())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

    def __init__(self, context):
        super().__init__(("127.0.0.1", 0), Client)
        self.context, self.case, self.imap = context, None, False
        self.clear, self.secured = [], 0


class Client(socketserver.BaseRequestHandler):
    """One connection: what is said before TLS is put on record."""

    def say(self, text, tag="*"):
        self.request.sendall(text.replace("<tag>", tag).encode("latin-1",
                                                               "replace"))

    def greet(self, case):
        over = (case.get("override_response") or {}).get("greeting")
        if over or not self.server.imap:
            self.say(over or case["greeting"])
        else:
            kind = case["greeting"]["kind"].upper()
            caps = " ".join(map(word, case["caps"]))
            self.say(f"* {kind} [CAPABILITY {caps}] ready\r\n")
        more = case.get("response_after_greeting") or {}
        self.say(more.get("Some", "") if isinstance(more, dict) else more)

    def answer(self, case, verb, tag):
        """False: TLS is to begin."""
        over = (case.get("override_response") or {}).get(verb.lower())
        begins = verb in ("STARTTLS", "STLS")
        told = case.get("starttls_response") or case.get("stls_response") or {}
        told = told.get("Some") if isinstance(told, dict) else told
        if over:
            self.say(over, tag)
        elif verb.lower() in case.get("ignore_commands", ()):
            return True
        elif begins:
            self.say(told or ("<tag> OK go\r\n" if self.server.imap
                              else "+OK go\r\n"), tag)
            return (case.get("starttls_transition") is False
                    or case.get("stls_make_transition") is False)
        elif verb == "CAPABILITY":
            caps = " ".join(map(word, case["caps"]))
            self.say(f"* CAPABILITY {caps}\r\n<tag> OK done\r\n", tag)
        elif verb == "CAPA":
            self.say("+OK\r\n" + "".join(f"{c}\r\n" for c in case["capa"])
                     + ".\r\n")
        else:
            # Whatever it is, it is granted: LOGIN, USER, PASS ...
            self.say("<tag> OK done\r\n" if self.server.imap else "+OK\r\n",
                     tag)
        return True

    def talk(self, case):
        lines = self.request.makefile("rb")
        self.greet(case)
        for line in lines:
            self.server.clear.append(line)
            words = line.decode("latin-1").split()
            tag, verb = ((words + ["", ""])[:2] if self.server.imap
                         else ("*", (words + [""])[0]))
            if not self.answer(case, verb.upper(), tag):
                return True
        return False

    def handle(self):
        case = self.server.case
        self.request.settimeout(SILENCE_SECONDS)
        try:
            if case["implicit_tls"] or self.talk(case):
                with self.server.context.wrap_socket(
                        self.request, server_side=True) as secure:
                    self.server.secured += 1
                    secure.recv(1000)
        except (OSError, ssl.SSLError):
            pass


def cases():
    if not INDEX.exists():
        return []
    return [case for case in map(json.loads, INDEX.read_text().splitlines())
            if case["protocol"] in ("imap", "pop3")]


@pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")
def test_nobody_gets_the_password_in_clear():
    with Sink() as sink, Presort(sink.port, workers=1) as presort:
        make_certificate(presort.directory)
        secret = presort.directory / "secret"
        secret.write_text(SECRET + "\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(presort.directory / "cert.pem",
                                presort.directory / "key.pem")
        server = Server(context)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tried, secured = 0, 0
        for entry in cases():
            case, protocol = entry["case"], entry["protocol"]
            server.case, server.imap = case, protocol == "imap"
            server.clear.clear()
            scheme = protocol + ("s" if case["implicit_tls"] else "")
            # Written, so that only the test logs in, not the fetching thread.
            presort.sql("DELETE FROM mailbox; INSERT INTO mailbox (name, url, "
                        "username, password_file, ca_file) VALUES ('box', "
                        f"'{scheme}://localhost:{server.server_address[1]}', "
                        f"'{USER}', '{secret}', "
                        f"'{presort.directory / 'cert.pem'}')")
            started, before = time.monotonic(), server.secured
            with pytest.raises(RuntimeError, match="mailbox box"):
                presort.command("mailboxes", "test", "box")
            assert time.monotonic() - started < 15, entry["file"]
            presort.sql("DELETE FROM mailbox")
            said = b"".join(server.clear).upper()
            for word_ in (b"LOGIN", b"AUTHENTICATE", b"USER", b"PASS", b"AUTH ",
                          b"APOP", b"SELECT", b"EXAMINE",
                          SECRET.upper().encode(), USER.upper().encode()):
                assert word_ not in said, (entry["file"], said)
            tried += 1
            secured += server.secured > before
        server.shutdown()
        # Those that do offer TLS were asked for it: the rest is no silence.
        assert tried > 60 and secured > 20, (tried, secured)
        assert SECRET not in presort.log()


def serve_token(listener, context, said):
    """An IMAP server that wants a token, and takes none."""
    with context.wrap_socket(listener.accept()[0], server_side=True) as secure:
        caps = "IMAP4rev1 AUTH=XOAUTH2 SASL-IR"
        secure.sendall(f"* OK [CAPABILITY {caps}] ready\r\n".encode())
        for line in secure.makefile("rb"):
            said.append(line.decode())
            tag, verb = line.decode().split()[:2]
            reply = {"CAPABILITY": f"* CAPABILITY {caps}\r\n{tag} OK x\r\n",
                     "AUTHENTICATE": f"{tag} NO token expired\r\n"}
            secure.sendall(reply.get(verb, f"{tag} OK x\r\n").encode())


def test_logs_in_with_a_token():
    said = []
    with Sink() as sink, Presort(sink.port, workers=1) as presort, \
            socket.create_server(("127.0.0.1", 0)) as listener:
        make_certificate(presort.directory)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(presort.directory / "cert.pem",
                                presort.directory / "key.pem")
        thread = threading.Thread(target=serve_token, daemon=True,
                                  args=(listener, context, said))
        presort.sql("INSERT INTO mailbox (name, url, username, token_command, "
                    "ca_file) VALUES ('box', 'imaps://localhost:"
                    f"{listener.getsockname()[1]}', '{USER}', "
                    f"'printf {SECRET}', '{presort.directory / 'cert.pem'}')")
        thread.start()
        thread.join(20)
        [asked] = [line.split() for line in said if "AUTHENTICATE" in line]
        assert asked[2] == "XOAUTH2"
        token = base64.b64decode(asked[3])
        assert token == f"user={USER}\1auth=Bearer {SECRET}\1\1".encode()
        # Said to the operator, without the token.
        process.wait_until(lambda: "mailbox_failed" in presort.log(), 10,
                           "a complaint")
        assert SECRET not in presort.log()
