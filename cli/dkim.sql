-- name: dkim_domain
-- locked until the transaction ends, so that rotations come one by one
INSERT INTO domain (project, name)
SELECT id, $2 FROM project WHERE name = $1
ON CONFLICT (project, name) DO UPDATE SET name = excluded.name
RETURNING id

-- name: dkim_domain_find
SELECT d.id FROM domain d JOIN project p ON p.id = d.project
WHERE p.name = $1 AND d.name = $2
FOR UPDATE OF d

-- name: dkim_count
SELECT count(*) FROM dkim_key WHERE domain = $1::bigint AND state = $2

-- name: dkim_algorithms
SELECT DISTINCT algorithm FROM dkim_key
WHERE domain = $1::bigint AND state = 'active'
ORDER BY algorithm DESC

-- name: dkim_add
INSERT INTO dkim_key (domain, selector, algorithm, record, sealed, state,
                      activated)
VALUES ($1::bigint, $2, $3, $4, decode($5, 'hex'), $6,
        CASE WHEN $6 = 'active' THEN now() END)

-- What was looked up and not found of the next keys. NULL: nobody asked for
-- the domain to be looked up.
-- name: dkim_unpublished
SELECT string_agg(k.selector, ', ' ORDER BY k.selector)
FROM dkim_key k JOIN domain d ON d.id = k.domain
WHERE d.id = $1::bigint AND k.state = 'next' AND d.checked IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM jsonb_array_elements(coalesce(d.records, '[]')) AS r
    WHERE r ->> 'name' = k.selector || '._domainkey.' || d.name
      AND r ->> 'value' = k.record AND r ->> 'status' = 'verified')

-- name: dkim_retire
-- Nothing will be signed with it again: the private half goes.
UPDATE dkim_key SET state = 'retired', retired = now(), sealed = NULL
WHERE domain = $1::bigint AND state = 'active'
RETURNING selector

-- name: dkim_activate
UPDATE dkim_key SET state = 'active', activated = now()
WHERE domain = $1::bigint AND state = 'next'
RETURNING selector

-- An engine writes down anew what is to be published.
-- name: dkim_stale
UPDATE domain SET stale = true, claimed = NULL WHERE id = $1::bigint

-- name: dkim_changed
SELECT pg_notify('presort_control', 'dkim')

-- name: dkim_list
SELECT d.name, k.selector, k.algorithm, k.state, p.name,
       to_char(k.created, 'YYYY-MM-DD HH24:MI'),
       coalesce(to_char(k.activated, 'YYYY-MM-DD HH24:MI'), 'never'),
       coalesce(to_char(k.retired, 'YYYY-MM-DD HH24:MI'), 'no'),
       k.record
FROM dkim_key k JOIN domain d ON d.id = k.domain
     JOIN project p ON p.id = d.project
WHERE p.name = $1 OR $1 IS NULL
ORDER BY p.id, d.name, k.id
