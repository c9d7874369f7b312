-- name: key_create
INSERT INTO api_key (project, name, prefix, hash, scope)
SELECT id, $2, $3, decode($4, 'hex'), $5 FROM project WHERE name = $1
RETURNING id

-- name: key_list
SELECT k.id, p.name, k.name, k.prefix, k.scope,
       to_char(k.created, 'YYYY-MM-DD HH24:MI'),
       coalesce(to_char(k.last_used, 'YYYY-MM-DD HH24:MI'), 'never'),
       CASE WHEN k.revoked IS NULL THEN '' ELSE 'revoked' END
FROM api_key k JOIN project p ON p.id = k.project
WHERE p.name = $1 OR $1 IS NULL
ORDER BY k.created

-- name: key_revoke
-- by id, or by prefix where only one live key has it
UPDATE api_key SET revoked = now()
WHERE revoked IS NULL AND (id::text = $1 OR prefix = $1)
  AND (SELECT count(*) FROM api_key
       WHERE revoked IS NULL AND (id::text = $1 OR prefix = $1)) = 1
RETURNING id, name

-- name: project_create
INSERT INTO project (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id

-- name: project_list
SELECT p.name, to_char(p.created, 'YYYY-MM-DD HH24:MI'),
       (SELECT count(*) FROM api_key k
        WHERE k.project = p.id AND k.revoked IS NULL)
FROM project p ORDER BY p.id
