"""Campaigns to more domains than a worker keeps: what it keeps of them is bounded,
and so is what each of them costs."""

import re
import urllib.request

from kit.dns import Dns
from kit.presort import Presort

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
