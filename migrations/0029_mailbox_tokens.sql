-- A mailbox may name where an OAuth 2 token is had for a refresh token, as a
-- relay may; '' where it does not.
ALTER TABLE mailbox
    ADD COLUMN token_url text NOT NULL DEFAULT '',
    ADD COLUMN client_id text NOT NULL DEFAULT '',
    ADD COLUMN client_secret text NOT NULL DEFAULT '',
    ADD COLUMN refresh_token text NOT NULL DEFAULT '',
    ADD COLUMN token_scope text NOT NULL DEFAULT '',
    -- Secrets themselves are never here.
    ADD CHECK (client_secret ~ '^(|file:/.*|env:.+)$'),
    ADD CHECK (refresh_token ~ '^(|file:/.*|env:.+)$');
