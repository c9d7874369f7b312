-- The engine's view of the keys. It knows some already: of these, only that
-- they are still active is of interest.
-- name: keys_active
SELECT k.id, d.project, d.name, k.selector,
       CASE WHEN k.id = ANY ($1::bigint[]) THEN NULL ELSE k.sealed END
FROM dkim_key k JOIN domain d ON d.id = k.domain
WHERE k.state = 'active'
ORDER BY d.project, d.name COLLATE "C", k.id
LIMIT $2::bigint

-- name: keys_round
SELECT dkim_round FROM install

-- name: keys_listen
LISTEN presort_control
