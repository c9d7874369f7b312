-- The queue and what stands around it. See docs/queue.md.

-- What this installation signs mail names with (base/mailid).
CREATE TABLE install (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret bytea NOT NULL CHECK (length(secret) = 32),
    created timestamptz NOT NULL DEFAULT now()
);
INSERT INTO install (secret)
VALUES (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
               || uuid_send(gen_random_uuid())));

CREATE TABLE project (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    created timestamptz NOT NULL DEFAULT now()
);
INSERT INTO project (name) VALUES ('default');

CREATE TABLE api_key (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project bigint NOT NULL REFERENCES project,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    prefix text NOT NULL,               -- shown in lists: re_ and 8 characters
    hash bytea NOT NULL UNIQUE,         -- SHA-256 of the whole key
    scope text NOT NULL CHECK (scope IN ('full', 'sending')),
    rate_limit_per_second integer CHECK (rate_limit_per_second > 0),
    created timestamptz NOT NULL DEFAULT now(),
    last_used timestamptz,
    revoked timestamptz
);

CREATE TABLE idempotency (
    project bigint NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,        -- SHA-256 of method, path and body
    status integer NOT NULL,
    response text NOT NULL,
    created timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, key)
);
CREATE INDEX idempotency_created ON idempotency (created);

CREATE TABLE campaign (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project bigint NOT NULL REFERENCES project,
    name text NOT NULL,
    sender text NOT NULL,               -- "Name <local@domain>"
    reply_to text[] NOT NULL DEFAULT '{}',
    subject text NOT NULL,
    html text,
    body_text text,
    headers json NOT NULL DEFAULT '{}', -- {name: value}
    tags json NOT NULL DEFAULT '[]',    -- [{name, value}]
    weight integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000),
    expire_seconds integer CHECK (expire_seconds > 0),
    state text NOT NULL DEFAULT 'draft' CHECK (state IN
        ('draft', 'scheduled', 'sending', 'paused', 'cancelled', 'sent')),
    recipients bigint NOT NULL DEFAULT 0,
    duplicates bigint NOT NULL DEFAULT 0, -- folded at upload
    resend_of uuid,
    created timestamptz NOT NULL DEFAULT now(),
    updated timestamptz NOT NULL DEFAULT now(),
    scheduled_at timestamptz,
    started timestamptz,                -- when sending was asked for or due
    finished timestamptz
);
CREATE INDEX campaign_project ON campaign (project, created DESC, id DESC);
CREATE INDEX campaign_open ON campaign (state)
    WHERE state IN ('scheduled', 'sending', 'paused');

-- Who is in a campaign already, so that duplicates fold while it is uploaded.
-- Removed once the campaign is sent. address is a 128-bit hash of the
-- lower-case address, keyed by the installation's secret.
CREATE TABLE audience (
    campaign uuid NOT NULL,
    address uuid NOT NULL,
    PRIMARY KEY (campaign, address)
);

-- One row per engine process; its slot is a state directory and a number, so
-- that a restarted worker knows its own batches.
CREATE TABLE worker (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slot text NOT NULL UNIQUE,
    host text NOT NULL,
    pid integer NOT NULL,
    started timestamptz NOT NULL DEFAULT now(),
    seen timestamptz NOT NULL DEFAULT now(),
    stopped timestamptz
);

-- Batch ids are time-ordered: milliseconds since 2020 and 20 bits of a
-- sequence. The same arithmetic as mailid_batch() in engine/base/mailid.c.
CREATE SEQUENCE batch_number MINVALUE 0 MAXVALUE 1048575 CYCLE CACHE 32;

CREATE FUNCTION batch_id_at(at timestamptz, number bigint DEFAULT 0)
RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT (((floor(extract(epoch FROM at) * 1000))::bigint - 1577836800000)
            << 20) | (number & 1048575)
$$;

CREATE FUNCTION next_batch_id()
RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT batch_id_at(clock_timestamp(), nextval('batch_number'))
$$;

CREATE FUNCTION batch_time(id bigint)
RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT to_timestamp(((id >> 20) + 1577836800000) / 1000.0)
$$;

CREATE TABLE batch (
    id bigint PRIMARY KEY,
    project bigint NOT NULL,
    campaign uuid,                      -- null: transactional
    class smallint NOT NULL,            -- 0 transactional, 1 campaign
    site text NOT NULL,                 -- 'google', 'example.com', 'other'
    size integer NOT NULL,              -- mails in it or carried by it
    state text NOT NULL CHECK (state IN
        ('draft', 'ready', 'claimed', 'done', 'paused', 'cancelled')),
    due timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    worker integer,
    lease timestamptz,
    claims integer NOT NULL DEFAULT 0,  -- more than 1: a worker lost it
    tries smallint NOT NULL DEFAULT 0,  -- attempts that its mails have behind them
    doubts smallint NOT NULL DEFAULT 0, -- of these, lost after the final dot
    carry_batch bigint[],               -- re-sorted: the mails it carries
    carry_seq integer[],
    finished timestamptz,
    CHECK ((campaign IS NULL) = (class = 0)),
    CHECK ((carry_batch IS NULL) = (carry_seq IS NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX batch_ready_transactional ON batch (due)
    WHERE state = 'ready' AND class = 0;
CREATE INDEX batch_ready_campaign ON batch (campaign, due, id)
    WHERE state = 'ready' AND class = 1;
CREATE INDEX batch_claimed ON batch (worker) WHERE state = 'claimed';
CREATE INDEX batch_open ON batch (campaign)
    WHERE class = 1 AND state IN ('draft', 'ready', 'claimed', 'paused');
CREATE INDEX batch_expires ON batch (expires) WHERE state IN ('ready', 'paused');
CREATE INDEX batch_campaign ON batch (campaign, id) WHERE class = 1;
CREATE INDEX batch_project ON batch (project, id)
    WHERE class = 0 AND carry_batch IS NULL;

-- A transactional mail's content, as it was accepted. (batch, seq) is its
-- first mail's name, and in its public form the id that POST /emails answers.
CREATE TABLE email (
    batch bigint NOT NULL,
    seq integer NOT NULL,
    content json NOT NULL,
    recipients integer NOT NULL,        -- mails: seq .. seq + recipients - 1
    created timestamptz NOT NULL,
    PRIMARY KEY (batch, seq)
) PARTITION BY RANGE (batch);

-- One mail to one recipient. Written once, never updated.
CREATE TABLE mail (
    batch bigint NOT NULL,
    seq integer NOT NULL,
    email integer,                      -- email.seq; null: the campaign's content
    recipient text NOT NULL,
    variables json,
    PRIMARY KEY (batch, seq)
) PARTITION BY RANGE (batch);
-- "What was sent to this address?" A Bloom filter per 32 pages costs the write
-- path next to nothing; a B-tree would cost a random page per mail.
CREATE INDEX mail_recipient ON mail USING brin
    (lower(recipient) text_bloom_ops
        (n_distinct_per_range = 3000, false_positive_rate = 0.001))
    WITH (pages_per_range = 32, autosummarize = off);

-- in_doubt: lost after the final dot. It is final once it is not sent again.
CREATE TYPE verdict AS ENUM ('delivered', 'deferred', 'bounced', 'in_doubt',
                             'expired', 'suppressed', 'cancelled');
CREATE TYPE reach AS ENUM ('recipient', 'message', 'host', 'site');

CREATE TABLE outcome (
    batch bigint NOT NULL,
    seq integer NOT NULL,
    attempt smallint NOT NULL,          -- 1, 2, ...
    at timestamptz NOT NULL,
    verdict verdict NOT NULL,
    final boolean NOT NULL,             -- exactly one a mail
    reach reach,
    code smallint,                      -- SMTP reply code; null: no reply
    enhanced text,                      -- "5.1.1"
    step text,                          -- what was answered: "RCPT TO"
    reply text,
    mx text,                            -- host:port spoken to
    source text,                        -- local address
    worker integer,
    claimed_ms integer,                 -- from due to claim
    waited_ms integer,                  -- from claim to MAIL FROM
    took_ms integer,                    -- from MAIL FROM to the outcome
    PRIMARY KEY (batch, seq, attempt)
) PARTITION BY RANGE (batch);

-- Totals by campaign and site, kept by each worker for itself in the same
-- transaction as the outcomes, so that they add up and nobody waits.
-- worker 0: written by maintenance and by the API (expired, cancelled).
CREATE TABLE tally (
    campaign uuid NOT NULL,
    site text NOT NULL,
    worker integer NOT NULL,
    delivered bigint NOT NULL DEFAULT 0,
    deferred bigint NOT NULL DEFAULT 0, -- attempts, not mails
    bounced bigint NOT NULL DEFAULT 0,
    in_doubt bigint NOT NULL DEFAULT 0, -- final ones
    doubted bigint NOT NULL DEFAULT 0,  -- attempts that were sent again
    expired bigint NOT NULL DEFAULT 0,
    suppressed bigint NOT NULL DEFAULT 0,
    cancelled bigint NOT NULL DEFAULT 0,
    last timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign, site, worker)
) WITH (fillfactor = 50);

-- Which provider takes a domain's mail. Learned from MX records by the route
-- stage; these are known before any look-up.
CREATE TABLE site (
    domain text PRIMARY KEY CHECK (domain = lower(domain)),
    site text NOT NULL
);
INSERT INTO site (domain, site) VALUES
    ('gmail.com', 'google'), ('googlemail.com', 'google'),
    ('outlook.com', 'microsoft'), ('hotmail.com', 'microsoft'),
    ('live.com', 'microsoft'), ('msn.com', 'microsoft'),
    ('hotmail.co.uk', 'microsoft'), ('hotmail.fr', 'microsoft'),
    ('outlook.de', 'microsoft'), ('outlook.fr', 'microsoft'),
    ('yahoo.com', 'yahoo'), ('ymail.com', 'yahoo'),
    ('rocketmail.com', 'yahoo'), ('aol.com', 'yahoo'),
    ('yahoo.co.uk', 'yahoo'), ('yahoo.fr', 'yahoo'), ('yahoo.de', 'yahoo'),
    ('icloud.com', 'apple'), ('me.com', 'apple'), ('mac.com', 'apple'),
    ('gmx.de', 'gmx'), ('gmx.net', 'gmx'), ('gmx.at', 'gmx'),
    ('gmx.ch', 'gmx'), ('gmx.com', 'gmx'), ('web.de', 'gmx'),
    ('orange.fr', 'orange'), ('wanadoo.fr', 'orange'),
    ('comcast.net', 'comcast'),
    ('mail.ru', 'mail.ru'), ('bk.ru', 'mail.ru'), ('inbox.ru', 'mail.ru'),
    ('list.ru', 'mail.ru'), ('internet.ru', 'mail.ru'),
    ('yandex.ru', 'yandex'), ('yandex.com', 'yandex'), ('ya.ru', 'yandex'),
    ('qq.com', 'qq'), ('foxmail.com', 'qq'),
    ('163.com', 'netease'), ('126.com', 'netease'), ('yeah.net', 'netease'),
    ('proton.me', 'proton'), ('protonmail.com', 'proton'), ('pm.me', 'proton'),
    ('zoho.com', 'zoho'), ('zohomail.com', 'zoho'),
    ('fastmail.com', 'fastmail'), ('fastmail.fm', 'fastmail');

-- One partition a day, of mail, email and outcome alike, named by the day.
CREATE FUNCTION partition_ensure(day date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    parent text;
    child text;
    low bigint := batch_id_at(day::timestamp AT TIME ZONE 'UTC');
    high bigint := batch_id_at((day + 1)::timestamp AT TIME ZONE 'UTC');
BEGIN
    FOREACH parent IN ARRAY ARRAY['email', 'mail', 'outcome'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I PARTITION OF %I
                        FOR VALUES FROM (%s) TO (%s)',
                       child, parent, low, high);
    END LOOP;
END $$;

-- Yesterday to a week ahead. Safe to call from several processes at once.
CREATE FUNCTION partitions_ensure() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('presort partitions'));
    FOR ahead IN -1 .. 7 LOOP
        PERFORM partition_ensure(today + ahead);
    END LOOP;
END $$;
SELECT partitions_ensure();

-- Drop the days whose mail has been final for longer than the retention. A day
-- that holds anything unfinished, or that a re-sorted batch still carries
-- from, stays.
CREATE FUNCTION partitions_drop(retention interval) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    name text;
    day date;
    low bigint;
    high bigint;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('presort partitions'));
    FOR name IN
        SELECT c.relname FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
        WHERE h.inhparent = 'mail'::regclass ORDER BY c.relname
    LOOP
        day := to_date(right(name, 8), 'YYYYMMDD');
        low := batch_id_at(day::timestamp AT TIME ZONE 'UTC');
        high := batch_id_at((day + 1)::timestamp AT TIME ZONE 'UTC');
        EXIT WHEN (day + 1)::timestamp AT TIME ZONE 'UTC' > now() - retention;
        CONTINUE WHEN EXISTS (
            SELECT FROM batch b
            WHERE b.id >= low AND b.id < high
              AND (b.state NOT IN ('done', 'cancelled')
                   OR b.finished > now() - retention));
        CONTINUE WHEN EXISTS (
            SELECT FROM batch b
            WHERE b.state IN ('ready', 'claimed', 'paused')
              AND b.carry_batch IS NOT NULL
              AND (SELECT min(x) FROM unnest(b.carry_batch) AS x) < high);
        EXECUTE format('DROP TABLE %I', 'mail_' || right(name, 8));
        EXECUTE format('DROP TABLE %I', 'email_' || right(name, 8));
        EXECUTE format('DROP TABLE %I', 'outcome_' || right(name, 8));
        DELETE FROM batch b WHERE b.id >= low AND b.id < high;
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
