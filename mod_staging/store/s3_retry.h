/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_RETRY_H
#define STG_STORE_S3_RETRY_H

#include "base/error.h"

#include <apr_tables.h>
#include <apr_time.h>

/*
 * What an answer of a store means for one more attempt, when that may be,
 * and a budget of attempts per store that stops storms.
 */

typedef enum stg_s3_class_t {
    STG_S3_FINAL,     /* an answer, good or bad */
    STG_S3_THROTTLED, /* later, and slower */
    STG_S3_TRANSIENT, /* again */
    STG_S3_DAMAGED,   /* bytes were damaged on the way: once more */
    STG_S3_CLOCK,     /* once more with the store's time */
    STG_S3_REGION,    /* once more with the region that it names */
    STG_S3_KEYS       /* once more with fresh keys */
} stg_s3_class_t;

/* code may be NULL: then the status decides. */
stg_s3_class_t stg_s3_class_of(int status, const char *code);
stg_s3_class_t stg_s3_class_of_error(const stg_error_t *err);

/* Does the store say that it is full? */
int stg_s3_is_no_space(int status, const char *code);

/* Before retry number (1 ...): full jitter, or longer if headers (may be
 * NULL) ask for it. */
apr_interval_time_t stg_s3_retry_delay(stg_s3_class_t class,
                                       unsigned int number,
                                       const apr_table_t *headers);

/* False if one of the flags (atomic; may be NULL) turned true meanwhile. */
int stg_s3_retry_sleep(apr_interval_time_t delay, const int *is_cancelled,
                       const int *is_stopping);

typedef struct stg_s3_budget_t stg_s3_budget_t;

stg_s3_budget_t *stg_s3_budget_create(apr_pool_t *p);

/* Pay for a retry, more if there was no answer at all; false if broke. */
int stg_s3_budget_take(stg_s3_budget_t *budget, int was_silent);

/* A call went well at once. */
void stg_s3_budget_return(stg_s3_budget_t *budget);

#endif
