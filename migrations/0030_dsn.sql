-- What a campaign asks of the servers on the way: notices (RFC 3461; null: none
-- asked for), and TLS to the end (RFC 8689).
ALTER TABLE campaign ADD COLUMN dsn json;
ALTER TABLE campaign ADD COLUMN require_tls boolean NOT NULL DEFAULT false;
