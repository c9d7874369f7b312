-- A scheduled email is alone in its batch; one that shares its batch, was
-- claimed once or is due is no longer ours to change.

-- name: emails_reschedule
UPDATE batch b
   SET due = to_timestamp($3::bigint / 1000000.0),
       expires = to_timestamp($3::bigint / 1000000.0) + (expires - due)
 WHERE b.id = $2 AND b.project = $1 AND b.class = 0 AND b.state = 'ready'
   AND b.due > now() AND b.claims = 0 AND b.carry_batch IS NULL
   AND EXISTS (SELECT FROM email e
                WHERE e.batch = $2 AND e.seq = 0 AND e.recipients = b.size)
RETURNING id

-- name: emails_cancel
WITH cancelled AS (
    UPDATE batch b
       SET state = 'cancelled', finished = now()
     WHERE b.id = $2 AND b.project = $1 AND b.class = 0 AND b.state = 'ready'
       AND b.due > now() AND b.claims = 0 AND b.carry_batch IS NULL
       AND EXISTS (SELECT FROM email e
                    WHERE e.batch = $2 AND e.seq = 0 AND e.recipients = b.size)
    RETURNING id
), outcomes AS (
    INSERT INTO outcome (batch, seq, attempt, at, verdict, final)
    SELECT m.batch, m.seq, 1, now(), 'cancelled', true
      FROM cancelled c JOIN mail m ON m.batch = c.id
)
SELECT id FROM cancelled

-- name: emails_exists
SELECT FROM mail m JOIN batch b ON b.id = m.batch
 WHERE m.batch = $2 AND m.seq = $3 AND b.project = $1

-- name: emails_wake
NOTIFY presort_work
