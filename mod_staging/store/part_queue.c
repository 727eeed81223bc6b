/* SPDX-License-Identifier: Apache-2.0 */
#include "store/part_queue.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

typedef enum state_t { FREE, FILLING, READY, SENDING } state_t;

typedef struct slot_t {
    stg_part_buffer_t *buffer;
    int index;     /* of the part */
    state_t state; /* under the lock */
} slot_t;

struct stg_part_queue_t {
    stg_part_send_fn_t *send;
    void *context;
    apr_pool_t *pool;
    slot_t *slots; /* one for each thread, and one to fill */
    int slot_count;
    slot_t *filling;
    pthread_t *threads;
    int thread_count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        int given;
        int failed;           /* the first index that was refused, or INT_MAX */
        stg_error_t *failure; /* lives in failure_pool */
        int is_ending;
    } synced;
    apr_pool_t *failure_pool;
};

/* --- the threads ---------------------------------------------------------- */

/* The first of them in the order of the object: what is sent early counts
 * early. */
static slot_t *find_synced(stg_part_queue_t *queue, state_t state)
{
    slot_t *first = NULL;

    for (int i = 0; i < queue->slot_count; i++) {
        slot_t *slot = &queue->slots[i];

        if (slot->state == state && (!first || slot->index < first->index))
            first = slot;
    }
    return first;
}

static void note_synced(stg_part_queue_t *queue, int index,
                        const stg_error_t *err)
{
    if (!err)
        return;
    if (!queue->synced.failure) {
        queue->synced.failure = stg_error_copy(err, queue->failure_pool);
        queue->synced.failed = index;
    }
    if (index < queue->synced.failed)
        queue->synced.failed = index;
}

/* Called with the lock held; gives it away while sending. */
static void send_synced(stg_part_queue_t *queue, slot_t *slot, apr_pool_t *p)
{
    stg_error_t *err;

    slot->state = SENDING;
    pthread_mutex_unlock(&queue->mutex);
    err = queue->send(queue->context, slot->index, slot->buffer, p);
    if (queue->slot_count > 1)
        stg_part_buffer_clear(slot->buffer, 0);
    pthread_mutex_lock(&queue->mutex);
    note_synced(queue, slot->index, err);
    slot->state = FREE;
    pthread_cond_broadcast(&queue->changed);
}

static void *run(void *data)
{
    stg_part_queue_t *queue = data;
    apr_pool_t *p;
    slot_t *slot;

    if (apr_pool_create_unmanaged(&p) != APR_SUCCESS)
        abort();
    pthread_mutex_lock(&queue->mutex);
    while (!queue->synced.is_ending && !queue->synced.failure) {
        slot = find_synced(queue, READY);
        if (slot) {
            send_synced(queue, slot, p);
            apr_pool_clear(p);
        } else {
            pthread_cond_wait(&queue->changed, &queue->mutex);
        }
    }
    pthread_mutex_unlock(&queue->mutex);
    apr_pool_destroy(p);
    return NULL;
}

/* Signals are the host's affair: none is handled in these threads. */
static stg_error_t *start_thread(stg_part_queue_t *queue)
{
    sigset_t all, old;
    int status;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status =
        pthread_create(&queue->threads[queue->thread_count], NULL, run, queue);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (status == 0)
        queue->thread_count++;
    else if (queue->thread_count == 0)
        return stg_because_apr(
            stg_raise(queue->pool, STG_E_BUSY, "no thread to be had"),
            queue->pool, APR_FROM_OS_ERROR(status), "pthread_create");
    return STG_OK;
}

/* --- the caller's side ---------------------------------------------------- */

static apr_status_t destroy(void *data)
{
    stg_part_queue_t *queue = data;

    pthread_mutex_lock(&queue->mutex);
    queue->synced.is_ending = 1;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    for (int i = 0; i < queue->thread_count; i++)
        pthread_join(queue->threads[i], NULL);
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->mutex);
    apr_pool_destroy(queue->failure_pool);
    return APR_SUCCESS;
}

stg_part_queue_t *stg_part_queue_create(stg_part_budget_t *budget, int parallel,
                                        stg_part_send_fn_t *send, void *context,
                                        apr_pool_t *p)
{
    stg_part_queue_t *queue = apr_pcalloc(p, sizeof(*queue));

    queue->send = send;
    queue->context = context;
    queue->pool = p;
    queue->threads = apr_pcalloc(p, (size_t)parallel * sizeof(pthread_t));
    queue->slot_count = parallel + 1;
    queue->slots = apr_pcalloc(p, (size_t)queue->slot_count * sizeof(slot_t));
    for (int i = 0; i < queue->slot_count; i++)
        queue->slots[i].buffer = stg_part_buffer_create(budget, p);
    queue->synced.failed = INT_MAX;
    if (apr_pool_create_unmanaged(&queue->failure_pool) != APR_SUCCESS)
        abort();
    pthread_mutex_init(&queue->mutex, NULL);
    pthread_cond_init(&queue->changed, NULL);
    /* Registered after the buffers, so that it runs before they go. */
    apr_pool_cleanup_register(p, queue, destroy, apr_pool_cleanup_null);
    return queue;
}

stg_error_t *stg_part_queue_take(stg_part_buffer_t **buffer,
                                 stg_part_queue_t *queue, apr_off_t capacity)
{
    stg_error_t *failure;
    slot_t *slot = NULL;

    if (!queue->filling) {
        pthread_mutex_lock(&queue->mutex);
        while (!queue->synced.failure && !(slot = find_synced(queue, FREE)))
            pthread_cond_wait(&queue->changed, &queue->mutex);
        failure = queue->synced.failure;
        if (!failure)
            slot->state = FILLING;
        pthread_mutex_unlock(&queue->mutex);
        if (failure)
            return stg_error_copy(failure, queue->pool);
        stg_part_buffer_clear(slot->buffer, capacity);
        queue->filling = slot;
    }
    *buffer = queue->filling->buffer;
    return STG_OK;
}

/* By the caller, where there are no threads. */
static stg_error_t *send_now(stg_part_queue_t *queue)
{
    slot_t *slot = queue->filling;
    stg_error_t *failure;
    apr_pool_t *p;

    apr_pool_create(&p, queue->pool);
    pthread_mutex_lock(&queue->mutex);
    slot->index = queue->synced.given++;
    queue->filling = NULL;
    send_synced(queue, slot, p);
    failure = queue->synced.failure;
    pthread_mutex_unlock(&queue->mutex);
    apr_pool_destroy(p);
    return stg_error_copy(failure, queue->pool);
}

stg_error_t *stg_part_queue_give(stg_part_queue_t *queue)
{
    if (queue->slot_count == 1)
        return send_now(queue);
    if (queue->thread_count < queue->slot_count - 1)
        STG_TRY(start_thread(queue));
    pthread_mutex_lock(&queue->mutex);
    queue->filling->index = queue->synced.given++;
    queue->filling->state = READY;
    queue->filling = NULL;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    return STG_OK;
}

/* All before the first that is on its way, or was refused. */
int stg_part_queue_sent(stg_part_queue_t *queue)
{
    static const state_t waiting[] = {READY, SENDING};
    int sent;

    pthread_mutex_lock(&queue->mutex);
    sent = queue->synced.given;
    if (queue->synced.failed < sent)
        sent = queue->synced.failed;
    for (int i = 0; i < 2; i++) {
        const slot_t *slot = find_synced(queue, waiting[i]);

        if (slot && slot->index < sent)
            sent = slot->index;
    }
    pthread_mutex_unlock(&queue->mutex);
    return sent;
}

/* After a failure, too, nothing is on its way any more. */
stg_error_t *stg_part_queue_settle(stg_part_queue_t *queue)
{
    stg_error_t *failure;

    pthread_mutex_lock(&queue->mutex);
    while (find_synced(queue, SENDING) ||
           (!queue->synced.failure && find_synced(queue, READY)))
        pthread_cond_wait(&queue->changed, &queue->mutex);
    failure = queue->synced.failure;
    pthread_mutex_unlock(&queue->mutex);
    return stg_error_copy(failure, queue->pool);
}
