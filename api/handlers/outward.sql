-- Relays, routes and sources are changed one request after the other: what was
-- looked at, and how many there are, holds until the commit.
-- name: outward_lock
SELECT pg_advisory_xact_lock(hashtext('presort outward'))
