"""Routes: rules in the store say how a mail leaves, and workers follow a
change at once."""

import contextlib
import re
import subprocess
import time

from kit import process
from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

import pytest


def receipt(presort, to, sender="shop@source.example"):
    presort.ask("POST", "/emails", {"from": sender, "to": [to],
                                    "subject": "Receipt", "text": "Thanks."})


def arrives(sink, address):
    process.wait_until(lambda: address in sink.copies(), 15, address)


def test_the_first_matching_route_counts():
    with Sink() as standard, Sink() as backup, Sink() as corporate, \
            Presort(relay=standard.port, poll_interval_ms=200) as presort:
        receipt(presort, "a@one.example")
        arrives(standard, "a@one.example")
        presort.command("relay", "add", "backup", f"127.0.0.1:{backup.port}")
        presort.command("relay", "add", "corp", f"127.0.0.1:{corporate.port}")
        presort.command("route", "add", "--to", "*.two.example", "--via",
                        "backup")
        presort.command("route", "add", "--from", "corp.example", "--via",
                        "corp", "--place", "50")
        presort.command("route", "add", "--to", "M\u00fcnchen.example", "--via",
                        "backup")
        process.wait_until(lambda: presort.log().count("rules=3") == 2, 10,
                           "both workers to know")
        receipt(presort, "u@m\u00fcnchen.example")
        receipt(presort, "a@xn--mnchen-3ya.example")
        receipt(presort, "b@two.example")
        receipt(presort, "b@x.two.example")
        receipt(presort, "c@x.two.example", "boss@corp.example")
        arrives(standard, "b@two.example")
        arrives(backup, "b@x.two.example")
        arrives(backup, "u@xn--mnchen-3ya.example")
        arrives(backup, "a@xn--mnchen-3ya.example")
        arrives(corporate, "c@x.two.example")
        campaign = presort.new_campaign(
            ["d@one.example", "d@x.two.example", "e@y.two.example"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["delivered"] == 3
        assert set(standard.copies()) == {
            "a@one.example", "b@two.example", "d@one.example"}
        assert set(backup.copies()) == {
            "b@x.two.example", "d@x.two.example", "e@y.two.example",
            "u@xn--mnchen-3ya.example", "a@xn--mnchen-3ya.example"}
        listed = presort.command("route", "list").splitlines()
        assert "from=corp.example" in listed[0] and "relay corp" in listed[0]


def test_going_live_is_one_command():
    """From the sandbox to the recipients' servers, which see no mail of a
    domain that has no key; and back."""
    port = free_ports(1)[0]
    names = {"live.example": ["MX 1 mx.live.example."],
             "mx.live.example": ["A 127.0.1.5"]}
    with Sink() as sandbox, Dns(names) as dns, \
            Sink(address="127.0.1.5", port=port) as real, \
            Presort(relay=sandbox.port, direct_port=port,
                    poll_interval_ms=200, **dns.settings) as presort:
        receipt(presort, "a@live.example")
        arrives(sandbox, "a@live.example")
        presort.command("route", "default", "direct")
        process.wait_until(lambda: presort.log().count("rules=1") == 2, 10,
                           "both workers to know")
        receipt(presort, "x@live.example")
        process.wait_until(lambda: presort.sql(
            "SELECT verdict FROM outcome WHERE step = 'sign' AND "
            "reply LIKE 'source.example has no DKIM key%'") == [["bounced"]],
            10, "the bounce")
        presort.command("dkim", "create", "source.example")
        receipt(presort, "b@live.example")
        arrives(real, "b@live.example")
        number = presort.command("route", "list").split()[0]
        presort.command("route", "remove", number)
        process.wait_until(lambda: presort.log().count("rules=0") == 4, 10,
                           "both workers to know")
        receipt(presort, "c@live.example")
        arrives(sandbox, "c@live.example")
        assert set(real.copies()) == {"b@live.example"}


def test_a_relay_that_is_changed_is_followed_at_once():
    """By all destinations that it is, whatever connections are open."""
    with Sink() as before, Sink() as after, \
            Presort(relay=before.port, poll_interval_ms=200) as presort:
        def send(n):
            for i in range(n):
                receipt(presort, f"{i}@a.example")
                receipt(presort, f"{i}@b.example")
        presort.command("sources", "add", "127.0.3.1", "--ehlo",
                        "out.example", "--pool", "main")
        presort.command("relay", "add", "one", f"127.0.0.1:{before.port}")
        presort.command("route", "add", "--to", "a.example", "--via", "one")
        presort.command("route", "add", "--to", "b.example", "--via", "one",
                        "--pool", "main")
        process.wait_until(lambda: presort.log().count("rules=2") == 2, 10,
                           "both workers to know")
        send(20)
        process.wait_until(lambda: len(before.copies()) == 40, 20, "the mail")
        presort.command("relay", "add", "one", f"127.0.0.1:{after.port}")
        time.sleep(2)
        send(20)
        process.wait_until(lambda: len(after.copies()) == 40, 20, "the mail")
        assert sum(before.copies().values()) == 40


def test_wrong_words_are_refused():
    with Sink() as sink, Presort(relay=sink.port) as presort:
        presort.command("relay", "add", "corp", "corp.example:25")
        presort.command("route", "add", "--to", "a.example", "--via", "corp")
        for words, why in [
                ("route add", "--via is wanted"),
                ("route default nowhere", "via: there is no relay nowhere"),
                ("route default direct --fallback x", "--fallback: there is"),
                ("route default direct --pool x", "--pool: no source address"),
                ("route add --via direct --class all", "--class: trans"),
                ("route add --via direct --to a@b.example", "--to: it is nei"),
                ("route add --via direct --project x", "--project: there is"),
                ("route add --via direct --place x", "--place: a number"),
                ("route remove 77", "no such route"),
                ("relay add x", "usage"),
                ("relay add direct a:1", "name: direct means"),
                ("relay add x host", "host is neither HOST:PORT nor a preset"),
                ("relay add x a:1 --tls maybe", "--tls: none, opp"),
                ("relay add x a:1 --user u", "--secret: it is missing"),
                ("relay add x a:1 --user u --secret hunter2",
                 "--secret: it says where"),
                ("relay remove corp", "corp is used by route"),
                ("relay remove x", "no such relay")]:
            with pytest.raises(RuntimeError) as refused:
                presort.command(*words.split())
            said = str(refused.value).split(words, 1)[1]
            assert why in said and "hunter2" not in said, said


def test_a_preset_brings_its_provider_s_limits():
    """But not in place of what the operator has said; and they go with it."""
    with Sink() as sink, Presort(relay=sink.port, workers=1) as presort:
        presets = presort.command("relay", "presets")
        assert "connections=3 mails_per_minute=30 mails_per_day=10000" in presets
        assert re.search("^gmail +connections=10 mails_per_day=500", presets,
                         re.M)
        presort.command("limits", "set", "relay", "two", "mails_per_day=9")
        for name in "one", "two":
            presort.command("relay", "add", name, "gmail")
        assert presort.command("limits").splitlines() == [
            "relay one: connections=10 mails_per_day=500 burst=250",
            "relay two: mails_per_day=9"]
        presort.command("relay", "remove", "two")
        assert presort.command("limits").splitlines() == [
            "relay one: connections=10 mails_per_day=500 burst=250"]


@contextlib.contextmanager
def table_locked(presort, table):
    """Against reading, too."""
    with subprocess.Popen(
            ["psql", "-Xq", "-h", presort.state / "run", "-U", "presort"],
            stdin=subprocess.PIPE, text=True) as other:
        other.stdin.write(f"BEGIN; LOCK TABLE {table};\n")
        other.stdin.flush()
        process.wait_until(lambda: locks(presort, table, "granted"), 10,
                           "the lock")
        yield
        other.communicate("ROLLBACK;\n", 20)


def locks(presort, table, which):
    return presort.sql(
        f"SELECT 1 FROM pg_locks WHERE {which} AND relation = "
        f"'{table}'::regclass AND (NOT granted OR mode = "
        "'AccessExclusiveLock')")


def test_a_relay_and_its_route_that_come_while_routes_are_read():
    """What is read is as of one moment: no rule without its relay, which mail
    would be lost by; and what came meanwhile is read next."""
    with Sink() as standard, Sink() as fresh, \
            Presort(relay=standard.port, workers=1,
                    poll_interval_ms=200) as presort:
        receipt(presort, "a@new.example")
        arrives(standard, "a@new.example")
        worker = presort.pids("presort-engine")
        # Sources are read between relays and rules.
        with table_locked(presort, "source"):
            presort.sql("SELECT pg_notify('presort_control', 'routes')")
            process.wait_until(lambda: locks(presort, "source", "NOT granted"),
                               10, "the worker to read")
            presort.sql("INSERT INTO relay (name, servers, tls, login) VALUES "
                        f"('fresh', '127.0.0.1:{fresh.port}', 'none', 'none')")
            presort.sql("INSERT INTO route (place, recipient, via, relay) "
                        "VALUES (1, 'new.example', 'relay', 'fresh')")
            for i in range(20):
                receipt(presort, f"b{i}@new.example")
        process.wait_until(lambda: len(standard.copies() | fresh.copies()) ==
                           21, 20, "all mail")
        process.wait_until(lambda: "rules=1" in presort.log(), 10, "the rule")
        receipt(presort, "c@new.example")
        arrives(fresh, "c@new.example")
        assert presort.pids("presort-engine") == worker
        assert "routes_torn" not in presort.log()
