-- Of these addresses, who is in the campaign already. A subquery that is no
-- join: one look at the index for each address, however many there are.
-- name: intake_known
SELECT k.address FROM unnest($2::uuid[]) AS k (address)
WHERE (SELECT true FROM audience a
       WHERE a.campaign = $1::uuid AND a.address = k.address)

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

-- How many of the slice's mails go to somebody on the list. Where the list is
-- empty, no mail is looked at.
-- name: intake_suppressed
SELECT count(*) FROM mail m
WHERE m.batch = ANY ($2::bigint[])
  AND EXISTS (SELECT FROM suppression WHERE project = $1::bigint)
  AND (SELECT true FROM suppression s
       WHERE s.project = $1::bigint
         AND s.address = lower(m.recipient COLLATE "C")
         AND s.removed IS NULL AND s.expires > now() LIMIT 1)
