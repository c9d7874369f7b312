-- The domains that a project sends from, and what their mail is signed with.

CREATE TABLE domain (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project bigint NOT NULL REFERENCES project,
    name text NOT NULL CHECK (name = lower(name)
                              AND length(name) BETWEEN 1 AND 253),
    created timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project, name)
);

CREATE TABLE dkim_key (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain bigint NOT NULL REFERENCES domain ON DELETE CASCADE,
    selector text NOT NULL CHECK (length(selector) BETWEEN 1 AND 253),
    algorithm text NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    record text NOT NULL,               -- the public half, as DNS has it
    sealed bytea,                       -- the private half: sign/seal
    state text NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    created timestamptz NOT NULL DEFAULT now(),
    activated timestamptz,
    retired timestamptz,
    UNIQUE (domain, selector),
    CHECK ((state = 'retired') = (sealed IS NULL))
);
