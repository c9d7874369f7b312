"""What a mail asks of the servers on its way: notices (RFC 3461), and TLS to
the end (RFC 8689). And a notice of success that comes back is no bounce."""

import contextlib
import os
import pathlib
import re
import smtplib
import tempfile

import pytest

from kit import places, process
from kit.certificate import make as certificate
from kit.dns import Dns
from kit.postfix import Postfix
from kit.presort import Presort
from kit.sink import Sink
from kit.web import STS, Web

MAIL = {"from": "shop@source.example", "subject": "Receipt", "text": "Thanks."}
BOUNCES = "bounce.example"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")


@contextlib.contextmanager
def directory():
    with tempfile.TemporaryDirectory(prefix="dsn-") as path:
        pathlib.Path(path).chmod(0o755)  # engines may be another user
        yield pathlib.Path(path)


def write(presort, to, **fields):
    return presort.ask("POST", "/emails", {**MAIL, "to": [to], **fields})["id"]


def outcome(presort, email, event):
    """What the server said of it, once it has come so far."""
    process.wait_until(
        lambda: presort.ask("GET", f"/emails/{email}")["last_event"] == event,
        20, event)
    return presort.ask("GET", f"/emails/{email}")


def reply(presort, to):
    """(enhanced status, text) of the last outcome."""
    [row] = presort.sql(f"""SELECT o.enhanced, o.reply FROM outcome o
        JOIN mail m USING (batch, seq) WHERE m.recipient = '{to}'
        ORDER BY o.attempt DESC LIMIT 1""")
    return tuple(row)


def parameters(sink):
    return {m.recipient: (m.mail_parameters, m.rcpt_parameters)
            for m in sink.messages()}


def test_what_is_asked_for_is_said():
    """By emails, alone and in batches, and by a campaign; nothing by others."""
    dsn = {"notify": ["success", "delay"], "return": "headers",
           "envid": "order 1=2"}
    with Sink("--dsn", maildir=True) as sink, Presort(sink.port) as presort:
        email = write(presort, "a@x.example", dsn=dsn)
        write(presort, "b@x.example")
        presort.ask("POST", "/emails/batch", [
            {**MAIL, "to": ["c@x.example"], "dsn": {"notify": "never"}},
            {**MAIL, "to": ["d@x.example"], "dsn": {"return": "full"}}])
        campaign = presort.new_campaign(
            ["e@x.example"], dsn={"notify": ["failure"], "envid": "march"})
        again = presort.new_campaign(["f@x.example"], dsn=dsn)
        assert presort.campaign(campaign)["dsn"] == {
            "notify": ["failure"], "envid": "march"}
        assert presort.campaign(campaign)["require_tls"] is False
        presort.ask("PATCH", f"/campaigns/{again}", {"subject": "Other"})
        assert presort.campaign(again)["dsn"] == dsn
        presort.ask("PATCH", f"/campaigns/{again}", {"dsn": None})
        assert presort.campaign(again)["dsn"] is None
        for each in (campaign, again):
            presort.send(each)
            presort.wait_for(each, 30)
        process.wait_until(lambda: len(sink.messages()) == 6, 20, "all mails")
        said = parameters(sink)
        assert said["a@x.example"] == (
            "RET=HDRS ENVID=order+201+3D2", "NOTIFY=SUCCESS,DELAY")
        assert said["b@x.example"] == ("", "")
        assert said["c@x.example"] == ("", "NOTIFY=NEVER")
        assert said["d@x.example"] == ("RET=FULL", "")
        assert said["e@x.example"] == ("ENVID=march", "NOTIFY=FAILURE")
        assert said["f@x.example"] == ("", "")
        assert presort.ask("GET", f"/emails/{email}")["dsn"] == dsn
        refused = presort.call("POST", "/emails", {
            **MAIL, "to": ["a@x.example"], "dsn": {"envid": "a\r\nDATA"}})
        assert refused.status == 422
        assert "`dsn`" in refused.body["message"]


def test_a_server_without_dsn_is_asked_nothing():
    with Sink(maildir=True) as sink, Presort(sink.port) as presort:
        email = write(presort, "a@x.example", dsn={"notify": "never"})
        outcome(presort, email, "delivered")
        assert parameters(sink) == {"a@x.example": ("", "")}


def add_relay(presort, name, port, tls):
    presort.command("relay", "add", name, f"localhost:{port}", "--tls", tls)
    presort.command("route", "add", "--to", f"{name}.example", "--via", name)


def test_tls_is_required_of_a_relay():
    """Whom the relay's own setting would trust with anything gets none of such
    mail, but all other mail; and nobody is suppressed for it."""
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        cert = certificate(where, "localhost")
        right = stack.enter_context(Sink("--starttls", "--tls-cert", cert,
                                         maildir=True))
        wrong = stack.enter_context(Sink("--starttls"))
        plain = stack.enter_context(Sink())
        presort = stack.enter_context(Presort(
            plain.port, tls_ca_file=cert, poll_interval_ms=200))
        add_relay(presort, "right", right.port, "opportunistic")
        add_relay(presort, "wrong", wrong.port, "required")
        add_relay(presort, "plain", plain.port, "opportunistic")
        process.wait_until(lambda: presort.log().count("rules=3") >= 2, 10,
                           "both workers to know")
        campaign = presort.new_campaign(["b@right.example", "b@wrong.example"],
                                        require_tls=True)
        assert presort.campaign(campaign)["require_tls"] is True
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["bounced"] == 1
        for name in ("wrong", "plain"):
            strict = write(presort, f"a@{name}.example", require_tls=True)
            write(presort, f"any@{name}.example")
            assert outcome(presort, strict, "bounced")["require_tls"] is True
        assert reply(presort, "a@plain.example") == (
            "5.7.10",
            "the mail requires TLS, and there is none with this server")
        status, text = reply(presort, "a@wrong.example")
        assert status == "5.7.10" and "certificate" in text
        process.wait_until(lambda: wrong.copies() and plain.copies(), 20,
                           "what may go in any way")
        assert set(wrong.copies()) == {"any@wrong.example"}
        assert set(plain.copies()) == {"any@plain.example"}
        assert parameters(right) == {"b@right.example": ("REQUIRETLS", "")}
        assert presort.sql("SELECT address FROM suppression") == []


def test_tls_is_required_of_a_domains_own_servers():
    """A certificate for a host is worth as much as the MX record that names
    it: MTA-STS vouches for that, plain DNS does not."""
    names = {"mta": ["A 127.0.2.1"], "mx.example": ["A 127.0.1.1"],
             "mta-sts.sts.example": ["A 127.0.2.1"],
             "_mta-sts.sts.example": ['TXT "v=STSv1; id=1"']}
    names |= {f"{n}.example": ["MX 1 mx.example."] for n in ("sts", "bare")}
    port = places.free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        cert = certificate(where, "mx.example")
        web_cert = certificate(where, "mta-sts.sts.example")
        ca = where / "ca.pem"
        ca.write_text("".join(p.read_text().split("-----BEGIN PRIVATE")[0]
                              for p in (cert, web_cert)))
        dns = stack.enter_context(Dns(names))
        web = stack.enter_context(Web(
            {"mta-sts.sts.example": ("text/plain", STS.format(
                mode="testing", mx="mx.example"))},
            {"mta-sts.sts.example": web_cert}))
        sink = stack.enter_context(Sink(
            "--starttls", "--tls-cert", cert, address="127.0.1.1", port=port,
            maildir=True))
        presort = stack.enter_context(Presort(
            relay="direct", dkim_required=0, direct_port=port, workers=1,
            tls_ca_file=ca, mta_sts_port=web.port, poll_interval_ms=200,
            **dns.settings))
        outcome(presort, write(presort, "a@sts.example", require_tls=True),
                "delivered")
        outcome(presort, write(presort, "a@bare.example", require_tls=True),
                "bounced")
        status, text = reply(presort, "a@bare.example")
        assert status == "5.7.10" and "neither DNSSEC nor MTA-STS" in text
        outcome(presort, write(presort, "b@bare.example"), "delivered")
        assert parameters(sink) == {"a@sts.example": ("REQUIRETLS", ""),
                                    "b@bare.example": ("", "")}


def test_signed_mx_records_will_do():
    names = {"mx.example": ["A 127.0.1.1"], "to.example": ["MX 1 mx.example."]}
    port = places.free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        cert = certificate(where, "mx.example")
        dns = stack.enter_context(Dns(names, signed=True))
        sink = stack.enter_context(Sink(
            "--starttls", "--tls-cert", cert, address="127.0.1.1", port=port,
            maildir=True))
        presort = stack.enter_context(Presort(
            relay="direct", dkim_required=0, direct_port=port, workers=1,
            tls_ca_file=cert, poll_interval_ms=200, **dns.settings))
        outcome(presort, write(presort, "a@to.example", require_tls=True),
                "delivered")
        assert parameters(sink) == {"a@to.example": ("REQUIRETLS", "")}


@contextlib.contextmanager
def hosts_of_a_domain(*options):
    """A domain with signed MX records and a host for each of the options,
    better first; their sinks, and Presort."""
    hosts = {f"mx{i}.example": f"127.0.1.{i}" for i in
             range(1, len(options) + 1)}
    names = {h: [f"A {a}"] for h, a in hosts.items()}
    names["to.example"] = [f"MX {i} {h}." for i, h in enumerate(hosts)]
    port = places.free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        certs = [certificate(where, h) for h in hosts]
        ca = where / "ca.pem"
        ca.write_text("".join(c.read_text().split("-----BEGIN PRIVATE")[0]
                              for c in certs))
        dns = stack.enter_context(Dns(names, signed=True))
        sinks = [stack.enter_context(Sink(
            *more, *(["--starttls", "--tls-cert", cert]
                     if "--starttls" not in more else []),
            address=a, port=port, maildir=True))
                 for more, cert, a in zip(options, certs, hosts.values())
                 if more is not None]
        yield sinks, stack.enter_context(Presort(
            relay="direct", dkim_required=0, direct_port=port, workers=1,
            tls_ca_file=ca, poll_interval_ms=200, retry_first_seconds=1,
            connect_timeout_seconds=2, **dns.settings))


def strict_and_other(presort):
    """A batch that has both, twice; and a campaign."""
    ids = presort.ask("POST", "/emails/batch", [
        {**MAIL, "to": [f"{who}{i}@to.example"],
         "require_tls": who == "strict"}
        for i in range(2) for who in ("strict", "any")])["data"]
    campaign = presort.new_campaign(["all@to.example"], require_tls=True)
    presort.send(campaign)
    return [row["id"] for row in ids], campaign


STRICT = {"strict0@to.example", "strict1@to.example", "all@to.example"}
ANY = {"any0@to.example", "any1@to.example"}


def test_tls_is_required_and_the_next_mail_host_has_it():
    """RFC 8689, 4.2.1: what the best host can't be given, the next one gets; all
    other mail goes to the best one. One whose certificate has another name will
    not do either."""
    wrong = ["--starttls", "--hostname", "wrong.example"]
    with hosts_of_a_domain(["--no-requiretls"], wrong, []) as (
            (first, second, third), presort):
        ids, campaign = strict_and_other(presort)
        for email in ids:
            outcome(presort, email, "delivered")
        presort.wait_for(campaign, 20)
        assert parameters(first) == {a: ("", "") for a in ANY}
        assert not second.copies()
        assert parameters(third) == {a: ("REQUIRETLS", "") for a in STRICT}
        assert presort.sql("SELECT 1 FROM outcome WHERE verdict <> "
                           "'delivered'") == []


def test_tls_is_required_and_no_mail_host_has_it():
    """Then the mail bounces, for that; all other mail is delivered."""
    with hosts_of_a_domain(["--no-requiretls"], ["--no-requiretls"]) as (
            (first, second), presort):
        ids, campaign = strict_and_other(presort)
        for i, email in enumerate(ids):
            outcome(presort, email, "delivered" if i % 2 else "bounced")
        presort.wait_for(campaign, 20)
        for to in STRICT:
            assert reply(presort, to) == (
                "5.7.30", "the server does not promise to keep to TLS "
                "(REQUIRETLS), and no other mail host of the domain will do")
        assert parameters(first) == {a: ("", "") for a in ANY}
        assert not second.copies()
        assert presort.sql("SELECT address FROM suppression") == []


def test_tls_is_required_and_a_mail_host_that_may_have_it_is_away():
    """It is waited for: the others are no reason to bounce."""
    with hosts_of_a_domain(["--no-requiretls"], []) as (
            (first, second), presort):
        second.stop()
        ids, campaign = strict_and_other(presort)
        outcome(presort, ids[1], "delivered")
        process.wait_until(lambda: presort.sql("""
            SELECT 1 FROM outcome WHERE verdict = 'deferred'"""), 20,
            "what waits")
        second.start()
        for email in ids:
            outcome(presort, email, "delivered")
        presort.wait_for(campaign, 20)
        assert set(first.copies()) == ANY
        assert set(second.copies()) == STRICT


def notices(postfix):
    """{whom they are about: (return path, notice)} of what Postfix has sent
    back."""
    found = {}
    for message in postfix.messages():
        path = re.search(rb"^X-Original-To: (b\+.*)$", message, re.M)
        whom = re.search(rb"^Final-Recipient: rfc822; (.*)$", message, re.M)
        if path and whom:
            found[whom[1].decode()] = (path[1].decode(), message)
    return found


@needs_root
def test_postfix_tells_of_success():
    """It says so by mail to the return path, and ENVID comes back; nothing of
    it counts as a bounce, where the notice of a mail that failed does."""
    port = places.free_ports(1)[0]
    gone = {"gone.example": "error:5.1.1 nobody of that name is here"}
    with Postfix(gone) as postfix, Presort(
            postfix.port, return_path_domain=BOUNCES,
            inbound_listen=f"127.0.0.1:{port}") as presort:
        dsn = {"notify": ["success", "failure"], "envid": "order 7+8"}
        quiet = write(presort, "b@gone.example", dsn={"notify": "never"})
        read = write(presort, "a@here.example", dsn=dsn)
        lost = write(presort, "a@gone.example", dsn=dsn)
        process.wait_until(lambda: len(notices(postfix)) == 2, 30, "notices")
        found = notices(postfix)
        assert b"\nAction: delivered\n" in found["a@here.example"][1]
        assert b"\nAction: failed\n" in found["a@gone.example"][1]
        for path, notice in found.values():
            assert b"\nOriginal-Envelope-Id: order 7+8\n" in notice
            with smtplib.SMTP("127.0.0.1", port, "me.example") as client:
                client.sendmail("", [path], notice)
        outcome(presort, lost, "bounced")
        assert presort.sql("""SELECT kind, n FROM inbound_tally
            ORDER BY kind""") == [["bounce", "1"], ["delivered", "1"]]
        assert presort.sql("""SELECT m.recipient, r.kind FROM report r
            JOIN mail m USING (batch, seq)""") == [
                ["a@gone.example", "bounced"]]
        assert presort.sql("SELECT address FROM suppression") == [
            ["a@gone.example"]]
        for email in (read, quiet):
            outcome(presort, email, "delivered")
        assert set(notices(postfix)) == {"a@here.example", "a@gone.example"}


@needs_root
def test_a_server_without_requiretls_gets_nothing():
    """Postfix with TLS, verified, that does not know it."""
    with directory() as where:
        cert = certificate(where, "localhost")
        settings = {"smtpd_tls_security_level": "may",
                    "smtpd_tls_cert_file": "/etc/postfix/localhost.pem"}
        with Postfix(settings=settings, files=(cert,)) as postfix, \
                Sink() as plain, Presort(
                    plain.port, tls_ca_file=cert,
                    poll_interval_ms=200) as presort:
            add_relay(presort, "real", postfix.port, "verified")
            process.wait_until(lambda: presort.log().count("rules=1") >= 2,
                               10, "both workers to know")
            outcome(presort, write(presort, "a@real.example",
                                   require_tls=True), "bounced")
            assert reply(presort, "a@real.example")[0] == "5.7.30"
            outcome(presort, write(presort, "b@real.example"), "delivered")
            assert postfix.log().count("b@real.example") > 0
            assert "a@real.example" not in postfix.log()
