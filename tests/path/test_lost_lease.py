"""A worker that lost a batch may tell the store late what came of its mails,
after the next worker has read what is left. Then, too, each mail ends once,
and none is forgotten."""

from kit import process
from kit.presort import Presort
from kit.sink import Sink

SLOW_MS = 400  # a reply: time to speak up before anything is settled


def test_the_first_worker_speaks_up_late():
    deferred, delivered, other = (f"{name}@example.com" for name in
                                  ("deferred", "delivered", "other"))
    with Sink("--slow", str(SLOW_MS), "--defer", "delivered@*=1+1") as sink, \
            Presort(relay=sink.port, workers=1, retry_first_seconds=1,
                    retry_most_seconds=1) as presort:
        campaign = presort.new_campaign([deferred, delivered, other])
        # As if it had been claimed before.
        presort.sql(f"UPDATE batch SET claims = 1 "
                    f"WHERE campaign = '{campaign}'")
        presort.send(campaign)
        process.wait_until(
            lambda: presort.sql(f"SELECT id FROM batch WHERE state = 'claimed' "
                                f"AND campaign = '{campaign}'"),
            10, "the claim", 0.02)
        late = presort.sql(f"""
            WITH late AS (
                INSERT INTO outcome (batch, seq, attempt, at, verdict, final)
                SELECT m.batch, m.seq, 1, now(),
                    CASE m.recipient WHEN '{delivered}' THEN 'delivered'
                        ELSE 'deferred' END::verdict,
                    m.recipient = '{delivered}'
                FROM mail m JOIN batch b ON b.id = m.batch
                WHERE b.campaign = '{campaign}' AND m.recipient <> '{other}'
                RETURNING 1)
            INSERT INTO tally (campaign, site, worker, delivered, deferred)
            SELECT '{campaign}', 'example.com', 0, 1, 1
            RETURNING (SELECT count(*) FROM late)""")
        assert late == [["2"]]
        presort.wait_for(campaign, 60)
        totals = presort.check_totals(campaign)
        assert totals["delivered"] == 3
        # What the first worker deferred was sent by the second as well, and
        # goes on; what it delivered is over, though deferred here.
        assert sink.copies() == {deferred: 2, other: 1}
