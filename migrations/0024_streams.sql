-- Transactional mail in the rates: it is counted by project and sender's
-- domain, a stream, whose id stands in tally, failure and rate where a
-- campaign's would. Workers make the ids (engine/settle/stream).
CREATE TABLE stream (
    id uuid PRIMARY KEY,
    project bigint NOT NULL,
    domain text COLLATE "C" NOT NULL,
    UNIQUE (project, domain)
);

-- As before, and expired: mail that a worker had in hand as its time was over.
-- Why the last attempt failed is why it did.
CREATE OR REPLACE FUNCTION settle_failed(
    of_worker integer, batches bigint[], seqs integer[], ats timestamptz[],
    verdicts text[], campaigns uuid[], sites text[], categories text[])
RETURNS void LANGUAGE sql AS $$
    INSERT INTO failure AS f (campaign, site, category, worker, deferred,
                              bounced)
    SELECT g.campaign, g.site, g.category, of_worker,
        count(*) FILTER (WHERE g.verdict = 'deferred'),
        count(*) FILTER (WHERE g.verdict = 'bounced')
    FROM unnest(campaigns, sites, categories, verdicts)
        AS g (campaign, site, category, verdict)
    WHERE g.campaign IS NOT NULL AND g.category IS NOT NULL
    GROUP BY g.campaign, g.site, g.category
    ORDER BY g.campaign, g.site, g.category
    ON CONFLICT (campaign, site, category, worker) DO UPDATE
    SET deferred = f.deferred + excluded.deferred,
        bounced = f.bounced + excluded.bounced;

    SELECT recipients_bounced(array_agg(batch), array_agg(seq),
               array_agg(CASE WHEN category_is_hard(category)
                              THEN 'bounce' ELSE 'soft_bounce' END),
               array_agg(at), array_agg(category))
    FROM (
        SELECT g.batch, g.seq, g.at, g.category
        FROM unnest(batches, seqs, ats, verdicts, categories)
            AS g (batch, seq, at, verdict, category)
        WHERE g.verdict = 'bounced'
          AND (category_is_hard(g.category)
               OR category_is_soft_bounce(g.category))
        UNION ALL
        SELECT g.batch, g.seq, g.at, past.category
        FROM unnest(batches, seqs, ats, verdicts)
            AS g (batch, seq, at, verdict)
        CROSS JOIN LATERAL (
            SELECT o.category FROM outcome o
            WHERE o.batch = g.batch AND o.seq = g.seq
              AND o.category IS NOT NULL
            ORDER BY o.attempt DESC LIMIT 1) AS past
        WHERE g.verdict = 'expired' AND category_is_soft_bounce(past.category)
    ) AS bad
    HAVING count(*) > 0
$$;

-- The stream of a transactional mail; NULL if its content is gone.
CREATE FUNCTION stream_of(of_batch bigint, of_seq integer) RETURNS uuid
LANGUAGE sql STABLE AS $$
    SELECT s.id FROM mail m
    JOIN email e ON e.batch = m.batch AND e.seq = m.email
    JOIN batch b ON b.id = m.batch
    JOIN stream s ON s.project = b.project
        AND s.domain = sender_domain(e.content ->> 'from')
    WHERE m.batch = of_batch AND m.seq = of_seq
$$;

-- As before, but a bounce for good that is told after a passing one counts in
-- its place; and reports on transactional mail count for its stream.
CREATE OR REPLACE FUNCTION report_settle(batches bigint[], seqs integer[], kinds text[],
                              categories text[], hards boolean[],
                              statuses text[], codes smallint[],
                              diagnostics text[])
RETURNS TABLE (batch bigint, seq integer, kind text, is_known boolean,
               is_new boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    fresh report[];
    harder report[];                    -- and what each was before:
    was text[];
BEGIN
    WITH given AS (
        SELECT DISTINCT ON (g.batch, g.seq, g.kind) g.*
        FROM unnest(batches, seqs, kinds, categories, hards, statuses, codes,
                    diagnostics)
            AS g (batch, seq, kind, category, hard, status, code, diagnostic)
        CROSS JOIN LATERAL (SELECT FROM mail
                            WHERE batch = g.batch AND seq = g.seq OFFSET 0) m
        -- a report on our authentication is none of the recipient's
        WHERE (g.kind <> 'complained'
               OR coalesce(g.category, 'complaint') = 'complaint')
        ORDER BY g.batch, g.seq, g.kind, g.hard DESC
    ), changed AS (
        UPDATE report r
        SET at = now(), category = g.category, hard = true,
            status = left(g.status, 16), code = g.code,
            diagnostic = left(g.diagnostic, 1000)
        FROM given g
        JOIN report o ON (o.batch, o.seq, o.kind) = (g.batch, g.seq, g.kind)
        WHERE (r.batch, r.seq, r.kind) = (g.batch, g.seq, g.kind)
          AND g.kind = 'bounced' AND g.hard AND category_is_hard(g.category)
          AND NOT r.hard
        RETURNING r, o.category AS was
    ), stored AS (
        INSERT INTO report AS r (batch, seq, kind, at, category, hard, status,
                                 code, diagnostic)
        SELECT g.batch, g.seq, g.kind, now(),
            coalesce(g.category, CASE g.kind WHEN 'complained' THEN 'complaint'
                                 ELSE 'other' END),
            g.kind = 'bounced' AND g.hard IS TRUE
                AND category_is_hard(g.category),
            left(g.status, 16), g.code, left(g.diagnostic, 1000)
        FROM given g ORDER BY g.batch, g.seq, g.kind
        ON CONFLICT DO NOTHING
        RETURNING r
    )
    SELECT (SELECT array_agg(s.r) FROM stored s),
        (SELECT array_agg(c.r ORDER BY c.r) FROM changed c),
        (SELECT array_agg(c.was ORDER BY c.r) FROM changed c)
    INTO fresh, harder, was;

    -- What bounced at once is counted already.
    INSERT INTO failure AS f (campaign, site, category, worker, later, told)
    SELECT coalesce(b.campaign, stream_of(r.batch, r.seq)) AS counted,
        CASE WHEN b.campaign IS NULL THEN '' ELSE b.site END AS site,
        r.category, 0, sum(r.n), now()
    FROM (SELECT batch, seq, category, 1 AS n FROM unnest(fresh)
          UNION ALL
          SELECT batch, seq, category, 1 FROM unnest(harder)
          UNION ALL
          SELECT h.batch, h.seq, h.was, -1
          FROM unnest(harder, was) AS h (batch, seq, kind, at, category, hard,
                                         status, code, diagnostic, was)
         ) AS r
    JOIN batch b ON b.id = r.batch
    WHERE coalesce((SELECT o.verdict IN ('delivered', 'in_doubt')
                    FROM outcome o
                    WHERE o.batch = r.batch AND o.seq = r.seq AND o.final
                    LIMIT 1), true)
      AND (b.campaign IS NOT NULL OR stream_of(r.batch, r.seq) IS NOT NULL)
    GROUP BY 1, 2, r.category
    ORDER BY 1, 2, r.category
    ON CONFLICT (campaign, site, category, worker) DO UPDATE
    SET later = f.later + excluded.later, told = excluded.told;

    PERFORM recipients_bounced(array_agg(r.batch), array_agg(r.seq),
        array_agg(CASE WHEN r.kind = 'complained' THEN 'complaint'
                       WHEN r.hard THEN 'bounce' ELSE 'soft_bounce' END),
        array_agg(r.at), array_agg(r.category))
    FROM unnest(fresh || harder) AS r
    WHERE r.category = 'complaint' OR r.hard
       OR category_is_soft_bounce(r.category)
    HAVING count(*) > 0;

    RETURN QUERY
    SELECT g.batch, g.seq, g.kind,
        (SELECT true FROM mail m
         WHERE m.batch = g.batch AND m.seq = g.seq LIMIT 1) IS TRUE,
        r.batch IS NOT NULL
    FROM (SELECT DISTINCT * FROM unnest(batches, seqs, kinds)) AS g (batch, seq,
                                                                    kind)
    LEFT JOIN unnest(fresh) AS r
        ON (r.batch, r.seq, r.kind) = (g.batch, g.seq, g.kind);
END $$;

-- As before, and of streams that were counted lately.
CREATE OR REPLACE FUNCTION rates_gather() RETURNS void LANGUAGE sql AS $$
    WITH watched AS (
        SELECT id FROM campaign WHERE state = 'sending'
        UNION
        SELECT id FROM campaign
        WHERE state = 'paused' AND updated > now() - interval '5 minutes'
        UNION
        SELECT id FROM campaign WHERE finished > now() - interval '5 minutes'
        UNION
        SELECT campaign FROM failure WHERE told > now() - interval '5 minutes'
        UNION
        SELECT s.id FROM stream s
        WHERE EXISTS (SELECT FROM tally t WHERE t.campaign = s.id
                        AND t.last > now() - interval '5 minutes')
    ), named AS (
        SELECT c.id, c.project, coalesce(sender_domain(c.sender), '') AS domain
        FROM watched w JOIN campaign c USING (id)
        UNION ALL
        SELECT s.id, s.project, s.domain FROM watched w JOIN stream s USING (id)
    ), counts AS (
        SELECT n.id AS campaign, n.project, n.domain, t.delivered, t.bounced,
            f.hard, f.complained
        FROM named n
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(delivered), 0)::bigint AS delivered,
                coalesce(sum(bounced), 0)::bigint AS bounced
            FROM tally WHERE campaign = n.id) t
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(bounced + later) FILTER
                       (WHERE category_is_hard(category)), 0)::bigint AS hard,
                coalesce(sum(later) FILTER
                       (WHERE category = 'complaint'), 0)::bigint AS complained
            FROM failure WHERE campaign = n.id) f
    ), grown AS (
        SELECT c.campaign, c.project, c.domain,
            c.delivered - coalesce(s.delivered, 0) AS delivered,
            c.bounced - coalesce(s.bounced, 0) AS bounced,
            c.hard - coalesce(s.hard, 0) AS hard,
            c.complained - coalesce(s.complained, 0) AS complained
        FROM counts c LEFT JOIN rate_seen s USING (campaign)
        WHERE (c.delivered, c.bounced, c.hard, c.complained) IS DISTINCT FROM
              (coalesce(s.delivered, 0), coalesce(s.bounced, 0),
               coalesce(s.hard, 0), coalesce(s.complained, 0))
    ), seen AS (
        INSERT INTO rate_seen AS s (campaign, delivered, bounced, hard,
                                    complained)
        SELECT campaign, delivered, bounced, hard, complained FROM grown
        ON CONFLICT (campaign) DO UPDATE
        SET delivered = s.delivered + excluded.delivered,
            bounced = s.bounced + excluded.bounced,
            hard = s.hard + excluded.hard,
            complained = s.complained + excluded.complained
    )
    INSERT INTO rate AS r (campaign, minute, project, domain, delivered,
                           bounced, hard, complained)
    SELECT campaign, date_trunc('minute', now()), project, domain, delivered,
        bounced, hard, complained
    FROM grown
    ON CONFLICT (campaign, minute) DO UPDATE
    SET delivered = r.delivered + excluded.delivered,
        bounced = r.bounced + excluded.bounced,
        hard = r.hard + excluded.hard,
        complained = r.complained + excluded.complained
$$;
