-- name: idempotency_find
SELECT encode(request_hash, 'hex'), status, response
  FROM idempotency
 WHERE project = $1 AND key = $2 AND created > now() - interval '24 hours'

-- name: idempotency_store
-- An expired row that maintenance has not yet removed is written over.
INSERT INTO idempotency (project, key, request_hash, status, response)
VALUES ($1, $2, decode($3, 'hex'), $4, $5)
ON CONFLICT (project, key) DO UPDATE
   SET request_hash = excluded.request_hash, status = excluded.status,
       response = excluded.response, created = now()
 WHERE idempotency.created <= now() - interval '24 hours'
RETURNING 1

-- name: idempotency_expire
DELETE FROM idempotency
 WHERE project = $1 AND key = $2 AND created <= now() - interval '24 hours'

-- name: idempotency_send
INSERT INTO idempotency (project, key, request_hash, status, response)
SELECT project, key, hash, status, response
  FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::integer[],
              $5::text[]) AS i (project, key, hash, status, response)
