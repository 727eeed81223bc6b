/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_AUTH_ANSWER_CACHE_H
#define STG_AUTH_ANSWER_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * What the IAM answered, kept for a while. Questions are known by their
 * SHA-256 only, so that no key can be read out of it. The number of answers
 * is bounded: a new one drives out the one of its neighbours that would end
 * first. May be used by any number of threads.
 */

typedef struct stg_answer_cache_t stg_answer_cache_t;

typedef enum stg_answer_t { STG_UNKNOWN, STG_DENIED, STG_ALLOWED } stg_answer_t;

/* The SHA-256 of a question. */
typedef struct stg_question_t {
    unsigned char hash[32];
} stg_question_t;

/* From the texts that make it up, ended by NULL; where one ends counts. */
stg_question_t stg_question_of(const char *text, ...) __attribute__((sentinel));

stg_answer_cache_t *stg_answer_cache_create(apr_pool_t *p);

/* STG_UNKNOWN if there is none or it has ended. *detail (if not NULL) gets
 * what was put along, a copy in p, or NULL. */
stg_answer_t stg_answer_get(const char **detail, stg_answer_cache_t *cache,
                            const stg_question_t *question, apr_pool_t *p);

/* Keep an answer, in place of an older one, until a point in time. */
void stg_answer_put(stg_answer_cache_t *cache, const stg_question_t *question,
                    stg_answer_t answer, const char *detail, apr_time_t until);

#endif
