-- What a report was before a harder one took its place.
ALTER TABLE report ADD was text;

-- As before, but in one statement that sees what another transaction has just
-- told of the same mail: of a passing bounce and one for good, told at once, the
-- latter counts.
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
    harder report[];                    -- than what was told before
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
        ON CONFLICT (batch, seq, kind) DO UPDATE
        SET at = excluded.at, category = excluded.category, hard = true,
            status = excluded.status, code = excluded.code,
            diagnostic = excluded.diagnostic, was = r.category
        WHERE excluded.hard AND NOT r.hard
        RETURNING r
    )
    SELECT array_agg(s.r) FILTER (WHERE (s.r).was IS NULL),
        array_agg(s.r) FILTER (WHERE (s.r).was IS NOT NULL)
    INTO fresh, harder FROM stored s;

    -- What bounced at once is counted already.
    INSERT INTO failure AS f (campaign, site, category, worker, later, told)
    SELECT coalesce(b.campaign, stream_of(r.batch, r.seq)) AS counted,
        CASE WHEN b.campaign IS NULL THEN '' ELSE b.site END AS site,
        r.category, 0, sum(r.n), now()
    FROM (SELECT batch, seq, category, 1 AS n FROM unnest(fresh)
          UNION ALL
          SELECT batch, seq, category, 1 FROM unnest(harder)
          UNION ALL
          SELECT batch, seq, was, -1 FROM unnest(harder)
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

