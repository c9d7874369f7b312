-- What recipients did: opened, clicked, unsubscribed.

ALTER TABLE campaign
    ADD tracking json NOT NULL DEFAULT '{}'; -- {clicks, opens}: true or false;
                                             -- absent: as the settings say

CREATE TYPE event_kind AS ENUM ('opened', 'clicked', 'unsubscribed');

-- machine: the work of a scanner or a proxy, by all appearances. Such events
-- are kept and shown, but not counted.
CREATE TABLE event (
    batch bigint NOT NULL,
    seq integer NOT NULL,
    at timestamptz NOT NULL,
    kind event_kind NOT NULL,
    link integer,                       -- number of the content's link
    url text,                           -- where it led
    agent text,
    machine boolean NOT NULL DEFAULT false
) PARTITION BY RANGE (batch);
CREATE INDEX event_mail ON event (batch, seq, kind);

-- Totals by campaign, kept in the transaction that appends the events. link -1:
-- of no link.
CREATE TABLE event_tally (
    campaign uuid NOT NULL,
    kind event_kind NOT NULL,
    link integer NOT NULL,
    url text,
    total bigint NOT NULL DEFAULT 0,
    mails bigint NOT NULL DEFAULT 0,    -- of how many mails
    machine bigint NOT NULL DEFAULT 0,  -- not in the others
    PRIMARY KEY (campaign, kind, link)
);

-- Events lie in partitions like the mails that they are about.
CREATE OR REPLACE FUNCTION partition_ensure(day date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
    low bigint := batch_id_at(day::timestamp AT TIME ZONE 'UTC');
    high bigint := batch_id_at((day + 1)::timestamp AT TIME ZONE 'UTC');
BEGIN
    FOREACH parent IN ARRAY ARRAY['email', 'mail', 'outcome', 'event'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I
                        FOR VALUES FROM (%s) TO (%s)',
                       child, parent, low, high);
    END LOOP;
END $$;

-- Days that are there already.
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
        WHERE h.inhparent = 'mail'::regclass
    LOOP
        PERFORM partition_ensure(to_date(right(name, 8), 'YYYYMMDD'));
    END LOOP;
END $$;

-- With its mail a day's events go, too.
CREATE OR REPLACE FUNCTION partitions_drop(retention interval) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    name text;
    day date;
    low bigint;
    high bigint;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('presort partitions'));
    FOR name IN
        SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
        WHERE h.inhparent = 'mail'::regclass ORDER BY c.relname
    LOOP
        day := to_date(right(name, 8), 'YYYYMMDD');
        low := batch_id_at(day::timestamp AT TIME ZONE 'UTC');
        high := batch_id_at((day + 1)::timestamp AT TIME ZONE 'UTC');
        EXIT WHEN (day + 1)::timestamp AT TIME ZONE 'UTC' > now() - retention;
        CONTINUE WHEN EXISTS (
            SELECT FROM batch b
            WHERE b.id >= low AND b.id < high
              AND (b.state NOT IN ('done', 'cancelled')
                   OR b.finished > now() - retention));
        CONTINUE WHEN EXISTS (
            SELECT FROM batch b
            WHERE b.state IN ('ready', 'claimed', 'paused')
              AND b.carry_batch IS NOT NULL
              AND (SELECT min(x) FROM unnest(b.carry_batch) AS x) < high);
        EXECUTE format('DROP TABLE %I', 'mail_' || right(name, 8));
        EXECUTE format('DROP TABLE %I', 'email_' || right(name, 8));
        EXECUTE format('DROP TABLE %I', 'outcome_' || right(name, 8));
        EXECUTE format('DROP TABLE %I', 'event_' || right(name, 8));
        DELETE FROM batch b WHERE b.id >= low AND b.id < high;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
