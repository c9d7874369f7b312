-- Rules for TLS come and go in rounds, as DKIM keys do. A worker claims only
-- while it knows those of the current one: mail that is sent after a rule was
-- set keeps to it.
ALTER TABLE install ADD COLUMN tls_round bigint NOT NULL DEFAULT 0;

CREATE OR REPLACE FUNCTION tls_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE install SET tls_round = tls_round + 1;
    PERFORM pg_notify('presort_control', 'tls');
    RETURN NULL;
END $$;
