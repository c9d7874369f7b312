"""Limits per site hold over all workers, as measured at the sites; what they
say is obeyed; and `presort sites` says why mail waits."""

import contextlib
import re
import time

import pytest

from kit import process
from kit.dns import Dns
from kit.places import free_ports
from kit.postgres import Postgres
from kit.presort import Presort
from kit.sink import Sink

# Mail that left at the right time may arrive a little late: windows are so
# much shorter than the limit's second.
LATE_MS = 100


@contextlib.contextmanager
def internet(sites, workers=2, database=None, domains=None, **settings):
    """Presort and a sink for each site, NAME.example behind mx.NAME.example.
    sites: {name: the sink's options}; domains: {further ones: their site}"""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        names = {domain: [f"MX 1 mx.{name}.example."]
                 for domain, name in (domains or {}).items()}
        sinks = {}
        for n, (name, options) in enumerate(sites.items(), 1):
            names[f"{name}.example"] = [f"MX 1 mx.{name}.example."]
            names[f"mx.{name}.example"] = [f"A 127.0.2.{n}"]
            sinks[name] = stack.enter_context(
                Sink(*options, address=f"127.0.2.{n}", port=port))
        dns = stack.enter_context(Dns(names))
        settings = {"dkim_required": 0, "direct_port": port,
                    "workers": workers, "retry_first_seconds": 1,
                    "retry_jitter_percent": 0, "poll_interval_ms": 200,
                    **dns.settings, **settings}
        presort = stack.enter_context(Presort("direct", database, **settings))
        presort.settings = settings
        yield presort, sinks


def people(name, n):
    return [f"user{i}@{name}.example" for i in range(n)]


def most_within(lines, window_ms):
    """The most mails that the sink took in any time so long."""
    times = sorted(line.time_ms for line in lines)
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= window_ms:
            first += 1
        most = max(most, last - first + 1)
    return most


def test_limits_hold_over_two_workers_and_slow_nobody_else():
    with internet({"slow": [], "few": ["--slow", "20"],
                   "fast": []}) as (presort, sinks):
        print(presort.command("sites", "set", "mx.slow.example",
                              "mails_per_second=20"))
        print(presort.command("limits", "set", "site", "mx.few.example",
                              "connections=3", "mails_per_connection=4"))
        slow = presort.new_campaign(people("slow", 200))
        few = presort.new_campaign(people("few", 120))
        fast = presort.new_campaign(people("fast", 300))
        for campaign in (slow, few, fast):
            presort.send(campaign)
        presort.wait_for(fast, 30)
        process.wait_until(
            lambda: "20 mails a second" in presort.command(
                "sites", "mx.slow.example"), 10, "the reason")
        shown = presort.command("sites", "mx.slow.example")
        assert "mails wait" in shown and "lane" in shown, shown
        assert "mx.slow.example" in presort.command("sites")
        for campaign, n in (slow, 200), (few, 120):
            presort.wait_for(campaign, 60)
            assert presort.check_totals(campaign)["delivered"] == n
        assert most_within(sinks["slow"].lines(), 1000 - LATE_MS) <= 20
        assert sinks["few"].totals()["max_connections"] <= 3
        assert sinks["few"].totals()["connections"] >= 120 / 4


def test_a_paused_site_takes_nothing_until_it_is_resumed():
    with internet({"one": [], "two": []}) as (presort, sinks):
        presort.command("sites", "pause", "mx.one.example")
        campaign = presort.new_campaign(people("one", 50) + people("two", 50))
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] == 50)
        time.sleep(2)
        assert not sinks["one"].copies()
        shown = presort.command("sites", "mx.one.example")
        assert "50 mails wait: paused by the operator" in shown, shown
        presort.command("sites", "resume", "mx.one.example")
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["delivered"] == 100
        assert presort.sql("SELECT count(*) FROM outcome WHERE verdict = "
                           "'deferred'") == [["0"]]


def cost(presort, seconds):
    """What happens in so long a time: claims, rows of `batch` that were
    written, and the workers' processor seconds."""
    def now():
        [[claims]] = presort.sql("SELECT sum(claims) FROM batch")
        presort.sql("SELECT pg_stat_force_next_flush()")
        [[written]] = presort.sql("""
            SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)
            FROM pg_stat_user_tables WHERE relname LIKE 'batch%'""")
        return int(claims), int(written), sum(
            process.cpu_seconds(pid) for pid in presort.pids("presort-engine"))
    before = now()
    time.sleep(seconds)
    return [b - a for a, b in zip(before, now())]


def test_a_throttled_site_costs_nothing():
    """Neither one that is paused, nor one that is at its limit, with thousands
    of mails waiting: no claim, no row that is written but for the lease of
    what is in hand, and no loop that is busy."""
    with internet({"paused": [], "slow": []}) as (presort, sinks):
        presort.command("sites", "pause", "mx.paused.example")
        presort.command("sites", "set", "mx.slow.example", "mails_per_hour=60")
        for name in "paused", "slow":
            presort.send(presort.new_campaign(people(name, 5000)))
        process.wait_until(lambda: "the limit for mx.slow.example is 60" in
                           presort.command("sites"), 30, "the limit to bind")
        time.sleep(12)  # idle backends tell their counts late
        claims, written, processor = cost(presort, 10)
        [[held]] = presort.sql(
            "SELECT count(*) FROM batch WHERE state = 'claimed'")
        assert claims == 0
        assert int(held) <= 4 and written <= 10 * int(held)  # heartbeats
        assert processor < 0.5
        assert not sinks["paused"].copies()
        assert sum(sinks["slow"].copies().values()) <= 3
        # Nor is a connection opened for what may not go.
        assert sinks["slow"].totals()["connections"] <= 3


def test_who_blames_our_address_is_left_alone_and_nobody_bounces():
    """A 5xx that speaks of our address: one connection's worth of mails hears
    it, they wait, and `retry` tries again."""
    refusal = ("*+1:554 5.7.1 Service unavailable; Client host [127.0.0.1] "
               "blocked using bl.example")
    with internet({"wary": ["--refuse", refusal]}) as (presort, sinks):
        campaign = presort.new_campaign(people("wary", 300))
        presort.send(campaign)
        presort.wait_for_totals(campaign, 30, lambda t: t["deferred"] > 0)
        time.sleep(3)
        heard = len(sinks["wary"].lines())
        assert heard < 100, heard
        totals = presort.totals(campaign)
        assert totals["bounced"] == totals["delivered"] == 0, totals
        shown = presort.command("sites", "mx.wary.example")
        assert "blames our address" in shown and "blocked using" in shown, shown
        presort.stop()
        presort.start()
        time.sleep(3)
        assert len(sinks["wary"].lines()) == heard
        assert "asked us to stop" in presort.command("sites")
        sinks["wary"].stop()
        sinks["wary"].options = sinks["wary"].options[2:]
        sinks["wary"].start()
        presort.command("sites", "retry", "wary.example")
        presort.wait_for(campaign, 40)
        assert presort.check_totals(campaign)["delivered"] == 300


def test_a_campaign_that_is_blamed_waits_there_alone():
    """It is not claimed again there, what was claimed goes back once, other
    mail of the site flows, a restart knows it, and `retry` frees it."""
    refusal = "spam*:451 4.7.1 A link of it is listed by SURBL"
    bad = [f"spam{i}@picky.example" for i in range(300)]
    with internet({"picky": ["--defer", refusal]}, 1) as (presort, sinks):
        blamed = presort.new_campaign(bad)
        presort.send(blamed)
        process.wait_until(lambda: presort.sql(
            "SELECT site FROM site_worker WHERE site = 'mx.picky.example'"), 30,
            "the site to be known")
        process.wait_until(
            lambda: "listed by SURBL" in presort.command(
                "sites", "mx.picky.example").split("workers:")[0], 30,
            "the campaign to be shown")
        shown = presort.command("sites", "mx.picky.example")
        assert "left alone there until" in shown, shown

        def heard():
            return sum(line.recipient.startswith("spam")
                       for line in sinks["picky"].lines())

        def claims():
            [[n]] = presort.sql("SELECT sum(claims) FROM batch WHERE "
                                f"campaign = '{blamed}'")
            return n
        process.wait_until(lambda: presort.sql(
            "SELECT sum(size) FROM batch WHERE state = 'ready' AND due <= now()"
            f" AND site = 'mx.picky.example' AND campaign = '{blamed}'") ==
            [["300"]], 20, "what was in hand to go back")
        before = heard(), claims()
        assert before[0] < 100, before
        other = presort.new_campaign(people("picky", 50))
        presort.send(other)
        presort.wait_for(other, 30)
        assert presort.check_totals(other)["delivered"] == 50
        presort.stop()
        presort.start()
        time.sleep(4)
        assert (heard(), claims()) == before
        assert presort.totals(blamed)["delivered"] == 0
        sinks["picky"].stop()
        sinks["picky"].options = sinks["picky"].options[2:]
        sinks["picky"].start()
        presort.command("sites", "retry", "picky.example")
        presort.wait_for(blamed, 40)
        assert presort.check_totals(blamed)["delivered"] == 300
        assert "left alone there" not in presort.command(
            "sites", "mx.picky.example")


def test_what_workers_learn_of_a_site_adds_up_until_it_is_forgotten():
    """What another worker told of whom a site blames stays when this one tells
    its own; `retry` forgets all of it, and who has not heard of that can't
    bring it back."""
    refusal = "spam*:451 4.7.1 A link of it is listed by SURBL"

    def state():
        [row] = presort.sql(
            "SELECT coalesce(suspended_until > now() + interval '8 hours', "
            "false), why, sources, campaigns, campaign_why FROM site_state "
            "WHERE site = 'mx.picky.example'") or [None]
        return row
    with internet({"picky": ["--defer", refusal]}, 1) as (presort, sinks):
        def blame(recipient):
            campaign = presort.new_campaign([recipient])
            presort.send(campaign)
            presort.wait_for_totals(campaign, 30, lambda t: t["deferred"] > 0)
            return campaign

        def knows(campaign):
            process.wait_until(lambda: campaign in str(state()), 30,
                               "what was learned")
        knows(blame("spam@picky.example"))
        # As another worker tells it.
        times = [int((time.time() + s) * 1e6) for s in (-60, 3600, 7200)]
        presort.sql(f"""
            UPDATE site_state SET why = 'stop',
                suspended_until = now() + interval '9 hours',
                sources = '198.51.100.1 {times[0]} 198.51.100.2 {times[1]}',
                campaigns = 'x {times[2]}'""")
        knows(blame("spam1@picky.example"))
        suspended, why, sources, campaigns, campaign_why = state()
        assert (suspended, why) == ("t", "stop")
        assert sources == f"198.51.100.2 {times[1]}"
        # A worker that heard of it writes it by its own clock.
        [heard] = re.findall(r"\bx (\d+)", campaigns)
        assert abs(int(heard) - times[2]) < 1e6
        assert "listed by SURBL" in campaign_why
        # A retry that the workers are not told of, as they have not read it.
        presort.sql("""
            UPDATE site_state SET suspended_until = NULL, why = '',
                sources = '', campaigns = '', campaign_why = '',
                retried = now(), updated = now() - interval '1 hour'
            WHERE site = 'mx.picky.example'""")
        blame("spam2@picky.example")
        time.sleep(4)
        assert state() == ["f", "", "", "", ""]
        presort.command("sites", "retry", "picky.example")
        knows(blame("spam3@picky.example"))
        assert "198.51.100.2" not in state()[2] and state()[0] == "f"


# What one mail is answered, once; and what the workers say then.
BLAME = [
    ("452 4.5.3 You have reached the daily sending limit", "asked us to stop"),
    ("554 5.7.1 Client host [127.0.0.1] blocked using bl.example",
     "blames our address"),
    ("451 4.7.1 A link of it is listed by SURBL", None),
]


@pytest.mark.parametrize("reply, says", BLAME, ids=["site", "address",
                                                    "campaign"])
def test_what_one_worker_is_told_all_obey(reply, says):
    """One reply, heard by one of two workers, ends what both send; what
    another machine's address is blamed for does not; and `retry` frees it."""
    name, n = "mx.one.example", 400
    everyone = [*people("one", 40), "trap@one.example",
                *(f"more{i}@one.example" for i in range(n - 41))]
    with internet({"one": ["--refuse" if reply[0] == "5" else "--defer",
                           f"trap*+1:{reply}"]}, batch_mails_max=20) as (
            presort, sinks):
        presort.command("sites", "set", name, "mails_per_second=20",
                        "connections=2")
        campaign = presort.new_campaign(everyone)
        presort.sql(f"INSERT INTO site (domain, site) VALUES ('one.example', "
                    f"'{name}') ON CONFLICT DO NOTHING")
        presort.sql(f"""
            INSERT INTO site_state (site, sources) VALUES ('{name}',
                '@elsewhere {int((time.time() + 3600) * 1e6)}')""")
        before = presort.new_campaign(people("one", 200))
        presort.send(before)
        presort.wait_for(before, 60)
        assert len(presort.sql("SELECT DISTINCT worker FROM outcome")) == 2
        presort.send(campaign)

        def told():
            """By how many workers, as far as they have lanes."""
            if says:
                return presort.sql(
                    f"SELECT worker FROM site_worker WHERE site = '{name}' AND "
                    f"why LIKE '%{says}%'")
            return presort.sql(
                "SELECT worker FROM site_worker WHERE waiting = 0") if "left alone" in presort.command(
                    "sites", name) else []
        process.wait_until(lambda: len(told()) == 2, 60, "both to know")
        heard = len(sinks["one"].lines())
        time.sleep(5)
        assert len(sinks["one"].lines()) == heard < 200 + n - 50
        assert presort.sql("SELECT verdict FROM outcome WHERE verdict <> "
                           "'delivered'") == [["deferred"]]
        presort.command("sites", "set", name, "mails_per_second=none",
                        "connections=default")
        presort.command("sites", "retry", "one.example")
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == n


def test_a_bound_is_of_all_workers():
    """Each worker's replies bound what it sends. Shown is what all let through
    together, and with that they begin again, however many they are."""
    name = "mx.one.example"
    with Postgres() as database, internet(
            {"one": []}, database=database.url, batch_mails_max=20) as (
                presort, sinks):
        def goes_on():
            """As both workers know: six a second."""
            process.wait_until(lambda: "asked us to slow down: 6." in
                               presort.command("sites"), 30, "the bound")
            before = len(sinks["one"].lines())
            time.sleep(8)
            rate = (len(sinks["one"].lines()) - before) / 8
            assert 4 < rate < 7.5, rate
            assert "shaped to 6." in presort.command("sites", name)
            [[lowest, highest]] = presort.sql(
                "SELECT min(rate), max(rate) FROM site_bound")
            assert 6 <= float(lowest) <= float(highest) < 7, (lowest, highest)
        first, second = [row[0] for row in presort.sql(
            "SELECT id FROM worker ORDER BY id")]
        campaign = presort.new_campaign(people("one", 2000))
        presort.stop()
        # As if one had heard more complaints than the other.
        presort.sql(f"INSERT INTO site_state (site) VALUES ('{name}')")
        presort.sql(f"""
            INSERT INTO site_bound (site, worker, rate, connections)
            VALUES ('{name}', {first}, 4, 0), ('{name}', {second}, 8, 0)""")
        presort.start()
        presort.send(campaign)
        process.wait_until(lambda: len(presort.sql(
            "SELECT DISTINCT worker FROM outcome")) == 2, 30, "both")
        goes_on()
        presort.stop()
        presort.environment["PRESORT_WORKERS"] = "1"
        presort.start()
        goes_on()
        presort.command("sites", "retry", name)
        presort.wait_for(campaign, 60)
        assert presort.sql("SELECT sum(rate) FROM site_bound") in (
            [["0"]], [[""]])


def test_a_campaign_s_own_limit_holds_over_all_sites():
    sites = {f"s{i}": [] for i in range(4)}
    with internet(sites) as (presort, sinks):
        everyone = [a for name in sites for a in people(name, 30)]
        held = presort.new_campaign(everyone)
        free = presort.new_campaign(people("s0", 200))
        presort.command("limits", "set", "campaign", held,
                        "mails_per_second=20")
        presort.send(held)
        presort.send(free)
        process.wait_until(
            lambda: f"the limit for campaign {held} is 20 mails a second" in
            str(presort.call("GET", "/sites/mx.s1.example").body), 10,
            "the reason")
        presort.wait_for(free, 30)
        presort.wait_for(held, 60)
        assert presort.check_totals(held)["delivered"] == len(everyone)
        free_too = {a: 1 for a in people("s0", 200)}
        lines = [line for sink in sinks.values() for line in sink.lines()
                 if line.recipient not in free_too]
        assert most_within(lines, 1000 - LATE_MS) <= 20


def test_the_api_shows_and_orders_the_same():
    with internet({"one": []}, workers=1) as (presort, sinks):
        assert presort.ask("POST", "/sites/mx.one.example/pause")["name"]
        campaign = presort.new_campaign(people("one", 30))
        presort.send(campaign)
        process.wait_until(
            lambda: presort.call("GET", "/sites/one.example").status == 200 and
            presort.ask("GET", "/sites/one.example")["workers"], 20, "the site")
        site = presort.ask("GET", "/sites/one.example")
        assert site["name"] == "mx.one.example" and site["paused_at"], site
        assert site["mails"] == 30 and site["campaigns"] == [
            {"id": campaign, "mails": 30, "batches": 1}], site
        assert site["sentence"].startswith("30 mails wait: paused"), site
        assert site["workers"][0]["lane"] == "1/1", site
        assert [s["name"] for s in presort.ask("GET", "/sites")["data"]] == [
            "mx.one.example"]

        for path, body, why in [
                ("/limits/site/mx.one.example", {"limits": "conections=5"},
                 "conections"),
                ("/limits/site/mx.one.example", {"limits": ""}, "no limit"),
                ("/limits/site/mx.one.example", {}, "Missing `limits`"),
                ("/limits/sight/x", {"limits": "burst=1"}, "scope"),
                ("/limits/sender/x", {"limits": "retry_first=1m"},
                 "only sites")]:
            answer = presort.call("PUT", path, body)
            assert answer.status == 422 and why in answer.body["message"], (
                answer.body)
        presort.ask("PUT", "/limits/site/mx.one.example",
                    {"limits": "mails_per_second=10"})
        assert presort.ask("GET", "/limits")["data"] == [
            {"object": "limit", "scope": "site", "name": "mx.one.example",
             "limits": "mails_per_second=10"}]
        for words, left in [
                ("mails_per_day=9000 burst=1",
                 "mails_per_second=10 mails_per_day=9000 burst=1"),
                ("burst=default mails_per_day=none",
                 "mails_per_second=10 mails_per_day=none"),
                ("mails_per_day=default", "mails_per_second=10")]:
            assert presort.ask("PATCH", "/limits/site/mx.one.example", {
                "limits": words})["limits"] == left
        answer = presort.call("PATCH", "/limits/site/mx.one.example",
                              {"limits": "burst=1 burst=default"})
        assert answer.status == 422 and "twice" in answer.body["message"]
        assert presort.ask("PATCH", "/limits/sender/x.example", {
            "limits": "burst=default"})["limits"] == ""
        assert [l["limits"] for l in presort.ask("GET", "/limits")["data"]] == [
            "mails_per_second=10"]
        presort.ask("POST", "/sites/one.example/resume")
        presort.wait_for(campaign, 30)
        assert most_within(sinks["one"].lines(), 1000 - LATE_MS) <= 10
        # Nothing waits; and what has no limits is in a worker's hand.
        process.wait_until(lambda: presort.ask(
            "GET", "/sites/one.example")["mails"] == 0, 15, "all to be told")
        presort.sql("""
            INSERT INTO site_worker (site, worker, lane, connections, waiting,
                mails_per_second, why, limits, replies)
            SELECT 'relay corp', id, '1/1', 0, 3, 0, '', '', '[]'
            FROM worker""")
        corp, one = presort.ask("GET", "/sites")["data"]
        for site in one, presort.ask("GET", "/sites/one.example"):
            assert site["next_attempt_at"] is None, site
        for site in corp, presort.ask("GET", "/sites/relay%20corp"):
            assert site["sentence"] == "3 mails wait", site
        assert presort.ask("DELETE", "/limits/site/mx.one.example")["deleted"]
        assert presort.call("DELETE", "/limits/site/x").status == 404

        presort.command("projects", "create", "other")
        presort.key = presort.command("keys", "create", "--name", "k",
                                      "--project", "other").split()[-1]
        for method, path in [("GET", "/sites"), ("GET", "/sites/x"),
                             ("POST", "/sites/x/pause"), ("GET", "/limits"),
                             ("DELETE", "/limits/site/x")]:
            assert presort.call(method, path).status == 403, path


def test_one_limit_is_set_and_the_others_stay():
    """By command line; by API, above."""
    with internet({"one": []}, workers=1) as (presort, _):
        def set_(*words):
            return presort.command("limits", "set", *words).strip()
        assert presort.command(
            "sites", "set", "google", "connections=5", "mails_per_hour=9"
            ).strip() == "site google: connections=5 mails_per_hour=9"
        assert set_("site", "google", "connections=7", "burst=2") == (
            "site google: connections=7 mails_per_hour=9 burst=2")
        assert set_("site", "google", "mails_per_hour=default",
                    "burst=none") == "site google: connections=7 burst=none"
        assert set_("relay", "google", "connections=1") == (
            "relay google: connections=1")
        with pytest.raises(RuntimeError, match="only sites and relays"):
            set_("sender", "x.example", "retry_first=1m")
        with pytest.raises(RuntimeError, match="bursts"):
            set_("site", "google", "connections=9", "bursts=default")
        set_("project", "default", "mails_per_day=10")
        assert "mails_per_day=10 burst=3" in set_("project", "default",
                                                  "burst=3")
        assert set_("relay", "google", "connections=default") == (
            "relay google: no limits of its own")
        assert presort.command("limits").splitlines() == [
            "project default: mails_per_day=10 burst=3",
            "site google: connections=7 burst=none"]
        # Who read what others have changed or removed since is told so.
        for was, becomes in [("burst=1", "burst=2"), ("burst=1", ""),
                             ("", "burst=2")]:
            assert presort.sql(f"SELECT limit_change('site', 'google', "
                               f"'{was}', '{becomes}')") == [[""]]
        assert presort.sql("SELECT limit_change('site', 'gone', 'burst=1', "
                           "'burst=2')") == [[""]]
        assert "gone" not in presort.command("limits")


def test_a_limit_holds_over_four_workers_on_two_machines():
    """Two state directories, one database; sites that allow 5 connections and
    40 mails a second, and one that allows a single connection."""
    limits = {"five": "connections=5 mails_per_second=40",
              "one": "connections=1"}
    with Postgres() as database, internet(
            {"five": ["--slow", "5"], "one": []}, database=database.url,
            lease_seconds=4, batch_mails_max=20) as (one, sinks), Presort(
                "direct", database.url, key=one.key, **one.settings) as two:
        for name, text in limits.items():
            one.command("sites", "set", f"mx.{name}.example", *text.split())
        campaigns = [one.new_campaign(people("five", 480)[i::4])
                     for i in range(4)]
        campaigns.append(one.new_campaign(people("one", 200)))
        for campaign in campaigns:
            one.send(campaign)
        for campaign in campaigns:
            one.wait_for(campaign, 90)
        assert two.sql("SELECT count(*) FROM worker WHERE stopped IS NULL"
                       ) == [["4"]]
        for name, n in ("five", 480), ("one", 200):
            assert len(sinks[name].copies()) == n
            assert sinks[name].totals()["duplicates"] == 0
        assert sinks["five"].totals()["max_connections"] <= 5
        assert sinks["one"].totals()["max_connections"] == 1
        assert most_within(sinks["five"].lines(), 1000 - LATE_MS) <= 40
        at_work = one.sql("""
            SELECT count(DISTINCT o.worker) FROM outcome o
            JOIN mail m USING (batch, seq)
            WHERE m.recipient LIKE '%@five.example'""")
        assert int(at_work[0][0]) >= 3, at_work
        lanes = one.sql("""SELECT DISTINCT lane FROM site_worker
                           WHERE site = 'mx.five.example'""")
        assert all(lane.endswith("/4") for lane, in lanes), lanes


def test_a_domain_stands_for_its_site_in_limits():
    """By the command line and the API, as it does where sites are shown."""
    with internet({"one": []}) as (presort, _):
        campaign = presort.new_campaign(people("one", 3))
        presort.send(campaign)
        presort.wait_for(campaign, 20)
        process.wait_until(lambda: presort.sql(
            "SELECT site FROM site WHERE domain = 'one.example'") == [
                ["mx.one.example"]], 10, "the site to be known")
        presort.command("sites", "set", "One.example", "mails_per_second=7")
        assert "site mx.one.example: mails_per_second=7" in presort.command(
            "limits")
        presort.ask("PUT", "/limits/site/one.example",
                    {"limits": "connections=3"})
        assert "site mx.one.example: connections=3" in presort.command(
            "limits")
        presort.command("limits", "remove", "site", "one.example")
        assert "mx.one.example" not in presort.command("limits")
