-- What a worker tells the store about mails that have an outcome.

-- name: stream_add
INSERT INTO stream (id, project, domain)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::text[])
ON CONFLICT DO NOTHING

-- name: tally_add
INSERT INTO tally AS t (campaign, site, worker, delivered, deferred, bounced,
                        in_doubt, doubted, expired, suppressed, cancelled)
SELECT a.campaign, a.site, $3::int, a.delivered, a.deferred, a.bounced,
    a.in_doubt, a.doubted, a.expired, a.suppressed, a.cancelled
FROM unnest($1::uuid[], $2::text[], $4::bigint[], $5::bigint[], $6::bigint[],
            $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[],
            $11::bigint[])
    AS a (campaign, site, delivered, deferred, bounced, in_doubt, doubted,
          expired, suppressed, cancelled)
ON CONFLICT (campaign, site, worker) DO UPDATE
SET delivered = t.delivered + excluded.delivered,
    deferred = t.deferred + excluded.deferred,
    bounced = t.bounced + excluded.bounced,
    in_doubt = t.in_doubt + excluded.in_doubt,
    doubted = t.doubted + excluded.doubted,
    expired = t.expired + excluded.expired,
    suppressed = t.suppressed + excluded.suppressed,
    cancelled = t.cancelled + excluded.cancelled,
    last = now()

-- The same as COPY and tally_add in one, for outcomes of which some may be in
-- the store already: after a lost connection, a crash, or a lost lease. Counts
-- only what was new. A mail that is no more (its day was dropped) has no
-- partition for an outcome either: that is left out.
-- name: settle_again
WITH given AS (
    SELECT DISTINCT ON (batch, seq, attempt) * FROM unnest(
        $2::bigint[], $3::int[], $4::smallint[], $5::timestamptz[],
        $6::text[], $7::bool[], $8::text[], $9::smallint[], $10::text[],
        $11::text[], $12::text[], $13::text[], $14::text[], $15::int[],
        $16::int[], $17::int[], $18::uuid[], $19::text[], $20::text[])
    AS g (batch, seq, attempt, at, verdict, final, reach, code, enhanced,
          step, reply, mx, source, claimed_ms, waited_ms, took_ms, campaign,
          site, category)
    WHERE EXISTS (SELECT FROM mail m
                  WHERE m.batch = g.batch AND m.seq = g.seq)
    ORDER BY batch, seq, attempt, final DESC, at
), fresh AS (
    INSERT INTO outcome (batch, seq, attempt, at, verdict, final, reach, code,
                         enhanced, step, reply, mx, source, worker,
                         claimed_ms, waited_ms, took_ms, category)
    SELECT batch, seq, attempt, at, verdict::verdict, final, reach::reach,
        code, enhanced, step, reply, mx, source, $1::int,
        claimed_ms, waited_ms, took_ms, category
    FROM given
    ON CONFLICT (batch, seq, attempt) DO NOTHING
    RETURNING batch, seq, attempt, verdict, final
), counted AS (
    INSERT INTO tally AS t (campaign, site, worker, delivered, deferred, bounced,
                            in_doubt, doubted, expired, suppressed, cancelled)
    SELECT g.campaign, g.site, $1::int,
        count(*) FILTER (WHERE f.verdict = 'delivered'),
        count(*) FILTER (WHERE f.verdict = 'deferred'),
        count(*) FILTER (WHERE f.verdict = 'bounced'),
        count(*) FILTER (WHERE f.verdict = 'in_doubt' AND f.final),
        count(*) FILTER (WHERE f.verdict = 'in_doubt' AND NOT f.final),
        count(*) FILTER (WHERE f.verdict = 'expired'),
        count(*) FILTER (WHERE f.verdict = 'suppressed'),
        count(*) FILTER (WHERE f.verdict = 'cancelled')
    FROM fresh f JOIN given g USING (batch, seq, attempt)
    WHERE g.campaign IS NOT NULL
    GROUP BY g.campaign, g.site
    ON CONFLICT (campaign, site, worker) DO UPDATE
    SET delivered = t.delivered + excluded.delivered,
        deferred = t.deferred + excluded.deferred,
        bounced = t.bounced + excluded.bounced,
        in_doubt = t.in_doubt + excluded.in_doubt,
        doubted = t.doubted + excluded.doubted,
        expired = t.expired + excluded.expired,
        suppressed = t.suppressed + excluded.suppressed,
        cancelled = t.cancelled + excluded.cancelled,
        last = now()
)
SELECT settle_failed($1::int, array_agg(g.batch), array_agg(g.seq),
                     array_agg(g.at), array_agg(g.verdict),
                     array_agg(g.campaign), array_agg(g.site),
                     array_agg(g.category))
FROM fresh f JOIN given g USING (batch, seq, attempt)
WHERE g.category IS NOT NULL OR g.verdict = 'expired' HAVING count(*) > 0

-- What follows from those that failed: a function, as both ways need it.
-- name: settle_failed
SELECT settle_failed($1::int, $2::bigint[], $3::int[], $4::timestamptz[],
                     $5::text[], $6::uuid[], $7::text[], $8::text[])

-- name: commit
COMMIT

-- name: rollback
ROLLBACK
