/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_OBJECT_H
#define STG_CORE_OBJECT_H

#include "core/staging.h"
#include "stream/digest.h"

/*
 * An object: bytes in a store plus our row about them, kept consistent
 * whenever the process dies. The row exists before the first byte
 * (receiving); the bytes exist before the row says so (stored).
 *
 * The row of a new object is inserted by its slice, in the same statement as
 * the slice's own row (see upload_begin in sql/queries/uploads.sql), so that
 * neither exists without the other. So are the changes receiving -> stored,
 * receiving -> finishing (with its job) and -> deleting. The first two also
 * set receiver to NULL: GC keeps away from what has a living receiver.
 */

typedef struct stg_object_t stg_object_t;

/* The kind of the job that an object in state finishing has; its subject is
 * the object. Run by the slice that owns the object. */
#define STG_OBJECT_FINISH "upload_finish"

/* What is going to be received; copied, but for what it points to. */
typedef struct stg_object_plan_t {
    stg_store_t *store;
    const char *id; /* of the row */
    const char *content_type;
    apr_off_t size;  /* -1 if not known */
    apr_off_t least; /* bytes that will come in any case */
    stg_algorithm_set_t algorithms;
} stg_object_plan_t;

/* Begin to receive, after the row was committed. Fails with BUSY while the
 * node has no lease. When it fails it has let go of the row. */
stg_error_t *stg_object_receive(stg_object_t **object, stg_staging_t *staging,
                                const stg_object_plan_t *plan, apr_pool_t *p);

/* Where the bytes go. Do not close it: settle and commit do. */
stg_sink_t *stg_object_sink(stg_object_t *object);

/* All bytes have come: wait for the digests, keep nothing back. */
stg_error_t *stg_object_settle(stg_object_t *object);

/* Make the bytes durable in the store. Fails with BUSY, without a commit, if
 * the node's lease has run out. After it the slice tells the database, and if
 * that finds the object gone, or fails, calls stg_object_discard(). */
stg_error_t *stg_object_commit(stg_object_t *object);

/* The same, and what is left to a job otherwise: for small objects. */
stg_error_t *stg_object_commit_whole(stg_object_t *object);

/* After commit: is the object there, or must a job finish its parts? */
int stg_object_is_finished(const stg_object_t *object);

/* After settle. */
apr_off_t stg_object_size(const stg_object_t *object);
const char *stg_object_digest(const stg_object_t *object,
                              stg_algorithm_t algorithm);

/* After commit; NULL if the store has none. */
const char *stg_object_id(const stg_object_t *object);
const char *stg_object_etag(const stg_object_t *object);

/* Let go of the row, so that GC may end it, and remove the bytes that were
 * sent. Does nothing if the database has taken the object for complete, so it
 * may be called when the outcome of a statement is not known. Best effort:
 * what fails here GC does. The sinks of the object are gone then. */
void stg_object_discard(stg_object_t *object);

/* Try the store, with an object that has a row like any other, so that GC
 * ends what is left of it if the process dies. *summary is one line. */
stg_error_t *stg_object_probe(const char **summary, stg_staging_t *staging,
                              stg_store_t *store, apr_pool_t *p);

/* The store's part of the job that completes an object's parts: complete and
 * verify. Fails with NOT_FOUND if there is no such object in state finishing
 * (any more). The slice tells the database after it. */
stg_error_t *stg_object_finish_parts(stg_staging_t *staging,
                                     const char *object_id, apr_pool_t *p);

#endif
