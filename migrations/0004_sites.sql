-- Claims by site, where mail goes to many destinations: a throttled site's
-- batches are never looked at.
CREATE INDEX batch_ready_campaign_site ON batch (campaign, site, due, id)
    WHERE state = 'ready' AND class = 1;
CREATE INDEX batch_ready_transactional_site ON batch (site, due)
    WHERE state = 'ready' AND class = 0;
