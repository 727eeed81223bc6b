-- Resumable uploads. Each is a row of its own, an object that gathers bytes with
-- its part_upload and, but for partials, an upload. What is left of those that
-- end is core's to collect. Times go out as epoch microseconds.

-- name: resumable_create (id, object, store, service, owner, created_in, concat, concat_text, partials, metadata, label, filename, content_type, repr_digest, algorithms, idempotency_key, size, part_size, idle, lifetime, retention)
-- All rows or none. No row: the key was used before, or a partial is gone. The
-- upload lives on for its retention from when it is complete; until then it
-- lives as long as the part upload may.
WITH s AS (
    SELECT id FROM resumable
    WHERE id = ANY ($9::uuid[]) AND service = $4 AND owner = $5 AND state = 'complete'
      AND (expires IS NULL OR expires > now())
    FOR SHARE
), r AS (
    INSERT INTO resumable (id, object, service, owner, created_in, concat, concat_text, partials,
                           metadata, label, filename, content_type, repr_digest, algorithms,
                           idempotency_key)
    SELECT $1::uuid, $2::uuid, $4, $5, $6, $7, $8, $9::uuid[], $10, $11, $12, $13, $14, $15, $16
    WHERE $9::uuid[] IS NULL
       OR (SELECT count(*) FROM s) = (SELECT count(DISTINCT wanted) FROM unnest($9::uuid[]) AS wanted)
    ON CONFLICT (service, owner, idempotency_key)
        WHERE idempotency_key IS NOT NULL AND state IN ('open', 'complete') DO NOTHING
    RETURNING *
), o AS (
    INSERT INTO object (id, store, state, service, owner)
    SELECT object, $3, 'gathering', service, owner FROM r
    RETURNING id
), p AS (
    INSERT INTO part_upload (object, size, part_size, idle_seconds, lifetime_end, expires)
    SELECT id, $17::bigint, $18::bigint, $19::bigint, now() + make_interval(secs => $20::bigint),
           now() + make_interval(secs => least($19::bigint, $20::bigint))
    FROM o
    RETURNING object
), u AS (
    INSERT INTO upload (id, service, owner, object, label, filename, content_type, size, expires)
    SELECT r.id, r.service, r.owner, r.object, r.label, r.filename, r.content_type, $17::bigint,
           now() + make_interval(secs => $20::bigint + $21::bigint)
    FROM r
    WHERE r.concat <> 'partial'
), j AS (
    INSERT INTO job (kind, subject)
    SELECT 'resumable_concat', id FROM r WHERE concat = 'final'
)
SELECT object FROM p;

-- name: resumable_find (id, service, owner)
SELECT r.id, r.object, r.state, r.created_in, r.concat, r.concat_text, r.metadata, r.label,
       r.filename, r.content_type, r.repr_digest, r.algorithms, r.failed_why,
       o.store, o.state AS object_state, o.size AS whole, o.md5, o.sha1, o.sha256, o.sha512,
       p.size, p.acknowledged, (p.holder IS NOT NULL)::integer AS is_held,
       (p.expires <= now())::integer AS is_expired,
       (extract(epoch FROM p.expires) * 1000000)::bigint AS expires,
       floor(extract(epoch FROM p.expires - now()))::bigint AS seconds_left
FROM resumable r
LEFT JOIN object o ON o.id = r.object
LEFT JOIN part_upload p ON p.object = r.object
WHERE r.id = $1::uuid AND r.service = $2 AND r.owner = $3
  AND (r.expires IS NULL OR r.expires > now());

-- name: resumable_find_key (service, owner, idempotency_key)
SELECT id FROM resumable
WHERE service = $1 AND owner = $2 AND idempotency_key = $3 AND state IN ('open', 'complete')
  AND (expires IS NULL OR expires > now());

-- name: resumable_complete (object, fence, size, md5, sha1, sha256, sha512, etag, whole, job, job_fence)
-- The last byte has come. Of what is larger than a part the parts are there,
-- and a job will put them together (finishing). All else is an object of its
-- own by now (whole), which takes the place of the one that was gathering. No
-- row: taken by others, deleted, or the job is lost. The retention of the
-- upload begins. Partials live as long as they did; the others are told of for
-- a day.
WITH j AS (
    DELETE FROM job
    WHERE id = $10::bigint AND fence = $11::bigint AND state = 'running'
    RETURNING id
), p AS (
    SELECT object, expires, lifetime_end FROM part_upload
    WHERE object = $1::uuid AND fence = $2::bigint
      AND ($10::bigint IS NULL OR EXISTS (SELECT FROM j))
    FOR UPDATE
), w AS (
    SELECT id FROM object
    WHERE id = $9::uuid AND tail_of = $1::uuid AND state = 'receiving'
    FOR UPDATE
), g AS (
    UPDATE object
    SET state = CASE WHEN $9::uuid IS NULL THEN 'finishing' ELSE 'deleting' END,
        size = $3::bigint, md5 = $4, sha1 = $5, sha256 = $6, sha512 = $7, etag = $8
    FROM p
    WHERE object.id = p.object AND object.state = 'gathering'
      AND (($9::uuid IS NULL AND object.parts_id IS NOT NULL) OR EXISTS (SELECT FROM w))
    RETURNING object.id, coalesce($9::uuid, object.id) AS becomes, service, owner, p.expires,
              p.lifetime_end
), o AS (
    UPDATE object
    SET state = 'stored', receiver = NULL, parts_id = NULL, tail_of = NULL,
        service = g.service, owner = g.owner,
        size = $3::bigint, md5 = $4, sha1 = $5, sha256 = $6, sha512 = $7, etag = $8
    FROM g
    WHERE object.id = $9::uuid
), f AS (
    INSERT INTO job (kind, subject)
    SELECT 'upload_finish', id FROM g WHERE $9::uuid IS NULL
), u AS (
    UPDATE upload
    SET object = g.becomes,
        status = CASE WHEN $9::uuid IS NULL THEN 'pending' ELSE 'success' END,
        expires = now() + (upload.expires - g.lifetime_end)
    FROM g
    WHERE upload.object = g.id AND upload.status = 'pending'
)
UPDATE resumable r
SET state = 'complete', object = g.becomes,
    expires = CASE r.concat WHEN 'partial' THEN g.expires ELSE now() + interval '1 day' END
FROM g
WHERE r.object = g.id AND r.state = 'open'
RETURNING r.id;

-- name: resumable_fail (object, fence, message)
-- It can never become whole; the row stays to say so.
WITH p AS (
    SELECT object FROM part_upload
    WHERE object = $1::uuid AND fence = $2::bigint
    FOR UPDATE
), r AS (
    UPDATE resumable
    SET state = 'failed', failed_why = $3, expires = now() + interval '7 days'
    FROM p
    WHERE resumable.object = p.object AND resumable.state = 'open'
    RETURNING resumable.object
), o AS (
    UPDATE object SET state = 'deleting' FROM r WHERE object.id = r.object
)
UPDATE upload SET status = 'failure', message = $3
FROM r
WHERE upload.object = r.object AND upload.status = 'pending';

-- name: resumable_delete (id, service, owner)
-- With all that it has, but not while a final is made of it. What a request
-- still sends to it is not promised any more.
WITH r AS (
    UPDATE resumable
    SET state = 'deleted', expires = now() + interval '7 days'
    WHERE id = $1::uuid AND service = $2 AND owner = $3 AND state <> 'deleted'
      AND NOT EXISTS (SELECT FROM resumable f
                      WHERE f.concat = 'final' AND f.state = 'open'
                        AND f.service = $2 AND f.owner = $3 AND $1::uuid = ANY (f.partials))
    RETURNING id, object
), u AS (
    DELETE FROM upload USING r WHERE upload.id = r.id
), j AS (
    DELETE FROM job USING r WHERE job.kind = 'resumable_concat' AND job.subject = r.id
)
SELECT id, object_delete(object) FROM r;

-- name: resumable_withdraw (object, fence)
-- What its creation could not tell anybody of; but whoever has taken it since
-- knows of it.
WITH p AS (
    SELECT object FROM part_upload
    WHERE object = $1::uuid AND fence = $2::bigint
    FOR UPDATE
), r AS (
    UPDATE resumable
    SET state = 'deleted', expires = now() + interval '7 days'
    FROM p
    WHERE resumable.object = p.object AND resumable.state = 'open'
    RETURNING resumable.id, resumable.object
), u AS (
    DELETE FROM upload USING r WHERE upload.id = r.id
)
UPDATE object SET state = 'deleting' FROM r WHERE object.id = r.object;

-- name: resumable_partials (ids, service, owner)
SELECT r.id, r.state, r.concat, o.state AS object_state, o.size
FROM resumable r LEFT JOIN object o ON o.id = r.object
WHERE r.id = ANY ($1::uuid[]) AND r.service = $2 AND r.owner = $3
  AND (r.expires IS NULL OR r.expires > now());

-- name: resumable_concat_begin (id)
-- What the job needs of a final.
SELECT r.object, r.algorithms, r.content_type, o.store
FROM resumable r JOIN object o ON o.id = r.object
WHERE r.id = $1::uuid AND r.state = 'open' AND o.state = 'gathering';

-- name: resumable_concat_pieces (id)
-- The partials in their order, which may name one more than once.
SELECT o.id AS object, o.store, o.size, o.state
FROM resumable f, unnest(f.partials) WITH ORDINALITY AS wanted (id, place)
LEFT JOIN resumable r ON r.id = wanted.id
LEFT JOIN object o ON o.id = r.object
WHERE f.id = $1::uuid
ORDER BY wanted.place;

-- name: resumable_concat_over (job, fence)
-- There is nothing (left) to do.
DELETE FROM job WHERE id = $1::bigint AND fence = $2::bigint AND state = 'running';

-- name: resumable_concat_failed (id, job, fence, message)
WITH j AS (
    DELETE FROM job
    WHERE id = $2::bigint AND fence = $3::bigint
    RETURNING subject
), r AS (
    UPDATE resumable
    SET state = 'failed', failed_why = $4, expires = now() + interval '7 days'
    FROM j
    WHERE resumable.id = j.subject AND resumable.id = $1::uuid AND resumable.state = 'open'
    RETURNING resumable.object
), o AS (
    UPDATE object SET state = 'deleting' FROM r WHERE object.id = r.object
)
UPDATE upload SET status = 'failure', message = $4
FROM r
WHERE upload.object = r.object AND upload.status = 'pending';
