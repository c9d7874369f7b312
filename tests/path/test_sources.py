"""Where mail leaves from: pools of addresses, each with a name of its own."""

import collections
import contextlib
import re
import socketserver
import threading
import time

import pytest

from kit import process
from kit.places import free_ports
from kit.presort import Presort

FIRST, SECOND, THIRD = "127.0.3.1", "127.0.3.2", "127.0.3.3"


class Servers:
    """Mail servers that keep who came, under which name, with which mails; and
    that blame addresses."""

    def __init__(self):
        self.port = free_ports(1)[0]
        self.came = []  # (server, source, EHLO name, recipient)
        self.blamed = set()
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
                if source in self.blamed:
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
def installation(sites, **settings):
    servers = Servers()
    with contextlib.ExitStack() as stack:
        for site in sites:
            servers.listen(site)
            stack.callback(servers.servers[-1].shutdown)
        presort = stack.enter_context(Presort(
            f"127.0.1.1:{servers.port}", poll_interval_ms=100,
            retry_first_seconds=1, retry_jitter_percent=0, **settings))
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


def test_each_site_has_its_address_and_keeps_it():
    """By the sender's domain a pool, by the site an address of it, with its
    name; the same on both workers, and after a restart."""
    sites = [f"127.0.1.{n}" for n in range(1, 9)]
    with installation(sites) as (presort, servers):
        for n, address in enumerate([FIRST, SECOND, THIRD]):
            add(presort, address, f"out{n + 1}.example")
        for i in range(len(sites)):
            presort.command("route", "add", "--to", f"s{i}.example", "--via",
                            f"r{i}", "--pool", "main")
        known(presort, len(sites))
        addresses = [f"u{n}@s{i}.example" for i in range(8) for n in range(40)]
        for _ in range(2):
            process.wait_until(lambda: f"rules={len(sites)}" in presort.log(),
                               20, "the routes")
            campaign = send(presort, addresses)
            presort.wait_for(campaign, 60)
            assert presort.check_totals(campaign)["delivered"] == 320
            presort.stop()
            presort.start()
        names = {(source, name) for _, source, name, _ in servers.came}
        assert names <= {(FIRST, "out1.example"), (SECOND, "out2.example"),
                         (THIRD, "out3.example")}
        assert len(names) >= 2  # eight sites by chance
        for site in sites:
            assert len(servers.sources(site)) == 1, servers.sources(site)
        assert len(servers.came) == 640
        listed = presort.command("sources", "list").splitlines()
        assert listed[0] == f"{FIRST}  out1.example  pool=main  warm  " \
            "blamed by -"


def test_who_is_blamed_is_left_and_nobody_suppressed():
    """A site that blames one address gets its mail from the other one; when
    it blames both, it waits. Also after a restart."""
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, FIRST, "out1.example")
        add(presort, SECOND, "out2.example")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(40)])
        presort.wait_for(campaign, 30)
        [[blamed, _]] = servers.sources().items()
        servers.blamed.add(blamed)
        campaign = send(presort, [f"b{n}@s.example" for n in range(40)])
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 40
        other = SECOND if blamed == FIRST else FIRST
        assert servers.sources() == {blamed: 40, other: 40}
        assert presort.sql("SELECT count(*) FROM suppression") == [["0"]]
        assert "source_changed" in presort.log()
        process.wait_until(lambda: f"{blamed}  out" in "".join(
            l for l in presort.command("sources", "list").splitlines()
            if "blamed by relay r0" in l or "blamed by r0" in l), 20,
            "who blames it")
        presort.stop()
        presort.start()
        campaign = send(presort, [f"c{n}@s.example" for n in range(40)])
        presort.wait_for(campaign, 60)
        assert servers.sources() == {blamed: 40, other: 80}


def test_an_address_is_warmed_up():
    """On its first day a provider gets few mails from it, whatever waits; the
    rest leaves from a warm one. Alone, it waits, and `sites` says why."""
    day = 2 * 86400  # two a second
    with installation(["127.0.1.1"], warmup_schedule=str(day)) as (
            presort, servers):
        add(presort, FIRST, "out1.example", "--warm-up", "now")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(400)])
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 5)
        before = len(servers.came)
        process.wait_until(lambda: "being warmed up: 172800 mails a day" in
                           presort.command("sites", "relay r0"), 20, "why it waits")
        assert len(servers.came) < before + 60
        assert servers.sources().keys() == {FIRST}
        add(presort, SECOND, "out2.example")
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 400
        assert servers.sources()[SECOND] > 200
        listed = presort.command("sources", "list")
        assert re.search(r"127.0.3.1 .* day 1 of its warm-up", listed)
        presort.command("sources", "warm", FIRST)
        assert "warm-up" not in presort.command("sources", "list")


def test_a_limit_of_an_address_holds():
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, FIRST, "out1.example")
        presort.command("route", "default", "r0", "--pool", "main")
        presort.command("limits", "set", "source", FIRST, "mails_per_second=10")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(60)])
        started = time.monotonic()
        presort.wait_for(campaign, 60)
        assert time.monotonic() - started > 3
        assert servers.sources() == {FIRST: 60}


@pytest.mark.parametrize("words, says", [
    (("add", "x", "--ehlo", "a.example", "--pool", "p"), "no IP address"),
    (("add", FIRST, "--pool", "p"), "--ehlo and --pool"),
    (("add", FIRST, "--ehlo", "a b", "--pool", "p"), "ehlo"),
    (("pause", "127.9.9.9"), "there is no source"),
    (("remove",), "which address"),
])
def test_wrong_words_are_refused(words, says, presort):
    with pytest.raises(RuntimeError, match=says):
        presort.command("sources", *words)


@pytest.fixture(scope="module", name="presort")
def fixture_presort():
    with Presort("127.0.0.1:9") as presort:
        yield presort


def test_what_is_not_ours_is_told_and_left_out():
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, "192.0.2.77", "out1.example")
        add(presort, SECOND, "out2.example")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(20)])
        presort.wait_for(campaign, 30)
        assert servers.sources() == {SECOND: 20}
        assert "source_unusable address=192.0.2.77" in presort.log()
