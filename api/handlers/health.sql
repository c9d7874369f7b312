-- name: health_schema
SELECT coalesce(max(number), 0) FROM schema_migration
