"""Routes: rules in the store say how a mail leaves, and workers follow a
change at once."""

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
        process.wait_until(lambda: presort.log().count("rules=2") == 2, 10,
                           "both workers to know")
        receipt(presort, "b@two.example")
        receipt(presort, "b@x.two.example")
        receipt(presort, "c@x.two.example", "boss@corp.example")
        arrives(standard, "b@two.example")
        arrives(backup, "b@x.two.example")
        arrives(corporate, "c@x.two.example")
        campaign = presort.new_campaign(
            ["d@one.example", "d@x.two.example", "e@y.two.example"])
        presort.send(campaign)
        presort.wait_for(campaign, 30)
        assert presort.check_totals(campaign)["delivered"] == 3
        assert set(standard.copies()) == {
            "a@one.example", "b@two.example", "d@one.example"}
        assert set(backup.copies()) == {
            "b@x.two.example", "d@x.two.example", "e@y.two.example"}
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


def test_wrong_words_are_refused():
    with Sink() as sink, Presort(relay=sink.port) as presort:
        for words in (["route", "add"], ["route", "default", "nowhere"],
                      ["route", "add", "--via", "direct", "--class", "all"],
                      ["route", "remove", "77"], ["relay", "add", "x"],
                      ["relay", "add", "x", "host"],
                      ["relay", "add", "x", "a:1", "--user", "u"],
                      ["relay", "add", "x", "a:1", "--user", "u", "--secret",
                       "hunter2"]):
            with pytest.raises(RuntimeError, match="presort"):
                presort.command(*words)
        assert "gmail" in presort.command("relay", "presets")
