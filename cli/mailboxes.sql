-- name: mailboxes_list
SELECT name, url, username,
    CASE WHEN token_command <> '' THEN 'token_command ' || token_command
         WHEN token_url <> '' THEN 'tokens of ' || token_url
         ELSE 'password_file ' || password_file END,
    done, messages::text,
    coalesce(to_char(checked AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
             'never'),
    coalesce(error, 'ok')
FROM mailbox ORDER BY name

-- name: mailboxes_add
INSERT INTO mailbox (name, url, username, password_file, token_command, done,
                     ca_file, token_url, client_id, client_secret,
                     refresh_token, token_scope)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text,
        $8::text, $9::text, $10::text, $11::text, $12::text)

-- name: mailboxes_remove
DELETE FROM mailbox WHERE name = $1::text RETURNING name

-- name: inbound_list
SELECT id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    source, kind, coalesce(address, '-'), coalesce(subject, '-'),
    coalesce((SELECT c.id::text FROM campaign c
              WHERE left(replace(c.id::text, '-', ''), 16) = substring(
                  u.diagnostic FROM '^Feedback-ID: ([0-9a-f]{16}):')), '-')
FROM inbound_unknown u ORDER BY at DESC, id LIMIT 1000

-- name: inbound_show
SELECT encode(raw, 'hex') FROM inbound_unknown WHERE id::text = $1::text

-- name: inbound_remove
DELETE FROM inbound_unknown WHERE id::text = $1::text RETURNING id

-- name: inbound_totals
SELECT day::text, source, kind, n::text FROM inbound_tally
WHERE day > now() - interval '30 days' ORDER BY day DESC, source, kind
