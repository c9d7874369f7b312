-- Those that routes name come first: none of them may be missing.
-- name: route_relays
SELECT name, servers, tls, login, coalesce(username, ''),
    coalesce(secret, ''), coalesce(token_url, ''), coalesce(client_id, ''),
    coalesce(client_secret, ''), coalesce(refresh_token, ''),
    coalesce(token_scope, '')
FROM relay
ORDER BY EXISTS (SELECT FROM route
                 WHERE relay.name IN (route.relay, route.fallback)) DESC, name
LIMIT 2 * $1::int

-- name: route_rules
SELECT coalesce(project, 0::bigint), coalesce(class::int, -1),
    coalesce(sender, ''), coalesce(recipient, ''), via,
    coalesce(relay, ''), coalesce(fallback, ''), coalesce(pool, ''), id
FROM route ORDER BY place, id LIMIT $1::int

-- name: route_sources
SELECT pool, address, ehlo,
    CASE WHEN warm_from IS NULL THEN 0
         ELSE greatest((now() AT TIME ZONE 'UTC')::date - warm_from + 1, 1)
    END::int
FROM source WHERE enabled ORDER BY pool, address LIMIT $1::int

-- name: route_listen
LISTEN presort_control

-- name: route_begin
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: route_commit
COMMIT

-- name: route_rollback
ROLLBACK
