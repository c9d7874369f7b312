-- The worker's statements about sites (engine/sites).

-- name: sites_listen
LISTEN presort_control

-- name: sites_limits
SELECT scope, name, limits FROM limit_rule ORDER BY scope, name

-- name: sites_orders
SELECT site, paused IS NOT NULL,
    coalesce(retried, '-infinity'::timestamptz) FROM site_order

-- Of the last $1 seconds.
-- name: sites_state
SELECT s.site, coalesce(b.rate * 1000, 0)::bigint,
    coalesce(b.connections * 1000, 0)::bigint,
    coalesce(s.site_until, '-infinity'::timestamptz), s.why, s.sources,
    s.campaigns, s.campaign_why, coalesce(s.retried, '-infinity'::timestamptz)
FROM site_state s LEFT JOIN LATERAL site_bound_of(s.site) b ON true
WHERE s.updated > now() - make_interval(secs => $1::int)

-- Live ones, by the database's clock, with a margin for a heartbeat on its way.
-- name: sites_workers
SELECT id, started, coalesce(heard, '-infinity'::timestamptz),
    clock_timestamp()
FROM worker
WHERE stopped IS NULL AND seen > now() - make_interval(secs => $1::int)
ORDER BY id

-- name: sites_heard
WITH told AS (
    UPDATE worker SET heard = $2::timestamptz
    WHERE id = $1::int AND heard IS DISTINCT FROM $2::timestamptz
    RETURNING id
)
SELECT pg_notify('presort_control', 'workers') FROM told

-- name: sites_joined
SELECT pg_notify('presort_control', 'workers')

-- name: sites_forget_bounds
DELETE FROM site_bound WHERE updated < now() - interval '7 days'

-- name: sites_forget
DELETE FROM site_worker
WHERE worker = $1::int OR updated < now() - interval '1 day'

-- name: sites_permits
SELECT scope, name, held, asked
FROM permits_settle($1::int, $2::int, $3::text[], $4::text[], $5::bigint[],
                    $6::int[])

-- name: sites_report
INSERT INTO site_worker (site, worker, lane, connections, waiting,
                         mails_per_second, why, until, limits, replies, updated)
SELECT r.site, $1::int, r.lane, r.connections, r.waiting,
    r.mails_per_minute / 60.0, r.why, r.until, r.limits, r.replies::json, now()
FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[],
            $7::text[], $8::timestamptz[], $9::text[], $10::text[])
    AS r (site, lane, connections, waiting, mails_per_minute, why, until,
          limits, replies)
ON CONFLICT (site, worker) DO UPDATE
SET lane = excluded.lane, connections = excluded.connections,
    waiting = excluded.waiting, mails_per_second = excluded.mails_per_second,
    why = excluded.why, until = excluded.until, limits = excluded.limits,
    replies = excluded.replies, updated = now()

-- Later audiences are sorted by it, and what waits is counted for it.
-- name: sites_domains
INSERT INTO site (domain, site)
SELECT DISTINCT ON (d.domain) d.domain, d.site
FROM unnest($1::text[], $2::text[]) AS d (domain, site)
ON CONFLICT (domain) DO UPDATE SET site = excluded.site
WHERE site.site <> excluded.site

-- Rates are in thousandths of a mail a second, connections in thousandths; of
-- this worker, null where it has no lane. Who is blamed is what any worker
-- heard: where this one is the first, the others are told. Who has not heard of
-- the latest order to retry tells what that made void.
-- name: sites_learned
WITH said AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[],
                         $4::timestamptz[], $5::timestamptz[], $6::text[],
                         $7::text[], $8::text[], $9::text[], $10::timestamptz[])
        AS s (site, rate, connections, shut_until, site_until, why, sources,
              campaigns, campaign_why, retried)
), was AS (
    SELECT t.site, t.site_until, t.sources, t.campaigns
    FROM site_state t JOIN said USING (site)
), told AS (
    INSERT INTO site_state AS t (site, suspended_until, site_until, why,
                                 sources, campaigns, campaign_why, retried)
    SELECT s.site, s.shut_until, s.site_until, s.why, s.sources, s.campaigns,
        s.campaign_why, s.retried
    FROM said s ORDER BY s.site
    ON CONFLICT (site) DO UPDATE
    SET suspended_until = greatest(excluded.suspended_until,
            CASE WHEN t.suspended_until > now() THEN t.suspended_until END),
        site_until = greatest(excluded.site_until,
            CASE WHEN t.site_until > now() THEN t.site_until END),
        why = CASE WHEN t.suspended_until > now()
                    AND (excluded.suspended_until >= t.suspended_until)
                        IS NOT TRUE
                   THEN t.why ELSE excluded.why END,
        sources = site_blame(excluded.sources, t.sources),
        campaigns = site_blame(excluded.campaigns, t.campaigns),
        campaign_why = CASE
            WHEN excluded.campaign_why <> '' THEN excluded.campaign_why
            WHEN site_blame(t.campaigns, '') <> '' THEN t.campaign_why
            ELSE '' END,
        updated = now()
    WHERE t.retried IS NULL OR excluded.retried >= t.retried
    RETURNING t.site
), bounds AS (
    INSERT INTO site_bound AS b (site, worker, rate, connections)
    SELECT s.site, $11::int, s.rate / 1000.0, s.connections / 1000.0
    FROM said s JOIN told USING (site) WHERE s.rate IS NOT NULL
    ON CONFLICT (site, worker) DO UPDATE
    SET rate = excluded.rate, connections = excluded.connections,
        updated = now()
), left_over AS (
    DELETE FROM site_bound b USING said s JOIN told USING (site)
    WHERE b.site = s.site AND CASE WHEN b.worker = $11::int
        THEN s.rate IS NULL
        ELSE s.rate IS NOT NULL AND NOT EXISTS (
            SELECT FROM worker v WHERE v.id = b.worker
            AND v.seen > now() - interval '2 minutes') END
)
SELECT pg_notify('presort_control', 'learned')
WHERE EXISTS (
    SELECT FROM said s JOIN told USING (site) LEFT JOIN was w USING (site)
    WHERE s.site_until > coalesce(w.site_until, now()) + interval '1 second'
       OR site_blames_more(s.sources, coalesce(w.sources, ''))
       OR site_blames_more(s.campaigns, coalesce(w.campaigns, '')))
