-- name: partials_put
INSERT INTO partial (project, name, source)
VALUES ($1::bigint, $2::text, $3::text)
ON CONFLICT (project, name) DO UPDATE
SET source = excluded.source, updated = now()
RETURNING created = updated

-- name: partials_count
SELECT count(*) FROM partial WHERE project = $1::bigint AND name <> $2::text

-- name: partials_get
SELECT name, (extract(epoch FROM created) * 1000000)::bigint,
    (extract(epoch FROM updated) * 1000000)::bigint, source
FROM partial WHERE project = $1::bigint AND name = $2::text

-- name: partials_list
SELECT name, (extract(epoch FROM created) * 1000000)::bigint,
    (extract(epoch FROM updated) * 1000000)::bigint
FROM partial WHERE project = $1::bigint ORDER BY name

-- name: partials_delete
DELETE FROM partial WHERE project = $1::bigint AND name = $2::text
RETURNING name
