-- name: keeper_secret
SELECT encode(secret, 'hex') FROM install
