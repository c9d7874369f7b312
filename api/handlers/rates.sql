-- Failed attempts by what they mean, the most frequent first; of each the ten
-- sites that say it most.
-- name: campaigns_failures
WITH counts AS (
    SELECT category, site, sum(deferred) AS deferred, sum(bounced) AS bounced,
        sum(later) AS later
    FROM failure WHERE campaign = $1::uuid GROUP BY category, site
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY category
        ORDER BY deferred + bounced + later DESC, site) AS place
    FROM counts
), by_category AS (
    SELECT category, sum(deferred) AS deferred, sum(bounced) AS bounced,
        sum(later) AS later,
        json_agg(json_build_object('site', site, 'deferred', deferred,
                                   'bounced', bounced, 'later', later)
            ORDER BY place)
            FILTER (WHERE place <= 10) AS sites
    FROM placed GROUP BY category
)
SELECT coalesce(json_agg(json_build_object('category', category,
           'hard', category_is_hard(category), 'deferred', deferred,
           'bounced', bounced, 'later', later, 'sites', sites)
           ORDER BY bounced + later DESC, deferred DESC, category), '[]'),
    coalesce(sum(later) FILTER (WHERE category <> 'complaint'), 0)::bigint,
    coalesce(sum(later) FILTER (WHERE category = 'complaint'), 0)::bigint
FROM by_category

-- $2 project, $3 seconds.
-- name: campaigns_rates
SELECT c.paused_reason, json_build_object('window_seconds', $3::bigint,
    'delivered', r.delivered, 'bounced', r.bounced, 'hard_bounces', r.hard,
    'complaints', r.complained,
    'bounce_rate', round(r.hard::numeric
                         / greatest(r.delivered + r.bounced, 1), 5),
    'complaint_rate', round(r.complained::numeric
                            / greatest(r.delivered, 1), 5))
FROM campaign c
CROSS JOIN LATERAL campaign_rate(c.id, greatest(c.rates_from,
    now() - make_interval(secs => $3::bigint))) r
WHERE c.id = $1::uuid AND c.project = $2::bigint

-- A project's, and its sending domains'. $1 project, $2 seconds.
-- name: rates_of_project
WITH sums AS (
    SELECT domain, sum(delivered) AS delivered, sum(bounced) AS bounced,
        sum(hard) AS hard, sum(complained) AS complained
    FROM rate
    WHERE project = $1::bigint
      AND minute >= now() - make_interval(secs => $2::bigint)
    GROUP BY GROUPING SETS ((), (domain))
)
SELECT domain, json_build_object('delivered', coalesce(delivered, 0),
    'bounced', coalesce(bounced, 0), 'hard_bounces', coalesce(hard, 0),
    'complaints', coalesce(complained, 0),
    'bounce_rate', coalesce(round(hard::numeric
                                  / greatest(delivered + bounced, 1), 5), 0),
    'complaint_rate', coalesce(round(complained::numeric
                                     / greatest(delivered, 1), 5), 0))
FROM sums ORDER BY domain IS NOT NULL, delivered + bounced DESC, domain
LIMIT 101
