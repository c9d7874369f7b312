"""Domains by API and command line: which DNS records they take, what of them
is found, and that mail is signed by the keys that were made on the way."""

import json
import os
import pathlib
import shutil
import subprocess
import time

import dkim
import pytest

from kit import places
from kit.api import Api
from kit.dns import Dns
from kit.presort import Presort, Refused
from kit.sink import Sink
from test_sdk_node import install

TTL_SECONDS = 1
FORGOTTEN_SECONDS = TTL_SECONDS + 1.1  # a resolver counts whole seconds


@pytest.fixture(scope="module", name="place")
def place_fixture():
    """Presort that bounces unsigned mail, its DNS, and the sink it sends to."""
    with Dns({}, ttl_seconds=TTL_SECONDS) as dns, Sink(
            maildir=True) as sink, Presort(
            sink.port, return_path_domain="bounce.example", dkim_required=1,
            spf_mechanisms="ip4:192.0.2.1 include:spf.relay.example",
            **dns.settings) as presort:
        yield presort, dns, sink


def zone_of(records):
    """What an owner does: the records, as told, into the zone."""
    names = {}
    for r in records:
        if r["type"] == "MX":
            line = f"MX {r['priority']} {r['value']}."
        else:
            pieces = [r["value"][i:i + 255]
                      for i in range(0, len(r["value"]), 255)]
            line = "TXT " + " ".join(f'"{p}"' for p in pieces)
        names.setdefault(r["name"], []).append(line)
    return names


def by_name(domain):
    return {(r["name"], r["type"]): r for r in domain["records"]}


def test_from_nothing_to_verified_and_signed(place):
    presort, dns, sink = place
    made = presort.ask("POST", "/domains", {"name": "News.Example",
                                            "dkim": "both"})
    assert made["object"] == "domain" and made["name"] == "news.example"
    assert made["status"] == "not_started"
    assert [(r["record"], r["type"], r["status"]) for r in made["records"]] == [
        ("DKIM", "TXT", "not_started"), ("DKIM", "TXT", "not_started"),
        ("SPF", "TXT", "not_started"), ("SPF", "MX", "not_started"),
        ("DMARC", "TXT", "not_started")]
    assert {r["value"].split(";")[1] for r in made["records"][:2]} == {
        " k=rsa", " k=ed25519"}
    assert by_name(made)["bounce.example", "TXT"]["value"] == \
        "v=spf1 ip4:192.0.2.1 include:spf.relay.example ~all"
    assert by_name(made)["bounce.example", "MX"]["value"] == "presort.example"

    # Nothing is there yet: each record says so.
    path = f"/domains/{made['id']}"
    missing = presort.ask("POST", f"{path}/verify")
    assert missing["status"] == "failed"
    for r in missing["records"]:
        assert (r["status"], r["problem"]) == (
            "failed", "missing: there is no such record")

    # One key is mistyped, SPF is somebody else's, DMARC stands above.
    zone = zone_of(made["records"])
    rsa = next(r for r in made["records"] if "k=rsa" in r["value"])
    zone[rsa["name"]] = [zone[rsa["name"]][0].replace("p=MII", "p=MIJ")]
    zone["bounce.example"] = ['TXT "v=spf1 ip4:192.0.2.1 -all"',
                              'TXT "unrelated"', "MX 5 presort.example."]
    zone["_dmarc.news.example"] = ['TXT "v=DMARC1; p=reject"']
    dns.publish(zone)
    time.sleep(FORGOTTEN_SECONDS)
    wrong = presort.ask("POST", f"{path}/verify")
    assert wrong["status"] == "partially_verified"
    found = by_name(wrong)
    assert found[rsa["name"], "TXT"]["problem"] == \
        "it is another key: p= differs"
    assert "p=MIJ" in found[rsa["name"], "TXT"]["found"]
    spf = found["bounce.example", "TXT"]
    assert spf["problem"] == ("it lacks include:spf.relay.example, which is to "
                              'stand before "all"')
    assert spf["found"] == "v=spf1 ip4:192.0.2.1 -all"
    assert found["bounce.example", "MX"]["status"] == "verified"
    assert presort.ask("GET", path)["records"] == wrong["records"]

    # All is well in a second domain, whose DMARC is that of the one above.
    below = presort.ask("POST", "/domains", {"name": "a.b.news.example"})
    zone = zone_of(made["records"] + below["records"])
    del zone["_dmarc.a.b.news.example"]
    dns.publish(zone)
    time.sleep(FORGOTTEN_SECONDS)
    found = by_name(presort.ask("POST", f"/domains/{below['id']}/verify"))
    assert found[below["records"][0]["name"], "TXT"]["status"] == "verified"
    assert found["_dmarc.a.b.news.example", "TXT"]["status"] == "verified"
    assert found["_dmarc.a.b.news.example", "TXT"]["found"].startswith(
        "v=DMARC1; p=")
    listed = presort.ask("GET", "/domains")
    assert not listed["has_more"]
    assert [d["name"] for d in listed["data"]] == ["a.b.news.example",
                                                   "news.example"]

    # And mail is signed with these keys.
    campaign = presort.new_campaign(["one@example.net"],
                                    **{"from": "News <x@news.example>"})
    presort.send(campaign)
    presort.wait_for(campaign, 60)
    assert presort.check_totals(campaign)["delivered"] == 1
    mail = sink.messages()[-1].content
    records = {r["name"]: r["value"] for r in made["records"]}

    def answer(name, timeout=5):
        return records[name.decode().rstrip(".")].encode()

    for index in range(2):
        assert dkim.DKIM(mail).verify(idx=index, dnsfunc=answer)


def test_refusals(place):
    presort, _, _ = place

    def refused(method, path, body, status, words):
        with pytest.raises(Refused) as error:
            presort.ask(method, path, body)
        assert error.value.answer.status == status
        assert words in error.value.answer.body["message"]

    refused("POST", "/domains", {}, 422, "`name`")
    refused("POST", "/domains", {"name": "a b.example"}, 422, "no domain")
    refused("POST", "/domains", {"name": "192.0.2.1"}, 422, "number")
    refused("POST", "/domains", {"name": "x.example", "dkim": "rsa1024"}, 422,
            "`dkim`")
    refused("POST", "/domains", {"name": "x.example", "tls": "enforced"}, 422,
            "`tls`")
    refused("POST", "/domains", {"name": "x.example", "click_trackin": True},
            422, "click_tracking")
    refused("GET", "/domains/none", None, 404, "Domain not found")
    refused("POST", "/domains/00000000-0000-0000-0000-000000000000/verify",
            None, 404, "Domain not found")
    presort.ask("POST", "/domains", {"name": "twice.example",
                                     "dkim": "ed25519"})
    refused("POST", "/domains", {"name": "TWICE.example"}, 403, "already")


def test_rotation_waits_for_the_next_key(place):
    presort, dns, _ = place
    made = presort.ask("POST", "/domains", {"name": "turn.example",
                                            "dkim": "ed25519"})
    presort.command("dkim", "rotate", "turn.example")
    path = f"/domains/{made['id']}"
    for _ in range(100):
        keys = [r for r in presort.ask("GET", path)["records"]
                if r["record"] == "DKIM"]
        if len(keys) == 2:
            break
        time.sleep(0.1)
    assert [r["key"] for r in keys] == ["active", "next"]
    assert keys[0] == made["records"][0]
    # Not before it is there, once the domain is looked up at all.
    presort.ask("POST", f"{path}/verify")
    with pytest.raises(RuntimeError, match="not found in the DNS"):
        presort.command("dkim", "rotate", "turn.example")
    dns.publish(zone_of([keys[1]]))
    time.sleep(FORGOTTEN_SECONDS)
    presort.ask("POST", f"{path}/verify")
    assert "active" in presort.command("dkim", "rotate", "turn.example")


def run(presort, *words):
    return subprocess.run([places.PRESORT, "domains", *words], text=True,
                          env={**presort.environment,
                               "PRESORT_API_KEY": presort.key},
                          capture_output=True)


def test_command_line(place):
    presort, dns, _ = place
    made = run(presort, "add", "cli.example", "ed25519")
    assert made.returncode == 0, made.stderr
    lines = [l for l in made.stdout.splitlines() if not l.startswith(";")]
    assert lines[1] == ('bounce.example. IN TXT "v=spf1 ip4:192.0.2.1 '
                        'include:spf.relay.example ~all"')
    assert lines[2] == "bounce.example. IN MX 10 presort.example."
    failed = run(presort, "verify", "CLI.example")
    assert failed.returncode == 1
    assert "missing: there is no such record" in failed.stdout
    # What was printed is a zone file.
    zone = {}
    for line in lines:
        name, record = line.split(". IN ", 1)
        zone.setdefault(name, []).append(record)
    dns.publish(zone)
    time.sleep(FORGOTTEN_SECONDS)
    right = run(presort, "verify", "cli.example")
    assert right.returncode == 0, right.stdout
    assert "cli.example: verified" in right.stdout
    assert "verified            cli.example" in run(presort, "list").stdout
    assert run(presort, "remove", "cli.example").returncode == 0
    assert "cli.example" not in run(presort, "list").stdout
    assert run(presort, "show", "cli.example").returncode == 1


def test_node_sdk(place):
    presort, _, _ = place
    for program in ("node", "npm"):
        if not shutil.which(program):
            pytest.skip(f"no {program} here: the SDK was not tried")
    script = pathlib.Path(__file__).with_name("sdk_node_domains.cjs")
    said = subprocess.run(
        ["node", script], capture_output=True, text=True, timeout=120, check=True,
        env={**os.environ, "NODE_PATH": str(install()),
             "RESEND_API_KEY": presort.key,
             "RESEND_BASE_URL": f"http://127.0.0.1:{presort.port}"}).stdout
    steps = json.loads(said)
    errors = {name: step["error"] and step["error"]["statusCode"]
              for name, step in steps.items()}
    assert errors == {
        "create": None, "create again": 403, "get": None, "list": None,
        "verify": None, "update": None, "update refused": 422, "remove": None,
        "gone": 404}
    made = steps["create"]["data"]
    assert made["name"] == "sdk.example" and made["region"] == "us-east-1"
    assert {r["record"] for r in made["records"]} == {"DKIM", "SPF", "DMARC"}
    assert steps["get"]["data"]["records"] == made["records"]
    assert made["id"] in {d["id"] for d in steps["list"]["data"]["data"]}
    assert steps["verify"]["data"]["id"] == made["id"]
    assert steps["remove"]["data"]["deleted"] is True


def test_no_engine_no_domain():
    """The API waits a while; then it is as if nothing had been asked for."""
    with Api() as api:
        refused = api.post("/domains", {"name": "late.example"})
        assert refused.status == 503
        assert "No engine" in refused.json["message"]
        assert refused.headers["retry-after"]
        assert api.get("/domains").json["data"] == []
