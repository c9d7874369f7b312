-- name: sites_list
SELECT site, mails, mails_per_second, why, paused IS NOT NULL,
    coalesce(ceil(extract(epoch FROM coalesce(until, next_due) - now())), -1)
        ::bigint, limits <> '' OR in_hand > 0, connections
FROM sites_now() ORDER BY mails DESC, site LIMIT 200

-- name: sites_show
SELECT site, mails, mails_per_second, why, paused IS NOT NULL,
    coalesce(ceil(extract(epoch FROM coalesce(until, next_due) - now())), -1)
        ::bigint, limits <> '' OR in_hand > 0, connections, limits, batches,
    bound_mails_per_second, coalesce(suspended_until::text, '')
FROM sites_now($1::text) WHERE site = $1::text

-- A domain's site, or the name itself.
-- name: sites_name
SELECT coalesce((SELECT site FROM site WHERE domain = lower($1::text)),
                $1::text)

-- name: sites_campaigns
SELECT coalesce(c.name, 'transactional'), sum(b.size), count(*)
FROM batch b LEFT JOIN campaign c ON c.id = b.campaign
LEFT JOIN site d ON d.domain = b.site
WHERE coalesce(d.site, b.site) = $1::text AND b.state IN ('ready', 'claimed')
GROUP BY c.id, c.name ORDER BY 2 DESC LIMIT 20

-- name: sites_suspended
SELECT coalesce(c.name, m[1]), to_timestamp(m[2]::bigint / 1000000)::text,
    s.campaign_why
FROM site_state s
CROSS JOIN LATERAL regexp_matches(s.campaigns, '([^ ]+) ([0-9]+)', 'g') AS m
LEFT JOIN campaign c ON c.id::text = m[1]
WHERE s.site = $1::text AND to_timestamp(m[2]::bigint / 1000000) > now()
ORDER BY 2, 1

-- name: sites_workers
SELECT w.worker, v.host, w.lane, w.connections, w.waiting,
    w.mails_per_second, w.why
FROM site_worker w JOIN worker v ON v.id = w.worker
WHERE w.site = $1::text AND v.stopped IS NULL
  AND v.seen > now() - interval '2 minutes'
ORDER BY w.worker

-- name: sites_replies
SELECT sum((r->>'count')::bigint), max(r->>'last'), r->>'text'
FROM site_worker w, json_array_elements(w.replies) AS r
WHERE w.site = $1::text AND w.updated > now() - interval '1 day'
GROUP BY r->>'text' ORDER BY 2 DESC LIMIT 10

-- name: sites_pause
SELECT site_pause($1::text)

-- name: sites_resume
SELECT site_resume($1::text)

-- name: sites_retry
SELECT site_retry_now($1::text)

-- name: limits_list
SELECT scope, CASE WHEN scope = 'project'
        THEN coalesce((SELECT p.name FROM project p WHERE p.id::text = l.name),
                      l.name)
        ELSE l.name END, limits
FROM limit_rule l ORDER BY scope, name

-- name: limits_remove
DELETE FROM limit_rule WHERE scope = $1::text AND name = limit_name($1::text, $2::text)
RETURNING scope || ' ' || name
