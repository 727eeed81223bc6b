/* SPDX-License-Identifier: Apache-2.0 */
#include "web/problem_json.h"

#include <http_protocol.h>

json_t *stg_problem_fields_json(const stg_error_t *err, apr_pool_t *p)
{
    json_t *list = stg_json_own(json_array(), p);

    for (int i = 0; i < err->problems->nelts; i++) {
        const stg_problem_t *problem =
            &APR_ARRAY_IDX(err->problems, i, stg_problem_t);
        json_t *item = stg_json_object(p);

        stg_json_put_text(item, "field", problem->field);
        stg_json_put_text(item, "message", problem->message);
        json_array_append(list, item);
    }
    return list;
}

json_t *stg_problem_json(const stg_request_t *req, const stg_error_t *err,
                         const char *type, const char *title)
{
    const request_rec *r = req->r;
    const char *line =
        r->status_line ? r->status_line : ap_get_status_line(r->status);
    json_t *body = stg_json_object(req->pool);

    stg_json_put_text(body, "type", type);
    stg_json_put_text(body, "title", title ? title : line + sizeof("500"));
    stg_json_put_int(body, "status", r->status);
    if (err)
        stg_json_put_text(body, "detail", err->message);
    if (err && err->problems)
        json_object_set(body, "problems",
                        stg_problem_fields_json(err, req->pool));
    stg_json_put_text(body, "request_id", req->id);
    return body;
}

const char *stg_problem_json_refuse(stg_request_t *req, const stg_error_t *err,
                                    const char **content_type)
{
    apr_table_setn(req->r->err_headers_out, "X-Content-Type-Options",
                   "nosniff");
    *content_type = "application/problem+json";
    return stg_json_dump(stg_problem_json(req, err, "about:blank", NULL),
                         req->pool);
}
