/* SPDX-License-Identifier: Apache-2.0 */
#include "part_fixture.h"

#include "base/ids.h"
#include "core/reconcile.h"

#include <apr_strings.h>

#include <stdarg.h>
#include <stdlib.h>

const stg_quota_t no_quota = {.limit = 0};

enum { ALGORITHMS = 1u << STG_MD5 | 1u << STG_SHA256 | 1u << STG_SHA512 };

/* --- what a slice does ---------------------------------------------------- */

/* Bytes that tell where they are. */
void part_pattern(char *bytes, apr_off_t first, int count, int salt)
{
    for (int i = 0; i < count; i++) {
        apr_uint64_t at = (apr_uint64_t)first + (apr_uint64_t)i;

        bytes[i] = (char)((at * 2654435761u >> 7) + (apr_uint64_t)salt);
    }
}

const char *part_begin(core_t *core, stg_store_t *store, const char *size)
{
    const char *id = stg_uuid_create(core->p);

    core_sql(core,
             "INSERT INTO object (id, store, state, service, owner) "
             "VALUES ('%s', '%s', 'gathering', 'service', 'owner');"
             "INSERT INTO part_upload (object, size, part_size, idle_seconds, "
             "lifetime_end, expires) VALUES ('%s', %s, %" APR_OFF_T_FMT
             ", 3600, now() + interval '1 day', now() + interval '1 hour');"
             "INSERT INTO upload (id, service, owner, object, label, filename, "
             "content_type, expires) VALUES "
             "('%s', 'service', 'owner', '%s', '', '', '', 'infinity');"
             "INSERT INTO resumable (id, object, service, owner, created_in, "
             "algorithms) VALUES ('%s', '%s', 'service', 'owner', 'tus', '')",
             id, store->name, id, size, stg_part_upload_part_size(store, -1, 0),
             id, id, id, id);
    return id;
}

stg_transfer_plan_t part_plan(stg_store_t *store)
{
    return (stg_transfer_plan_t){.store = store, .algorithms = ALGORITHMS};
}

stg_part_upload_t *part_take(stg_staging_t *staging, const char *id,
                             apr_pool_t *p)
{
    stg_part_upload_t *upload = NULL;

    /* Nobody else does, and on a slow machine a test outlives a lease. */
    STG_CHECK_OK(stg_node_renew(staging->node, staging->db, p));
    STG_CHECK_OK(stg_part_upload_take(&upload, staging, id, p));
    CU_ASSERT_PTR_NOT_NULL_FATAL(upload);
    return upload;
}

stg_sink_t *part_sink(stg_part_upload_t *upload, stg_store_t *store)
{
    stg_transfer_plan_t plan = part_plan(store);
    stg_sink_t *sink = NULL;

    STG_CHECK_OK(stg_part_upload_open(&sink, upload, &plan));
    CU_ASSERT_PTR_NOT_NULL_FATAL(sink);
    return sink;
}

/* The bytes of the pattern from first on, in pieces of any size. */
stg_error_t *part_write(stg_sink_t *sink, apr_off_t first, int count)
{
    char bytes[20000];

    while (count) {
        int n = 1 + rand() % (int)sizeof(bytes);

        n = n < count ? n : count;
        part_pattern(bytes, first, n, 0);
        STG_TRY(stg_sink_write(sink, bytes, (apr_size_t)n));
        first += n;
        count -= n;
    }
    return STG_OK;
}

/* A request that appends count bytes. */
void part_append(core_t *core, stg_staging_t *staging, stg_store_t *store,
                 const char *id, int count)
{
    stg_part_upload_t *upload;
    apr_off_t offset;
    stg_sink_t *sink;
    apr_pool_t *p;

    apr_pool_create(&p, core->p);
    upload = part_take(staging, id, p);
    offset = stg_part_upload_offset(upload);
    sink = part_sink(upload, store);
    STG_CHECK_OK(part_write(sink, offset, count));
    STG_CHECK_OK(stg_sink_close(sink));
    STG_CHECK_OK(stg_part_upload_commit(upload));
    CU_ASSERT_EQUAL(stg_part_upload_offset(upload), offset + count);
    stg_part_upload_release(upload);
    apr_pool_destroy(p);
}

/* What a slice says of all rows at once. */
static void part_tell(core_t *core, const stg_part_upload_t *upload,
                      const char *id)
{
    const char *whole = stg_part_upload_whole(upload);

    if (whole)
        core_sql(core,
                 "UPDATE object SET state = 'deleting' WHERE id = '%s';"
                 "UPDATE upload SET object = '%s' WHERE object = '%s'",
                 id, whole, id);
    core_sql(core,
             "UPDATE object SET state = '%s', size = %" APR_OFF_T_FMT
             ", md5 = '%s', sha512 = '%s', receiver = NULL, tail_of = NULL "
             "FROM part_upload WHERE part_upload.object = '%s' AND fence = %s "
             "AND id = '%s'",
             whole ? "stored" : "finishing", stg_part_upload_total(upload),
             stg_part_upload_digest(upload, STG_MD5),
             stg_part_upload_digest(upload, STG_SHA512), id,
             stg_part_upload_fence(upload), whole ? whole : id);
}

/* The last request: what has come is the object of this id. */
const char *part_complete(core_t *core, stg_store_t *store,
                          stg_part_upload_t *upload, const char *id)
{
    stg_transfer_plan_t plan = part_plan(store);
    const char *whole;

    STG_CHECK_OK(stg_part_upload_settle(upload, &plan));
    STG_CHECK_OK(stg_part_upload_store(upload));
    whole = apr_pstrdup(core->p, stg_part_upload_whole(upload));
    part_tell(core, upload, id);
    if (!whole) {
        STG_CHECK_OK(stg_object_finish_parts(&core->staging, id, core->p));
        core_sql(core,
                 "UPDATE object SET state = 'stored', receiver = NULL, "
                 "parts_id = NULL WHERE id = '%s' AND state = 'finishing'",
                 id);
    }
    core_sql(core, "UPDATE upload SET status = 'success' WHERE object = '%s'",
             whole ? whole : id);
    stg_part_upload_ended(upload);
    return whole ? whole : id;
}

/* --- what is looked at ---------------------------------------------------- */

/* One value of the database, as text. */
const char *core_ask(core_t *core, const char *format, ...)
{
    const char *text;
    stg_rows_t *rows;
    va_list args;

    va_start(args, format);
    text = apr_pvsprintf(core->p, format, args);
    va_end(args);
    core_sql(core,
             "DELETE FROM account;"
             "INSERT INTO account (name) SELECT 'value ' || "
             "coalesce((%s)::text, 'null')",
             text);
    STG_CHECK_OK(stg_db_query(&rows, core->staging.db, STG_Q_ACCOUNT_LIST,
                              core->p, STG_NO_PARAMS));
    CU_ASSERT_EQUAL_FATAL(stg_rows_count(rows), 1);
    return stg_rows_text(rows, 0, "name") + strlen("value ");
}

const char *part_row(core_t *core, const char *id, const char *column)
{
    return core_ask(core, "SELECT %s FROM part_upload WHERE object = '%s'",
                    column, id);
}

/* Hex of the digest of the first size bytes of the pattern. */
static const char *one_shot(core_t *core, stg_algorithm_t algorithm, int size)
{
    stg_memory_sink_t *memory =
        stg_memory_sink_create((apr_size_t)size + 1, core->p);
    stg_digest_t *digest =
        stg_digest_create(stg_memory_sink(memory), 1u << algorithm, core->p);

    STG_CHECK_OK(part_write(stg_digest_sink(digest), 0, size));
    STG_CHECK_OK(stg_digest_settle(digest));
    return stg_digest_hex(digest, algorithm);
}

/* The stored object is the first size bytes of the pattern, and the row says
 * so. */
void part_expect(core_t *core, stg_store_t *store, const char *id, int size)
{
    stg_memory_sink_t *memory =
        stg_memory_sink_create((apr_size_t)size + 1, core->p);
    char *bytes = apr_palloc(core->p, (apr_size_t)size + 1);
    const char *read;
    apr_size_t count;

    STG_CHECK_TEXT(core_state(core, id), "stored");
    STG_CHECK_OK(store->driver->read(store, stg_store_key(id, core->p), 0, -1,
                                     stg_memory_sink(memory), core->p));
    read = stg_memory_sink_text(memory, &count);
    part_pattern(bytes, 0, size, 0);
    CU_ASSERT_EQUAL(count, (apr_size_t)size);
    CU_ASSERT(count == (apr_size_t)size && !memcmp(read, bytes, count));
    STG_CHECK_TEXT(core_ask(core, "SELECT md5 FROM object WHERE id = '%s'", id),
                   one_shot(core, STG_MD5, size));
    STG_CHECK_TEXT(core_ask(core,
                            "SELECT sha512 = '%s' FROM object WHERE id = '%s'",
                            one_shot(core, STG_SHA512, size), id),
                   "true");
}

static stg_error_t *count_found(void *context, const stg_found_t *found,
                                apr_pool_t *p)
{
    (void)found;
    (void)p;
    ++*(int *)context;
    return STG_OK;
}

int part_things(core_t *core, stg_store_t *store)
{
    int count = 0;

    STG_CHECK_OK(store->driver->list(store, count_found, &count, core->p));
    return count;
}

/* For what is expected to be reported. */
void part_ignore(void *context, const char *store, const char *key,
                 const char *what)
{
    (void)context;
    (void)store;
    (void)key;
    (void)what;
}

static void report(void *context, const char *store, const char *key,
                   const char *what)
{
    fprintf(stderr, "%s %s: %s\n", store, key, what);
    (void)context;
}

void part_expect_no_difference(core_t *core)
{
    stg_check_t check = {.report = report};

    STG_CHECK_OK(stg_check_run(&check, &core->staging, core->p));
    CU_ASSERT_EQUAL(check.differences, 0);
}

void part_expect_nothing_left(core_t *core)
{
    core_gc(core);
    CU_ASSERT_EQUAL(part_things(core, core->file), 0);
    CU_ASSERT_EQUAL(part_things(core, core->memory), 0);
    STG_CHECK_TEXT(core_ask(core, "SELECT count(*) FROM object"), "0");
    STG_CHECK_TEXT(core_ask(core, "SELECT count(*) FROM part_upload"), "0");
    STG_CHECK_TEXT(core_ask(core, "SELECT count(*) FROM part"), "0");
}
