"""Mail goes directly to the recipients' own servers, as DNS says: a real name
server, and a sink for each mail server, all on loopback addresses."""

import contextlib
import socket
import socketserver
import threading

import pytest

from kit import process
from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

MANY = 60


def addresses(domain, n=MANY):
    return [f"user{i}@{domain}" for i in range(n)]


@contextlib.contextmanager
def internet(names, *hosts, **settings):
    """Presort, sending directly, and a sink on each of the hosts (the last
    number of 127.0.1.x)."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(Dns(names))
        sinks = {host: stack.enter_context(
            Sink(address=f"127.0.1.{host}", port=port)) for host in hosts}
        presort = stack.enter_context(Presort(
            relay="direct", dkim_required=0, direct_port=port, retry_first_seconds=1,
            retry_jitter_percent=0, poll_interval_ms=200,
            connect_timeout_seconds=2, **dns.settings, **settings))
        yield presort, sinks


def to(sink, domain):
    return sum(r.endswith("@" + domain) for r in sink.copies())


def test_mx_decides_where_mail_goes():
    """Preference; a domain without MX; two domains with the same host; the
    next host when the best one is down."""
    names = {
        "one.example": ["MX 10 mx1.example.", "MX 20 mx9.example."],
        "two.example": ["MX 5 mx1.example."],
        "plain.example": ["A 127.0.1.2"],
        "backup.example": ["MX 1 dead.example.", "MX 2 mx3.example."],
        "mx1.example": ["A 127.0.1.1"], "mx3.example": ["A 127.0.1.3"],
        "mx9.example": ["A 127.0.1.9"], "dead.example": ["A 127.0.1.77"],
    }
    domains = ["one.example", "two.example", "plain.example", "backup.example"]
    with internet(names, 1, 2, 3, 9) as (presort, sinks):
        everyone = [a for d in domains for a in addresses(d)]
        campaign = presort.new_campaign(everyone)
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == len(everyone), totals
        assert to(sinks[1], "one.example") == MANY
        assert to(sinks[1], "two.example") == MANY
        assert to(sinks[2], "plain.example") == MANY
        assert to(sinks[3], "backup.example") == MANY
        assert not sinks[9].copies()


def test_what_can_not_be_sent_says_why():
    """Null MX, a domain that does not exist, an address literal, a host
    without address: bounced, each with its reason."""
    names = {
        "null.example": ["MX 0 ."],
        "lost.example": ["MX 10 nowhere.example."],
        "text.example": ['TXT "no mail here"'],
        "good.example": ["MX 1 mx.example."], "mx.example": ["A 127.0.1.1"],
    }
    expected = {
        "a@null.example": ("556", "5.1.10"),
        "a@absent.example": ("550", "5.1.2"),
        "a@text.example": ("550", "5.1.2"),
        "a@lost.example": ("550", "5.4.4"),
        "a@[127.0.1.1]": ("550", "5.1.3"),
    }
    with internet(names, 1) as (presort, sinks):
        campaign = presort.new_campaign([*expected, "b@good.example"])
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        totals = presort.check_totals(campaign)
        assert (totals["bounced"], totals["delivered"]) == (5, 1), totals
        rows = presort.sql("""
            SELECT m.recipient, o.code, o.enhanced, o.step, o.reply
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE o.verdict = 'bounced'""")
        assert {r[0]: (r[1], r[2]) for r in rows} == expected
        assert all(r[3] == "DNS" and len(r[4]) > 10 for r in rows), rows
        assert list(sinks[1].copies()) == ["b@good.example"]


def test_hosts_that_are_us_are_loops():
    """By our name, however it is written, or where our own listener takes mail:
    mail goes to better hosts only, and bounces where there is none (RFC 5321,
    5.1). A sink at another loopback address is somebody else."""
    names = {
        "name.example": ["MX 1 presort.example."],
        "presort.example": ["A 127.0.1.3"],
        "first.example": ["MX 1 us.example.", "MX 2 mx3.example."],
        "equal.example": ["MX 1 mx3.example.", "MX 1 us.example."],
        "plain.example": ["A 127.0.1.5"],
        "better.example": ["MX 1 mx1.example.", "MX 2 us.example."],
        "dead.example": ["MX 1 mx77.example.", "MX 2 us.example.",
                         "MX 3 mx3.example."],
        "us.example": ["A 127.0.1.5"], "mx77.example": ["A 127.0.1.77"],
        "mx1.example": ["A 127.0.1.1"], "mx3.example": ["A 127.0.1.3"],
    }
    port = free_ports(1)[0]
    loops = {f"a@{n}.example" for n in ("name", "first", "equal", "plain")}
    with Dns(names) as dns, \
            Sink(address="127.0.1.1", port=port) as better, \
            Sink(address="127.0.1.3", port=port) as worse, \
            Presort(relay="direct", dkim_required=0, direct_port=port,
                    hostname="Presort.Example", poll_interval_ms=200,
                    inbound_listen=f"127.0.1.5:{port}",
                    inbound_domains="bounce.example",
                    retry_first_seconds=3600, **dns.settings) as presort:
        campaign = presort.new_campaign(
            [*loops, "a@better.example", "a@dead.example"])
        presort.send(campaign)
        presort.wait_for_totals(
            campaign, 30, lambda t: t["delivered"] == 1 and
            t["bounced"] == 4 and t["deferred"] == 1)
        rows = presort.sql("""
            SELECT m.recipient, o.code, o.enhanced, o.reply
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE o.verdict = 'bounced'""")
        assert {r[0] for r in rows} == loops
        assert all(r[1:3] == ["550", "5.4.6"] for r in rows), rows
        assert all("loops back to us" in r[3] for r in rows), rows
        assert sum("inbound_listen" in r[3] and "us.example" in r[3]
                   for r in rows) == 2, rows
        assert set(better.copies()) == {"a@better.example"}
        assert not worse.copies()


def test_a_name_server_that_fails_is_asked_again():
    """SERVFAIL for a domain's MX, or for its only host's address, says nothing
    about the mail: it is put off, and delivered once there is an answer."""
    good = {"ok.example": ["MX 1 mx1.example."], "mx1.example": ["A 127.0.1.1"],
            "lame.example": ["MX 1 mx.sick.example."]}
    healed = {"sick.example": ["MX 1 mx1.example."],
              "mx.sick.example": ["A 127.0.1.1"]}
    port = free_ports(1)[0]
    with Dns(good, failing=["sick.example"]) as dns, \
            Sink(address="127.0.1.1", port=port) as sink, \
            Presort(relay="direct", dkim_required=0, direct_port=port,
                    retry_first_seconds=1, retry_jitter_percent=0,
                    poll_interval_ms=200, **dns.settings) as presort:
        campaign = presort.new_campaign(
            ["a@sick.example", "a@lame.example", "a@ok.example"])
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] == 1 and
                                t["deferred"] >= 2)
        assert presort.totals(campaign)["bounced"] == 0
        assert set(sink.copies()) == {"a@ok.example"}
        why = {r[0]: r[1:] for r in presort.sql("""
            SELECT DISTINCT m.recipient, o.code, o.enhanced, o.step, o.reply
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE o.verdict = 'deferred'""")}
        assert why == {
            f"a@{n}.example": ["451", "4.4.3", "DNS",
                               f"DNS: {host}: server failure"]
            for n, host in (("sick", "sick.example"),
                            ("lame", "mx.sick.example"))}, why
        dns.publish(good | healed)
        presort.wait_for(campaign, 90)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["bounced"]) == (3, 0), totals
        assert set(sink.copies()) == {
            "a@sick.example", "a@lame.example", "a@ok.example"}


def test_transactional_mail_of_many_domains_at_once():
    names = {f"d{i}.example": [f"MX 1 mx{i % 3}.example."] for i in range(30)}
    names |= {f"mx{i}.example": [f"A 127.0.1.{i + 1}"] for i in range(3)}
    with internet(names, 1, 2, 3) as (presort, sinks):
        for i in range(30):
            presort.ask("POST", "/emails", {
                "from": "shop@source.example", "to": [f"a@d{i}.example"],
                "subject": "Receipt", "text": "Thank you."})
        presort.sql("SELECT 1")
        def all_there():
            return sum(len(s.copies()) for s in sinks.values()) == 30
        process.wait_until(all_there, 30, "30 mails")
        for i in range(30):
            assert f"a@d{i}.example" in sinks[i % 3 + 1].copies()


def test_a_dead_site_keeps_nobody_waiting():
    """Nobody answers for one domain: its mails are deferred, each with an
    outcome, while the others are delivered; when its server comes up they
    are, too."""
    names = {
        "dead.example": ["MX 1 mx7.example."], "mx7.example": ["A 127.0.1.7"],
        "good.example": ["MX 1 mx1.example."], "mx1.example": ["A 127.0.1.1"],
    }
    with internet(names, 1) as (presort, sinks):
        campaign = presort.new_campaign(
            addresses("dead.example") + addresses("good.example"))
        presort.send(campaign)
        presort.wait_for_totals(
            campaign, 30, lambda t: t["delivered"] == MANY and
            t["deferred"] >= MANY)
        reasons = presort.sql("""
            SELECT DISTINCT step, reach FROM outcome
            WHERE verdict = 'deferred'""")
        assert reasons == [["connect", "site"]]
        with Sink(address="127.0.1.7", port=sinks[1].port) as late:
            presort.wait_for(campaign, 60)
            assert presort.check_totals(campaign)["delivered"] == 2 * MANY
            assert len(late.copies()) == MANY


@pytest.mark.parametrize("preference", [
    "ipv4", "ipv6", "ipv4-only", "ipv6-only"])
def test_one_kind_of_addresses_first(preference):
    """Of a server with both the preferred one gets it all; the other one only
    when that does not answer, or never."""
    names = {
        "both.example": ["MX 1 mx1.example."],
        "mx1.example": ["A 127.0.1.1", "AAAA ::1"],
        # Nobody listens at one of each.
        "half.example": ["MX 1 mx2.example."],
        "mx2.example": (["A 127.0.1.2", "AAAA ::1"] if "ipv4" in preference
                        else ["A 127.0.1.1", "AAAA fd00::2"]),
    }
    with internet(names, 1, ip_preference=preference) as (presort, sinks), \
            Sink(address="[::1]", port=sinks[1].port) as six:
        first, other = ((sinks[1], six) if "ipv4" in preference
                        else (six, sinks[1]))
        campaign = presort.new_campaign(
            addresses("both.example") + addresses("half.example"))
        presort.send(campaign)
        only = "only" in preference
        presort.wait_for_totals(
            campaign, 30, lambda t: t["delivered"] == MANY * (2 - only) and
            t["deferred"] >= MANY * only)
        assert to(first, "both.example") == MANY
        assert to(other, "half.example") == (0 if only else MANY)
        assert len(other.copies()) == to(other, "half.example")


def test_gateways_and_names_beyond_ascii():
    """An RFC 2156 address is routed like any other, from a campaign and by the
    API. A domain of U-labels goes as A-labels, also to a server that knows no
    SMTPUTF8; a local part beyond ASCII is a clear bounce there."""
    x400 = "/G=Jo/S=Doe/O=Org/ADMD=x/C=gb/@gateway.example"
    names = {"gateway.example": ["MX 1 mx1.example."],
             "xn--bcher-kva.example": ["MX 1 mx1.example."],
             "xn--mnchen-3ya.example": ["MX 1 mx2.example."],
             "mx1.example": ["A 127.0.1.1"], "mx2.example": ["A 127.0.1.2"]}
    port = free_ports(1)[0]
    with Dns(names) as dns, Sink(
            address="127.0.1.1", port=port) as sink, Sink(
            "--no-smtputf8", address="127.0.1.2", port=port,
            maildir=True) as old, Presort(
            relay="direct", dkim_required=0, direct_port=port,
            poll_interval_ms=200, **dns.settings) as presort:
        campaign = presort.new_campaign(
            [x400, "j\u00f6@b\u00fccher.example", "j\u00f6@m\u00fcnchen.example",
             "jo@m\u00fcnchen.example"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["bounced"]) == (3, 1), totals
        assert list(old.copies()) == ["jo@xn--mnchen-3ya.example"]
        (mail,) = old.messages()
        assert b"\nTo: jo@xn--mnchen-3ya.example\r\n" in mail.content
        assert set(sink.copies()) == {x400, "j\u00f6@b\u00fccher.example"}
        (reason,) = presort.sql("""
            SELECT m.recipient, o.reply FROM outcome o
            JOIN mail m USING (batch, seq) WHERE o.verdict = 'bounced'""")
        assert reason[0] == "j\u00f6@m\u00fcnchen.example"
        assert "SMTPUTF8" in reason[1]
        presort.ask("POST", "/emails", {
            "from": "shop@source.example", "to": [x400],
            "subject": "Receipt", "text": "Thank you."})
        process.wait_until(lambda: sink.copies()[x400] == 2, 20,
                           "the mail by the API")


@pytest.mark.parametrize("field", ["reply_to", "cc"])
def test_header_addresses_beyond_ascii(field):
    """An address in the header is beyond ASCII where the envelope is not: with
    SMTPUTF8 or not at all (RFC 6531 3.4). For its domain's sake alone it goes
    as A-labels, to any server."""
    names = {"new.example": ["MX 1 mx1.example."],
             "old.example": ["MX 1 mx2.example."],
             "xn--bcher-kva.example": ["MX 1 mx2.example."],
             "mx1.example": ["A 127.0.1.1"], "mx2.example": ["A 127.0.1.2"]}
    port = free_ports(1)[0]
    with Dns(names) as dns, Sink(
            address="127.0.1.1", port=port, maildir=True) as new, Sink(
            "--no-smtputf8", address="127.0.1.2", port=port,
            maildir=True) as old, Presort(
            relay="direct", dkim_required=0, direct_port=port,
            poll_interval_ms=200, **dns.settings) as presort:

        def send(to, other):
            presort.ask("POST", "/emails", {
                "from": "shop@source.example", "to": [to], field: [other],
                "subject": "Gr\u00fc\u00dfe", "text": "Thank you."})

        send("wide@new.example", "j\u00f6@new.example")
        send("wide@old.example", "j\u00f6@new.example")
        send("label@new.example", "jo@b\u00fccher.example")
        send("label@old.example", "jo@b\u00fccher.example")
        process.wait_until(lambda: presort.sql("""
            SELECT m.recipient, o.verdict, o.enhanced, o.category
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE o.verdict <> 'delivered'""") == [
                ["wide@old.example", "bounced", "5.6.7", "auth_or_policy"]],
            20, "the bounce")
        process.wait_until(lambda: old.copies().get("label@old.example") == 1
                           and new.copies().get("label@new.example") == 1
                           and new.copies().get("wide@new.example") == 1, 20,
                           "the others")
        assert "wide@old.example" not in old.copies()
        for mail in [*old.messages(), *new.messages()]:
            header = mail.content.partition(b"\r\n\r\n")[0]
            wide = mail.recipient in ("wide@new.example",
                                      "j\u00f6@new.example")
            assert header.isascii() is not wide, header
            assert ("SMTPUTF8" in mail.mail_parameters.upper()) is wide


def test_what_may_be_quoted_arrives():
    """RFC 5321 4.1.2: within quotes nearly everything may stand; X.400 has
    spaces and long local parts. No rule of our own puts anybody on the list."""
    people = ['"/G=Jo/S=Doe/O=Some Org/ADMD= /C=gb/"@gateway.example',
              "/G=Joseph/S=Doe-Smithson/OU=Department/O=Organisation/PRMD=comp"
              "any/ADMD=x/C=gb/@gateway.example",
              '"john doe"@gateway.example', '"a<b>c"@gateway.example',
              '"/S=D\\"oe/"@gateway.example', '"a@b"@gateway.example']
    names = {"gateway.example": ["MX 1 mx1.example."],
             "mx1.example": ["A 127.0.1.1"]}
    with internet(names, 1) as (presort, sinks):
        campaign = presort.new_campaign([*people, "jo@[127.0.1.1]"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["bounced"]) == (6, 1), totals
        assert sinks[1].copies() == dict.fromkeys(people, 1)
        for email in people:
            presort.ask("POST", "/emails", {
                "from": "shop@source.example", "to": [email],
                "subject": "Receipt", "text": "Thank you."})
        process.wait_until(
            lambda: sinks[1].copies() == dict.fromkeys(people, 2), 20,
            "the mails by the API")
        assert presort.ask("GET", "/suppressions")["data"] == []
        presort.command("suppressions", "add", people[0], people[1])
        listed = presort.ask("GET", "/suppressions")["data"]
        assert {e["email"] for e in listed} == {p.lower() for p in people[:2]}


class BrokenTls(socketserver.StreamRequestHandler):
    """Offers STARTTLS, can't do it, and takes nothing without."""

    takes_clear = False
    said = ()  # what clients say, where it is kept

    def take(self, verb, say):
        if verb == b"DATA":
            say("354 go on")
            while self.rfile.readline() not in (b".\r\n", b""):
                pass
        say("250 2.0.0 taken")

    def handle(self):
        def say(line):
            self.wfile.write(line.encode() + b"\r\n")
        say("220 there")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if isinstance(self.said, list):
                self.said.append(line.strip())
            if verb == b"EHLO":
                say("250-there\r\n250 STARTTLS")
            elif self.takes_clear and verb in (b"MAIL", b"RCPT", b"DATA"):
                self.take(verb, say)
            elif verb == b"STAR":
                say("220 go")
                self.wfile.write(b"\x15\x03\x03\x00\x02\x02\x50")  # alert
                return
            else:
                say("221 bye" if verb == b"QUIT" else
                    "530 5.7.0 Must issue a STARTTLS command first")


def test_tls_that_is_demanded_and_broken_is_waited_for():
    """In clear, where its TLS does not work, it says that it wants TLS: that
    is no word about the mail, which is not given up."""
    names = {"broken.example": ["MX 1 mx7.example."],
             "mx7.example": ["A 127.0.1.7"]}
    with internet(names, 1) as (presort, sinks), \
            serving("127.0.1.7", sinks[1].port, BrokenTls):
        campaign = presort.new_campaign(addresses("broken.example", 3))
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["deferred"] >= 6)
        assert presort.totals(campaign)["bounced"] == 0
        assert presort.sql("SELECT DISTINCT code FROM outcome WHERE "
                           "reply LIKE 'Must issue%'") == [["530"]]


def test_broken_tls_is_known_to_all_who_come_later():
    """One attempt at TLS with an address, whatever domain's mail goes there: a
    destination that went, or another one of the same host, is no reason to try
    again within the hour."""
    class Taking(BrokenTls):
        takes_clear = True
        said = []

    names = {f"{n}.example": [f"MX 1 mx.{n}.example."] for n in ("a", "b")}
    names |= {f"mx.{n}.example": ["A 127.0.1.7"] for n in ("a", "b")}
    with internet(names, 1, workers=1, site_connections_max=2,
                  transactional_connections=1) as (presort, sinks), \
            serving("127.0.1.7", sinks[1].port, Taking):
        for n in ("a", "b"):
            campaign = presort.new_campaign(addresses(f"{n}.example", 3))
            presort.send(campaign)
            presort.wait_for(campaign, 30)
            assert presort.check_totals(campaign)["delivered"] == 3
        tried = [line for line in Taking.said
                 if line == b"STARTTLS" or line.startswith(b"RCPT")]
        assert tried[0] == b"STARTTLS" and tried.count(b"STARTTLS") == 1, tried
        assert sum(b"@b.example" in line for line in tried) == 3, tried


@contextlib.contextmanager
def silent(address, port):
    """A host whose every connection hangs: its queue of them is full."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((address, port))
        server.listen(0)
        for _ in range(4):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex((address, port))
        yield


def test_hosts_that_do_not_answer_leave_others_their_turn():
    """The fourth host gets the mail within a round of time-outs; where none of
    three answers, the mail is put off."""
    dead = [f"127.0.1.{n}" for n in (71, 72, 73)]
    names = {"far.example": [f"MX {n} mx{n}.far.example." for n in range(4)],
             "gone.example": [f"MX {n} mx{n}.gone.example." for n in range(3)],
             "mx3.far.example": ["A 127.0.1.1"]}
    names |= {f"mx{n}.{name}.example": [f"A {address}"] for n, address in
              enumerate(dead) for name in ("far", "gone")}
    with internet(names, 1) as (presort, sinks), contextlib.ExitStack() as held:
        for address in dead:
            held.enter_context(silent(address, sinks[1].port))
        campaign = presort.new_campaign(
            addresses("far.example", 5) + addresses("gone.example", 5))
        presort.send(campaign)
        presort.wait_for_totals(campaign, 14, lambda t: t["delivered"] == 5 and
                                t["deferred"] >= 5)


@contextlib.contextmanager
def serving(address, port, handler):
    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    with Server((address, port), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_a_server_that_has_lost_the_thread_bounces_nothing():
    """503 ("bad sequence") and 500 say nothing of the mail: it waits, and the
    connection is over."""
    came, left = [], {b"MAIL": "503 5.5.1 Bad sequence", b"RCPT": "500 What?",
                      b"DATA": "503 Bad sequence"}

    class Lost(socketserver.StreamRequestHandler):
        def handle(self):
            came.append(self.client_address)
            self.wfile.write(b"220 there\r\n")
            while line := self.rfile.readline():
                verb = line[:4].upper()
                said = left.pop(verb, "354 go on" if verb == b"DATA" else
                                "250 2.0.0 fine")
                self.wfile.write(said.encode() + b"\r\n")
                while said[0] == "3" and self.rfile.readline() != b".\r\n":
                    pass
                if said[0] == "3":
                    self.wfile.write(b"250 2.0.0 taken\r\n")

    names = {"one.example": ["MX 1 mx.one.example."],
             "mx.one.example": ["A 127.0.1.7"]}
    with internet(names, 1, workers=1) as (presort, sinks), \
            serving("127.0.1.7", sinks[1].port, Lost):
        campaign = presort.new_campaign(addresses("one.example", 4))
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["bounced"]) == (4, 0), totals
        assert left == {} and len(came) >= 4
        # What went with them on a connection may have been deferred, too.
        assert {(code, step) for code, step in presort.sql("""
            SELECT code, step FROM outcome WHERE verdict = 'deferred'
                AND code IS NOT NULL AND reach = 'host'""")} == {
            ("503", "MAIL FROM"), ("500", "RCPT TO"), ("503", "DATA")}
        assert presort.ask("GET", "/suppressions")["data"] == []


@contextlib.contextmanager
def refusing(address, port, greeting="554 5.7.1 Not you"):
    """A server that turns everybody away; yields who came."""
    came = []

    class Away(socketserver.StreamRequestHandler):
        def handle(self):
            came.append(self.client_address)
            self.wfile.write(greeting.encode() + b"\r\n")
            self.rfile.read(1)

    with serving(address, port, Away):
        yield came


@pytest.mark.parametrize("greeting", [
    "421 4.3.2 Not now", "450 4.7.1 Not now"])
def test_a_host_that_is_busy_leaves_its_mail_to_the_next(greeting):
    """The best MX turns everybody away for now, at its greeting: the mail goes
    to the other at once, and no mail is put off."""
    names = {
        "two.example": ["MX 1 mx2.example.", "MX 2 mx1.example."],
        "mx1.example": ["A 127.0.1.1"], "mx2.example": ["A 127.0.1.2"],
    }
    with internet(names, 1) as (presort, sinks), \
            refusing("127.0.1.2", sinks[1].port, greeting) as came:
        campaign = presort.new_campaign(addresses("two.example"))
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["delivered"] == MANY
        assert to(sinks[1], "two.example") == MANY
        assert came
        verdicts = presort.sql("SELECT DISTINCT verdict FROM outcome")
        assert verdicts == [["delivered"]]


def test_the_fall_back_relay_takes_what_no_server_takes():
    """While no server of a domain can be reached its mail goes by the fall-back
    relay; once one is up, directly again. Not so where the domain's mail needs
    TLS with the right server, nor where a server was reached and said no."""
    names = {
        "dead.example": ["MX 1 mx7.example."], "mx7.example": ["A 127.0.1.7"],
        "sure.example": ["MX 1 mx8.example."], "mx8.example": ["A 127.0.1.8"],
        "good.example": ["MX 1 mx1.example."], "mx1.example": ["A 127.0.1.1"],
        "shut.example": ["MX 1 mx2.example."], "mx2.example": ["A 127.0.1.2"],
    }
    domains = ["dead.example", "sure.example", "good.example", "shut.example"]
    with internet(names, 1, 9) as (presort, sinks), \
            refusing("127.0.1.2", sinks[1].port):
        presort.command("relay", "add", "smart", f"127.0.1.9:{sinks[1].port}",
                        "--tls", "none")
        presort.command("route", "default", "direct", "--fallback", "smart")
        presort.command("tls", "set", "sure.example", "required")
        campaign = presort.new_campaign(
            [a for d in domains for a in addresses(d)])
        presort.send(campaign)
        presort.wait_for_totals(
            campaign, 30, lambda t: t["delivered"] == 2 * MANY and
            t["deferred"] >= 2 * MANY)
        assert to(sinks[9], "dead.example") == len(sinks[9].copies()) == MANY
        assert to(sinks[1], "good.example") == len(sinks[1].copies()) == MANY
        with Sink(address="127.0.1.7", port=sinks[1].port) as late:
            again = presort.new_campaign(addresses("dead.example"))

            def direct_again():
                presort.ask("POST", "/emails", {
                    "from": "shop@source.example", "to": ["a@dead.example"],
                    "subject": "Receipt", "text": "Thank you."})
                return len(late.copies()) > 0
            process.wait_until(direct_again, 60, "a mail sent directly")
            before = len(sinks[9].copies())
            presort.send(again)
            presort.wait_for(again, 60)
            assert to(late, "dead.example") >= MANY
            assert len(sinks[9].copies()) == before
