-- name: database_exists
SELECT FROM pg_database WHERE datname = 'presort'

-- name: database_create
CREATE DATABASE presort

-- name: key_lives
SELECT FROM api_key
WHERE hash = sha256(convert_to($1, 'UTF8')) AND revoked IS NULL
