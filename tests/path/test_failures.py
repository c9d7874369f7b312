"""What a refusal means is found out as it is settled, and shown."""

import json
import urllib.request

from kit.presort import Presort
from kit.sink import Sink

SOON = {"retry_first_seconds": 1, "retry_most_seconds": 1,
        "retry_jitter_percent": 0, "poll_interval_ms": 100,
        "refused_retries": 2}
# No word of a list: mail that meets such a rule waits for hours (shaping.md).
RULES = ("--refuse", "gone*@*:550 5.1.1 no such user",
         "--refuse", "full?@*:552 5.2.2 mailbox full",
         "--refuse", "blocked?@*:554 5.7.1 too many complaints about you",
         "--refuse", "spam?@*@dot:554 5.7.1 message looks like spam",
         "--defer", "later?@*+1:451 4.3.0 try again")
KINDS = {"gone": "invalid_recipient", "full": "mailbox_full",
         "blocked": "spam_or_reputation", "spam": "spam_or_reputation",
         "later": "transient"}
READERS = [f"{kind}{i}@example.com" for kind in KINDS for i in range(10)]


def export(presort, campaign):
    request = urllib.request.Request(
        f"http://127.0.0.1:{presort.port}/campaigns/{campaign}"
        "/recipients.ndjson",
        headers={"Authorization": f"Bearer {presort.key}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [json.loads(line) for line in answer]


def failures(presort, campaign):
    found = presort.campaign(campaign)["failures"]
    return {row["category"]: row for row in found}


def test_refusals_have_categories():
    with Sink(*RULES) as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(READERS + ["ok@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["bounced"]) == (11, 40)
        # What blames our address was tried again, twice; what blames the text
        # or the recipient was not.
        assert sink.deeds("blocked1@example.com") == ["refused"] * 3
        assert sink.deeds("spam1@example.com") == ["refused"]
        assert sink.deeds("gone1@example.com") == ["refused"]
        rows = failures(presort, campaign)
        assert {name: (row["hard"], row["deferred"], row["bounced"])
                for name, row in rows.items()} == {
                    "invalid_recipient": (True, 0, 10),
                    "mailbox_full": (False, 0, 10),
                    "spam_or_reputation": (False, 20, 20),
                    "transient": (False, 10, 0)}
        assert rows["mailbox_full"]["sites"] == [
            {"site": "example.com", "deferred": 0, "bounced": 10,
             "later": 0}]
        shown = presort.command("campaign", "show", campaign)
        assert "invalid_recipient" in shown


def test_categories_of_recipients_and_emails():
    with Sink(*RULES) as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(READERS)
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        for row in export(presort, campaign):
            kind = row["recipient"].split("@")[0][:-1]
            expected = None if kind == "later" else KINDS[kind]
            assert row["category"] == expected, row
            email = presort.ask("GET", f"/emails/{row['id']}")
            last = email["recipients"][0]
            assert (last["category"], last["hard"]) == (
                expected, kind == "gone")


def test_counted_once_over_a_crash():
    """Killed at any moment: what failed is counted like the outcomes are."""
    # That so many bounce is to pause nothing here (test_rates.py).
    with Sink(*RULES) as sink, Presort(
            sink.port, rate_mails_min=100000, **SOON) as presort:
        readers = [f"gone{i}@d{i % 50}.example" for i in range(3000)]
        campaign = presort.new_campaign(readers)
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30,
                                lambda totals: totals["bounced"] >= 300)
        presort.kill()
        presort.start()
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["bounced"] == 3000
        assert sum(int(row[0]) for row in presort.sql(
            "SELECT sum(bounced) FROM failure")) == 3000
