-- The EDI staging uploads. Times go out as epoch microseconds.

-- name: upload_begin (id, object, store, receiver, service, owner, label, filename, content_type, retention)
-- The row before the bytes: object and upload, or neither.
WITH o AS (
    INSERT INTO object (id, store, receiver)
    VALUES ($2::uuid, $3, $4::uuid)
    RETURNING id
)
INSERT INTO upload (id, service, owner, object, label, filename, content_type, expires)
SELECT $1::uuid, $5, $6, o.id, $7, $8, $9, now() + make_interval(secs => $10::bigint)
FROM o;

-- name: upload_received (object, receiver, label, size, md5, sha1, sha256, etag, state)
-- The bytes are in the store: whole (stored), or as parts that a job will
-- put together (finishing), which needs their id: a database that fell back to
-- an older state may have lost it. No row: deleted, or given up by others,
-- meanwhile.
WITH o AS (
    UPDATE object
    SET state = $9, receiver = NULL, size = $4::bigint, md5 = $5, sha1 = $6, sha256 = $7, etag = $8
    WHERE id = $1::uuid AND receiver = $2::uuid AND state = 'receiving'
      AND ($9 = 'stored' OR parts_id IS NOT NULL)
    RETURNING *
), j AS (
    INSERT INTO job (kind, subject)
    SELECT 'upload_finish', id FROM o WHERE state = 'finishing'
)
UPDATE upload u
SET label = $3, status = CASE o.state WHEN 'stored' THEN 'success' ELSE 'pending' END
FROM o
WHERE u.object = o.id AND u.status = 'pending'
RETURNING u.id, u.label, u.status, u.filename, u.content_type, u.message,
          (extract(epoch FROM u.created) * 1000000)::bigint AS created,
          (extract(epoch FROM u.expires) * 1000000)::bigint AS expires,
          u.object, o.store, o.size, o.md5, o.sha1, o.sha256;

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

-- name: upload_find (id, service, owner)
SELECT u.id, u.label, u.status, u.filename, u.content_type, u.message,
       (extract(epoch FROM u.created) * 1000000)::bigint AS created,
       (extract(epoch FROM u.expires) * 1000000)::bigint AS expires,
       o.id AS object, o.store, o.size, o.md5, o.sha1, o.sha256
FROM upload u LEFT JOIN object o ON o.id = u.object
WHERE u.id = $1::uuid AND u.service = $2 AND u.owner = $3 AND u.expires > now();

-- name: upload_page (service, owner, status, before_created, before_id, count)
-- Newest first, from behind (created, id) on.
SELECT u.id, u.label, u.status, u.filename, u.content_type, u.message,
       (extract(epoch FROM u.created) * 1000000)::bigint AS created,
       (extract(epoch FROM u.expires) * 1000000)::bigint AS expires,
       o.id AS object, o.store, o.size, o.md5, o.sha1, o.sha256
FROM upload u LEFT JOIN object o ON o.id = u.object
WHERE u.service = $1 AND u.owner = $2 AND u.expires > now()
  AND ($3::text IS NULL OR u.status = $3)
  AND (u.created, u.id) < (timestamptz 'epoch' + $4::bigint * interval '1 microsecond', $5::uuid)
ORDER BY u.created DESC, u.id DESC
LIMIT $6::bigint;

-- name: upload_delete (id, service, owner)
-- What is still being received is ended by its receiver.
WITH u AS (
    DELETE FROM upload
    WHERE id = $1::uuid AND service = $2 AND owner = $3 AND expires > now()
    RETURNING id, object
), o AS (
    UPDATE object SET state = 'deleting'
    FROM u
    WHERE object.id = u.object
)
SELECT id FROM u;

-- name: upload_expire (count)
WITH u AS (
    DELETE FROM upload
    WHERE id IN (SELECT id FROM upload WHERE expires <= now()
                 ORDER BY expires LIMIT $1::bigint FOR UPDATE SKIP LOCKED)
    RETURNING object
), o AS (
    UPDATE object SET state = 'deleting'
    FROM u
    WHERE object.id = u.object
)
SELECT count(*) AS done FROM u;

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
