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
