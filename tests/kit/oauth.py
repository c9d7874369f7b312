"""A token endpoint (RFC 6749, 6), and a mail server that takes its tokens."""

import base64
import contextlib
import http.server
import json
import secrets
import socketserver
import ssl
import threading
import time
import urllib.parse

REFRESH_TOKEN = "1//refresh+token/of&stories="
CLIENT_SECRET = "client secret of stories; 100%"
CLIENT_ID = "presort.apps.example"


def context(certificate):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up


class TokenEndpoint:
    """with TokenEndpoint() as endpoint: ... endpoint.url

    answer: what it says instead of a token, as (status, body, headers); None
    for tokens, which live for expires_in seconds. go: cleared, it says nothing.
    asked: the forms that came."""

    def __init__(self, certificate=None, expires_in=3600):
        self.expires_in, self.answer, self.more = expires_in, None, {}
        self.asked, self.given, self.ends = [], [], {}
        self.go = threading.Event()
        self.go.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers["Content-Length"])
                outer.asked.append(dict(urllib.parse.parse_qsl(
                    self.rfile.read(size).decode(), strict_parsing=True)))
                outer.go.wait()
                status, body, headers = outer.answer or outer.make()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json",
                                    "Content-Length": str(len(body)),
                                    **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = _Server(("127.0.0.1", 0), Handler)
        port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{port}/token"
        if certificate:
            self.server.socket = context(certificate).wrap_socket(
                self.server.socket, server_side=True)
            self.url = f"https://localhost:{port}/token"

    def make(self):
        token = f"ya29.{secrets.token_hex(400)}"
        self.given.append(token)
        self.ends[token] = time.monotonic() + self.expires_in
        return 200, json.dumps({
            "access_token": token, "expires_in": self.expires_in,
            "token_type": "Bearer", "scope": "https://mail.google.com/",
            **self.more}).encode(), {}

    def says(self, status, **fields):
        self.answer = (status, json.dumps(fields).encode(), {})

    def revoke(self):
        self.ends.clear()

    def takes(self, token):
        return time.monotonic() < self.ends.get(token, 0)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self.go.set()
        self.server.shutdown()
        self.server.server_close()


class _Client(socketserver.StreamRequestHandler):
    """One SMTP session, TLS from the first byte on."""

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def login(self, words):
        said = base64.b64decode(words[2]).decode().split("\1")
        token = said[1].removeprefix("auth=Bearer ")
        good = said[0] == "user=jo" and self.server.endpoint.takes(token)
        self.server.logins.append((token, good))
        if good:
            self.say("235 2.7.0 welcome")
            return True
        self.say("334 " + base64.b64encode(b'{"status":"401"}').decode())
        self.rfile.readline()
        self.say("535 5.7.8 not with this token")
        return False

    def handle(self):
        with contextlib.suppress(OSError, ValueError, IndexError):
            self.talk()

    def talk(self):
        logged_in, to = False, ""
        self.say("220 mail.example")
        for line in self.rfile:
            words = line.decode().split()
            verb = words[0].upper()
            if verb == "EHLO":
                self.say("250-mail.example\r\n250 AUTH XOAUTH2")
            elif verb == "AUTH":
                logged_in = self.login(words)
            elif verb == "QUIT":
                self.say("221 bye")
                return
            elif not logged_in:
                self.say("530 5.7.0 log in first")
            elif verb == "DATA":
                self.say("354 go")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.server.mails.append(to)
                self.say("250 kept")
            else:
                to = line.decode().split("<")[1].split(">")[0] if verb == "RCPT" else to
                self.say("250 ok")


class TokenSmtp(socketserver.ThreadingTCPServer):
    """with TokenSmtp(certificate, endpoint) as smtp: ... logins: (token, was it
    taken); mails: recipients."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, certificate, endpoint):
        super().__init__(("127.0.0.1", 0), _Client)
        self.socket = context(certificate).wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False)
        self.endpoint, self.logins, self.mails = endpoint, [], []
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        pass

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class TokenImap(socketserver.ThreadingTCPServer):
    """An IMAP server whose INBOX is empty, and that takes the endpoint's
    tokens; TLS from the first byte on. logins: (token, was it taken)."""

    allow_reuse_address = daemon_threads = True

    class Client(socketserver.StreamRequestHandler):
        def say(self, *lines):
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

        def login(self, tag, said):
            token = base64.b64decode(said).decode().split("\1")[1].removeprefix(
                "auth=Bearer ")
            good = self.server.endpoint.takes(token)
            self.server.logins.append((token, good))
            self.say(f"{tag} OK in" if good else f"{tag} NO not with this")

        def handle(self):
            caps = "CAPABILITY IMAP4rev1 AUTH=XOAUTH2 SASL-IR"
            with contextlib.suppress(OSError, ValueError, IndexError):
                self.say(f"* OK [{caps}] ready")
                for line in self.rfile:
                    tag, verb, *rest = line.decode().split()
                    more = {"CAPABILITY": ["* " + caps],
                            "SELECT": ["* 0 EXISTS", "* OK [UIDVALIDITY 1] x"],
                            "STATUS": ['* STATUS "INBOX" (UIDVALIDITY 1)'],
                            "UID": ["* SEARCH"]}.get(verb, [])
                    if verb == "AUTHENTICATE":
                        self.login(tag, rest[1])
                    else:
                        self.say(*more, f"{tag} OK done")

    def __init__(self, certificate, endpoint):
        super().__init__(("127.0.0.1", 0), self.Client)
        self.socket = context(certificate).wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False)
        self.endpoint, self.logins = endpoint, []
        self.port = self.server_address[1]

    def handle_error(self, request, client_address):
        pass

    __enter__, __exit__ = TokenSmtp.__enter__, TokenSmtp.__exit__
