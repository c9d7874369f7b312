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
