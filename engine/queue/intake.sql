-- Of these addresses, who is in the campaign already.
-- name: intake_known
SELECT address FROM audience
WHERE campaign = $1::uuid AND address = ANY ($2::uuid[])

-- name: intake_sites
SELECT domain, site FROM site WHERE domain = ANY ($1::text[])

-- name: intake_numbers
SELECT nextval('batch_number') FROM generate_series(1, $1::int)

-- There are no statistics yet about rows that this transaction writes.
-- name: intake_plan
SELECT set_config('enable_seqscan', 'off', true),
    set_config('enable_bitmapscan', 'off', true)

-- name: intake_copy_audience
COPY audience (campaign, address) FROM STDIN (FORMAT binary)

-- name: intake_copy_batch
COPY batch (id, project, campaign, class, site, size, state, due, expires)
FROM STDIN (FORMAT binary)

-- name: intake_copy_mail
COPY mail (batch, seq, recipient, variables) FROM STDIN (FORMAT binary)
