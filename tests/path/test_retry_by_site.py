"""Deferred mail comes again by the schedule of its site, as measured there."""

import time

import pytest

from kit import process
from kit.presort import Presort
from kit.sink import Sink
from test_sites import internet, people

NOT_YET = ["--defer", "*+2:451 4.3.2 not yet"]  # each mail twice
LATE = 1.6  # seconds that an attempt may be late
SCHEDULE = {"retry_first_seconds": 3, "retry_most_seconds": 12,
            "poll_interval_ms": 100}


def order(presort, sites):
    """{site: its limits}, heard by all workers before there is mail."""
    for site, limits in sites.items():
        presort.command("sites", "set", site, *limits.split())
    time.sleep(1.5)


def waits(sink, recipient):
    """Seconds between the attempts."""
    times = [line.time_ms for line in sink.lines()
             if line.recipient == recipient]
    return [(b - a) / 1000 for a, b in zip(times, times[1:])]


def check_waits(sink, recipients, wanted):
    for recipient in recipients:
        found = waits(sink, recipient)
        assert len(found) == len(wanted), (recipient, found)
        for wait, least in zip(found, wanted):
            assert least - 0.1 <= wait <= least + LATE, (recipient, found)


def test_each_site_has_its_schedule():
    """One small campaign, whose mail of three sites is in one batch: none is
    dragged along by another site's schedule."""
    with internet({"quick": NOT_YET, "slow": NOT_YET, "plain": NOT_YET},
                  **SCHEDULE) as (presort, sinks):
        order(presort, {
            "mx.quick.example": "retry_first=1s retry_most=1s",
            "mx.slow.example": "retry_first=6s retry_most=7s"})
        readers = {name: people(name, 5) for name in sinks}
        campaign = presort.new_campaign(sum(readers.values(), []))
        assert presort.sql("SELECT count(*) FROM batch") == [["1"]]
        presort.send(campaign)
        presort.wait_for(campaign, 40)
        totals = presort.check_totals(campaign)
        assert (totals["delivered"], totals["deferred"]) == (15, 30)
        check_waits(sinks["quick"], readers["quick"], [1, 1])
        check_waits(sinks["plain"], readers["plain"], [3, 6])
        check_waits(sinks["slow"], readers["slow"], [6, 7])


def test_transactional_mail_waits_no_longer_than_its_settings_say():
    with internet({"quick": NOT_YET, "slow": NOT_YET}, **SCHEDULE,
                  transactional_retry_first_seconds=2,
                  transactional_retry_most_seconds=2) as (presort, sinks):
        order(presort, {
            "mx.quick.example": "retry_first=1s retry_most=1s",
            "mx.slow.example": "retry_first=1h retry_most=5h"})
        to = {name: f"user@{name}.example" for name in sinks}
        for recipient in to.values():
            presort.ask("POST", "/emails", {
                "from": "shop@shop.example", "to": recipient,
                "subject": "Your code", "text": "1234"})
        for name, wanted in ("quick", [1, 1]), ("slow", [2, 2]):
            process.wait_until(lambda: len(waits(sinks[name], to[name])) == 2,
                               20, f"the mail to {name}")
            check_waits(sinks[name], [to[name]], wanted)


def test_the_operator_changes_it_at_once():
    with internet({"one": NOT_YET}, **SCHEDULE) as (presort, sinks):
        def shown(limits, first, most):
            """By the workers."""
            site = presort.ask("GET", "/sites/one.example")
            return limits in site["limits"] and (
                first, most) == (site["retry_first_seconds"],
                                 site["retry_most_seconds"])

        def sent(name, wanted):
            reader = f"{name}@one.example"
            campaign = presort.new_campaign([reader])
            presort.send(campaign)
            presort.wait_for(campaign, 40)
            check_waits(sinks["one"], [reader], wanted)

        sent("before", [3, 6])
        process.wait_until(lambda: shown("connections", 3, 12), 10, "settings")
        assert "tried again after 3s, then after twice that, and so on up to " \
            "12s" in presort.command("sites", "one.example")

        path = "/limits/site/mx.one.example"
        put = presort.ask("PUT", path,
                          {"limits": "retry_most=60s retry_first=1s"})
        assert put["limits"] == "retry_first=1s retry_most=1m", put
        process.wait_until(lambda: shown("retry_first=1s retry_most=1m", 1, 60),
                           10, "the schedule")
        sent("after", [1, 2])
        assert "so on up to 1m" in presort.command("sites", "one.example")

        presort.command("sites", "set", "one.example", "retry_most=1s",
                        "retry_first=none")
        process.wait_until(lambda: shown("retry_first=none retry_most=1s", 1,
                                         1), 10, "the shorter one")
        assert "after 1s each time" in presort.command("sites", "one.example")
        presort.ask("DELETE", path)
        process.wait_until(lambda: shown("connections", 3, 12), 10, "settings")
        sent("again", [3, 6])

        for scope, limits, why in [
                ("site", "retry_first=soon", "expected a duration"),
                ("site", "retry_first=1h retry_most=5m", "longer than"),
                ("site", "retry_most=8d", "from 1s to 7d"),
                ("sender", "retry_first=5m", "only sites and relays")]:
            answer = presort.call("PUT", f"/limits/{scope}/x.example",
                                  {"limits": limits})
            assert answer.status == 422, answer.body
            assert why in answer.body["message"], answer.body
        with pytest.raises(RuntimeError, match="only sites and relays"):
            presort.command("limits", "set", "sender", "x.example",
                            "retry_first=5m")


def test_a_relay_has_one_too():
    with Sink(*NOT_YET) as sink, Presort(
            sink.port, retry_jitter_percent=0, **SCHEDULE) as presort:
        campaign = presort.new_campaign(["before@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 40)
        check_waits(sink, ["before@example.com"], [3, 6])
        [[site]] = presort.sql("SELECT site FROM site_worker LIMIT 1")
        presort.command("sites", "set", site, "retry_first=1s",
                        "retry_most=1s")
        process.wait_until(lambda: "after 1s each time" in presort.command(
            "sites", site), 10, "the workers to hear of it")
        campaign = presort.new_campaign(["after@example.com"])
        presort.send(campaign)
        presort.wait_for(campaign, 40)
        check_waits(sink, ["after@example.com"], [1, 1])
