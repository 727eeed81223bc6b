/* SPDX-License-Identifier: Apache-2.0 */
#include "core/job_claims.h"

#include "core/node.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <assert.h>

/* What identifies a claim; id 0: the thread has none. */
typedef struct claim_t {
    apr_int64_t id;
    apr_int64_t fence;
} claim_t;

struct stg_job_claims_t {
    int slots;
    apr_thread_mutex_t *claiming; /* held while one is made; before mutex */
    apr_thread_mutex_t *mutex;
    struct {
        claim_t *made;
        int is_unsure; /* there may be claims that no thread has */
    } synced;
};

static apr_thread_mutex_t *mutex_create(apr_pool_t *p)
{
    apr_thread_mutex_t *mutex;
    apr_status_t status =
        apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, p);

    assert(status == APR_SUCCESS);
    (void)status;
    return mutex;
}

stg_job_claims_t *stg_job_claims_create(int slots, apr_pool_t *p)
{
    stg_job_claims_t *claims = apr_pcalloc(p, sizeof(*claims));

    claims->slots = slots;
    claims->claiming = mutex_create(p);
    claims->mutex = mutex_create(p);
    claims->synced.made =
        apr_pcalloc(p, (apr_size_t)slots * sizeof(*claims->synced.made));
    return claims;
}

static void set_unsure(stg_job_claims_t *claims, int is_unsure)
{
    apr_thread_mutex_lock(claims->mutex);
    claims->synced.is_unsure = is_unsure;
    apr_thread_mutex_unlock(claims->mutex);
}

static int is_unsure(stg_job_claims_t *claims)
{
    int value;

    apr_thread_mutex_lock(claims->mutex);
    value = claims->synced.is_unsure;
    apr_thread_mutex_unlock(claims->mutex);
    return value;
}

static claim_t claim_of(stg_job_claims_t *claims, int slot)
{
    claim_t claim;

    apr_thread_mutex_lock(claims->mutex);
    claim = claims->synced.made[slot];
    apr_thread_mutex_unlock(claims->mutex);
    return claim;
}

static void claim_set(stg_job_claims_t *claims, int slot, const claim_t *claim)
{
    apr_thread_mutex_lock(claims->mutex);
    claims->synced.made[slot] = *claim;
    apr_thread_mutex_unlock(claims->mutex);
}

/* A job that ends meanwhile has been told of, or makes us unsure anew. */
static stg_error_t *hand_back(stg_job_claims_t *claims, stg_staging_t *staging,
                              apr_pool_t *p)
{
    const char **ids = apr_pcalloc(p, (apr_size_t)claims->slots * sizeof(*ids));
    int count = 0;
    stg_error_t *err;

    set_unsure(claims, 0);
    for (int i = 0; i < claims->slots; i++) {
        claim_t claim = claim_of(claims, i);

        if (claim.id)
            ids[count++] = apr_psprintf(p, "%" APR_INT64_T_FMT, claim.id);
    }
    err = stg_db_query(
        NULL, staging->db, STG_Q_JOB_HAND_BACK, p,
        STG_PARAMS(stg_node_id(staging->node), stg_db_array(ids, count, p)));
    if (err)
        set_unsure(claims, 1);
    return err;
}

static stg_error_t *take(stg_job_t **job, stg_job_claims_t *claims,
                         stg_staging_t *staging, const stg_job_kind_t *kinds,
                         apr_pool_t *p)
{
    stg_error_t *err;

    if (is_unsure(claims))
        STG_TRY(hand_back(claims, staging, p));
    err = stg_job_claim(job, staging, kinds, p);
    if (err)
        set_unsure(claims, 1);
    return err;
}

stg_error_t *stg_job_claims_take(stg_job_t **job, stg_job_claims_t *claims,
                                 int slot, stg_staging_t *staging,
                                 const stg_job_kind_t *kinds, apr_pool_t *p)
{
    stg_error_t *err;

    apr_thread_mutex_lock(claims->claiming);
    err = take(job, claims, staging, kinds, p);
    if (!err && *job)
        claim_set(claims, slot,
                  &(claim_t){.id = (*job)->id, .fence = (*job)->fence});
    apr_thread_mutex_unlock(claims->claiming);
    return err;
}

void stg_job_claims_end(stg_job_claims_t *claims, int slot,
                        const stg_error_t *err)
{
    claim_set(claims, slot, &(claim_t){.id = 0});
    if (err)
        set_unsure(claims, 1);
}

stg_error_t *stg_job_claims_extend(stg_job_claims_t *claims,
                                   stg_staging_t *staging, apr_pool_t *p)
{
    for (int i = 0; i < claims->slots; i++) {
        claim_t claim = claim_of(claims, i);
        stg_job_t job = {.id = claim.id, .fence = claim.fence};
        int is_ours;

        if (claim.id)
            STG_TRY(stg_job_extend(&is_ours, staging, &job, p));
    }
    return STG_OK;
}
