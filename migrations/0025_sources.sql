-- The local addresses that mail leaves from, by pools, which routes name.
CREATE TABLE source (
    address text PRIMARY KEY CHECK (host(address::inet) = address),
    ehlo text NOT NULL CHECK (ehlo ~ '^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$'),
    pool text NOT NULL CHECK (pool ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    enabled boolean NOT NULL DEFAULT true,
    warm_from date,                     -- first day of its warm-up
    created timestamptz NOT NULL DEFAULT now()
);
CREATE TRIGGER routes_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON source
    FOR EACH STATEMENT EXECUTE FUNCTION routes_changed();

ALTER TABLE route ADD pool text CHECK (pool IS NULL OR via <> 'sandbox');

-- Which of them a site blames, and until when (microseconds since 1970):
-- "192.0.2.1 1795000000000000 192.0.2.2 ...".
ALTER TABLE site_state ADD sources text NOT NULL DEFAULT '';
