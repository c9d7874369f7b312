"""TLS and logins with a real Postfix: what is asked for is had, or no mail goes
and none is lost; by relay, by DANE and by MTA-STS."""

import base64
import contextlib
import datetime
import gzip
import json
import os
import pathlib
import tempfile

import pytest

from kit import process
from kit.certificate import digest, make as certificate
from kit.dns import Dns
from kit.dovecot import PASSWORD, USER, Dovecot
from kit.places import free_ports
from kit.postfix import Postfix
from kit.presort import Presort
from kit.web import STS, Web

pytestmark = pytest.mark.skipif(os.geteuid() != 0,
                                reason="these servers need root")

MAILS = 30
WRONG = "no-such-password-here"


@contextlib.contextmanager
def readable():
    """A directory that the engine's user can read too."""
    with tempfile.TemporaryDirectory(prefix="tls-") as name:
        pathlib.Path(name).chmod(0o755)
        yield pathlib.Path(name)


def pem_in_postfix(path):
    """The same file as Postfix has it; settings that use it."""
    inside = f"/etc/postfix/{path.name}"
    return {"smtpd_tls_cert_file": inside, "smtpd_tls_key_file": inside}


def got(postfix):
    """The recipients of what Postfix delivered; by TLS, or else marked."""
    found = []
    for message in postfix.messages():
        head = message.partition(b"\n\n")[0].decode()
        to = head.partition("X-Original-To: ")[2].split("\n")[0]
        found.append(to if "with ESMTPS" in head else f"{to} in clear")
    return sorted(found)


# ---- A submission server ----

def submission(stack, box, cert):
    """Postfix that takes mail from who logs in, by STARTTLS and by TLS from the
    first byte; and the two ports."""
    ports = free_ports(2)
    asks = {"smtpd_sasl_auth_enable": "yes",
            "smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}
    return stack.enter_context(Postfix(
        files=[cert],
        settings={"smtpd_sasl_type": "dovecot",
                  "smtpd_sasl_path": f"inet:127.0.0.1:{box.ports['auth']}",
                  "smtpd_tls_auth_only": "yes",
                  "smtpd_tls_loglevel": "1", **pem_in_postfix(cert)},
        services={
            "submission": ("127.0.0.1", ports[0], {
                "smtpd_tls_security_level": "encrypt", **asks}),
            "smtps": ("127.0.0.1", ports[1], {
                "smtpd_tls_wrappermode": "yes", **asks})})), *ports


def forms_of(secret):
    """As it is, and as it is said to a server."""
    plain = f"\0{USER}\0{secret}"
    return [secret, *(base64.b64encode(text.encode()).decode().rstrip("=")
                      for text in (secret, plain))]


def told(presort, campaign):
    """All that Presort says of it: logs, answers, commands, what it stores."""
    answers = [presort.campaign(campaign)]
    for outcome in ("pending", "delivered", "deferred"):
        answers.append(presort.ask(
            "GET", f"/campaigns/{campaign}/recipients?outcome={outcome}"))
    answers += [presort.ask("GET", f"/emails/{mail['id']}")
                for list_ in answers[1:] for mail in list_["data"][:2]]
    return "\n".join([
        presort.log(), json.dumps(answers), presort.command("relay", "list"),
        presort.command("route", "list"),
        *(str(presort.sql(f"SELECT to_jsonb(t) FROM {table} t"))
          for table in ("relay", "route", "outcome", "batch"))])


def add_relay(presort, name, servers, *login):
    presort.command("relay", "add", name, servers, "--tls", "verified",
                    "--user", USER, *login)
    presort.command("route", "add", "--to", f"{name}.example", "--via", name)


def test_a_submission_server_takes_mail_of_who_logs_in():
    """By every login that Postfix with Dovecot has, in STARTTLS and in TLS from
    the first byte, with the password from a file or the environment."""
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(readable())
        cert = certificate(where, "localhost")
        box = stack.enter_context(Dovecot("plain login scram-sha-256"))
        postfix, starttls, smtps = submission(stack, box, cert)
        secret = where / "secret"
        secret.write_text(PASSWORD + "\n")
        presort = Presort(
            f"localhost:{starttls}", relay_tls="verified", relay_login="auto",
            relay_user=USER, relay_secret=f"file:{secret}", tls_ca_file=cert,
            poll_interval_ms=200)
        presort.environment["STORY_SECRET"] = PASSWORD
        stack.enter_context(presort)
        add_relay(presort, "smtps", f"smtps://localhost:{smtps}",
                  "--login", "auto", "--secret", "env:STORY_SECRET")
        add_relay(presort, "plain", f"localhost:{starttls}",
                  "--login", "plain", "--secret", "env:STORY_SECRET")
        add_relay(presort, "login", f"smtps://localhost:{smtps}",
                  "--login", "login", "--secret", f"file:{secret}")
        process.wait_until(lambda: presort.log().count("rules=3") >= 2, 10,
                           "both workers to know")
        everybody = [f"u{i}@{name}.example" for i in range(MAILS)
                     for name in ("rest", "smtps", "plain", "login")]
        campaign = presort.new_campaign(everybody)
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == len(everybody)
        process.wait_until(
            lambda: len(postfix.messages()) >= len(everybody), 20, "all mails")
        assert got(postfix) == sorted(everybody)

        def mails_by(service, method):
            return postfix.log_of(service).count(
                f"sasl_method={method}, sasl_username={USER}")

        assert mails_by("submission", "SCRAM-SHA-256") == MAILS
        assert mails_by("submission", "PLAIN") == MAILS
        assert mails_by("smtps", "SCRAM-SHA-256") == MAILS
        assert mails_by("smtps", "LOGIN") == MAILS
        said = told(presort, campaign)
        assert not [form for form in forms_of(PASSWORD) if form in said]


def test_a_wrong_password_makes_mail_wait():
    """By no login is it bounced or lost, and the password is told to nobody;
    with the right one all is delivered."""
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(readable())
        cert = certificate(where, "localhost")
        box = stack.enter_context(Dovecot("plain login scram-sha-256"))
        postfix, starttls, smtps = submission(stack, box, cert)
        secret = where / "secret"
        secret.write_text(WRONG)
        presort = stack.enter_context(Presort(
            f"localhost:{starttls}", relay_tls="verified", relay_login="auto",
            relay_user=USER, relay_secret=f"file:{secret}", tls_ca_file=cert,
            poll_interval_ms=200, workers=1))
        add_relay(presort, "plain", f"smtps://localhost:{smtps}",
                  "--login", "plain", "--secret", f"file:{secret}")
        add_relay(presort, "login", f"localhost:{starttls}",
                  "--login", "login", "--secret", f"file:{secret}")
        process.wait_until(lambda: "rules=2" in presort.log(), 10,
                           "the worker to know")
        everybody = sorted(f"u{i}@{name}.example" for i in range(MAILS)
                           for name in ("rest", "plain", "login"))
        campaign = presort.new_campaign(everybody)
        presort.send(campaign)

        def refused():
            return [postfix.log().count(f"SASL {method} authentication failed")
                    for method in ("SCRAM-SHA-256", "PLAIN", "LOGIN")]

        process.wait_until(lambda: min(refused()) >= 2, 60,
                           "each login to be refused, and again")
        assert "code=535" in presort.log()
        totals = presort.totals(campaign)
        assert totals["pending"] == len(everybody), totals
        assert postfix.messages() == []
        secrets = forms_of(WRONG) + forms_of(PASSWORD)
        said = told(presort, campaign)
        assert not [form for form in secrets if form in said]
        secret.write_text(PASSWORD)
        presort.stop()
        presort.start()
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == len(everybody)
        process.wait_until(
            lambda: len(postfix.messages()) >= len(everybody), 20, "all mails")
        assert got(postfix) == everybody
        said = told(presort, campaign)
        assert not [form for form in secrets if form in said]


# ---- What recipients' domains demand ----

def tried_without_mail(postfix, service):
    """It was spoken to, and no mail was begun there: neither in clear nor by
    TLS."""
    log = postfix.log_of(service)
    return " connect from " in log and not any(
        word in log for word in ("client=", " mail=", " data=", " bdat="))


def send_to(presort, names):
    campaign = presort.new_campaign([f"a@{name}.example" for name in names])
    presort.send(campaign)
    return campaign


def reasons(presort):
    """Why mail waits, by domain without .example."""
    return dict(presort.sql("""
        SELECT split_part(split_part(m.recipient, '@', 2), '.', 1),
            max(o.reply)
        FROM outcome o JOIN mail m USING (batch, seq)
        WHERE o.verdict = 'deferred' GROUP BY 1"""))


def settings(dns, port, ca, **more):
    return {"relay": "direct", "dkim_required": 0, "direct_port": port,
            "retry_first_seconds": 3600, "poll_interval_ms": 200,
            "connect_timeout_seconds": 2, "tls_ca_file": ca, "workers": 1,
            **dns.settings, **more}


def test_dane_is_kept_to_with_postfix():
    """The right key is enough, whoever signed it; for another one, or without
    STARTTLS, mail waits, and says why; a second host that is right is taken."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(readable())
        cert = certificate(where, "nobody.example")
        hosts = {"right": ("127.0.5.1", digest(cert)),
                 "mismatch": ("127.0.5.2", "ab" * 32),
                 "clear": ("127.0.5.3", digest(cert))}
        names = {f"{name}.example": [f"MX 1 mx.{name}.example."]
                 for name in hosts}
        names["second.example"] = ["MX 1 mx.mismatch.example.",
                                   "MX 2 mx.right.example."]
        for name, (address, sha) in hosts.items():
            names[f"mx.{name}.example"] = [f"A {address}"]
            names[f"_{port}._tcp.mx.{name}.example"] = [f"TLSA 3 1 1 {sha}"]
        dns = stack.enter_context(Dns(names, signed=True))
        postfix = stack.enter_context(Postfix(
            files=[cert], settings={
                "smtpd_tls_security_level": "may", "smtpd_tls_loglevel": "1",
                **pem_in_postfix(cert)},
            services={
                name: (address, port, {"smtpd_tls_security_level": "none"}
                       if name == "clear" else {})
                for name, (address, _) in hosts.items()}))
        presort = stack.enter_context(Presort(**settings(dns, port, cert)))
        campaign = send_to(presort, ["right", "mismatch", "clear", "second"])
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] == 2 and
                                t["deferred"] >= 2)
        process.wait_until(lambda: len(postfix.messages()) == 2, 10, "two")
        assert got(postfix) == ["a@right.example", "a@second.example"]
        why = reasons(presort)
        assert "DANE" in why["mismatch"] and "TLSA" in why["mismatch"], why
        assert "DANE" in why["clear"] and "STARTTLS" in why["clear"], why
        presort.stop()  # Postfix tells of a connection at its end
        assert tried_without_mail(postfix, "mismatch"), postfix.log()
        assert tried_without_mail(postfix, "clear"), postfix.log()
        assert "TLS connection established" in postfix.log_of("right")


FAULTS = {"name": "certificate-host-mismatch",
          "stranger": "certificate-not-trusted",
          "clear": "starttls-not-supported"}


def names_and_policies(modes):
    """Zones and policies of domains: {name: mode}."""
    names, policies = {"mta": ["A 127.0.6.100"]}, {}
    for number, (name, mode) in enumerate(modes.items(), 1):
        domain = f"{name}.example"
        names[domain] = [f"MX 1 mx.{domain}."]
        names[f"mx.{domain}"] = [f"A 127.0.6.{number}"]
        names[f"mta-sts.{domain}"] = ["A 127.0.6.100"]
        names[f"_mta-sts.{domain}"] = ['TXT "v=STSv1; id=1"']
        names[f"_smtp._tls.{domain}"] = [
            'TXT "v=TLSRPTv1; rua=mailto:tls@x.example"']
        policies[f"mta-sts.{domain}"] = ("text/plain", STS.format(
            mode=mode, mx=f"mx.{domain}"))
    return names, policies


def settings_of_host(name, pems):
    if "clear" in name:
        return {"smtpd_tls_security_level": "none"}
    return pem_in_postfix(pems["wrong" if "name" in name else name])


def counted(presort, where, domain):
    """What `presort tlsrpt` reports of a domain: mode, good sessions, and bad
    ones by result."""
    (path,) = where.glob(f"*!{domain}!*.json.gz")
    (policy,) = json.loads(gzip.decompress(path.read_bytes()))["policies"]
    bad = {f["result-type"]: f["failed-session-count"]
           for f in policy.get("failure-details", [])}
    assert policy["summary"]["total-failure-session-count"] == sum(
        bad.values())
    return (policy["policy"]["policy-string"][1],
            policy["summary"]["total-successful-session-count"], bad)


def test_mta_sts_is_kept_to_with_postfix():
    """In enforce a certificate of another name, one that nobody vouches for and
    no STARTTLS get no mail; in testing they do, and are reported as well."""
    modes = {"good": "enforce", **{f: "enforce" for f in FAULTS},
             **{f"try-{f}": "testing" for f in FAULTS}}
    names, policies = names_and_policies(modes)
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(readable())
        pems = {name: certificate(where, f"mx.{name}.example")
                for name in modes}
        pems["wrong"] = certificate(where, "wrong.example")
        web = {name: certificate(where, name) for name in policies}
        ca = where / "ca.pem"
        ca.write_text("".join(
            path.read_text().split("-----BEGIN PRIVATE")[0]
            for path in [pems["good"], pems["wrong"], *web.values()]))
        dns = stack.enter_context(Dns(names))
        host = stack.enter_context(Web(policies, web, "127.0.6.100"))
        postfix = stack.enter_context(Postfix(
            files=pems.values(), settings={"smtpd_tls_security_level": "may"},
            services={name: (f"127.0.6.{number}", port,
                             settings_of_host(name, pems))
                      for number, name in enumerate(modes, 1)}))
        presort = stack.enter_context(Presort(**settings(
            dns, port, ca, mta_sts_port=host.port)))
        campaign = send_to(presort, modes)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] == 4 and
                                t["deferred"] >= 3)
        process.wait_until(lambda: len(postfix.messages()) == 4, 10, "four")
        assert got(postfix) == [
            "a@good.example", "a@try-clear.example in clear",
            "a@try-name.example", "a@try-stranger.example"]
        why = reasons(presort)
        assert set(why) == set(FAULTS)
        assert all("MTA-STS: " in text for text in why.values()), why
        assert "hostname mismatch" in why["name"], why
        assert "self-signed" in why["stranger"], why
        assert "STARTTLS" in why["clear"], why
        process.wait_until(lambda: presort.sql("""
            SELECT 1 FROM tls_count HAVING count(DISTINCT domain) = 7"""), 10,
            "all domains' counts")
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        presort.command("tlsrpt", "--date", today, "--out", str(where))
        mode, good, bad = counted(presort, where, "good.example")
        assert good >= 1 and not bad
        for fault, result in FAULTS.items():
            for name in (fault, f"try-{fault}"):
                mode, good, bad = counted(presort, where, f"{name}.example")
                assert mode == f"mode: {modes[name]}"
                assert set(bad) == {result} and good == 0, (name, bad, good)
        presort.stop()  # Postfix tells of a connection at its end
        for fault in FAULTS:
            assert tried_without_mail(postfix, fault), postfix.log()
            assert not tried_without_mail(postfix, f"try-{fault}")
