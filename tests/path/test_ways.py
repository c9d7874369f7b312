"""The ways out: relays of several servers, routes and pools by what a mail is,
and a site that wants none of our addresses."""

import contextlib
import re
import time

from kit import process
from kit.presort import Presort
from kit.servers import add, installation, known, send
from kit.sink import Sink

FIRST, SECOND, THIRD, FOURTH = [f"127.0.3.{n}" for n in (1, 2, 3, 4)]


# ---- A relay of three servers ----

@contextlib.contextmanager
def relay_of_three(*options, weights=(1, 1, 1), **settings):
    with contextlib.ExitStack() as stack:
        sinks = [stack.enter_context(Sink(*options)) for _ in weights]
        presort = stack.enter_context(Presort(
            "127.0.0.1:9", poll_interval_ms=100, retry_first_seconds=1,
            retry_jitter_percent=0, **settings))
        servers = ",".join(f"127.0.0.1:{sink.port}*{weight}"
                           for sink, weight in zip(sinks, weights))
        presort.command("relay", "add", "three", servers, "--tls", "none")
        presort.command("route", "default", "three")
        known(presort)
        yield presort, sinks


def taken(sink):
    return len(sink.lines())


def people(name, n):
    return [f"{name}{i}@site{i % 7}.example" for i in range(n)]


def test_weights_are_shares():
    """Of connections: with one mail over each, of mails."""
    with relay_of_three(weights=(1, 2, 3)) as (presort, sinks):
        presort.command("sites", "set", "relay three",
                        "mails_per_connection=1")
        time.sleep(1)
        campaign = send(presort, people("a", 1200))
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 1200
        shares = [taken(sink) for sink in sinks]
        assert sum(shares) == 1200
        for share, wanted in zip(shares, (200, 400, 600)):
            assert 0.7 * wanted < share < 1.3 * wanted, shares


def test_a_server_that_dies_is_done_without_and_then_used_again():
    """What was under way there is sent again: once more than needed only where
    nobody can know, and the outcomes say so. Once back, it gets connections
    again, as others have had their mails."""
    with relay_of_three("--slow", "5", connection_mails_max=20) as (presort, sinks):
        everyone = people("a", 3000)
        campaign = send(presort, everyone)
        presort.wait_for_totals(campaign, 60, lambda t: t["delivered"] > 300)
        assert all(taken(sink) > 20 for sink in sinks)
        sinks[0].stop()
        at_death = taken(sinks[0])
        assert presort.totals(campaign)["delivered"] < 2500
        presort.wait_for(campaign, 90)
        totals = presort.check_totals(campaign)
        assert totals["delivered"] + totals["in_doubt"] == 3000, totals
        lines = [line for sink in sinks for line in sink.lines()]
        assert {line.recipient for line in lines} == set(everyone)
        doubted = presort.sql(
            "SELECT count(*) FROM outcome WHERE verdict = 'in_doubt'")
        assert len(lines) - 3000 <= int(doubted[0][0]) < 100
        assert taken(sinks[0]) == at_death

        sinks[0].start()
        tried = []

        def used_again():
            tried.append(send(presort, people(f"b{len(tried)}x", 60)))
            presort.wait_for(tried[-1], 30)
            return taken(sinks[0]) > at_death
        process.wait_until(used_again, 60, "the server to be used again")
        assert all(presort.check_totals(c)["delivered"] == 60 for c in tried)


# ---- Routes and pools ----

def other_project(presort):
    """Its key."""
    presort.command("projects", "create", "other")
    return presort.command("keys", "create", "--name", "k", "--project",
                           "other").split()[-1]


@contextlib.contextmanager
def with_key(presort, key):
    before, presort.key = presort.key, key
    yield
    presort.key = before


def receipt(presort, to, sender="shop@source.example"):
    presort.ask("POST", "/emails", {"from": sender, "to": [to],
                                    "subject": "Receipt", "text": "Thanks."})


def arrived(servers, n):
    process.wait_until(lambda: len(servers.came) >= n, 20, f"{n} mails")
    return {to: (at, source, name) for at, source, name, to in servers.came}


def test_routes_by_project_class_and_pattern():
    """Each of them against mail that differs in nothing else; and the lower
    place of two that match."""
    sites = [f"127.0.1.{n}" for n in (1, 2, 3, 4)]
    standard, project, campaigns, pattern = sites
    with installation(sites) as (presort, servers):
        key = other_project(presort)
        presort.command("route", "default", "r0")
        for place, *words in [("10", "--to", "*.example", "--class",
                               "campaign", "--project", "other", "--via", "r3"),
                              ("20", "--project", "other", "--via", "r1"),
                              ("30", "--class", "campaign", "--via", "r2"),
                              ("40", "--from", "*.shop.example", "--via",
                               "r3"),
                              ("50", "--to", "*.far.example", "--via", "r3")]:
            presort.command("route", "add", "--place", place, *words)
        known(presort, 6)
        receipt(presort, "a@one.test")
        receipt(presort, "b@far.example")
        receipt(presort, "c@deep.far.example")
        receipt(presort, "d@one.test", "boss@de.shop.example")
        receipt(presort, "e@one.test", "boss@shop.example")
        send(presort, ["f@one.test", "g@deep.far.example"])
        with with_key(presort, key):
            receipt(presort, "h@one.test")
            send(presort, ["i@one.test", "j@one.example"])
        assert {to: at for to, (at, *_) in arrived(servers, 10).items()} == {
            "a@one.test": standard, "b@far.example": standard,
            "c@deep.far.example": pattern, "d@one.test": pattern,
            "e@one.test": standard, "f@one.test": campaigns,
            "g@deep.far.example": campaigns, "h@one.test": project,
            "i@one.test": project, "j@one.example": pattern}


def test_pools_by_sender_project_and_class():
    """One server, which sees each kind of mail come from an address of its own,
    under its own name."""
    with installation(["127.0.1.1"]) as (presort, servers):
        key = other_project(presort)
        pools = {"main": FIRST, "shop": SECOND, "other": THIRD, "bulk": FOURTH}
        for pool, address in pools.items():
            add(presort, address, f"{pool}.out.example", pool=pool)
        presort.command("route", "default", "r0", "--pool", "main")
        for pool, *words in [("shop", "--from", "shop.example"),
                             ("other", "--project", "other"),
                             ("bulk", "--class", "campaign")]:
            presort.command("route", "add", *words, "--via", "r0", "--pool",
                            pool)
        known(presort, 4)
        for n in range(5):  # in turn, so that each connection could be taken
            receipt(presort, f"main{n}@s.example")
            receipt(presort, f"shop{n}@s.example", "a@shop.example")
            send(presort, [f"bulk{n}@s.example"])
            with with_key(presort, key):
                receipt(presort, f"other{n}@s.example")
        came = arrived(servers, 20)
        assert len(came) == len(servers.came) == 20
        for to, (_, source, name) in came.items():
            pool = to.split("@")[0][:-1]
            assert (source, name) == (pools[pool], f"{pool}.out.example"), to


def test_who_blames_one_pool_gets_mail_from_another():
    """A campaign's address is blamed; receipts leave from their own as ever,
    also those that come later."""
    names = {"wary.example": ["MX 1 mx.wary.example."],
             "mx.wary.example": ["A 127.0.1.1"]}
    with installation(["127.0.1.1"], names) as (presort, servers):
        for pool, address, kind in [("bulk", FIRST, "campaign"),
                                    ("tx", SECOND, "transactional")]:
            add(presort, address, f"{pool}.out.example", pool=pool)
            presort.command("route", "add", "--class", kind, "--via",
                            "direct", "--pool", pool)
        known(presort, 2)
        servers.blamed_at["127.0.1.1"] = {FIRST}
        send(presort, [f"a{n}@wary.example" for n in range(60)])
        process.wait_until(lambda: "blamed:  by mx.wary.example until 20" in
                           presort.command("sources", "show", FIRST), 20,
                           "the blame")
        time.sleep(6)  # what waits for it is put off
        for n in range(5):
            receipt(presort, f"c{n}@wary.example")
        came = arrived(servers, 5)
        assert {source for _, source, _ in came.values()} == {SECOND}


def test_a_site_that_blames_all_addresses_is_waited_for():
    """Its mail waits, with a reason, and nobody bounces; once the operator has
    come to terms with it and says `retry`, all is delivered, also what was put
    off for longer."""
    names = {}
    for n, name in enumerate(["wary", "free"], 1):
        names[f"{name}.example"] = [f"MX 1 mx.{name}.example."]
        names[f"mx.{name}.example"] = [f"A 127.0.1.{n}"]
    with installation(["127.0.1.1", "127.0.1.2"], names,
                      retry_first_seconds=900,
                      transactional_retry_first_seconds=900) as (
                          presort, servers):
        add(presort, FIRST, "out1.example")
        add(presort, SECOND, "out2.example")
        servers.blamed_at["127.0.1.1"] = {FIRST, SECOND}
        presort.command("route", "default", "direct", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@wary.example" for n in range(60)])
        free = send(presort, [f"b{n}@free.example" for n in range(60)])
        for n in range(5):
            receipt(presort, f"c{n}@wary.example")
        presort.wait_for(free, 30)  # blamed there is not blamed everywhere

        def blamed(address):
            return "blamed:  by mx.wary.example until 20" in presort.command(
                "sources", "show", address)
        for address in FIRST, SECOND:
            process.wait_until(lambda a=address: blamed(a), 20, "the blame")
        process.wait_until(
            lambda: re.match(
                "mx.wary.example: 6[0-5] mails wait: mx.wary.example blames "
                "our address", presort.command("sites", "wary.example")), 20,
            "the reason")
        time.sleep(3)  # the other worker may have to hear it, too
        refused = servers.refusals
        assert 2 <= refused < 60
        time.sleep(4)
        assert servers.refusals == refused
        totals = presort.totals(campaign)
        assert totals["bounced"] == totals["delivered"] == 0, totals
        assert totals["deferred"] > 0

        servers.blamed_at.clear()
        presort.command("sites", "retry", "wary.example")
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["delivered"] == 60
        process.wait_until(
            lambda: servers.sources("127.0.1.1").total() == 65, 20,
            "the transactional mail")
        process.wait_until(lambda: not blamed(FIRST) and not blamed(SECOND),
                           20, "nobody to blame them")
        assert presort.sql("SELECT count(*) FROM suppression") == [["0"]]
