-- All ($1 null) or one, by its id; of those without conditions `default` means
-- the first.
-- name: routes_shown
SELECT json_build_object('object', 'route', 'id', r.id::text,
    'place', r.place, 'project', p.name,
    'class', CASE r.class WHEN 0 THEN 'transactional' WHEN 1 THEN 'campaign'
        END,
    'from', r.sender, 'to', r.recipient, 'via', coalesce(r.relay, r.via),
    'fallback', r.fallback, 'pool', r.pool, 'created_at', r.created)::text
FROM route r LEFT JOIN project p ON p.id = r.project
WHERE CASE WHEN $1::text IS NULL THEN true
    WHEN $1::text = 'default'
    THEN r.project IS NULL AND r.class IS NULL AND r.sender IS NULL
         AND r.recipient IS NULL
    ELSE r.id::text = $1::text END
ORDER BY r.place, r.id

-- name: routes_lock
SELECT id FROM route
WHERE $1::text IN (id::text, 'default') ORDER BY id FOR UPDATE
