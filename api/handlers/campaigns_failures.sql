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
