-- name: recipients_state
SELECT state FROM campaign WHERE project = $1::bigint AND id = $2::uuid

-- name: recipients_count
UPDATE campaign
SET recipients = recipients + $3::bigint, duplicates = duplicates + $4::bigint,
    updated = now()
WHERE project = $1::bigint AND id = $2::uuid
RETURNING recipients

-- The campaign's batches from one on, in order. With a filter, only those that
-- have such a mail at all: a final verdict, or pending.
-- name: recipients_batches
SELECT b.id FROM batch b
WHERE b.campaign = $1::uuid AND b.class = 1 AND b.carry_batch IS NULL
  AND b.id >= $2::bigint
  AND CASE
      WHEN $3::text IS NULL THEN true
      WHEN $3::text = 'pending' THEN
          (SELECT count(*) FROM outcome o WHERE o.batch = b.id AND o.final)
              < b.size
      ELSE (SELECT true FROM outcome o
            WHERE o.batch = b.id AND o.final AND o.verdict::text = $3::text
            LIMIT 1)
      END
ORDER BY b.id LIMIT $4::int

-- Of one batch, from one mail on; both lists in the same order.
-- name: recipients_mails
SELECT m.seq, m.recipient FROM mail m
WHERE m.batch = $1::bigint AND m.seq >= $2::int ORDER BY m.seq

-- name: recipients_outcomes
SELECT o.seq, o.attempt, (extract(epoch FROM o.at) * 1000000)::bigint,
    o.verdict, o.final, o.code, o.enhanced, o.reply, o.mx, o.category, r.later
FROM outcome o
LEFT JOIN (
    SELECT seq, max(kind) AS later FROM report
    WHERE batch = $1::bigint GROUP BY seq) AS r ON r.seq = o.seq
WHERE o.batch = $1::bigint AND o.seq >= $2::int ORDER BY o.seq, o.attempt

-- When each first did what; scanners do not count.
-- name: recipients_events
SELECT e.seq, e.kind, (extract(epoch FROM min(e.at)) * 1000000)::bigint
FROM event e
WHERE e.batch = $1::bigint AND e.seq >= $2::int AND NOT e.machine
GROUP BY e.seq, e.kind ORDER BY e.seq
