-- Mailboxes that presort-inbound fetches bounces from. Passwords and tokens
-- are not here: only where they are.
CREATE TABLE mailbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    url text NOT NULL CHECK (length(url) <= 1000),
    username text NOT NULL CHECK (length(username) BETWEEN 1 AND 320),
    password_file text NOT NULL DEFAULT '',
    token_command text NOT NULL DEFAULT '',
    done text NOT NULL DEFAULT 'delete', -- delete, leave, or a folder
    ca_file text NOT NULL DEFAULT '',
    created timestamptz NOT NULL DEFAULT now(),
    -- what came of it
    checked timestamptz,
    error text,                         -- null: the last time all went well
    messages bigint NOT NULL DEFAULT 0
);
