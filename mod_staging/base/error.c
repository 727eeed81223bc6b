/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <apr_errno.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include <assert.h>
#include <stdarg.h>

static const struct {
    const char *name;
    int status;
} codes[] = {
#define STG_CODE(name, status) {#name, status},
#include "base/error_codes.h"
#undef STG_CODE
};

stg_error_t *stg_raise_at(const char *file, int line, apr_pool_t *p,
                          stg_code_t code, const char *format, ...)
{
    stg_error_t *err = apr_pcalloc(p, sizeof(*err));
    va_list args;

    va_start(args, format);
    err->message = apr_pvsprintf(p, format, args);
    va_end(args);
    err->code = code;
    err->file = file;
    err->line = line;
    return err;
}

stg_error_t *stg_error_explain(stg_error_t *err, apr_pool_t *p,
                               const char *format, ...)
{
    const char *cause;
    va_list args;

    assert(err);
    va_start(args, format);
    cause = apr_pvsprintf(p, format, args);
    va_end(args);
    err->cause =
        err->cause ? apr_pstrcat(p, cause, ": ", err->cause, NULL) : cause;
    return err;
}

stg_error_t *stg_error_explain_apr(stg_error_t *err, apr_pool_t *p,
                                   apr_status_t status, const char *what)
{
    char text[160];

    apr_strerror(status, text, sizeof(text));
    return stg_because(err, p, "%s: %s", what, text);
}

static const apr_array_header_t *
problems_copy(const apr_array_header_t *problems, apr_pool_t *p)
{
    apr_array_header_t *copy;

    if (!problems)
        return NULL;
    copy = apr_array_make(p, problems->nelts, sizeof(stg_problem_t));
    for (int i = 0; i < problems->nelts; i++) {
        const stg_problem_t *from = &APR_ARRAY_IDX(problems, i, stg_problem_t);
        stg_problem_t *to = apr_array_push(copy);

        to->field = apr_pstrdup(p, from->field);
        to->message = apr_pstrdup(p, from->message);
    }
    return copy;
}

stg_error_t *stg_error_copy(const stg_error_t *err, apr_pool_t *p)
{
    stg_error_t *copy;

    if (!err)
        return STG_OK;
    copy = apr_pmemdup(p, err, sizeof(*err));
    copy->message = apr_pstrdup(p, err->message);
    copy->cause = apr_pstrdup(p, err->cause);
    copy->problems = problems_copy(err->problems, p);
    return copy;
}

int stg_code_status(stg_code_t code)
{
    return codes[code].status;
}

const char *stg_code_name(stg_code_t code)
{
    return codes[code].name;
}

const char *stg_error_text(const stg_error_t *err, apr_pool_t *p)
{
    return apr_psprintf(p, "%s: %s%s%s%s [%s:%d]", stg_code_name(err->code),
                        err->message, err->cause ? " (" : "",
                        err->cause ? err->cause : "", err->cause ? ")" : "",
                        apr_filepath_name_get(err->file), err->line);
}
