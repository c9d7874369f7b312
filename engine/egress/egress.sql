-- What command line and API say of how mail leaves. A `fault` has no row where
-- all is well, else a field and what is wrong with it.

-- ---- Routes ----

-- name: egress_route_list
SELECT r.id, r.place, coalesce(p.name, 'any'),
    CASE r.class WHEN 0 THEN 'transactional' WHEN 1 THEN 'campaign'
        ELSE 'any' END,
    coalesce(r.sender, 'any'), coalesce(r.recipient, 'any'),
    CASE WHEN r.via = 'relay' THEN 'relay ' || r.relay ELSE r.via END
        || coalesce(', else relay ' || r.fallback, '')
        || coalesce(', from pool ' || r.pool, '')
FROM route r LEFT JOIN project p ON p.id = r.project
ORDER BY r.place, r.id

-- via, fallback, pool, project, and how many there may be before this one
-- (null: it is there already).
-- name: egress_route_fault
SELECT f.field, f.why
FROM (VALUES
    (1, 'project', 'there is no such project',
     $4::text IS NOT NULL
     AND NOT EXISTS (SELECT FROM project WHERE name = $4::text)),
    (2, 'via', 'there is no relay ' || $1::text,
     $1::text NOT IN ('direct', 'sandbox')
     AND NOT EXISTS (SELECT FROM relay WHERE name = $1::text)),
    (3, 'fallback', 'there is no relay ' || $2::text,
     $2::text IS NOT NULL
     AND NOT EXISTS (SELECT FROM relay WHERE name = $2::text)),
    (4, 'pool', 'no source address is in the pool ' || $3::text,
     $3::text IS NOT NULL
     AND NOT EXISTS (SELECT FROM source WHERE pool = $3::text)),
    (5, 'via', 'there are ' || $5::text || ' routes already, the most',
     $5::text IS NOT NULL
     AND (SELECT count(*) FROM route) >= $5::bigint)
) AS f (n, field, why, wrong)
WHERE f.wrong ORDER BY f.n LIMIT 1

-- place, project, class, from, to, via, fallback, pool
-- name: egress_route_add
INSERT INTO route (place, project, class, sender, recipient, via, relay,
                   fallback, pool)
VALUES ($1::int, (SELECT id FROM project WHERE name = $2::text),
    CASE $3::text WHEN 'transactional' THEN 0 WHEN 'campaign' THEN 1 END,
    $4::text, $5::text,
    CASE WHEN $6::text IN ('direct', 'sandbox') THEN $6::text ELSE 'relay' END,
    CASE WHEN $6::text NOT IN ('direct', 'sandbox') THEN $6::text END, $7::text,
    $8::text)
RETURNING id

-- The same of one that is there, its id last.
-- name: egress_route_change
UPDATE route SET place = $1::int,
    project = (SELECT id FROM project WHERE name = $2::text),
    class = CASE $3::text WHEN 'transactional' THEN 0 WHEN 'campaign' THEN 1
        END,
    sender = $4::text, recipient = $5::text,
    via = CASE WHEN $6::text IN ('direct', 'sandbox') THEN $6::text
        ELSE 'relay' END,
    relay = CASE WHEN $6::text NOT IN ('direct', 'sandbox') THEN $6::text END,
    fallback = $7::text, pool = $8::text
WHERE id::text = $9::text
RETURNING id

-- What applies to all mail stands last, and there is one of it.
-- name: egress_route_default
WITH gone AS (
    DELETE FROM route
    WHERE project IS NULL AND class IS NULL AND sender IS NULL
      AND recipient IS NULL
)
INSERT INTO route (place, via, relay, fallback, pool)
VALUES (1000000,
    CASE WHEN $1::text IN ('direct', 'sandbox') THEN $1::text ELSE 'relay' END,
    CASE WHEN $1::text NOT IN ('direct', 'sandbox') THEN $1::text END, $2::text,
    $3::text)
RETURNING id

-- An id, or `default`.
-- name: egress_route_remove
DELETE FROM route
WHERE CASE WHEN $1::text = 'default'
    THEN project IS NULL AND class IS NULL AND sender IS NULL
         AND recipient IS NULL
    ELSE id::text = $1::text END
RETURNING id

-- ---- Relays ----

-- name: egress_relay_list
SELECT name, servers, tls, login, coalesce(username, '-'),
    coalesce(secret, 'tokens of ' || token_url, '-'),
    coalesce((SELECT '  why=' || min(w.why)
              FROM site_worker w JOIN worker v ON v.id = w.worker
              WHERE w.site = 'relay ' || r.name AND w.why <> ''
                AND w.lane <> '' AND v.stopped IS NULL
                AND v.seen > now() - interval '2 minutes'), '')
FROM relay r ORDER BY name

-- name, and how many there may be.
-- name: egress_relay_fault
SELECT 'name', 'there are ' || $2::text || ' relays already, the most'
WHERE (SELECT count(*) FROM relay WHERE name <> $1::text) >= $2::bigint

-- name, servers, tls, login, user, secret; whether one that is there is
-- replaced.
-- name: egress_relay_put
INSERT INTO relay (name, servers, tls, login, username, secret)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text)
ON CONFLICT (name) DO UPDATE
SET servers = excluded.servers, tls = excluded.tls, login = excluded.login,
    username = excluded.username, secret = excluded.secret,
    token_url = NULL, client_id = NULL, client_secret = NULL,
    refresh_token = NULL, token_scope = NULL
WHERE $7::boolean
RETURNING name

-- One with tokens: name, servers, tls, login, user; token_url, client_id,
-- client_secret, refresh_token, scope; whether one that is there is replaced.
-- name: egress_relay_put_tokens
INSERT INTO relay (name, servers, tls, login, username, token_url, client_id,
                   client_secret, refresh_token, token_scope)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
        $8::text, $9::text, $10::text)
ON CONFLICT (name) DO UPDATE
SET servers = excluded.servers, tls = excluded.tls, login = excluded.login,
    username = excluded.username, secret = NULL,
    token_url = excluded.token_url, client_id = excluded.client_id,
    client_secret = excluded.client_secret,
    refresh_token = excluded.refresh_token, token_scope = excluded.token_scope
WHERE $11::boolean
RETURNING name

-- Its provider's, unless the operator has said something.
-- name: egress_relay_standard_limits
INSERT INTO limit_rule (scope, name, limits)
VALUES ('relay', $1::text, $2::text)
ON CONFLICT (scope, name) DO NOTHING
RETURNING limits

-- name: egress_relay_limits
INSERT INTO limit_rule (scope, name, limits)
VALUES ('relay', $1::text, $2::text)
ON CONFLICT (scope, name) DO UPDATE
SET limits = excluded.limits, updated = now()

-- name: egress_relay_no_limits
DELETE FROM limit_rule WHERE scope = 'relay' AND name = $1::text

-- name: egress_relay_in_use
SELECT 'name', 'the relay ' || $1::text || ' is used by route '
    || string_agg(id::text, ', ' ORDER BY id)
FROM route WHERE relay = $1::text OR fallback = $1::text
HAVING count(*) > 0

-- Its limits go with it.
-- name: egress_relay_remove
WITH gone AS (
    DELETE FROM relay WHERE name = $1::text RETURNING name
), limits AS (
    DELETE FROM limit_rule
    WHERE scope = 'relay' AND name IN (SELECT name FROM gone)
)
SELECT name FROM gone

-- ---- Sources ----

-- What each has done within a day, and where it is blamed now.
-- name: egress_source_list
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

-- One: name, pool, state, first day and number of day of its warm-up (0: none),
-- the routes of its pool, its limits.
-- name: egress_source_show
SELECT s.address, s.ehlo, s.pool, s.enabled, coalesce(s.warm_from::text, ''),
    CASE WHEN s.warm_from IS NULL THEN 0
         ELSE greatest((now() AT TIME ZONE 'UTC')::date - s.warm_from + 1, 1)
    END,
    coalesce(s.warm_from > (now() AT TIME ZONE 'UTC')::date, false),
    coalesce((SELECT string_agg(r.id::text, ', ' ORDER BY r.place, r.id)
              FROM route r WHERE r.pool = s.pool), ''),
    coalesce((SELECT l.limits FROM limit_rule l
              WHERE l.scope = 'source' AND l.name = s.address), '')
FROM source s WHERE s.address = host($1::inet)

-- Who blames it now, and until when.
-- name: egress_source_blame
SELECT t.site, to_char(to_timestamp(m[2]::bigint / 1000000.0)
                       AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
FROM site_state t
CROSS JOIN LATERAL regexp_matches(t.sources, '([^ ]+) ([0-9]+)', 'g') AS m
WHERE m[1] = host($1::inet) AND to_timestamp(m[2]::bigint / 1000000.0) > now()
ORDER BY 1

-- What came of its mails since midnight, UTC. What has waited in the queue for
-- more than a day is not looked for: that would be all of the store.
-- name: egress_source_today
SELECT string_agg(n || ' ' || v, ', ' ORDER BY n DESC)
FROM (SELECT replace(verdict::text, '_', ' ') AS v, count(*) AS n FROM outcome
      WHERE translate(regexp_replace(source, ':[0-9]+$', ''), '[]', '')
            = host($1::inet)
        AND at >= date_trunc('day', now(), 'UTC')
        AND batch >= batch_id_at(date_trunc('day', now(), 'UTC')
                                 - interval '1 day')
      GROUP BY 1) AS each

-- address, pool, how many there may be in it, and in all
-- name: egress_source_fault
SELECT f.field, f.why
FROM (VALUES
    (1, 'pool', 'it has ' || $3::text || ' addresses already, the most',
     (SELECT count(*) FROM source
      WHERE pool = $2::text AND address <> host($1::inet)) >= $3::bigint),
    (2, 'address', 'there are ' || $4::text || ' sources already, the most',
     (SELECT count(*) FROM source WHERE address <> host($1::inet))
     >= $4::bigint),
    (3, 'pool', 'it is the last one of the pool ' || (
        SELECT pool FROM source WHERE address = host($1::inet))
     || ', which a route uses',
     EXISTS (SELECT FROM source s JOIN route r ON r.pool = s.pool
             WHERE s.address = host($1::inet) AND s.pool <> $2::text
               AND NOT EXISTS (SELECT FROM source o
                               WHERE o.pool = s.pool
                                 AND o.address <> s.address)))
) AS f (n, field, why, wrong)
WHERE f.wrong ORDER BY f.n LIMIT 1

-- address, ehlo, pool, warm-up; whether one that is there is replaced.
-- name: egress_source_put
INSERT INTO source (address, ehlo, pool, warm_from)
VALUES (host($1::inet), lower($2::text), $3::text,
    CASE $4::text WHEN 'now' THEN (now() AT TIME ZONE 'UTC')::date
         ELSE $4::date END)
ON CONFLICT (address) DO UPDATE
SET ehlo = excluded.ehlo, pool = excluded.pool,
    warm_from = coalesce(excluded.warm_from, source.warm_from)
WHERE $5::boolean
RETURNING address

-- address, ehlo, pool, warm-up, enabled
-- name: egress_source_change
UPDATE source SET ehlo = lower($2::text), pool = $3::text,
    warm_from = CASE $4::text WHEN 'now' THEN (now() AT TIME ZONE 'UTC')::date
        ELSE $4::date END,
    enabled = $5::boolean
WHERE address = host($1::inet)
RETURNING address

-- name: egress_source_enable
UPDATE source SET enabled = $2::boolean WHERE address = host($1::inet)
RETURNING address

-- name: egress_source_warm
UPDATE source SET warm_from = NULL WHERE address = host($1::inet)
RETURNING address

-- Without its last address, all mail of a pool would wait.
-- name: egress_source_in_use
SELECT 'address', 'it is the last one of the pool ' || s.pool
    || ', which is used by route '
    || string_agg(r.id::text, ', ' ORDER BY r.id)
FROM source s JOIN route r ON r.pool = s.pool
WHERE s.address = host($1::inet)
  AND NOT EXISTS (SELECT FROM source o
                  WHERE o.pool = s.pool AND o.address <> s.address)
GROUP BY s.pool

-- name: egress_source_remove
DELETE FROM source WHERE address = host($1::inet) RETURNING address
