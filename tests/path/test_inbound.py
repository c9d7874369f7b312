"""What comes back by mail: a campaign through a real Postfix that takes all
of it and bounces half of it later."""

import contextlib
import imaplib
import os
import select
import socket
import ssl
import threading
import time

import pytest

from kit import places, process
from kit.dovecot import PASSWORD, USER, Dovecot
from kit.postfix import Postfix
from kit.presort import Presort

BOUNCES = "bounce.example"
HALF = 40
GONE = {"gone.example": "error:5.1.1 nobody of that name is here",
        "full.example": "error:5.2.2 the mailbox is full"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")


def readers():
    """Half of them are gone, and a few have a full mailbox."""
    return [f"u{i}@{domain}" for domain, n in
            (("here.example", HALF), ("gone.example", HALF - 5),
             ("full.example", 5)) for i in range(n)]


def send_all(presort):
    campaign = presort.new_campaign(readers())
    presort.send(campaign)
    presort.wait_for(campaign, 60)
    assert presort.check_totals(campaign)["delivered"] == 2 * HALF
    return campaign


def count(presort, table, where="true"):
    return int(presort.sql(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def check_reports(presort, campaign, source):
    """Each mail that bounced has one report; whoever is gone is suppressed,
    once, and nobody else is."""
    process.wait_until(lambda: count(presort, "report") == HALF, 60,
                       "the last report")
    rows = presort.sql("""SELECT m.recipient, r.kind, r.category, r.hard,
        r.status FROM report r JOIN mail m USING (batch, seq)""")
    assert sorted(rows) == sorted(
        [[f"u{i}@gone.example", "bounced", "invalid_recipient", "t", "5.1.1"]
         for i in range(HALF - 5)] +
        [[f"u{i}@full.example", "bounced", "mailbox_full", "f", "5.2.2"]
         for i in range(5)])
    suppressed = presort.sql("SELECT address, reason FROM suppression")
    assert sorted(suppressed) == sorted(
        [f"u{i}@gone.example", "bounce"] for i in range(HALF - 5))
    assert presort.sql(f"""SELECT category, later FROM failure
        WHERE campaign = '{campaign}' ORDER BY 1""") == [
        ["invalid_recipient", str(HALF - 5)], ["mailbox_full", "5"]]
    assert presort.sql("""SELECT source, n FROM inbound_tally
                          WHERE kind = 'bounce'""") == [[source, str(HALF)]]
    assert presort.check_totals(campaign)["delivered"] == 2 * HALF


@needs_root
def test_bounces_come_by_smtp():
    port = places.free_ports(1)[0]
    transports = {**GONE, BOUNCES: f"smtp:[127.0.0.1]:{port}"}
    with Postfix(transports) as postfix, Presort(
            postfix.port, return_path_domain=BOUNCES,
            inbound_listen=f"127.0.0.1:{port}") as presort:
        campaign = send_all(presort)
        check_reports(presort, campaign, "smtp")


def bounced(postfix):
    """What Postfix has delivered to the return paths."""
    def there():
        found = [m for m in postfix.messages()
                 if b"\nDelivered-To: b+" in m]
        return found if len(found) == HALF else None
    return process.wait_until(there, 60, "the last bounce")


def add_mailbox(presort, box, kind, done="delete", name="box"):
    secret = presort.directory / "secret"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o644)
    authority = presort.directory / f"{name}.pem"
    authority.write_bytes(box.ca_file.read_bytes())
    presort.command("mailboxes", "add", name, "--url",
                    f"{kind}://localhost:{box.ports[kind]}", "--user", USER,
                    "--password-file", str(secret), "--ca-file",
                    str(authority), "--done", done)


STRANGE = b"From: a@b.example\nSubject: what is this\n\nHello there.\n"


@needs_root
@pytest.mark.parametrize("kind, done", [
    ("pop3s", "delete"), ("pop3", "delete"), ("pop3s", "leave"),
    ("imaps", "delete"), ("imap", "Done.Bounces"), ("imaps", "leave")])
def test_bounces_come_from_a_mailbox(kind, done):
    with Postfix(GONE) as postfix, Dovecot() as box, Presort(
            postfix.port, return_path_domain=BOUNCES,
            inbound_poll_seconds=1) as presort:
        campaign = send_all(presort)
        messages = bounced(postfix)
        box.put([*messages[:25], STRANGE, *messages[25:]])
        add_mailbox(presort, box, kind, done)
        assert "logged in" in presort.command("mailboxes", "test", "box")
        process.wait_until(lambda: count(presort, "report") == HALF, 60,
                           "the last report")
        check_reports(presort, campaign, "box")
        # What says nothing is listed, and stays where it was.
        process.wait_until(
            lambda: len(box.kept()) == (HALF + 1 if done == "leave" else 1),
            30, "the mailbox tidied up")
        assert STRANGE in [m.replace(b"\r\n", b"\n") for m in box.kept()]
        if kind == "imap":
            assert len(box.kept(done)) == HALF
        [line] = presort.command("inbound", "list").splitlines()
        assert "what is this" in line
        shown = presort.command("inbound", "show", line.split("\t")[0])
        assert "Hello there." in shown
        # And is not fetched again and again.
        time.sleep(2.5)
        listed = presort.command("mailboxes", "list")
        assert f"{HALF + 1} messages" in listed and ": ok" in listed
        assert PASSWORD not in presort.log() and PASSWORD not in listed


@needs_root
def test_several_mailboxes_and_other_uids():
    """Two at once; and one whose server gives its UIDs anew, so that new
    messages have the UIDs of others that were read and left."""
    with Postfix(GONE) as postfix, Dovecot() as left, Dovecot() as emptied, \
            Presort(postfix.port, return_path_domain=BOUNCES,
                    inbound_poll_seconds=1) as presort:
        send_all(presort)
        messages = bounced(postfix)
        left.put(messages[:15])
        emptied.put(messages[15:25])
        add_mailbox(presort, left, "imaps", "leave", "left")
        add_mailbox(presort, emptied, "pop3s", name="emptied")
        process.wait_until(lambda: count(presort, "report") == 25, 60,
                           "both mailboxes to be read")
        left.renumber()
        left.put(messages[25:])
        process.wait_until(lambda: count(presort, "report") == HALF, 60,
                           "what came later")
        process.wait_until(lambda: not emptied.kept(), 30, "one emptied")
        assert len(left.kept()) == HALF - 10
        assert sorted(presort.sql("""SELECT source, sum(n) FROM inbound_tally
            GROUP BY source""")) == [["emptied", "10"], ["left", "30"]]


@needs_root
@pytest.mark.parametrize("kind", ["pop3s", "imaps"])
def test_killed_while_it_reads_a_mailbox(kind):
    with Postfix(GONE) as postfix, Dovecot() as box, Presort(
            postfix.port, return_path_domain=BOUNCES,
            inbound_poll_seconds=1) as presort:
        campaign = send_all(presort)
        messages = bounced(postfix)
        # The same bounces many times over, to have time for murder.
        box.put(messages * 5)
        add_mailbox(presort, box, kind)
        for _ in range(6):
            time.sleep(0.4)
            for pid in presort.pids("presort-inbound"):
                process.kill(pid)
        process.wait_until(lambda: not box.kept(), 300, "an empty mailbox")
        check_reports(presort, campaign, "box")


class Cutter:
    """Stands before a Dovecot's imaps, and once, when a certain command comes,
    does something and lets go of the connection instead of passing it on."""

    def __init__(self, box, command, act):
        self.port, self.command, self.act = box.ports["imaps"], command, act
        self.cuts = 0
        etc = box.ca_file.parent
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(etc / "cert.pem", etc / "key.pem")
        self.trust = ssl.create_default_context(cafile=etc / "cert.pem")
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            with contextlib.suppress(OSError):
                client = self.context.wrap_socket(self.listener.accept()[0],
                                                  server_side=True)
                server = self.connect(self.port)
                threading.Thread(target=self._relay, args=(client, server),
                                 daemon=True).start()

    def connect(self, port):
        return self.trust.wrap_socket(
            socket.create_connection(("localhost", port)),
            server_hostname="localhost")

    def _relay(self, client, server):
        other = {client: server, server: client}
        with client, server, contextlib.suppress(OSError):
            while True:
                ready = ([s for s in other if s.pending()]
                         or select.select([*other], [], [])[0])
                for s in ready:
                    data = s.recv(65536)
                    if not data:
                        return
                    if (s is client and self.command in data
                            and not self.cuts):
                        self.cuts += 1
                        self.act()
                        return
                    other[s].sendall(data)


@needs_root
@pytest.mark.parametrize("deed", ["killed", "cut off"])
def test_stopped_between_the_mark_and_the_deletion(deed):
    """IMAP deletes in two steps; a message that somebody else has marked is
    his, and stays."""
    with Postfix(GONE) as postfix, Dovecot() as box, Presort(
            postfix.port, return_path_domain=BOUNCES,
            inbound_poll_seconds=1) as presort:
        campaign = send_all(presort)
        messages = bounced(postfix)

        def act():
            if deed == "killed":
                [pid] = presort.pids("presort-inbound")
                process.kill(pid)
        cutter = Cutter(box, b"UID EXPUNGE", act)
        box.put(messages[:1])
        with imaplib.IMAP4_SSL("localhost", box.ports["imaps"],
                               ssl_context=cutter.trust) as user:
            user.login(USER, PASSWORD)
            user.select()
            assert user.store("1", "+FLAGS", r"(\Deleted)")[0] == "OK"
            user.unselect()
        box.put(messages)
        # The way goes through the cutter.
        way = box.ports["imaps"]
        box.ports["imaps"] = cutter.listener.getsockname()[1]
        add_mailbox(presort, box, "imaps")
        box.ports["imaps"] = way
        process.wait_until(lambda: len(box.kept()) == 1, 120, "the deletion")
        assert cutter.cuts == 1
        assert box.kept() == messages[:1]
        check_reports(presort, campaign, "box")
