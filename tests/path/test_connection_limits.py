"""Limits by connection of what has no connections of its own over there: of a
campaign, a project, a sender's domain and a source address. They hold over the
workers of two machines, also where there are fewer than workers, as counted at
the servers; and everybody has a turn."""

import contextlib
import time

from kit import process
from kit.dns import Dns
from kit.places import free_ports
from kit.postgres import Postgres
from kit.presort import Presort
from kit.sink import Sink

from test_sites import internet, people

# NAME: its sites, all at one server.
PLACES = {"few": 3, "wide": 2, "proj": 3, "camp": 2, "send": 1}


@contextlib.contextmanager
def places(options, **settings):
    """Two machines with two workers each, and a sink for each of PLACES."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        names, sinks = {}, {}
        for n, (name, sites) in enumerate(PLACES.items(), 1):
            for i in range(sites):
                names[f"s{i}.{name}.example"] = [f"MX 1 mx.s{i}.{name}.example."]
                names[f"mx.s{i}.{name}.example"] = [f"A 127.0.6.{n}"]
            sinks[name] = stack.enter_context(
                Sink(*options, address=f"127.0.6.{n}", port=port))
        dns = stack.enter_context(Dns(names))
        database = stack.enter_context(Postgres())
        settings = {"dkim_required": 0, "direct_port": port, "workers": 2,
                    "retry_first_seconds": 1, "retry_jitter_percent": 0,
                    "poll_interval_ms": 200, "lease_seconds": 4,
                    "batch_mails_max": 20, "site_mails_per_second": 0,
                    **dns.settings, **settings}
        one = stack.enter_context(
            Presort("direct", database.url, **settings))
        two = stack.enter_context(
            Presort("direct", database.url, key=one.key, **settings))
        yield one, two, sinks


def everybody(name, n):
    return [who for i in range(PLACES[name])
            for who in people(f"s{i}.{name}", n)]


def prepare(one):
    """The rules, and {name: the campaign}, not on their way yet."""
    one.command("projects", "create", "other")
    other = one.command("keys", "create", "--project", "other").split()[-1]
    for n, pool in enumerate(("few", "wide"), 1):
        one.command("sources", "add", f"127.0.7.{n}", "--ehlo",
                    f"{pool}.example", "--pool", pool)
        one.command("route", "add", "--to", f"*.{pool}.example", "--via",
                    "direct", "--pool", pool)
    for words in (
            ("source", "127.0.7.1", "connections=2", "mails_per_connection=9"),
            ("source", "127.0.7.2", "connections=6", "mails_per_connection=20",
             "connections_per_minute=8"),
            ("project", "other", "connections=3"),
            ("sender", "few.example", "connections_per_minute=9",
             "mails_per_connection=10")):
        one.command("limits", "set", *words)
    campaigns = {}
    for name, n in ("few", 40), ("wide", 120), ("proj", 60), ("camp", 150), (
            "send", 140):
        mine, one.key = one.key, other if name == "proj" else one.key
        campaigns[name] = one.new_campaign(
            everybody(name, n),
            **{"from": f"a@{'few' if name == 'send' else 's'}.example"})
        one.key = mine
    one.command("limits", "set", "campaign", campaigns["camp"],
                "connections=5")
    return campaigns, other


def test_they_hold_over_two_machines_and_deaths():
    with places(["--slow", "5"]) as (one, two, sinks):
        campaigns, other = prepare(one)
        process.wait_until(lambda: (one.log() + two.log()).count("rules=2")
                           == 4, 15, "all workers to know the routes")
        time.sleep(1)  # until all know the limits
        for name, campaign in campaigns.items():
            mine, one.key = one.key, other if name == "proj" else one.key
            one.send(campaign)
            one.key = mine
        for presort in one, two:
            time.sleep(3)
            process.kill(presort.pids("presort-engine")[0])
        # Who may open few connections a minute would need some of these: by
        # now all would be sent.
        for name in "wide", "send":
            process.wait_until(lambda name=name: sinks[name].totals()["mails"]
                               >= 20, 90, f"mail to {name}")
        time.sleep(15)
        assert sinks["wide"].totals()["mails"] < 240
        assert sinks["send"].totals()["mails"] < 140
        for name in "wide", "send":
            one.ask("POST", f"/campaigns/{campaigns[name]}/cancel", {})
        for name, campaign in campaigns.items():
            mine, one.key = one.key, other if name == "proj" else one.key
            totals = one.wait_for_totals(
                campaign, 120, lambda totals: not totals["pending"])
            one.check_totals(campaign)
            assert name in ("wide", "send") or totals["delivered"] == sum(
                totals.values()) - totals["deferred"], (name, totals)
            one.key = mine
        # What is allowed, and not more.
        seen = {name: sink.totals() for name, sink in sinks.items()}
        assert seen["few"]["max_connections"] <= 2
        assert seen["few"]["max_mails_per_connection"] <= 9
        assert seen["wide"]["max_connections"] <= 6
        assert seen["wide"]["max_mails_per_connection"] <= 20
        assert seen["wide"]["max_connections_a_minute"] <= 8
        assert 1 <= seen["proj"]["max_mails_at_once"] <= 3
        assert 1 <= seen["camp"]["max_mails_at_once"] <= 5
        assert seen["send"]["max_connections_a_minute"] <= 9
        assert seen["send"]["max_mails_per_connection"] <= 10


def test_a_lower_limit_closes_connections():
    """Also those that have work: each ends after its mail."""
    with internet({"low": ["--slow", "10"]}, workers=1) as (presort, sinks):
        presort.command("sites", "set", "mx.low.example", "connections=8",
                        "mails_per_connection=100000")
        time.sleep(0.5)  # until the worker knows
        campaign = presort.new_campaign(people("low", 3000))
        presort.send(campaign)
        process.wait_until(lambda: sinks["low"].totals()["open"] >= 5, 20,
                           "several connections")
        presort.command("sites", "set", "mx.low.example", "connections=1",
                        "mails_per_connection=100000")
        process.wait_until(lambda: sinks["low"].totals()["open"] <= 1, 5,
                           "one connection")
        presort.ask("POST", f"/campaigns/{campaign}/cancel", {})
        presort.wait_for_totals(campaign, 30,
                                lambda totals: not totals["pending"])
        presort.check_totals(campaign)


def test_who_joins_waits_for_room():
    """A second machine takes over some of the sites that allow one connection;
    at no time has any of them two."""
    names = [f"n{i}" for i in range(8)]
    with Postgres() as database, internet(
            {name: ["--slow", "300"] for name in names}, workers=1,
            database=database.url, lease_seconds=4,
            batch_mails_max=20) as (one, sinks):
        for name in names:
            one.command("sites", "set", f"mx.{name}.example", "connections=1",
                        "mails_per_connection=100000")
        time.sleep(0.5)
        campaign = one.new_campaign(
            [who for name in names for who in people(name, 400)])
        one.send(campaign)
        process.wait_until(
            lambda: all(sink.totals()["open"] for sink in sinks.values()), 20,
            "a connection to each")
        with Presort("direct", database.url, key=one.key,
                     **one.settings) as two:
            def lanes():
                rows = two.sql("SELECT count(*) FROM site_worker WHERE "
                               "worker = 2 AND mails_per_second > 0")
                return int(rows[0][0])
            process.wait_until(lambda: lanes() >= 2, 30, "sites of its own")
            time.sleep(1)
            assert two.pids("presort-engine")
        one.ask("POST", f"/campaigns/{campaign}/cancel", {})
        one.wait_for_totals(campaign, 30,
                            lambda totals: not totals["pending"])
        one.check_totals(campaign)
        for name, sink in sinks.items():
            assert sink.totals()["max_connections"] == 1, name
