-- name: inbound_secret
SELECT secret FROM install

-- name: inbound_settle
SELECT inbound_settle($1::bytea[], $2::text[], $3::text[], $4::bigint[],
    $5::int[], $6::text[], $7::bool[], $8::smallint[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::bytea[], $14::uuid[])

-- name: inbound_forget
SELECT inbound_forget(make_interval(secs => $1::bigint),
                      make_interval(secs => $2::bigint))

-- What the API has taken, oldest first.
-- name: inbound_posts
SELECT id, raw FROM inbound_post ORDER BY at, id LIMIT $1::int

-- name: inbound_listen
LISTEN presort_inbound

-- name: postman_mailboxes
SELECT name, url, username, password_file, token_command, done, ca_file,
    token_url, client_id, client_secret, refresh_token, token_scope
FROM mailbox ORDER BY id LIMIT 64

-- One process a mailbox, whatever the machine.
-- name: postman_lock
SELECT pg_try_advisory_lock(hashtext('presort mailbox ' || $1::text))

-- name: postman_note
UPDATE mailbox SET checked = now(), error = $2::text,
    messages = messages + $3::bigint
WHERE name = $1::text
