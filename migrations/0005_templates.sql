-- Stored templates. A template is edited as a draft; publishing makes that
-- version final, and the next edit begins another.
CREATE TABLE template (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project bigint NOT NULL REFERENCES project,
    alias text CHECK (length(alias) BETWEEN 1 AND 100),
    latest integer NOT NULL DEFAULT 1,  -- the draft, or the last one published
    published integer,                  -- what is sent
    created timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project, alias)
);
CREATE INDEX template_project ON template (project, created DESC, id DESC);

CREATE TABLE template_version (
    template uuid NOT NULL REFERENCES template ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL,
    sender text,
    reply_to json NOT NULL DEFAULT '[]',  -- texts
    subject text,
    html text,
    body_text text,
    variables json NOT NULL DEFAULT '[]', -- [{key, type, fallback_value}]
    inline_css boolean NOT NULL DEFAULT false,
    created timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    published timestamptz,                -- null: a draft
    PRIMARY KEY (template, number)
);

-- What templates include by name, layouts among them.
CREATE TABLE partial (
    project bigint NOT NULL REFERENCES project,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    source text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, name)
);

-- A campaign has a copy of all that it is rendered from, so that no later edit
-- changes what is under way. template says where that came from:
-- {id, version, pinned, fields}; until it is sent, unless pinned, the fields
-- follow what is published.
ALTER TABLE campaign
    ADD template json,
    ADD partials json NOT NULL DEFAULT '{}', -- {name: source}
    ADD defaults json NOT NULL DEFAULT '{}', -- of variables that are missing
    ADD strict_variables boolean NOT NULL DEFAULT false,
    ADD inline_css boolean NOT NULL DEFAULT false;
