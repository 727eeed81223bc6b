-- Signing in with a browser. Times go out as epoch microseconds, 0 for none.

-- name: session_add (sha256, realm, subject, name, scopes, how, key, token, expires, idle, lifetime, password)
-- key is the SHA-256 of an API key, expires the end of the proof in epoch
-- microseconds, password the number that the account's had when the proof was
-- looked at; all may be NULL. idle and lifetime are in seconds. Of 50
-- sessions the one that was not seen for longest ends, so that nobody has more.
WITH ended AS (
    DELETE FROM session WHERE sha256 IN (
        SELECT sha256 FROM session WHERE realm = $2 AND subject = $3
        ORDER BY seen DESC OFFSET 49)
)
INSERT INTO session (sha256, realm, subject, name, scopes, how, account, api_key,
                     token, idle_seconds, idle_end, lifetime_end, password_number)
SELECT $1, $2::text, $3::text, $4, $5::text[], $6,
       CASE WHEN $2 = 'account' THEN $3::text::uuid END,
       (SELECT id FROM api_key WHERE sha256 = $7), $8, $10::bigint,
       least(now() + make_interval(secs => $10::bigint), lifetime_end),
       lifetime_end, $12::integer
FROM (SELECT least(now() + make_interval(secs => $11::bigint),
                   to_timestamp($9::bigint / 1000000.0)) AS lifetime_end) ends;

-- name: session_find (sha256)
-- A row only if the session is good now. is_due: session_seen lets it go on,
-- once a minute or ten times within what it waits, apart from this because a
-- standby only reads.
SELECT s.realm, s.subject, s.name, s.how, s.token,
       coalesce(a.is_operator, false)::int AS is_operator,
       ('read' = ANY (s.scopes))::int AS may_read,
       ('write' = ANY (s.scopes))::int AS may_write,
       (extract(epoch FROM s.created) * 1000000)::bigint AS created,
       (extract(epoch FROM s.idle_end) * 1000000)::bigint AS idle_end,
       (extract(epoch FROM s.lifetime_end) * 1000000)::bigint AS lifetime_end,
       (s.seen < now() - least(interval '1 minute',
                               make_interval(secs => s.idle_seconds / 10.0))
       )::int AS is_due
FROM session s
LEFT JOIN account a ON a.id = s.account
LEFT JOIN api_key k ON k.id = s.api_key
WHERE s.sha256 = $1 AND s.idle_end > now()
  AND a.disabled IS NULL AND k.revoked IS NULL
  AND (s.password_number IS NULL OR s.password_number = a.password_number);

-- name: session_seen (sha256)
-- Never waits for another who does the same. What has ended meanwhile stays so.
UPDATE session SET seen = now(),
    idle_end = least(now() + make_interval(secs => idle_seconds), lifetime_end)
WHERE sha256 = (
    SELECT sha256 FROM session WHERE sha256 = $1 AND idle_end > now()
    FOR UPDATE SKIP LOCKED)
RETURNING (extract(epoch FROM idle_end) * 1000000)::bigint AS idle_end;

-- name: session_end (sha256)
DELETE FROM session WHERE sha256 = $1;

-- name: session_end_all (realm, subject)
DELETE FROM session WHERE realm = $1 AND subject = $2;

-- name: session_forget (limit)
-- What has ended, and what nobody will ask for again.
WITH sessions AS (
    DELETE FROM session WHERE sha256 IN (
        SELECT sha256 FROM session WHERE idle_end <= now()
        LIMIT $1::integer FOR UPDATE SKIP LOCKED)
    RETURNING 1
), links AS (
    DELETE FROM sign_in_link WHERE sha256 IN (
        SELECT sha256 FROM sign_in_link WHERE expires <= now()
        LIMIT $1::integer FOR UPDATE SKIP LOCKED)
    RETURNING 1
), browsers AS (
    DELETE FROM known_browser WHERE sha256 IN (
        SELECT sha256 FROM known_browser WHERE seen < now() - interval '90 days'
        LIMIT $1::integer FOR UPDATE SKIP LOCKED)
    RETURNING 1
), failures AS (
    DELETE FROM login_failure WHERE (kind, what) IN (
        SELECT kind, what FROM login_failure
        WHERE failed < now() - interval '1 hour'
        LIMIT $1::integer FOR UPDATE SKIP LOCKED)
    RETURNING 1
)
SELECT greatest((SELECT count(*) FROM sessions), (SELECT count(*) FROM links),
                (SELECT count(*) FROM browsers),
                (SELECT count(*) FROM failures)) AS done;

-- name: password_set (name, password)
-- Whoever knew the old one is shut out; by its number those, too, who come in
-- while this runs.
WITH changed AS (
    UPDATE account SET password = $2, password_number = password_number + 1
    WHERE name = $1
    RETURNING id
), ended AS (
    DELETE FROM session WHERE account IN (SELECT id FROM changed)
), links AS (
    DELETE FROM sign_in_link WHERE account IN (SELECT id FROM changed)
), browsers AS (
    DELETE FROM known_browser WHERE account IN (SELECT id FROM changed)
)
SELECT id FROM changed;

-- name: password_find (name)
SELECT id, name, password, password_number FROM account
WHERE name = $1 AND disabled IS NULL;

-- name: password_rehash (id, old, new)
UPDATE account SET password = $3 WHERE id = $1::uuid AND password = $2;

-- name: known_browser_find (sha256, name)
SELECT b.sha256 FROM known_browser b JOIN account a ON a.id = b.account
WHERE b.sha256 = $1 AND a.name = $2;

-- name: known_browser_add (sha256, account)
-- Again is no error. Of 50 the one that was not seen for longest is forgotten.
WITH forgotten AS (
    DELETE FROM known_browser WHERE sha256 IN (
        SELECT sha256 FROM known_browser
        WHERE account = $2::uuid AND sha256 <> $1
        ORDER BY seen DESC OFFSET 49)
)
INSERT INTO known_browser (sha256, account) VALUES ($1, $2::uuid)
ON CONFLICT (sha256) DO UPDATE SET account = $2::uuid, seen = now();

-- name: login_charge (account, address)
-- Counts an attempt as failed before it is looked at, so that a crowd at the
-- same time is counted as well. Both must be charged, else it has to wait; a
-- failure is forgotten after an hour without another. address may be NULL.
WITH allowed (kind, what, free) AS (
    SELECT * FROM (VALUES ('account', $1, 5), ('address', $2, 20))
                  AS both_of (kind, what, free)
    WHERE what IS NOT NULL
), waiting AS (
    SELECT max(f.until) AS until FROM login_failure f JOIN allowed USING (kind, what)
    WHERE f.until > now()
), charged AS (
    INSERT INTO login_failure AS f (kind, what, count, until)
    SELECT kind, what, 1, '-infinity' FROM allowed
    WHERE (SELECT until FROM waiting) IS NULL
    ON CONFLICT (kind, what) DO UPDATE SET
        count = CASE WHEN f.failed < now() - interval '1 hour' THEN 1
                     ELSE f.count + 1 END,
        until = CASE WHEN f.failed >= now() - interval '1 hour'
                      AND f.count + 1 >= (SELECT free FROM allowed a
                                          WHERE a.kind = f.kind)
                     THEN now() + make_interval(secs => least(900, power(2,
                              least(10, f.count + 1 - (SELECT free FROM allowed a
                                                       WHERE a.kind = f.kind)))))
                     ELSE '-infinity' END,
        failed = now()
    WHERE f.until <= now()
    RETURNING 1
)
SELECT ((SELECT count(*) FROM charged) =
        (SELECT count(*) FROM allowed))::int AS is_charged,
       coalesce(ceil(extract(epoch FROM until - now())), 1)::bigint AS wait
FROM waiting;

-- name: login_refund (account, address, is_right)
-- It was right, or was not looked at after all. What was right clears the
-- account; of the address others may have failed.
WITH cleared AS (
    DELETE FROM login_failure
    WHERE kind = 'account' AND what = $1 AND $3::boolean
)
UPDATE login_failure SET count = greatest(0, count - 1)
WHERE (kind = 'address' AND what = $2)
   OR (kind = 'account' AND what = $1 AND NOT $3::boolean);

-- name: sign_in_link_add (account, sha256, lifetime)
-- No row: no such account, or it is disabled. lifetime in seconds.
INSERT INTO sign_in_link (sha256, account, expires)
SELECT $2, id, now() + make_interval(secs => $3::bigint)
FROM account WHERE name = $1 AND disabled IS NULL
RETURNING sha256;

-- name: sign_in_link_redeem (sha256)
-- Once.
WITH redeemed AS (
    DELETE FROM sign_in_link WHERE sha256 = $1
    RETURNING account, expires
)
SELECT a.id, a.name, a.password_number FROM redeemed r JOIN account a ON a.id = r.account
WHERE r.expires > now() AND a.disabled IS NULL;
