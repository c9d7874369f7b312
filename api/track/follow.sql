-- Where the links of a mail are written: its campaign, as its row is now, or
-- its own content, which does not change. Null: it is gone.
-- name: follow_key
SELECT coalesce(c.id || ' ' || c.xmin, e.batch || ' ' || e.seq)
FROM mail m
JOIN batch b ON b.id = m.batch
LEFT JOIN campaign c ON c.id = b.campaign
LEFT JOIN email e ON e.batch = m.batch AND e.seq = m.email
WHERE m.batch = $1::bigint AND m.seq = $2::int

-- The same with the campaign's HTML, or the content.
-- name: follow_content
SELECT coalesce(c.id || ' ' || c.xmin, e.batch || ' ' || e.seq), c.html,
    e.content
FROM mail m
JOIN batch b ON b.id = m.batch
LEFT JOIN campaign c ON c.id = b.campaign
LEFT JOIN email e ON e.batch = m.batch AND e.seq = m.email
WHERE m.batch = $1::bigint AND m.seq = $2::int

-- name: follow_whom
SELECT m.recipient, p.name
FROM mail m JOIN batch b ON b.id = m.batch JOIN project p ON p.id = b.project
WHERE m.batch = $1::bigint AND m.seq = $2::int

-- Once: asked again, it changes nothing.
-- name: follow_unsubscribe
WITH whom AS (
    SELECT m.batch, m.seq, m.recipient, b.project, b.campaign
    FROM mail m JOIN batch b ON b.id = m.batch
    WHERE m.batch = $1::bigint AND m.seq = $2::int
), done AS (
    SELECT s.id FROM whom w
    CROSS JOIN LATERAL suppress(w.project, w.recipient, 'unsubscribe', w.batch,
                                w.seq) AS s
), fresh AS (
    INSERT INTO event (batch, seq, at, kind, agent)
    SELECT batch, seq, now(), 'unsubscribed', $3::text FROM whom
    WHERE NOT EXISTS (SELECT FROM event e
                      WHERE e.batch = whom.batch AND e.seq = whom.seq
                        AND e.kind = 'unsubscribed')
    RETURNING batch, seq
), counted AS (
    INSERT INTO event_tally AS t (campaign, kind, link, total, mails)
    SELECT w.campaign, 'unsubscribed', -1, 1, 1
    FROM fresh f JOIN whom w USING (batch, seq)
    WHERE w.campaign IS NOT NULL
    ON CONFLICT (campaign, kind, link) DO UPDATE
    SET total = t.total + 1, mails = t.mails + 1
)
SELECT (SELECT count(*) FROM whom), (SELECT count(*) FROM done)
