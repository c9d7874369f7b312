-- name: campaigns_create
INSERT INTO campaign (project, name, sender, reply_to, subject, html, body_text,
                      headers, tags, weight, expire_seconds, template,
                      partials, defaults, strict_variables, inline_css,
                      tracking, attachments, preheader, metadata,
                      dsn, require_tls)
VALUES ($1::bigint, $2::text, $3::text,
        ARRAY(SELECT json_array_elements_text($4::json)), $5::text, $6::text,
        $7::text, $8::json, $9::json, $10::int, $11::int, $12::json, $13::json,
        $14::json, $15::boolean, $16::boolean, $17::json,
        coalesce($18::json, '[]'), $19::text, $20::json, $21::json,
        $22::boolean)
RETURNING id

-- name: campaigns_update
UPDATE campaign
SET name = $3::text, sender = $4::text,
    reply_to = ARRAY(SELECT json_array_elements_text($5::json)),
    subject = $6::text, html = $7::text, body_text = $8::text,
    headers = $9::json, tags = $10::json, weight = $11::int,
    expire_seconds = $12::int, template = $13::json, partials = $14::json,
    defaults = $15::json, strict_variables = $16::boolean,
    inline_css = $17::boolean, tracking = $18::json,
    attachments = coalesce($19::json, attachments), preheader = $20::text,
    metadata = $21::json, dsn = $22::json, require_tls = $23::boolean,
    updated = now()
WHERE project = $1::bigint AND id = $2::uuid

-- What is due is being sent, whether a worker has noticed or not.
-- name: campaigns_find
SELECT id, name, sender, subject,
    CASE WHEN state = 'scheduled' AND scheduled_at <= now() THEN 'sending'
         ELSE state END,
    recipients, duplicates, weight, expire_seconds, resend_of,
    (extract(epoch FROM created) * 1000000)::bigint,
    (extract(epoch FROM updated) * 1000000)::bigint,
    (extract(epoch FROM scheduled_at) * 1000000)::bigint,
    (extract(epoch FROM CASE WHEN state = 'scheduled' AND scheduled_at <= now()
                             THEN scheduled_at ELSE started END)
        * 1000000)::bigint,
    (extract(epoch FROM finished) * 1000000)::bigint,
    html, body_text, array_to_json(reply_to), headers, tags, template,
    strict_variables, inline_css, tracking,
    (SELECT coalesce(json_agg(json_build_object(
         'filename', a ->> 'filename', 'content_type', a ->> 'content_type',
         'content_id', a ->> 'content_id',
         'size', length(a ->> 'content') * 3 / 4)), '[]'::json)
     FROM json_array_elements(attachments) AS a),
    preheader, metadata, dsn, require_tls
FROM campaign WHERE project = $1::bigint AND id = $2::uuid

-- Whoever changes a campaign holds its row. None if another one does.
-- name: campaigns_lock
SELECT id FROM campaign WHERE project = $1::bigint AND id = $2::uuid
FOR UPDATE SKIP LOCKED

-- name: campaigns_list_after
SELECT c.id, c.name, c.sender, c.subject,
    CASE WHEN c.state = 'scheduled' AND c.scheduled_at <= now() THEN 'sending'
         ELSE c.state END,
    c.recipients, c.duplicates, c.weight, c.expire_seconds, c.resend_of,
    (extract(epoch FROM c.created) * 1000000)::bigint,
    (extract(epoch FROM c.updated) * 1000000)::bigint,
    (extract(epoch FROM c.scheduled_at) * 1000000)::bigint,
    (extract(epoch FROM CASE WHEN c.state = 'scheduled'
                                  AND c.scheduled_at <= now()
                             THEN c.scheduled_at ELSE c.started END)
        * 1000000)::bigint,
    (extract(epoch FROM c.finished) * 1000000)::bigint
FROM campaign c
WHERE c.project = $1::bigint
  AND ($2::uuid IS NULL OR (c.created, c.id) < (
        SELECT p.created, p.id FROM campaign p
        WHERE p.project = $1::bigint AND p.id = $2::uuid))
ORDER BY c.created DESC, c.id DESC LIMIT $3::int

-- name: campaigns_list_before
SELECT c.id, c.name, c.sender, c.subject,
    CASE WHEN c.state = 'scheduled' AND c.scheduled_at <= now() THEN 'sending'
         ELSE c.state END,
    c.recipients, c.duplicates, c.weight, c.expire_seconds, c.resend_of,
    (extract(epoch FROM c.created) * 1000000)::bigint,
    (extract(epoch FROM c.updated) * 1000000)::bigint,
    (extract(epoch FROM c.scheduled_at) * 1000000)::bigint,
    (extract(epoch FROM CASE WHEN c.state = 'scheduled'
                                  AND c.scheduled_at <= now()
                             THEN c.scheduled_at ELSE c.started END)
        * 1000000)::bigint,
    (extract(epoch FROM c.finished) * 1000000)::bigint
FROM campaign c
WHERE c.project = $1::bigint
  AND (c.created, c.id) > (
        SELECT p.created, p.id FROM campaign p
        WHERE p.project = $1::bigint AND p.id = $2::uuid)
ORDER BY c.created, c.id LIMIT $3::int

-- The sites with most mail, the rest as one.
-- name: campaigns_totals
WITH by_site AS (
    SELECT site, sum(delivered) AS delivered, sum(deferred) AS deferred,
        sum(bounced) AS bounced, sum(in_doubt) AS in_doubt,
        sum(expired) AS expired, sum(suppressed) AS suppressed,
        sum(cancelled) AS cancelled
    FROM tally WHERE campaign = $1::uuid GROUP BY site
), ranked AS (
    SELECT *, delivered + bounced + in_doubt + expired + suppressed + cancelled
            AS ended,
        row_number() OVER (ORDER BY delivered + bounced + in_doubt + expired
                               + suppressed + cancelled DESC, site) AS place
    FROM by_site
), named AS (
    SELECT *, CASE WHEN place <= 50 THEN site ELSE 'other' END AS shown
    FROM ranked
)
SELECT shown, sum(delivered)::bigint, sum(deferred)::bigint,
    sum(bounced)::bigint, sum(in_doubt)::bigint, sum(expired)::bigint,
    sum(suppressed)::bigint, sum(cancelled)::bigint
FROM named GROUP BY shown
ORDER BY shown = 'other', sum(ended) DESC, shown

-- name: campaigns_events
SELECT k.kind, coalesce(t.mails, 0), coalesce(t.total, 0),
    coalesce(t.machine, 0)
FROM unnest(enum_range(NULL::event_kind)) AS k (kind)
LEFT JOIN event_tally t
    ON t.campaign = $1::uuid AND t.kind = k.kind AND t.link = -1
ORDER BY k.kind

-- name: campaigns_links
SELECT link, coalesce(url, ''), mails, total, machine FROM event_tally
WHERE campaign = $1::uuid AND kind = 'clicked' AND link >= 0
ORDER BY mails DESC, total DESC, link LIMIT 1000

-- Deleting goes on in pieces; from here on nobody else touches it.
-- name: campaigns_close
UPDATE campaign
SET state = 'cancelled', finished = coalesce(finished, now()), updated = now()
WHERE project = $1::bigint AND id = $2::uuid
  AND (state = 'draft' OR (state = 'cancelled' AND finished IS NOT NULL))
RETURNING id

-- name: campaigns_delete_batches
WITH gone AS (
    DELETE FROM batch WHERE id = ANY (ARRAY(
        SELECT id FROM batch WHERE campaign = $1::uuid AND class = 1
        ORDER BY id LIMIT 50))
    RETURNING id
), mails AS (
    DELETE FROM mail WHERE batch = ANY (ARRAY(SELECT id FROM gone))
), reports AS (
    DELETE FROM report WHERE batch = ANY (ARRAY(SELECT id FROM gone))
), outcomes AS (
    DELETE FROM outcome WHERE batch = ANY (ARRAY(SELECT id FROM gone))
)
SELECT count(*) FROM gone

-- name: campaigns_delete_audience
WITH gone AS (
    DELETE FROM audience WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM audience WHERE campaign = $1::uuid LIMIT 50000))
    RETURNING 1
)
SELECT count(*) FROM gone

-- name: campaigns_delete
WITH totals AS (DELETE FROM tally WHERE campaign = $2::uuid),
    failures AS (DELETE FROM failure WHERE campaign = $2::uuid),
    rates AS (DELETE FROM rate WHERE campaign = $2::uuid)
DELETE FROM campaign WHERE project = $1::bigint AND id = $2::uuid
