-- Which migrations the database has had. All can be prepared in an empty
-- database but schema_version and schema_record.

-- name: schema_lock ()
-- Held to the end of the transaction. The number is the letters "stgschem".
SELECT pg_advisory_xact_lock(x'7374677363686d'::bigint);

-- name: schema_create ()
CREATE TABLE IF NOT EXISTS schema_version (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    applied     timestamptz NOT NULL DEFAULT now()
);

-- name: schema_exists ()
SELECT (to_regclass('schema_version') IS NOT NULL)::int AS is_there;

-- name: schema_version ()
SELECT coalesce(max(version), 0) AS version FROM schema_version;

-- name: schema_record (version, name)
INSERT INTO schema_version (version, name) VALUES ($1::integer, $2);
