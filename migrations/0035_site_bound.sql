-- How far each worker's replies bound a site: as if all of its lanes were like
-- the worker's own, so that these compare, whoever has how many lanes. 0: not.
CREATE TABLE site_bound (
    site text NOT NULL,
    worker integer NOT NULL,
    rate double precision NOT NULL,     -- mails a second
    connections double precision NOT NULL,
    updated timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, worker)
) WITH (fillfactor = 50);

INSERT INTO site_bound (site, worker, rate, connections, updated)
SELECT s.site, w.id, s.rate, s.connections, s.updated
FROM site_state s CROSS JOIN (SELECT min(id) AS id FROM worker) AS w
WHERE w.id IS NOT NULL AND (s.rate > 0 OR s.connections > 0);

ALTER TABLE site_state DROP rate, DROP connections,
    -- As suspended_until, but of the site itself: that holds for all workers,
    -- while blame of an address leaves others to send from.
    ADD site_until timestamptz;
UPDATE site_state SET site_until = suspended_until WHERE sources = '';
CREATE INDEX site_state_updated ON site_state (updated);

-- A site's bound: the mean of its workers', which is what all of them let
-- through together. One who is gone counts until somebody else has sent there
-- for a minute.
CREATE FUNCTION site_bound_of(which text,
                              OUT rate double precision,
                              OUT connections double precision)
LANGUAGE sql STABLE AS $$
    WITH live AS (
        SELECT id, started FROM worker
        WHERE stopped IS NULL AND seen > now() - interval '2 minutes'
    ), settled AS (
        SELECT FROM site_worker w JOIN live v ON v.id = w.worker
        WHERE w.site = which AND w.lane <> ''
          AND v.started < now() - interval '1 minute'
    )
    SELECT avg(b.rate) FILTER (WHERE b.rate > 0),
        avg(b.connections) FILTER (WHERE b.connections > 0)
    FROM site_bound b
    WHERE b.site = which
      AND (NOT EXISTS (SELECT FROM settled)
           OR b.worker IN (SELECT id FROM live))
$$;

-- Does the first list (as of site_blame) blame somebody whom the other one does
-- not, or for longer? A second more is the same.
CREATE FUNCTION site_blames_more(one text, other text) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM regexp_matches(one, '([^ ]+) ([0-9]+)', 'g') AS m
        WHERE NOT EXISTS (
            SELECT FROM regexp_matches(other, '([^ ]+) ([0-9]+)', 'g') AS w
            WHERE w[1] = m[1] AND w[2]::bigint >= m[2]::bigint - 1000000))
$$;

CREATE OR REPLACE FUNCTION site_retry_now(which text) RETURNS bigint
LANGUAGE sql AS $$
    INSERT INTO site_order (site, retried) VALUES (which, now())
    ON CONFLICT (site) DO UPDATE SET retried = now();
    INSERT INTO site_state (site, retried) VALUES (which, now())
    ON CONFLICT (site) DO UPDATE
    SET suspended_until = NULL, site_until = NULL, why = '',
        sources = '', campaigns = '', campaign_why = '', retried = now(),
        updated = now();
    -- After that row is locked: who told something before has told it all.
    DELETE FROM site_bound WHERE site = which;
    SELECT site_retry(which)
$$;

-- The bound is told by all workers together, and so is how fast that is. The
-- next mail goes when the first of them may send one.
CREATE OR REPLACE FUNCTION sites_now(only_site text DEFAULT NULL) RETURNS TABLE (
    site text, mails bigint, batches bigint, next_due timestamptz,
    in_hand bigint, connections bigint, mails_per_second double precision,
    why text, until timestamptz, limits text, paused timestamptz,
    bound_mails_per_second double precision, suspended_until timestamptz)
LANGUAGE sql STABLE AS $$
    WITH queued AS (
        SELECT coalesce(d.site, b.site) AS site,
            sum(b.size)::bigint AS mails, count(*) AS batches,
            min(b.due) FILTER (WHERE b.state = 'ready') AS next_due
        FROM batch b LEFT JOIN site d ON d.domain = b.site
        WHERE b.state IN ('ready', 'claimed')
          AND (only_site IS NULL OR coalesce(d.site, b.site) = only_site)
        GROUP BY 1
    ), told AS (
        SELECT w.site, sum(w.waiting)::bigint AS in_hand,
            sum(w.connections) AS connections,
            sum(w.mails_per_second)
                FILTER (WHERE w.updated > now() - interval '10 seconds')
                AS mails_per_second,
            coalesce(min(w.why) FILTER (WHERE w.why <> '' AND w.lane <> ''),
                     '') AS why,
            min(w.until) FILTER (WHERE w.until > now()) AS until, max(w.limits) AS limits
        FROM site_worker w JOIN worker v ON v.id = w.worker
        WHERE v.stopped IS NULL AND v.seen > now() - interval '2 minutes'
          AND (only_site IS NULL OR w.site = only_site)
        GROUP BY w.site
    ), names AS (
        SELECT q.site FROM queued q UNION SELECT t.site FROM told t
        UNION SELECT o.site FROM site_order o
        WHERE o.paused IS NOT NULL
          AND (only_site IS NULL OR o.site = only_site)
        UNION SELECT s.site FROM site_state s
        WHERE s.suspended_until > now()
          AND (only_site IS NULL OR s.site = only_site)
    )
    SELECT n.site, coalesce(q.mails, t.in_hand, 0), coalesce(q.batches, 0), q.next_due,
        coalesce(t.in_hand, 0), coalesce(t.connections, 0),
        coalesce(t.mails_per_second, 0),
        CASE WHEN t.why LIKE '% asked us to slow down' AND o.paused IS NULL
                  AND b.rate > 0
             THEN t.why || format(': %s mails a second, rising',
                                  greatest(round(b.rate::numeric, 1), 0.1))
             WHEN t.why <> '' THEN t.why
             WHEN s.suspended_until > now() THEN 'it asked us to stop: ' || s.why
             ELSE '' END,
        CASE WHEN greatest(t.until, s.suspended_until) > now()
             THEN greatest(t.until, s.suspended_until) END, coalesce(t.limits, ''),
        o.paused, coalesce(b.rate, 0),
        CASE WHEN s.suspended_until > now() THEN s.suspended_until END
    FROM names n
    LEFT JOIN queued q ON q.site = n.site
    LEFT JOIN told t ON t.site = n.site
    LEFT JOIN site_order o ON o.site = n.site
    LEFT JOIN site_state s ON s.site = n.site
    LEFT JOIN LATERAL site_bound_of(n.site) b ON true
$$;
