/* SPDX-License-Identifier: Apache-2.0 */
#include "web/json_body.h"

#include "web/body.h"

#include <apr_strings.h>

#include <string.h>

static int is_json(const stg_request_t *req)
{
    const char *type = apr_table_get(req->r->headers_in, "Content-Type");
    static const char json[] = "application/json";

    return type && !strncasecmp(type, json, sizeof(json) - 1) &&
           strchr("; \t", type[sizeof(json) - 1]);
}

stg_error_t *stg_json_body(stg_fields_t **fields, stg_request_t *req,
                           apr_size_t max)
{
    stg_memory_sink_t *memory;
    const char *text;
    apr_size_t count;
    json_t *json;

    if (!is_json(req))
        return stg_raise(req->pool, STG_E_BAD_MEDIA_TYPE,
                         "the body must be of the type application/json");
    memory = stg_memory_sink_create(max, req->pool);
    STG_TRY(stg_body_pump(req, stg_memory_sink(memory)));
    text = stg_memory_sink_text(memory, &count);
    STG_TRY(stg_json_parse(&json, text, count, max, req->pool));
    *fields = stg_fields_open(json, req->pool);
    return STG_OK;
}
