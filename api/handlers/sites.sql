-- name: sites_page
SELECT s.mails, s.mails_per_second, s.why, s.paused IS NOT NULL,
    coalesce(ceil(extract(epoch FROM coalesce(s.until, s.next_due) - now())),
             -1)::bigint,
    s.limits <> '' OR s.in_hand > 0, s.limits,
    json_build_object(
        'name', s.site, 'mails', s.mails, 'batches', s.batches,
        'mails_in_hand', s.in_hand, 'connections', s.connections,
        'mails_per_second', round(s.mails_per_second::numeric, 2),
        'next_attempt_at', coalesce(s.until, CASE WHEN s.next_due IS NOT NULL
            THEN greatest(s.next_due, now()) END),
        'paused_at', s.paused, 'suspended_until', s.suspended_until,
        'shaped_to_mails_per_second',
        nullif(round(s.bound_mails_per_second::numeric, 3), 0),
        'limits', s.limits)::text,
    ''::text
FROM sites_now() s ORDER BY s.mails DESC, s.site LIMIT 1000

-- name: sites_one
WITH wanted AS (
    SELECT coalesce((SELECT d.site FROM site d
                     WHERE d.domain = lower($1::text)), $1::text) AS name
)
SELECT s.mails, s.mails_per_second, s.why, s.paused IS NOT NULL,
    coalesce(ceil(extract(epoch FROM coalesce(s.until, s.next_due) - now())),
             -1)::bigint,
    s.limits <> '' OR s.in_hand > 0, s.limits,
    json_build_object(
        'name', s.site, 'mails', s.mails, 'batches', s.batches,
        'mails_in_hand', s.in_hand, 'connections', s.connections,
        'mails_per_second', round(s.mails_per_second::numeric, 2),
        'next_attempt_at', coalesce(s.until, CASE WHEN s.next_due IS NOT NULL
            THEN greatest(s.next_due, now()) END),
        'paused_at', s.paused, 'suspended_until', s.suspended_until,
        'shaped_to_mails_per_second',
        nullif(round(s.bound_mails_per_second::numeric, 3), 0),
        'limits', s.limits)::text,
    json_build_object(
        'campaigns', coalesce((
            SELECT json_agg(json_build_object('id', q.campaign, 'mails',
                                              q.mails, 'batches', q.batches))
            FROM (SELECT b.campaign, sum(b.size) AS mails, count(*) AS batches
                  FROM batch b LEFT JOIN site d ON d.domain = b.site
                  WHERE coalesce(d.site, b.site) = s.site
                    AND b.state IN ('ready', 'claimed')
                  GROUP BY b.campaign ORDER BY 2 DESC LIMIT 20) q), '[]'),
        'workers', coalesce((
            SELECT json_agg(json_build_object(
                'id', w.worker, 'host', v.host, 'lane', nullif(w.lane, ''),
                'connections', w.connections, 'mails_in_hand', w.waiting,
                'mails_per_second', round(w.mails_per_second::numeric, 2),
                'why', w.why) ORDER BY w.worker)
            FROM site_worker w JOIN worker v ON v.id = w.worker
            WHERE w.site = s.site AND v.stopped IS NULL
              AND v.seen > now() - interval '2 minutes'), '[]'),
        'replies', coalesce((
            SELECT json_agg(json_build_object('text', r.text, 'count', r.count,
                                              'last_at', r.last))
            FROM (SELECT e->>'text' AS text, sum((e->>'count')::bigint)
                      AS count, max(e->>'last') AS last
                  FROM site_worker w, json_array_elements(w.replies) AS e
                  WHERE w.site = s.site
                    AND w.updated > now() - interval '1 day'
                  GROUP BY 1 ORDER BY 3 DESC LIMIT 10) r), '[]'))::text
FROM wanted, sites_now(wanted.name) s WHERE s.site = wanted.name

-- name: sites_order_pause
SELECT site_pause(coalesce((SELECT site FROM site
                            WHERE domain = lower($1::text)), $1::text))

-- name: sites_order_resume
SELECT site_resume(coalesce((SELECT site FROM site
                             WHERE domain = lower($1::text)), $1::text))

-- name: sites_order_retry
SELECT site_retry_now(coalesce((SELECT site FROM site
                                WHERE domain = lower($1::text)), $1::text))

-- name: limits_all
SELECT coalesce(json_agg(json_build_object('object', 'limit', 'scope', scope,
    'name', name, 'limits', limits) ORDER BY scope, name), '[]')::text
FROM limit_rule

-- name: limits_put
INSERT INTO limit_rule (scope, name, limits)
VALUES ($1::text, limit_name($1::text, $2::text), $3::text)
ON CONFLICT (scope, name) DO UPDATE
SET limits = excluded.limits, updated = now()

-- name: limits_delete
DELETE FROM limit_rule WHERE scope = $1::text AND name = limit_name($1::text, $2::text)
RETURNING name
