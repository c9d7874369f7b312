-- What becomes known of mails after they were settled: bounces that come as
-- mail, and complaints. And what follows from failures for the recipients.

-- A mail's outcome stays what it was: the server took it. What is told later
-- stands here, once of each kind, whoever tells it how often.
CREATE TABLE report (
    batch bigint NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('bounced', 'complained')),
    at timestamptz NOT NULL,
    category text NOT NULL,             -- engine/bounce/category.h
    hard boolean NOT NULL,
    status text,                        -- "5.1.1"
    code smallint,
    diagnostic text,
    PRIMARY KEY (batch, seq, kind)
);

-- later: bounces and complaints that came after the mail was settled.
ALTER TABLE failure
    ADD later bigint NOT NULL DEFAULT 0,
    ADD told timestamptz;               -- when the last of them was
CREATE INDEX failure_told ON failure (told) WHERE told IS NOT NULL;

-- Mails that bounced for a reason of the recipient's that may pass. Whether
-- there are too many of them, maintenance decides.
CREATE TABLE soft_bounce (
    project bigint NOT NULL,
    address text COLLATE "C" NOT NULL,
    batch bigint NOT NULL,
    seq integer NOT NULL,
    at timestamptz NOT NULL,
    judged boolean NOT NULL DEFAULT false,
    PRIMARY KEY (project, address, batch, seq)
);
CREATE INDEX soft_bounce_at ON soft_bounce (at);
CREATE INDEX soft_bounce_fresh ON soft_bounce (project) WHERE NOT judged;

CREATE FUNCTION category_is_soft_bounce(category text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT category IN ('mailbox_full', 'disabled')
$$;

-- The mails bounced, for good, because of those whom they were to: the list
-- and the counts that follow. Whoever calls it holds nothing of these tables.
CREATE FUNCTION recipients_bounced(batches bigint[], seqs integer[],
                                   reasons text[], ats timestamptz[],
                                   notes text[])
RETURNS void LANGUAGE sql AS $$
    INSERT INTO soft_bounce (project, address, batch, seq, at)
    SELECT b.project, lower(m.recipient COLLATE "C"), g.batch, g.seq, g.at
    FROM unnest(batches, seqs, reasons, ats) AS g (batch, seq, reason, at)
    JOIN mail m ON m.batch = g.batch AND m.seq = g.seq
    JOIN batch b ON b.id = g.batch
    WHERE g.reason = 'soft_bounce'
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;

    SELECT suppress_all(array_agg(b.project), array_agg(m.recipient),
                        array_agg(g.reason), array_agg(g.batch),
                        array_agg(g.seq), NULL, array_agg(g.note))
    FROM unnest(batches, seqs, reasons, notes) AS g (batch, seq, reason, note)
    JOIN mail m ON m.batch = g.batch AND m.seq = g.seq
    JOIN batch b ON b.id = g.batch
    WHERE g.reason <> 'soft_bounce'
    HAVING count(*) > 0
$$;

-- As before, and with what follows for the recipients.
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
    WHERE g.campaign IS NOT NULL
    GROUP BY g.campaign, g.site, g.category
    ORDER BY g.campaign, g.site, g.category
    ON CONFLICT (campaign, site, category, worker) DO UPDATE
    SET deferred = f.deferred + excluded.deferred,
        bounced = f.bounced + excluded.bounced;

    SELECT recipients_bounced(array_agg(g.batch), array_agg(g.seq),
               array_agg(CASE WHEN category_is_hard(g.category)
                              THEN 'bounce' ELSE 'soft_bounce' END),
               array_agg(g.at), array_agg(g.category))
    FROM unnest(batches, seqs, ats, verdicts, categories)
        AS g (batch, seq, at, verdict, category)
    WHERE g.verdict = 'bounced'
      AND (category_is_hard(g.category) OR category_is_soft_bounce(g.category))
    HAVING count(*) > 0
$$;

-- Settles reports: arrays of the same length; kinds 'bounced' and 'complained';
-- diagnostics, statuses and codes may hold nulls. All that follows is done in
-- the caller's transaction, once for each mail and kind, however often it is
-- told: totals, suppression, soft bounces. is_known: there is such a mail;
-- is_new: nothing of the kind was known of it. One call a transaction, so that
-- callers can't wait for each other in a circle.
CREATE FUNCTION report_settle(batches bigint[], seqs integer[], kinds text[],
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
        WHERE EXISTS (SELECT FROM mail m
                      WHERE m.batch = g.batch AND m.seq = g.seq)
          -- a report on our authentication is none of the recipient's
          AND (g.kind <> 'complained'
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
      AND NOT EXISTS (
          SELECT FROM outcome o
          WHERE o.batch = r.batch AND o.seq = r.seq AND o.final
            AND o.verdict NOT IN ('delivered', 'in_doubt'))
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
    SELECT DISTINCT g.batch, g.seq, g.kind,
        EXISTS (SELECT FROM mail m WHERE m.batch = g.batch AND m.seq = g.seq),
        EXISTS (SELECT FROM unnest(fresh) AS r
                WHERE (r.batch, r.seq, r.kind) = (g.batch, g.seq, g.kind))
    FROM unnest(batches, seqs, kinds) AS g (batch, seq, kind);
END $$;

-- As before, and what was told later.
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
                             'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
               'later', l.told)
               ORDER BY m.seq), '[]')
      FROM mail m
      LEFT JOIN LATERAL (
           SELECT * FROM outcome o
            WHERE o.batch = m.batch AND o.seq = m.seq
            ORDER BY o.attempt DESC LIMIT 1) o ON true
      CROSS JOIN LATERAL (
           SELECT coalesce(json_agg(json_build_object(
                      'event', r.kind, 'category', r.category, 'hard', r.hard,
                      'code', r.code, 'enhanced_status', r.status,
                      'diagnostic', r.diagnostic,
                      'at', to_char(r.at AT TIME ZONE 'UTC',
                                    'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                      ORDER BY r.at, r.kind), '[]') AS told
             FROM report r
            WHERE r.batch = m.batch AND r.seq = m.seq) l
     WHERE m.batch = of_batch AND m.seq >= first AND m.seq < first + n
$$;

-- Puts addresses with too many soft bounces of late on the list, for a while.
-- Answers how many; each bounce is looked at once.
CREATE FUNCTION soft_bounces_judge(most integer, seconds bigint,
                                   for_seconds bigint)
RETURNS bigint LANGUAGE sql AS $$
    WITH fresh AS (
        UPDATE soft_bounce s SET judged = true
        WHERE s.ctid = ANY (ARRAY(
            SELECT ctid FROM soft_bounce WHERE NOT judged LIMIT 10000))
        RETURNING s.project, s.address
    ), too_many AS (
        SELECT s.project, s.address, max(s.batch) AS batch
        FROM (SELECT DISTINCT project, address FROM fresh) f
        JOIN soft_bounce s USING (project, address)
        WHERE s.at > now() - make_interval(secs => seconds)
        GROUP BY s.project, s.address HAVING count(*) >= most
    ), last AS (
        SELECT t.project, t.address, t.batch, max(s.seq) AS seq
        FROM too_many t JOIN soft_bounce s USING (project, address, batch)
        GROUP BY t.project, t.address, t.batch
    )
    SELECT count(*) FROM (
        SELECT array_agg(project), array_agg(address), array_agg(batch),
            array_agg(seq)
        FROM last HAVING count(*) > 0
    ) AS a (projects, addresses, batches, seqs)
    CROSS JOIN LATERAL suppress_all(
        a.projects, a.addresses,
        array_fill('soft_bounce'::text, ARRAY[cardinality(a.projects)]),
        a.batches, a.seqs,
        array_fill(now() + make_interval(secs => for_seconds),
                   ARRAY[cardinality(a.projects)]), NULL)
$$;
