-- name: pin_one
SELECT source FROM partial WHERE project = $1::bigint AND name = $2::text

-- As many as a template may have.
-- name: pin_all
SELECT name, source FROM partial WHERE project = $1::bigint
ORDER BY name LIMIT 1000
