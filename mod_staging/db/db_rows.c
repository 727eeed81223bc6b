/* SPDX-License-Identifier: Apache-2.0 */
#include "db/link.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

struct stg_rows_t {
    PGresult *result;
    int count;
    int columns;
};

static apr_status_t clear(void *result)
{
    PQclear(result);
    return APR_SUCCESS;
}

stg_rows_t *stg_rows_create(PGresult *result, apr_pool_t *p)
{
    stg_rows_t *rows = apr_palloc(p, sizeof(*rows));

    apr_pool_cleanup_register(p, result, clear, apr_pool_cleanup_null);
    rows->result = result;
    rows->count = PQntuples(result);
    rows->columns = PQnfields(result);
    return rows;
}

int stg_rows_count(const stg_rows_t *rows)
{
    return rows->count;
}

/* A wrong name or row is a bug in the caller, and no value would be right. */
static int column_of(const stg_rows_t *rows, int row, const char *column)
{
    if (row >= 0 && row < rows->count)
        for (int i = 0; i < rows->columns; i++)
            if (!strcmp(PQfname(rows->result, i), column))
                return i;
    abort();
}

const char *stg_rows_text(const stg_rows_t *rows, int row, const char *column)
{
    int i = column_of(rows, row, column);

    if (PQgetisnull(rows->result, row, i))
        return NULL;
    return PQgetvalue(rows->result, row, i);
}

apr_int64_t stg_rows_int(const stg_rows_t *rows, int row, const char *column)
{
    const char *text = stg_rows_text(rows, row, column);

    return text ? apr_atoi64(text) : 0;
}

/* PostgreSQL manual, 8.15.6: quoted, with backslashes. */
const char *stg_db_array(const char *const *items, int count, apr_pool_t *p)
{
    apr_size_t size = sizeof("{}");
    char *array;
    char *to;

    for (int i = 0; i < count; i++)
        size += 2 * strlen(items[i]) + sizeof("\"\",") - 1;
    to = array = apr_palloc(p, size);
    *to++ = '{';
    for (int i = 0; i < count; i++) {
        if (i)
            *to++ = ',';
        *to++ = '"';
        for (const char *from = items[i]; *from; from++) {
            if (*from == '"' || *from == '\\')
                *to++ = '\\';
            *to++ = *from;
        }
        *to++ = '"';
    }
    *to++ = '}';
    *to = '\0';
    return array;
}
