-- The worker's copy of the list. An address is on it once; its reasons are
-- drawn together.

-- name: suppress_listen
LISTEN presort_control

-- name: suppress_snapshot
SELECT pg_current_snapshot()::text

-- Everything, page by page.
-- name: suppress_page
SELECT s.project, s.address,
    max(s.expires) FILTER (WHERE s.reason <> 'unsubscribe'),
    (array_agg(s.reason ORDER BY s.expires DESC, s.reason)
        FILTER (WHERE s.reason <> 'unsubscribe'))[1],
    max(s.expires) FILTER (WHERE s.reason = 'unsubscribe')
FROM suppression s
WHERE (s.project, s.address) > ($1::bigint, $2::text) AND s.removed IS NULL
GROUP BY s.project, s.address
ORDER BY s.project, s.address LIMIT $3::int

-- The planner knows nothing of snapshots and would read a long list as a whole,
-- each second: it is to take the index of the changes.
-- name: suppress_plan
SET enable_seqscan = off

-- What became visible after the snapshot $4 and is so in $5, page by page.
-- What has changed since then again is left to the next time. Marks from
-- before a restore of the database may lie ahead of its clock. No sorting, and
-- a look at the index for each address, before the few rows are known.
-- name: suppress_changes
WITH recent AS MATERIALIZED (
    SELECT c.project, c.address, c.changed FROM suppression c
    WHERE c.changed >= pg_snapshot_xmin($4::text::pg_snapshot)
      AND c.changed < pg_snapshot_xmax($5::text::pg_snapshot)
), touched AS MATERIALIZED (
    SELECT DISTINCT r.project, r.address FROM recent r
    WHERE NOT pg_visible_in_snapshot(r.changed, $4::text::pg_snapshot)
      AND pg_visible_in_snapshot(r.changed, $5::text::pg_snapshot)
      AND (r.project, r.address) > ($1::bigint, $2::text)
    ORDER BY r.project, r.address LIMIT $3::int
)
SELECT t.project, t.address, s.until, s.reason, s.unsubscribed
FROM touched t
CROSS JOIN LATERAL (
    SELECT max(o.expires) FILTER (WHERE o.reason <> 'unsubscribe') AS until,
        (array_agg(o.reason ORDER BY o.expires DESC, o.reason)
            FILTER (WHERE o.reason <> 'unsubscribe'))[1] AS reason,
        max(o.expires) FILTER (WHERE o.reason = 'unsubscribe') AS unsubscribed
    FROM suppression o
    WHERE o.project = t.project AND o.address = t.address
      AND o.removed IS NULL) s
ORDER BY t.project, t.address
