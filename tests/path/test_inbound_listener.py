"""The listener for bounces, from a stranger's side; and the API's way in."""

import base64
import contextlib
import json
import os
import pathlib
import smtplib
import signal
import socket
import ssl

import pytest

from kit import places, process
from kit.dovecot import make_certificate
from kit.postgres import Postgres
from kit.presort import Presort
from kit.sink import Sink

DOMAIN = "bounce.example"
SMUGGLING = places.TOP.parent / \
    "shared/corpora/smtp-smuggling/eod_sequences.jsonl"

DSN = """\
From: MAILER-DAEMON@mx.example\r
To: {to}\r
Message-ID: <{id}@mx.example>\r
Subject: Undelivered\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r
\r
--b\r
Content-Type: text/plain\r
\r
Nobody there.\r
--b\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.example\r
\r
Final-Recipient: rfc822; {whom}\r
Action: failed\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
\r
--b--\r
"""


class Story:
    """Ten mails sent; `mails` are (return path, recipient)."""

    def __init__(self, presort, sink, port):
        self.presort, self.port = presort, port
        campaign = presort.new_campaign(
            [f"u{i}@here.example" for i in range(10)])
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        self.mails = [(line.sender, line.recipient) for line in sink.lines()]

    def count(self, table, where="true", what="count(*)"):
        return int(self.presort.sql(
            f"SELECT {what} FROM {table} WHERE {where}")[0][0])

    def dsn(self, which, number=1):
        to, whom = self.mails[which]
        return DSN.format(to=to, whom=whom, id=number).encode()

    def smtp(self):
        return smtplib.SMTP("127.0.0.1", self.port, "me.example", timeout=20)


@pytest.fixture(scope="module", name="story")
def fixture_story():
    port = places.free_ports(1)[0]
    with Sink() as sink:
        presort = Presort(sink.port, return_path_domain=DOMAIN, workers=1,
                          inbound_listen=f"127.0.0.1:{port}",
                          inbound_client_connections_max=5)
        make_certificate(presort.directory)
        (presort.directory / "key.pem").chmod(0o644)
        for name, file in (("CERTIFICATE", "cert.pem"), ("KEY", "key.pem")):
            presort.environment[f"PRESORT_INBOUND_TLS_{name}"] = str(
                presort.directory / file)
        with presort:
            yield Story(presort, sink, port)


def test_takes_nothing_but_its_own(story):
    path = story.mails[0][0]
    with story.smtp() as smtp:
        smtp.ehlo()
        for to, code in ((path, 250), (f"fbl@{DOMAIN}", 452)):
            smtp.docmd("MAIL FROM:<>") if to == path else None
            assert smtp.docmd(f"RCPT TO:<{to}>")[0] == code
        smtp.docmd("RSET")
        smtp.docmd("MAIL FROM:<a@b.example>")
        wrong = path.replace(path[5], "f" if path[5] != "f" else "e", 1)
        for to in (wrong, f"root@{DOMAIN}", "x@elsewhere.example",
                   f"x%elsewhere.example@{DOMAIN}",
                   path.replace(DOMAIN, "elsewhere.example")):
            assert smtp.docmd(f"RCPT TO:<{to}>")[0] == 550, to


def test_under_tls_once(story):
    before = story.count("report")
    path = story.mails[1][0]
    context = ssl.create_default_context(
        cafile=story.presort.directory / "cert.pem")
    context.check_hostname = False
    for _ in range(3):
        with story.smtp() as smtp:
            smtp.starttls(context=context)
            smtp.ehlo()
            assert not smtp.has_extn("starttls")
            assert smtp.sendmail("", [path], story.dsn(1)) == {}
    assert story.count("report") == before + 1
    assert story.presort.sql(
        "SELECT reason FROM suppression WHERE address = "
        f"'{story.mails[1][1]}'") == [["bounce"]]


def test_clear_text_behind_starttls_is_dropped(story):
    context = ssl.create_default_context(
        cafile=story.presort.directory / "cert.pem")
    with socket.create_connection(("127.0.0.1", story.port), 20) as raw:
        raw.recv(1000)
        raw.sendall(b"EHLO me\r\n")
        raw.recv(1000)
        raw.sendall(b"STARTTLS\r\nMAIL FROM:<>\r\n")
        assert raw.recv(1000).startswith(b"220 ")
        with context.wrap_socket(raw, server_hostname="localhost") as secure:
            secure.sendall(b"NOOP\r\nRCPT TO:<fbl@bounce.example>\r\n")
            said = b""
            while said.count(b"\r\n") < 2:
                said += secure.recv(1000)
            assert said.startswith(b"250 2.0.0 ok\r\n503 "), said


def test_one_client_has_a_limit(story):
    held = [story.smtp() for _ in range(5)]
    try:
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            story.smtp()
        assert refused.value.smtp_code == 421
    finally:
        for smtp in held:
            smtp.close()
    process.wait_until(lambda: story.smtp().close() or True, 10, "room again")


def test_what_is_strange_is_kept_whole(story):
    text = b"From: a@b\r\nSubject: hi\r\n\r\n.dots\r\n\xff\xfe\r\n"
    before = story.count("inbound_unknown")
    with story.smtp() as smtp:
        smtp.sendmail("a@b.example", [f"fbl@{DOMAIN}"], text)
    assert story.count("inbound_unknown") == before + 1
    kept = story.presort.sql("SELECT encode(raw, 'hex') FROM inbound_unknown "
                             "ORDER BY at DESC LIMIT 1")[0][0]
    assert bytes.fromhex(kept) == (
        f"Delivered-To: fbl@{DOMAIN}\r\n".encode() + text)


def smuggled():
    """What another receiver might take for the end of a message."""
    try:
        with open(SMUGGLING, encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
    except FileNotFoundError:
        return [pytest.param(b"", marks=pytest.mark.skip(
            reason="../shared/corpora/smtp-smuggling is absent"))]
    return [pytest.param(bytes.fromhex(row["hex"]), id=row["hex"])
            for row in rows if "inbound" in row["roles"]]


@pytest.mark.parametrize("sequence", smuggled())
def test_only_one_sequence_ends_a_message(story, sequence):
    """Where it is not told so, the listener hangs up or takes it for text: a
    second message is never smuggled in behind it."""
    before = story.count("inbound_tally", "true", "coalesce(sum(n), 0)")
    second = (f"MAIL FROM:<x@y.example>\r\nRCPT TO:<fbl@{DOMAIN}>\r\nDATA\r\n"
              "From: a@b\r\nSubject: smuggled\r\n\r\nx").encode()
    with story.smtp() as smtp:
        smtp.ehlo("x.example")
        smtp.mail("a@b.example")
        smtp.rcpt(f"fbl@{DOMAIN}")
        smtp.docmd("DATA")
        smtp.send(b"From: a@b\r\nSubject: first\r\n\r\ntext" + sequence +
                  second + b"\r\n.\r\n")
        code, _ = smtp.getreply()
        try:
            smtp.quit()
        except smtplib.SMTPServerDisconnected:
            pass
    taken = story.count("inbound_tally", "true", "coalesce(sum(n), 0)") - before
    assert taken == (1 if code == 250 else 0)
    assert story.count("inbound_unknown", "subject = 'smuggled'") == 0


def test_a_complaint_without_a_name_tells_its_campaign(story):
    [[campaign]] = story.presort.sql("SELECT id FROM campaign LIMIT 1")
    text = ("From: fbl@mail.example\r\nSubject: complaint\r\nContent-Type: "
            "multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
            "--b\r\nContent-Type: message/feedback-report\r\n\r\n"
            "Feedback-Type: abuse\r\nUser-Agent: x\r\nVersion: 1\r\n\r\n"
            "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
            f"Feedback-ID: {campaign.replace('-', '')[:16]}:1:campaign:presort"
            "\r\n\r\n--b--\r\n")
    with story.smtp() as smtp:
        smtp.sendmail("a@b.example", [f"fbl@{DOMAIN}"], text)
    newest = story.presort.command("inbound", "list").splitlines()[0]
    assert newest.split("\t")[3] == "complaint"
    assert newest.split("\t")[-1] == campaign


def test_api(story):
    before = story.count("report")
    call = story.presort.call
    raw = story.dsn(2)
    for body, kind in ((raw, "message/rfc822"),
                       ({"raw": base64.b64encode(raw).decode()},
                        "application/json"),
                       (raw.replace(b"<1@mx", b"<2@mx"), "message/rfc822")):
        answer = call("POST", "/inbound/bounces", body, kind)
        assert answer.status == 202 and answer.body["id"]
    process.wait_until(lambda: story.count("report") == before + 1, 10,
                       "the report")
    process.wait_until(lambda: story.count("inbound_post") == 0, 10, "the rest")
    assert story.count("report") == before + 1
    assert call("POST", "/inbound/bounces", b"x", "text/plain").status == 415
    assert call("POST", "/inbound/bounces", {"raw": "%%"}).status == 422
    assert call("POST", "/inbound/bounces", {}).status == 422
    key, story.presort.key = story.presort.key, None
    try:
        assert call("POST", "/inbound/bounces", raw,
                    "message/rfc822").status == 401
    finally:
        story.presort.key = key


def test_killed_again_and_again(story):
    """Each mail's bounce is sent until 250 was said, while the process dies
    under it: in the end each is there, once."""
    before = story.count("report")
    for which in range(3, 10):
        for pid in story.presort.pids("presort-inbound"):
            process.kill(pid)

        def taken(which=which):
            try:
                with story.smtp() as smtp:
                    smtp.sendmail("", [story.mails[which][0]],
                                  story.dsn(which, which))
                return True
            except (OSError, smtplib.SMTPException):
                return False
        process.wait_until(taken, 30, "250")
    assert story.count("report") == before + 7


def certificate_of(story):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with story.smtp() as smtp:
        smtp.starttls(context=context)
        return smtp.sock.getpeercert(binary_form=True)


def test_certificate_is_read_again(story):
    old = certificate_of(story)
    make_certificate(story.presort.directory)
    (story.presort.directory / "key.pem").chmod(0o644)
    assert certificate_of(story) == old
    for pid in story.presort.pids("presort-inbound"):
        process.kill(pid, signal.SIGHUP)
    process.wait_until(lambda: certificate_of(story) != old, 10,
                       "the new certificate")
    good = certificate_of(story)
    # A bad one changes nothing.
    (story.presort.directory / "cert.pem").write_text("no certificate\n")
    for pid in story.presort.pids("presort-inbound"):
        process.kill(pid, signal.SIGHUP)
    process.wait_until(lambda: "certificate_refused" in story.presort.log(),
                       10, "a complaint")
    assert certificate_of(story) == good


def test_who_says_nothing_and_who_says_too_much():
    """A silent client is sent away in time; one that brings more mails than
    the minute allows is told to come again."""
    port = places.free_ports(1)[0]
    with Sink() as sink, Presort(
            sink.port, return_path_domain=DOMAIN, workers=1,
            inbound_listen=f"127.0.0.1:{port}", inbound_timeout_seconds=2,
            inbound_client_mails_a_minute=3) as presort:
        story = Story(presort, sink, port)
        with socket.create_connection(("127.0.0.1", port), 10) as silent:
            assert silent.recv(100).startswith(b"220 ")
            assert silent.recv(100).startswith(b"421 ")
            assert silent.recv(100) == b""
        with story.smtp() as smtp:
            for number in range(3):
                smtp.sendmail("", [story.mails[number][0]], story.dsn(number))
            with pytest.raises(smtplib.SMTPException) as refused:
                smtp.sendmail("", [story.mails[3][0]], story.dsn(3))
            assert " 4" in str(refused.value) or "(4" in str(refused.value)
        assert story.count("report") == 3


def test_nothing_is_said_to_be_taken_while_the_database_is_away():
    port = places.free_ports(1)[0]
    with Postgres() as database, Sink() as sink, Presort(
            sink.port, database.url, return_path_domain=DOMAIN, workers=1,
            inbound_listen=f"127.0.0.1:{port}") as presort:
        story = Story(presort, sink, port)
        path = story.mails[0][0]
        with contextlib.ExitStack() as stack:
            smtp = stack.enter_context(story.smtp())
            database.stop()
            with pytest.raises(smtplib.SMTPDataError) as refused:
                smtp.sendmail("", [path], story.dsn(0))
            assert refused.value.smtp_code == 451
            database.start()

            def taken():
                try:
                    smtp.sendmail("", [path], story.dsn(0))
                    return True
                except smtplib.SMTPDataError as error:
                    assert error.smtp_code == 451
                    return False
            process.wait_until(taken, 30, "250 on the same connection")
        assert story.count("report") == 1


def low_port():
    for port in range(1023, 900, -1):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    return pytest.skip("no port below 1024 is free")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to see it dropped")
def test_listens_below_1024_and_keeps_no_power():
    port = low_port()
    with Sink() as sink, Presort(sink.port, workers=1,
                                 return_path_domain=DOMAIN,
                                 inbound_listen=f"127.0.0.1:{port}") as presort:
        process.wait_until(lambda: process.listens(port), 20, "the listener")
        [pid] = presort.pids("presort-inbound")
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            said = (task / "status").read_text()
            assert "0" not in said.split("Uid:")[1].split("\n")[0].split()
            for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
                assert int(said.split(f"{name}:")[1].split()[0], 16) == 0, name
            assert said.split("NoNewPrivs:")[1].split()[0] == "1"
