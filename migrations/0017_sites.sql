-- Limits, and what is known of the sites that mail goes to. A relay is the site
-- 'relay NAME'; other names hold no blank.

-- The operator's limits: pace/limits.h says how they are written.
CREATE TABLE limit_rule (
    scope text NOT NULL CHECK (scope IN
        ('site', 'campaign', 'project', 'sender', 'source', 'relay')),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    limits text NOT NULL CHECK (length(limits) BETWEEN 1 AND 511),
    updated timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, name)
);

-- The operator's orders. retried: suspensions and bounds from before are void.
CREATE TABLE site_order (
    site text PRIMARY KEY CHECK (length(site) BETWEEN 1 AND 270),
    paused timestamptz,                 -- since when; null: it is not
    retried timestamptz
);

-- What was learned of a site, so that a restart does not forget it; written by
-- whichever worker learned last, of all workers together.
CREATE TABLE site_state (
    site text PRIMARY KEY,
    rate double precision NOT NULL,     -- mails a second; 0: no bound
    connections double precision NOT NULL, -- 0: no bound
    suspended_until timestamptz,
    why text NOT NULL DEFAULT '',
    updated timestamptz NOT NULL DEFAULT now()
);

-- What each worker does there now.
CREATE TABLE site_worker (
    site text NOT NULL,
    worker integer NOT NULL,
    lane text NOT NULL,                 -- '1/2': the first of two; '': none
    connections integer NOT NULL,
    waiting bigint NOT NULL,            -- mails in hand
    mails_per_second double precision NOT NULL, -- going out
    why text NOT NULL,                  -- what holds mail up; '': nothing
    until timestamptz,                  -- when it is tried again
    limits text NOT NULL,
    replies json NOT NULL,              -- [{"text", "count", "last"}]
    updated timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (site, worker)
) WITH (fillfactor = 50);

-- Which list of workers a worker acts on: the latest start that it has seen.
-- Who joins takes its share when all others know of it.
ALTER TABLE worker ADD heard timestamptz;

CREATE FUNCTION limits_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('presort_control', 'sites');
    RETURN NULL;
END $$;
CREATE TRIGGER limits_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON limit_rule
    FOR EACH STATEMENT EXECUTE FUNCTION limits_changed();
CREATE TRIGGER limits_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON site_order
    FOR EACH STATEMENT EXECUTE FUNCTION limits_changed();

-- What is known of each site now: what waits in the queue, what the live
-- workers say, what was ordered and learned. For `presort sites`, GET /sites.
CREATE FUNCTION sites_now(only_site text DEFAULT NULL) RETURNS TABLE (
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
            max(w.until) AS until, max(w.limits) AS limits
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
    SELECT n.site, coalesce(q.mails, 0), coalesce(q.batches, 0), q.next_due,
        coalesce(t.in_hand, 0), coalesce(t.connections, 0),
        coalesce(t.mails_per_second, 0),
        CASE WHEN t.why <> '' THEN t.why
             WHEN s.suspended_until > now() THEN 'it asked us to stop: ' || s.why
             ELSE '' END,
        CASE WHEN greatest(t.until, s.suspended_until) > now()
             THEN greatest(t.until, s.suspended_until) END, coalesce(t.limits, ''),
        o.paused, coalesce(s.rate, 0),
        CASE WHEN s.suspended_until > now() THEN s.suspended_until END
    FROM names n
    LEFT JOIN queued q ON q.site = n.site
    LEFT JOIN told t ON t.site = n.site
    LEFT JOIN site_order o ON o.site = n.site
    LEFT JOIN site_state s ON s.site = n.site
$$;

CREATE INDEX site_site ON site (site);

-- What was put off is due again: mail that a scheduled campaign has for later
-- was never tried, and stays.
CREATE FUNCTION site_retry(which text) RETURNS bigint LANGUAGE sql AS $$
    WITH again AS (
        UPDATE batch SET due = now()
        WHERE state = 'ready' AND due > now()
          AND (site = which OR which LIKE 'relay %' OR site IN
               (SELECT d.domain FROM site d WHERE d.site = which))
          AND carry_batch IS NOT NULL
        RETURNING id
    ), woken AS (
        SELECT pg_notify('presort_work', 'campaign')
    )
    SELECT (SELECT count(*) FROM again) FROM woken
$$;

CREATE FUNCTION site_pause(which text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO site_order (site, paused) VALUES (which, now())
    ON CONFLICT (site) DO UPDATE
    SET paused = coalesce(site_order.paused, now())
$$;

CREATE FUNCTION site_resume(which text) RETURNS bigint LANGUAGE sql AS $$
    UPDATE site_order SET paused = NULL WHERE site = which;
    SELECT site_retry(which)
$$;

CREATE FUNCTION site_retry_now(which text) RETURNS bigint LANGUAGE sql AS $$
    INSERT INTO site_order (site, retried) VALUES (which, now())
    ON CONFLICT (site) DO UPDATE SET retried = now();
    UPDATE site_state SET rate = 0, connections = 0, suspended_until = NULL
    WHERE site = which;
    SELECT site_retry(which)
$$;
