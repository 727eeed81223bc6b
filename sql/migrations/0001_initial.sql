-- Accounts, keys, nodes, objects, jobs, uploads.

CREATE TABLE account (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name        text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 64),
    created     timestamptz NOT NULL DEFAULT now(),
    disabled    timestamptz
);

CREATE TABLE api_key (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account     uuid NOT NULL REFERENCES account ON DELETE CASCADE,
    sha256      text NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    hint        text NOT NULL,              -- its first characters, to tell keys apart
    label       text NOT NULL DEFAULT '',
    scopes      text[] NOT NULL,            -- read, write
    created     timestamptz NOT NULL DEFAULT now(),
    expires     timestamptz,
    revoked     timestamptz
);
CREATE INDEX api_key_account ON api_key (account);

-- A process that receives uploads or runs jobs. While its row is there, what
-- it is receiving is not touched by anybody else. It is removed some time
-- after somebody noticed that the lease has run out.
CREATE TABLE node (
    id          uuid PRIMARY KEY,
    host        text NOT NULL,
    pid         integer NOT NULL,
    started     timestamptz NOT NULL DEFAULT now(),
    expires     timestamptz NOT NULL,
    suspected   timestamptz                 -- since when it seems dead
);

-- receiving -> stored -> deleting -> (no row)
-- receiving -> finishing -> stored: a job completes the parts
-- receiving | finishing -> deleting: failed, abandoned, or deleted meanwhile
CREATE TABLE object (
    id          uuid PRIMARY KEY,
    store       text NOT NULL,
    state       text NOT NULL DEFAULT 'receiving'
                CHECK (state IN ('receiving', 'finishing', 'stored', 'deleting')),
    receiver    uuid,                       -- the node that is sending or
                                            -- removing bytes; receiving
                                            -- without: abandoned
    size        bigint,
    md5         text,
    sha1        text,
    sha256      text,
    etag        text,
    parts_id    text,                       -- the store's id of unfinished parts
    created     timestamptz NOT NULL DEFAULT now(),
    claimed     timestamptz NOT NULL DEFAULT '-infinity' -- by GC, last
);
CREATE INDEX object_deleting ON object (claimed) WHERE state = 'deleting';
CREATE INDEX object_receiving ON object (receiver) WHERE state = 'receiving';

CREATE TABLE job (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL,
    subject     uuid NOT NULL,              -- what it is about
    state       text NOT NULL DEFAULT 'ready'
                CHECK (state IN ('ready', 'running', 'parked')),
    attempts    integer NOT NULL DEFAULT 0,
    run_after   timestamptz NOT NULL DEFAULT now(),
    owner       uuid,                       -- the node that runs it
    fence       bigint NOT NULL DEFAULT 0,  -- raised by every claim
    expires     timestamptz,                -- of the claim
    last_error  text,
    created     timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, subject)
);
CREATE INDEX job_due ON job (run_after) WHERE state <> 'parked';

-- An EDI upload. status: pending -> success | failure
CREATE TABLE upload (
    id           uuid PRIMARY KEY,
    service      text NOT NULL,
    owner        text NOT NULL,             -- realm:subject
    object       uuid REFERENCES object ON DELETE SET NULL,
    label        text NOT NULL,
    filename     text NOT NULL,
    content_type text NOT NULL,
    status       text NOT NULL DEFAULT 'pending'
                 CHECK (status IN ('pending', 'success', 'failure')),
    message      text,                      -- why it failed
    created      timestamptz NOT NULL DEFAULT now(),
    expires      timestamptz NOT NULL
);
CREATE INDEX upload_listing ON upload (service, owner, created DESC, id DESC);
CREATE INDEX upload_expires ON upload (expires);
CREATE UNIQUE INDEX upload_object ON upload (object);
