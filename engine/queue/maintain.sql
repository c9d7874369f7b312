-- What keeps the queue in order. Run by one worker at a time: the one that
-- holds the advisory lock.

-- A worker that is frozen, or whose machine is gone without a word, keeps its
-- session and so the lock: its leases would never be taken back. One that has
-- asked for nothing for long has it no more.
-- name: maintain_lock
WITH stale AS (
    SELECT pg_terminate_backend(l.pid)
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND l.database = (SELECT oid FROM pg_database
                        WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint)
          = hashtext('presort maintenance')
      AND a.state = 'idle' AND a.state_change < now() - interval '10 seconds'
)
SELECT pg_try_advisory_lock(hashtext('presort maintenance')),
    (SELECT count(*) FROM stale)

-- Batches of workers that fell silent. After a restart of the database its
-- workers get one lease's time to come back first.
-- name: reclaim
WITH back AS (
    UPDATE batch SET state = 'ready', worker = NULL, lease = NULL
    WHERE state = 'claimed' AND lease < now()
      AND pg_postmaster_start_time() < now() - make_interval(secs => $1::int)
    RETURNING id
)
SELECT pg_notify('presort_work', 'campaign'), pg_notify('presort_work', 'email')
FROM (SELECT count(*) AS n FROM back) c WHERE c.n > 0

-- A worker that gives a batch back while its campaign is being resumed or
-- cancelled may see the state before: the batch would stay paused alone.
-- name: resume
UPDATE batch b SET state = 'ready'
FROM campaign c
WHERE c.state IN ('sending', 'cancelled') AND c.finished IS NULL
  AND b.campaign = c.id AND b.class = 1 AND b.state = 'paused'

-- Expiry belongs to the store: it needs no worker that remembers. Why the last
-- attempt failed is why the mail did.
-- name: expire
WITH gone AS (
    SELECT id FROM batch
    WHERE state IN ('ready', 'paused') AND expires <= now()
    ORDER BY expires LIMIT 20 FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE batch b SET state = 'done', finished = now()
    FROM gone WHERE b.id = gone.id
    RETURNING b.id, b.campaign, b.site, b.carry_batch, b.carry_seq
), mails AS (
    SELECT e.campaign, e.site, m.batch, m.seq
    FROM ended e JOIN mail m ON m.batch = e.id
    WHERE e.carry_batch IS NULL
    UNION ALL
    SELECT e.campaign, e.site, c.batch, c.seq
    FROM ended e
    CROSS JOIN LATERAL unnest(e.carry_batch, e.carry_seq) AS c (batch, seq)
), fresh AS (
    INSERT INTO outcome (batch, seq, attempt, at, verdict, final, reach, step,
                         reply, worker, category)
    SELECT m.batch, m.seq, coalesce(past.attempt, 0) + 1, now(), 'expired',
        true, 'message', 'queue', 'expired before it could be sent', 0,
        past.category
    FROM mails m
    CROSS JOIN LATERAL (
        SELECT max(o.attempt) AS attempt, bool_or(o.final) AS final,
            (array_agg(o.category ORDER BY o.attempt DESC))[1] AS category
        FROM outcome o WHERE o.batch = m.batch AND o.seq = m.seq) AS past
    WHERE past.final IS NOT TRUE
    ON CONFLICT DO NOTHING
    RETURNING batch, seq, category
), counted AS (
    INSERT INTO tally AS t (campaign, site, worker, expired)
    SELECT m.campaign, m.site, 0, count(*)
    FROM fresh f JOIN mails m USING (batch, seq)
    WHERE m.campaign IS NOT NULL
    GROUP BY m.campaign, m.site ORDER BY m.campaign, m.site
    ON CONFLICT (campaign, site, worker) DO UPDATE
    SET expired = t.expired + excluded.expired, last = now()
)
SELECT recipients_bounced(array_agg(batch), array_agg(seq),
                          array_agg('soft_bounce'::text), array_agg(now()),
                          array_agg(category))
FROM fresh WHERE category_is_soft_bounce(category) HAVING count(*) > 0

-- name: start_scheduled
UPDATE campaign SET state = 'sending', started = scheduled_at, updated = now()
WHERE state = 'scheduled' AND scheduled_at <= now()

-- The net under campaign_finish: a worker may die between its last commit and
-- asking.
-- name: finish_campaigns
UPDATE campaign c
SET state = CASE WHEN c.state = 'cancelled' THEN 'cancelled' ELSE 'sent' END,
    finished = now(), updated = now()
WHERE c.finished IS NULL AND c.state IN ('sending', 'cancelled')
  AND NOT EXISTS (SELECT FROM batch b
                  WHERE b.campaign = c.id AND b.class = 1
                    AND b.state IN ('draft', 'ready', 'claimed', 'paused'))

-- The Bloom filters of pages that were filled since: for GET /emails?to=.
-- name: summarize
SELECT sum(brin_summarize_new_values(i.indexrelid))
FROM pg_inherits h
JOIN pg_index i ON i.indexrelid = h.inhrelid
JOIN pg_class t ON t.oid = i.indrelid
WHERE h.inhparent = 'mail_recipient'::regclass
  AND t.relname >= to_char((now() AT TIME ZONE 'UTC') - interval '1 day',
                           '"mail_"YYYYMMDD')

-- What is over for a day: every worker has heard of it by then. The first
-- condition is the index's own.
-- name: forget_suppressions
DELETE FROM suppression WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM suppression
    WHERE least(removed, expires) < 'infinity'
      AND least(removed, expires) < now() - interval '1 day'
    LIMIT 20000))

-- name: forget_keys
DELETE FROM idempotency WHERE created < now() - interval '24 hours'

-- Who was in a campaign is needed only until it is sent.
-- name: forget_audience
DELETE FROM audience WHERE ctid = ANY (ARRAY(
    SELECT a.place FROM campaign c
    CROSS JOIN LATERAL (SELECT ctid AS place FROM audience
                        WHERE campaign = c.id LIMIT 20000) AS a
    WHERE c.state IN ('sent', 'cancelled')
      AND c.finished > now() - interval '7 days'
    LIMIT 20000))

-- name: partitions
SELECT partitions_ensure()

-- name: retain
SELECT partitions_drop(make_interval(secs => $1::bigint))

-- name: soft_bounces
SELECT soft_bounces_judge($1::int, $2::bigint, $3::bigint) WHERE $1::int > 0

-- With the mails that they are about.
-- name: forget_reports
WITH old AS (
    DELETE FROM soft_bounce WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM soft_bounce
        WHERE at < now() - interval '365 days' LIMIT 20000))
)
DELETE FROM report WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM report
    WHERE batch < batch_id_at(now() - make_interval(secs => $1::bigint))
    ORDER BY batch LIMIT 20000))

-- name: rates_gather
SELECT rates_gather()

-- name: rates_pause
SELECT campaign::text, reason
FROM rates_pause($1::int, $2::int, $3::bigint, $4::bigint)

-- name: forget_rates
WITH old AS (
    DELETE FROM rate WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM rate
        WHERE minute < now() - interval '8 days' LIMIT 20000))
)
DELETE FROM rate_seen s
WHERE NOT EXISTS (SELECT FROM campaign c WHERE c.id = s.campaign)
  AND NOT EXISTS (SELECT FROM stream t WHERE t.id = s.campaign)
