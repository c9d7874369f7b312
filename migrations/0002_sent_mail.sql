-- What has become of the n mails from (of_batch, first) on, as the API shows
-- it: a list of objects, the last outcome of each.
CREATE FUNCTION email_recipients(of_batch bigint, first integer, n integer)
RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object(
               'email', m.recipient,
               'outcome', coalesce(o.verdict::text, 'queued'),
               'final', coalesce(o.final, false),
               -- these verdicts have a row, but nobody tried
               'attempts', coalesce(o.attempt - (o.verdict IN
                   ('expired', 'suppressed', 'cancelled'))::int, 0),
               'code', o.code,
               'enhanced_status', o.enhanced,
               'reply', o.reply,
               'mx', o.mx,
               'at', to_char(o.at AT TIME ZONE 'UTC',
                             'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
               ORDER BY m.seq), '[]')
      FROM mail m
      LEFT JOIN LATERAL (
           SELECT * FROM outcome o
            WHERE o.batch = m.batch AND o.seq = m.seq
            ORDER BY o.attempt DESC LIMIT 1) o ON true
     WHERE m.batch = of_batch AND m.seq >= first AND m.seq < first + n
$$;

-- Everything in one partition of mail that went to one address. The planner
-- thinks little of Bloom indexes and much of any condition on the primary
-- key, so it is given neither a choice nor such a condition.
CREATE FUNCTION mail_to(of_partition regclass, address text)
RETURNS TABLE (batch bigint, seq integer, email integer, recipient text)
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET jit = off
SET max_parallel_workers_per_gather = 0 AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT batch, seq, email, recipient FROM %s
          WHERE lower(recipient) = lower($1)', of_partition) USING address;
END $$;
