-- A sample: some mails of each of some batches, spread over all of them.
-- name: check_sample
WITH batches AS (
    SELECT id, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS n
    FROM batch
    WHERE campaign = $1::uuid AND class = 1 AND carry_batch IS NULL
), chosen AS (
    SELECT id, n FROM batches
    WHERE (place - 1) % greatest((n + 49) / 50, 1) = 0
)
SELECT m.recipient, m.variables
FROM chosen c
CROSS JOIN LATERAL (
    SELECT recipient, variables FROM mail
    WHERE batch = c.id ORDER BY seq
    LIMIT ceil($2::int / least(c.n, 50)::numeric)) AS m
LIMIT $2::int
