-- What stands on a project's list; the view is in the migrations.

-- name: suppressions_show
SELECT s.id, s.address, s.reason, s.batch, s.seq, s.note, s.created_us,
    s.expires_us
FROM suppressed s WHERE s.project = $1::bigint AND s.id = $2::uuid

-- Of several reasons the one that weighs most.
-- name: suppressions_of
SELECT s.id, s.address, s.reason, s.batch, s.seq, s.note, s.created_us,
    s.expires_us
FROM suppressed s
WHERE s.project = $1::bigint AND s.address = lower($2::text COLLATE "C")
ORDER BY s.reason = 'unsubscribe', s.expires DESC, s.created LIMIT 1

-- A page is one walk along an index, whatever the length of the list.
-- name: suppressions_after
SELECT s.id, s.address, s.reason, s.batch, s.seq, s.note, s.created_us,
    s.expires_us
FROM suppressed s
WHERE s.project = $1::bigint
  AND ($4::text[] IS NULL OR s.reason = ANY ($4::text[]))
  AND (s.created, s.id) < (
        CASE WHEN $2::uuid IS NULL THEN 'infinity' ELSE (
            SELECT o.created FROM suppression o
            WHERE o.project = $1::bigint AND o.id = $2::uuid) END,
        coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
ORDER BY s.created DESC, s.id DESC LIMIT $3::int

-- name: suppressions_before
SELECT s.id, s.address, s.reason, s.batch, s.seq, s.note, s.created_us,
    s.expires_us
FROM suppressed s
WHERE s.project = $1::bigint
  AND ($4::text[] IS NULL OR s.reason = ANY ($4::text[]))
  AND (s.created, s.id) > (
        (SELECT o.created FROM suppression o
         WHERE o.project = $1::bigint AND o.id = $2::uuid), $2::uuid)
ORDER BY s.created, s.id LIMIT $3::int

-- One reason for all of them.
-- name: suppressions_add
SELECT a.id, a.address FROM suppress_all(
    array_fill($1::bigint, ARRAY[cardinality($2::text[])]), $2::text[],
    array_fill($3::text, ARRAY[cardinality($2::text[])]), NULL, NULL,
    array_fill($4::timestamptz, ARRAY[cardinality($2::text[])]),
    array_fill($5::text, ARRAY[cardinality($2::text[])])) AS a

-- name: suppressions_remove
SELECT u.id, u.address
FROM unsuppress($1::bigint, $2::uuid[], $3::text[]) AS u

-- name: suppressions_import
SELECT count(*) FILTER (WHERE a.is_new) FROM suppress_all(
    array_fill($1::bigint, ARRAY[cardinality($2::text[])]), $2::text[],
    $3::text[], NULL, NULL, array_replace($4::text[], '', NULL)::timestamptz[],
    array_replace($5::text[], '', NULL)) AS a
