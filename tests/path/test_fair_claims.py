"""Mail that has to wait, for whatever reason, keeps no place from other mail:
what a worker holds is shared by campaigns and by sites."""

import time

import pytest

from kit import process
from test_sites import internet, people


MANY = {f"d{i}.example": "many" for i in range(1200)}
TO_MANY = [f"user{i}@{domain}" for domain in MANY for i in range(50)]


def test_a_campaign_at_its_limit_leaves_room_for_others():
    """It goes to more sites than a worker has places for batches, and than it
    keeps in mind as claimable."""
    with internet({"many": [], "free": []}, workers=1,
                  domains=MANY) as (presort, sinks):
        limited = presort.new_campaign(TO_MANY)
        presort.command("limits", "set", "campaign", limited,
                        "mails_per_second=5")
        presort.send(limited)
        process.wait_until(lambda: len(sinks["many"].copies()) >= 10, 60,
                           "its first mails")
        time.sleep(3)
        [[held]] = presort.sql(
            "SELECT count(*) FROM batch WHERE state = 'claimed'")
        assert int(held) <= 20
        before, at = len(sinks["many"].copies()), time.monotonic()
        other = presort.new_campaign(people("free", 200))
        presort.send(other)
        presort.wait_for(other, 15)
        # And goes on as fast as it may.
        time.sleep(5)
        sent = len(sinks["many"].copies()) - before
        took = time.monotonic() - at
        assert 5 * took * 0.6 - 5 <= sent <= 5 * took + 6


def test_a_campaign_to_slow_sites_leaves_room_for_others():
    with internet({"many": ["--slow", "30000"], "free": []}, workers=1,
                  domains=MANY) as (presort, _):
        presort.send(presort.new_campaign(TO_MANY))
        process.wait_until(lambda: presort.sql(
            "SELECT count(*) >= 20 FROM batch WHERE state = 'claimed'"
        ) == [["t"]], 60, "its first batches")
        time.sleep(5)
        other = presort.new_campaign(people("free", 200))
        presort.send(other)
        presort.wait_for(other, 15)


def test_what_expires_in_hand_is_settled_then():
    """Mail in a worker's hand that waits for a limit."""
    with internet({"slow": [], "other": []}) as (presort, sinks):
        presort.command("limits", "set", "site", "mx.slow.example",
                        "mails_per_hour=1")
        brief = presort.new_campaign(people("slow", 100) +
                                     people("other", 100), expire_seconds=12)
        longer = presort.new_campaign(people("slow", 20))
        presort.send(brief)
        presort.send(longer)
        presort.wait_for_totals(brief, 20, lambda t: t["delivered"] >= 100)
        presort.wait_for(brief, 20)
        totals = presort.check_totals(brief)
        assert totals["delivered"] + totals["expired"] == 200
        assert 100 <= totals["delivered"] <= 102
        assert presort.sql("SELECT DISTINCT reply FROM outcome WHERE verdict "
                           "= 'expired'") == [
            ["expired before it could be sent"]]
        # Nobody else's waits elsewhere now, or is settled.
        assert presort.totals(longer)["pending"] >= 18
        assert presort.campaign(longer)["state"] == "sending"
        assert sum(sinks["slow"].copies().values()) <= 2


def few_a_domain(names, n):
    """Recipients of small domains: none has a batch of its own."""
    return [f"user{i}@{name}" for i in range(n) for name in names]


def other_batches(presort, state):
    [[mails]] = presort.sql("SELECT coalesce(sum(size), 0) FROM batch WHERE "
                            f"site = 'other' AND state = '{state}'")
    return int(mails)


@pytest.mark.parametrize("hang", [False, True], ids=["limit", "hang"])
def test_slow_sites_of_small_domains_keep_no_mail_from_others(hang):
    """Every second domain's mail goes to one of ten slow hosts; nobody knows
    which before it is looked up."""
    hosts = [f"slow{i}" for i in range(10)]
    options = ["--slow", "60000"] if hang else []
    # Batches of small domains are sorted by their names.
    domains = {f"d{i:03d}.example": f"slow{i // 2 % 10}" if i % 2 else "fast"
               for i in range(300)}
    recipients = few_a_domain(domains, 45)
    with internet({"fast": [], **{host: options for host in hosts}},
                  workers=1, domains=domains, batch_mails_max=100,
                  site_mails_per_second=0, site_connections_per_minute=0,
                  ) as (presort, sinks):
        def limit(value):
            for host in hosts:
                presort.command("sites", "set", f"mx.{host}.example",
                                f"mails_per_hour={value}")
        if not hang:
            limit(60)
        campaign = presort.new_campaign(recipients)
        presort.send(campaign)
        process.wait_until(
            lambda: len(sinks["fast"].copies()) == len(recipients) / 2, 30,
            "the healthy domains' mail")
        # What waits is sorted by its sites, once.
        process.wait_until(lambda: other_batches(presort, "ready") == 0, 15,
                           "all batches to be sorted")
        time.sleep(3)
        [[written, claims]] = presort.sql(
            "SELECT sum(size), max(claims) FROM batch")
        assert int(written) <= 2 * len(recipients)
        assert int(claims) == 1
        assert "675 mails wait" in presort.command(
            "sites", "mx.slow1.example") or not hang
        if not hang:
            limit("none")
            presort.wait_for(campaign, 20)
            totals = presort.check_totals(campaign)
            assert totals["delivered"] == len(recipients)


def test_transactional_mail_to_a_hanging_site_leaves_room_for_others():
    """More of it than a worker holds batches; no limit says that it is slow."""
    with internet({"hang": ["--slow", "60000"], "free": []}, workers=1,
                  site_mails_per_second=0, site_connections_per_minute=0,
                  ) as (presort, sinks):
        def mail_to(recipient):
            return presort.ask("POST", "/emails", {
                "from": "shop@source.example", "to": [recipient],
                "subject": "Receipt", "text": "Thank you."})
        for recipient in people("hang", 1300):
            mail_to(recipient)
        for recipient in people("free", 20):
            mail_to(recipient)
        process.wait_until(lambda: len(sinks["free"].copies()) == 20, 15,
                           "mail to the free site")
        time.sleep(3)
        [[claims]] = presort.sql("SELECT max(claims) FROM batch")
        assert int(claims) <= 3
        assert presort.sql("SELECT count(*) FROM mail m WHERE NOT EXISTS ("
                           "SELECT FROM outcome o WHERE o.batch = m.batch AND "
                           "o.seq = m.seq)") == [["1300"]]
