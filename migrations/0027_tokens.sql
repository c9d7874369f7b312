-- A relay may name where an OAuth 2 token is had for a refresh token (RFC 6749,
-- 6), in place of a secret. The client's secret and the refresh token are never
-- here, only where they are: file:PATH, env:NAME (of the engine's environment).
ALTER TABLE relay
    DROP CONSTRAINT relay_check1, -- a login has a secret
    ADD COLUMN token_url text CHECK (length(token_url) BETWEEN 1 AND 2047),
    ADD COLUMN client_id text CHECK (length(client_id) BETWEEN 1 AND 511),
    ADD COLUMN client_secret text CHECK (client_secret ~ '^(file:/|env:.)'),
    ADD COLUMN refresh_token text CHECK (refresh_token ~ '^(file:/|env:.)'),
    ADD COLUMN token_scope text CHECK (length(token_scope) BETWEEN 1 AND 2047),
    ADD CONSTRAINT relay_secret_or_token CHECK
        (num_nonnulls(secret, token_url) = (login <> 'none')::int),
    ADD CONSTRAINT relay_token CHECK
        (CASE WHEN token_url IS NULL
              THEN num_nonnulls(client_id, client_secret, refresh_token,
                                token_scope) = 0
              ELSE login = 'xoauth2'
                   AND num_nonnulls(client_id, refresh_token) = 2 END);
