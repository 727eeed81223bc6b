-- The EDI staging uploads. Times go out as epoch microseconds.

-- name: upload_begin (id, object, store, receiver, service, owner, label, filename, content_type, retention)
-- The row before the bytes: object and upload, or neither.
WITH o AS (
    INSERT INTO object (id, store, receiver)
    VALUES ($2::uuid, $3, $4::uuid)
    RETURNING id
)
INSERT INTO upload (id, service, owner, object, label, filename, content_type, expires)
SELECT $1::uuid, $5, $6, o.id, $7, $8, $9, now() + make_interval(secs => $10::bigint)
FROM o;
