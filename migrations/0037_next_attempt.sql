-- The next mail goes when the first worker may send one.
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
