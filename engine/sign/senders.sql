-- One domain that wants something, for this engine alone for a while. $1: this
-- engine has the seal that keys are kept with; without any keys in the store,
-- it may make one.
-- name: senders_claim
UPDATE domain SET claimed = now()
WHERE id = (
    SELECT id FROM domain
    WHERE (claimed IS NULL OR claimed < now() - interval '30 seconds')
      AND ((keys_wanted IS NOT NULL
            AND ($1::boolean
                 OR NOT EXISTS (SELECT FROM dkim_key
                                WHERE sealed IS NOT NULL)))
           OR (keys_wanted IS NULL
               AND (stale OR verify_wanted IS NOT NULL
                    OR checked < now() - CASE
                        WHEN status <> 'verified'
                             AND verify_asked > now() - interval '3 days'
                        THEN interval '5 minutes'
                        ELSE interval '1 day' END)))
    ORDER BY keys_wanted IS NULL, verify_wanted IS NULL, NOT stale, checked
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, name, coalesce(keys_wanted, ''), verify_wanted,
          verify_wanted IS NOT NULL OR checked IS NOT NULL,
          coalesce(records::text, '[]')

-- name: senders_keys
SELECT selector, record, state = 'next'
FROM dkim_key
WHERE domain = $1::bigint AND state IN ('active', 'next')
ORDER BY state DESC, id DESC

-- Whoever comes second finds that no keys are wanted any more.
-- name: senders_add_key
INSERT INTO dkim_key (domain, selector, algorithm, record, sealed, state,
                      activated)
SELECT id, $2::text, $3::text, $4::text, $5::bytea, 'active', now()
FROM (SELECT id FROM domain
      WHERE id = $1::bigint AND keys_wanted IS NOT NULL FOR UPDATE) d

-- name: senders_keys_made
UPDATE domain SET keys_wanted = NULL WHERE id = $1::bigint

-- name: senders_tell
SELECT pg_notify('presort_control', 'dkim')

-- name: senders_store
UPDATE domain
SET records = $2::text::jsonb,
    status = $3::text,
    checked = CASE WHEN $4::boolean THEN now() ELSE checked END,
    verify_wanted = CASE WHEN verify_wanted IS NOT DISTINCT FROM $5::timestamptz
                         THEN NULL ELSE verify_wanted END,
    stale = stale AND claimed IS NULL,
    claimed = NULL
WHERE id = $1::bigint

-- name: senders_listen
LISTEN presort_control
