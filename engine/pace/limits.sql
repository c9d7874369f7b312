-- A change of limits, of the scope $1 and the name $2: what they are is read,
-- and changed (pace/amend).
-- name: limits_was
SELECT limits FROM limit_rule
WHERE scope = $1::text AND name = limit_name($1::text, $2::text)

-- What was read ($3) becomes $4, or none of it is left; no row: it is another
-- by now.
-- name: limits_change
SELECT said FROM limit_change($1::text, $2::text, $3::text, $4::text) AS said
WHERE said IS NOT NULL
