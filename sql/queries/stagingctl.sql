-- What only the administrator's tool asks.

-- name: job_list ()
-- Those that need somebody come first.
SELECT id, kind, subject, state, attempts, last_error,
       (extract(epoch FROM run_after) * 1000000)::bigint AS run_after
FROM job
ORDER BY state = 'parked' DESC, run_after, id;
