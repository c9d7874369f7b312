-- All ($1 null) or one, by its name; its servers, which may be a preset's
-- name; and where its secret is, which is told only of files and variables.
-- name: relays_shown
SELECT json_build_object('name', r.name, 'tls', r.tls, 'login', r.login,
    'user', r.username, 'password_from', split_part(r.secret, ':', 1),
    'password_file', substring(r.secret FROM '^file:(.*)$'),
    'password_env', substring(r.secret FROM '^env:(.*)$'),
    'limits', (SELECT limits FROM limit_rule
               WHERE scope = 'relay' AND name = r.name),
    'routes', coalesce((SELECT json_agg(id::text ORDER BY place, id)
                        FROM route WHERE relay = r.name OR fallback = r.name),
                       '[]'),
    'why', (SELECT min(w.why)
            FROM site_worker w JOIN worker v ON v.id = w.worker
            WHERE w.site = 'relay ' || r.name AND w.why <> ''
              AND w.lane <> '' AND v.stopped IS NULL
              AND v.seen > now() - interval '2 minutes'),
    'created_at', r.created)::text,
    r.servers, r.secret
FROM relay r WHERE $1::text IS NULL OR r.name = $1::text
ORDER BY r.name

-- name: relays_lock
SELECT name FROM relay WHERE name = $1::text FOR UPDATE
