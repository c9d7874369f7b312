-- Sends, or sends at another time. Two statements a campaign, however large.
-- name: act_send_batches
UPDATE batch
SET state = 'ready', due = $2::timestamptz,
    expires = $2::timestamptz + make_interval(secs => $3::int)
WHERE campaign = $1::uuid AND class = 1 AND state IN ('draft', 'ready')

-- name: act_send
UPDATE campaign
SET state = CASE WHEN $4::boolean THEN 'scheduled' ELSE 'sending' END,
    scheduled_at = CASE WHEN $4::boolean THEN $3::timestamptz END,
    started = CASE WHEN $4::boolean THEN NULL ELSE $3::timestamptz END,
    updated = now()
WHERE project = $1::bigint AND id = $2::uuid

-- A campaign that was scheduled and is due has started by itself.
-- name: act_pause
UPDATE campaign
SET state = 'paused', started = coalesce(started, scheduled_at),
    updated = now()
WHERE project = $1::bigint AND id = $2::uuid

-- name: act_pause_batches
UPDATE batch SET state = 'paused'
WHERE campaign = $1::uuid AND class = 1 AND state = 'ready'

-- name: act_resume
UPDATE campaign
SET state = 'sending', updated = now(), paused_reason = NULL,
    rates_from = now()
WHERE project = $1::bigint AND id = $2::uuid

-- name: act_resume_batches
UPDATE batch SET state = 'ready'
WHERE campaign = $1::uuid AND class = 1 AND state = 'paused'

-- name: act_cancel
UPDATE campaign
SET state = 'cancelled', started = CASE WHEN scheduled_at <= now()
        THEN coalesce(started, scheduled_at) ELSE started END,
    updated = now()
WHERE project = $1::bigint AND id = $2::uuid

-- Should this process end before the mails are settled, workers claim what is
-- left and settle it; a minute later, so as not to be in the way.
-- name: act_cancel_batches
UPDATE batch SET state = 'ready', due = now() + interval '1 minute'
WHERE campaign = $1::uuid AND class = 1 AND state IN ('ready', 'paused')

-- One piece of it: the mails that have no final outcome get one.
-- name: act_cancel_piece
WITH gone AS (
    SELECT id FROM batch
    WHERE campaign = $1::uuid AND class = 1 AND state = 'ready'
    ORDER BY id LIMIT 50 FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE batch b SET state = 'cancelled', finished = now()
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
                         reply, worker)
    SELECT m.batch, m.seq, coalesce(past.attempt, 0) + 1, now(), 'cancelled',
        true, 'message', 'queue', 'the campaign was cancelled', 0
    FROM mails m
    CROSS JOIN LATERAL (
        SELECT max(o.attempt) AS attempt, bool_or(o.final) AS final
        FROM outcome o WHERE o.batch = m.batch AND o.seq = m.seq) AS past
    WHERE past.final IS NOT TRUE
    ON CONFLICT DO NOTHING
    RETURNING batch, seq
), counted AS (
    INSERT INTO tally AS t (campaign, site, worker, cancelled)
    SELECT m.campaign, m.site, 0, count(*)
    FROM fresh f JOIN mails m USING (batch, seq)
    GROUP BY m.campaign, m.site ORDER BY m.campaign, m.site
    ON CONFLICT (campaign, site, worker) DO UPDATE
    SET cancelled = t.cancelled + excluded.cancelled, last = now()
)
SELECT count(*) FROM ended

-- What workers hold, they settle; the last one ends the campaign.
-- name: act_cancelled
UPDATE campaign c SET finished = now(), updated = now()
WHERE c.project = $1::bigint AND c.id = $2::uuid AND c.finished IS NULL
  AND NOT EXISTS (SELECT FROM batch b
                  WHERE b.campaign = c.id AND b.class = 1
                    AND b.state IN ('draft', 'ready', 'claimed', 'paused'))

-- name: act_notify_work
SELECT pg_notify('presort_work', 'campaign')

-- name: act_notify_control
SELECT pg_notify('presort_control', 'campaign ' || $1::uuid)

-- name: resend_campaign
INSERT INTO campaign (project, name, sender, reply_to, subject, html, body_text,
                      headers, tags, weight, expire_seconds, template,
                      partials, defaults, strict_variables, inline_css,
                      tracking, attachments, preheader, metadata,
                      dsn, require_tls, resend_of)
SELECT project, name, sender, reply_to, subject, html, body_text, headers, tags,
    weight, expire_seconds, template, partials, defaults, strict_variables,
    inline_css, tracking, attachments, preheader, metadata, dsn, require_tls,
    id
FROM campaign WHERE project = $1::bigint AND id = $2::uuid
RETURNING id

-- Where the source's mails are: so that only their partitions are looked at.
-- name: resend_bounds
SELECT min(id), max(id) FROM batch
WHERE campaign = $1::uuid AND class = 1 AND carry_batch IS NULL

-- There may be no statistics yet about the source's mails, which are many: each
-- table is to be read once.
-- name: resend_plan
SELECT set_config('enable_nestloop', 'off', true)

-- Those of the source that ended so, in batches of the same sites.
-- $1 project, $2 campaign, $3 source, $4 verdicts, $5 mails a batch, $6 and $7
-- the bounds.
-- name: resend_recipients
WITH picked AS MATERIALIZED (
    SELECT b.site, m.recipient, m.variables,
        row_number() OVER (PARTITION BY b.site ORDER BY m.batch, m.seq) - 1
            AS place
    FROM batch b
    JOIN outcome o ON o.batch = b.id AND o.final
        AND o.verdict = ANY ($4::verdict[])
    JOIN mail m ON m.batch = o.batch AND m.seq = o.seq
    WHERE b.campaign = $3::uuid AND b.class = 1 AND b.carry_batch IS NULL
      AND o.batch BETWEEN $6::bigint AND $7::bigint
      AND m.batch BETWEEN $6::bigint AND $7::bigint
), pieces AS (
    SELECT site, place / $5::int AS piece, count(*) AS size
    FROM picked GROUP BY 1, 2 ORDER BY 2, 1
), named AS MATERIALIZED (
    SELECT next_batch_id() AS id, site, piece, size FROM pieces
), batches AS (
    INSERT INTO batch (id, project, campaign, class, site, size, state, due,
                       expires)
    SELECT id, $1::bigint, $2::uuid, 1, site, size, 'draft', 'infinity',
        'infinity'
    FROM named
), mails AS (
    INSERT INTO mail (batch, seq, recipient, variables)
    SELECT n.id, p.place % $5::int, p.recipient, p.variables
    FROM picked p
    JOIN named n ON n.site = p.site AND n.piece = p.place / $5::int
)
UPDATE campaign SET recipients = (SELECT count(*) FROM picked)
WHERE project = $1::bigint AND id = $2::uuid
RETURNING recipients
