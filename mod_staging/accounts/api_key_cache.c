/* SPDX-License-Identifier: Apache-2.0 */
#include "accounts/api_key.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>
#include <apr_thread_mutex.h>

#include <string.h>

/* A power of two. More keys than this in 10 seconds push each other out. */
enum { SLOTS = 1024, HEX_CHARS = 64, UUID_CHARS = 36, NAME_CHARS = 64 };

/* A key that was good; texts are copied, for nothing here has a pool. */
typedef struct slot_t {
    char sha256[HEX_CHARS + 1];
    char account[UUID_CHARS + 1];
    char name[NAME_CHARS + 1];
    unsigned int scopes;
    int is_operator;
    apr_time_t expires;     /* of the key; 0: never */
    apr_time_t fresh_until; /* monotonic */
} slot_t;

struct stg_api_keys_t {
    apr_thread_mutex_t *mutex;
    struct {
        slot_t slots[SLOTS];
    } synced;
};

stg_error_t *stg_api_keys_create(stg_api_keys_t **keys, apr_pool_t *p)
{
    stg_api_keys_t *made = apr_pcalloc(p, sizeof(*made));
    apr_status_t status =
        apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, p);

    if (status)
        return stg_because_apr(stg_raise(p, STG_E_INTERNAL, "internal error"),
                               p, status, "Making the table of keys");
    *keys = made;
    return STG_OK;
}

/* The digest is as good as random: its first digits choose the slot. */
static slot_t *slot_synced(stg_api_keys_t *keys, const char *sha256)
{
    unsigned int index = 0;

    for (int i = 0; i < 4; i++)
        index = index << 4 |
                (unsigned int)(sha256[i] <= '9' ? sha256[i] - '0'
                                                : sha256[i] - 'a' + 10);
    return &keys->synced.slots[index % SLOTS];
}

static int recall(slot_t *slot, stg_api_keys_t *keys, const char *sha256)
{
    slot_t *kept;
    int is_fresh;

    apr_thread_mutex_lock(keys->mutex);
    kept = slot_synced(keys, sha256);
    is_fresh = stg_secret_equal(kept->sha256, sha256) &&
               kept->fresh_until > stg_clock_monotonic();
    if (is_fresh)
        *slot = *kept;
    apr_thread_mutex_unlock(keys->mutex);
    return is_fresh;
}

static void remember(stg_api_keys_t *keys, const slot_t *slot)
{
    apr_thread_mutex_lock(keys->mutex);
    *slot_synced(keys, slot->sha256) = *slot;
    apr_thread_mutex_unlock(keys->mutex);
}

static stg_error_t *unknown(apr_pool_t *p)
{
    return stg_raise(p, STG_E_BAD_CREDENTIAL, "The key is not valid");
}

/* Freshness counts from before the question: what is revoked after it is
 * known to be so in time. */
static stg_error_t *ask(slot_t *slot, stg_db_t *db, const char *sha256,
                        apr_pool_t *p)
{
    apr_time_t fresh = apr_time_from_sec(STG_API_KEY_FRESH);
    apr_time_t asked = stg_clock_monotonic();
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_KEY_FIND, p, STG_PARAMS(sha256)));
    if (!stg_rows_count(rows))
        return unknown(p);
    if (stg_rows_int(rows, 0, "is_due"))
        stg_db_note(db, STG_Q_KEY_USED, p, STG_PARAMS(sha256));
    apr_cpystrn(slot->sha256, sha256, sizeof(slot->sha256));
    apr_cpystrn(slot->account, stg_rows_text(rows, 0, "account"),
                sizeof(slot->account));
    apr_cpystrn(slot->name, stg_rows_text(rows, 0, "name"), sizeof(slot->name));
    slot->scopes = (stg_rows_int(rows, 0, "may_read") ? STG_SCOPE_READ : 0) |
                   (stg_rows_int(rows, 0, "may_write") ? STG_SCOPE_WRITE : 0);
    slot->is_operator = (int)stg_rows_int(rows, 0, "is_operator");
    slot->expires = stg_rows_time(rows, 0, "expires");
    if (slot->expires && stg_rows_int(rows, 0, "remaining") < fresh)
        fresh = stg_rows_int(rows, 0, "remaining");
    slot->fresh_until = asked + fresh;
    return STG_OK;
}

stg_error_t *stg_api_key_find(stg_principal_t **principal, stg_api_keys_t *keys,
                              stg_db_t *db, const char *text, apr_pool_t *p)
{
    const char *sha256;
    stg_principal_t *found;
    slot_t slot;

    if (!stg_api_key_is_well_formed(text, p))
        return unknown(p);
    sha256 = stg_sha256_hex(text, p);
    if (!recall(&slot, keys, sha256)) {
        STG_TRY(ask(&slot, db, sha256, p));
        remember(keys, &slot);
    }
    found = stg_principal_create(STG_REALM_ACCOUNT, slot.account, p);
    found->name = apr_pstrdup(p, slot.name);
    found->scopes = slot.scopes;
    found->is_operator = slot.is_operator;
    found->expires = slot.expires;
    *principal = found;
    return STG_OK;
}
