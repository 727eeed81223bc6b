/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads/upload_page.h"

#include "base/ids.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

/* Before and behind every upload there is. */
#define FIRST_ID "00000000-0000-0000-0000-000000000000"
#define LAST_ID "ffffffff-ffff-ffff-ffff-ffffffffffff"
#define LAST_NUMBER "253402300799000000" /* the end of the year 9999 */
/* The last of all characters, as often as a key has characters. */
#define LAST_CHARACTER "\xf4\x8f\xbf\xbf"
#define FIVE_TIMES(text) text text text text text
#define LAST_NAME                                                              \
    FIVE_TIMES(FIVE_TIMES(                                                     \
        LAST_CHARACTER LAST_CHARACTER LAST_CHARACTER LAST_CHARACTER))

/* Times and sizes are numbers; file names are compared as bytes. */
typedef enum key_kind_t { NUMBER, NAME } key_kind_t;

typedef struct stg_upload_order_t {
    const char *sort;
    stg_query_t query;
    const char *column; /* of its rows, with the key */
    key_kind_t kind;
    const char *first_key;
    const char *first_id;
} stg_upload_order_t;

/* The usual one comes first. */
/* clang-format off */
static const stg_upload_order_t orders[] = {
    {"-created",  STG_Q_UPLOAD_PAGE_CREATED_DOWN,  "created", NUMBER, LAST_NUMBER, LAST_ID},
    {"created",   STG_Q_UPLOAD_PAGE_CREATED,       "created", NUMBER, "0",         FIRST_ID},
    {"-filename", STG_Q_UPLOAD_PAGE_FILENAME_DOWN, "key",     NAME,   LAST_NAME,   LAST_ID},
    {"filename",  STG_Q_UPLOAD_PAGE_FILENAME,      "key",     NAME,   "",          FIRST_ID},
    {"-size",     STG_Q_UPLOAD_PAGE_SIZE_DOWN,     "key",     NUMBER, LAST_NUMBER, LAST_ID},
    {"size",      STG_Q_UPLOAD_PAGE_SIZE,          "key",     NUMBER, "0",         FIRST_ID},
    {"-expires",  STG_Q_UPLOAD_PAGE_EXPIRES_DOWN,  "expires", NUMBER, LAST_NUMBER, LAST_ID},
    {"expires",   STG_Q_UPLOAD_PAGE_EXPIRES,       "expires", NUMBER, "0",         FIRST_ID},
};
/* clang-format on */

enum { ORDERS = sizeof(orders) / sizeof(*orders) };

static stg_error_t *find_order(const stg_upload_order_t **order,
                               const char *sort, apr_pool_t *p)
{
    for (int i = 0; i < ORDERS; i++)
        if (!sort || !strcmp(sort, orders[i].sort)) {
            *order = &orders[i];
            return STG_OK;
        }
    return stg_raise(p, STG_E_INVALID,
                     "sort is created, filename, size or expires, or one of "
                     "these behind a minus sign");
}

static int is_key(const char *key, const stg_upload_order_t *order)
{
    apr_off_t number, last;

    if (strlen(key) >= STG_UPLOAD_KEY_SIZE)
        return 0;
    if (order->kind == NAME)
        return 1;
    return stg_parse_off(LAST_NUMBER, &last) && stg_parse_off(key, &number) &&
           number <= last;
}

static void set_place(stg_upload_query_t *query, const char *key,
                      const char *id)
{
    apr_cpystrn(query->key, key, sizeof(query->key));
    apr_cpystrn(query->id, id, sizeof(query->id));
}

stg_error_t *stg_upload_query_start(stg_upload_query_t *query, const char *sort,
                                    const char *cursor, apr_pool_t *p)
{
    const char *dot, *key;

    STG_TRY(find_order(&query->order, sort, p));
    set_place(query, query->order->first_key, query->order->first_id);
    if (!cursor)
        return STG_OK;
    dot = strrchr(cursor, '.');
    key = dot ? apr_pstrmemdup(p, cursor, (apr_size_t)(dot - cursor)) : NULL;
    if (!key || !stg_uuid_is_valid(dot + 1) || !is_key(key, query->order))
        return stg_raise(p, STG_E_INVALID,
                         "after is not a cursor from a Link header of this "
                         "list");
    set_place(query, key, dot + 1);
    return STG_OK;
}

const char *stg_upload_cursor(const stg_upload_query_t *query, apr_pool_t *p)
{
    return apr_pstrcat(p, query->key, ".", query->id, NULL);
}

typedef struct page_t {
    stg_upload_query_t *query;
    const char *most;
    stg_rows_t *rows;
} page_t;

static stg_error_t *begin_search(stg_db_t *db, const stg_upload_query_t *query,
                                 apr_pool_t *p)
{
    stg_rows_t *rows;
    stg_error_t *err;

    STG_TRY(stg_db_query(&rows, db, STG_Q_UPLOAD_SEARCH, p,
                         STG_PARAMS(query->service, query->owner)));
    if (stg_rows_count(rows))
        return STG_OK;
    err = stg_raise(p, STG_E_THROTTLED,
                    "four searches of yours are under way: try again in a "
                    "moment");
    err->retry_after = 1;
    return err;
}

/* How the statement behind these is to be executed. */
static stg_error_t *prepare(stg_db_t *db, const stg_upload_query_t *query,
                            apr_pool_t *p)
{
    STG_TRY(stg_db_query(NULL, db, STG_Q_UPLOAD_PLAN, p, STG_NO_PARAMS));
    return query->sought ? begin_search(db, query, p) : STG_OK;
}

static stg_error_t *select_page(stg_db_t *db, void *context, apr_pool_t *p)
{
    page_t *page = context;
    const stg_upload_query_t *query = page->query;

    STG_TRY(prepare(db, query, p));
    return stg_db_query(&page->rows, db, query->order->query, p,
                        STG_PARAMS(query->service, query->owner, query->status,
                                   query->sought, query->key, query->id,
                                   page->most));
}

/* One row more than asked for tells whether there is another page. */
stg_error_t *stg_upload_page(apr_array_header_t **list, stg_db_t *db,
                             stg_upload_query_t *query, int count,
                             apr_pool_t *p)
{
    page_t page = {.query = query, .most = apr_itoa(p, count + 1)};
    int found;

    STG_TRY(stg_db_transact(db, select_page, &page, p));
    found = stg_rows_count(page.rows);
    query->has_more = found > count;
    found -= query->has_more;
    *list = apr_array_make(p, found, sizeof(stg_upload_t));
    for (int row = 0; row < found; row++)
        stg_upload_read(apr_array_push(*list), page.rows, row);
    if (found)
        set_place(query,
                  stg_rows_text(page.rows, found - 1, query->order->column),
                  stg_rows_text(page.rows, found - 1, "id"));
    return STG_OK;
}

static stg_error_t *select_count(stg_db_t *db, void *context, apr_pool_t *p)
{
    page_t *page = context;
    const stg_upload_query_t *query = page->query;

    STG_TRY(prepare(db, query, p));
    return stg_db_query(&page->rows, db, STG_Q_UPLOAD_COUNT, p,
                        STG_PARAMS(query->service, query->owner, query->status,
                                   query->sought, page->most));
}

stg_error_t *stg_upload_count(int *count, stg_db_t *db,
                              stg_upload_query_t *query, apr_pool_t *p)
{
    page_t page = {.query = query,
                   .most = apr_itoa(p, STG_UPLOAD_COUNT_MAX + 1)};

    STG_TRY(stg_db_transact(db, select_count, &page, p));
    *count = (int)stg_rows_int(page.rows, 0, "found");
    return STG_OK;
}
