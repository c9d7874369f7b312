-- name: inbound_post
WITH stored AS (
    INSERT INTO inbound_post (raw) VALUES (decode($1::text, 'hex'))
    RETURNING id
), told AS (
    SELECT pg_notify('presort_inbound', '') FROM stored
)
SELECT s.id FROM stored s CROSS JOIN told

-- name: inbound_post_base64
WITH stored AS (
    INSERT INTO inbound_post (raw)
    VALUES (substr(decode($1::text, 'base64'), 1, $2::int)) RETURNING id
), told AS (
    SELECT pg_notify('presort_inbound', '') FROM stored
)
SELECT s.id FROM stored s CROSS JOIN told
