-- What a dashboard asks: lists in any order, searched; the history of an
-- upload; figures for operators.

ALTER TABLE upload
    ADD COLUMN size bigint,                 -- of its object, or as declared
    ADD COLUMN sought text                  -- what a search looks at
        GENERATED ALWAYS AS (lower(label || E'\n' || filename)) STORED;
UPDATE upload SET size = coalesce(object.size, part_upload.size)
FROM object LEFT JOIN part_upload ON part_upload.object = object.id
WHERE object.id = upload.object;

-- One for each order of a list. Names are compared as bytes, which no update of
-- a locale changes, and by their beginnings, which fit into an index.
CREATE INDEX upload_by_name
    ON upload (service, owner, (left(lower(filename), 100) COLLATE "C"), id);
CREATE INDEX upload_by_size ON upload (service, owner, (coalesce(size + 1, 0)), id);
CREATE INDEX upload_by_end ON upload (service, owner, expires, id);
-- Those that are few, among many that went well.
CREATE INDEX upload_unsettled ON upload (service, owner, status, created, id)
    WHERE status <> 'success';

-- Searches are quick with an index of trigrams. It needs an extension that comes
-- with PostgreSQL, but that not everybody has installed or may create. What waits
-- to get into the index is kept short, for some upload has to wait for it.
DO $$
BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm;
    EXECUTE (SELECT format('CREATE INDEX upload_sought ON upload USING gin '
                           '(sought %I.gin_trgm_ops) WITH (gin_pending_list_limit = 256)', nspname)
             FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
             WHERE extname = 'pg_trgm');
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_file THEN
    RAISE WARNING 'Searches in long lists will be slow without the extension pg_trgm';
END $$;

-- The history of an upload goes with it. What happens again and again is one
-- row that counts.
CREATE TABLE upload_event (
    upload      uuid NOT NULL REFERENCES upload ON DELETE CASCADE,
    event       text NOT NULL CHECK (event IN
                    ('received', 'stored', 'failed', 'resumed', 'downloaded')),
    at          timestamptz NOT NULL DEFAULT now(), -- the first time
    last        timestamptz NOT NULL DEFAULT now(),
    count       bigint NOT NULL DEFAULT 1,
    detail      text,
    PRIMARY KEY (upload, event)
);
CREATE INDEX upload_event_at ON upload_event (event, at);

-- Many statements say what became of an upload; none can forget this. What is
-- pending again has been received and waits for a job.
CREATE FUNCTION upload_event_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO upload_event (upload, event, detail)
    VALUES (NEW.id,
            CASE NEW.status WHEN 'success' THEN 'stored'
                            WHEN 'failure' THEN 'failed'
                            ELSE 'received' END,
            NEW.message)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER upload_event AFTER UPDATE OF status ON upload
    FOR EACH ROW EXECUTE FUNCTION upload_event_add();

-- How the service was, by the minute.
CREATE TABLE figure (
    at          timestamptz PRIMARY KEY,    -- the minute in which it was taken
    counted     timestamptz NOT NULL,       -- until then, of what has happened
    arriving    bigint NOT NULL,            -- uploads whose bytes are coming
    unfinished  bigint NOT NULL,            -- that can be gone on with
    uploads     bigint NOT NULL,            -- that are there
    objects     bigint NOT NULL,            -- in the stores,
    bytes       bigint NOT NULL,            -- with so many bytes
    garbage     bigint NOT NULL,            -- objects to be removed
    jobs        bigint NOT NULL,            -- that wait or run
    parked      bigint NOT NULL,            -- jobs that need somebody
    nodes       bigint NOT NULL,
    stored      bigint NOT NULL,            -- uploads, since the row before,
    stored_bytes bigint NOT NULL,
    failed      bigint NOT NULL             -- and those that failed
);
