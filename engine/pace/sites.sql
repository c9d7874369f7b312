-- The worker's statements about sites (engine/sites).

-- name: sites_listen
LISTEN presort_control

-- name: sites_limits
SELECT scope, name, limits FROM limit_rule ORDER BY scope, name

-- name: sites_orders
SELECT site, paused IS NOT NULL,
    coalesce(retried, '-infinity'::timestamptz) FROM site_order

-- name: sites_state
SELECT site, (rate * 1000)::bigint, (connections * 1000)::bigint,
    coalesce(suspended_until, '-infinity'::timestamptz), why, sources,
    campaigns, campaign_why
FROM site_state WHERE updated > now() - interval '7 days'

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

-- Rates are in thousandths of a mail a second, connections in thousandths; the
-- last worker's count. Who is blamed is what any worker heard. Who has not heard
-- of the latest order to retry tells what that made void.
-- name: sites_learned
INSERT INTO site_state AS t (site, rate, connections, suspended_until, why,
                             sources, campaigns, campaign_why, retried)
SELECT s.site, s.rate / 1000.0, s.connections / 1000.0, s.until, s.why,
    s.sources, s.campaigns, s.campaign_why, s.retried
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::timestamptz[],
            $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[])
    AS s (site, rate, connections, until, why, sources, campaigns, campaign_why,
          retried)
ON CONFLICT (site) DO UPDATE
SET rate = excluded.rate, connections = excluded.connections,
    suspended_until = greatest(excluded.suspended_until,
        CASE WHEN t.suspended_until > now() THEN t.suspended_until END),
    why = CASE WHEN t.suspended_until > now()
                AND (excluded.suspended_until >= t.suspended_until) IS NOT TRUE
               THEN t.why ELSE excluded.why END,
    sources = site_blame(excluded.sources, t.sources),
    campaigns = site_blame(excluded.campaigns, t.campaigns),
    campaign_why = CASE
        WHEN excluded.campaign_why <> '' THEN excluded.campaign_why
        WHEN site_blame(t.campaigns, '') <> '' THEN t.campaign_why
        ELSE '' END,
    updated = now()
WHERE t.retried IS NULL OR excluded.retried >= t.retried
