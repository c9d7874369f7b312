-- Keys come and go in rounds. A worker claims only while it knows those of the
-- current one: mail that was accepted after a key was made is signed with it.
ALTER TABLE install ADD COLUMN dkim_round bigint NOT NULL DEFAULT 0;

CREATE FUNCTION dkim_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE install SET dkim_round = dkim_round + 1;
    PERFORM pg_notify('presort_control', 'dkim');
    RETURN NULL;
END $$;

CREATE TRIGGER dkim_key_changed AFTER INSERT OR UPDATE OR DELETE ON dkim_key
    FOR EACH STATEMENT EXECUTE FUNCTION dkim_key_changed();
