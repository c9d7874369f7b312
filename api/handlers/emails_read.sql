-- The columns of all statements are those of enum email_column. Contents can
-- be megabytes: lists leave html and text out.

-- name: emails_get
WITH named AS (
    SELECT m.batch, coalesce(m.email, m.seq) AS seq,
           coalesce(e.recipients, 1) AS recipients, e.content, e.created
      FROM mail m
      LEFT JOIN email e ON e.batch = m.batch AND e.seq = m.email
     WHERE m.batch = $2 AND m.seq = $3
)
SELECT n.batch, n.seq,
       coalesce(n.content, json_build_object(
           'from', c.sender, 'to', json_build_array(m.recipient),
           'reply_to', c.reply_to, 'subject', c.subject, 'html', c.html,
           'text', c.body_text, 'headers', c.headers, 'tags', c.tags,
           'metadata', c.metadata, 'dsn', c.dsn,
           'require_tls', c.require_tls)),
       (extract(epoch FROM coalesce(n.created, batch_time(n.batch)))
        * 1000000)::bigint,
       b.state, (extract(epoch FROM b.due) * 1000000)::bigint, b.campaign,
       email_recipients(n.batch, n.seq, n.recipients),
       email_reaction(n.batch, n.seq, n.recipients),
       email_events(n.batch, n.seq, n.recipients)
  FROM named n
  JOIN batch b ON b.id = n.batch AND b.project = $1
  JOIN mail m ON m.batch = n.batch AND m.seq = n.seq
  LEFT JOIN campaign c ON c.id = b.campaign

-- name: emails_after
WITH page AS MATERIALIZED (
    SELECT e.batch, e.seq, e.recipients, e.content, e.created, b.state, b.due
      FROM batch b
      JOIN email e ON e.batch = b.id
     WHERE b.project = $1 AND b.class = 0 AND b.carry_batch IS NULL
       AND b.id <= $2 AND (e.batch, e.seq) < ($2, $3::integer)
     ORDER BY b.id DESC, e.seq DESC
     LIMIT $4
)
SELECT p.batch, p.seq, p.content::jsonb - '{html,text,headers,attachments}'::text[],
       (extract(epoch FROM p.created) * 1000000)::bigint,
       p.state, (extract(epoch FROM p.due) * 1000000)::bigint, NULL,
       email_recipients(p.batch, p.seq, p.recipients),
       email_reaction(p.batch, p.seq, p.recipients), NULL
  FROM page p
 ORDER BY p.batch DESC, p.seq DESC

-- name: emails_before
-- The page next newer than ($2, $3): read upwards, shown newest first.
WITH page AS MATERIALIZED (
    SELECT e.batch, e.seq, e.recipients, e.content, e.created, b.state, b.due
      FROM batch b
      JOIN email e ON e.batch = b.id
     WHERE b.project = $1 AND b.class = 0 AND b.carry_batch IS NULL
       AND b.id >= $2 AND (e.batch, e.seq) > ($2, $3::integer)
     ORDER BY b.id, e.seq
     LIMIT $4
)
SELECT p.batch, p.seq, p.content::jsonb - '{html,text,headers,attachments}'::text[],
       (extract(epoch FROM p.created) * 1000000)::bigint,
       p.state, (extract(epoch FROM p.due) * 1000000)::bigint, NULL,
       email_recipients(p.batch, p.seq, p.recipients),
       email_reaction(p.batch, p.seq, p.recipients), NULL
  FROM page p
 ORDER BY p.batch DESC, p.seq DESC

-- name: emails_partitions
-- Those of mail that begin before batch $1, newest first.
SELECT c.oid::regclass
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'mail'::regclass AND c.relname ~ '^mail_[0-9]{8}$'
   AND batch_id_at(to_date(right(c.relname, 8), 'YYYYMMDD')::timestamp
                   AT TIME ZONE 'UTC') <= $1::bigint
 ORDER BY c.relname DESC

-- name: emails_to
-- Everything sent to one address, in one partition, older than ($4, $5).
WITH hit AS MATERIALIZED (
    SELECT * FROM mail_to($2::regclass, $3)
     WHERE (batch, seq) < ($4, $5::integer)
)
SELECT h.batch, h.seq,
       coalesce(e.content::jsonb - '{html,text,headers,attachments}'::text[],
                jsonb_build_object('from', c.sender,
                                   'to', jsonb_build_array(h.recipient),
                                   'reply_to', c.reply_to,
                                   'subject', c.subject, 'tags', c.tags,
                                   'metadata', c.metadata, 'dsn', c.dsn,
           'require_tls', c.require_tls)),
       (extract(epoch FROM coalesce(e.created, batch_time(h.batch)))
        * 1000000)::bigint,
       b.state, (extract(epoch FROM b.due) * 1000000)::bigint, b.campaign,
       email_recipients(h.batch, h.seq, 1), email_reaction(h.batch, h.seq, 1),
       NULL
  FROM hit h
  JOIN batch b ON b.id = h.batch AND b.project = $1 AND b.state <> 'draft'
  LEFT JOIN email e ON e.batch = h.batch AND e.seq = h.email
  LEFT JOIN campaign c ON c.id = b.campaign
 ORDER BY h.batch DESC, h.seq DESC
 LIMIT $6
