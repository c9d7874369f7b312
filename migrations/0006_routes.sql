-- How mail leaves: by rules, the first that matches. Without any, the setting
-- `relay` says it for all.

-- A smarthost. The secret itself is never here, only where it is:
-- file:PATH, env:NAME (of the engine's environment), command:LINE.
CREATE TABLE relay (
    name text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    servers text NOT NULL CHECK (length(servers) BETWEEN 1 AND 2048),
    tls text NOT NULL DEFAULT 'opportunistic' CHECK (tls IN
        ('none', 'opportunistic', 'required', 'verified')),
    login text NOT NULL DEFAULT 'none' CHECK (login IN
        ('none', 'auto', 'plain', 'login', 'scram-sha-256', 'xoauth2')),
    username text CHECK (length(username) <= 320),
    secret text CHECK (secret ~ '^(file|env|command):.'),
    created timestamptz NOT NULL DEFAULT now(),
    CHECK ((login = 'none') = (username IS NULL)),
    CHECK ((login = 'none') = (secret IS NULL))
);

CREATE TABLE route (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place integer NOT NULL DEFAULT 100,  -- lower ones are looked at first
    project bigint REFERENCES project,   -- null: any
    class smallint CHECK (class IN (0, 1)),
    sender text,                         -- domain, or *.domain for all below
    recipient text,                      -- the same
    via text NOT NULL CHECK (via IN ('direct', 'sandbox', 'relay')),
    relay text REFERENCES relay,
    fallback text REFERENCES relay,      -- where no mail server can be reached
    created timestamptz NOT NULL DEFAULT now(),
    CHECK ((via = 'relay') = (relay IS NOT NULL)),
    CHECK (fallback IS NULL OR via = 'direct'),
    CHECK (sender = lower(sender) AND recipient = lower(recipient))
);

-- Workers hear of changes at once.
CREATE FUNCTION routes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('presort_control', 'routes');
    RETURN NULL;
END $$;
CREATE TRIGGER routes_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON route
    FOR EACH STATEMENT EXECUTE FUNCTION routes_changed();
CREATE TRIGGER routes_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON relay
    FOR EACH STATEMENT EXECUTE FUNCTION routes_changed();
