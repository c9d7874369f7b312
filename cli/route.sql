-- name: route_list
SELECT r.id, r.place, coalesce(p.name, 'any'),
    CASE r.class WHEN 0 THEN 'transactional' WHEN 1 THEN 'campaign'
        ELSE 'any' END,
    coalesce(r.sender, 'any'), coalesce(r.recipient, 'any'),
    CASE WHEN r.via = 'relay' THEN 'relay ' || r.relay ELSE r.via END
        || coalesce(', else relay ' || r.fallback, '')
        || coalesce(', from pool ' || r.pool, '')
FROM route r LEFT JOIN project p ON p.id = r.project
ORDER BY r.place, r.id

-- name: route_add
INSERT INTO route (place, project, class, sender, recipient, via, relay,
                   fallback, pool)
SELECT $1::int, (SELECT id FROM project WHERE name = $2::text),
    $3::smallint, lower($4::text), lower($5::text),
    CASE WHEN $6::text IN ('direct', 'sandbox') THEN $6::text ELSE 'relay' END,
    CASE WHEN $6::text NOT IN ('direct', 'sandbox') THEN $6::text END, $7::text,
    $8::text
WHERE $2::text IS NULL OR EXISTS (SELECT FROM project WHERE name = $2::text)
RETURNING id

-- What applies to all mail stands last, and there is one of it.
-- name: route_default
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

-- name: route_remove
DELETE FROM route WHERE id = $1::bigint RETURNING id

-- name: route_project
SELECT id FROM project WHERE name = $1::text

-- name: relay_list
SELECT name, servers, tls, login, coalesce(username, '-'),
    coalesce(secret, '-')
FROM relay ORDER BY name

-- name: relay_add
INSERT INTO relay (name, servers, tls, login, username, secret)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text)
ON CONFLICT (name) DO UPDATE
SET servers = excluded.servers, tls = excluded.tls, login = excluded.login,
    username = excluded.username, secret = excluded.secret
RETURNING name

-- name: relay_remove
DELETE FROM relay WHERE name = $1::text RETURNING name
