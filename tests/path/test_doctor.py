"""presort doctor: what receivers look up, all right and all wrong."""

import re
import subprocess

import pytest

from kit import certificate, places
from kit.dns import Dns
from kit.presort import Presort
from kit.sink import Sink

# Of the public ones: for the others libunbound answers itself.
HOST = {
    "presort.example": ["A 44.113.0.5", "AAAA 2a00:99::5"],
    "5.0.113.44.in-addr.arpa": ["PTR presort.example."],
    "5" + ".0" * 23 + ".9.9.0.0.0.0.a.2.ip6.arpa": ["PTR presort.example."],
}


@pytest.fixture(name="place")
def place_fixture():
    with Dns({}) as dns, Sink() as sink, Presort(
            sink.port, return_path_domain="bounce.news.example",
            direct_port=places.free_ports(1)[0],
            spf_mechanisms="ip4:44.113.0.5", **dns.settings) as presort:
        presort.command("domains", "add", "news.example", "both")
        yield presort, dns


# Each run of it is a resolver of its own, and remembers nothing of the last.


def doctor(presort, *words, **settings):
    run = subprocess.run(
        [places.PRESORT, "doctor", *words], capture_output=True, text=True,
        env={**presort.environment,
             **{f"PRESORT_{n.upper()}": v for n, v in settings.items()}})
    return run.returncode, run.stdout, run.stderr


def lines(out, grade):
    return [l for l in out.splitlines() if l.split(" ")[0] == grade]


def zone_of(out):
    """What it says is to be published, as a zone has it."""
    names = {}
    for line in out.splitlines():
        if line.strip().startswith("publish: "):
            name, record = line.split("publish: ")[1].split(". IN ", 1)
            names.setdefault(name, []).append(record)
    return names


def test_nothing_is_there_then_what_it_says_is_published(place):
    """Following its advice to the letter makes it happy."""
    presort, dns = place
    dns.publish({})
    status, out, err = doctor(presort)
    assert (status, err) == (1, "")
    failing = lines(out, "FAIL")
    assert [l.split(":")[0] for l in failing[:1]] == ["FAIL  hostname"]
    for what in ["SPF bounce.news.example", "MX bounce.news.example",
                 "DMARC _dmarc.news.example"]:
        assert f"FAIL  {what}: missing: there is no such record" in failing
    assert sum("DKIM" in l and "_domainkey" in l for l in failing) == 2
    assert ("FAIL  alignment of news.example: DMARC fails: neither DKIM nor "
            "SPF is both right and aligned") in failing

    advised = zone_of(out)
    del advised["presort.example"]
    dns.publish({**advised, **HOST, "news.example": ["MX 1 mx.news.example."],
                 "mx.news.example": ["A 127.0.1.1"],
                 "_mta-sts.news.example": ['TXT "v=STSv1; id=7"'],
                 "_smtp._tls.news.example":
                     ['TXT "v=TLSRPTv1; rua=mailto:tls@news.example"']})
    status, out, _ = doctor(presort)
    assert status == 0, out
    assert not lines(out, "FAIL") and not lines(out, "warn"), out
    assert "ok    address 2a00:99::5: PTR is presort.example" in out
    assert "DMARC passes by DKIM and SPF" in out
    assert "there, id 7" in out
    assert "reports go to mailto:tls@news.example" in out
    assert out.endswith("0 failed, 0 to look at\n")

    # Strict alignment leaves DKIM; a domain below is signed by this one's
    # keys, which strict alignment does not take.
    dmarc = {"_dmarc.news.example":
             ['TXT "v=DMARC1; p=reject; aspf=s; adkim=s"']}
    dns.publish({**advised, **HOST, **dmarc})
    status, out, _ = doctor(presort, "news.example", "deep.news.example")
    assert status == 1
    one, deep = out.split("\n\n")[1:3]
    assert "DMARC passes by DKIM\n" in one and not lines(one, "FAIL"), out
    assert "not aligned (aspf=s)" in one
    assert "keys are those of news.example: not aligned (adkim=s)" in deep
    assert "DMARC fails" in deep
    assert "warn  MX news.example: nobody can reply" in one


def test_addresses_and_their_names(place):
    presort, dns = place
    dns.publish({
        **HOST,
        "6.0.113.44.in-addr.arpa": ["PTR other.example."],
        "other.example": ["A 44.113.0.6"],
        "7.0.113.44.in-addr.arpa": ["PTR stray.example."],
        "stray.example": ["A 44.113.0.77"],
        "1.0.0.10.in-addr.arpa": ["PTR presort.example."],
    })
    def one(address, **settings):
        _, out, _ = doctor(presort, "--address", address, "x.example",
                           **settings)
        return [l for l in out.split("\n\n")[0].splitlines()
                if "address " + address in l], out

    assert one("44.113.0.5")[0][0].startswith("ok ")
    found, out = one("44.113.0.6")
    assert found == ["warn  address 44.113.0.6: its PTR name is another than "
                     "the one said in EHLO, presort.example"]
    assert "found:   other.example" in out
    assert "publish: 6.0.113.44.in-addr.arpa. IN PTR presort.example." in out
    assert "does not lead back" in one("44.113.0.7")[0][0]
    assert "it has no PTR record" in one("44.113.0.8")[0][0]
    assert "nobody outside can see it" in one("10.0.0.1")[0][0]
    _, out, _ = doctor(presort, hostname="shop")
    assert out.startswith("FAIL  hostname: shop is no full name")


def test_what_can_not_be_looked_up_is_not_called_wrong(place):
    presort, _ = place
    _, out, _ = doctor(presort, "news.example",
                       dns_servers="127.0.0.1@9")
    assert not [l for l in lines(out, "FAIL") if "alignment" not in l], out
    assert "can't be looked up" in out


def test_what_tls_its_servers_speak(place, tmp_path):
    """Right; a name that is not proved; none; nobody there. What is a lack
    without MTA-STS is a failure with it."""
    presort, dns = place
    port = int(presort.environment["PRESORT_DIRECT_PORT"])
    good = certificate.make(tmp_path, "good.test.example")
    names = {
        "test.example": [f"MX {n} {name}.test.example." for n, name in
                         enumerate(["good", "stray", "clear", "away"])],
        "good.test.example": ["A 127.0.1.1"],
        "stray.test.example": ["A 127.0.1.2"],
        "clear.test.example": ["A 127.0.1.3"],
        "away.test.example": ["A 127.0.1.4"],
    }
    tls = ["--starttls", "--tls-cert", good]
    with Sink(*tls, address="127.0.1.1", port=port), \
            Sink(*tls, address="127.0.1.2", port=port), \
            Sink(address="127.0.1.3", port=port):
        dns.publish(names)
        _, out, _ = doctor(presort, "test.example", tls_ca_file=str(good))
        found = {l[6:].split(":")[0]: l for l in out.splitlines()
                 if " TLS " in l}
        assert re.match(
            "ok    TLS good.test.example: TLSv1.3, certificate valid until "
            r"\w{3} .*20\d\d GMT$", found["TLS good.test.example"]), out
        assert re.match(
            "info  TLS stray.test.example: TLSv1.3, but its certificate proves "
            "no name: .*stray.test.example", found["TLS stray.test.example"])
        assert found["TLS clear.test.example"].startswith(
            "warn  TLS clear.test.example: no STARTTLS is offered")
        assert found["TLS away.test.example"].startswith(
            "info  TLS away.test.example: not looked at, as port")
        dns.publish({**names,
                     "_mta-sts.test.example": ['TXT "v=STSv1; id=7"']})
        _, out, _ = doctor(presort, "test.example", tls_ca_file=str(good))
        failing = [l.split(":")[0] for l in lines(out, "FAIL") if "TLS" in l]
        assert failing == ["FAIL  TLS stray.test.example",
                           "FAIL  TLS clear.test.example"], out
        assert "ok    TLS good.test.example" in out


def test_source_addresses(place):
    """Each by its own name, and whether SPF of a domain covers those that its
    mail leaves from; following the advice makes it happy."""
    presort, dns = place
    right, stray, none, idle = [f"44.113.1.{n}" for n in (1, 2, 3, 4)]
    for address, name, pool in [
            (right, "out1", "main"), (stray, "out2", "main"),
            (none, "out3", "main"), (idle, "out4", "later"),
            ("44.113.1.5", "out5", "others"), ("2a00:99::1", "six", "main"),
            ("127.0.3.1", "home", "main")]:
        presort.command("sources", "add", address, "--ehlo",
                        f"{name}.presort.example", "--pool", pool)
    presort.command("sources", "add", "44.113.1.6", "--ehlo", "x.example",
                    "--pool", "main")
    presort.command("sources", "pause", "44.113.1.6")
    presort.command("route", "add", "--via", "direct", "--from",
                    "other.example", "--pool", "others")
    presort.command("route", "add", "--via", "direct", "--from", "*.example",
                    "--pool", "main")
    names = {
        **HOST, "out1.presort.example": [f"A {right}"],
        "1.1.113.44.in-addr.arpa": ["PTR out1.presort.example."],
        "out2.presort.example": ["A 44.113.1.77"],
        "2.1.113.44.in-addr.arpa": ["PTR presort.example."],
        "six.presort.example": ["AAAA 2a00:99::1"],
        "bounce.news.example": [
            'TXT "v=spf1 ip4:44.113.0.5 include:half.example ?a -all"'],
        "half.example": ['TXT "v=spf1 a:out1.presort.example/32 -all"'],
    }
    dns.publish(names)
    _, out, _ = doctor(presort, "news.example")
    block = out.split("\n\n")[1]
    absent = "no mail leaves from it here: Cannot assign requested address"

    def said(address):
        return [(l[:4].strip(), l.split(": ", 1)[1]) for l in
                out.splitlines() if f" source {address}: " in l]
    assert said(right) == [
        ("warn", absent),
        ("ok", "out1.presort.example, said in EHLO, leads to it"),
        ("ok", "PTR is out1.presort.example, which leads back to it")], out
    assert said(stray) == [
        ("warn", absent),
        ("FAIL", "out2.presort.example, said in EHLO, leads elsewhere"),
        ("FAIL", "its PTR name does not lead back to it: many refuse its "
                 "mail")], out
    assert "found:   44.113.1.77\n" in block
    assert f"publish: out2.presort.example. IN A {stray}\n" in block
    assert said(none)[1:] == [
        ("FAIL", "out3.presort.example, said in EHLO, has no address"),
        ("FAIL", "it has no PTR record: many refuse its mail")]
    assert said("2a00:99::1")[1:] == [
        ("ok", "six.presort.example, said in EHLO, leads to it"),
        ("FAIL", "it has no PTR record: many refuse its mail")]
    assert said("127.0.3.1") == [
        ("warn", "nobody outside can see it: what it becomes there is to be "
                 "checked with --address")]
    assert len(said("44.113.1.5")) == 3 and not said("44.113.1.6")

    spf = "SPF bounce.news.example: it "
    why = '"-all" of bounce.news.example decides'
    assert f"FAIL  {spf}does not cover {stray}: {why}" in out, out
    assert f"FAIL  {spf}does not cover {none}: {why}" in out
    assert f"FAIL  {spf}does not cover 2a00:99::1: {why}" in out
    assert (f"warn  {spf}does not cover {idle}, whose pool no route uses yet: "
            + why) in out
    assert f"ok    {spf}covers 1 source address\n" in out
    assert "cover 44.113.1.5" not in out and "cover 127" not in out
    assert "add:     ip6:2a00:99::1, there and to the setting" in out

    # As it says; and what is not looked at, or wrong, is said.
    dns.publish({**names, **zone_of(block), "bounce.news.example": [
        'TXT "v=spf1 ip4:44.113.0.5 include:half.example ip4:44.113.1.2 '
        'ip6:2a00:99::/32 mx -all"', "MX 1 out3.presort.example."]})
    _, out, _ = doctor(presort, "news.example")
    assert not [l for l in lines(out, "FAIL") if " source " in l], out
    assert f"{spf}covers 4 source addresses\n" in out, out
    for record, grade, why in [
            ("redirect=half.example", "FAIL", '"-all" of half.example'),
            ("include:none.example ~all", "FAIL",
             "none.example has no SPF record"),
            ("a ip4:1.2.3 +all", "FAIL", '"ip4:1.2.3" of bounce'),
            ("include:%{i}.x.example -all", "warn", "is not followed"),
            ("include:bounce.news.example -all", "FAIL",
             "more than 10 look-ups")]:
        dns.publish({**names, "bounce.news.example": [
            f'TXT "v=spf1 {record}"']})
        _, out, _ = doctor(presort, "news.example")
        assert [l for l in lines(out, grade) if none in l and why in l], (
            record, out)


def test_usage(place):
    presort, _ = place
    assert doctor(presort, "--address", "no")[0] == 2
    assert doctor(presort, "--help")[0] == 0
    status, out, _ = doctor(presort, "no domain")
    assert status == 1 and "FAIL  no domain:" in out
    # Without its database it says so, and goes on.
    _, out, _ = doctor(presort, "news.example", state_dir="/nonexistent")
    assert "what it knows is not checked" in out
