-- As before, but rows are held in the order in which suppress_all takes them:
-- lists of the same addresses that are added and removed at once wait for each
-- other, instead of ending in a deadlock.
CREATE OR REPLACE FUNCTION unsuppress(of_project bigint, ids uuid[],
                                      addresses text[])
RETURNS TABLE (id uuid, address text) LANGUAGE sql AS $$
    WITH held AS MATERIALIZED (
        SELECT s.project, s.address, s.reason FROM suppression s
        WHERE s.project = of_project AND s.removed IS NULL
          AND s.expires > now()
          AND (s.id = ANY (ids) OR s.address = ANY (
                  SELECT lower(a COLLATE "C") FROM unnest(addresses) AS a))
        ORDER BY s.project, s.address, s.reason
        FOR UPDATE
    ), gone AS (
        UPDATE suppression s
        SET removed = now(), changed = pg_current_xact_id()
        FROM held h
        WHERE s.project = h.project AND s.address = h.address
          AND s.reason = h.reason
          AND s.removed IS NULL AND s.expires > now()
        RETURNING s.id, s.address
    ), told AS (
        SELECT pg_notify('presort_control', 'suppressions')
        FROM gone LIMIT 1
    )
    SELECT g.id, g.address FROM gone g LEFT JOIN told ON true
$$;
