/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/answer_cache.h"
#include "base/clock.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* 4096 answers; a question has WAYS places it can be in. */
enum { SETS = 512, WAYS = 8 };

typedef struct entry_t {
    stg_question_t question;
    stg_answer_t answer;
    apr_time_t until;
    char *detail; /* on the heap: a pool would only grow */
} entry_t;

struct stg_answer_cache_t {
    apr_thread_mutex_t *lock;
    struct {
        entry_t entries[SETS][WAYS];
    } synced;
};

stg_question_t stg_question_of(const char *text, ...)
{
    stg_question_t question = {{0}};
    unsigned char all[sizeof(question.hash) + SHA256_DIGEST_LENGTH] = {0};
    va_list texts;

    /* A chain of hashes: "ab", "c" and "a", "bc" differ. */
    va_start(texts, text);
    for (; text; text = va_arg(texts, const char *)) {
        SHA256((const unsigned char *)text, strlen(text),
               all + sizeof(question.hash));
        SHA256(all, sizeof(all), question.hash);
        memcpy(all, question.hash, sizeof(question.hash));
    }
    va_end(texts);
    return question;
}

static void forget(entry_t *entry)
{
    if (entry->detail)
        OPENSSL_clear_free(entry->detail, strlen(entry->detail) + 1);
    memset(entry, 0, sizeof(*entry));
}

static apr_status_t forget_all(void *baton)
{
    stg_answer_cache_t *cache = baton;

    for (int i = 0; i < SETS * WAYS; i++)
        forget(&cache->synced.entries[i / WAYS][i % WAYS]);
    return APR_SUCCESS;
}

stg_answer_cache_t *stg_answer_cache_create(apr_pool_t *p)
{
    stg_answer_cache_t *cache = apr_pcalloc(p, sizeof(*cache));

    if (apr_thread_mutex_create(&cache->lock, APR_THREAD_MUTEX_DEFAULT, p))
        abort();
    apr_pool_cleanup_register(p, cache, forget_all, apr_pool_cleanup_null);
    return cache;
}

static entry_t *set_of_synced(stg_answer_cache_t *cache,
                              const stg_question_t *question)
{
    unsigned int first;

    memcpy(&first, question->hash, sizeof(first));
    return cache->synced.entries[first % SETS];
}

static int is_about(const entry_t *entry, const stg_question_t *question)
{
    return entry->answer != STG_UNKNOWN &&
           CRYPTO_memcmp(&entry->question, question, sizeof(*question)) == 0;
}

stg_answer_t stg_answer_get(const char **detail, stg_answer_cache_t *cache,
                            const stg_question_t *question, apr_pool_t *p)
{
    stg_answer_t answer = STG_UNKNOWN;
    entry_t *set;

    apr_thread_mutex_lock(cache->lock);
    set = set_of_synced(cache, question);
    for (int i = 0; i < WAYS; i++) {
        if (!is_about(&set[i], question) || set[i].until <= stg_clock_now())
            continue;
        answer = set[i].answer;
        if (detail)
            *detail = apr_pstrdup(p, set[i].detail);
    }
    apr_thread_mutex_unlock(cache->lock);
    return answer;
}

void stg_answer_put(stg_answer_cache_t *cache, const stg_question_t *question,
                    stg_answer_t answer, const char *detail, apr_time_t until)
{
    entry_t *place;
    entry_t *set;

    apr_thread_mutex_lock(cache->lock);
    set = set_of_synced(cache, question);
    place = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (set[i].until < place->until)
            place = &set[i];
    }
    for (int i = 0; i < WAYS; i++) {
        if (is_about(&set[i], question))
            place = &set[i];
    }
    forget(place);
    *place = (entry_t){.question = *question, .answer = answer, .until = until};
    if (detail)
        place->detail = OPENSSL_strdup(detail);
    apr_thread_mutex_unlock(cache->lock);
}
