-- How many connections there may be at a time for a source address, a campaign,
-- a project or a sender, over all workers: a row each. Limits of sites and
-- relays are divided by lanes instead, and have none.
CREATE TABLE permit (
    scope text NOT NULL,
    name text NOT NULL,
    slot integer NOT NULL,
    worker integer NOT NULL REFERENCES worker ON DELETE CASCADE,
    asked timestamptz, -- when another worker would have had it
    PRIMARY KEY (scope, name, slot)
);
CREATE INDEX permit_worker ON permit (worker);

-- A worker says how many it would hold of each (scope, name), where there may
-- be so many in all, and hears how many it holds, and whether others ask for
-- them. Who has not been seen for lease seconds holds none.
CREATE FUNCTION permits_settle(me integer, lease integer, scopes text[],
                               names text[], limits bigint[], wants integer[])
RETURNS TABLE (scope text, name text, held integer, asked boolean)
LANGUAGE plpgsql AS $$
DECLARE
    r record;
    of_all integer;
    mine integer;
BEGIN
    -- In one order, or two workers would wait for each other.
    FOR r IN SELECT DISTINCT ON (u.s, u.n) u.* FROM
        unnest(scopes, names, limits, wants) AS u (s, n, most, want)
        ORDER BY u.s, u.n
    LOOP
        PERFORM pg_advisory_xact_lock(
            hashtext('presort permits'), hashtext(r.s || ' ' || r.n));
        DELETE FROM permit p WHERE p.scope = r.s AND p.name = r.n
            AND NOT EXISTS (
                SELECT FROM worker w WHERE w.id = p.worker
                AND w.stopped IS NULL
                AND w.seen > now() - make_interval(secs => lease));
        DELETE FROM permit p WHERE p.scope = r.s AND p.name = r.n
            AND p.slot IN (
                SELECT q.slot FROM permit q
                WHERE q.scope = r.s AND q.name = r.n AND q.worker = me
                ORDER BY q.slot OFFSET greatest(r.want, 0));
        SELECT count(*), count(*) FILTER (WHERE p.worker = me)
        INTO of_all, mine
        FROM permit p WHERE p.scope = r.s AND p.name = r.n;
        INSERT INTO permit (scope, name, slot, worker)
        SELECT r.s, r.n, free.slot, me
        FROM generate_series(0, of_all + r.want - mine) AS free (slot)
        WHERE NOT EXISTS (
            SELECT FROM permit p
            WHERE p.scope = r.s AND p.name = r.n AND p.slot = free.slot)
        ORDER BY free.slot
        LIMIT greatest(least(r.want - mine, r.most - of_all), 0);
        SELECT count(*), coalesce(bool_or(
            p.asked > clock_timestamp() - interval '2 seconds'), false)
        INTO held, asked
        FROM permit p
        WHERE p.scope = r.s AND p.name = r.n AND p.worker = me;
        IF held < r.want THEN
            UPDATE permit p SET asked = clock_timestamp()
            WHERE p.scope = r.s AND p.name = r.n AND p.worker <> me
              AND (p.asked IS NULL
                   OR p.asked < clock_timestamp() - interval '300 ms');
        END IF;
        scope := r.s;
        name := r.n;
        RETURN NEXT;
    END LOOP;
END
$$;
