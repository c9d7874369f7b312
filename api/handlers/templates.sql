-- A template by its id or its alias: with the version asked for, else the one
-- that is published ($5) or the latest. Without such a version its columns are
-- null.
-- name: templates_find
SELECT t.id, t.alias, t.latest, t.published,
    (extract(epoch FROM t.created) * 1000000)::bigint,
    (extract(epoch FROM t.updated) * 1000000)::bigint,
    (extract(epoch FROM p.published) * 1000000)::bigint,
    v.name, v.number, v.id,
    v.sender, v.reply_to, v.subject, v.html, v.body_text,
    (SELECT coalesce(json_agg(json_build_object(
         'id', md5(v.id::text || (x->>'key'))::uuid, 'key', x->'key',
         'type', x->'type', 'fallback_value', x->'fallback_value',
         'created_at', to_char(v.created AT TIME ZONE 'UTC',
                               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
         'updated_at', to_char(v.updated AT TIME ZONE 'UTC',
                               'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         ORDER BY place), '[]')
     FROM json_array_elements(v.variables) WITH ORDINALITY AS y (x, place)),
    v.inline_css
FROM template t
LEFT JOIN template_version p ON p.template = t.id AND p.number = t.published
LEFT JOIN template_version v ON v.template = t.id AND v.number =
    coalesce($4::int, CASE WHEN $5::boolean THEN t.published ELSE t.latest END)
WHERE t.project = $1::bigint AND (t.id = $2::uuid OR t.alias = $3::text)

-- name: templates_lock
SELECT id FROM template WHERE project = $1::bigint AND id = $2::uuid
FOR UPDATE

-- name: templates_create
WITH made AS (
    INSERT INTO template (project, alias) VALUES ($1::bigint, $10::text)
    RETURNING id
)
INSERT INTO template_version (template, number, name, sender, reply_to, subject,
                              html, body_text, variables, inline_css)
SELECT id, 1, $2::text, $3::text, $4::json, $5::text, $6::text, $7::text,
    $8::json, $9::boolean
FROM made RETURNING template

-- What is published stays as it is: an edit begins the next version.
-- name: templates_update
WITH latest AS (
    SELECT t.id, t.latest, v.published IS NOT NULL AS final
    FROM template t
    JOIN template_version v ON v.template = t.id AND v.number = t.latest
    WHERE t.project = $1::bigint AND t.id = $2::uuid
), head AS (
    UPDATE template t
    SET alias = $11::text, latest = l.latest + l.final::int, updated = now()
    FROM latest l WHERE t.id = l.id
)
INSERT INTO template_version AS v (template, number, name, sender, reply_to,
                                   subject, html, body_text, variables,
                                   inline_css)
SELECT id, latest + final::int, $3::text, $4::text, $5::json, $6::text,
    $7::text, $8::text, $9::json, $10::boolean
FROM latest
ON CONFLICT (template, number) DO UPDATE
SET name = excluded.name, sender = excluded.sender,
    reply_to = excluded.reply_to, subject = excluded.subject,
    html = excluded.html, body_text = excluded.body_text,
    variables = excluded.variables, inline_css = excluded.inline_css,
    updated = now()

-- name: templates_publish
WITH head AS (
    UPDATE template SET published = latest, updated = now()
    WHERE project = $1::bigint AND id = $2::uuid
    RETURNING id, latest
)
UPDATE template_version v SET published = coalesce(v.published, now())
FROM head WHERE v.template = head.id AND v.number = head.latest

-- name: templates_duplicate
WITH made AS (
    INSERT INTO template (project)
    SELECT project FROM template
    WHERE project = $1::bigint AND id = $2::uuid
    RETURNING id
)
INSERT INTO template_version (template, number, name, sender, reply_to, subject,
                              html, body_text, variables, inline_css)
SELECT made.id, 1, left(v.name, 180) || ' (copy)', v.sender, v.reply_to,
    v.subject, v.html, v.body_text, v.variables, v.inline_css
FROM made, template t
JOIN template_version v ON v.template = t.id AND v.number = t.latest
WHERE t.project = $1::bigint AND t.id = $2::uuid
RETURNING template

-- name: templates_delete
DELETE FROM template WHERE project = $1::bigint AND id = $2::uuid

-- name: templates_list_after
SELECT t.id, t.alias, t.latest, t.published,
    (extract(epoch FROM t.created) * 1000000)::bigint,
    (extract(epoch FROM t.updated) * 1000000)::bigint,
    (extract(epoch FROM p.published) * 1000000)::bigint,
    v.name, v.number, v.id
FROM template t
LEFT JOIN template_version p ON p.template = t.id AND p.number = t.published
JOIN template_version v ON v.template = t.id AND v.number = t.latest
WHERE t.project = $1::bigint
  AND ($2::uuid IS NULL OR (t.created, t.id) < (
        SELECT o.created, o.id FROM template o
        WHERE o.project = $1::bigint AND o.id = $2::uuid))
ORDER BY t.created DESC, t.id DESC LIMIT $3::int

-- name: templates_list_before
SELECT t.id, t.alias, t.latest, t.published,
    (extract(epoch FROM t.created) * 1000000)::bigint,
    (extract(epoch FROM t.updated) * 1000000)::bigint,
    (extract(epoch FROM p.published) * 1000000)::bigint,
    v.name, v.number, v.id
FROM template t
LEFT JOIN template_version p ON p.template = t.id AND p.number = t.published
JOIN template_version v ON v.template = t.id AND v.number = t.latest
WHERE t.project = $1::bigint
  AND (t.created, t.id) > (
        SELECT o.created, o.id FROM template o
        WHERE o.project = $1::bigint AND o.id = $2::uuid)
ORDER BY t.created, t.id LIMIT $3::int

-- name: templates_versions
SELECT v.number, v.id, v.name, v.number = t.published,
    (extract(epoch FROM v.created) * 1000000)::bigint,
    (extract(epoch FROM v.updated) * 1000000)::bigint,
    (extract(epoch FROM v.published) * 1000000)::bigint
FROM template t JOIN template_version v ON v.template = t.id
WHERE t.project = $1::bigint AND t.id = $2::uuid
  AND ($3::int IS NULL OR v.number < $3::int)
ORDER BY v.number DESC LIMIT $4::int
