"""What is told of mails after they were settled, and what follows for their
recipients."""

import threading
import time

from kit import process
from kit.presort import Presort
from kit.sink import Sink

SOON = {"retry_first_seconds": 1, "retry_most_seconds": 1,
        "retry_jitter_percent": 0, "poll_interval_ms": 100}


def mails(presort, campaign):
    """{recipient: (batch, seq)}"""
    rows = presort.sql(f"""SELECT m.recipient, m.batch, m.seq FROM mail m
                           JOIN batch b ON b.id = m.batch
                           WHERE b.campaign = '{campaign}'""")
    return {row[0]: (int(row[1]), int(row[2])) for row in rows}


def tell(presort, *reports):
    """(mail, kind, category, hard) each; what is answered of each."""
    def array(values, kind):
        return f"ARRAY[{','.join(values)}]::{kind}[]"
    names = [mail for mail, *_ in reports]
    return [row[-2:] for row in presort.sql(f"""
        SELECT * FROM report_settle(
            {array([str(b) for b, _ in names], 'bigint')},
            {array([str(s) for _, s in names], 'int')},
            {array([f"'{r[1]}'" for r in reports], 'text')},
            {array([f"'{r[2]}'" for r in reports], 'text')},
            {array([str(r[3]) for r in reports], 'boolean')},
            {array(["'5.1.1'" for _ in reports], 'text')},
            {array(["550" for _ in reports], 'smallint')},
            {array(["'user unknown'" for _ in reports], 'text')})
        ORDER BY batch, seq, kind""")]


def on_the_list(presort):
    return {(row[0], row[1]) for row in presort.sql(
        "SELECT address, reason FROM suppressed")}


def test_hard_bounces_suppress_and_blame_does_not():
    rules = ("--refuse", "gone?@*:550 5.1.1 no such user",
             "--refuse", "blocked?@*:554 5.1.1 too many complaints about you",
             "--refuse", "policy?@*:550 5.7.1 not by policy",
             "--refuse", "full?@*:552 5.2.2 mailbox full")
    kinds = ("Gone", "blocked", "policy", "full", "ok")
    readers = [f"{kind}{i}@Example.com" for kind in kinds for i in range(5)]
    with Sink(*rules) as sink, Presort(sink.port, refused_retries=0, **SOON
                                       ) as presort:
        campaign = presort.new_campaign(readers)
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["bounced"] == 20
        gone = {f"gone{i}@example.com" for i in range(5)}
        assert on_the_list(presort) == {(a, "bounce") for a in gone}
        again = presort.new_campaign(readers)
        presort.send(again)
        presort.wait_for(again, 30)
        totals = presort.check_totals(again)
        assert (totals["suppressed"], totals["bounced"]) == (5, 15)


def test_told_later_once():
    with Sink() as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign([f"u{i}@example.com"
                                         for i in range(10)])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        of = mails(presort, campaign)
        told = [(of["u1@example.com"], "bounced", "invalid_recipient", True),
                (of["u2@example.com"], "complained", "complaint", False),
                (of["u3@example.com"], "bounced", "spam_or_reputation", False),
                ((5, 5), "bounced", "invalid_recipient", True)]
        answers = []
        for report in told:  # each again and again, by several at once
            threads = [threading.Thread(
                target=lambda r=report: answers.append(tell(presort, r)))
                       for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert sum(row[1] == "t" for rows in answers for row in rows) == 3
        assert tell(presort, told[3]) == [["f", "f"]]
        assert tell(presort, told[0]) == [["t", "f"]]
        found = presort.campaign(campaign)
        assert (found["bounced_later"], found["complained"]) == (2, 1)
        assert presort.check_totals(campaign)["delivered"] == 10
        assert on_the_list(presort) == {("u1@example.com", "bounce"),
                                        ("u2@example.com", "complaint")}
        page = presort.ask("GET", f"/campaigns/{campaign}/recipients?limit=20")
        rows = {row["recipient"]: row for row in page["data"]}
        events = {"u1": "bounced", "u2": "complained", "u3": "bounced"}
        for name in ("u1", "u2", "u3", "u4"):
            row = rows[f"{name}@example.com"]
            assert row["later"] == events.get(name)
            email = presort.ask("GET", f"/emails/{row['id']}")
            assert email["last_event"] == events.get(name, "delivered")
            to = email["recipients"][0]
            assert to["outcome"] == "delivered"
            assert [e["event"] for e in to["later"]] == (
                [events[name]] if name in events else [])


def test_a_harder_word_counts_in_place_of_a_softer_one():
    """Full, then gone: suppressed as gone, counted once, as that. The other
    way round nothing is taken back."""
    with Sink() as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(["a@example.com", "b@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        of = mails(presort, campaign)
        soft = "bounced", "mailbox_full", False
        hard = "bounced", "invalid_recipient", True
        assert tell(presort, (of["a@example.com"], *soft)) == [["t", "t"]]
        assert tell(presort, (of["b@example.com"], *hard)) == [["t", "t"]]
        assert on_the_list(presort) == {("b@example.com", "bounce")}
        for report in (of["a@example.com"], *hard), (of["b@example.com"],
                                                     *soft):
            assert tell(presort, report) == [["t", "f"]]
            assert tell(presort, report) == [["t", "f"]]
        assert on_the_list(presort) == {("a@example.com", "bounce"),
                                        ("b@example.com", "bounce")}
        found = presort.campaign(campaign)
        assert found["bounced_later"] == 2
        assert {f["category"]: f["later"] for f in found["failures"]
                if f["later"]} == {"invalid_recipient": 2}
        process.wait_until(lambda: presort.campaign(campaign)["rates"][
            "hard_bounces"] == 2, 10, "both in the rates")


def test_two_tell_of_one_mail_at_once():
    """A passing bounce that is not committed yet hides none for good."""
    with Sink() as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(["a@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        [(batch, seq)] = mails(presort, campaign).values()

        def told(category, hard):
            return f"""SELECT FROM report_settle(ARRAY[{batch}::bigint],
                ARRAY[{seq}], ARRAY['bounced'], ARRAY['{category}'],
                ARRAY[{hard}], ARRAY['5.0.0'], ARRAY[550::smallint],
                ARRAY['x'])"""
        first = threading.Thread(target=presort.sql, args=(
            f"BEGIN; {told('mailbox_full', False)}; SELECT pg_sleep(2); "
            "COMMIT",))
        first.start()
        process.wait_until(lambda: presort.sql("""
            SELECT count(*) FROM pg_locks WHERE granted AND
            mode = 'RowExclusiveLock' AND relation = 'report'::regclass""")
            != [["0"]], 10, "the first to have told")
        presort.sql(told("invalid_recipient", True))
        first.join()
        assert presort.sql("SELECT category, hard FROM report") == [
            ["invalid_recipient", "t"]]
        assert on_the_list(presort) == {("a@example.com", "bounce")}
        assert {f["category"]: f["later"] for f in
                presort.campaign(campaign)["failures"] if f["later"]} == {
            "invalid_recipient": 1}


def test_mail_that_expires_in_a_workers_hand():
    """A full mailbox until the end is a soft bounce also where a worker finds
    that the time is over, not the store: it has to ask the store why."""
    with Sink("--defer", "full@*:452 4.2.2 mailbox full", "--defer",
              "busy@*:451 4.3.0 busy") as sink, Presort(
                  sink.port, soft_bounces_max=1, **SOON) as presort:
        campaign = presort.new_campaign(["full@example.com",
                                         "busy@example.com"])
        presort.send(campaign)
        presort.wait_for_totals(campaign, 20, lambda t: t["deferred"] > 1)
        for batch, seq in mails(presort, campaign).values():
            presort.sql(f"""SELECT settle_failed(1, ARRAY[{batch}],
                ARRAY[{seq}], ARRAY[now()], ARRAY['expired'],
                ARRAY['{campaign}'::uuid], ARRAY['x'], ARRAY[NULL])""")
        process.wait_until(lambda: on_the_list(presort) == {
            ("full@example.com", "soft_bounce")}, 10, "the soft bounce")


def test_a_report_on_authentication_is_no_complaint():
    with Sink() as sink, Presort(sink.port, **SOON) as presort:
        campaign = presort.new_campaign(["u@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        mail = mails(presort, campaign)["u@example.com"]
        assert tell(presort, (mail, "complained", "auth_or_policy", False)
                    ) == [["t", "f"]]
        assert presort.campaign(campaign)["complained"] == 0
        assert on_the_list(presort) == set()


def test_too_many_soft_bounces():
    """At the third within the window, for a while; others' do not count."""
    with Sink("--refuse", "full@*:552 5.2.2 mailbox full") as sink, Presort(
            sink.port, soft_bounces_max=3, soft_bounce_pause_seconds=3600,
            **SOON) as presort:
        for i in range(3):
            assert on_the_list(presort) == set()
            campaign = presort.new_campaign(["full@example.com",
                                             f"full@d{i}.example"])
            presort.send(campaign)
            presort.wait_for(campaign, 30)
            assert presort.check_totals(campaign)["bounced"] == 2
            time.sleep(1.5 if i < 2 else 0)
        process.wait_until(lambda: on_the_list(presort), 10, "suppressed")
        assert on_the_list(presort) == {("full@example.com", "soft_bounce")}
        left = presort.sql("""SELECT extract(epoch FROM expires - now())::int
                              FROM suppressed""")
        assert 3500 < int(left[0][0]) <= 3600


def test_told_of_what_bounced_at_once():
    """It is on record, but counted already."""
    with Sink("--refuse", "full@*:552 5.2.2 mailbox full") as sink, Presort(
            sink.port, **SOON) as presort:
        campaign = presort.new_campaign(["full@example.com", "u@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        of = mails(presort, campaign)
        assert tell(presort,
                    (of["full@example.com"], "bounced", "mailbox_full", False),
                    (of["u@example.com"], "bounced", "mailbox_full", False),
                    (of["u@example.com"], "bounced", "mailbox_full", False),
                    ) == [["t", "t"], ["t", "t"]]
        assert presort.campaign(campaign)["bounced_later"] == 1


def test_a_mailbox_that_stays_full():
    """What is put off until it expires is a soft bounce, too."""
    with Sink("--defer", "full@*:452 4.2.2 mailbox full", "--defer",
              "busy@*:451 4.3.0 busy") as sink, Presort(
                  sink.port, soft_bounces_max=1, **SOON) as presort:
        campaign = presort.new_campaign(["full@example.com",
                                         "busy@example.com"],
                                        expire_seconds=4)
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["expired"] == 2
        process.wait_until(lambda: on_the_list(presort), 10, "suppressed")
        assert on_the_list(presort) == {("full@example.com", "soft_bounce")}
        page = presort.ask("GET", f"/campaigns/{campaign}/recipients")
        assert {row["recipient"]: row["category"] for row in page["data"]} == {
            "full@example.com": "mailbox_full",
            "busy@example.com": "transient"}
