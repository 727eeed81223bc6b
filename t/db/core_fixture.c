/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "base/ids.h"

#include <apr_strings.h>

#include <stdarg.h>
#include <stdlib.h>

enum { PART_MEMORY = 1024 * 1024 };

static stg_store_t *store_open(core_t *core, const char *name, const char *url)
{
    const char *words[] = {name, url, "part_size=4k"};
    stg_store_config_t *config;
    stg_store_t *store = NULL;

    STG_CHECK_OK(stg_store_config_parse(
        &config, words, strcmp(name, "memory") ? 2 : 3, core->p));
    STG_CHECK_OK(stg_store_open(&store, config, core->p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(store);
    return store;
}

void core_begin(core_t *core)
{
    const char *folder = getenv("TMPDIR");
    stg_store_t **list;

    memset(core, 0, sizeof(*core));
    apr_pool_create(&core->p, NULL);
    core->staging.db = stg_check_db("", core->p);
    core_sql(
        core,
        "TRUNCATE node, object, job, upload, upload_event, part_upload, part, "
        "resumable, figure");
    core->dir = mkdtemp(
        apr_pstrcat(core->p, folder ? folder : "/tmp", "/core.XXXXXX", NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(core->dir);
    core->memory = store_open(core, "memory", "memory:");
    core->file = store_open(core, "file",
                            apr_pstrcat(core->p, "file://", core->dir, NULL));
    list = apr_palloc(core->p, 2 * sizeof(*list));
    list[0] = core->memory;
    list[1] = core->file;
    core->staging.stores = (stg_stores_t){list, 2};
    core->staging.node = stg_node_create(core->p);
    core->staging.parts =
        stg_part_budget_create(PART_MEMORY, folder ? folder : "/tmp", core->p);
    core->staging.transfers = stg_transfers_create(&core->staging, core->p);
    STG_CHECK_OK(stg_node_renew(core->staging.node, core->staging.db, core->p));
}

void core_end(core_t *core)
{
    const char *command = apr_pstrcat(core->p, "rm -rf ", core->dir, NULL);

    CU_ASSERT_EQUAL(system(command), 0);
    apr_pool_destroy(core->p);
}

stg_staging_t core_other_node(core_t *core)
{
    stg_staging_t other = core->staging;

    other.node = stg_node_create(core->p);
    STG_CHECK_OK(stg_node_renew(other.node, other.db, core->p));
    return other;
}

void core_sql(core_t *core, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    STG_CHECK_OK(stg_db_script(core->staging.db,
                               apr_pvsprintf(core->p, format, args), core->p));
    va_end(args);
}

staged_t core_stage(core_t *core, stg_store_t *store, int size)
{
    staged_t staged = {.id = stg_uuid_create(core->p),
                       .upload = stg_uuid_create(core->p)};
    char *bytes = apr_pcalloc(core->p, (apr_size_t)size + 1);

    STG_CHECK_OK(stg_db_query(
        NULL, core->staging.db, STG_Q_UPLOAD_BEGIN, core->p,
        STG_PARAMS(staged.upload, staged.id, store->name,
                   stg_node_id(core->staging.node), "service", "owner", "label",
                   "name", "text/plain", "3600", NULL)));
    STG_CHECK_OK(stg_object_receive(
        &staged.object, &core->staging,
        &(stg_object_plan_t){.store = store,
                             .id = staged.id,
                             .content_type = "text/plain",
                             .size = -1,
                             .algorithms = 1u << STG_MD5 | 1u << STG_SHA256},
        core->p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(staged.object);
    STG_CHECK_OK(stg_sink_write(stg_object_sink(staged.object), bytes,
                                (apr_size_t)size));
    return staged;
}

staged_t core_store(core_t *core, stg_store_t *store, int size)
{
    staged_t staged = core_stage(core, store, size);
    stg_object_t *object = staged.object;
    stg_rows_t *rows;

    STG_CHECK_OK(stg_object_commit(object));
    STG_CHECK_OK(stg_db_query(
        &rows, core->staging.db, STG_Q_UPLOAD_RECEIVED, core->p,
        STG_PARAMS(staged.id, stg_node_id(core->staging.node), "label",
                   apr_off_t_toa(core->p, stg_object_size(object)),
                   stg_object_digest(object, STG_MD5),
                   stg_object_digest(object, STG_SHA1),
                   stg_object_digest(object, STG_SHA256),
                   stg_object_digest(object, STG_SHA512),
                   stg_object_etag(object),
                   stg_object_is_finished(object) ? "stored" : "finishing")));
    CU_ASSERT_EQUAL(stg_rows_count(rows), 1);
    return staged;
}

const char *core_state(core_t *core, const char *id)
{
    stg_rows_t *rows;

    STG_CHECK_OK(stg_db_query(&rows, core->staging.db, STG_Q_CHECK_ROWS,
                              core->p,
                              STG_PARAMS(stg_db_array(&id, 1, core->p))));
    return stg_rows_count(rows) ? stg_rows_text(rows, 0, "state") : "";
}

int core_has_bytes(core_t *core, stg_store_t *store, const char *id)
{
    stg_found_t found;

    return !store->driver->head(&found, store, stg_store_key(id, core->p),
                                core->p);
}

static stg_error_t *uploads_abandoned(int *done, stg_staging_t *staging,
                                      apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, staging->db, STG_Q_UPLOAD_ABANDON, p,
                         STG_PARAMS(apr_itoa(p, STG_GC_BATCH), "abandoned")));
    *done = (int)stg_rows_int(rows, 0, "done");
    return STG_OK;
}

int core_gc(core_t *core)
{
    const stg_gc_step_t steps[] = {
        {"nodes", stg_gc_nodes},           {"uploads", uploads_abandoned},
        {"tombstones", stg_gc_tombstones}, {"expired", stg_gc_expired_parts},
        {"ended", stg_gc_ended_parts},     {"tails", stg_gc_tails},
        {"objects", stg_gc_objects},       {NULL, NULL}};
    const int stop = 0;
    int done = 0;

    STG_CHECK_OK(stg_gc_run(&done, &core->staging, steps, &stop, core->p));
    return done;
}
