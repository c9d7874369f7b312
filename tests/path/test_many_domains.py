"""Campaigns to more domains than a worker keeps: what it keeps of them is bounded,
and so is what each of them costs. And domains of many hosts."""

import re
import urllib.request

from kit import process
from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

KEPT = 10_000
MORE = 2_000
KB_EACH_MOST = 6  # 24 were kept, and 16 more while they were looked up


def kept(presort):
    where = presort.environment["PRESORT_ENGINE_METRICS_LISTEN"]
    with urllib.request.urlopen(f"http://{where}/metrics", timeout=10) as page:
        found = re.search(r"^presort_domains_known\{.*\} (\d+)$",
                          page.read().decode(), re.M)
    return int(found[1])


def resident_kb(presort):
    pid, = presort.pids("presort-engine")
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])


def bounces(presort, recipients):
    campaign = presort.new_campaign(recipients)
    presort.send(campaign)
    presort.wait_for(campaign, 60)
    assert presort.check_totals(campaign)["bounced"] == len(recipients)


def test_many_domains_that_do_not_exist():
    with Dns({"mx.example": ["A 127.0.1.1"]}) as dns, \
            Presort(relay="direct", dkim_required=0, workers=1,
                    poll_interval_ms=200, bounce_limit_permille=0,
                    **dns.settings) as presort:
        bounces(presort, ["a@first.example"])
        before = resident_kb(presort)
        bounces(presort, [f"a@d{i}.example" for i in range(KEPT + MORE)])
        assert kept(presort) == KEPT
        assert resident_kb(presort) - before < KB_EACH_MOST * (KEPT + MORE)
        bounces(presort, ["b@first.example"])  # it was forgotten
        assert kept(presort) == KEPT


def test_many_hosts():
    """Domains that share thirty equal hosts are one site; where the first hosts
    have no address, further ones are looked at."""
    port = free_ports(1)[0]
    names = {f"m{i}.big.example": ["A 127.0.1.1"] for i in range(30)}
    for k in range(8):
        names[f"c{k}.example"] = [
            f"MX 10 m{(i + k) % 30}.big.example." for i in range(30)]
    names["far.example"] = [f"MX {i} q{i}.far.example." for i in range(20)]
    names["q18.far.example"] = ["A 127.0.1.1"]
    domains = [*(f"c{k}.example" for k in range(8)), "far.example"]
    with Dns(names) as dns, Sink(address="127.0.1.1", port=port) as sink, \
            Presort(relay="direct", dkim_required=0, workers=1,
                    direct_port=port, connect_timeout_seconds=2,
                    retry_first_seconds=3, poll_interval_ms=200,
                    **dns.settings) as presort:
        campaign = presort.new_campaign([f"a@{d}" for d in domains])
        presort.send(campaign)
        presort.wait_for(campaign, 60)
        assert set(sink.copies()) == {f"a@{d}" for d in domains}
        process.wait_until(
            lambda: {s["name"] for s in
                     presort.call("GET", "/sites").body["data"]} ==
            {"m0.big.example", "q0.far.example"}, 30, "two sites")
