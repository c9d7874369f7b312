-- Bounce and complaint rates over sliding windows, and campaigns that pause by
-- themselves.

ALTER TABLE campaign
    ADD paused_reason text,             -- of a pause of its own
    ADD rates_from timestamptz;         -- resumed: what was before is forgiven

-- "Name <local@domain>" or "local@domain"
CREATE FUNCTION sender_domain(sender text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT lower(substring(sender FROM '@([^@>[:space:]]+)>?[[:space:]]*$'))
$$;

-- What was counted of a campaign when it was last looked at.
CREATE TABLE rate_seen (
    campaign uuid PRIMARY KEY,
    delivered bigint NOT NULL,
    bounced bigint NOT NULL,            -- at once
    hard bigint NOT NULL,               -- at once or later
    complained bigint NOT NULL
) WITH (fillfactor = 50);

-- What came to it, by the minute in which it was found: a row for each minute
-- in which anything did.
CREATE TABLE rate (
    campaign uuid NOT NULL,
    minute timestamptz NOT NULL,
    project bigint NOT NULL,
    domain text NOT NULL,               -- of the sender
    delivered bigint NOT NULL,
    bounced bigint NOT NULL,
    hard bigint NOT NULL,
    complained bigint NOT NULL,
    PRIMARY KEY (campaign, minute)
) WITH (fillfactor = 50);
CREATE INDEX rate_project ON rate (project, minute);

-- Once a second, by maintenance: the growth of the counts that workers keep
-- anyway, so that no mail pays for it. Campaigns under way, those just
-- finished, and those of which something was told lately.
CREATE FUNCTION rates_gather() RETURNS void LANGUAGE sql AS $$
    WITH watched AS (
        SELECT id FROM campaign WHERE state IN ('sending', 'paused')
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

-- A campaign's counts within the window, and since it was resumed: in full
-- minutes, so that what led to the pause is not counted again.
CREATE FUNCTION campaign_rate(of_campaign uuid, since timestamptz)
RETURNS TABLE (delivered bigint, bounced bigint, hard bigint,
               complained bigint)
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(delivered), 0)::bigint,
        coalesce(sum(bounced), 0)::bigint, coalesce(sum(hard), 0)::bigint,
        coalesce(sum(complained), 0)::bigint
    FROM rate WHERE campaign = of_campaign AND minute >= since
$$;

-- "3 of 1000 mails complained of (0.30 %) within 24:00:00; the limit is ..."
CREATE FUNCTION rate_reason(n bigint, total bigint, what text,
                            permille integer, seconds bigint)
RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT format('%s of %s mails %s (%s %%) within %s; the limit is %s %%', n,
                  total, what, round(100.0 * n / greatest(total, 1), 2),
                  make_interval(secs => seconds), round(permille / 10.0, 1))
$$;

-- Pauses what bounces or is complained of too much, and nothing else. Limits
-- are in mails of a thousand; 0: none. Answers which, and why.
CREATE FUNCTION rates_pause(bounces integer, complaints integer,
                            least_mails bigint, seconds bigint)
RETURNS TABLE (campaign uuid, reason text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    bad record;
BEGIN
    -- Paused while its last mails were under way: it has nothing left to wait
    -- with, and is ended like others.
    UPDATE campaign c SET state = 'sending', updated = now()
    WHERE c.state = 'paused' AND c.paused_reason IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM batch b WHERE b.campaign = c.id AND b.class = 1
            AND b.state IN ('draft', 'ready', 'claimed', 'paused'));

    FOR bad IN
        SELECT c.id, c.recipients, CASE
            WHEN bounces > 0 AND r.delivered + r.bounced >= least_mails
                 AND r.hard * 1000 > bounces * (r.delivered + r.bounced)
            THEN rate_reason(r.hard, r.delivered + r.bounced,
                             'bounced for good', bounces, seconds)
            WHEN complaints > 0 AND r.delivered >= least_mails
                 AND r.complained * 1000 > complaints * r.delivered
            THEN rate_reason(r.complained, r.delivered, 'were complained of',
                             complaints, seconds)
            END AS reason
        FROM campaign c
        CROSS JOIN LATERAL campaign_rate(c.id, greatest(c.rates_from,
            now() - make_interval(secs => seconds))) r
        WHERE c.state = 'sending'
    LOOP
        CONTINUE WHEN bad.reason IS NULL;
        -- One whose last mails have their outcomes is as good as sent.
        CONTINUE WHEN bad.recipients <= (
            SELECT sum(t.delivered + t.bounced + t.in_doubt + t.expired
                       + t.suppressed + t.cancelled)
            FROM tally t WHERE t.campaign = bad.id);
        PERFORM FROM campaign c WHERE c.id = bad.id AND c.state = 'sending'
        FOR UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        UPDATE campaign c
        SET state = 'paused', paused_reason = bad.reason, updated = now()
        WHERE c.id = bad.id;
        UPDATE batch b SET state = 'paused'
        WHERE b.campaign = bad.id AND b.class = 1 AND b.state = 'ready';
        PERFORM pg_notify('presort_control', 'campaign ' || bad.id);
        campaign := bad.id;
        reason := bad.reason;
        RETURN NEXT;
    END LOOP;
END $$;
