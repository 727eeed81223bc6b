/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/text.h"

#include <openssl/evp.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* A block still is in the cache when the last hasher comes to it: with
 * 256 KiB a tenth of the speed is lost. Threads cost as much as hashing some
 * hundred KiB. */
enum {
    BLOCK_BYTES = 64 * 1024,
    INLINE_BYTES = 256 * 1024,
    BLOCKS = STG_DIGEST_MEMORY / BLOCK_BYTES,
    BATCH = BLOCKS / 4, /* blocks for which a thread is woken */
    STACK_BYTES = 128 * 1024
};

static const char *const names[STG_ALGORITHMS] = {
    [STG_MD5] = "md5",
    [STG_SHA1] = "sha1",
    [STG_SHA256] = "sha256",
};

/* One algorithm. Its context belongs to its thread while that runs. */
typedef struct hasher_t {
    stg_digest_t *digest;
    EVP_MD *md;
    EVP_MD_CTX *context; /* NULL: not in the set */
    pthread_t thread;
    int has_thread;
    int is_failed;
    const char *hex;
} hasher_t;

typedef struct block_t {
    char *bytes; /* made when first needed */
    apr_size_t count;
} block_t;

/*
 * The calling thread fills the blocks of a ring; a hasher goes through them
 * behind it. Blocks are numbered from 0 on; number n stands at n % BLOCKS.
 * The block that is being filled, number filling, belongs to the caller.
 */
struct stg_digest_t {
    stg_sink_t sink;
    stg_sink_t *next;
    apr_off_t size;
    block_t blocks[BLOCKS];
    apr_uint64_t filling;
    hasher_t hashers[STG_ALGORITHMS];
    int is_threaded;
    int is_settled;

    pthread_mutex_t lock;
    pthread_cond_t has_work;
    pthread_cond_t has_room;
    struct {
        apr_uint64_t given;                  /* blocks that may be hashed */
        apr_uint64_t hashed[STG_ALGORITHMS]; /* of these, by each */
        apr_uint64_t wanted; /* the caller sleeps until all hashed this many */
        int is_ended;        /* nothing more will be given */
        int is_abandoned;    /* and what was given does not matter */
    } synced;
};

const char *stg_algorithm_name(stg_algorithm_t algorithm)
{
    return names[algorithm];
}

stg_algorithm_t stg_algorithm_find(const char *name)
{
    int i = 0;

    while (i < STG_ALGORITHMS && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static block_t *block_at(stg_digest_t *digest, apr_uint64_t number)
{
    return &digest->blocks[number % BLOCKS];
}

static void hash(hasher_t *hasher, const block_t *block)
{
    if (!EVP_DigestUpdate(hasher->context, block->bytes, block->count))
        hasher->is_failed = 1;
}

static apr_uint64_t hashed_by_all_synced(const stg_digest_t *digest)
{
    apr_uint64_t least = digest->synced.given;

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (digest->hashers[i].has_thread && digest->synced.hashed[i] < least)
            least = digest->synced.hashed[i];
    }
    return least;
}

/* Sleep until block number may be hashed; false if there will be none. */
static int await_work_synced(stg_digest_t *digest, apr_uint64_t number)
{
    while (digest->synced.given == number && !digest->synced.is_ended)
        pthread_cond_wait(&digest->has_work, &digest->lock);
    return digest->synced.given > number && !digest->synced.is_abandoned;
}

static void *hasher_main(void *context)
{
    hasher_t *hasher = context;
    stg_digest_t *digest = hasher->digest;
    apr_uint64_t *hashed = &digest->synced.hashed[hasher - digest->hashers];
    apr_uint64_t number = 0;

    pthread_mutex_lock(&digest->lock);
    while (await_work_synced(digest, number)) {
        apr_uint64_t end = digest->synced.given;

        end = end - number < BATCH ? end : number + BATCH;
        pthread_mutex_unlock(&digest->lock);
        while (number < end)
            hash(hasher, block_at(digest, number++));
        pthread_mutex_lock(&digest->lock);
        *hashed = number;
        if (digest->synced.wanted &&
            hashed_by_all_synced(digest) >= digest->synced.wanted) {
            digest->synced.wanted = 0;
            pthread_cond_signal(&digest->has_room);
        }
    }
    pthread_mutex_unlock(&digest->lock);
    return NULL;
}

/* The threads of the host handle its signals; ours are left alone. A hasher
 * for which there is no thread to be had works in the caller's. */
static void start_threads(stg_digest_t *digest)
{
    pthread_attr_t attributes;
    sigset_t all, before;

    digest->is_threaded = 1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_mutex_lock(&digest->lock);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        hasher_t *hasher = &digest->hashers[i];

        hasher->has_thread =
            hasher->context &&
            !pthread_create(&hasher->thread, &attributes, hasher_main, hasher);
    }
    pthread_mutex_unlock(&digest->lock);
    pthread_attr_destroy(&attributes);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void join_threads(stg_digest_t *digest, int is_abandoned)
{
    pthread_mutex_lock(&digest->lock);
    digest->synced.is_ended = 1;
    digest->synced.is_abandoned = is_abandoned;
    pthread_cond_broadcast(&digest->has_work);
    pthread_mutex_unlock(&digest->lock);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        hasher_t *hasher = &digest->hashers[i];

        if (hasher->has_thread)
            pthread_join(hasher->thread, NULL);
        hasher->has_thread = 0;
    }
}

/* All blocks, with the one that was being filled. */
static void give_to_threads(stg_digest_t *digest)
{
    pthread_mutex_lock(&digest->lock);
    digest->synced.given = digest->filling + 1;
    pthread_cond_broadcast(&digest->has_work);
    pthread_mutex_unlock(&digest->lock);
}

/* The ring is full when the block to be filled next was not hashed by all.
 * Then sleep until half of it is free, not to be woken for every block. */
static void await_room(stg_digest_t *digest)
{
    apr_uint64_t number = digest->filling;

    pthread_mutex_lock(&digest->lock);
    if (number - hashed_by_all_synced(digest) >= BLOCKS) {
        digest->synced.wanted = number - BLOCKS / 2;
        while (digest->synced.wanted)
            pthread_cond_wait(&digest->has_room, &digest->lock);
    }
    pthread_mutex_unlock(&digest->lock);
}

/* Hand on the block that was being filled: the threads hash it while the
 * next sink works on it. To wake them costs as much as to hash some KiB, so
 * they get several at once. */
static stg_error_t *pass_on(stg_digest_t *digest)
{
    block_t *block = block_at(digest, digest->filling);

    if (digest->is_threaded && (digest->filling + 1) % BATCH == 0)
        give_to_threads(digest);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        hasher_t *hasher = &digest->hashers[i];

        if (hasher->context && !hasher->has_thread)
            hash(hasher, block);
    }
    STG_TRY(stg_sink_write(digest->next, block->bytes, block->count));
    return STG_OK;
}

/* Without threads one block is enough. */
static stg_error_t *next_block(stg_digest_t *digest)
{
    if (!digest->is_threaded && digest->size >= INLINE_BYTES)
        start_threads(digest);
    STG_TRY(pass_on(digest));
    if (digest->is_threaded) {
        digest->filling++;
        await_room(digest);
    }
    block_at(digest, digest->filling)->count = 0;
    return STG_OK;
}

/* Bytes may be waiting in a full block: only when more come is it known that
 * the body does not end with it, and that threads are worth while. */
static stg_error_t *digest_write(stg_sink_t *sink, const char *bytes,
                                 apr_size_t count)
{
    stg_digest_t *digest = (stg_digest_t *)sink;

    while (count) {
        block_t *block = block_at(digest, digest->filling);
        apr_size_t part;

        if (block->count == BLOCK_BYTES) {
            STG_TRY(next_block(digest));
            continue;
        }
        if (!block->bytes && !(block->bytes = malloc(BLOCK_BYTES)))
            return stg_raise(sink->pool, STG_E_BUSY, "out of memory");
        part = BLOCK_BYTES - block->count;
        part = part < count ? part : count;
        memcpy(block->bytes + block->count, bytes, part);
        block->count += part;
        digest->size += (apr_off_t)part;
        bytes += part;
        count -= part;
    }
    return STG_OK;
}

static stg_error_t *finish(hasher_t *hasher, apr_pool_t *p)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (hasher->is_failed || !EVP_DigestFinal_ex(hasher->context, value, &size))
        return stg_raise(p, STG_E_INTERNAL, "a digest could not be computed");
    hasher->hex = stg_hex(value, size, p);
    return STG_OK;
}

stg_error_t *stg_digest_settle(stg_digest_t *digest)
{
    apr_time_t began;

    if (digest->is_settled)
        return STG_OK;
    digest->is_settled = 1;
    if (block_at(digest, digest->filling)->count)
        STG_TRY(pass_on(digest));
    began = stg_clock_monotonic();
    if (digest->is_threaded) {
        give_to_threads(digest);
        join_threads(digest, 0);
    }
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (digest->hashers[i].context)
            STG_TRY(finish(&digest->hashers[i], digest->sink.pool));
    }
    stg_metric_observe(STG_METRIC_DIGEST_TIME, NULL,
                       stg_clock_monotonic() - began);
    return STG_OK;
}

static stg_error_t *digest_close(stg_sink_t *sink)
{
    stg_digest_t *digest = (stg_digest_t *)sink;

    STG_TRY(stg_digest_settle(digest));
    return stg_sink_close(digest->next);
}

static apr_status_t digest_destroy(void *context)
{
    stg_digest_t *digest = context;

    join_threads(digest, 1);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        EVP_MD_CTX_free(digest->hashers[i].context);
        EVP_MD_free(digest->hashers[i].md);
    }
    for (int i = 0; i < BLOCKS; i++)
        free(digest->blocks[i].bytes);
    pthread_cond_destroy(&digest->has_room);
    pthread_cond_destroy(&digest->has_work);
    pthread_mutex_destroy(&digest->lock);
    return APR_SUCCESS;
}

static void hasher_init(stg_digest_t *digest, stg_algorithm_t algorithm)
{
    hasher_t *hasher = &digest->hashers[algorithm];

    hasher->digest = digest;
    hasher->md = EVP_MD_fetch(NULL, names[algorithm], NULL);
    hasher->context = EVP_MD_CTX_new();
    hasher->is_failed =
        !hasher->md || !EVP_DigestInit_ex2(hasher->context, hasher->md, NULL);
}

stg_digest_t *stg_digest_create(stg_sink_t *next, stg_algorithm_set_t set,
                                apr_pool_t *p)
{
    static const stg_sink_class_t cls = {digest_write, digest_close};
    stg_digest_t *digest = apr_pcalloc(p, sizeof(*digest));

    digest->sink = (stg_sink_t){.cls = &cls, .pool = p};
    digest->next = next;
    pthread_mutex_init(&digest->lock, NULL);
    pthread_cond_init(&digest->has_work, NULL);
    pthread_cond_init(&digest->has_room, NULL);
    apr_pool_cleanup_register(p, digest, digest_destroy, apr_pool_cleanup_null);
    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (set & (1U << i))
            hasher_init(digest, i);
    }
    return digest;
}

stg_sink_t *stg_digest_sink(stg_digest_t *digest)
{
    return &digest->sink;
}

apr_off_t stg_digest_size(const stg_digest_t *digest)
{
    return digest->size;
}

const char *stg_digest_hex(const stg_digest_t *digest,
                           stg_algorithm_t algorithm)
{
    return digest->hashers[algorithm].hex;
}
