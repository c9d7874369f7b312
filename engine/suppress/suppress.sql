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

-- What became visible after the snapshot $4 and is so in $5, page by page.
-- What has changed since then again is left to the next time. Marks from
-- before a restore of the database may lie ahead of its clock.
-- name: suppress_changes
SELECT t.project, t.address,
    max(s.expires) FILTER (WHERE s.reason <> 'unsubscribe'),
    (array_agg(s.reason ORDER BY s.expires DESC, s.reason)
        FILTER (WHERE s.reason <> 'unsubscribe'))[1],
    max(s.expires) FILTER (WHERE s.reason = 'unsubscribe')
FROM (
    SELECT DISTINCT c.project, c.address FROM suppression c
    WHERE c.changed >= pg_snapshot_xmin($4::text::pg_snapshot)
      AND c.changed < pg_snapshot_xmax($5::text::pg_snapshot)
      AND NOT pg_visible_in_snapshot(c.changed, $4::text::pg_snapshot)
      AND pg_visible_in_snapshot(c.changed, $5::text::pg_snapshot)
      AND (c.project, c.address) > ($1::bigint, $2::text)
    ORDER BY c.project, c.address LIMIT $3::int
) t
LEFT JOIN suppression s ON s.project = t.project AND s.address = t.address
    AND s.removed IS NULL
GROUP BY t.project, t.address
ORDER BY t.project, t.address
