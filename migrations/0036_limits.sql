-- The name that a limit is kept by: a project is said by its name, too, and a
-- site by any domain whose mail goes there.
CREATE FUNCTION limit_name(scope text, said text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        CASE scope
            WHEN 'project' THEN (SELECT p.id::text FROM project p
                                 WHERE p.name = said)
            WHEN 'site' THEN (SELECT s.site FROM site s
                              WHERE s.domain = lower(said))
        END, said)
$$;

-- A limit, whose text was, becomes another one, or with '' is none.
-- Returns what it is now, for people; null: somebody else was faster.
CREATE FUNCTION limit_change(of_scope text, said text, was text, becomes text)
RETURNS text LANGUAGE sql AS $$
    WITH rule AS (
        SELECT limit_name(of_scope, said) AS name
    ), gone AS (
        DELETE FROM limit_rule l USING rule
        WHERE becomes = '' AND l.scope = of_scope AND l.name = rule.name
          AND l.limits = was
        RETURNING 1
    ), changed AS (
        UPDATE limit_rule l SET limits = becomes, updated = now()
        FROM rule
        WHERE becomes <> '' AND l.scope = of_scope AND l.name = rule.name
          AND l.limits = was
        RETURNING 1
    ), added AS (
        INSERT INTO limit_rule (scope, name, limits)
        SELECT of_scope, rule.name, becomes FROM rule
        WHERE becomes <> '' AND was = ''
        ON CONFLICT (scope, name) DO NOTHING
        RETURNING 1
    )
    SELECT of_scope || ' ' || rule.name || ': '
        || coalesce(nullif(becomes, ''), 'no limits of its own')
    FROM rule
    WHERE EXISTS (SELECT FROM gone) OR EXISTS (SELECT FROM changed)
       OR EXISTS (SELECT FROM added) OR (was = '' AND becomes = '')
$$;
