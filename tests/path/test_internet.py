"""A small internet: 40 sites, each with limits of its own and some with a mood.
No limit is passed, as measured at the sites, and every mail ends as it should."""

import contextlib

from kit.dns import Dns
from kit.places import free_ports
from kit.presort import Presort
from kit.sink import Sink

MAILS = 120  # a site
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


def limits_of(n):
    """connections, mails a second, mails over a connection"""
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
    connections, rate, _ = limits_of(n)
    totals, lines = sink.totals(), sink.lines()
    assert totals["max_connections"] <= connections, (n, totals)
    assert most_within(lines, 1000 - LATE_MS) <= rate, n
    assert totals["duplicates"] == 0, (n, totals)
    # Mails over a connection.
    assert totals["connections"] >= len(lines) / limits_of(n)[2], (n, totals)


def names_of():
    names = {}
    for n in SITES:
        names[f"s{n}.example"] = [f"MX 1 mx.s{n}.example."]
        names[f"mx.s{n}.example"] = [f"A 127.0.3.{n + 1}"]
    return names


def test_forty_sites_with_limits_and_moods():
    port = free_ports(1)[0]
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(Dns(names_of()))
        sinks = {n: stack.enter_context(Sink(
            *MOODS.get(n, []), address=f"127.0.3.{n + 1}", port=port))
            for n in SITES if n not in DEAD}
        presort = stack.enter_context(Presort(
            "direct", dkim_required=0, direct_port=port,
            retry_first_seconds=1, retry_most_seconds=4, poll_interval_ms=200,
            connect_timeout_seconds=2, batch_mails_max=50, **dns.settings))
        for n in SITES:
            connections, rate, each = limits_of(n)
            presort.command(
                "sites", "set", f"mx.s{n}.example",
                f"connections={connections}", f"mails_per_second={rate}",
                f"mails_per_connection={each}")
        campaign = presort.new_campaign(
            [f"u{i}@s{n}.example" for i in range(MAILS) for n in SITES],
            expire_seconds=75)
        presort.send(campaign)
        presort.wait_for(campaign, 150)
        totals = presort.check_totals(campaign)
        ends = dict(presort.sql("""
            SELECT split_part(m.recipient, '@', 2) || ' ' || o.verdict, count(*)
            FROM outcome o JOIN mail m USING (batch, seq)
            WHERE o.final GROUP BY 1"""))
        for n, sink in sinks.items():
            check(n, sink)
            bounced = int(ends.get(f"s{n}.example bounced", 0))
            assert (bounced > 0) == (MOODS.get(n, [""])[0] == "--refuse"), n
            assert int(ends[f"s{n}.example delivered"]) == MAILS - bounced, (
                n, ends)
            assert len(sink.copies()) == MAILS - bounced
        for n in DEAD:
            assert ends[f"s{n}.example expired"] == str(MAILS), (n, ends)
        assert totals["expired"] == MAILS * len(DEAD), totals
