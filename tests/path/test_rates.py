"""A campaign that bounces too much, or is complained of too much, pauses by
itself; nobody else's does."""

import pytest

from kit import process
from kit.presort import Presort, Refused
from kit.sink import Sink
from test_reports import mails, tell

SOON = {"poll_interval_ms": 100, "rate_mails_min": 300}
GONE = ("--refuse", "gone*@*:550 5.1.1 no such user", "--slow", "20")


def test_bounces_pause_the_campaign_and_no_other():
    bad = [f"{'gone' if i % 4 == 0 else 'u'}{i}@example.com"
           for i in range(4000)]
    good = [f"{'gone' if i % 40 == 0 else 'u'}{i}@example.net"
            for i in range(2000)]
    with Sink(*GONE) as sink, Presort(sink.port, **SOON) as presort:
        ours, others = presort.new_campaign(bad), presort.new_campaign(good)
        presort.send(ours)
        presort.send(others)
        found = presort.wait_for(ours, 60, "paused")
        assert "bounced for good" in found["paused_reason"]
        assert "the limit is 10.0 %" in found["paused_reason"]
        assert found["totals"]["bounced"] > 0

        def is_counted():
            now = presort.campaign(ours)  # what was under way is settled first
            return now["rates"]["hard_bounces"] == now["totals"]["bounced"]
        process.wait_until(is_counted, 10, "rates like totals")
        assert 0.1 < presort.campaign(ours)["rates"]["bounce_rate"] < 0.4
        assert found["totals"]["pending"] > 0
        shown = presort.command("campaign", "show", ours)
        assert found["paused_reason"] in shown
        assert "campaign_paused" in presort.log()
        # The other one is sent to its end: one in forty is not too much.
        sent = presort.wait_for(others, 60)
        assert presort.check_totals(others)["bounced"] == 50
        assert sent["paused_reason"] is None
        held = presort.campaign(ours)
        assert held["state"] == "paused"
        # What is known by now is forgiven to who resumes it.
        presort.ask("POST", f"/campaigns/{ours}/resume", {})
        again = presort.campaign(ours)
        assert again["paused_reason"] is None
        presort.wait_for_totals(
            ours, 30, lambda t: t["pending"] < held["totals"]["pending"] - 500)
        presort.ask("POST", f"/campaigns/{ours}/cancel", {})


def test_rates_of_project_and_domains():
    readers = [f"{'gone' if i % 10 == 0 else 'u'}{i}@example.com"
               for i in range(100)]
    with Sink(*GONE) as sink, Presort(sink.port, **SOON) as presort:
        ours = presort.new_campaign(readers)
        other = presort.new_campaign([f"x{i}@example.com" for i in range(50)],
                                     **{"from": "X <x@Other.example>"})
        for campaign in (ours, other):
            presort.send(campaign)
        presort.wait_for(ours, 30)
        presort.wait_for(other, 30)
        tell(presort, (mails(presort, other)["x7@example.com"], "complained",
                       "complaint", False))

        def found():
            answer = presort.ask("GET", "/rates?hours=1")
            return answer if answer["all"]["complaints"] == 1 else None
        answer = process.wait_until(found, 10, "the complaint counted")
        assert answer["window_seconds"] == 3600
        assert answer["all"] == {
            "delivered": 140, "bounced": 10, "hard_bounces": 10,
            "complaints": 1, "bounce_rate": 0.06667, "complaint_rate": 0.00714}
        assert {d["domain"]: d["rates"]["hard_bounces"]
                for d in answer["domains"]} == {"source.example": 10,
                                                "other.example": 0}
        lines = presort.command("rates", "--hours", "1").splitlines()
        assert lines[1].split() == ["source.example", "100", "10", "10.00",
                                    "%", "0", "0.000", "%"]
        assert lines[-1].split() == ["all", "150", "10", "6.67", "%", "1",
                                     "0.714", "%"]
        for words in (("--hours", "x"), ("--hours", "169"), ("now",)):
            with pytest.raises(RuntimeError, match="hours|--help"):
                presort.command("rates", *words)
        for hours in ("0", "x", "169", ""):
            with pytest.raises(Refused, match="422|hours"):
                presort.ask("GET", f"/rates?hours={hours}")


def test_transactional_mail_is_in_the_rates():
    """By project and the sender's domain, at once and later; in no
    campaign's."""
    with Sink(*GONE) as sink, Presort(sink.port, **SOON) as presort:
        ids = [presort.ask("POST", "/emails/batch", [{
            "from": f"Shop <a@{domain}>", "to": [f"{name}{i}@{domain}.test"],
            "subject": "Receipt", "text": "x"} for i in range(10)
            for name in ("gone", "u")])
            for domain in ("Shop.example", "bank.example")]
        process.wait_until(lambda: presort.sql(
            "SELECT count(*) FROM outcome WHERE final") == [["40"]], 20,
            "all outcomes")
        [[batch, seq]] = presort.sql("""
            SELECT m.batch, m.seq FROM mail m JOIN email e
            ON (e.batch, e.seq) = (m.batch, m.email)
            WHERE m.recipient = 'u3@bank.example.test'""")
        tell(presort, ((int(batch), int(seq)), "complained", "complaint",
                       False))

        def domains():
            return {d["domain"]: (d["rates"]["delivered"],
                                  d["rates"]["hard_bounces"],
                                  d["rates"]["complaints"])
                    for d in presort.ask("GET", "/rates")["domains"]}
        process.wait_until(lambda: domains() == {
            "shop.example": (10, 10, 0), "bank.example": (10, 10, 1)}, 20,
            "the rates")
        assert len(ids[0]["data"]) == 20
        # A second worker's, and after a restart, the same stream.
        presort.stop()
        presort.start()
        presort.ask("POST", "/emails", {
            "from": "a@SHOP.example", "to": ["w@example.com"],
            "subject": "Receipt", "text": "x"})
        process.wait_until(lambda: domains()["shop.example"] == (11, 10, 0),
                           20, "one more")


def test_complaints_pause_the_campaign():
    readers = [f"u{i}@example.com" for i in range(4000)]
    with Sink("--slow", "20") as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(readers)
        of = mails(presort, campaign)
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 400)
        delivered = presort.sql(f"""
            SELECT m.recipient FROM mail m JOIN batch b ON b.id = m.batch
            JOIN outcome o ON (o.batch, o.seq) = (m.batch, m.seq)
            WHERE b.campaign = '{campaign}' LIMIT 40""")
        tell(presort, *((of[row[0]], "complained", "complaint", False)
                        for row in delivered))
        found = presort.wait_for(campaign, 30, "paused")
        assert "complained of" in found["paused_reason"]
        assert found["rates"]["complaints"] == found["complained"] == 40
        presort.ask("POST", f"/campaigns/{campaign}/cancel", {})
