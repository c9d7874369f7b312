"""Where mail leaves from: pools of addresses, each with a name of its own."""

import datetime
import re
import subprocess
import time

import pytest

from kit import places, process
from kit.presort import Presort
from kit.servers import add, installation, known, send

FIRST, SECOND, THIRD = "127.0.3.1", "127.0.3.2", "127.0.3.3"


def test_each_site_has_its_address_and_keeps_it():
    """By the sender's domain a pool, by the site an address of it, with its
    name; the same on both workers, and after a restart."""
    sites = [f"127.0.1.{n}" for n in range(1, 9)]
    with installation(sites) as (presort, servers):
        for n, address in enumerate([FIRST, SECOND, THIRD]):
            add(presort, address, f"out{n + 1}.example")
        for i in range(len(sites)):
            presort.command("route", "add", "--to", f"s{i}.example", "--via",
                            f"r{i}", "--pool", "main")
        known(presort, len(sites))
        addresses = [f"u{n}@s{i}.example" for i in range(8) for n in range(40)]
        for _ in range(2):
            process.wait_until(lambda: f"rules={len(sites)}" in presort.log(),
                               20, "the routes")
            campaign = send(presort, addresses)
            presort.wait_for(campaign, 60)
            assert presort.check_totals(campaign)["delivered"] == 320
            presort.stop()
            presort.start()
        names = {(source, name) for _, source, name, _ in servers.came}
        assert names <= {(FIRST, "out1.example"), (SECOND, "out2.example"),
                         (THIRD, "out3.example")}
        assert len(names) >= 2  # eight sites by chance
        for site in sites:
            assert len(servers.sources(site)) == 1, servers.sources(site)
        assert len(servers.came) == 640
        listed = presort.command("sources", "list").splitlines()
        assert listed[0] == f"{FIRST}  out1.example  pool=main  warm  " \
            "blamed by -"


def test_who_is_blamed_is_left_and_nobody_suppressed():
    """A site that blames one address gets its mail from the other one; when
    it blames both, it waits. Also after a restart."""
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, FIRST, "out1.example")
        add(presort, SECOND, "out2.example")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(40)])
        presort.wait_for(campaign, 30)
        [[blamed, _]] = servers.sources().items()
        servers.blamed.add(blamed)
        campaign = send(presort, [f"b{n}@s.example" for n in range(40)])
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 40
        other = SECOND if blamed == FIRST else FIRST
        assert servers.sources() == {blamed: 40, other: 40}
        assert presort.sql("SELECT count(*) FROM suppression") == [["0"]]
        assert "source_changed" in presort.log()
        process.wait_until(lambda: f"{blamed}  out" in "".join(
            l for l in presort.command("sources", "list").splitlines()
            if "blamed by relay r0" in l or "blamed by r0" in l), 20,
            "who blames it")
        presort.stop()
        presort.start()
        campaign = send(presort, [f"c{n}@s.example" for n in range(40)])
        presort.wait_for(campaign, 60)
        assert servers.sources() == {blamed: 40, other: 80}


def test_an_address_is_warmed_up():
    """On its first day a provider gets few mails from it, whatever waits; the
    rest leaves from a warm one. Alone, it waits, and `sites` says why."""
    day = 2 * 86400  # two a second
    with installation(["127.0.1.1"], warmup_schedule=str(day)) as (
            presort, servers):
        add(presort, FIRST, "out1.example", "--warm-up", "now")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(400)])
        presort.wait_for_totals(campaign, 30, lambda t: t["delivered"] > 5)
        before = len(servers.came)
        process.wait_until(lambda: "being warmed up: 172800 mails a day" in
                           presort.command("sites", "relay r0"), 20, "why it waits")
        assert len(servers.came) < before + 60
        assert servers.sources().keys() == {FIRST}
        add(presort, SECOND, "out2.example")
        presort.wait_for(campaign, 60)
        assert presort.check_totals(campaign)["delivered"] == 400
        assert servers.sources()[SECOND] > 200
        listed = presort.command("sources", "list")
        assert re.search(r"127.0.3.1 .* day 1 of its warm-up", listed)
        presort.command("sources", "warm", FIRST)
        assert "warm-up" not in presort.command("sources", "list")


def test_a_limit_of_an_address_holds():
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, FIRST, "out1.example")
        presort.command("route", "default", "r0", "--pool", "main")
        presort.command("limits", "set", "source", FIRST, "mails_per_second=10")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(60)])
        started = time.monotonic()
        presort.wait_for(campaign, 60)
        assert time.monotonic() - started > 3
        assert servers.sources() == {FIRST: 60}


@pytest.mark.parametrize("words, says", [
    (("add", "x", "--ehlo", "a.example", "--pool", "p"), "no IP address"),
    (("add", FIRST, "--pool", "p"), "--ehlo and --pool"),
    (("add", FIRST, "--ehlo", "a b", "--pool", "p"), "ehlo"),
    (("pause", "127.9.9.9"), "there is no source"),
    (("remove",), "which address"),
])
def test_wrong_words_are_refused(words, says, presort):
    with pytest.raises(RuntimeError, match=says):
        presort.command("sources", *words)


@pytest.fixture(scope="module", name="presort")
def fixture_presort():
    with Presort("127.0.0.1:9") as presort:
        yield presort


def test_what_is_known_of_one_is_shown():
    """Whose mail it had today, how warm it is, and where it stands; who blames
    it is shown in test_ways. Another machine's is warned of, and taken."""
    with installation(["127.0.1.1"], warmup_schedule="172800,259200") as (
            presort, servers):
        def shown(address):
            return dict(re.split(": +", line, maxsplit=1) for line in
                        presort.command("sources", "show",
                                        address).splitlines())
        add(presort, FIRST, "Out1.example", "--warm-up", "now")
        run = subprocess.run(
            [places.PRESORT, "sources", "add", "192.0.2.77", "--ehlo",
             "out2.example", "--pool", "spare"], env=presort.environment,
            capture_output=True, text=True, check=True)
        assert run.stdout == "source 192.0.2.77\n"
        assert ("warning: no mail leaves from 192.0.2.77 here: Cannot assign "
                "requested address") in run.stderr
        today = datetime.datetime.now(datetime.timezone.utc).date()
        presort.command("sources", "pause", "192.0.2.77")
        presort.command("limits", "set", "source", "192.0.2.77",
                        "mails_per_day=9")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        assert shown("192.0.2.77") == {
            "address": "192.0.2.77, Cannot assign requested address",
            "name": "out2.example, said in EHLO",
            "pool": "spare, used by no route", "state": "paused",
            "warm-up": "none, it is warm", "limits": "mails_per_day=9",
            "blamed": "by nobody", "today": "no mail"}
        for n in range(3):
            presort.ask("POST", "/emails", {
                "from": "shop@source.example", "to": [f"a{n}@s.example"],
                "subject": "Receipt", "text": "Thanks."})
        process.wait_until(lambda: shown(FIRST)["today"] == "3 delivered",
                           20, "what it sent")
        found = shown(FIRST)
        assert found["address"] == "127.0.3.1, of this machine"
        assert found["name"] == "out1.example, said in EHLO"
        assert re.fullmatch("main, used by route [0-9]+", found["pool"])
        assert found["state"] == "in use"
        assert found["warm-up"] == (
            f"since {today}, day 1: 172800 mails to each provider")
        for back, says in [(1, "day 2: 259200 mails"), (2, "over: day 3"),
                           (-3, "day 1: 172800 mails")]:
            presort.sql(f"UPDATE source SET warm_from = '{today}'::date - "
                        f"{back}")
            assert says in shown(FIRST)["warm-up"]
        assert shown(FIRST)["warm-up"].startswith("begins on")
        with pytest.raises(RuntimeError, match="no source 127.9.9.9"):
            presort.command("sources", "show", "127.9.9.9")


def test_what_is_not_ours_is_told_and_left_out():
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, "192.0.2.77", "out1.example")
        add(presort, SECOND, "out2.example")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(20)])
        presort.wait_for(campaign, 30)
        assert servers.sources() == {SECOND: 20}
        assert "source_unusable address=192.0.2.77" in presort.log()


def test_a_pool_without_an_address_of_ours_is_told():
    """Its mail waits, `sites` says why, and goes once there is one."""
    with installation(["127.0.1.1"]) as (presort, servers):
        add(presort, "192.0.2.77", "out1.example")
        presort.command("route", "default", "r0", "--pool", "main")
        known(presort)
        campaign = send(presort, [f"a{n}@s.example" for n in range(20)])
        process.wait_until(
            lambda: "relay r0: 20 mails wait: no source address of its pool "
            "can be used here" in presort.command("sites"), 20, "the reason")
        assert not servers.came
        add(presort, SECOND, "out2.example")
        presort.wait_for(campaign, 30)
        assert servers.sources() == {SECOND: 20}
        process.wait_until(
            lambda: "relay r0: no mail waits\n" in presort.command("sites"),
            20, "nothing to wait")
