"""What comes back by mail: a campaign through a real Postfix that takes all
of it and bounces half of it later."""

import os

import pytest

from kit import places, process
from kit.postfix import Postfix
from kit.presort import Presort

BOUNCES = "bounce.example"
HALF = 40
GONE = {"gone.example": "error:5.1.1 nobody of that name is here",
        "full.example": "error:5.2.2 the mailbox is full"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="Postfix needs root")


def readers():
    """Half of them are gone, and a few have a full mailbox."""
    return [f"u{i}@{domain}" for domain, n in
            (("here.example", HALF), ("gone.example", HALF - 5),
             ("full.example", 5)) for i in range(n)]


def send_all(presort):
    campaign = presort.new_campaign(readers())
    presort.send(campaign)
    presort.wait_for(campaign, 60)
    assert presort.check_totals(campaign)["delivered"] == 2 * HALF
    return campaign


def count(presort, table, where="true"):
    return int(presort.sql(f"SELECT count(*) FROM {table} WHERE {where}")[0][0])


def check_reports(presort, campaign, source):
    """Each mail that bounced has one report; whoever is gone is suppressed,
    once, and nobody else is."""
    process.wait_until(lambda: count(presort, "report") == HALF, 60,
                       "the last report")
    rows = presort.sql("""SELECT m.recipient, r.kind, r.category, r.hard,
        r.status FROM report r JOIN mail m USING (batch, seq)""")
    assert sorted(rows) == sorted(
        [[f"u{i}@gone.example", "bounced", "invalid_recipient", "t", "5.1.1"]
         for i in range(HALF - 5)] +
        [[f"u{i}@full.example", "bounced", "mailbox_full", "f", "5.2.2"]
         for i in range(5)])
    suppressed = presort.sql("SELECT address, reason FROM suppression")
    assert sorted(suppressed) == sorted(
        [f"u{i}@gone.example", "bounce"] for i in range(HALF - 5))
    assert presort.sql(f"""SELECT category, later FROM failure
        WHERE campaign = '{campaign}' ORDER BY 1""") == [
        ["invalid_recipient", str(HALF - 5)], ["mailbox_full", "5"]]
    assert presort.sql("SELECT source, kind, n FROM inbound_tally") == [
        [source, "bounce", str(HALF)]]
    assert presort.check_totals(campaign)["delivered"] == 2 * HALF


@needs_root
def test_bounces_come_by_smtp():
    port = places.free_ports(1)[0]
    transports = {**GONE, BOUNCES: f"smtp:[127.0.0.1]:{port}"}
    with Postfix(transports) as postfix, Presort(
            postfix.port, return_path_domain=BOUNCES,
            inbound_listen=f"127.0.0.1:{port}") as presort:
        campaign = send_all(presort)
        check_reports(presort, campaign, "smtp")
