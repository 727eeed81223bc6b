/* SPDX-License-Identifier: Apache-2.0 */
#include "db/schema.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MIGRATION = 4 << 20, NUMBER_DIGITS = 4, DOWN_RETRY_AFTER = 30 };

/* For the lock and for a migration. */
enum { PATIENCE_SECONDS = 600 };

/* One file of the folder. */
typedef struct migration_t {
    const char *version; /* digits */
    int number;
    const char *name;
    const char *sql;
    int was_applied; /* out */
} migration_t;

/* 0: there is no schema. The table is asked for only if it is there. */
static stg_error_t *version_of(int *version, stg_db_t *db, apr_pool_t *p)
{
    stg_rows_t *rows;

    STG_TRY(stg_db_query(&rows, db, STG_Q_SCHEMA_EXISTS, p, STG_NO_PARAMS));
    if (!stg_rows_int(rows, 0, "is_there")) {
        *version = 0;
        return STG_OK;
    }
    STG_TRY(stg_db_query(&rows, db, STG_Q_SCHEMA_VERSION, p, STG_NO_PARAMS));
    *version = (int)stg_rows_int(rows, 0, "version");
    return STG_OK;
}

static stg_error_t *judge(int version, apr_pool_t *p)
{
    stg_error_t *err;

    if (version == STG_SCHEMA_VERSION)
        return STG_OK;
    err = stg_raise(p, STG_E_DB_DOWN, "the database is not available");
    err->retry_after = DOWN_RETRY_AFTER;
    return stg_because(err, p,
                       version < STG_SCHEMA_VERSION
                           ? "The database schema has version %d, this build "
                             "needs %d: run stagingctl migrate"
                           : "The database schema has version %d, this build "
                             "needs %d: install the newer build",
                       version, STG_SCHEMA_VERSION);
}

stg_error_t *stg_schema_check(stg_db_t *db, apr_pool_t *p)
{
    int version;

    STG_TRY(version_of(&version, db, p));
    return judge(version, p);
}

stg_error_t *stg_schema_watch(stg_db_t *db, apr_pool_t *p)
{
    stg_error_t *err;
    int version;

    STG_TRY(version_of(&version, db, p));
    err = judge(version, p);
    stg_db_refuse(db, err != STG_OK);
    return err;
}

static stg_error_t *unreadable(apr_pool_t *p, apr_status_t status,
                               const char *path)
{
    return stg_because_apr(
        stg_raise(p, STG_E_INTERNAL, "A migration cannot be read"), p, status,
        path);
}

static stg_error_t *read_file(const char **text, const char *path,
                              apr_pool_t *p)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_status_t status;
    char *bytes;

    status = apr_file_open(&file, path, APR_FOPEN_READ, 0, p);
    if (status)
        return unreadable(p, status, path);
    status = apr_file_info_get(&info, APR_FINFO_SIZE, file);
    if (!status && info.size > MAX_MIGRATION)
        status = APR_EINVAL;
    if (status)
        return unreadable(p, status, path);
    bytes = apr_palloc(p, (apr_size_t)info.size + 1);
    status = apr_file_read_full(file, bytes, (apr_size_t)info.size, NULL);
    apr_file_close(file);
    if (status)
        return unreadable(p, status, path);
    bytes[info.size] = '\0';
    *text = bytes;
    return STG_OK;
}

/* NNNN_name.sql */
static int is_migration(const char *name)
{
    apr_size_t length = strlen(name);

    for (int i = 0; i < NUMBER_DIGITS; i++)
        if (!isdigit((unsigned char)name[i]))
            return 0;
    return name[NUMBER_DIGITS] == '_' && !strcmp(name + length - 4, ".sql");
}

static int by_number(const void *a, const void *b)
{
    return ((const migration_t *)a)->number - ((const migration_t *)b)->number;
}

static stg_error_t *read_folder(apr_array_header_t **list, const char *folder,
                                apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 8, sizeof(migration_t));
    apr_dir_t *dir;
    apr_finfo_t info;
    apr_status_t status = apr_dir_open(&dir, folder, p);

    if (status)
        return unreadable(p, status, folder);
    while (!apr_dir_read(&info, APR_FINFO_NAME, dir)) {
        migration_t *m;

        if (!is_migration(info.name))
            continue;
        m = apr_array_push(found);
        memset(m, 0, sizeof(*m));
        m->name = apr_pstrdup(p, info.name);
        m->number = atoi(m->name);
        m->version = apr_itoa(p, m->number);
        STG_TRY(
            read_file(&m->sql, apr_pstrcat(p, folder, "/", m->name, NULL), p));
    }
    apr_dir_close(dir);
    qsort(found->elts, found->nelts, sizeof(migration_t), by_number);
    *list = found;
    return STG_OK;
}

/* In a transaction: the lock makes two migrations take turns, so what is
 * missing is known only after it. */
static stg_error_t *apply(stg_db_t *db, void *context, apr_pool_t *p)
{
    migration_t *m = context;
    int version;

    stg_db_set_limit(db, PATIENCE_SECONDS);
    STG_TRY(stg_db_script(db,
                          "SET LOCAL lock_timeout = 0;"
                          "SET LOCAL statement_timeout = '600s'",
                          p));
    STG_TRY(stg_db_query(NULL, db, STG_Q_SCHEMA_LOCK, p, STG_NO_PARAMS));
    STG_TRY(stg_db_query(NULL, db, STG_Q_SCHEMA_CREATE, p, STG_NO_PARAMS));
    STG_TRY(version_of(&version, db, p));
    if (version >= m->number)
        return STG_OK;
    STG_TRY(stg_db_script(db, m->sql, p));
    STG_TRY(stg_db_query(NULL, db, STG_Q_SCHEMA_RECORD, p,
                         STG_PARAMS(m->version, m->name)));
    m->was_applied = 1;
    return STG_OK;
}

stg_error_t *stg_schema_migrate(int *applied, stg_db_t *db, const char *folder,
                                apr_pool_t *p)
{
    apr_array_header_t *list;
    int count = 0;

    STG_TRY(read_folder(&list, folder, p));
    for (int i = 0; i < list->nelts; i++) {
        migration_t *m = &APR_ARRAY_IDX(list, i, migration_t);
        stg_error_t *err = stg_db_transact(db, apply, m, p);

        if (err)
            return stg_because(err, p, "%s", m->name);
        count += m->was_applied;
    }
    *applied = count;
    return STG_OK;
}
