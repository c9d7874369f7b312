"""Mail servers on loopback that keep who came, from which address and under
which name; and a Presort whose relays they are."""

import collections
import contextlib
import socketserver
import threading

from . import process
from .dns import Dns
from .places import free_ports
from .presort import Presort


class Servers:
    """Mail servers that keep who came, under which name, with which mails; and
    that blame addresses."""

    def __init__(self):
        self.port = free_ports(1)[0]
        self.came = []  # (server, source, EHLO name, recipient)
        self.blamed = set()  # by all of them
        self.blamed_at = {}  # {server: those that it blames}
        self.refusals = 0
        self.servers = []

    def listen(self, address):
        outer = self

        class Talk(socketserver.StreamRequestHandler):
            def handle(self):
                outer.talk(self, address)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
        server = Server((address, self.port), Talk)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.servers.append(server)

    def talk(self, client, address):
        def say(line):
            client.wfile.write(line.encode() + b"\r\n")
        source, name, to = client.client_address[0], "", ""
        say("220 there")
        while line := client.rfile.readline().decode():
            verb = line[:4].upper()
            if verb == "EHLO":
                name = line.split()[1]
            if verb == "RCPT":
                to = line[line.index("<") + 1:line.index(">")]
                if source in self.blamed | self.blamed_at.get(address,
                                                              set()):
                    self.refusals += 1
                    say("550 5.7.1 Service unavailable; client host [" +
                        source + "] blocked using zen.spamhaus.org")
                    continue
            if verb == "DATA":
                say("354 go")
                while client.rfile.readline() not in (b".\r\n", b""):
                    pass
                self.came.append((address, source, name, to))
            say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return

    def sources(self, server=None):
        return collections.Counter(
            source for at, source, _, _ in list(self.came)
            if server in (None, at))


@contextlib.contextmanager
def installation(sites, names=None, **settings):
    """sites: addresses; each is also the relay r0, r1, ... With names (see
    kit.dns) they can be sent to directly."""
    servers = Servers()
    with contextlib.ExitStack() as stack:
        if names:
            settings |= stack.enter_context(Dns(names)).settings
            settings |= {"direct_port": servers.port, "dkim_required": 0}
        for site in sites:
            servers.listen(site)
            stack.callback(servers.servers[-1].shutdown)
        presort = stack.enter_context(Presort(
            f"127.0.1.1:{servers.port}", **{
                "poll_interval_ms": 100, "retry_first_seconds": 1,
                "retry_jitter_percent": 0, **settings}))
        for i, site in enumerate(sites):
            presort.command("relay", "add", f"r{i}", f"{site}:{servers.port}",
                            "--tls", "none")
        yield presort, servers


def add(presort, address, name, *more, pool="main"):
    presort.command("sources", "add", address, "--ehlo", name, "--pool", pool,
                    *more)


def known(presort, rules=1):
    process.wait_until(lambda: presort.log().count(f"rules={rules}\n") >= 2,
                       20, "both workers to know")


def send(presort, addresses):
    campaign = presort.new_campaign(addresses)
    presort.send(campaign)
    return campaign
