-- name: tls_set
INSERT INTO tls_rule (domain, level) VALUES ($1, $2)
ON CONFLICT (domain) DO UPDATE SET level = excluded.level
RETURNING domain

-- name: tls_remove
DELETE FROM tls_rule WHERE domain = $1 RETURNING domain

-- name: tls_list
SELECT domain, level FROM tls_rule ORDER BY domain

-- name: tls_policies
SELECT domain, mode, replace(rtrim(mx, E'\n'), E'\n', ' '),
       to_char(expires, 'YYYY-MM-DD HH24:MI')
FROM sts_policy WHERE expires > now() ORDER BY domain

-- name: tls_day
SELECT coalesce($1::date, (now() AT TIME ZONE 'UTC')::date - 1)::text,
       extract(epoch FROM coalesce($1::date,
           (now() AT TIME ZONE 'UTC')::date - 1))::bigint

-- name: tls_counts
SELECT domain, policy, result, sending_ip, mx_host, receiving_ip, reason,
       sessions
FROM tls_count
WHERE day = $1::date AND domain = coalesce($2, domain)
ORDER BY domain, policy, result, sending_ip, mx_host, receiving_ip, reason
