-- name: keys_list
SELECT id, name, prefix, scope, rate_limit_per_second,
       (extract(epoch FROM created) * 1000000)::bigint,
       (extract(epoch FROM last_used) * 1000000)::bigint
  FROM api_key
 WHERE project = $1 AND revoked IS NULL
 ORDER BY created DESC, id DESC

-- name: keys_create
INSERT INTO api_key (project, name, prefix, hash, scope, rate_limit_per_second)
VALUES ($1, $2, $3, decode($4, 'hex'), $5, $6)
RETURNING id

-- name: keys_revoke
UPDATE api_key SET revoked = now()
 WHERE project = $1 AND id = $2::uuid AND revoked IS NULL
RETURNING id
