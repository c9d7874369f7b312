-- name: operator_project
SELECT id = (SELECT min(id) FROM project) FROM project WHERE id = $1::bigint
