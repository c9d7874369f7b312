-- A campaign that has been paused for long is not added up again and again.

-- By maintenance: the growth of the counts that workers keep
-- anyway, so that no mail pays for it. Campaigns under way, those just
-- paused or finished, and those of which something was told lately.
CREATE OR REPLACE FUNCTION rates_gather() RETURNS void LANGUAGE sql AS $$
    WITH watched AS (
        SELECT id FROM campaign WHERE state = 'sending'
        UNION
        SELECT id FROM campaign
        WHERE state = 'paused' AND updated > now() - interval '5 minutes'
        UNION
        SELECT id FROM campaign WHERE finished > now() - interval '5 minutes'
        UNION
        SELECT campaign FROM failure WHERE told > now() - interval '5 minutes'
    ), counts AS (
        SELECT c.id AS campaign, c.project, t.delivered, t.bounced, f.hard,
            f.complained, coalesce(sender_domain(c.sender), '') AS domain
        FROM watched w JOIN campaign c USING (id)
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(delivered), 0)::bigint AS delivered,
                coalesce(sum(bounced), 0)::bigint AS bounced
            FROM tally WHERE campaign = c.id) t
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(bounced + later) FILTER
                       (WHERE category_is_hard(category)), 0)::bigint AS hard,
                coalesce(sum(later) FILTER
                       (WHERE category = 'complaint'), 0)::bigint AS complained
            FROM failure WHERE campaign = c.id) f
    ), grown AS (
        SELECT c.campaign, c.project, c.domain,
            c.delivered - coalesce(s.delivered, 0) AS delivered,
            c.bounced - coalesce(s.bounced, 0) AS bounced,
            c.hard - coalesce(s.hard, 0) AS hard,
            c.complained - coalesce(s.complained, 0) AS complained
        FROM counts c LEFT JOIN rate_seen s USING (campaign)
        WHERE (c.delivered, c.bounced, c.hard, c.complained) IS DISTINCT FROM
              (coalesce(s.delivered, 0), coalesce(s.bounced, 0),
               coalesce(s.hard, 0), coalesce(s.complained, 0))
    ), seen AS (
        INSERT INTO rate_seen AS s (campaign, delivered, bounced, hard,
                                    complained)
        SELECT campaign, delivered, bounced, hard, complained FROM grown
        ON CONFLICT (campaign) DO UPDATE
        SET delivered = s.delivered + excluded.delivered,
            bounced = s.bounced + excluded.bounced,
            hard = s.hard + excluded.hard,
            complained = s.complained + excluded.complained
    )
    INSERT INTO rate AS r (campaign, minute, project, domain, delivered,
                           bounced, hard, complained)
    SELECT campaign, date_trunc('minute', now()), project, domain, delivered,
        bounced, hard, complained
    FROM grown
    ON CONFLICT (campaign, minute) DO UPDATE
    SET delivered = r.delivered + excluded.delivered,
        bounced = r.bounced + excluded.bounced,
        hard = r.hard + excluded.hard,
        complained = r.complained + excluded.complained
$$;
