-- The EDI staging uploads. Times go out as epoch microseconds.

-- name: upload_begin (id, object, store, receiver, service, owner, label, filename, content_type, retention, reserved)
-- The row before the bytes: object and upload, or neither.
WITH o AS (
    INSERT INTO object (id, store, receiver, service, owner, reserved)
    VALUES ($2::uuid, $3, $4::uuid, $5, $6, $11::bigint)
    RETURNING id
)
INSERT INTO upload (id, service, owner, object, label, filename, content_type, expires)
SELECT $1::uuid, $5, $6, o.id, $7, $8, $9, now() + make_interval(secs => $10::bigint)
FROM o;

-- name: upload_received (object, receiver, label, size, md5, sha1, sha256, sha512, etag, state)
-- The bytes are in the store: whole (stored), or as parts that a job will
-- put together (finishing), which needs their id: a database that fell back to
-- an older state may have lost it. No row: deleted, or given up by others,
-- meanwhile.
WITH o AS (
    UPDATE object
    SET state = $10, receiver = NULL, size = $4::bigint,
        md5 = $5, sha1 = $6, sha256 = $7, sha512 = $8, etag = $9
    WHERE id = $1::uuid AND receiver = $2::uuid AND state = 'receiving'
      AND ($10 = 'stored' OR parts_id IS NOT NULL)
    RETURNING *
), j AS (
    INSERT INTO job (kind, subject)
    SELECT 'upload_finish', id FROM o WHERE state = 'finishing'
)
UPDATE upload u
SET label = $3, status = CASE o.state WHEN 'stored' THEN 'success' ELSE 'pending' END,
    size = o.size
FROM o
WHERE u.object = o.id AND u.status = 'pending'
RETURNING u.id, u.label, u.status, u.filename, u.content_type, u.message,
          (extract(epoch FROM u.created) * 1000000)::bigint AS created,
          (extract(epoch FROM u.expires) * 1000000)::bigint AS expires,
          u.object, o.store, o.size, o.md5, o.sha1, o.sha256, o.sha512,
          NULL::bigint AS acknowledged, NULL::bigint AS declared;

-- name: upload_finished (object, job, fence)
-- The job has put the parts together; nothing happens if its claim is lost.
WITH j AS (
    DELETE FROM job
    WHERE id = $2::bigint AND fence = $3::bigint AND state = 'running'
    RETURNING subject
), o AS (
    UPDATE object SET state = 'stored', receiver = NULL, parts_id = NULL
    FROM j
    WHERE object.id = j.subject AND object.id = $1::uuid AND object.state = 'finishing'
    RETURNING object.id
)
UPDATE upload SET status = 'success'
FROM o
WHERE upload.object = o.id AND upload.status = 'pending'
RETURNING upload.id;

-- name: upload_unfinishable (object, job, fence, message)
-- The job gives up, or finds its upload gone.
WITH j AS (
    DELETE FROM job
    WHERE id = $2::bigint AND fence = $3::bigint
    RETURNING subject
), o AS (
    UPDATE object SET state = 'deleting', receiver = NULL
    FROM j
    WHERE object.id = j.subject AND object.id = $1::uuid AND object.state = 'finishing'
    RETURNING object.id
), r AS (
    UPDATE resumable
    SET state = 'failed', failed_why = $4, expires = now() + interval '7 days'
    FROM o
    WHERE resumable.object = o.id
)
UPDATE upload SET status = 'failure', message = $4
FROM o
WHERE upload.object = o.id AND upload.status = 'pending';

-- name: upload_failed (object, label, message)
-- Only what is still being received: an upload_received whose answer was lost
-- may have taken it for complete, and then a job finishes it.
WITH o AS (
    UPDATE object SET state = 'deleting'
    WHERE id = $1::uuid AND state = 'receiving'
    RETURNING id
)
UPDATE upload SET status = 'failure', label = $2, message = $3
FROM o
WHERE upload.object = o.id AND upload.status = 'pending';

-- text: upload_shown
SELECT u.id, u.label, u.status, u.filename, u.content_type, u.message,
       (extract(epoch FROM u.created) * 1000000)::bigint AS created,
       (extract(epoch FROM coalesce(p.expires, u.expires)) * 1000000)::bigint AS expires,
       o.id AS object, o.store, o.size, o.md5, o.sha1, o.sha256, o.sha512,
       p.acknowledged, p.size AS declared

-- text: upload_rows
FROM upload u LEFT JOIN object o ON o.id = u.object
     LEFT JOIN part_upload p ON p.object = o.id AND o.state = 'gathering'

-- name: upload_find (id, service, owner)
{{upload_shown}}
{{upload_rows}}
WHERE u.id = $1::uuid AND u.service = $2 AND u.owner = $3 AND u.expires > now();

-- text: upload_wanted
u.service = $1 AND u.owner = $2 AND u.expires > now()
  AND ($3::text IS NULL OR u.status = $3)
  AND ($4::text IS NULL
       OR u.sought LIKE '%' || regexp_replace(lower($4), '([\\%_])', '\\\1', 'g') || '%')

-- text: upload_time
timestamptz 'epoch' + $5::bigint * interval '1 microsecond'

-- name: upload_plan ()
-- In the transaction of what follows here: each page is planned for the values
-- that are asked for. One plan for all of them is slow for some.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: upload_search (service, owner)
-- Likewise. Texts can be made in which it takes a minute to find nothing: nobody
-- shall keep a connection for that, and no owner more than four, of all nodes,
-- for searches. No row: four are under way.
SELECT set_config('statement_timeout', '3s', true)
WHERE EXISTS (
    SELECT FROM generate_series(1, 4) place
    WHERE pg_try_advisory_xact_lock(hashtext('search ' || $1 || ' ' || $2), place));

-- name: upload_page_created (service, owner, status, sought, key, id, count)
-- Behind (key, id), in this order; so the others.
{{upload_shown}}
{{upload_rows}}
WHERE {{upload_wanted}}
  AND (u.created, u.id) > ({{upload_time}}, $6::uuid)
ORDER BY u.created, u.id
LIMIT $7::bigint;

-- name: upload_page_created_down (service, owner, status, sought, key, id, count)
{{upload_shown}}
{{upload_rows}}
WHERE {{upload_wanted}}
  AND (u.created, u.id) < ({{upload_time}}, $6::uuid)
ORDER BY u.created DESC, u.id DESC
LIMIT $7::bigint;

-- text: upload_name
left(lower(u.filename), 100) COLLATE "C"

-- name: upload_page_filename (service, owner, status, sought, key, id, count)
{{upload_shown}}, {{upload_name}} AS key
{{upload_rows}}
WHERE {{upload_wanted}}
  AND ({{upload_name}}, u.id) > ($5, $6::uuid)
ORDER BY {{upload_name}}, u.id
LIMIT $7::bigint;

-- name: upload_page_filename_down (service, owner, status, sought, key, id, count)
{{upload_shown}}, {{upload_name}} AS key
{{upload_rows}}
WHERE {{upload_wanted}}
  AND ({{upload_name}}, u.id) < ($5, $6::uuid)
ORDER BY {{upload_name}} DESC, u.id DESC
LIMIT $7::bigint;

-- text: upload_size
coalesce(u.size + 1, 0)

-- name: upload_page_size (service, owner, status, sought, key, id, count)
{{upload_shown}}, {{upload_size}} AS key
{{upload_rows}}
WHERE {{upload_wanted}}
  AND ({{upload_size}}, u.id) > ($5::bigint, $6::uuid)
ORDER BY {{upload_size}}, u.id
LIMIT $7::bigint;

-- name: upload_page_size_down (service, owner, status, sought, key, id, count)
{{upload_shown}}, {{upload_size}} AS key
{{upload_rows}}
WHERE {{upload_wanted}}
  AND ({{upload_size}}, u.id) < ($5::bigint, $6::uuid)
ORDER BY {{upload_size}} DESC, u.id DESC
LIMIT $7::bigint;

-- text: upload_gathering
FROM object o JOIN part_upload p ON p.object = o.id JOIN upload u ON u.object = o.id
WHERE o.service = $1 AND o.owner = $2 AND o.state = 'gathering' AND {{upload_wanted}}

-- name: upload_page_expires (service, owner, status, sought, key, id, count)
-- What is gathering ends with its part upload, of which no index of uploads
-- knows: its page is joined.
({{upload_shown}}
{{upload_rows}}
WHERE {{upload_wanted}} AND p.object IS NULL
  AND (u.expires, u.id) > ({{upload_time}}, $6::uuid)
ORDER BY u.expires, u.id
LIMIT $7::bigint)
UNION ALL
({{upload_shown}}
{{upload_gathering}}
  AND (p.expires, u.id) > ({{upload_time}}, $6::uuid)
ORDER BY p.expires, u.id
LIMIT $7::bigint)
ORDER BY expires, id
LIMIT $7::bigint;

-- name: upload_page_expires_down (service, owner, status, sought, key, id, count)
({{upload_shown}}
{{upload_rows}}
WHERE {{upload_wanted}} AND p.object IS NULL
  AND (u.expires, u.id) < ({{upload_time}}, $6::uuid)
ORDER BY u.expires DESC, u.id DESC
LIMIT $7::bigint)
UNION ALL
({{upload_shown}}
{{upload_gathering}}
  AND (p.expires, u.id) < ({{upload_time}}, $6::uuid)
ORDER BY p.expires DESC, u.id DESC
LIMIT $7::bigint)
ORDER BY expires DESC, id DESC
LIMIT $7::bigint;

-- name: upload_count (service, owner, status, sought, most)
SELECT count(*) AS found
FROM (SELECT FROM upload u WHERE {{upload_wanted}} LIMIT $5::bigint) AS counted;

-- name: upload_delete (id, service, owner)
-- What is still being received is ended by its receiver.
WITH u AS (
    DELETE FROM upload
    WHERE id = $1::uuid AND service = $2 AND owner = $3 AND expires > now()
    RETURNING id, object
), r AS (
    UPDATE resumable SET state = 'deleted', expires = now() + interval '7 days'
    FROM u
    WHERE resumable.id = u.id AND resumable.state IN ('open', 'complete')
)
SELECT id, object_delete(object) FROM u;

-- name: upload_delete_all (ids, service, owner)
-- The same for many. In the order of their ids, so that no two of these wait for
-- each other.
WITH wanted AS (
    SELECT id FROM upload
    WHERE id = ANY ($1::uuid[]) AND service = $2 AND owner = $3 AND expires > now()
    ORDER BY id
    FOR UPDATE
), u AS (
    DELETE FROM upload USING wanted WHERE upload.id = wanted.id
    RETURNING upload.id, upload.object
), r AS (
    UPDATE resumable SET state = 'deleted', expires = now() + interval '7 days'
    FROM u
    WHERE resumable.id = u.id AND resumable.state IN ('open', 'complete')
)
SELECT id, object_delete(object) FROM u;

-- name: upload_downloaded (id)
-- A download that a crash of the database forgets does not matter.
INSERT INTO upload_event (upload, event)
SELECT id, 'downloaded' FROM upload
WHERE id = $1::uuid AND set_config('synchronous_commit', 'off', true) IS NOT NULL
FOR KEY SHARE
ON CONFLICT (upload, event)
DO UPDATE SET last = now(), count = upload_event.count + 1;

-- name: upload_history (id, service, owner)
-- No row: no such upload.
WITH u AS (
    SELECT id, created FROM upload
    WHERE id = $1::uuid AND service = $2 AND owner = $3 AND expires > now()
)
SELECT event, (extract(epoch FROM at) * 1000000)::bigint AS at,
       (extract(epoch FROM last) * 1000000)::bigint AS last, count, detail
FROM (SELECT 'created' AS event, created AS at, created AS last, 1 AS count,
             NULL AS detail, 0 AS place FROM u
      UNION ALL
      SELECT event, at, last, count, detail, 1
      FROM upload_event JOIN u ON upload_event.upload = u.id) AS all_of_them
ORDER BY place, at;

-- name: upload_expire (count)
WITH u AS (
    DELETE FROM upload
    WHERE id IN (SELECT id FROM upload WHERE expires <= now()
                 ORDER BY expires LIMIT $1::bigint FOR UPDATE SKIP LOCKED)
    RETURNING id, object
), r AS (
    UPDATE resumable SET state = 'expired', expires = now() + interval '7 days'
    FROM u
    WHERE resumable.id = u.id AND resumable.state IN ('open', 'complete')
)
SELECT count(*) AS done, count(object_delete(object)) FROM u;

-- name: upload_abandon (count, message)
-- A receiver without a row is dead, and its requests with it; an object
-- without a receiver was let go of.
WITH o AS (
    UPDATE object SET state = 'deleting'
    WHERE id IN (
        SELECT object.id
        FROM object
        WHERE state = 'receiving'
          AND NOT EXISTS (SELECT FROM node WHERE node.id = object.receiver)
        LIMIT $1::bigint FOR UPDATE OF object SKIP LOCKED)
    RETURNING id
), u AS (
    UPDATE upload SET status = 'failure', message = $2
    FROM o
    WHERE upload.object = o.id AND upload.status = 'pending'
)
SELECT count(*) AS done FROM o;
