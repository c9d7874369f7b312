-- The worker's statements. Each stays inside one batch, or one small set of
-- batch rows; none touches a mail's row after it was written.

-- name: worker_register
INSERT INTO worker (slot, host, pid) VALUES ($1::text, $2::text, $3::int)
ON CONFLICT (slot) DO UPDATE
SET host = excluded.host, pid = excluded.pid, started = now(), seen = now(),
    stopped = NULL
RETURNING id

-- name: install_secret
SELECT secret FROM install

-- name: listen_work
LISTEN presort_work

-- name: listen_control
LISTEN presort_control

-- What a worker of this slot held when it died. Its journal was replayed
-- before, so the outcomes tell what is left.
-- name: worker_release
UPDATE batch SET state = 'ready', worker = NULL, lease = NULL
WHERE worker = $1::int AND state = 'claimed'

-- name: worker_stopped
UPDATE worker SET stopped = now() WHERE id = $1::int

-- name: heartbeat
WITH alive AS (UPDATE worker SET seen = now() WHERE id = $1::int)
UPDATE batch SET lease = now() + make_interval(secs => $2::int)
WHERE worker = $1::int AND state = 'claimed'
RETURNING id

-- Campaigns that have a batch to claim: a loose scan of one index, whatever
-- the number of batches.
-- name: campaigns_ready
WITH RECURSIVE waiting AS (
    (SELECT campaign FROM batch WHERE state = 'ready' AND class = 1
     ORDER BY campaign LIMIT 1)
    UNION ALL
    SELECT (SELECT b.campaign FROM batch b
            WHERE b.state = 'ready' AND b.class = 1
              AND b.campaign > waiting.campaign
            ORDER BY b.campaign LIMIT 1)
    FROM waiting WHERE waiting.campaign IS NOT NULL
)
SELECT 1::smallint, c.id, ''::text, c.weight
FROM waiting JOIN campaign c ON c.id = waiting.campaign
WHERE EXISTS (SELECT FROM batch b
              WHERE b.state = 'ready' AND b.class = 1
                AND b.campaign = c.id AND b.due <= now())
LIMIT 1000

-- The same by site, for a worker that sends to many: (campaign, site) pairs
-- with a batch to claim, from one pair on, so that a long list is gone through
-- piece by piece. Transactional mail that was sorted by site comes first.
-- name: sites_ready
WITH RECURSIVE urgent AS (
    (SELECT site FROM batch WHERE state = 'ready' AND class = 0
     ORDER BY site LIMIT 1)
    UNION ALL
    SELECT (SELECT b.site FROM batch b
            WHERE b.state = 'ready' AND b.class = 0 AND b.site > urgent.site
            ORDER BY b.site LIMIT 1)
    FROM urgent WHERE urgent.site IS NOT NULL
), waiting AS (
    (SELECT campaign, site FROM batch
     WHERE state = 'ready' AND class = 1
       AND (campaign, site) > ($1::uuid, $2::text)
     ORDER BY campaign, site LIMIT 1)
    UNION ALL
    SELECT n.campaign, n.site FROM waiting w
    CROSS JOIN LATERAL (
        SELECT b.campaign, b.site FROM batch b
        WHERE b.state = 'ready' AND b.class = 1
          AND (b.campaign, b.site) > (w.campaign, w.site)
        ORDER BY b.campaign, b.site LIMIT 1) AS n
)
(SELECT 0::smallint, NULL::uuid, u.site, 1 FROM urgent u
 WHERE u.site IS NOT NULL
   AND EXISTS (SELECT FROM batch b
               WHERE b.state = 'ready' AND b.class = 0 AND b.site = u.site
                 AND b.due <= now())
 LIMIT 1000)
UNION ALL
(SELECT 1::smallint, w.campaign, w.site,
     CASE WHEN EXISTS (SELECT FROM batch b
                       WHERE b.state = 'ready' AND b.class = 1
                         AND b.campaign = w.campaign AND b.site = w.site
                         AND b.due <= now())
          THEN (SELECT c.weight FROM campaign c WHERE c.id = w.campaign)
          ELSE 0 END
 FROM waiting w LIMIT 1000)

-- Claims wait until the worker has read the DKIM keys and the rules for TLS that
-- there are (their rounds): else mail that was accepted after a key was made
-- might go unsigned, and after a rule was set, in clear.

-- name: claim_campaign
WITH pick AS (
    SELECT id FROM batch
    WHERE (SELECT dkim_round = $5::bigint AND tls_round = $6::bigint
           FROM install)
      AND state = 'ready' AND class = 1 AND campaign = $3::uuid
      AND due <= now()
    ORDER BY due, id LIMIT $4::int
    FOR UPDATE SKIP LOCKED
)
UPDATE batch b
SET state = 'claimed', worker = $1::int, claims = b.claims + 1,
    lease = now() + make_interval(secs => $2::int)
FROM pick WHERE b.id = pick.id
RETURNING b.id, b.project, b.campaign, b.class, b.site, b.due, b.expires,
    b.tries::int, b.doubts::int, b.claims, b.carry_batch IS NOT NULL,
    (SELECT c.state FROM campaign c WHERE c.id = b.campaign),
    (SELECT c.weight FROM campaign c WHERE c.id = b.campaign)

-- name: claim_campaign_site
WITH pick AS (
    SELECT id FROM batch
    WHERE (SELECT dkim_round = $6::bigint AND tls_round = $7::bigint
           FROM install)
      AND state = 'ready' AND class = 1 AND campaign = $3::uuid
      AND site = $5::text
      AND due <= now()
    ORDER BY due, id LIMIT $4::int
    FOR UPDATE SKIP LOCKED
)
UPDATE batch b
SET state = 'claimed', worker = $1::int, claims = b.claims + 1,
    lease = now() + make_interval(secs => $2::int)
FROM pick WHERE b.id = pick.id
RETURNING b.id, b.project, b.campaign, b.class, b.site, b.due, b.expires,
    b.tries::int, b.doubts::int, b.claims, b.carry_batch IS NOT NULL,
    (SELECT c.state FROM campaign c WHERE c.id = b.campaign),
    (SELECT c.weight FROM campaign c WHERE c.id = b.campaign)

-- name: claim_transactional
WITH pick AS (
    SELECT id FROM batch
    WHERE (SELECT dkim_round = $4::bigint AND tls_round = $5::bigint
           FROM install)
      AND state = 'ready' AND class = 0
      AND due <= now()
    ORDER BY due LIMIT $3::int
    FOR UPDATE SKIP LOCKED
)
UPDATE batch b
SET state = 'claimed', worker = $1::int, claims = b.claims + 1,
    lease = now() + make_interval(secs => $2::int)
FROM pick WHERE b.id = pick.id
RETURNING b.id, b.project, b.campaign, b.class, b.site, b.due, b.expires,
    b.tries::int, b.doubts::int, b.claims, b.carry_batch IS NOT NULL,
    NULL::text, 1

-- name: claim_transactional_site
WITH pick AS (
    SELECT id FROM batch
    WHERE (SELECT dkim_round = $5::bigint AND tls_round = $6::bigint
           FROM install)
      AND state = 'ready' AND class = 0 AND site = $4::text
      AND due <= now()
    ORDER BY due LIMIT $3::int
    FOR UPDATE SKIP LOCKED
)
UPDATE batch b
SET state = 'claimed', worker = $1::int, claims = b.claims + 1,
    lease = now() + make_interval(secs => $2::int)
FROM pick WHERE b.id = pick.id
RETURNING b.id, b.project, b.campaign, b.class, b.site, b.due, b.expires,
    b.tries::int, b.doubts::int, b.claims, b.carry_batch IS NOT NULL,
    NULL::text, 1

-- name: read_mails
SELECT m.batch, m.seq, m.email, m.recipient, m.variables, NULL::text
FROM mail m WHERE m.batch = $1::bigint ORDER BY m.seq

-- name: read_carried
SELECT m.batch, m.seq, m.email, m.recipient, m.variables, NULL::text
FROM batch b
CROSS JOIN LATERAL unnest(b.carry_batch, b.carry_seq) AS c (batch, seq)
JOIN mail m ON m.batch = c.batch AND m.seq = c.seq
WHERE b.id = $1::bigint

-- After another worker lost the batch: what has an outcome of this attempt is
-- not sent again.
-- name: read_mails_left
SELECT m.batch, m.seq, m.email, m.recipient, m.variables,
    CASE WHEN o.final THEN 'final' ELSE o.verdict::text END
FROM mail m
LEFT JOIN LATERAL (
    SELECT final, verdict FROM outcome
    WHERE batch = m.batch AND seq = m.seq AND (attempt = $2::int + 1 OR final)
    ORDER BY final DESC LIMIT 1) AS o ON true
WHERE m.batch = $1::bigint ORDER BY m.seq

-- name: read_carried_left
SELECT m.batch, m.seq, m.email, m.recipient, m.variables,
    CASE WHEN o.final THEN 'final' ELSE o.verdict::text END
FROM batch b
CROSS JOIN LATERAL unnest(b.carry_batch, b.carry_seq) AS c (batch, seq)
JOIN mail m ON m.batch = c.batch AND m.seq = c.seq
LEFT JOIN LATERAL (
    SELECT final, verdict FROM outcome
    WHERE batch = m.batch AND seq = m.seq AND (attempt = $2::int + 1 OR final)
    ORDER BY final DESC LIMIT 1) AS o ON true
WHERE b.id = $1::bigint

-- name: read_emails
SELECT e.batch, e.seq, e.content FROM email e
WHERE e.batch = $1::bigint ORDER BY e.seq

-- name: read_emails_carried
SELECT DISTINCT ON (e.batch, e.seq) e.batch, e.seq, e.content
FROM batch b
CROSS JOIN LATERAL unnest(b.carry_batch, b.carry_seq) AS c (batch, seq)
JOIN mail m ON m.batch = c.batch AND m.seq = c.seq
JOIN email e ON e.batch = m.batch AND e.seq = m.email
WHERE b.id = $1::bigint

-- name: read_campaign
SELECT sender, reply_to, subject, html, body_text, headers, partials, defaults,
    strict_variables, inline_css, tracking, attachments, preheader,
    dsn, require_tls
FROM campaign WHERE id = $1::uuid

-- Nothing of it was sent: as if it had not been claimed.
-- name: release
UPDATE batch b
SET worker = NULL, lease = NULL, claims = b.claims - 1,
    state = CASE WHEN (SELECT c.state FROM campaign c WHERE c.id = b.campaign)
                 = 'paused' THEN 'paused' ELSE 'ready' END
WHERE b.id = $1::bigint AND b.worker = $2::int AND b.state = 'claimed'

-- Mails of a batch that are not final go on in a batch of their own. A
-- cancelled campaign's are due at once, so that they are settled at once.
-- name: carry
INSERT INTO batch (id, project, campaign, class, site, size, state, due,
                   expires, tries, doubts, carry_batch, carry_seq)
SELECT next_batch_id(), b.project, b.campaign, b.class, $8::text,
    cardinality($3::bigint[]),
    CASE WHEN c.state = 'paused' THEN 'paused' ELSE 'ready' END,
    CASE WHEN c.state = 'cancelled' THEN now() ELSE $5::timestamptz END,
    b.expires, $6::int, $7::int, $3::bigint[], $4::int[]
FROM batch b LEFT JOIN campaign c ON c.id = b.campaign
WHERE b.id = $1::bigint AND b.worker = $2::int AND b.state = 'claimed'

-- The same for a batch that another worker lost: that one may speak up late.
-- What it delivered does not go on.
-- name: carry_left
WITH listed AS (
    SELECT array_agg(c.batch) AS batches, array_agg(c.seq) AS seqs
    FROM unnest($3::bigint[], $4::int[]) AS c (batch, seq)
    WHERE NOT EXISTS (SELECT FROM outcome o WHERE o.batch = c.batch
                      AND o.seq = c.seq AND o.final)
)
INSERT INTO batch (id, project, campaign, class, site, size, state, due,
                   expires, tries, doubts, carry_batch, carry_seq)
SELECT next_batch_id(), b.project, b.campaign, b.class, $8::text,
    cardinality(listed.batches),
    CASE WHEN c.state = 'paused' THEN 'paused' ELSE 'ready' END,
    CASE WHEN c.state = 'cancelled' THEN now() ELSE $5::timestamptz END,
    b.expires, $6::int, $7::int, listed.batches, listed.seqs
FROM listed CROSS JOIN batch b LEFT JOIN campaign c ON c.id = b.campaign
WHERE listed.batches IS NOT NULL
  AND b.id = $1::bigint AND b.worker = $2::int AND b.state = 'claimed'

-- And what it deferred, while here it was delivered: the first outcome of an
-- attempt is the one that counts, so it goes on. These are the mails that are
-- neither final nor in $3 and $4, which go on anyway.
-- name: carry_rest
WITH mine AS (
    SELECT m.batch, m.seq FROM mail m JOIN batch b ON b.id = m.batch
    WHERE b.id = $1::bigint AND b.carry_batch IS NULL
    UNION ALL
    SELECT c.batch, c.seq FROM batch b
    CROSS JOIN LATERAL unnest(b.carry_batch, b.carry_seq) AS c (batch, seq)
    WHERE b.id = $1::bigint
), rest AS (
    SELECT array_agg(batch) AS batches, array_agg(seq) AS seqs FROM mine
    WHERE NOT EXISTS (SELECT FROM outcome o WHERE o.batch = mine.batch
                      AND o.seq = mine.seq AND o.final)
      AND NOT EXISTS (SELECT FROM unnest($3::bigint[], $4::int[])
                          AS listed (batch, seq)
                      WHERE listed.batch = mine.batch
                        AND listed.seq = mine.seq)
)
INSERT INTO batch (id, project, campaign, class, site, size, state, due,
                   expires, tries, doubts, carry_batch, carry_seq)
SELECT next_batch_id(), b.project, b.campaign, b.class, $8::text,
    cardinality(rest.batches),
    CASE WHEN c.state = 'paused' THEN 'paused' ELSE 'ready' END,
    CASE WHEN c.state = 'cancelled' THEN now() ELSE $5::timestamptz END,
    b.expires, $6::int, $7::int, rest.batches, rest.seqs
FROM rest CROSS JOIN batch b LEFT JOIN campaign c ON c.id = b.campaign
WHERE rest.batches IS NOT NULL
  AND b.id = $1::bigint AND b.worker = $2::int AND b.state = 'claimed'

-- name: finish
UPDATE batch
SET state = 'done', worker = NULL, lease = NULL, finished = now()
WHERE id = $1::bigint AND worker = $2::int AND state = 'claimed'

-- Asked after the commit that finished a batch: of two workers that finish a
-- campaign's last two batches at once, the later one sees both.
-- name: campaign_finish
UPDATE campaign c
SET state = CASE WHEN c.state = 'cancelled' THEN 'cancelled' ELSE 'sent' END,
    finished = now(), updated = now()
WHERE c.id = $1::uuid AND c.finished IS NULL
  AND c.state IN ('scheduled', 'sending', 'cancelled')
  AND NOT EXISTS (SELECT FROM batch b
                  WHERE b.campaign = c.id AND b.class = 1
                    AND b.state IN ('draft', 'ready', 'claimed', 'paused'))
RETURNING id::text, state
