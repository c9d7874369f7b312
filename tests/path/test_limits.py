"""Limits of every kind hold over the workers of two machines, also while some
of these die, as counted at the servers; and whoever waits for one keeps nobody
else waiting."""

import collections
import signal
import time

from kit import process
from kit.postgres import Postgres
from kit.presort import Presort
from kit.sink import Sink

from test_sites import LATE_MS, internet, most_within, people

MINUTE_MS = 60000


def send(presort, key, recipients, sender="news@source.example"):
    """A campaign's id; it is on its way."""
    mine, presort.key = presort.key, key or presort.key
    try:
        campaign = presort.new_campaign(recipients, **{"from": sender})
        presort.send(campaign)
    finally:
        presort.key = mine
    return campaign


def to(sinks, name):
    """The log's lines of who is NAME.example, wherever it came."""
    return [line for sink in sinks for line in sink.lines()
            if line.recipient.endswith(f"@{name}.example")]


def test_all_kinds_hold_over_two_machines_and_deaths():
    """Limits that four workers can share, and such as are fewer than these: of
    a campaign, a project, a sender's domain, a source address and a relay; of a
    site by the minute, and its new connections. Twice a worker is killed."""
    sites = {"camp": [], "proj": [], "send": [], "src": [], "minute": [],
             "conns": []}
    # NAME: how many mails, and how many there may be in any second.
    second = {"camp": (30, 3), "proj": (60, 6), "send": (25, 2),
              "src": (30, 3), "rel": (50, 5)}
    with Postgres() as database, Sink() as relay, internet(
            sites, database=database.url, lease_seconds=4,
            batch_mails_max=10) as (one, sinks), Presort(
                "direct", database.url, key=one.key, **one.settings) as two:
        one.command("projects", "create", "other")
        other = one.command("keys", "create", "--project", "other").split()[-1]
        one.command("sources", "add", "127.0.5.1", "--ehlo", "out.example",
                    "--pool", "main")
        one.command("route", "add", "--to", "src.example", "--via", "direct",
                    "--pool", "main")
        one.command("relay", "add", "rel", f"127.0.0.1:{relay.port}")
        one.command("route", "add", "--to", "rel.example", "--via", "rel")
        for words in (
                ("project", "other", "mails_per_second=6"),
                ("sender", "few.example", "mails_per_second=2"),
                ("source", "127.0.5.1", "mails_per_second=3"),
                ("relay", "rel", "mails_per_second=5", "connections=2"),
                ("site", "mx.minute.example", "mails_per_minute=40"),
                ("site", "mx.conns.example", "connections_per_minute=6",
                 "mails_per_connection=5")):
            one.command("limits", "set", *words)
        process.wait_until(lambda: (one.log() + two.log()).count("rules=2")
                           == 4, 15, "all workers to know the routes")
        time.sleep(1)
        campaigns = {
            name: send(one, other if name == "proj" else None,
                       people(name, n),
                       "a@few.example" if name == "send" else "a@s.example")
            for name, n in (*((k, v[0]) for k, v in second.items()
                              if k != "camp"),
                            ("minute", 55), ("conns", 40))}
        held = one.new_campaign(people("camp", 30))
        one.command("limits", "set", "campaign", held, "mails_per_second=3")
        time.sleep(1)  # until all workers know
        one.send(held)
        campaigns["camp"] = held
        for presort in one, two:
            time.sleep(4)
            process.kill(presort.pids("presort-engine")[0])
        for name, campaign in campaigns.items():
            mine, one.key = one.key, other if name == "proj" else one.key
            one.wait_for(campaign, 180)
            totals = one.check_totals(campaign)
            one.key = mine
            assert totals["delivered"] == sum(totals.values()) - totals.get(
                "deferred", 0), (name, totals)
        everywhere = [*sinks.values(), relay]
        for name, (n, limit) in second.items():
            lines = to(everywhere, name)
            assert len({line.recipient for line in lines}) == n
            assert most_within(lines, 1000 - LATE_MS) <= limit, name
        assert most_within(to(everywhere, "minute"),
                           MINUTE_MS - LATE_MS) <= 40
        assert relay.totals()["max_connections"] <= 2
        totals = sinks["conns"].totals()
        assert totals["connections"] >= 8
        assert totals["max_connections_a_minute"] <= 6, totals
        assert len(sinks["src"].copies()) == 30


def post(presort, key, to_, sender="a@source.example"):
    mine, presort.key = presort.key, key or presort.key
    try:
        presort.ask("POST", "/emails", {"from": sender, "to": to_,
                                        "subject": "Reset", "text": "Go."})
    finally:
        presort.key = mine


def test_throttled_transactional_mail_holds_nobody_up():
    """Two thousand mails, each accepted by itself, for a site and as many of a
    project that take two a second: a password reset to another site, and one to
    the same site, go at once all the same."""
    with internet({"slow": [], "shared": [], "fast": []},
                  site_mails_per_second=0) as (presort, sinks):
        presort.command("projects", "create", "bulk")
        bulk = presort.command("keys", "create", "--project", "bulk"
                               ).split()[-1]
        presort.command("sites", "set", "mx.slow.example",
                        "mails_per_second=2")
        presort.command("limits", "set", "project", "bulk",
                        "mails_per_second=2")
        time.sleep(1)  # until all workers know
        for i in range(0, 2000, 2):
            post(presort, None, [f"u{i}@slow.example"])
            post(presort, bulk, [f"u{i}@shared.example"])
        took = collections.OrderedDict()
        for i in range(5):
            for name in "fast", "shared":
                started = time.monotonic()
                post(presort, None, [f"reset{i}@{name}.example"])
                process.wait_until(
                    lambda: f"reset{i}@{name}.example" in
                    sinks[name].copies(), 20, f"the mail to {name}")
                took[name, i] = time.monotonic() - started
        assert sorted(took.values())[len(took) // 2] < 1, took
        assert max(took.values()) < 5, took
        sent = {name: len(to([sinks[name]], name)) for name in sinks}
        time.sleep(10)
        for name in "slow", "shared":
            lines = to([sinks[name]], name)
            limited = [l for l in lines if not l.recipient.startswith("reset")]
            assert most_within(limited, 1000 - LATE_MS) <= 2, name
            assert 5 <= len(lines) - sent[name] <= 22, (name, sent)
        # Nothing is lost or told twice by being handed back and forth.
        [[mails]] = presort.sql("SELECT count(*) FROM mail")
        assert int(mails) == 2010


def test_an_outage_longer_than_a_lease():
    """When the database comes back all workers look dead: who is back first
    must not take the others' share, which they use."""
    with Postgres() as database, internet(
            {"r": []}, database=database.url, lease_seconds=4,
            site_mails_per_second=0, batch_mails_max=50) as (
                one, sinks), Presort("direct", database.url, key=one.key,
                                     **one.settings) as two:
        one.command("sites", "set", "mx.r.example", "mails_per_second=8")
        process.wait_until(lambda: len(one.sql(
            "SELECT 1 FROM worker WHERE heard >= (SELECT max(started) "
            "FROM worker)")) == 4, 20, "all workers to know of each other")
        campaign = one.new_campaign(people("r", 1000))
        one.send(campaign)
        for _ in range(2):
            process.wait_until(lambda n=len(to(sinks.values(), "r")): len(
                to(sinks.values(), "r")) > n + 20, 30, "mail to flow")
            database.stop(signal.SIGQUIT)
            time.sleep(8)
            database.start()
        process.wait_until(lambda n=len(to(sinks.values(), "r")): len(
            to(sinks.values(), "r")) > n + 40, 60, "mail to flow again")
        assert most_within(to(sinks.values(), "r"), 1000 - LATE_MS) <= 8
        assert two.pids("presort-engine")
