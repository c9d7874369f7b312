-- What recipients' domains demand of TLS, and how it went.

-- What the operator demands: "example.com", or "*.example.com" for all below.
CREATE TABLE tls_rule (
    domain text COLLATE "C" PRIMARY KEY CHECK (domain = lower(domain)
        AND length(domain) BETWEEN 1 AND 255),
    level text NOT NULL CHECK (level IN
        ('none', 'opportunistic', 'required', 'verified')),
    created timestamptz NOT NULL DEFAULT now()
);

-- MTA-STS policies as they were fetched, for all workers.
CREATE TABLE sts_policy (
    domain text COLLATE "C" PRIMARY KEY,
    id text NOT NULL,                   -- of the record that was there then
    mode text NOT NULL CHECK (mode IN ('none', 'testing', 'enforce')),
    mx text NOT NULL,                   -- patterns, one a line
    max_age bigint NOT NULL,            -- seconds
    fetched timestamptz NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX sts_policy_fetched ON sts_policy (fetched);

-- Connections to domains that want reports (RFC 8460), added up.
CREATE TABLE tls_count (
    day date NOT NULL,                  -- UTC
    domain text COLLATE "C" NOT NULL,
    policy text NOT NULL,               -- JSON, as reports have it
    result text NOT NULL,               -- '': TLS as it should be
    sending_ip text NOT NULL,
    mx_host text NOT NULL,
    receiving_ip text NOT NULL,
    reason text NOT NULL,
    sessions bigint NOT NULL
);
CREATE UNIQUE INDEX tls_count_key ON tls_count (day, domain, md5(policy),
    result, sending_ip, mx_host, receiving_ip, md5(reason));

CREATE FUNCTION tls_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('presort_control', 'tls');
    RETURN NULL;
END $$;
CREATE TRIGGER tls_changed
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tls_rule
    FOR EACH STATEMENT EXECUTE FUNCTION tls_changed();
