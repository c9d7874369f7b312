"""A small internet: 40 sites, each with limits of its own and some with a mood;
200,000 mails. No limit is passed, as measured at the sites, every mail ends as
it should, and the healthy sites are not slowed down by the sick ones."""

import contextlib
import statistics

from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

LATE_MS = 100
SOFT = "*=10%+1:451 4.7.1 Please slow down"
NOBODY = "*=20%:550 5.1.1 no such user"

# Options of the sink, by the site's number; the others are healthy.
MOODS = {
    **{n: ["--greylist", "2,*"] for n in (24, 25, 26)},
    **{n: ["--421-after", "7"] for n in (27, 28, 29)},
    **{n: ["--defer", SOFT] for n in (30, 31, 32)},
    **{n: ["--refuse", NOBODY] for n in (33, 34)},
    **{n: ["--max-connections", "2"] for n in (35, 36)},
    37: ["--slow", "30"],
}
DEAD = (38, 39)
SITES = range(40)
HEALTHY = range(24)


def mails(n):
    """So many that a healthy site is busy for about a minute; who asks to slow
    down, or to come again, gets no more than he can take in time."""
    mood = MOODS.get(n, [""])
    if n in HEALTHY:
        return 8100
    return 120 if SOFT in mood else 250 if "--greylist" in mood else 500


def limits_of(n):
    """connections, mails a second, mails over a connection"""
    if n in HEALTHY:
        return 2 + n % 5, 120 + n % 4 * 20, 100 + n % 3 * 200
    return 1 + n % 5, 15 + n % 4 * 10, 10 + n % 3 * 20


def most_within(lines, window_ms):
    times = sorted(line.time_ms for line in lines)
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= window_ms:
            first += 1
        most = max(most, last - first + 1)
    return most


def check(n, sink):
    """No limit of the site was passed."""
    connections, rate, each = limits_of(n)
    totals, lines = sink.totals(), sink.lines()
    assert totals["max_connections"] <= connections, (n, totals)
    assert most_within(lines, 1000 - LATE_MS) <= rate, n
    assert totals["duplicates"] == 0, (n, totals)
    assert totals["max_mails_per_connection"] <= each, (n, totals)


def names_of():
    names = {}
    for n in SITES:
        names[f"s{n}.example"] = [f"MX 1 mx.s{n}.example."]
        names[f"mx.s{n}.example"] = [f"A 127.0.3.{n + 1}"]
    return names


@contextlib.contextmanager
def campaign_to(sites):
    """Sent: Presort, the sinks, and the totals."""
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(Dns(names_of()))
        sinks = {n: stack.enter_context(Sink(
            *MOODS.get(n, []), address=f"127.0.3.{n + 1}", port=port))
            for n in sites if n not in DEAD}
        presort = stack.enter_context(Presort(
            "direct", dkim_required=0, direct_port=port,
            retry_first_seconds=1, retry_most_seconds=4, poll_interval_ms=200,
            connect_timeout_seconds=2, batch_mails_max=250, **dns.settings))
        for n in sites:
            connections, rate, each = limits_of(n)
            presort.command(
                "sites", "set", f"mx.s{n}.example",
                f"connections={connections}", f"mails_per_second={rate}",
                f"mails_per_connection={each}")
        campaign = presort.new_campaign(
            [f"u{i}@s{n}.example" for i in range(max(map(mails, sites)))
             for n in sites if i < mails(n)], expire_seconds=110)
        presort.send(campaign)
        presort.wait_for(campaign, 240)
        yield presort, sinks, presort.check_totals(campaign)


def took_ms(sinks):
    """How long each healthy site was busy."""
    found = {}
    for n in HEALTHY:
        times = [line.time_ms for line in sinks[n].lines()]
        found[n] = max(times) - min(times)
    return found


def test_forty_sites_with_limits_and_moods():
    with campaign_to(HEALTHY) as (presort, sinks, totals):
        alone = took_ms(sinks)
        assert totals["delivered"] == sum(map(mails, HEALTHY)), totals
    assert sum(map(mails, SITES)) >= 200_000
    with campaign_to(SITES) as (presort, sinks, totals):
        ends = dict(presort.sql("""
            SELECT split_part(m.recipient, '@', 2) || ' ' || o.verdict, count(*)
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE o.final GROUP BY 1"""))
        for n, sink in sinks.items():
            check(n, sink)
            bounced = int(ends.get(f"s{n}.example bounced", 0))
            assert (bounced > 0) == (MOODS.get(n, [""])[0] == "--refuse"), n
            assert int(ends[f"s{n}.example delivered"]) == mails(n) - bounced, (
                n, ends)
            assert len(sink.copies()) == mails(n) - bounced
        for n in DEAD:
            assert ends[f"s{n}.example expired"] == str(mails(n)), (n, ends)
        assert totals["expired"] == sum(map(mails, DEAD)), totals
        beside = took_ms(sinks)
        ratios = [beside[n] / alone[n] for n in HEALTHY]
        print(sorted(alone.values()), sorted(ratios))
        assert statistics.median(ratios) < 1.1, sorted(ratios)
        # Mails a second of all of them together.
        assert sum(mails(n) / beside[n] for n in HEALTHY) > 0.9 * sum(
            mails(n) / alone[n] for n in HEALTHY)
