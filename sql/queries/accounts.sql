-- Accounts and their keys. Times go out as epoch microseconds, 0 for none.

-- name: account_add (name)
INSERT INTO account (name) VALUES ($1)
ON CONFLICT (name) DO NOTHING
RETURNING id;

-- name: account_list ()
SELECT a.id, a.name,
       (extract(epoch FROM a.created) * 1000000)::bigint AS created,
       (a.disabled IS NOT NULL)::int AS is_disabled, a.is_operator::int AS is_operator,
       (SELECT count(*) FROM api_key k
        WHERE k.account = a.id AND k.revoked IS NULL
          AND (k.expires IS NULL OR k.expires > now())) AS keys
FROM account a
ORDER BY a.name;

-- name: account_disable (name)
-- Its keys come back when it is enabled; its browsers sign in again.
WITH disabled AS (
    UPDATE account SET disabled = coalesce(disabled, now())
    WHERE name = $1
    RETURNING id
), sessions AS (
    DELETE FROM session WHERE account IN (SELECT id FROM disabled)
), links AS (
    DELETE FROM sign_in_link WHERE account IN (SELECT id FROM disabled)
)
SELECT id FROM disabled;

-- name: account_enable (name)
UPDATE account SET disabled = NULL
WHERE name = $1
RETURNING id;

-- name: account_operator (name, is_operator)
UPDATE account SET is_operator = $2::boolean
WHERE name = $1
RETURNING id;

-- name: key_add (account, sha256, hint, label, scopes, lifetime)
-- No row: no such account. lifetime in seconds, NULL for ever.
INSERT INTO api_key (account, sha256, hint, label, scopes, expires)
SELECT id, $2, $3, $4, $5::text[], now() + make_interval(secs => $6::bigint)
FROM account
WHERE name = $1
RETURNING id;

-- name: key_list (account)
-- Of one account, or with NULL of all.
SELECT k.id, a.name AS account, k.hint, k.label,
       array_to_string(k.scopes, ',') AS scopes,
       (extract(epoch FROM k.created) * 1000000)::bigint AS created,
       (extract(epoch FROM coalesce(k.expires, 'epoch')) * 1000000)::bigint AS expires,
       (extract(epoch FROM coalesce(k.revoked, 'epoch')) * 1000000)::bigint AS revoked,
       (extract(epoch FROM coalesce(k.last_used, 'epoch')) * 1000000)::bigint AS last_used,
       CASE WHEN k.revoked IS NOT NULL THEN 'revoked'
            WHEN k.expires <= now() THEN 'expired'
            WHEN a.disabled IS NOT NULL THEN 'disabled'
            ELSE 'active' END AS status
FROM api_key k JOIN account a ON a.id = k.account
WHERE $1::text IS NULL OR a.name = $1
ORDER BY a.name, k.created, k.id;

-- name: key_revoke (key)
-- By id, hint or hash. A hint that fits several keys revokes none of them.
WITH named AS (
    SELECT id FROM api_key WHERE id::text = $1 OR hint = $1 OR sha256 = $1
), revoked AS (
    UPDATE api_key SET revoked = coalesce(revoked, now())
    WHERE id IN (SELECT id FROM named) AND (SELECT count(*) FROM named) = 1
)
SELECT count(*) AS named FROM named;

-- name: key_revoke_own (id, account)
UPDATE api_key SET revoked = coalesce(revoked, now())
WHERE id = $1::uuid AND account = $2::uuid
RETURNING id;

-- name: key_find (sha256)
-- A row only if the key is good now. remaining is in microseconds. is_due: its
-- use is to be noted by key_used, apart from this because a standby only reads.
SELECT a.id AS account, a.name, a.is_operator::int AS is_operator,
       ('read' = ANY (k.scopes))::int AS may_read,
       ('write' = ANY (k.scopes))::int AS may_write,
       (extract(epoch FROM k.expires) * 1000000)::bigint AS expires,
       (extract(epoch FROM k.expires - now()) * 1000000)::bigint AS remaining,
       (k.last_used IS NULL
        OR k.last_used < now() - interval '1 minute')::int AS is_due
FROM api_key k JOIN account a ON a.id = k.account
WHERE k.sha256 = $1 AND k.revoked IS NULL AND a.disabled IS NULL
  AND (k.expires IS NULL OR k.expires > now());

-- name: key_used (sha256)
-- Once a minute, and never waits for another who does the same.
UPDATE api_key SET last_used = now()
WHERE id = (
    SELECT id FROM api_key
    WHERE sha256 = $1
      AND (last_used IS NULL OR last_used < now() - interval '1 minute')
    FOR UPDATE SKIP LOCKED);
