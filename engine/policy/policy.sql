-- name: policy_round
SELECT tls_round FROM install

-- name: policy_rules
SELECT domain, level FROM tls_rule ORDER BY domain LIMIT $1::int

-- What other workers fetched since we looked, too.
-- name: policy_sts
SELECT domain, id, mode, mx, max_age, fetched, expires FROM sts_policy
WHERE expires > now() AND fetched > $1::timestamptz
ORDER BY fetched LIMIT $2::int

-- name: policy_sts_store
INSERT INTO sts_policy (domain, id, mode, mx, max_age, fetched, expires)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::bigint, now(),
        now() + $5::bigint * interval '1 second')
ON CONFLICT (domain) DO UPDATE
SET id = excluded.id, mode = excluded.mode, mx = excluded.mx,
    max_age = excluded.max_age,
    fetched = excluded.fetched, expires = excluded.expires

-- name: policy_count
INSERT INTO tls_count (day, domain, policy, result, sending_ip, mx_host,
                       receiving_ip, reason, sessions)
VALUES ((to_timestamp($1::bigint) AT TIME ZONE 'UTC')::date, $2::text,
        $3::text, $4::text, $5::text, $6::text, $7::text, $8::text,
        $9::bigint)
ON CONFLICT (day, domain, md5(policy), result, sending_ip, mx_host,
             receiving_ip, md5(reason))
DO UPDATE SET sessions = tls_count.sessions + excluded.sessions

-- name: policy_prune
WITH gone AS (DELETE FROM sts_policy WHERE expires < now() - interval '1 day')
DELETE FROM tls_count WHERE day < current_date - 30

-- name: policy_listen
LISTEN presort_control
