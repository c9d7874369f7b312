-- name: migrate_lock
-- 'presort migrate' as a number; held by the session, across transactions
SELECT pg_advisory_lock(hashtext('presort migrate'))

-- name: migrate_unlock
SELECT pg_advisory_unlock(hashtext('presort migrate'))

-- name: migrate_table
CREATE TABLE IF NOT EXISTS schema_migration (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied timestamptz NOT NULL DEFAULT now()
)

-- name: migrate_table_exists
SELECT to_regclass('schema_migration') IS NOT NULL

-- name: migrate_applied
SELECT number, name, checksum,
       to_char(applied, 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
FROM schema_migration ORDER BY number

-- name: migrate_record
INSERT INTO schema_migration (number, name, checksum) VALUES ($1, $2, $3)
