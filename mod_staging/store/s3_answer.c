/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_client.h"
#include "store/s3_retry.h"

#include <string.h>

const char *stg_s3_answer_id(const stg_s3_answer_t *answer)
{
    const char *id = stg_s3_answer_header(answer, "x-amz-request-id");

    if (!id)
        id = stg_s3_answer_header(answer, "x-trans-id");
    return id ? id : "-";
}

/* The store's Message stays out: it can hold what was signed. */
stg_error_t *stg_s3_refusal(const stg_s3_call_t *call,
                            const stg_s3_answer_t *answer, apr_pool_t *p)
{
    stg_error_t *err;

    if (stg_s3_is_no_space(answer->status, answer->code))
        err = stg_raise(p, STG_E_NO_SPACE, "the store is full");
    else if (answer->status == 404 && !stg_s3_answer_is(answer, "NoSuchBucket"))
        err = stg_raise(p, STG_E_NOT_FOUND, "the store has no such object");
    else if (answer->status >= 500 && answer->status != 501)
        err = stg_raise(p, STG_E_STORE_DOWN, "the store does not work");
    else
        err = stg_raise(p, STG_E_STORE_FAILED, "the store refused");
    return stg_because(err, p, "S3 %s %s: %d %s, request %s", call->method,
                       call->key ? call->key : "(bucket)", answer->status,
                       answer->code ? answer->code : "-",
                       stg_s3_answer_id(answer));
}

int stg_s3_answer_is(const stg_s3_answer_t *answer, const char *code)
{
    return answer->code && strcmp(answer->code, code) == 0;
}

const char *stg_s3_answer_header(const stg_s3_answer_t *answer,
                                 const char *name)
{
    return apr_table_get(answer->headers, name);
}
