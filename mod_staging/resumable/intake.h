/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_INTAKE_H
#define STG_RESUMABLE_INTAKE_H

#include "resumable/resumable.h"
#include "stream/checksum.h"
#include "web/request.h"

/*
 * The body of one request on its way into a resumable upload, the same for
 * both dialects:
 *
 *     take -> what the dialect refuses before it reads -> receive
 *
 * What ended it, when it did not end well, is in the error's code:
 * BODY_INCOMPLETE or TIMEOUT: the client; ENDING: this process; TAKEN: a newer
 * request. All three keep what has come, unless it was to be compared.
 */

typedef struct stg_intake_t {
    stg_request_t *req;
    stg_resumable_t *resumable; /* offset and size follow what is promised */
    stg_part_upload_t *part;

    /* By the dialect, before receive. */
    int is_strict; /* only a last body completes the upload, and one beyond the
                    * length ends it; otherwise: who reaches the length
                    * completes it */
    int is_last;
    /* After the body, before anything of it is promised: compare what was
     * announced with what was computed. NULL: nothing is to be compared. */
    stg_error_t *(*check)(void *context, const stg_checksums_t *computed);
    const stg_checksums_t *announced; /* NULL: the trailer tells */
    void (*on_progress)(void *context, apr_off_t offset);
    void *context;

    /* By receive. */
    int is_beyond; /* the body was longer than what is missing */
    int is_short;  /* the last body came, but not to the length */
    int is_failed; /* the upload, for good */
} stg_intake_t;

/* Make the upload ours; or its state is not open any more, and there is no
 * part. GONE, BUSY. */
stg_error_t *stg_intake_take(stg_intake_t *intake, stg_request_t *req,
                             stg_resumable_t *resumable);

/* Read the body, promise it and let go of the upload. */
stg_error_t *stg_intake_receive(stg_intake_t *intake);

/* The store of the upload, if it answers. When this process has to end, bytes
 * stop being read at once, but what has come may still be stored: calls end
 * some seconds later. */
stg_error_t *stg_intake_store(stg_store_t **store, const stg_request_t *req,
                              const char *name);

#endif
