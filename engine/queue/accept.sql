-- name: accept_numbers
SELECT nextval('batch_number') FROM generate_series(1, $1::bigint)

-- name: accept_batches
INSERT INTO batch (id, project, class, site, size, state, due, expires)
SELECT id, project, 0, 'other', size, 'ready', due, expires
  FROM unnest($1::bigint[], $2::bigint[], $3::integer[], $4::timestamptz[],
              $5::timestamptz[]) AS b (id, project, size, due, expires)

-- name: accept_emails
INSERT INTO email (batch, seq, content, recipients, created)
SELECT batch, seq, content, recipients, $5::timestamptz
  FROM unnest($1::bigint[], $2::integer[], $3::json[], $4::integer[])
       AS e (batch, seq, content, recipients)

-- name: accept_mails
INSERT INTO mail (batch, seq, email, recipient)
SELECT batch, seq, email, recipient
  FROM unnest($1::bigint[], $2::integer[], $3::integer[], $4::text[])
       AS m (batch, seq, email, recipient)
