-- What comes in by mail about mail: see docs/operate/inbound.md.

-- Messages that were processed. The key is a hash of the Message-ID and the
-- mail's name or, where there is none, of all the bytes.
CREATE TABLE inbound_seen (
    key bytea PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbound_seen_at ON inbound_seen (at);

-- All that was processed, by what it was.
CREATE TABLE inbound_tally (
    day date NOT NULL,
    source text NOT NULL,               -- smtp, api, or the mailbox's name
    kind text NOT NULL,
    n bigint NOT NULL,
    PRIMARY KEY (day, source, kind)
) WITH (fillfactor = 50);

-- What says nothing that is understood, or names no mail of ours: kept.
CREATE TABLE inbound_unknown (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    source text NOT NULL,
    kind text NOT NULL,                 -- bounce, complaint, other ...
    address text,                       -- whom it names
    subject text,
    diagnostic text,
    raw bytea NOT NULL                  -- its first 256 KB
);
CREATE INDEX inbound_unknown_at ON inbound_unknown (at, id);

-- What POST /inbound/bounces has taken and presort-inbound has not read.
CREATE TABLE inbound_post (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    raw bytea NOT NULL
);
CREATE INDEX inbound_post_at ON inbound_post (at, id);

-- Settles messages, a row of the arrays each: what was seen before is passed
-- over; a bounce or complaint that names a mail becomes its report, with all
-- that follows (report_settle); what comes with its bytes (raws) is kept.
-- posts are rows of inbound_post that go with it. Answers with the number of
-- messages that were new.
CREATE FUNCTION inbound_settle(keys bytea[], sources text[], kinds text[],
                               batches bigint[], seqs integer[],
                               categories text[], hards boolean[],
                               codes smallint[], statuses text[],
                               diagnostics text[], addresses text[],
                               subjects text[], raws bytea[], posts uuid[])
RETURNS integer LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    fresh integer;
    r record;
BEGIN
    WITH given AS (
        SELECT DISTINCT ON (g.key) g.*
        FROM unnest(keys, sources, kinds, batches, seqs, categories, hards,
                    codes, statuses, diagnostics, addresses, subjects, raws)
            AS g (key, source, kind, batch, seq, category, hard, code,
                  status, diagnostic, address, subject, raw)
        ORDER BY g.key
    ), seen AS (
        INSERT INTO inbound_seen (key)
        SELECT g.key FROM given g ORDER BY g.key
        ON CONFLICT DO NOTHING RETURNING key
    ), news AS MATERIALIZED (
        SELECT g.* FROM given g JOIN seen USING (key)
    ), kept AS (
        INSERT INTO inbound_unknown (source, kind, address, subject,
                                     diagnostic, raw)
        SELECT n.source, n.kind, n.address, n.subject, n.diagnostic, n.raw
        FROM news n WHERE n.raw IS NOT NULL
    ), counted AS (
        INSERT INTO inbound_tally AS t (day, source, kind, n)
        SELECT (now() AT TIME ZONE 'UTC')::date, n.source,
            CASE WHEN n.raw IS NULL THEN n.kind ELSE 'unknown' END, count(*)
        FROM news n GROUP BY 2, 3 ORDER BY 2, 3
        ON CONFLICT (day, source, kind) DO UPDATE SET n = t.n + excluded.n
    ), told AS (
        SELECT n.*, CASE n.kind WHEN 'bounce' THEN 'bounced'
                    ELSE 'complained' END AS event
        FROM news n
        WHERE n.batch IS NOT NULL AND n.kind IN ('bounce', 'complaint')
        ORDER BY n.batch, n.seq
    )
    SELECT (SELECT count(*) FROM news) AS n, array_agg(t.batch) AS batches,
        array_agg(t.seq) AS seqs, array_agg(t.event) AS events,
        array_agg(t.category) AS categories, array_agg(t.hard) AS hards,
        array_agg(t.status) AS statuses, array_agg(t.code) AS codes,
        array_agg(t.diagnostic) AS diagnostics
    INTO r FROM told t;
    fresh := r.n;

    IF r.batches IS NOT NULL THEN
        PERFORM report_settle(r.batches, r.seqs, r.events, r.categories,
                              r.hards, r.statuses, r.codes, r.diagnostics);
    END IF;
    IF posts IS NOT NULL THEN
        DELETE FROM inbound_post WHERE id = ANY (posts);
    END IF;
    RETURN fresh;
END $$;

-- A limited number of rows each, so that nobody waits for it.
CREATE FUNCTION inbound_forget(seen interval, unknowns interval)
RETURNS void LANGUAGE sql AS $$
    DELETE FROM inbound_seen WHERE key IN (
        SELECT key FROM inbound_seen
        WHERE at < now() - seen ORDER BY at LIMIT 50000);
    DELETE FROM inbound_unknown WHERE id IN (
        SELECT id FROM inbound_unknown
        WHERE at < now() - unknowns ORDER BY at LIMIT 10000);
$$;
