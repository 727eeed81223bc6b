-- How the service does, for its operators. Times go out as epoch microseconds.

-- text: operation_now
(SELECT count(*) FROM object WHERE state = 'receiving' AND tail_of IS NULL)
    + (SELECT count(*) FROM part_upload WHERE holder IS NOT NULL) AS arriving,
(SELECT count(*) FROM object WHERE state = 'gathering') AS unfinished,
(SELECT count(*) FROM object WHERE state = 'deleting') AS garbage,
(SELECT count(*) FROM job WHERE state <> 'parked') AS jobs,
(SELECT count(*) FROM job WHERE state = 'parked') AS parked,
(SELECT count(*) FROM node) AS nodes

-- name: operation_now ()
-- What is counted quickly is counted now.
SELECT {{operation_now}};

-- name: operation_latest ()
-- The rest is as it was a minute ago.
SELECT uploads, objects, bytes, (extract(epoch FROM at) * 1000000)::bigint AS at
FROM figure ORDER BY at DESC LIMIT 1;

-- name: operation_nodes ()
SELECT id, host, pid, (suspected IS NOT NULL)::int AS is_suspected,
       (extract(epoch FROM started) * 1000000)::bigint AS started,
       (extract(epoch FROM expires) * 1000000)::bigint AS expires
FROM node ORDER BY host, started, id;

-- name: operation_failures (count)
-- account is the name of the owner's, NULL if it is none of ours.
SELECT u.id, u.service, u.owner, u.label, u.filename, e.detail AS message,
       (SELECT name FROM account
        WHERE id = CASE WHEN u.owner LIKE 'account:%' THEN substr(u.owner, 9)::uuid END)
       AS account,
       (extract(epoch FROM e.at) * 1000000)::bigint AS at
FROM upload_event e JOIN upload u ON u.id = e.upload
WHERE e.event = 'failed'
ORDER BY e.at DESC
LIMIT $1::bigint;

-- name: operation_jobs (state, count)
-- Those that need somebody come first. upload is whose bytes it is about.
SELECT j.id, j.kind, j.state, j.attempts, j.last_error,
       coalesce((SELECT id FROM upload WHERE object = j.subject),
                (SELECT id FROM upload WHERE id = j.subject)) AS upload,
       (extract(epoch FROM j.run_after) * 1000000)::bigint AS run_after,
       (extract(epoch FROM j.created) * 1000000)::bigint AS created
FROM job j
WHERE $1::text IS NULL OR j.state = $1
ORDER BY j.state = 'parked' DESC, j.run_after, j.id
LIMIT $2::bigint;

-- name: figure_lock ()
-- Until the end of the transaction: who comes second sees the row of the first.
SELECT pg_advisory_xact_lock(hashtext('figure'));

-- name: figure_take ()
-- Once in a minute, by whoever comes first. An event has the time at which its
-- statement began and is seen when that has ended: those of the last seconds are
-- left to the next row.
WITH before AS (
    SELECT coalesce(max(counted), now() - interval '1 minute') AS counted FROM figure
), happened AS (
    SELECT e.event, u.size
    FROM before, upload_event e JOIN upload u ON u.id = e.upload
    WHERE e.event IN ('stored', 'failed') AND e.at > before.counted
      AND e.at <= now() - interval '5 seconds'
)
INSERT INTO figure (arriving, unfinished, garbage, jobs, parked, nodes, at, counted,
                    uploads, objects, bytes, stored, stored_bytes, failed)
SELECT {{operation_now}}, date_trunc('minute', now()), now() - interval '5 seconds',
       (SELECT count(*) FROM upload), stores.objects, stores.bytes + parts.bytes,
       (SELECT count(*) FROM happened WHERE event = 'stored'),
       (SELECT coalesce(sum(size), 0) FROM happened WHERE event = 'stored'),
       (SELECT count(*) FROM happened WHERE event = 'failed')
FROM (SELECT count(size) AS objects, coalesce(sum(size), 0) AS bytes FROM object
      WHERE owner IS NOT NULL AND state IN ('receiving', 'finishing', 'stored')) AS stores,
     (SELECT coalesce(sum(acknowledged), 0) AS bytes
      FROM part_upload JOIN object ON object.id = part_upload.object
      WHERE state = 'gathering') AS parts
WHERE NOT EXISTS (SELECT FROM figure WHERE at = date_trunc('minute', now()))
ON CONFLICT DO NOTHING;

-- name: figure_forget ()
WITH gone AS (
    DELETE FROM figure WHERE at < now() - interval '14 days'
    RETURNING at
)
SELECT count(*) AS done FROM gone;

-- name: figure_list (hours, minutes)
-- Each row is of so many minutes: what was there, at the most; what happened, in
-- all.
SELECT (extract(epoch FROM date_bin(make_interval(mins => $2::integer), at, 'epoch'))
        * 1000000)::bigint AS at,
       max(arriving) AS arriving, max(unfinished) AS unfinished, max(uploads) AS uploads,
       max(objects) AS objects, max(bytes) AS bytes, max(garbage) AS garbage,
       max(jobs) AS jobs, max(parked) AS parked, max(nodes) AS nodes,
       sum(stored)::bigint AS stored, sum(stored_bytes)::bigint AS stored_bytes,
       sum(failed)::bigint AS failed
FROM figure
WHERE at > now() - make_interval(hours => $1::integer)
GROUP BY 1
ORDER BY 1;
