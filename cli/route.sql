-- name: route_project
SELECT id FROM project WHERE name = $1::text
