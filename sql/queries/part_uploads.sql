-- Objects that come at offsets, over many requests: state gathering. Whoever
-- has raised the fence last holds one; all that it changes is conditional on
-- that fence and on the state.

-- name: part_upload_take (object, node, is_forced, ahead, orphan)
-- By the newest request. From whoever is dead, or does not let go, parts may
-- still be under way: the segment of those to come is another, and the numbers
-- up to next_part are spent. So it is with an orphan: a hold (its fence) of
-- this process, but of none of its requests.
-- Of one that has lain still for a minute it is told that somebody came back to
-- it: once, though a client asks for the offset before it sends.
WITH t AS (
    UPDATE part_upload
    SET fence = fence + 1, holder = $2::uuid, taken = now(), is_wanted = false,
        segment = segment + (holder IS NOT NULL)::integer,
        next_part = next_part + $4::integer
    WHERE object = $1::uuid AND expires > now()
      AND EXISTS (SELECT FROM object WHERE id = $1::uuid AND state = 'gathering')
      AND (holder IS NULL
           OR NOT EXISTS (SELECT FROM node WHERE node.id = holder)
           OR $3::boolean
           OR (holder = $2::uuid AND fence = $5::bigint))
    RETURNING *
), e AS (
    INSERT INTO upload_event (upload, event)
    SELECT upload.id, 'resumed' FROM t JOIN upload ON upload.object = t.object
    WHERE acknowledged > 0
      AND t.expires < now() + make_interval(secs => idle_seconds) - interval '1 minute'
    FOR KEY SHARE OF upload
    ON CONFLICT (upload, event)
    DO UPDATE SET last = now(), count = upload_event.count + 1
    WHERE upload_event.last < now() - interval '1 minute'
)
SELECT fence, size, acknowledged, part_size, next_part - $4::integer AS next_part,
       segment, digests, tail,
       (extract(epoch FROM expires) * 1000000)::bigint AS expires
FROM t;

-- name: part_upload_want (object)
-- Who has it is asked to let go. To be asked again if a crash of the database
-- takes it back costs less than to wait for the disk.
WITH w AS (
    UPDATE part_upload SET is_wanted = true
    WHERE object = $1::uuid AND holder IS NOT NULL AND NOT is_wanted
      AND set_config('synchronous_commit', 'off', true) IS NOT NULL
)
SELECT holder, fence
FROM part_upload JOIN object ON object.id = part_upload.object
WHERE part_upload.object = $1::uuid AND state = 'gathering' AND expires > now();

-- name: part_upload_unwanted (objects)
-- Whose holder may go on.
SELECT part_upload.object || ' ' || fence AS hold
FROM part_upload JOIN object ON object.id = part_upload.object
WHERE part_upload.object = ANY ($1::uuid[]) AND state = 'gathering' AND NOT is_wanted;

-- name: part_upload_release (object, fence, next_part, segments)
-- If a crash of the database takes it back, part_upload_hand_back follows.
UPDATE part_upload
SET holder = NULL, is_wanted = false, next_part = $3::integer,
    segment = segment + $4::integer
WHERE object = $1::uuid AND fence = $2::bigint AND holder IS NOT NULL
  AND set_config('synchronous_commit', 'off', true) IS NOT NULL;

-- name: part_upload_hand_back (node, holds)
-- What is held in this node's name, but by none of its requests: an answer was
-- lost. No statement takes so long that it could still be about to answer.
UPDATE part_upload
SET holder = NULL, is_wanted = false, segment = segment + 1
WHERE holder = $1::uuid AND taken < now() - interval '1 minute'
  AND object || ' ' || fence <> ALL ($2::text[]);

-- name: part_upload_lost (object, fence)
-- Why a statement of ours has found nothing to change. Of what is alive we have
-- been thought dead, and our tail was given up: others may go on with it.
SELECT (fence > $2::bigint OR lifetime_end > now())::integer AS is_taken
FROM part_upload JOIN object ON object.id = part_upload.object
WHERE part_upload.object = $1::uuid AND state = 'gathering';

-- name: part_upload_declare (object, fence, size)
WITH d AS (
    UPDATE part_upload SET size = $3::bigint
    WHERE object = $1::uuid AND fence = $2::bigint
      AND acknowledged <= $3::bigint AND coalesce(size, $3::bigint) = $3::bigint
    RETURNING object
), u AS (
    UPDATE upload SET size = $3::bigint
    FROM d
    WHERE upload.object = d.object AND upload.size IS DISTINCT FROM $3::bigint
)
SELECT object FROM d;

-- name: part_upload_open (object, fence)
-- What is there besides the row; parts that were sent to end it all, by
-- somebody who did not get that far, are not part of it.
WITH u AS (
    SELECT part_upload.object, o.parts_id, acknowledged, t.state AS tail_state,
           coalesce(t.size, 0) AS tail_size, t.sha256 AS tail_sha256
    FROM part_upload JOIN object o ON o.id = part_upload.object
         LEFT JOIN object t ON t.id = tail
    WHERE part_upload.object = $1::uuid AND fence = $2::bigint AND o.state = 'gathering'
), d AS (
    DELETE FROM part USING u
    WHERE part.object = u.object AND part.first >= acknowledged - tail_size
)
SELECT parts_id, tail_size, tail_sha256, coalesce(tail_state, '') AS tail_state FROM u;

-- name: part_upload_begun (object, fence, parts_id)
UPDATE object SET parts_id = $3
FROM part_upload
WHERE object.id = $1::uuid AND state = 'gathering'
  AND part_upload.object = object.id AND fence = $2::bigint
RETURNING object.id;

-- name: part_upload_draw (object, fence, next_part)
UPDATE part_upload SET next_part = $3::integer
WHERE object = $1::uuid AND fence = $2::bigint
  AND EXISTS (SELECT FROM object WHERE id = $1::uuid AND state = 'gathering')
RETURNING object;

-- name: part_upload_tail (object, fence, tail, store, receiver)
INSERT INTO object (id, store, receiver, tail_of)
SELECT $3::uuid, $4, $5::uuid, object FROM part_upload
WHERE object = $1::uuid AND fence = $2::bigint
RETURNING id;

-- name: part_upload_commit (object, fence, acknowledged, next_part, digests, tail, tail_size, tail_sha256, numbers, segments, firsts, sizes, etags)
-- The promise. Repeated, because its answer was lost, it changes nothing more.
-- A tail that somebody has given up meanwhile is none.
WITH t AS (
    SELECT id FROM object
    WHERE id = $6::uuid AND tail_of = $1::uuid AND state IN ('receiving', 'stored')
    FOR UPDATE
), u AS (
    UPDATE part_upload
    SET acknowledged = $3::bigint, next_part = greatest(next_part, $4::integer),
        digests = $5, tail = $6::uuid,
        expires = least(lifetime_end, greatest(expires, now() + make_interval(secs => idle_seconds)))
    WHERE object = $1::uuid AND fence = $2::bigint AND acknowledged <= $3::bigint
      AND lifetime_end > now()
      AND EXISTS (SELECT FROM object WHERE id = $1::uuid AND state = 'gathering')
      AND ($6::uuid IS NULL OR EXISTS (SELECT FROM t))
    RETURNING object, expires
), p AS (
    INSERT INTO part (object, number, segment, first, size, etag)
    SELECT u.object, a.number, a.segment, a.first, a.size, nullif(a.etag, '')
    FROM u, unnest($9::integer[], $10::integer[], $11::bigint[], $12::bigint[], $13::text[])
            AS a (number, segment, first, size, etag)
    ON CONFLICT DO NOTHING
), n AS (
    UPDATE object
    SET state = 'stored', receiver = NULL, size = $7::bigint, sha256 = $8, parts_id = NULL
    FROM u
    WHERE id = $6::uuid AND state = 'receiving'
), o AS (
    UPDATE object SET state = 'deleting'
    FROM u
    WHERE tail_of = u.object AND id IS DISTINCT FROM $6::uuid AND state = 'stored'
)
SELECT (extract(epoch FROM expires) * 1000000)::bigint AS expires FROM u;

-- name: part_upload_complete (object, fence, next_part, numbers, segments, firsts, sizes, etags)
-- The parts up to the end, of which nothing is promised.
WITH u AS (
    UPDATE part_upload SET next_part = greatest(next_part, $3::integer)
    WHERE object = $1::uuid AND fence = $2::bigint
      AND EXISTS (SELECT FROM object WHERE id = $1::uuid AND state = 'gathering')
    RETURNING object
), p AS (
    INSERT INTO part (object, number, segment, first, size, etag)
    SELECT u.object, a.number, a.segment, a.first, a.size, nullif(a.etag, '')
    FROM u, unnest($4::integer[], $5::integer[], $6::bigint[], $7::bigint[], $8::text[])
            AS a (number, segment, first, size, etag)
    ON CONFLICT DO NOTHING
)
SELECT object FROM u;

-- name: part_list (object)
SELECT number, segment, first, size, etag FROM part
WHERE object = $1::uuid
ORDER BY first;

-- name: part_upload_expire (count, message)
-- Who holds one and is alive ends it himself: by a commit, which prolongs it,
-- or without.
WITH o AS (
    UPDATE object SET state = 'deleting'
    WHERE state = 'gathering' AND id IN (
        SELECT part_upload.object
        FROM part_upload JOIN object ON object.id = part_upload.object
        WHERE expires <= now() AND object.state = 'gathering'
          AND NOT EXISTS (SELECT FROM node WHERE node.id = holder)
        LIMIT $1::bigint FOR UPDATE OF part_upload SKIP LOCKED)
    RETURNING id
), u AS (
    UPDATE upload SET status = 'failure', message = $2
    FROM o
    WHERE upload.object = o.id AND upload.status = 'pending'
), r AS (
    UPDATE resumable
    SET state = 'expired', failed_why = $2, expires = now() + interval '7 days'
    FROM o
    WHERE resumable.object = o.id AND resumable.state = 'open'
)
SELECT count(*) AS done FROM o;

-- name: part_upload_forget (count)
-- While a living node holds one whose object is to go, it may still be sending
-- bytes; the row keeps garbage collection away from them.
WITH gone AS (
    DELETE FROM part_upload
    WHERE object IN (
        SELECT part_upload.object
        FROM part_upload JOIN object ON object.id = part_upload.object
        WHERE state = 'stored'
           OR (state = 'deleting'
               AND NOT EXISTS (SELECT FROM node WHERE node.id = holder))
        LIMIT $1::bigint FOR UPDATE OF part_upload SKIP LOCKED)
    RETURNING object
)
SELECT count(*) AS done FROM gone;

-- name: part_upload_tails (count)
-- Tails of what has none, or another, or is not gathering any more.
WITH o AS (
    UPDATE object SET state = 'deleting'
    WHERE id IN (
        SELECT tail.id FROM object tail
        WHERE tail.tail_of IS NOT NULL AND tail.state = 'stored'
          AND NOT EXISTS (SELECT FROM part_upload
                          JOIN object whole ON whole.id = part_upload.object
                          WHERE part_upload.object = tail.tail_of
                            AND part_upload.tail = tail.id
                            AND whole.state = 'gathering')
        LIMIT $1::bigint FOR UPDATE OF tail SKIP LOCKED)
    RETURNING id
)
SELECT count(*) AS done FROM o;

-- name: resumable_forget (count)
-- Rows that have told long enough what came of them. The object of a partial
-- belongs to nothing else, but stays while a final is made of it.
WITH r AS (
    DELETE FROM resumable
    WHERE id IN (
        SELECT id FROM resumable one
        WHERE expires <= now() AND state <> 'open'
          AND NOT (concat = 'partial' AND EXISTS (
                SELECT FROM resumable f
                WHERE f.service = one.service AND f.owner = one.owner
                  AND f.concat = 'final' AND f.state = 'open'
                  AND one.id = ANY (f.partials)))
        ORDER BY expires
        LIMIT $1::bigint FOR UPDATE SKIP LOCKED)
    RETURNING object, concat
), o AS (
    UPDATE object SET state = 'deleting'
    FROM r
    WHERE object.id = r.object AND r.concat = 'partial'
)
SELECT count(*) AS done FROM r;
