/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/digest.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "stream/digest_state.h"

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

/* One algorithm. Its hasher belongs to its thread while that works. */
typedef struct lane_t {
    stg_digest_t *digest;
    stg_hasher_t *hasher; /* NULL: not in the set */
    pthread_t thread;
    int has_thread;
    const char *hex;
} lane_t;

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
    apr_off_t resumed; /* bytes that came before it was made */
    apr_off_t size;    /* with those */
    block_t blocks[BLOCKS];
    apr_uint64_t filling;
    lane_t lanes[STG_ALGORITHMS];
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

static block_t *block_at(stg_digest_t *digest, apr_uint64_t number)
{
    return &digest->blocks[number % BLOCKS];
}

static void hash(lane_t *lane, const block_t *block)
{
    stg_hasher_update(lane->hasher, block->bytes, block->count);
}

static apr_uint64_t hashed_by_all_synced(const stg_digest_t *digest)
{
    apr_uint64_t least = digest->synced.given;

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (digest->lanes[i].has_thread && digest->synced.hashed[i] < least)
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

static void *lane_main(void *context)
{
    lane_t *lane = context;
    stg_digest_t *digest = lane->digest;
    apr_uint64_t *hashed = &digest->synced.hashed[lane - digest->lanes];
    apr_uint64_t number = 0;

    pthread_mutex_lock(&digest->lock);
    while (await_work_synced(digest, number)) {
        apr_uint64_t end = digest->synced.given;

        end = end - number < BATCH ? end : number + BATCH;
        pthread_mutex_unlock(&digest->lock);
        while (number < end)
            hash(lane, block_at(digest, number++));
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
        lane_t *lane = &digest->lanes[i];

        lane->has_thread =
            lane->hasher &&
            !pthread_create(&lane->thread, &attributes, lane_main, lane);
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
        lane_t *lane = &digest->lanes[i];

        if (lane->has_thread)
            pthread_join(lane->thread, NULL);
        lane->has_thread = 0;
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

/* Sleep until the threads have hashed so many blocks. */
static void await_hashed(stg_digest_t *digest, apr_uint64_t count)
{
    pthread_mutex_lock(&digest->lock);
    if (hashed_by_all_synced(digest) < count) {
        digest->synced.wanted = count;
        while (digest->synced.wanted)
            pthread_cond_wait(&digest->has_room, &digest->lock);
    }
    pthread_mutex_unlock(&digest->lock);
}

/* The ring is full when the block to be filled next was not hashed by all.
 * Then sleep until half of it is free, not to be woken for every block. */
static void await_room(stg_digest_t *digest)
{
    apr_uint64_t number = digest->filling;
    int is_full;

    pthread_mutex_lock(&digest->lock);
    is_full = number - hashed_by_all_synced(digest) >= BLOCKS;
    pthread_mutex_unlock(&digest->lock);
    if (is_full)
        await_hashed(digest, number - BLOCKS / 2);
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
        lane_t *lane = &digest->lanes[i];

        if (lane->hasher && !lane->has_thread)
            hash(lane, block);
    }
    STG_TRY(stg_sink_write(digest->next, block->bytes, block->count));
    return STG_OK;
}

/* Without threads one block is enough. */
static stg_error_t *next_block(stg_digest_t *digest)
{
    if (!digest->is_threaded && digest->size - digest->resumed >= INLINE_BYTES)
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
        lane_t *lane = &digest->lanes[i];

        if (lane->hasher)
            STG_TRY(
                stg_hasher_finish(&lane->hex, lane->hasher, digest->sink.pool));
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
    for (int i = 0; i < BLOCKS; i++)
        free(digest->blocks[i].bytes);
    pthread_cond_destroy(&digest->has_room);
    pthread_cond_destroy(&digest->has_work);
    pthread_mutex_destroy(&digest->lock);
    return APR_SUCCESS;
}

static stg_digest_t *make(stg_sink_t *next, apr_pool_t *p)
{
    static const stg_sink_class_t cls = {digest_write, digest_close};
    stg_digest_t *digest = apr_pcalloc(p, sizeof(*digest));

    digest->sink = (stg_sink_t){.cls = &cls, .pool = p};
    digest->next = next;
    pthread_mutex_init(&digest->lock, NULL);
    pthread_cond_init(&digest->has_work, NULL);
    pthread_cond_init(&digest->has_room, NULL);
    for (int i = 0; i < STG_ALGORITHMS; i++)
        digest->lanes[i].digest = digest;
    return digest;
}

/* The hashers are of the same pool: they have to be there before this is
 * registered, so that the threads end before they do. */
static void destroy_with(apr_pool_t *p, stg_digest_t *digest)
{
    apr_pool_cleanup_register(p, digest, digest_destroy, apr_pool_cleanup_null);
}

stg_digest_t *stg_digest_create(stg_sink_t *next, stg_algorithm_set_t set,
                                apr_pool_t *p)
{
    stg_digest_t *digest = make(next, p);

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (set & (1U << i))
            digest->lanes[i].hasher = stg_hasher_create(i, p);
    }
    destroy_with(p, digest);
    return digest;
}

stg_error_t *stg_digest_resume(stg_digest_t **digest, stg_sink_t *next,
                               stg_algorithm_set_t set, const char *state,
                               apr_pool_t *p)
{
    stg_digest_t *made = make(next, p);
    stg_hasher_t *hashers[STG_ALGORITHMS] = {NULL};

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        if (set & (1U << i))
            hashers[i] = stg_hasher_create_resumable(i, p);
        made->lanes[i].hasher = hashers[i];
    }
    destroy_with(p, made);
    if (state)
        STG_TRY(stg_digest_state_parse(&made->size, hashers, state, p));
    made->resumed = made->size;
    *digest = made;
    return STG_OK;
}

/* The block that was being filled is given away as it is, and a thread has
 * nothing to do until the next is full. */
static stg_error_t *quiesce(stg_digest_t *digest)
{
    if (block_at(digest, digest->filling)->count)
        STG_TRY(pass_on(digest));
    if (digest->is_threaded) {
        give_to_threads(digest);
        digest->filling++;
        await_hashed(digest, digest->filling);
    }
    block_at(digest, digest->filling)->count = 0;
    return STG_OK;
}

stg_error_t *stg_digest_state(const char **state, stg_digest_t *digest,
                              apr_pool_t *p)
{
    stg_hasher_t *hashers[STG_ALGORITHMS];

    if (!digest->is_settled)
        STG_TRY(quiesce(digest));
    for (int i = 0; i < STG_ALGORITHMS; i++)
        hashers[i] = digest->lanes[i].hasher;
    *state = stg_digest_state_text(digest->size, hashers, p);
    return STG_OK;
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
    return digest->lanes[algorithm].hex;
}
