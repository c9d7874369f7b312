-- What a domain's owner is to publish, and what of it was found. The API asks
-- for keys and look-ups, an engine does both: it writes records and status.

ALTER TABLE domain
    ADD COLUMN uid uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    ADD COLUMN keys_wanted text
        CHECK (keys_wanted IN ('rsa2048', 'ed25519', 'both')),
    ADD COLUMN verify_wanted timestamptz,
    ADD COLUMN verify_asked timestamptz,        -- first, for how often to look
    ADD COLUMN stale boolean NOT NULL DEFAULT true, -- records are to be remade
    ADD COLUMN claimed timestamptz,             -- an engine is at it
    ADD COLUMN checked timestamptz,
    ADD COLUMN status text NOT NULL DEFAULT 'not_started'
        CHECK (status IN ('not_started', 'pending', 'verified',
                          'partially_verified', 'failed')),
    ADD COLUMN records jsonb;                   -- NULL: not yet made
