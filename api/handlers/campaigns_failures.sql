-- Failed attempts by what they mean, the most frequent first; of each the ten
-- sites that say it most.
-- name: campaigns_failures
WITH counts AS (
    SELECT category, site, sum(deferred) AS deferred, sum(bounced) AS bounced
    FROM failure WHERE campaign = $1::uuid GROUP BY category, site
), placed AS (
    SELECT *, row_number() OVER (PARTITION BY category
        ORDER BY deferred + bounced DESC, site) AS place
    FROM counts
), by_category AS (
    SELECT category, sum(deferred) AS deferred, sum(bounced) AS bounced,
        json_agg(json_build_object('site', site, 'deferred', deferred,
                                   'bounced', bounced) ORDER BY place)
            FILTER (WHERE place <= 10) AS sites
    FROM placed GROUP BY category
)
SELECT coalesce(json_agg(json_build_object('category', category,
           'hard', category_is_hard(category), 'deferred', deferred,
           'bounced', bounced, 'sites', sites)
           ORDER BY bounced DESC, deferred DESC, category), '[]')
FROM by_category
