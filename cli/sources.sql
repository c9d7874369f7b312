-- What each has done within a day, and where it is blamed now.
-- name: sources_list
SELECT s.address, s.ehlo, s.pool,
    CASE WHEN NOT s.enabled THEN 'paused'
         WHEN s.warm_from > (now() AT TIME ZONE 'UTC')::date
         THEN 'warms up from ' || s.warm_from
         WHEN s.warm_from IS NOT NULL
         THEN 'day ' || ((now() AT TIME ZONE 'UTC')::date - s.warm_from + 1)
              || ' of its warm-up'
         ELSE 'warm' END,
    coalesce((SELECT string_agg(t.site, ', ' ORDER BY t.site)
              FROM site_state t
              CROSS JOIN LATERAL regexp_matches(t.sources,
                  '([^ ]+) ([0-9]+)', 'g') AS m
              WHERE m[1] = s.address
                AND to_timestamp(m[2]::bigint / 1000000.0) > now()), '-')
FROM source s ORDER BY s.pool, s.address

-- name: sources_add
INSERT INTO source (address, ehlo, pool, warm_from)
VALUES (host($1::inet), lower($2::text), $3::text,
    CASE $4::text WHEN 'now' THEN (now() AT TIME ZONE 'UTC')::date
         ELSE $4::date END)
ON CONFLICT (address) DO UPDATE
SET ehlo = excluded.ehlo, pool = excluded.pool,
    warm_from = coalesce(excluded.warm_from, source.warm_from)
RETURNING address

-- name: sources_enable
UPDATE source SET enabled = $2::boolean WHERE address = host($1::inet)
RETURNING address

-- name: sources_warm
UPDATE source SET warm_from = NULL WHERE address = host($1::inet)
RETURNING address

-- name: sources_remove
DELETE FROM source WHERE address = host($1::inet) RETURNING address
