/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_CORE_PART_UPLOAD_H
#define STG_CORE_PART_UPLOAD_H

#include "core/quota.h"
#include "core/staging.h"
#include "core/transfer.h"
#include "stream/digest.h"

/*
 * A part upload: an object (state gathering) whose bytes come at offsets, over
 * many requests, on any node, into any store. Its slice inserts the rows of
 * object and part_upload in the statement that inserts its own, and decides
 * what a request may do; here is how bytes become an offset that is promised.
 *
 * A promise is durable: before stg_part_upload_offset() rises, the bytes are
 * in the store (as parts, and what is too short for one as a tail: an object
 * of its own, immutable, that the row names), and the row with offset, parts,
 * tail and running digests is committed under our fence.
 *
 * One request at a time holds a part upload. A newer one asks the holder to
 * let go, waits up to three seconds, and then takes it all the same: the fence
 * is raised, and the older one changes nothing any more (STG_E_TAKEN).
 *
 *     take -> open -> bytes into the sink, commit now and then
 *          -> commit | drop | settle + store -> release
 */

typedef struct stg_part_upload_t stg_part_upload_t;

/* For its row: the size of its parts, if it is to be size bytes (-1: nobody
 * knows) and never more than max_size (0: no limit). */
apr_off_t stg_part_upload_part_size(const stg_store_t *store, apr_off_t size,
                                    apr_off_t max_size);

/* Take it over, as the newest request. NOT_FOUND if there is none of this id
 * that is gathering and not expired; BUSY or DB_DOWN if the database does not
 * answer. A cleanup of p releases it. */
stg_error_t *stg_part_upload_take(stg_part_upload_t **upload,
                                  stg_staging_t *staging, const char *object,
                                  apr_pool_t *p);

/* As of the row. */
apr_off_t stg_part_upload_offset(const stg_part_upload_t *upload);
apr_off_t stg_part_upload_size(const stg_part_upload_t *upload); /* -1: not
                                                                  * declared */

/* When it expires as things stand, by the database; rises with commits. */
apr_time_t stg_part_upload_expires(const stg_part_upload_t *upload);

/* For stg_transfers_wake_with(). */
stg_transfer_t *stg_part_upload_transfer(stg_part_upload_t *upload);

/* Has a newer request asked for it, as far as is known here? */
int stg_part_upload_is_wanted(const stg_part_upload_t *upload);

/* The size that it will have, once and for all: INVALID if another was declared
 * or more is promised, TAKEN; QUOTA if there is no room for what is not. Before
 * open. */
stg_error_t *stg_part_upload_declare(stg_part_upload_t *upload, apr_off_t size,
                                     const stg_quota_t *quota);

/* What the bytes of one request are to be. */
typedef struct stg_transfer_plan_t {
    stg_store_t *store;             /* stoppable */
    apr_off_t max_size;             /* of the whole: TOO_LARGE beyond */
    stg_algorithm_set_t algorithms; /* the same for all requests of it */
    int is_held_back; /* nothing is promised before stg_part_upload_commit():
                       * a checksum of the request is to be compared first */
    /* Promised up to here, after at most one commit a second; from the
     * request's own thread. May be NULL. */
    void (*on_progress)(void *context, apr_off_t offset);
    void *context;
} stg_transfer_plan_t;

/* Where the bytes go, from the offset on; the tail is read back first. The
 * sink fails with TAKEN as soon as a newer request wants the part upload,
 * TOO_LARGE beyond max_size or the declared size, and ENDING when the store
 * says so; what has come until then can be committed, unless the fence is lost.
 * GONE if the store has lost what was promised.
 *
 * Close it when the body has ended as it should: the last byte of a declared
 * size is promised only then (or by settle), so that what was cut off is never
 * whole. */
stg_error_t *stg_part_upload_open(stg_sink_t **sink, stg_part_upload_t *upload,
                                  const stg_transfer_plan_t *plan);

/* Promise all that has come: parts, tail, digests, offset. TAKEN if the fence
 * is lost, NOT_FOUND if it was deleted or has expired: then nothing has
 * changed. If the store fails, as much as it has may be promised all the same;
 * stg_part_upload_offset() says what is. May be repeated if the database did
 * not answer. */
stg_error_t *stg_part_upload_commit(stg_part_upload_t *upload);

/* Forget what has come since the last promise. */
void stg_part_upload_drop(stg_part_upload_t *upload);

/* All bytes of the object have come: the digests are final. Opens the pipe if
 * it is not open yet. Nothing is promised by it. */
stg_error_t *stg_part_upload_settle(stg_part_upload_t *upload,
                                    const stg_transfer_plan_t *plan);
const char *stg_part_upload_digest(const stg_part_upload_t *upload,
                                   stg_algorithm_t algorithm);

/* After settle: bring the last bytes into the store. What is no larger than a
 * part is an object of its own then, whole, else the parts are there. Then the
 * slice commits in one statement with its own rows, by object and
 * stg_part_upload_fence() (of the row of part_upload, locked FOR UPDATE), that
 * whole has taken the place of what was gathering, or gathering -> finishing
 * with its job; and calls stg_part_upload_ended(). The row of part_upload is
 * garbage collection's after it. If the slice does not, whole is discarded. */
stg_error_t *stg_part_upload_store(stg_part_upload_t *upload);
/* Its id; NULL: a job is due. */
const char *stg_part_upload_whole(const stg_part_upload_t *upload);
apr_off_t stg_part_upload_total(const stg_part_upload_t *upload);
const char *stg_part_upload_etag(const stg_part_upload_t *upload);
const char *stg_part_upload_fence(const stg_part_upload_t *upload);
void stg_part_upload_ended(stg_part_upload_t *upload);

/* Let the next request have it at once. */
void stg_part_upload_release(stg_part_upload_t *upload);

#endif
