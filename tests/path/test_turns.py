"""Whoever waits for the same limit or connection has its turn, and one that is
refused takes nothing away from those that work."""

import time

from kit import process
from kit.places import free_ports
from kit.sink import Sink

from test_sites import internet, people


def post(presort, to, sender="a@source.example"):
    presort.ask("POST", "/emails", {"from": sender, "to": [to],
                                    "subject": "Reset", "text": "Go."})


def test_sites_share_a_limit_and_transactional_mail_comes_first():
    names = [f"n{i}" for i in range(4)]
    with internet({name: [] for name in [*names, "reset"]}, workers=1,
                  site_mails_per_second=0) as (presort, sinks):
        presort.command("limits", "set", "project", "default",
                        "mails_per_second=10")
        time.sleep(1)  # until the worker knows
        campaign = presort.new_campaign(
            [who for name in names for who in people(name, 200)])
        presort.send(campaign)
        process.wait_until(lambda: any(sinks[n].copies() for n in names), 10,
                           "the first mail")
        for i in range(4):
            started = time.monotonic()
            post(presort, f"r{i}@reset.example")
            process.wait_until(
                lambda i=i: f"r{i}@reset.example" in sinks["reset"].copies(),
                10, "a password reset")
            assert time.monotonic() - started < 3
            time.sleep(2)
        sent = [len(sinks[name].copies()) for name in names]
        assert min(sent) > 0.4 * max(sent), sent
        assert sum(sent) > 40, sent


def test_two_pools_share_the_only_connection():
    """A campaign leaves from one address, password resets from another."""
    with internet({"one": ["--slow", "2"]}) as (presort, sinks):
        for n, pool in enumerate(("bulk", "tx"), 1):
            presort.command("sources", "add", f"127.0.7.{n}", "--ehlo",
                            f"{pool}.example", "--pool", pool)
            presort.command("route", "add", "--class", "campaign" if n == 1
                            else "transactional", "--via", "direct", "--pool",
                            pool)
        presort.command("sites", "set", "mx.one.example", "connections=1",
                        "mails_per_connection=100000")
        process.wait_until(lambda: presort.log().count("rules=2") == 2, 15,
                           "all workers to know the routes")
        time.sleep(1)
        campaign = presort.new_campaign(people("one", 6000))
        presort.send(campaign)
        process.wait_until(sinks["one"].copies, 10, "the first mail")
        for i in range(3):
            started = time.monotonic()
            post(presort, f"r{i}@one.example")
            process.wait_until(
                lambda i=i: f"r{i}@one.example" in sinks["one"].copies(), 30,
                "a password reset")
            assert time.monotonic() - started < 8
        before = len(sinks["one"].copies())
        process.wait_until(lambda: len(sinks["one"].copies()) > before + 50,
                           30, "the campaign to go on")
        assert sinks["one"].totals()["max_connections"] == 1


def test_a_server_that_takes_two_connections_is_sent_all():
    """Further ones are refused with 421: nothing is deferred for that."""
    with internet({"one": ["--max-connections", "2", "--slow", "2"]},
                  retry_first_seconds=60, workers=1) as (presort, sinks):
        campaign = presort.new_campaign(people("one", 400))
        presort.send(campaign)
        presort.wait_for(campaign, 40)
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == 400
        assert presort.sql("SELECT count(*) FROM outcome WHERE verdict <> "
                           "'delivered'") == [["0"]]
        assert len(sinks["one"].copies()) == 400


def test_a_fall_back_that_is_down_keeps_nothing():
    """Neither the server nor the fall-back relay is there at first: what waits
    goes to the server as soon as that is back."""
    [relay] = free_ports(1)
    with internet({"one": []}, workers=1) as (presort, sinks):
        presort.command("relay", "add", "back", f"127.0.0.1:{relay}")
        presort.command("route", "default", "direct", "--fallback", "back")
        process.wait_until(lambda: "rules=1" in presort.log(), 15,
                           "the worker to know the route")
        sink = sinks["one"]
        sink.stop()
        for i in range(3):
            post(presort, f"a{i}@one.example")
        time.sleep(3)
        sink.start()
        process.wait_until(lambda: len(sink.copies()) == 3, 30,
                           "all mail at the server")


def test_a_fall_back_relay_takes_what_it_can():
    """It is there, and then it is not: what it had not taken goes to the server
    when that is back."""
    with Sink("--defer", "*@one.example") as relay, internet(
            {"one": []}, workers=1) as (presort, sinks):
        presort.command("relay", "add", "back", f"127.0.0.1:{relay.port}")
        presort.command("route", "default", "direct", "--fallback", "back")
        process.wait_until(lambda: "rules=1" in presort.log(), 15,
                           "the worker to know the route")
        sink = sinks["one"]
        sink.stop()
        for i in range(3):
            post(presort, f"a{i}@one.example")
        process.wait_until(lambda: relay.totals()["deferred"] >= 1, 20,
                           "the relay to be asked")
        relay.stop()
        sink.start()
        process.wait_until(lambda: len(sink.copies()) == 3, 60,
                           "all mail at the server")
        relay.start()
