-- name: domains_one
SELECT uid, name, status, (extract(epoch FROM created) * 1000000)::bigint,
       coalesce(records::text, '[]'), verify_wanted IS NOT NULL,
       keys_wanted IS NOT NULL OR records IS NULL
  FROM domain
 WHERE project = $1 AND uid = $2::uuid

-- name: domains_list
SELECT uid, name, status, (extract(epoch FROM created) * 1000000)::bigint
  FROM domain
 WHERE project = $1
 ORDER BY created DESC, id DESC

-- name: domains_create
INSERT INTO domain (project, name, keys_wanted) VALUES ($1, $2, $3)
ON CONFLICT (project, name) DO NOTHING
RETURNING uid

-- An engine that comes now finds nothing to do.
-- name: domains_take_back
DELETE FROM domain
 WHERE project = $1 AND uid = $2::uuid AND keys_wanted IS NOT NULL
RETURNING uid

-- name: domains_verify
UPDATE domain SET verify_wanted = now(), claimed = NULL,
                  verify_asked = coalesce(verify_asked, now())
 WHERE project = $1 AND uid = $2::uuid
RETURNING uid

-- The keys go with it.
-- name: domains_delete
DELETE FROM domain WHERE project = $1 AND uid = $2::uuid
RETURNING uid

-- name: domains_notify
SELECT pg_notify('presort_control', 'domain')
