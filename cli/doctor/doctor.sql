-- The keys that mail from a domain is signed with: its own, or those of the
-- nearest domain above that has some.
-- name: doctor_keys
SELECT k.selector, k.record, k.state = 'next', d.name
FROM dkim_key k JOIN domain d ON d.id = k.domain
WHERE k.state IN ('active', 'next')
  AND d.name = (
    SELECT above.name FROM domain above
    WHERE ($1 = above.name
           OR right($1, length(above.name) + 1) = '.' || above.name)
      AND EXISTS (SELECT FROM dkim_key
                  WHERE domain = above.id AND state = 'active')
    ORDER BY length(above.name) DESC LIMIT 1)
ORDER BY k.state DESC, k.id DESC
LIMIT 8

-- name: doctor_domains
SELECT DISTINCT name FROM domain ORDER BY name

-- name: doctor_sources
SELECT address, ehlo FROM source WHERE enabled ORDER BY pool, address

-- Those that mail from the domain leaves from directly by some route, and those
-- of pools that no route uses, as nobody knows yet: address, is it used.
-- name: doctor_domain_sources
SELECT s.address, EXISTS (SELECT FROM route WHERE pool = s.pool)
FROM source s
WHERE s.enabled
  AND (NOT EXISTS (SELECT FROM route WHERE pool = s.pool)
       OR EXISTS (
        SELECT FROM route r
        WHERE r.pool = s.pool AND r.via = 'direct'
          AND (r.sender IS NULL OR r.sender = $1::text
               OR (left(r.sender, 2) = '*.'
                   AND right($1::text, length(r.sender) - 1)
                       = substr(r.sender, 2)))))
ORDER BY s.pool, s.address
