"""What recipient domains demand of TLS is had, or their mail is not sent: MTA-STS
and DANE, each with servers that are right and servers that are not."""

import contextlib
import datetime
import gzip
import json
import pathlib
import signal
import socket
import tempfile
import time

from kit import process
from kit.certificate import digest, make as certificate, make_by, make_ca
from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink
from kit.web import STS, Web


@contextlib.contextmanager
def directory():
    with tempfile.TemporaryDirectory(prefix="tls-") as path:
        pathlib.Path(path).chmod(0o755)  # engines may be another user
        yield pathlib.Path(path)


def send(presort, domains):
    campaign = presort.new_campaign([f"a@{d}" for d in domains])
    presort.send(campaign)
    return campaign


def delivered(presort):
    return {r[0] for r in presort.sql("""
        SELECT m.recipient FROM outcome o JOIN mail m USING (batch, seq)
        WHERE o.verdict = 'delivered'""")}


def reasons(presort):
    return {r[0]: r[1] for r in presort.sql("""
        SELECT m.recipient, max(o.reply) FROM outcome o
        JOIN mail m USING (batch, seq)
        WHERE o.verdict = 'deferred' GROUP BY 1""")}


def settings(dns, port, ca, **more):
    return {"relay": "direct", "dkim_required": 0, "direct_port": port,
            "retry_first_seconds": 3600, "poll_interval_ms": 200,
            "connect_timeout_seconds": 2, "tls_ca_file": ca,
            **dns.settings, **more}


def test_mta_sts_is_kept_to():
    """Right ones are delivered; a wrong certificate, a host that is not in the
    policy and a server without TLS get nothing at all, in clear or otherwise;
    a policy in testing, and one that can't be fetched, hold nobody up."""
    names = {"mta": ["A 127.0.2.1"]}
    hosts = {"good": 1, "bad": 2, "other": 1, "clear": 3, "testing": 2,
             "broken": 3, "plain": 3}
    for name, host in hosts.items():
        names[f"{name}.example"] = [f"MX 1 mx{host}.example."]
        names[f"mta-sts.{name}.example"] = ["A 127.0.2.1"]
        if name != "plain":
            names[f"_mta-sts.{name}.example"] = ['TXT "v=STSv1; id=1"']
        names[f"_smtp._tls.{name}.example"] = [
            'TXT "v=TLSRPTv1; rua=mailto:tls@x.example"']
    for host in (1, 2, 3):
        names[f"mx{host}.example"] = [f"A 127.0.1.{host}"]
    policies = {
        f"mta-sts.{n}.example": ("text/plain", STS.format(
            mode="testing" if n == "testing" else "enforce",
            mx="mx7.example" if n == "other" else f"mx{h}.example"))
        for n, h in hosts.items()}
    policies["mta-sts.broken.example"] = ("text/html", "<html>")
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        good = certificate(where, "mx1.example")
        wrong = certificate(where, "wrong.example")
        web_names = {n: certificate(where, n) for n in policies}
        ca = where / "ca.pem"
        ca.write_text("".join(
            p.read_text().split("-----BEGIN PRIVATE")[0]
            for p in [good, *web_names.values()]))
        dns = stack.enter_context(Dns(names))
        web = stack.enter_context(Web(policies, web_names))
        sinks = [stack.enter_context(Sink(*options, address=f"127.0.1.{h}",
                                          port=port))
                 for h, options in [
                     (1, ["--starttls", "--tls-cert", good]),
                     (2, ["--starttls", "--tls-cert", wrong]), (3, [])]]
        presort = stack.enter_context(Presort(**settings(
            dns, port, ca, mta_sts_port=web.port, workers=1)))
        domains = [f"{n}.example" for n in hosts]
        campaign = send(presort, domains)
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 4 and
                                t["deferred"] == 3)
        assert delivered(presort) == {
            f"a@{n}.example" for n in ("good", "testing", "broken", "plain")}
        why = reasons(presort)
        assert "MTA-STS" in why["a@other.example"], why
        got = [set(s.copies()) for s in sinks]
        assert got == [{"a@good.example"}, {"a@testing.example"},
                       {"a@broken.example", "a@plain.example"}]
        assert {p for _, p in web.asked} == {"/.well-known/mta-sts.txt"}
        stored = presort.sql(
            "SELECT domain, mode FROM sts_policy ORDER BY domain")
        assert stored == [[f"{n}.example", "testing" if n == "testing" else
                           "enforce"] for n in
                          ("bad", "clear", "good", "other", "testing")]

        reports(presort, where)


def test_mta_sts_outlives_a_restart_and_the_web_server_of_the_policy():
    """A policy that was fetched holds on, of the same id and of a new one that
    can't be fetched any more. One that never was can't hold anybody up."""
    names = {"mta": ["A 127.0.2.1"]}
    hosts = {"good": 1, "kept": 2, "changed": 3, "late": 4}
    for name, host in hosts.items():
        names[f"{name}.example"] = [f"MX 1 mx{host}.example."]
        names[f"mx{host}.example"] = [f"A 127.0.1.{host}"]
        names[f"mta-sts.{name}.example"] = ["A 127.0.2.1"]
        names[f"_mta-sts.{name}.example"] = ['TXT "v=STSv1; id=1"']
    policies = {f"mta-sts.{n}.example": ("text/plain", STS.format(
        mode="enforce", mx=f"mx{h}.example")) for n, h in hosts.items()}
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        good = certificate(where, "mx1.example")
        wrong = certificate(where, "wrong.example")
        web_names = {n: certificate(where, n) for n in policies}
        ca = where / "ca.pem"
        ca.write_text("".join(
            p.read_text().split("-----BEGIN PRIVATE")[0]
            for p in [good, *web_names.values()]))
        dns = stack.enter_context(Dns(names))
        sinks = {n: stack.enter_context(
            Sink("--starttls", "--tls-cert", good if n == "good" else wrong,
                 address=f"127.0.1.{h}", port=port))
                 for n, h in hosts.items()}
        with Web(policies, web_names) as web:
            presort = stack.enter_context(Presort(**settings(
                dns, port, ca, mta_sts_port=web.port, workers=1)))
            first = send(presort, ["good.example", "kept.example",
                                   "changed.example"])
            presort.wait_for_totals(first, 25, lambda t: t["delivered"] == 1
                                    and t["deferred"] == 2)
            assert len(presort.sql("SELECT domain FROM sts_policy")) == 3
            presort.stop()
        names["_mta-sts.changed.example"] = ['TXT "v=STSv1; id=2"']
        dns.publish(names)
        presort.start()
        second = presort.new_campaign([f"b@{n}.example" for n in hosts])
        presort.send(second)
        presort.wait_for_totals(second, 25, lambda t: t["delivered"] == 2 and
                                t["deferred"] == 2)
        assert {n: set(s.copies()) for n, s in sinks.items()} == {
            "good": {"a@good.example", "b@good.example"}, "kept": set(),
            "changed": set(), "late": {"b@late.example"}}
        why = reasons(presort)
        for name in "kept", "changed":
            assert "MTA-STS" in why[f"b@{name}.example"], why


def reports(presort, where):
    """What was counted meanwhile is in the reports, as RFC 8460 has it."""
    # Written each second: those of the others may come a second later.
    process.wait_until(lambda: presort.sql("""
        SELECT 1 FROM tls_count HAVING count(DISTINCT domain) = 7"""), 10,
        "counts of all")
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    said = presort.command("tlsrpt", "--date", today, "--out", str(where))
    assert all(l.endswith("  mailto:tls@x.example") for l in said.splitlines())
    found = {}
    for path in where.glob("*.json.gz"):
        sender, domain, begin, end = path.name[:-len(".json.gz")].split("!")
        assert sender == "presort.example" and int(end) - int(begin) == 86399
        found[domain] = json.loads(gzip.decompress(path.read_bytes()))
    assert found["good.example"]["date-range"]["start-datetime"] == \
        f"{today}T00:00:00Z"
    assert set(found) == {f"{n}.example" for n in (
        "good", "bad", "other", "clear", "testing", "broken", "plain")}

    def one(name):
        (policy,) = found[f"{name}.example"]["policies"]
        return (policy["policy"], policy["summary"],
                {f["result-type"] for f in policy.get("failure-details", [])})

    policy, summary, results = one("good")
    assert policy == {"policy-type": "sts", "policy-domain": "good.example",
                      "policy-string": ["version: STSv1", "mode: enforce",
                                        "mx: mx1.example", "max_age: 86400"],
                      "mx-host": ["mx1.example"]}
    assert summary["total-successful-session-count"] >= 1
    assert summary["total-failure-session-count"] == 0 and not results
    assert one("clear")[2] == {"starttls-not-supported"}
    assert one("other")[2] == {"validation-failure"}
    assert one("broken")[0]["policy-type"] == "no-policy-found"
    assert "sts-policy-fetch-error" in one("broken")[2]
    assert one("bad")[2] and not one("bad")[1]["total-successful-session-count"]


def test_slow_web_servers_hold_up_nobody_else():
    """Whoever has many domains whose policies never come takes no time from
    other domains."""
    slow = [f"a{i:02}.example" for i in range(90)]
    names = {"mx1.example": ["A 127.0.1.1"]}
    for name in [*slow, "fast.example"]:
        names[name] = ["MX 1 mx1.example."]
        names[f"_mta-sts.{name}"] = ['TXT "v=STSv1; id=1"']
        names[f"mta-sts.{name}"] = ["A 127.0.2.2"]
    names["mta-sts.fast.example"] = ["A 127.0.2.1"]
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        cert = certificate(where, "mta-sts.fast.example")
        web = stack.enter_context(Web(
            {"mta-sts.fast.example": ("text/plain", STS.format(
                mode="testing", mx="mx1.example"))},
            {"mta-sts.fast.example": cert}))
        silent = stack.enter_context(socket.create_server(
            ("127.0.2.2", web.port), backlog=200))
        dns = stack.enter_context(Dns(names))
        sink = stack.enter_context(Sink(address="127.0.1.1", port=port))
        presort = stack.enter_context(Presort(**settings(
            dns, port, cert, workers=1, mta_sts_port=web.port)))
        send(presort, slow)
        silent.settimeout(20)
        taken = [stack.enter_context(silent.accept()[0]) for _ in range(4)]
        send(presort, ["fast.example"])
        process.wait_until(lambda: "a@fast.example" in sink.copies(), 9,
                           "mail of the domain that answers")
        assert taken


def test_the_operator_has_the_last_word():
    """A rule for a domain asks for more than it does itself, or for less than
    its policy; at once, and for all below a name."""
    names = {f"{n}.example": ["MX 1 mx.example."]
             for n in ("strict", "a.below")}
    names |= {"mx.example": ["A 127.0.1.1"], "loose.example": ["MX 1 mx.example."],
              "_mta-sts.loose.example": ['TXT "v=STSv1; id=1"']}
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        ca = certificate(where, "mx.example")
        dns = stack.enter_context(Dns(names))
        sink = stack.enter_context(Sink(address="127.0.1.1", port=port))
        presort = stack.enter_context(Presort(**settings(
            dns, port, ca, workers=1)))
        presort.command("tls", "set", "Strict.example", "required")
        presort.command("tls", "set", "*.below.example", "verified")
        presort.command("tls", "set", "loose.example", "none")
        assert presort.command("tls", "list") == (
            "*.below.example  verified\nloose.example  none\n"
            "strict.example  required\n")
        campaign = send(presort, ["strict.example", "a.below.example",
                                  "loose.example"])
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 1 and
                                t["deferred"] == 2)
        assert set(sink.copies()) == {"a@loose.example"}
        presort.command("tls", "remove", "strict.example")
        assert "strict" not in presort.command("tls", "list")


def test_a_rule_counts_at_once():
    """For a domain whose mail is under way already; and for all mail that is
    sent after it, however late the worker hears of it."""
    names = {"late.example": ["MX 1 mx.late.example."],
             "mx.late.example": ["A 127.0.1.1"]}
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        ca = certificate(where, "mx.late.example")
        dns = stack.enter_context(Dns(names))
        sink = stack.enter_context(Sink(address="127.0.1.1", port=port))
        presort = stack.enter_context(Presort(**settings(
            dns, port, ca, workers=1)))
        presort.command("sites", "set", "mx.late.example",
                        "mails_per_second=4")
        first = presort.new_campaign([f"a{i}@late.example" for i in range(60)])
        presort.send(first)
        presort.wait_for_totals(first, 20, lambda t: t["delivered"] >= 2)
        presort.command("tls", "set", "late.example", "required")
        presort.wait_for_totals(first, 10, lambda t: t["deferred"] > 0)
        assert len(sink.copies()) < 30
        presort.command("tls", "remove", "late.example")
        second = presort.new_campaign(["b@late.example"])
        presort.send(second)
        presort.wait_for(second, 10)
        with frozen(listener(presort)):
            presort.command("tls", "set", "late.example", "required")
            third = presort.new_campaign(["c@late.example"])
            presort.send(third)
            time.sleep(2)
            assert "c@late.example" not in sink.copies()
        presort.wait_for_totals(third, 10, lambda t: t["deferred"] == 1)
        assert "c@late.example" not in sink.copies()


@contextlib.contextmanager
def frozen(pid):
    process.freeze(pid)
    try:
        yield
    finally:
        process.kill(pid, signal.SIGCONT)


def listener(presort):
    """The process of PostgreSQL that tells the worker of rules."""
    (row,) = presort.sql("""
        SELECT pid FROM pg_stat_activity
        WHERE query LIKE '%sts_policy%' AND pid <> pg_backend_pid()""")
    return int(row[0])


def test_dane_is_kept_to():
    """With signed zones: the right key is enough, whoever signed it; another
    key, or no TLS at all, gets nothing; records that nobody can use take TLS
    with anybody."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        own = certificate(where, "nobody.example")
        sha = digest(own)
        names = {}
        for i, (name, tlsa) in enumerate({
                "right": f"3 1 1 {sha}", "wrong": f"3 1 1 {'ab' * 32}",
                "clear": f"3 1 1 {sha}", "unusable": f"1 1 1 {sha}",
                "none": None}.items(), 1):
            names[f"{name}.example"] = [f"MX 1 mx{i}.example."]
            names[f"mx{i}.example"] = [f"A 127.0.1.{i}"]
            if tlsa:
                names[f"_{port}._tcp.mx{i}.example"] = [f"TLSA {tlsa}"]
        dns = stack.enter_context(Dns(names, signed=True))
        sinks = [stack.enter_context(Sink(*options, address=f"127.0.1.{h}",
                                          port=port))
                 for h, options in enumerate([
                     ["--starttls", "--tls-cert", own],
                     ["--starttls", "--tls-cert", own], [],
                     ["--starttls", "--tls-cert", own], []], 1)]
        presort = stack.enter_context(Presort(**settings(
            dns, port, own, workers=1)))
        campaign = send(presort, ["right.example", "wrong.example",
                                  "clear.example", "unusable.example",
                                  "none.example"])
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 3 and
                                t["deferred"] == 2)
        assert [set(s.copies()) for s in sinks] == [
            {"a@right.example"}, set(), set(), {"a@unusable.example"},
            {"a@none.example"}]


def test_records_of_no_use_take_nothing_from_what_is_asked_otherwise():
    """A signed TLSA record that is no certificate proves nothing: what the
    operator asks for, or MTA-STS, counts as before; where nobody asks, TLS with
    anybody will do (RFC 7672, 2.2)."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        own = certificate(where, "nobody.example")
        web_cert = certificate(where, "mta-sts.sts.example")
        names = {"mta-sts.sts.example": ["A 127.0.2.1"],
                 "_mta-sts.sts.example": ['TXT "v=STSv1; id=1"']}
        for i, name in enumerate(("ruled", "sts", "free"), 1):
            names[f"{name}.example"] = [f"MX 1 mx{i}.example."]
            names[f"mx{i}.example"] = ["A 127.0.1.1"]
            names[f"_{port}._tcp.mx{i}.example"] = [
                "TLSA 2 0 0 deadbeef00112233"]
        web = stack.enter_context(Web(
            {"mta-sts.sts.example": ("text/plain", STS.format(
                mode="enforce", mx="mx2.example"))},
            {"mta-sts.sts.example": web_cert}))
        dns = stack.enter_context(Dns(names, signed=True))
        sink = stack.enter_context(Sink("--starttls", "--tls-cert", own,
                                        address="127.0.1.1", port=port))
        presort = stack.enter_context(Presort(**settings(
            dns, port, web_cert, workers=1, mta_sts_port=web.port)))
        presort.command("tls", "set", "ruled.example", "verified")
        campaign = send(presort, ["ruled.example", "sts.example",
                                  "free.example"])
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 1 and
                                t["deferred"] == 2)
        assert set(sink.copies()) == {"a@free.example"}


def test_dane_by_a_trust_anchor_and_the_domains_own_name():
    """Certificates for a domain, not for its host, will do where a trust anchor
    vouches for them (RFC 7672, 3.2.2), also for what the domain is an alias of;
    for mail to that domain alone, and found out at the first attempt."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        ca = make_ca(where, "ca")
        named = {n: make_by(ca, where, f"{n}.example")
                 for n in ("to", "end", "mx3")}
        names = {f"{n}.example": [f"MX 1 mx{i}.example."] for n, i in
                 {"to": 1, "other": 1, "end": 2, "third": 3}.items()}
        names["alias.example"] = ["CNAME end.example."]
        for i in (1, 2, 3):
            names[f"mx{i}.example"] = [f"A 127.0.1.{i}"]
            names[f"_{port}._tcp.mx{i}.example"] = [
                f"TLSA 2 1 1 {digest(ca)}"]
        dns = stack.enter_context(Dns(names, signed=True))
        sinks = [stack.enter_context(Sink("--starttls", "--tls-cert", named[n],
                                          address=f"127.0.1.{i}", port=port))
                 for i, n in enumerate(("to", "end", "mx3"), 1)]
        presort = stack.enter_context(Presort(**{**settings(
            dns, port, ca, workers=1), "retry_first_seconds": 1}))
        campaign = send(presort, ["to.example", "other.example",
                                  "alias.example", "end.example",
                                  "third.example"])
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 4)
        assert [set(s.copies()) for s in sinks] == [
            {"a@to.example"}, {"a@alias.example", "a@end.example"},
            {"a@third.example"}]
        process.wait_until(lambda: "a@other.example" in reasons(presort), 10,
                           "the other's outcome")
        assert "DANE" in reasons(presort)["a@other.example"]


def test_mail_to_which_tls_does_not_matter():
    """TLS-Required: No (RFC 8689, 5): delivered whatever the domain demands, but
    not whatever the operator does; other mail of the batch, and a mail that has
    another value there, waits as ever. By TLS, where it is to be had."""
    port = free_ports(1)[0]
    names, hosts = {}, {"dane": 1, "sts": 2, "operator": 3, "right": 4}
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        own = certificate(where, "nobody.example")
        web = certificate(where, "mta-sts.sts.example")
        for name, i in hosts.items():
            names[f"{name}.example"] = [f"MX 1 mx{i}.example."]
            names[f"mx{i}.example"] = [f"A 127.0.1.{i}"]
        names |= {f"_{port}._tcp.mx1.example": [f"TLSA 3 1 1 {'ab' * 32}"],
                  f"_{port}._tcp.mx4.example": [f"TLSA 3 1 1 {digest(own)}"],
                  "mta-sts.sts.example": ["A 127.0.2.1"],
                  "_mta-sts.sts.example": ['TXT "v=STSv1; id=1"']}
        dns = stack.enter_context(Dns(names, signed=True))
        policy = STS.format(mode="enforce", mx="mx9.example")
        served = stack.enter_context(Web(
            {"mta-sts.sts.example": ("text/plain", policy)},
            {"mta-sts.sts.example": web}))
        sinks = {n: stack.enter_context(Sink(
            *(["--starttls", "--tls-cert", own] if n in ("dane", "right")
              else []), *(["--tls-required"] if n == "right" else []),
            address=f"127.0.1.{i}", port=port)) for n, i in hosts.items()}
        presort = stack.enter_context(Presort(**settings(
            dns, port, web, mta_sts_port=served.port, workers=1)))
        presort.command("tls", "set", "operator.example", "required")
        mail = {"from": "a@source.example", "subject": "Reset", "text": "x"}
        spared = {**mail, "headers": {"tls-required": "no"}}
        for name in hosts:
            presort.ask("POST", "/emails/batch", [
                {**mail, "to": [f"any@{name}.example"]},
                {**spared, "to": [f"no@{name}.example"]},
                {**mail, "to": [f"yes@{name}.example"],
                 "headers": {"TLS-Required": "Yes"}}])
        campaign = presort.new_campaign(
            ["all@dane.example"], headers={"TLS-Required": "No"})
        presort.send(campaign)
        presort.wait_for(campaign, 25)
        wanted = {"any@right.example", "yes@right.example",
                  "all@dane.example", *(f"no@{n}.example" for n in
                                        ("dane", "sts", "right"))}
        process.wait_until(lambda: len(delivered(presort)) >= len(wanted) and
                           len(reasons(presort)) == 7, 25, "all outcomes")
        assert delivered(presort) == wanted
        assert {a for s in sinks.values() for a in s.copies()} == wanted
        assert set(reasons(presort)) == {
            f"{who}@{n}.example" for who in ("any", "yes")
            for n in ("dane", "sts", "operator")} | {"no@operator.example"}


def test_both_ways_at_once_is_refused():
    with Presort(relay="direct") as presort:
        mail = {"from": "a@source.example", "to": ["b@x.example"],
                "subject": "x", "text": "x", "require_tls": True,
                "headers": {"TLS-Required": "No"}}
        assert presort.call("POST", "/emails", mail).status == 422
        refused = presort.call("POST", "/emails/batch", [mail])
        assert refused.status == 422
        assert "`require_tls`" in refused.body["message"]
        campaign = presort.new_campaign(["b@x.example"], require_tls=True)
        refused = presort.call("PATCH", f"/campaigns/{campaign}", {
            "headers": {"TLS-Required": "No"}})
        assert refused.status == 422
        assert "`require_tls`" in refused.body["message"]
        presort.ask("PATCH", f"/campaigns/{campaign}", {
            "headers": {"TLS-Required": "No"}, "require_tls": False})


def test_dane_of_a_host_that_is_an_alias():
    """The records of what it leads to count, before its own (RFC 7672, 2.2.2);
    its own, where there are none, or where what it leads to is not signed."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        own = certificate(where, "nobody.example")
        right, wrong = f"TLSA 3 1 1 {digest(own)}", f"TLSA 3 1 1 {'ab' * 32}"
        # The alias's end: its own records, and those of the end.
        hosts = {"target": ("example", wrong, right),
                 "target-wrong": ("example", right, wrong),
                 "own": ("example", right, None),
                 "own-wrong": ("example", wrong, None),
                 "bare": ("unsigned.example", right, wrong),
                 "bare-wrong": ("unsigned.example", wrong, right),
                 "bare-none": ("unsigned.example", None, None)}
        names, bare = {}, {}
        for i, (name, (zone, of_alias, of_end)) in enumerate(hosts.items(), 1):
            end = f"mx{i}.{zone}"
            names[f"{name}.example"] = [f"MX 1 alias.{name}.example."]
            names[f"alias.{name}.example"] = [f"CNAME more.{name}.example."]
            names[f"more.{name}.example"] = [f"CNAME {end}."]
            if of_alias:
                names[f"_{port}._tcp.alias.{name}.example"] = [of_alias]
            there = names if zone == "example" else bare
            there[end] = [f"A 127.0.1.{i}"]
            if of_end:
                there[f"_{port}._tcp.{end}"] = [of_end]
        dns = stack.enter_context(Dns(names, signed=True, unsigned={
            "unsigned.example": bare}))
        sinks = {n: stack.enter_context(
            Sink("--starttls", "--tls-cert", own, address=f"127.0.1.{i}",
                 port=port)) for i, n in enumerate(hosts, 1)}
        presort = stack.enter_context(Presort(**settings(
            dns, port, own, workers=1)))
        campaign = send(presort, [f"{n}.example" for n in hosts])
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 4 and
                                t["deferred"] == 3)
        wrong_ones = {n for n in hosts if n.endswith("wrong")}
        assert {n for n, s in sinks.items() if not s.copies()} == wrong_ones
        why = reasons(presort)
        assert set(why) == {f"a@{n}.example" for n in wrong_ones}
        assert all("DANE" in reason for reason in why.values()), why


def test_no_mail_goes_by_a_wrong_signature():
    """An MX or a TLSA record whose signature is wrong may be forged: it is not
    gone by, nor is the mail sent without it. It waits."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(directory())
        own = certificate(where, "nobody.example")
        hosts = ["right", "tlsa", "mx"]
        names = {}
        for i, name in enumerate(hosts, 1):
            names[f"{name}.example"] = [f"MX 1 mx{i}.example."]
            names[f"mx{i}.example"] = [f"A 127.0.1.{i}"]
            names[f"_{port}._tcp.mx{i}.example"] = [
                f"TLSA 3 1 1 {digest(own)}"]
        dns = stack.enter_context(Dns(names, signed=True, forged=[
            (f"_{port}._tcp.mx2.example", "TLSA"), ("mx.example", "MX")]))
        sinks = {n: stack.enter_context(
            Sink("--starttls", "--tls-cert", own, address=f"127.0.1.{i}",
                 port=port)) for i, n in enumerate(hosts, 1)}
        presort = stack.enter_context(Presort(**settings(
            dns, port, own, workers=1)))
        campaign = send(presort, [f"{n}.example" for n in hosts])
        presort.wait_for_totals(campaign, 25, lambda t: t["delivered"] == 1 and
                                t["deferred"] == 2)
        assert {n: set(s.copies()) for n, s in sinks.items()} == {
            "right": {"a@right.example"}, "tlsa": set(), "mx": set()}
        why = reasons(presort)
        assert set(why) == {"a@tlsa.example", "a@mx.example"}
        assert "signature" in why["a@mx.example"], why
        assert "falsely signed" in why["a@tlsa.example"], why
