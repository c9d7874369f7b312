-- Each mail is looked up by its whole name. A join of mail, batch and an array
-- was planned so that all mails of a batch were read for each.

-- The mails bounced, for good, because of those whom they were to: the list
-- and the counts that follow. Whoever calls it holds nothing of these tables.
CREATE OR REPLACE FUNCTION recipients_bounced(batches bigint[], seqs integer[],
                                   reasons text[], ats timestamptz[],
                                   notes text[])
RETURNS void LANGUAGE sql AS $$
    INSERT INTO soft_bounce (project, address, batch, seq, at)
    SELECT b.project, lower(m.recipient COLLATE "C"), g.batch, g.seq, g.at
    FROM unnest(batches, seqs, reasons, ats) AS g (batch, seq, reason, at)
    CROSS JOIN LATERAL (SELECT recipient FROM mail
                        WHERE batch = g.batch AND seq = g.seq OFFSET 0) m
    CROSS JOIN LATERAL (SELECT project FROM batch
                        WHERE id = g.batch OFFSET 0) b
    WHERE g.reason = 'soft_bounce'
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;

    SELECT suppress_all(array_agg(b.project), array_agg(m.recipient),
                        array_agg(g.reason), array_agg(g.batch),
                        array_agg(g.seq), NULL, array_agg(g.note))
    FROM unnest(batches, seqs, reasons, notes) AS g (batch, seq, reason, note)
    CROSS JOIN LATERAL (SELECT recipient FROM mail
                        WHERE batch = g.batch AND seq = g.seq OFFSET 0) m
    CROSS JOIN LATERAL (SELECT project FROM batch
                        WHERE id = g.batch OFFSET 0) b
    WHERE g.reason <> 'soft_bounce'
    HAVING count(*) > 0
$$;

-- Settles reports: arrays of the same length; kinds 'bounced' and 'complained';
-- diagnostics, statuses and codes may hold nulls. All that follows is done in
-- the caller's transaction, once for each mail and kind, however often it is
-- told: totals, suppression, soft bounces. is_known: there is such a mail;
-- is_new: nothing of the kind was known of it. One call a transaction, so that
-- callers can't wait for each other in a circle.
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
    SELECT array_agg(s.r) INTO fresh FROM stored s;

    -- What bounced at once is counted already.
    INSERT INTO failure AS f (campaign, site, category, worker, later, told)
    SELECT b.campaign, b.site, r.category, 0, count(*), now()
    FROM unnest(fresh) AS r JOIN batch b ON b.id = r.batch
    WHERE b.campaign IS NOT NULL
      AND coalesce((SELECT o.verdict IN ('delivered', 'in_doubt')
                    FROM outcome o
                    WHERE o.batch = r.batch AND o.seq = r.seq AND o.final
                    LIMIT 1), true)
    GROUP BY b.campaign, b.site, r.category
    ORDER BY b.campaign, b.site, r.category
    ON CONFLICT (campaign, site, category, worker) DO UPDATE
    SET later = f.later + excluded.later, told = excluded.told;

    PERFORM recipients_bounced(array_agg(r.batch), array_agg(r.seq),
        array_agg(CASE WHEN r.kind = 'complained' THEN 'complaint'
                       WHEN r.hard THEN 'bounce' ELSE 'soft_bounce' END),
        array_agg(r.at), array_agg(r.category))
    FROM unnest(fresh) AS r
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
