/* SPDX-License-Identifier: Apache-2.0 */
#include "web/in_flight.h"

#include "base/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>

enum { SLOTS = 512 };

typedef struct slot_t {
    _Atomic pid_t pid;
    _Atomic int count;
} slot_t;

struct stg_in_flight_t {
    slot_t *slots;
    slot_t *own;
};

apr_size_t stg_in_flight_size(void)
{
    return SLOTS * sizeof(slot_t);
}

static int is_dead(pid_t pid)
{
    return kill(pid, 0) && errno == ESRCH;
}

stg_in_flight_t *stg_in_flight_attach(void *memory, pid_t pid, apr_pool_t *p)
{
    slot_t *slots = memory;

    for (int i = 0; i < SLOTS; i++) {
        pid_t holder = atomic_load(&slots[i].pid);

        if (holder && !is_dead(holder))
            continue;
        if (atomic_compare_exchange_strong(&slots[i].pid, &holder, pid)) {
            stg_in_flight_t *in_flight = apr_palloc(p, sizeof(*in_flight));

            atomic_store(&slots[i].count, 0);
            in_flight->slots = slots;
            in_flight->own = &slots[i];
            return in_flight;
        }
    }
    return NULL;
}

/* The counts of processes that died are none of ours. */
int stg_in_flight_total(const stg_in_flight_t *in_flight)
{
    int total = 0;

    for (int i = 0; i < SLOTS; i++) {
        int count = atomic_load(&in_flight->slots[i].count);

        if (count > 0 && !is_dead(atomic_load(&in_flight->slots[i].pid)))
            total += count;
    }
    return total;
}

/* The answer has been sent, since the request's pool goes after that. */
static apr_status_t leave(void *own)
{
    STG_CRASH_POINT("answer-sent");
    atomic_fetch_sub(&((slot_t *)own)->count, 1);
    return APR_SUCCESS;
}

stg_error_t *stg_in_flight_enter(stg_in_flight_t *in_flight, int max,
                                 apr_pool_t *p)
{
    stg_error_t *err;

    if (!in_flight)
        return STG_OK;
    atomic_fetch_add(&in_flight->own->count, 1);
    if (!max || stg_in_flight_total(in_flight) <= max) {
        apr_pool_cleanup_register(p, in_flight->own, leave,
                                  apr_pool_cleanup_null);
        return STG_OK;
    }
    leave(in_flight->own);
    err = stg_raise(p, STG_E_BUSY,
                    "the server is receiving as many uploads as it can: try "
                    "again in a moment");
    err->retry_after = 5;
    return err;
}
