/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/problem.h"

#include "resumable/dialect.h"
#include "web/problem_json.h"

#include <apr_strings.h>

#include <string.h>

static const char registry[] =
    "https://iana.org/assignments/http-problem-types#";
static const char key[] = "resumable problem";

typedef struct problem_t {
    const char *type;
    const char *title;
    json_t *members;
} problem_t;

void stg_problem_set(const stg_request_t *req, const char *type,
                     const char *title, json_t *members)
{
    problem_t *problem = apr_palloc(req->pool, sizeof(*problem));

    *problem = (problem_t){type, title, members};
    apr_pool_userdata_setn(problem, key, NULL, req->pool);
}

void stg_problem_offset(const stg_request_t *req, apr_off_t expected,
                        apr_off_t provided)
{
    json_t *members = stg_json_object(req->pool);

    stg_json_put_int(members, "expected-offset", expected);
    stg_json_put_int(members, "provided-offset", provided);
    stg_problem_set(req, "mismatching-upload-offset",
                    "The offset is not that of the upload", members);
}

void stg_problem_length(const stg_request_t *req)
{
    stg_problem_set(req, "inconsistent-upload-length",
                    "The lengths contradict each other", NULL);
}

static json_t *digest_item(const stg_problem_digest_t *digest,
                           const char *value_name, apr_pool_t *p)
{
    json_t *item = stg_json_object(p);

    if (digest->algorithm)
        stg_json_put_text(item, "algorithm", digest->algorithm);
    stg_json_put_text(item, "header", digest->header);
    if (digest->value)
        stg_json_put_text(item, value_name, digest->value);
    return item;
}

void stg_problem_digests(const stg_request_t *req, const char *kind,
                         const apr_array_header_t *digests)
{
    static const struct {
        const char *kind;
        const char *type;
        const char *title;
        const char *list;
        const char *value;
    } kinds[] = {
        {"unsupported", "digest-unsupported-algorithms",
         "No algorithm of the digest is supported", "unsupported_algorithms",
         NULL},
        {"invalid", "digest-invalid-values", "A digest is no digest",
         "invalid_digests", "reason"},
        {"mismatched", "digest-mismatched-values",
         "The bytes are not those of the digest", "mismatched_digests",
         "provided_digest"},
    };
    json_t *members = stg_json_object(req->pool);
    json_t *list = stg_json_own(json_array(), req->pool);
    int i = 0;

    while (i < 2 && strcmp(kinds[i].kind, kind))
        i++;
    for (int j = 0; j < digests->nelts; j++)
        json_array_append(
            list, digest_item(&APR_ARRAY_IDX(digests, j, stg_problem_digest_t),
                              kinds[i].value, req->pool));
    json_object_set(members, kinds[i].list, list);
    stg_problem_set(req, kinds[i].type, kinds[i].title, members);
}

/* A client of tus takes any such answer to HEAD for the end of the upload, and
 * begins a new one: nothing that passes may be one. */
static void spare_tus_head(const stg_request_t *req)
{
    request_rec *r = req->r;

    if (strcmp(r->method, "HEAD") || stg_dialect_guess(req) != STG_TUS ||
        (r->status < HTTP_INTERNAL_SERVER_ERROR &&
         r->status != HTTP_TOO_MANY_REQUESTS))
        return;
    r->status = HTTP_LOCKED;
    r->status_line = NULL;
    if (!apr_table_get(r->err_headers_out, "Retry-After"))
        apr_table_setn(r->err_headers_out, "Retry-After", "5");
}

const char *stg_problem_refuse(stg_request_t *req, const stg_error_t *err,
                               const char **content_type)
{
    request_rec *r = req->r;
    const problem_t *problem = NULL;
    void *data = NULL;
    json_t *body;

    spare_tus_head(req);
    stg_dialect_set(req, "X-Content-Type-Options", "nosniff");
    if (err && err->code == STG_E_CHECKSUM)
        r->status_line = "460 Checksum Mismatch";
    if (stg_dialect_guess(req) == STG_TUS) {
        stg_dialect_set(req, "Tus-Resumable", STG_TUS_VERSION);
        if (r->status == HTTP_PRECONDITION_FAILED)
            stg_dialect_set(req, "Tus-Version", STG_TUS_VERSION);
    }
    apr_pool_userdata_get(&data, key, req->pool);
    if (err)
        problem = data;
    body = stg_problem_json(
        req, err,
        problem ? apr_pstrcat(req->pool, registry, problem->type, NULL)
                : "about:blank",
        problem ? problem->title : NULL);
    if (problem && problem->members)
        json_object_update(body, problem->members);
    *content_type = "application/problem+json";
    return stg_json_dump(body, req->pool);
}
