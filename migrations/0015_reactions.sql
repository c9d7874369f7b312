-- What recipients of the n mails from (of_batch, first) on did, as the API
-- shows it. What scanners did is told, but decides nothing.

-- The most that anybody did: opened or clicked; null: nothing.
CREATE FUNCTION email_reaction(of_batch bigint, first integer, n integer)
RETURNS text LANGUAGE sql STABLE AS $$
    SELECT max(e.kind)::text FROM event e
     WHERE e.batch = of_batch AND e.seq >= first AND e.seq < first + n
       AND e.kind IN ('opened', 'clicked') AND NOT e.machine
$$;

-- A list of objects, the newest hundred.
CREATE FUNCTION email_events(of_batch bigint, first integer, n integer)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object(
               'type', e.kind,
               'email', (SELECT m.recipient FROM mail m
                          WHERE m.batch = of_batch AND m.seq = e.seq),
               'at', to_char(e.at AT TIME ZONE 'UTC',
                             'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
               'link', e.link,
               'url', e.url,
               'user_agent', e.agent,
               'machine', e.machine) ORDER BY e.at, e.seq), '[]')
      FROM (SELECT * FROM event v
             WHERE v.batch = of_batch AND v.seq >= first AND v.seq < first + n
             ORDER BY v.at DESC LIMIT 100) e
$$;
