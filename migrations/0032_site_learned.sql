-- Which campaigns a site blames, and until when, as `sources` has it; and the
-- latest reply that did. retried: what was learned before is void, though a
-- worker that has not heard of it yet may still tell it.
ALTER TABLE site_state
    ADD campaigns text NOT NULL DEFAULT '',
    ADD campaign_why text NOT NULL DEFAULT '',
    ADD retried timestamptz;

-- What either list blames and is not over, for as long as the longer says.
CREATE FUNCTION site_blame(one text, other text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg(b.name || ' ' || b.until, ' ' ORDER BY b.name),
                    '')
    FROM (SELECT m[1] AS name, max(m[2]::bigint) AS until
          FROM regexp_matches(one || ' ' || other, '([^ ]+) ([0-9]+)', 'g') AS m
          GROUP BY m[1]) AS b
    WHERE b.until > extract(epoch FROM now()) * 1000000
$$;

CREATE OR REPLACE FUNCTION site_retry_now(which text) RETURNS bigint
LANGUAGE sql AS $$
    INSERT INTO site_order (site, retried) VALUES (which, now())
    ON CONFLICT (site) DO UPDATE SET retried = now();
    INSERT INTO site_state (site, rate, connections, retried)
    VALUES (which, 0, 0, now())
    ON CONFLICT (site) DO UPDATE
    SET rate = 0, connections = 0, suspended_until = NULL, why = '',
        sources = '', campaigns = '', campaign_why = '', retried = now(),
        updated = now();
    SELECT site_retry(which)
$$;
