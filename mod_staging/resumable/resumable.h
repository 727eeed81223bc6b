/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_RESUMABLE_RESUMABLE_H
#define STG_RESUMABLE_RESUMABLE_H

#include "core/job.h"
#include "core/part_upload.h"
#include "stream/digest_field.h"

/*
 * A resumable upload: a URL to which bytes can be appended over many requests,
 * until it is complete and an upload like any other. A partial is one that
 * only other uploads, finals, are made of: nobody sees it as an upload.
 */

typedef enum stg_resumable_state_t {
    STG_RESUMABLE_OPEN,      /* bytes may come */
    STG_RESUMABLE_FINISHING, /* all have; a job puts the parts together */
    STG_RESUMABLE_COMPLETE
} stg_resumable_state_t;

/* What a new one is made from; what is not known is NULL, a size -1. */
typedef struct stg_resumable_spec_t {
    stg_store_t *store;
    const char *service;
    const char *owner;
    const char *created_in; /* the dialect: tus, ietf */
    const char *concat;     /* none, partial, final */
    const char *concat_text;
    const char *const *partials; /* ids, in their order */
    int partial_count;
    const char *metadata;
    const char *label;
    const char *filename;
    const char *content_type;
    const char *repr_digest; /* that the whole must have */
    const char *idempotency_key;
    stg_algorithm_set_t algorithms;
    apr_off_t size;
    apr_off_t max_size;
    apr_off_t quota; /* of the owner, 0: none */
    apr_off_t idle;  /* this and the rest in seconds */
    apr_off_t lifetime;
    apr_off_t retention;
} stg_resumable_spec_t;

typedef struct stg_resumable_t {
    const char *id;
    const char *object;
    const char *store;
    stg_resumable_state_t state;
    const char *created_in;
    const char *concat;
    const char *concat_text;
    const char *metadata;
    const char *filename;
    const char *content_type;
    const char *repr_digest;
    stg_algorithm_set_t algorithms;
    apr_off_t size; /* -1: not known yet */
    apr_off_t offset;
    stg_quota_t quota;     /* its owner's, where bytes are taken for it */
    int is_new;            /* created just now */
    int is_held;           /* by a request: its offset may rise */
    apr_time_t expires;    /* while it is open */
    apr_int64_t age;       /* seconds until then, at least 0 */
    stg_digests_t digests; /* once all bytes have come */
} stg_resumable_t;

/* CONFLICT if the key was used for an upload of another size, or one that is
 * put together in another way: *resumable is the first one made with it
 * otherwise. NOT_FOUND if a partial is gone. QUOTA. */
stg_error_t *stg_resumable_create(stg_resumable_t **resumable,
                                  stg_staging_t *staging,
                                  const stg_resumable_spec_t *spec,
                                  apr_pool_t *p);

/* The set of a row. */
stg_algorithm_set_t stg_resumable_algorithms(const char *names, apr_pool_t *p);

/* NOT_FOUND if there is none of this id, service and owner; GONE if there was
 * one. */
stg_error_t *stg_resumable_find(stg_resumable_t **resumable, stg_db_t *db,
                                const char *id, const char *service,
                                const char *owner, apr_pool_t *p);

/* Ready to receive, as the newest request. Sets offset, size and expires to
 * what they are then. GONE, BUSY. */
stg_error_t *stg_resumable_take(stg_part_upload_t **part,
                                stg_resumable_t *resumable,
                                stg_staging_t *staging, apr_pool_t *p);

/* The size of the whole, which its owner must have room for: QUOTA, and what
 * stg_part_upload_declare() says. */
stg_error_t *stg_resumable_declare(stg_resumable_t *resumable,
                                   stg_part_upload_t *part, apr_off_t size);

/* Offset and expiry as part has them. */
void stg_resumable_refresh(stg_resumable_t *resumable,
                           const stg_part_upload_t *part);

/* All bytes have come into part: compare them with what was announced of the
 * whole, make them an object, say so. DIGEST_MISMATCH, QUOTA if nobody had
 * declared how many there would be: it has failed for good.
 * job: which does that, and ends with it; or NULL. */
stg_error_t *stg_resumable_complete(stg_resumable_t *resumable,
                                    stg_staging_t *staging,
                                    stg_part_upload_t *part,
                                    const stg_transfer_plan_t *plan,
                                    const stg_job_t *job, apr_pool_t *p);

/* Is that such an error? */
int stg_resumable_is_lost(const stg_error_t *err);

/* It can never become whole. Whoever held part does not any more. */
stg_error_t *stg_resumable_fail(const stg_resumable_t *resumable,
                                stg_staging_t *staging, stg_part_upload_t *part,
                                const char *why, apr_pool_t *p);

/* The request that created it cannot tell of it, and had it as part. Whoever
 * has found it all the same, and taken it since, keeps it. */
stg_error_t *stg_resumable_withdraw(const stg_resumable_t *resumable,
                                    stg_staging_t *staging,
                                    const stg_part_upload_t *part,
                                    apr_pool_t *p);

/* With its bytes, complete or not. NOT_FOUND; CONFLICT if a final is being
 * made of it. */
stg_error_t *stg_resumable_delete(stg_staging_t *staging, const char *id,
                                  const char *service, const char *owner,
                                  apr_pool_t *p);

#endif
