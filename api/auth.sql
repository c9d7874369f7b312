-- name: auth_all
SELECT id, project, scope, rate_limit_per_second, encode(hash, 'hex')
  FROM api_key
 WHERE revoked IS NULL
 ORDER BY created
 LIMIT $1::bigint

-- name: auth_one
SELECT id, project, scope, rate_limit_per_second, encode(hash, 'hex')
  FROM api_key
 WHERE revoked IS NULL AND hash = decode($1, 'hex')

-- name: auth_used
UPDATE api_key SET last_used = now() WHERE id = ANY ($1::uuid[])
