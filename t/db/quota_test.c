/* SPDX-License-Identifier: Apache-2.0 */
#include "part_fixture.h"

#include "base/ids.h"
#include "core/quota.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>

enum { LIMIT = 1000, CROWD = 10, EACH = 300 };

static stg_quota_t quota_of(core_t *core, apr_off_t more)
{
    return (stg_quota_t){.db = core->staging.db,
                         .service = "service",
                         .owner = "owner",
                         .limit = LIMIT,
                         .more = more};
}

/* What is left is what the rows say, to the byte. */
static void expect_left(core_t *core, apr_off_t left)
{
    stg_quota_t quota = quota_of(core, left);
    apr_off_t room = -1;

    STG_CHECK_OK(stg_quota_look(&room, &quota, core->p));
    CU_ASSERT_EQUAL(room, left);
    quota.more++;
    STG_CHECK_FAILS(stg_quota_look(&room, &quota, core->p), STG_E_QUOTA);
}

/* Of service and owner; size and reserved as SQL. */
static void put(core_t *core, const char *state, const char *sizes,
                const char *whose)
{
    core_sql(core,
             "INSERT INTO object (id, store, state, size, reserved, service, "
             "owner) VALUES (gen_random_uuid(), 'file', '%s', %s, %s)",
             state, sizes, whose);
}

static void all_that_is_there_or_reserved_counts_once(void)
{
    static const char mine[] = "'service', 'owner'";
    core_t core;
    const char *id;

    core_begin(&core);
    expect_left(&core, LIMIT);
    put(&core, "stored", "100, 150", mine);
    put(&core, "finishing", "10, NULL", mine);
    put(&core, "receiving", "NULL, 1", mine);
    put(&core, "receiving", "NULL, NULL", mine);
    expect_left(&core, LIMIT - 111);
    put(&core, "deleting", "100, 100", mine);
    put(&core, "stored", "100, 100", "'service', 'other'");
    put(&core, "stored", "100, 100", "'other', 'owner'");
    put(&core, "stored", "100, 100", "NULL, NULL");
    expect_left(&core, LIMIT - 111);
    (void)part_begin(&core, core.file, "200");
    expect_left(&core, LIMIT - 311);
    id = part_begin(&core, core.file, "NULL");
    expect_left(&core, LIMIT - 311);
    part_append(&core, &core.staging, core.file, id, 50);
    expect_left(&core, LIMIT - 361);
    core_sql(&core, "UPDATE object SET state = 'deleting'");
    expect_left(&core, LIMIT);
    core_end(&core);
}

static void without_a_limit_there_is_always_room(void)
{
    stg_quota_t quota = {.limit = 0, .more = APR_INT64_MAX};
    apr_off_t room;

    /* it has no database to ask */
    STG_CHECK_OK(stg_quota_look(&room, &quota, NULL));
    CU_ASSERT_EQUAL(room, APR_INT64_MAX);
}

static void what_has_no_size_needs_a_byte_and_nothing_needs_none(void)
{
    stg_quota_t quota;
    apr_off_t room;
    core_t core;

    core_begin(&core);
    put(&core, "stored", "5000, NULL", "'service', 'owner'");
    quota = quota_of(&core, 0);
    STG_CHECK_OK(stg_quota_look(&room, &quota, core.p));
    CU_ASSERT_EQUAL(room, 0);
    quota.more = -1;
    STG_CHECK_FAILS(stg_quota_look(&room, &quota, core.p), STG_E_QUOTA);
    core_end(&core);
}

static stg_error_t *begin(stg_staging_t *staging, const stg_quota_t *quota,
                          apr_pool_t *p)
{
    return stg_quota_query(NULL, quota, STG_Q_UPLOAD_BEGIN, p,
                           STG_PARAMS(stg_uuid_create(p), stg_uuid_create(p),
                                      "file", stg_node_id(staging->node),
                                      quota->service, quota->owner, "label",
                                      "name", "text/plain", "3600",
                                      apr_off_t_toa(p, quota->more)));
}

static void *APR_THREAD_FUNC begin_one(apr_thread_t *thread, void *data)
{
    apr_pool_t *p = apr_thread_pool_get(thread);
    core_t *core = data;
    stg_quota_t quota = quota_of(core, EACH);
    stg_error_t *err;

    do {
        err = begin(&core->staging, &quota, p);
    } while (err && err->code == STG_E_BUSY);
    if (err)
        STG_CHECK_FAILS(err, STG_E_QUOTA);
    return NULL;
}

static void of_a_crowd_as_many_begin_as_there_is_room_for(void)
{
    apr_thread_t *threads[CROWD];
    apr_status_t status;
    core_t core;

    core_begin(&core);
    for (int round = 0; round < 10; round++) {
        core_sql(&core, "TRUNCATE object, upload CASCADE");
        for (int i = 0; i < CROWD; i++)
            apr_thread_create(&threads[i], NULL, begin_one, &core, core.p);
        for (int i = 0; i < CROWD; i++)
            apr_thread_join(&status, threads[i]);
        expect_left(&core, LIMIT % EACH);
    }
    core_end(&core);
}

/* It is held by the transaction, not by the connection that goes back. */
static void the_lock_of_an_owner_ends_with_the_statement(void)
{
    stg_quota_t quota;
    core_t core;

    core_begin(&core);
    quota = quota_of(&core, 1);
    STG_CHECK_OK(begin(&core.staging, &quota, core.p));
    quota.more = LIMIT;
    STG_CHECK_FAILS(begin(&core.staging, &quota, core.p), STG_E_QUOTA);
    STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM pg_locks "
                                   "WHERE locktype = 'advisory'"),
                   "0");
    STG_CHECK_TEXT(core_ask(&core, "SELECT count(*) FROM upload"), "1");
    core_end(&core);
}

static void size_is_declared_if_what_is_not_promised_fits(void)
{
    stg_part_upload_t *upload;
    stg_quota_t quota;
    const char *id;
    core_t core;

    core_begin(&core);
    put(&core, "stored", "900, NULL", "'service', 'owner'");
    id = part_begin(&core, core.file, "NULL");
    part_append(&core, &core.staging, core.file, id, 60);
    upload = part_take(&core.staging, id, core.p);
    quota = quota_of(&core, 0);
    STG_CHECK_FAILS(stg_part_upload_declare(upload, 101, &quota), STG_E_QUOTA);
    CU_ASSERT_EQUAL(stg_part_upload_size(upload), -1);
    expect_left(&core, 40);
    STG_CHECK_OK(stg_part_upload_declare(upload, 100, &quota));
    STG_CHECK_OK(stg_part_upload_declare(upload, 100, &quota));
    expect_left(&core, 0);
    stg_part_upload_release(upload);
    core_end(&core);
}

void stg_quota_suite(void)
{
    CU_pSuite suite = CU_add_suite("quota", NULL, NULL);

    STG_TEST(suite, all_that_is_there_or_reserved_counts_once);
    STG_TEST(suite, without_a_limit_there_is_always_room);
    STG_TEST(suite, what_has_no_size_needs_a_byte_and_nothing_needs_none);
    STG_TEST(suite, of_a_crowd_as_many_begin_as_there_is_room_for);
    STG_TEST(suite, the_lock_of_an_owner_ends_with_the_statement);
    STG_TEST(suite, size_is_declared_if_what_is_not_promised_fits);
}
