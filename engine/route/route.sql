-- name: route_relays
SELECT name, servers, tls, login, coalesce(username, ''),
    coalesce(secret, '')
FROM relay ORDER BY name LIMIT $1::int

-- name: route_rules
SELECT coalesce(project, 0::bigint), coalesce(class::int, -1),
    coalesce(sender, ''), coalesce(recipient, ''), via,
    coalesce(relay, ''), coalesce(fallback, '')
FROM route ORDER BY place, id LIMIT $1::int

-- name: route_listen
LISTEN presort_control
