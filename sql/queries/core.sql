-- Nodes, objects, jobs, garbage collection and the comparison of rows with
-- bytes. A node is dead when it has no row; who judges that is node_bury.

-- name: node_begin (id, host, pid, lease)
-- Repeatable, in case the answer was lost.
INSERT INTO node (id, host, pid, expires)
VALUES ($1::uuid, $2, $3::integer, now() + make_interval(secs => $4::integer))
ON CONFLICT (id) DO UPDATE SET expires = EXCLUDED.expires, suspected = NULL
RETURNING id;

-- name: node_renew (id, lease)
-- No row: it was buried, and what it was receiving is lost.
UPDATE node
SET expires = now() + make_interval(secs => $2::integer), suspected = NULL
WHERE id = $1::uuid
RETURNING id;

-- name: node_suspect (patience)
-- The first step of a burial: after an outage of the database all leases have
-- run out, and everybody needs time to renew. An old suspicion may be from
-- before the outage and begins anew.
UPDATE node
SET suspected = now()
WHERE id IN (
    SELECT id FROM node
    WHERE expires < now()
      AND (suspected IS NULL OR suspected < now() - make_interval(secs => 3 * $1::integer))
    FOR UPDATE SKIP LOCKED
);

-- name: node_neighbours (host)
SELECT id, pid FROM node WHERE host = $1;

-- name: node_gone (ids, age)
-- Their processes are known to have ended: suspected as if for so long.
UPDATE node
SET expires = least(expires, now()), suspected = now() - make_interval(secs => $2::integer)
WHERE id = ANY ($1::uuid[])
  AND (suspected IS NULL OR suspected > now() - make_interval(secs => $2::integer));

-- name: node_bury (patience)
-- A renewal that comes at the same time waits for the row and finds it gone,
-- or was first and clears suspected: never both.
DELETE FROM node
WHERE id IN (
    SELECT id FROM node
    WHERE expires < now() AND suspected < now() - make_interval(secs => $1::integer)
    FOR UPDATE SKIP LOCKED
)
RETURNING id;

-- name: node_suspects ()
SELECT count(*) AS suspects FROM node WHERE suspected IS NOT NULL;

-- name: node_retire (id)
DELETE FROM node WHERE id = $1::uuid;

-- name: object_parts_begun (id, parts_id)
UPDATE object
SET parts_id = $2
WHERE id = $1::uuid AND state IN ('gathering', 'receiving')
RETURNING id;

-- name: object_discard (id)
-- Waits for a statement of ours whose answer was lost, so that state is final:
-- nothing becomes stored without naming its receiver. What the database has
-- taken for complete is kept.
UPDATE object
SET receiver = CASE state WHEN 'finishing' THEN receiver END
WHERE id = $1::uuid
RETURNING (state IN ('finishing', 'stored'))::integer AS is_kept;

-- name: object_let_go (ids, receiver)
UPDATE object
SET receiver = NULL
WHERE id = ANY ($1::uuid[]) AND receiver = $2::uuid;

-- name: object_probe (id, store, receiver)
-- Garbage from the beginning, but not before its receiver lets go of it.
INSERT INTO object (id, store, state, receiver)
VALUES ($1::uuid, $2, 'deleting', $3::uuid);

-- name: object_finish (id, receiver)
-- Under our name, so that GC keeps away while the store completes.
UPDATE object
SET receiver = $2::uuid
WHERE id = $1::uuid AND state = 'finishing'
RETURNING store, parts_id, size, etag;

-- name: quota_lock (service, owner)
-- Whoever makes more bytes an owner's holds it to the end of the transaction.
SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2));

-- name: quota_used (service, owner)
-- What is there, and what was reserved; of a size that is not declared, what is
-- promised. From the index alone, but for what is gathering.
SELECT ((SELECT coalesce(sum(coalesce(size, reserved)), 0)
         FROM object
         WHERE service = $1 AND owner = $2 AND state IN ('receiving', 'finishing', 'stored'))
        + (SELECT coalesce(sum(coalesce(p.size, p.acknowledged)), 0)
           FROM object o JOIN part_upload p ON p.object = o.id
           WHERE o.service = $1 AND o.owner = $2 AND o.state = 'gathering'))::bigint AS used;

-- name: job_claim (kinds, owner, lease)
-- One that is due, or whose worker died or lost its claim. Every claim counts
-- as an attempt, so that a job that kills its process does not do so for ever.
WITH due AS (
    SELECT id FROM job
    WHERE kind = ANY ($1::text[]) AND state <> 'parked' AND run_after <= now()
      AND (state = 'ready' OR expires < now()
           OR NOT EXISTS (SELECT FROM node WHERE node.id = job.owner))
    ORDER BY run_after
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
UPDATE job
SET state = 'running', owner = $2::uuid, fence = fence + 1,
    attempts = attempts + 1,
    expires = now() + make_interval(secs => $3::integer)
FROM due
WHERE job.id = due.id
RETURNING job.id, job.kind, job.subject, job.fence, job.attempts;

-- name: job_extend (id, fence, lease)
UPDATE job
SET expires = now() + make_interval(secs => $3::integer)
WHERE id = $1::bigint AND fence = $2::bigint AND state = 'running'
RETURNING id;

-- name: job_hand_back (owner, running)
-- What is claimed in this node's name, but not by one of its threads.
UPDATE job
SET state = 'ready', owner = NULL, expires = NULL, run_after = now()
WHERE owner = $1::uuid AND state = 'running' AND id <> ALL ($2::bigint[]);

-- name: job_retry (id, fence, error, most_attempts, longest)
-- Full jitter: anywhere in a window that doubles with each attempt.
UPDATE job
SET state = 'ready', owner = NULL, expires = NULL, last_error = $3,
    attempts = least(attempts, $4::integer),
    run_after = now() + make_interval(
        secs => random() * least($5::integer, power(2, least(attempts, 30) - 1)))
WHERE id = $1::bigint AND fence = $2::bigint AND state = 'running'
RETURNING id;

-- name: job_park (id, fence, error)
UPDATE job
SET state = 'parked', owner = NULL, expires = NULL, last_error = $3
WHERE id = $1::bigint AND fence = $2::bigint AND state = 'running'
RETURNING id;

-- name: job_unpark (id)
-- The row says whether there is such a job; only a parked one is changed.
WITH unparked AS (
    UPDATE job SET state = 'ready', attempts = 0, run_after = now()
    WHERE id = $1::bigint AND state = 'parked'
)
SELECT state FROM job WHERE id = $1::bigint;

-- name: job_count_parked ()
SELECT count(*) AS parked FROM job WHERE state = 'parked';

-- name: gc_claim_objects (batch, stores, receiver)
-- Under our name, like what is being received: nobody else's as long as we
-- live. What was tried before comes last. What has our name already was
-- claimed by a statement whose answer was lost: there is one collector.
WITH batch AS (
    SELECT id FROM object
    WHERE state = 'deleting' AND store = ANY ($2::text[])
      AND (receiver IS NULL
           OR (receiver = $3::uuid AND claimed > '-infinity')
           OR NOT EXISTS (SELECT FROM node WHERE node.id = object.receiver))
      AND NOT EXISTS (SELECT FROM part_upload WHERE part_upload.object = object.id)
    ORDER BY claimed
    LIMIT $1::integer
    FOR UPDATE SKIP LOCKED
)
UPDATE object
SET claimed = now(), receiver = $3::uuid
FROM batch
WHERE object.id = batch.id
RETURNING object.id, object.store, object.parts_id, object.size;

-- name: gc_delete_objects (ids)
DELETE FROM object WHERE id = ANY ($1::uuid[]) AND state = 'deleting';

-- name: gc_unknown_store (stores)
SELECT store FROM object
WHERE state = 'deleting' AND store <> ALL ($1::text[])
LIMIT 1;

-- name: check_rows (ids)
SELECT id, store, state, size FROM object WHERE id = ANY ($1::uuid[]);

-- name: check_stored (store, after, batch)
SELECT id, size, md5, sha1, sha256, sha512 FROM object
WHERE store = $1 AND state = 'stored' AND id > $2::uuid
ORDER BY id
LIMIT $3::integer;

-- name: check_abandoned (store, after, batch)
SELECT id FROM object
WHERE store = $1 AND state = 'receiving' AND id > $2::uuid
  AND (receiver IS NULL
       OR NOT EXISTS (SELECT FROM node WHERE node.id = object.receiver))
ORDER BY id
LIMIT $3::integer;

-- name: check_unknown_store (stores)
SELECT DISTINCT store FROM object WHERE store <> ALL ($1::text[]);

-- name: repair_lost (id, state, message)
-- The one place where core knows of uploads: bytes that are lost must not be
-- listed as a success for even a moment.
WITH lost AS (
    UPDATE object SET state = 'deleting'
    WHERE id = $1::uuid AND state = $2
    RETURNING id
)
UPDATE upload
SET status = 'failure', message = $3
FROM lost
WHERE upload.object = lost.id;

-- What follows is the table of core/relations.c: pairs of a statement that
-- finds rows, in the order of their ids, and one that mends such a row. They
-- know of uploads as well.

-- name: check_unfinished (after, batch)
SELECT id, store FROM object
WHERE state = 'finishing' AND id > $1::uuid
  AND NOT EXISTS (SELECT FROM job WHERE kind = 'upload_finish' AND subject = object.id)
ORDER BY id
LIMIT $2::integer;

-- name: repair_unfinished (id)
INSERT INTO job (kind, subject)
SELECT 'upload_finish', id FROM object WHERE id = $1::uuid AND state = 'finishing'
ON CONFLICT DO NOTHING;

-- name: check_incomplete (after, batch)
SELECT id, store FROM object
WHERE state IN ('stored', 'finishing') AND id > $1::uuid
  AND (size IS NULL OR coalesce(md5, sha1, sha256, sha512) IS NULL
       OR (state = 'finishing' AND parts_id IS NULL))
ORDER BY id
LIMIT $2::integer;

-- name: check_unowned (after, batch)
-- Tails are garbage collection's affair; partials have no upload.
SELECT id, store FROM object
WHERE state <> 'deleting' AND id > $1::uuid AND tail_of IS NULL
  AND NOT EXISTS (SELECT FROM upload WHERE upload.object = object.id)
  AND NOT EXISTS (SELECT FROM resumable WHERE resumable.object = object.id)
ORDER BY id
LIMIT $2::integer;

-- name: repair_unowned (id)
UPDATE object SET state = 'deleting'
WHERE id = $1::uuid AND tail_of IS NULL
  AND NOT EXISTS (SELECT FROM upload WHERE upload.object = object.id)
  AND NOT EXISTS (SELECT FROM resumable WHERE resumable.object = object.id);

-- name: check_gathering (after, batch)
-- No row says how much has come, or parts and tail are not that much: but for
-- parts that were sent to end it all.
SELECT object.id, object.store
FROM object LEFT JOIN part_upload ON part_upload.object = object.id
     LEFT JOIN object t ON t.id = tail AND t.state = 'stored' AND t.tail_of = object.id
WHERE object.state = 'gathering' AND object.id > $1::uuid
  AND acknowledged IS DISTINCT FROM
      (SELECT coalesce(sum(part.size), 0) FROM part
       WHERE part.object = object.id AND first < acknowledged - coalesce(t.size, 0))
      + CASE WHEN tail IS NULL THEN 0 ELSE t.size END
ORDER BY object.id
LIMIT $2::integer;

-- name: repair_gathering (id)
WITH o AS (
    UPDATE object SET state = 'deleting'
    WHERE id = $1::uuid AND state = 'gathering'
    RETURNING id
), r AS (
    UPDATE resumable
    SET state = 'failed', failed_why = 'what had arrived was lost',
        expires = now() + interval '7 days'
    FROM o
    WHERE resumable.object = o.id
)
UPDATE upload SET status = 'failure', message = 'what had arrived was lost'
FROM o
WHERE upload.object = o.id;

-- name: check_idle_jobs (after, batch)
-- Jobs that have nothing to do and that no worker came to end.
SELECT subject AS id, NULL AS store FROM job
WHERE kind = 'upload_finish' AND subject > $1::uuid AND state <> 'running'
  AND (state = 'parked' OR run_after < now() - interval '10 minutes')
  AND NOT EXISTS (SELECT FROM object
                  WHERE object.id = job.subject AND object.state = 'finishing')
ORDER BY subject
LIMIT $2::integer;

-- name: repair_idle_job (id)
DELETE FROM job
WHERE kind = 'upload_finish' AND subject = $1::uuid AND state <> 'running';

-- name: check_held_jobs (after, batch)
-- Claimed by who is no node any more, and by nobody since.
SELECT subject AS id, NULL AS store FROM job
WHERE kind = 'upload_finish' AND subject > $1::uuid
  AND state = 'running' AND expires < now()
  AND NOT EXISTS (SELECT FROM node WHERE node.id = job.owner)
ORDER BY subject
LIMIT $2::integer;

-- name: repair_held_job (id)
UPDATE job SET state = 'ready', owner = NULL, expires = NULL, run_after = now()
WHERE kind = 'upload_finish' AND subject = $1::uuid
  AND state = 'running' AND expires < now();

-- name: check_success (after, batch)
SELECT upload.id, object.store
FROM upload LEFT JOIN object ON object.id = upload.object
WHERE status = 'success' AND upload.id > $1::uuid
  AND state IS DISTINCT FROM 'stored'
ORDER BY upload.id
LIMIT $2::integer;

-- name: check_pending (after, batch)
SELECT upload.id, object.store
FROM upload LEFT JOIN object ON object.id = upload.object
WHERE status = 'pending' AND upload.id > $1::uuid
  AND coalesce(state, '') NOT IN ('gathering', 'receiving', 'finishing')
ORDER BY upload.id
LIMIT $2::integer;

-- name: check_failure (after, batch)
SELECT upload.id, object.store
FROM upload JOIN object ON object.id = upload.object
WHERE status = 'failure' AND upload.id > $1::uuid AND state <> 'deleting'
ORDER BY upload.id
LIMIT $2::integer;

-- name: repair_status (id)
-- An upload is what its object is; but a failure stays one, and its object
-- goes.
WITH u AS (
    SELECT upload.id, object,
           CASE WHEN status = 'failure' THEN 'failure'
                WHEN state = 'stored' THEN 'success'
                WHEN state IN ('gathering', 'receiving', 'finishing') THEN 'pending'
                ELSE 'failure' END AS status
    FROM upload LEFT JOIN object ON object.id = upload.object
    WHERE upload.id = $1::uuid
), o AS (
    UPDATE object SET state = 'deleting'
    FROM u
    WHERE object.id = u.object AND u.status = 'failure'
)
UPDATE upload
SET status = u.status,
    message = CASE u.status WHEN 'failure' THEN coalesce(message, 'the bytes were lost') END
FROM u
WHERE upload.id = u.id;
