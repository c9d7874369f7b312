-- Whom a project sends nothing to, and why. A row for each reason: that one
-- ends (a soft bounce expires) leaves the others as they are. What is removed
-- stays for a day, so that every worker hears of it.
CREATE TABLE suppression (
    project bigint NOT NULL REFERENCES project,
    address text COLLATE "C" NOT NULL CHECK (address = lower(address)
                                    AND length(address) BETWEEN 3 AND 254),
    reason text NOT NULL CHECK (reason IN       -- mail/suppression.h
        ('bounce', 'complaint', 'unsubscribe', 'soft_bounce', 'manual')),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    batch bigint,                       -- the mail that it came of, if any
    seq integer,
    note text CHECK (length(note) <= 500),
    created timestamptz NOT NULL,
    expires timestamptz NOT NULL DEFAULT 'infinity',
    removed timestamptz,
    changed xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (project, address, reason),
    CHECK ((batch IS NULL) = (seq IS NULL))
);
CREATE UNIQUE INDEX suppression_id ON suppression (id);
CREATE INDEX suppression_changed ON suppression (changed);
CREATE INDEX suppression_created ON suppression (project, created, id)
    WHERE removed IS NULL;
CREATE INDEX suppression_ended ON suppression (least(removed, expires))
    WHERE least(removed, expires) < 'infinity';

-- Puts addresses on the lists of their projects. All arrays but the first three
-- may be null. Answers with an entry for each address and reason: is_new if it
-- did not stand there already. One that stands lasts as long as the longer of
-- the two; one that has ended begins anew. Safe to repeat, and safe to call from
-- many sessions at once: rows are locked in their order.
CREATE FUNCTION suppress_all(projects bigint[], addresses text[],
                             reasons text[], batches bigint[], seqs integer[],
                             untils timestamptz[], notes text[])
RETURNS TABLE (id uuid, project bigint, address text, reason text,
               is_new boolean)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    started timestamptz := clock_timestamp();
    n bigint;
BEGIN
    INSERT INTO suppression AS s (project, address, reason, batch, seq, note,
                                  created, expires)
    SELECT DISTINCT ON (w.project, lower(w.address COLLATE "C"), w.reason)
        w.project, lower(w.address COLLATE "C"), w.reason, w.batch, w.seq,
        left(w.note, 500), started, coalesce(w.until, 'infinity')
    FROM unnest(projects, addresses, reasons, batches, seqs, untils, notes)
        AS w (project, address, reason, batch, seq, until, note)
    ORDER BY w.project, lower(w.address COLLATE "C"), w.reason,
        coalesce(w.until, 'infinity') DESC
    ON CONFLICT (project, address, reason) DO UPDATE SET
        (id, batch, seq, note, created) =
            (SELECT gen_random_uuid(), excluded.batch, excluded.seq,
                 excluded.note, excluded.created
             WHERE s.removed IS NOT NULL OR s.expires <= started
             UNION ALL SELECT s.id, s.batch, s.seq, s.note, s.created LIMIT 1),
        expires = CASE WHEN s.removed IS NOT NULL THEN excluded.expires
                  ELSE greatest(s.expires, excluded.expires) END,
        removed = NULL, changed = excluded.changed
    WHERE s.removed IS NOT NULL OR s.expires < excluded.expires;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n > 0 THEN
        PERFORM pg_notify('presort_control', 'suppressions');
    END IF;
    RETURN QUERY
    SELECT s.id, s.project, s.address, s.reason, s.created = started
    FROM (SELECT DISTINCT w.project, lower(w.address COLLATE "C") AS address,
              w.reason
          FROM unnest(projects, addresses, reasons)
              AS w (project, address, reason)) w
    JOIN suppression s ON s.project = w.project AND s.address = w.address
        AND s.reason = w.reason;
END $$;

-- The same for one address.
CREATE FUNCTION suppress(of_project bigint, to_address text, because text,
                         of_batch bigint DEFAULT NULL,
                         of_seq integer DEFAULT NULL,
                         until timestamptz DEFAULT NULL,
                         with_note text DEFAULT NULL)
RETURNS TABLE (id uuid, is_new boolean) LANGUAGE sql AS $$
    SELECT a.id, a.is_new
    FROM suppress_all(ARRAY[of_project], ARRAY[to_address], ARRAY[because],
                      ARRAY[of_batch], ARRAY[of_seq], ARRAY[until],
                      ARRAY[with_note]) AS a
$$;

-- Takes entries off a project's list: by their ids, and all of an address.
CREATE FUNCTION unsuppress(of_project bigint, ids uuid[], addresses text[])
RETURNS TABLE (id uuid, address text) LANGUAGE sql AS $$
    WITH gone AS (
        UPDATE suppression s
        SET removed = now(), changed = pg_current_xact_id()
        WHERE s.project = of_project AND s.removed IS NULL
          AND s.expires > now()
          AND (s.id = ANY (ids) OR s.address = ANY (
                  SELECT lower(a COLLATE "C") FROM unnest(addresses) AS a))
        RETURNING s.id, s.address
    ), told AS (
        SELECT pg_notify('presort_control', 'suppressions')
        FROM gone LIMIT 1
    )
    SELECT g.id, g.address FROM gone g LEFT JOIN told ON true
$$;

-- What counts now.
CREATE VIEW suppressed AS
SELECT s.project, s.address, s.reason, s.id, s.batch, s.seq, s.note,
    s.created, s.expires,
    (extract(epoch FROM s.created) * 1000000)::bigint AS created_us,
    CASE WHEN s.expires < 'infinity'
         THEN (extract(epoch FROM s.expires) * 1000000)::bigint
         END AS expires_us
FROM suppression s WHERE s.removed IS NULL AND s.expires > now();
