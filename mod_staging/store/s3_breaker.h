/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_BREAKER_H
#define STG_STORE_S3_BREAKER_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * Spares those who would wait for a store that gives no answer: after
 * STG_S3_BREAKER_ATTEMPTS in a row without one, over STG_S3_BREAKER_SECONDS at
 * least, the store counts as down. Then one call in STG_S3_BREAKER_PAUSE may
 * try, and the others need not wait for what they would not get. Any answer,
 * good or bad, ends it. One per store and process; any thread. Times are
 * monotonic.
 */

enum {
    STG_S3_BREAKER_ATTEMPTS = 3,
    STG_S3_BREAKER_SECONDS = 5,
    STG_S3_BREAKER_PAUSE = 5 /* seconds */
};

typedef struct stg_s3_breaker_t stg_s3_breaker_t;

stg_s3_breaker_t *stg_s3_breaker_create(apr_pool_t *p);

/* May a call be made? While the store is down the one that may is the one
 * that tries. */
int stg_s3_breaker_enter(stg_s3_breaker_t *breaker, apr_time_t now);

/* What came of an attempt. Silence that had begun before the last answer came
 * is no news. */
void stg_s3_breaker_answered(stg_s3_breaker_t *breaker, apr_time_t now);
void stg_s3_breaker_silent(stg_s3_breaker_t *breaker, apr_time_t begun,
                           apr_time_t now);

int stg_s3_breaker_is_down(stg_s3_breaker_t *breaker);

#endif
