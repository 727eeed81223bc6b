-- What only the administrator's tool asks.

-- name: job_list ()
-- Those that need somebody come first.
SELECT id, kind, subject, state, attempts, last_error,
       (extract(epoch FROM run_after) * 1000000)::bigint AS run_after
FROM job
ORDER BY state = 'parked' DESC, run_after, id;

-- name: job_unpark (id)
-- The row says whether there is such a job; only a parked one is changed.
WITH unparked AS (
    UPDATE job SET state = 'ready', attempts = 0, run_after = now()
    WHERE id = $1::bigint AND state = 'parked'
)
SELECT state FROM job WHERE id = $1::bigint;
