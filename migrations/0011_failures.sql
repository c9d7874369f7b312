-- What each failure means (engine/bounce), and how often it was met.

ALTER TABLE outcome ADD category text;  -- null: nothing failed, or through us

-- Failed attempts by campaign, site and category, kept by each worker for
-- itself like tally.
CREATE TABLE failure (
    campaign uuid NOT NULL,
    site text NOT NULL,
    category text NOT NULL,
    worker integer NOT NULL,
    deferred bigint NOT NULL DEFAULT 0,
    bounced bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign, site, category, worker)
) WITH (fillfactor = 50);

-- The categories that say that an address takes no mail, for good. The same as
-- engine/bounce/category.h; tests/bounce/test_answer holds them together.
CREATE FUNCTION category_is_hard(category text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT category IN ('invalid_recipient', 'bad_domain')
$$;

-- Called in the transaction that settles them, once for each failed attempt.
CREATE FUNCTION settle_failed(of_worker integer, batches bigint[],
                              seqs integer[], ats timestamptz[],
                              verdicts text[], campaigns uuid[], sites text[],
                              categories text[])
RETURNS void LANGUAGE sql AS $$
    INSERT INTO failure AS f (campaign, site, category, worker, deferred,
                              bounced)
    SELECT g.campaign, g.site, g.category, of_worker,
        count(*) FILTER (WHERE g.verdict = 'deferred'),
        count(*) FILTER (WHERE g.verdict = 'bounced')
    FROM unnest(campaigns, sites, categories, verdicts)
        AS g (campaign, site, category, verdict)
    WHERE g.campaign IS NOT NULL
    GROUP BY g.campaign, g.site, g.category
    ORDER BY g.campaign, g.site, g.category
    ON CONFLICT (campaign, site, category, worker) DO UPDATE
    SET deferred = f.deferred + excluded.deferred,
        bounced = f.bounced + excluded.bounced
$$;

-- As before, and what each failure means.
CREATE OR REPLACE FUNCTION email_recipients(of_batch bigint, first integer,
                                            n integer)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object(
               'email', m.recipient,
               'outcome', coalesce(o.verdict::text, 'queued'),
               'final', coalesce(o.final, false),
               -- these verdicts have a row, but nobody tried
               'attempts', coalesce(o.attempt - (o.verdict IN
                   ('expired', 'suppressed', 'cancelled'))::int, 0),
               'code', o.code,
               'enhanced_status', o.enhanced,
               'reply', o.reply,
               'category', o.category,
               'hard', coalesce(o.verdict = 'bounced'
                   AND category_is_hard(o.category), false),
               'mx', o.mx,
               'at', to_char(o.at AT TIME ZONE 'UTC',
                             'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
               ORDER BY m.seq), '[]')
      FROM mail m
      LEFT JOIN LATERAL (
           SELECT * FROM outcome o
            WHERE o.batch = m.batch AND o.seq = m.seq
            ORDER BY o.attempt DESC LIMIT 1) o ON true
     WHERE m.batch = of_batch AND m.seq >= first AND m.seq < first + n
$$;
