-- Part uploads: objects whose bytes come at offsets, over many requests, on any
-- node; and the resumable uploads that are made of them.

ALTER TABLE object
    ADD COLUMN sha512 text,
    ADD COLUMN tail_of uuid,                -- the object whose last bytes these
                                            -- are; NULL: an object of its own
    DROP CONSTRAINT object_state_check,
    ADD CONSTRAINT object_state_check CHECK
        (state IN ('gathering', 'receiving', 'finishing', 'stored', 'deleting'));
CREATE INDEX object_tail_of ON object (tail_of) WHERE tail_of IS NOT NULL;

-- Whose an object is, for quotas: as its upload or resumable says. Tails and
-- probes are nobody's.
ALTER TABLE object
    ADD COLUMN service text,
    ADD COLUMN owner text,
    ADD COLUMN reserved bigint;             -- so many bytes may come into what
                                            -- is receiving
UPDATE object SET service = upload.service, owner = upload.owner
FROM upload WHERE upload.object = object.id;
CREATE INDEX object_owner ON object (service, owner) INCLUDE (size, reserved)
    WHERE owner IS NOT NULL AND state IN ('receiving', 'finishing', 'stored');
CREATE INDEX object_gathering ON object (service, owner) WHERE state = 'gathering';

-- For statements that end what has an object: it may have become another while
-- they waited for the row that names it, and that one be newer than what they
-- see of this table themselves.
CREATE FUNCTION object_delete(uuid) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    UPDATE object SET state = 'deleting' WHERE id = $1 RETURNING id
$$;

-- gathering -> finishing: the last byte has come; or another object that has
-- all bytes takes its place
-- gathering -> deleting: deleted, failed, expired
-- While an object is gathering its row here says what is promised of it. A row
-- whose object is stored or deleting is nobody's any more, and goes.
CREATE TABLE part_upload (
    object       uuid PRIMARY KEY REFERENCES object ON DELETE CASCADE,
    size         bigint CHECK (size >= acknowledged), -- of the whole; NULL: not declared
    acknowledged bigint NOT NULL DEFAULT 0 CHECK (acknowledged >= 0), -- promised
    part_size    bigint NOT NULL CHECK (part_size > 0),
    next_part    integer NOT NULL DEFAULT 1, -- no part has this number or a higher one
    segment      integer NOT NULL DEFAULT 1, -- of whoever sends parts now
    digests      text,                      -- running, of what is promised
    tail         uuid,                      -- the object with the bytes behind
                                            -- the last part
    fence        bigint NOT NULL DEFAULT 0, -- raised by everybody who takes it
    holder       uuid,                      -- the node whose request has it
    taken        timestamptz,               -- when it took it
    is_wanted    boolean NOT NULL DEFAULT false, -- by a newer request
    idle_seconds bigint NOT NULL,           -- without news it expires
    created      timestamptz NOT NULL DEFAULT now(),
    lifetime_end timestamptz NOT NULL,      -- with news it expires
    expires      timestamptz NOT NULL
) WITH (fillfactor = 70);   -- updated by every request, and so that no index
                            -- has to be: it has none but its key

-- What is promised but for the tail: without gaps from byte 0 on.
CREATE TABLE part (
    object       uuid NOT NULL REFERENCES part_upload ON DELETE CASCADE,
    number       integer NOT NULL,
    segment      integer NOT NULL,
    first        bigint NOT NULL,
    size         bigint NOT NULL,
    etag         text,
    PRIMARY KEY (object, number)
);
CREATE INDEX part_first ON part (object, first);

-- A resumable upload: what clients ask for by its URL. The row stays for a
-- while when all else is gone, to say so. open -> complete; open | complete ->
-- failed | deleted | expired.
CREATE TABLE resumable (
    id           uuid PRIMARY KEY,          -- in its URL; the upload's as well,
                                            -- which partials do not have
    object       uuid REFERENCES object ON DELETE SET NULL,
    service      text NOT NULL,
    owner        text NOT NULL,             -- realm:subject
    state        text NOT NULL DEFAULT 'open'
                 CHECK (state IN ('open', 'complete', 'failed', 'deleted', 'expired')),
    created_in   text NOT NULL CHECK (created_in IN ('tus', 'ietf')),
    concat       text NOT NULL DEFAULT 'none'
                 CHECK (concat IN ('none', 'partial', 'final')),
    partials     uuid[],                    -- of a final, in their order
    concat_text  text,                      -- Upload-Concat as it came
    metadata     text,                      -- Upload-Metadata as it came
    label        text NOT NULL DEFAULT '',
    filename     text NOT NULL DEFAULT '',
    content_type text NOT NULL DEFAULT '',
    repr_digest  text,                      -- what the whole is to have
    algorithms   text NOT NULL,             -- of its digests: names, in one text
    failed_why   text,
    idempotency_key text,
    created      timestamptz NOT NULL DEFAULT now(),
    expires      timestamptz                -- of this row; NULL: not yet known
);
CREATE UNIQUE INDEX resumable_idempotency
    ON resumable (service, owner, idempotency_key)
    WHERE idempotency_key IS NOT NULL AND state IN ('open', 'complete');
CREATE INDEX resumable_final
    ON resumable (service, owner) WHERE concat = 'final' AND state = 'open';
CREATE INDEX resumable_object ON resumable (object);
CREATE INDEX resumable_expires ON resumable (expires);
