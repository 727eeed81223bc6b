/* SPDX-License-Identifier: Apache-2.0 */
#include "core_fixture.h"

#include "uploads/history.h"
#include "uploads/upload_page.h"

#include <apr_strings.h>

enum { MANY = 20000, PAGE = 50, READ_MOST = 3 * PAGE };

/* Of the one owner whose list it is. */
enum { OWN = MANY / 5, FAR = OWN / 10 * 9 };

static const char *const sorts[] = {"created", "filename", "size",
                                    "expires", "-created", "-filename",
                                    "-size",   "-expires"};
enum { SORTS = sizeof(sorts) / sizeof(*sorts) };

/* Of one owner, of whom some have failed, and of others; on one connection, so
 * that what it has read can be asked for. */
static void fill(core_t *core)
{
    stg_db_lender_t lender;

    core_begin(core);
    lender = stg_check_lender("", 1, core->p);
    core->staging.db = stg_db_create(&lender, core->p);
    core_sql(core,
             "INSERT INTO object (id, store, state, service, owner, size) "
             "SELECT gen_random_uuid(), 'memory', 'stored', 'service', "
             "CASE WHEN n %% 5 = 0 THEN 'big' ELSE 'other' || n %% 7 END, "
             "n * 7919 %% 99991 FROM generate_series(1, %d) n;"
             "INSERT INTO upload (id, service, owner, object, label, filename, "
             "content_type, size, status, created, expires) "
             "SELECT gen_random_uuid(), service, owner, id, 'label', "
             "md5(n::text), 'text/plain', size, "
             "CASE WHEN n %% 499 = 0 THEN 'failure' ELSE 'success' END, "
             "now() - n * interval '1 second', "
             "now() + interval '1 day' + n * 7927 %% 99991 * interval "
             "'1 second' "
             "FROM (SELECT *, row_number() OVER () AS n FROM object) o;"
             "ANALYZE",
             MANY);
}

/* Rows of the table of uploads that the connection has read so far. */
static void count_read(core_t *core, const char *into)
{
    core_sql(core, "SELECT pg_stat_force_next_flush()");
    core_sql(core,
             "SELECT set_config('test.%s', (SELECT seq_tup_read + "
             "idx_tup_fetch FROM pg_stat_user_tables "
             "WHERE relid = 'upload'::regclass)::text, false)",
             into);
}

static void check_read(core_t *core, const char *what)
{
    stg_error_t *err;

    count_read(core, "after");
    err = stg_db_script(
        core->staging.db,
        apr_psprintf(core->p,
                     "DO $$ DECLARE read bigint := "
                     "current_setting('test.after')::bigint - "
                     "current_setting('test.before')::bigint; "
                     "BEGIN ASSERT read BETWEEN 1 AND %d, read; END $$",
                     READ_MOST),
        core->p);
    if (err)
        fprintf(stderr, "%s: %s\n", what, stg_error_text(err, core->p));
    STG_CHECK_OK(err);
}

/* A page in this order: at its beginning, or far behind it. */
static void read_page(core_t *core, stg_upload_query_t query, const char *sort,
                      const char *cursor)
{
    apr_array_header_t *page;

    query.service = "service";
    query.owner = "big";
    STG_CHECK_OK(stg_upload_query_start(&query, sort, cursor, core->p));
    count_read(core, "before");
    STG_CHECK_OK(
        stg_upload_page(&page, core->staging.db, &query, PAGE, core->p));
    check_read(core, apr_pstrcat(core->p, sort, " ", cursor, NULL));
}

/* The cursor behind nine tenths of the list. */
static const char *far_behind(core_t *core, const char *sort)
{
    stg_upload_query_t query = {.service = "service", .owner = "big"};
    apr_array_header_t *page;

    STG_CHECK_OK(stg_upload_query_start(&query, sort, NULL, core->p));
    STG_CHECK_OK(
        stg_upload_page(&page, core->staging.db, &query, FAR, core->p));
    CU_ASSERT_EQUAL(page->nelts, FAR);
    CU_ASSERT(query.has_more);
    return stg_upload_cursor(&query, core->p);
}

static void page_far_behind_reads_as_few_rows_as_the_first(void)
{
    core_t core;

    fill(&core);
    for (int i = 0; i < SORTS; i++) {
        read_page(&core, (stg_upload_query_t){0}, sorts[i], NULL);
        read_page(&core, (stg_upload_query_t){0}, sorts[i],
                  far_behind(&core, sorts[i]));
    }
    core_end(&core);
}

static void what_is_rare_is_found_without_reading_all(void)
{
    core_t core;

    fill(&core);
    for (int i = 0; i < SORTS; i++) {
        read_page(&core, (stg_upload_query_t){.status = "failure"}, sorts[i],
                  NULL);
        /* "5" has this digest */
        read_page(&core, (stg_upload_query_t){.sought = "E4DA3B7FBBCE"},
                  sorts[i], NULL);
    }
    core_end(&core);
}

static const stg_event_t *event_of(core_t *core, const staged_t *staged,
                                   int index, int count)
{
    apr_array_header_t *events;

    STG_CHECK_OK(stg_history_read(&events, core->staging.db, staged->upload,
                                  "service", "owner", core->p));
    CU_ASSERT_EQUAL_FATAL(events->nelts, count);
    return &APR_ARRAY_IDX(events, index, stg_event_t);
}

static void history_follows_every_change_of_status(void)
{
    core_t core;
    staged_t whole, parts, failed;

    core_begin(&core);
    whole = core_store(&core, core.memory, 100);
    STG_CHECK_TEXT(event_of(&core, &whole, 0, 2)->event, "created");
    STG_CHECK_TEXT(event_of(&core, &whole, 1, 2)->event, "stored");
    parts = core_store(&core, core.memory, 10000);
    STG_CHECK_TEXT(event_of(&core, &parts, 1, 2)->event, "received");
    failed = core_stage(&core, core.memory, 100);
    STG_CHECK_OK(stg_db_query(NULL, core.staging.db, STG_Q_UPLOAD_FAILED,
                              core.p, STG_PARAMS(failed.id, "l", "no luck")));
    STG_CHECK_TEXT(event_of(&core, &failed, 1, 2)->event, "failed");
    STG_CHECK_TEXT(event_of(&core, &failed, 1, 2)->detail, "no luck");
    core_end(&core);
}

static void history_is_for_the_owner(void)
{
    core_t core;
    staged_t staged;
    apr_array_header_t *events;

    core_begin(&core);
    staged = core_store(&core, core.memory, 100);
    STG_CHECK_FAILS(stg_history_read(&events, core.staging.db, staged.upload,
                                     "service", "another", core.p),
                    STG_E_NOT_FOUND);
    STG_CHECK_FAILS(stg_history_read(&events, core.staging.db, staged.upload,
                                     "other", "owner", core.p),
                    STG_E_NOT_FOUND);
    core_end(&core);
}

static void what_happens_again_is_one_event_that_counts(void)
{
    core_t core;
    staged_t staged;

    core_begin(&core);
    staged = core_store(&core, core.memory, 100);
    for (int i = 0; i < 3; i++)
        stg_history_downloaded(core.staging.db, staged.upload, core.p);
    CU_ASSERT_EQUAL(event_of(&core, &staged, 2, 3)->count, 3);
    CU_ASSERT(event_of(&core, &staged, 2, 3)->at <
              event_of(&core, &staged, 2, 3)->last);
    core_sql(&core, "DELETE FROM upload");
    stg_history_downloaded(core.staging.db, staged.upload, core.p);
    core_end(&core);
}

void stg_lists_suite(void)
{
    CU_pSuite suite = CU_add_suite("lists", NULL, NULL);

    STG_TEST(suite, page_far_behind_reads_as_few_rows_as_the_first);
    STG_TEST(suite, what_is_rare_is_found_without_reading_all);
    STG_TEST(suite, history_follows_every_change_of_status);
    STG_TEST(suite, history_is_for_the_owner);
    STG_TEST(suite, what_happens_again_is_one_event_that_counts);
}
