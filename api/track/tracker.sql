-- What is too quick for a person is a machine's: within seconds of delivery, or
-- three links of a mail within two seconds.
-- name: tracker_events
WITH given AS (
    SELECT e.batch, e.seq, to_timestamp(e.at / 1000000.0) AS at,
        e.kind::event_kind AS kind, e.link, e.url, e.agent, e.machine
    FROM json_to_recordset($1::json)
        AS e (batch bigint, seq integer, at bigint, kind text, link integer,
              url text, agent text, machine boolean)
    WHERE EXISTS (SELECT FROM mail m
                  WHERE m.batch = e.batch AND m.seq = e.seq)
), judged AS (
    SELECT batch, seq, at, kind, link, url, agent,
        machine
        OR EXISTS (SELECT FROM outcome o
                   WHERE o.batch = g.batch AND o.seq = g.seq
                     AND o.verdict = 'delivered'
                     AND g.at < o.at + make_interval(secs => $2::int))
        OR (kind = 'clicked' AND 3 <= (
                SELECT count(DISTINCT n.link)
                FROM (SELECT x.batch, x.seq, x.kind, x.link, x.at FROM given x
                      UNION ALL
                      SELECT v.batch, v.seq, v.kind, v.link, v.at FROM event v
                      WHERE v.batch = g.batch AND v.seq = g.seq) AS n
                WHERE n.batch = g.batch AND n.seq = g.seq
                  AND n.kind = 'clicked'
                  AND n.at BETWEEN g.at - interval '2 seconds'
                               AND g.at + interval '2 seconds'))
            AS machine
    FROM given g
), written AS (
    INSERT INTO event (batch, seq, at, kind, link, url, agent, machine)
    SELECT batch, seq, at, kind, link, url, agent, machine FROM judged
)
INSERT INTO event_tally AS t (campaign, kind, link, url, total, mails, machine)
SELECT b.campaign, e.kind, l.link, max(e.url) FILTER (WHERE l.link >= 0),
    count(*) FILTER (WHERE NOT e.machine),
    count(DISTINCT (e.batch, e.seq)) FILTER (
        WHERE NOT e.machine AND NOT EXISTS (
            SELECT FROM event o
            WHERE o.batch = e.batch AND o.seq = e.seq AND o.kind = e.kind
              AND NOT o.machine AND (l.link < 0 OR o.link = l.link))),
    count(*) FILTER (WHERE e.machine)
FROM judged e
JOIN batch b ON b.id = e.batch
CROSS JOIN LATERAL (VALUES (-1), (e.link)) AS l (link)
WHERE b.campaign IS NOT NULL AND l.link IS NOT NULL
GROUP BY b.campaign, e.kind, l.link
ORDER BY b.campaign, e.kind, l.link
ON CONFLICT (campaign, kind, link) DO UPDATE
SET total = t.total + excluded.total, mails = t.mails + excluded.mails,
    machine = t.machine + excluded.machine
