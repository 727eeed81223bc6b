/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_ERROR_H
#define STG_BASE_ERROR_H

#include <apr_pools.h>
#include <apr_tables.h>

/*
 * Errors are values. NULL (STG_OK) is success; anything else was allocated
 * in the pool given to the function that failed and lives as long as it.
 *
 * message is for the client: no paths, SQL, keys or library text.
 * cause is for the log only and may be NULL.
 * An error is logged once and rendered once, at the edge: dispatch.c for
 * requests, worker.c for background work, stagingctl.c for the tool.
 */

typedef enum stg_code_t {
#define STG_CODE(name, status) STG_E_##name,
#include "base/error_codes.h"
#undef STG_CODE
    STG_E_COUNT
} stg_code_t;

/* One field of the input and what is wrong with it. */
typedef struct stg_problem_t {
    const char *field;
    const char *message;
} stg_problem_t;

typedef struct stg_error_t {
    stg_code_t code;
    const char *message;
    const char *cause;
    const char *file; /* where it was raised */
    int line;
    int retry_after; /* seconds; 0 = no advice */
    int is_unsure;   /* it may have happened all the same */
    int is_undone;   /* it has not, and can at once be tried again */
    const apr_array_header_t *problems; /* of stg_problem_t, or NULL */
} stg_error_t;

#define STG_OK ((stg_error_t *)NULL)

/* Return from the calling function if expr fails. */
#define STG_TRY(expr)                                                          \
    do {                                                                       \
        stg_error_t *stg_try_err = (expr);                                     \
        if (stg_try_err)                                                       \
            return stg_try_err;                                                \
    } while (0)

/* An error that is one: tells clang's analyzer what returns_nonnull does not
 * tell it, so that it knows where STG_TRY comes back. */
static inline stg_error_t *stg_certain(stg_error_t *err)
{
    if (!err)
        __builtin_unreachable();
    return err;
}

/* A new error with a message for the client. */
#define stg_raise(p, code, ...)                                                \
    stg_certain(stg_raise_at(__FILE__, __LINE__, p, code, __VA_ARGS__))
stg_error_t *stg_raise_at(const char *file, int line, apr_pool_t *p,
                          stg_code_t code, const char *format, ...)
    __attribute__((format(printf, 5, 6), returns_nonnull));

/* Add what the log should know to err, which must not be NULL. An earlier cause
 * is kept behind the new one. Returns err, so that it can stand in a return
 * statement. */
#define stg_because(...) stg_certain(stg_error_explain(__VA_ARGS__))
stg_error_t *stg_error_explain(stg_error_t *err, apr_pool_t *p,
                               const char *format, ...)
    __attribute__((format(printf, 3, 4), returns_nonnull));

/* The same with the text of an apr_status_t behind it. */
#define stg_because_apr(...) stg_certain(stg_error_explain_apr(__VA_ARGS__))
stg_error_t *stg_error_explain_apr(stg_error_t *err, apr_pool_t *p,
                                   apr_status_t status, const char *what)
    __attribute__((returns_nonnull));

/* A copy of err that lives in p: for errors that cross threads or outlive
 * the pool they were raised in. NULL stays NULL. */
stg_error_t *stg_error_copy(const stg_error_t *err, apr_pool_t *p);

/* The default HTTP status of a code, and its name ("NOT_FOUND"). */
int stg_code_status(stg_code_t code);
const char *stg_code_name(stg_code_t code);

/* "CODE: message (cause) [file:line]", for the log. */
const char *stg_error_text(const stg_error_t *err, apr_pool_t *p);

#endif
