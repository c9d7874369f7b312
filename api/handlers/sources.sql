-- All ($1 null) or one, by its address.
-- name: sources_shown
SELECT json_build_object('object', 'source', 'address', s.address,
    'ehlo', s.ehlo, 'pool', s.pool, 'enabled', s.enabled,
    'warm_up', s.warm_from,
    'warm_up_day', CASE WHEN s.warm_from <= (now() AT TIME ZONE 'UTC')::date
        THEN (now() AT TIME ZONE 'UTC')::date - s.warm_from + 1 END,
    'blamed_by', coalesce((
        SELECT json_agg(json_build_object('site', t.site, 'until',
            to_timestamp(m[2]::bigint / 1000000.0)) ORDER BY t.site)
        FROM site_state t
        CROSS JOIN LATERAL regexp_matches(t.sources, '([^ ]+) ([0-9]+)', 'g')
            AS m
        WHERE m[1] = s.address
          AND to_timestamp(m[2]::bigint / 1000000.0) > now()), '[]'),
    'created_at', s.created)::text
FROM source s WHERE $1::text IS NULL OR s.address = host($1::inet)
ORDER BY s.pool, s.address

-- name: sources_lock
SELECT address FROM source WHERE address = host($1::inet) FOR UPDATE
