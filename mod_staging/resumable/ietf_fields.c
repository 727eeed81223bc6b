/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/ietf_fields.h"

#include "base/structured.h"
#include "base/text.h"
#include "resumable/dialect.h"
#include "resumable/problem.h"
#include "stream/disposition.h"
#include "stream/field.h"
#include "stream/file_name.h"
#include "web/body.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

enum { CONTENT_TYPE_MAX = 255 };

static stg_error_t *read_size(apr_off_t *size, const stg_request_t *req,
                              const char *name)
{
    const char *value;

    *size = -1;
    STG_TRY(stg_dialect_field(&value, req, name));
    if (!stg_structured_size(size, value))
        *size = -1;
    return STG_OK;
}

int stg_ietf_is_old(const stg_request_t *req)
{
    apr_off_t version;

    return stg_structured_size(&version,
                               apr_table_get(req->r->headers_in,
                                             "Upload-Draft-Interop-Version")) &&
           version == 6 && (req->policy->interop & (1u << 6));
}

/* 104 is for those whose version of the draft is one of ours. */
static stg_error_t *read_interop(int *interop, const stg_request_t *req)
{
    apr_off_t version;

    STG_TRY(read_size(&version, req, "Upload-Draft-Interop-Version"));
    if (version > 0 && version < 32 &&
        req->policy->interop & (1u << (unsigned int)version))
        *interop = (int)version;
    return STG_OK;
}

stg_error_t *stg_ietf_fields_read(stg_ietf_fields_t *fields,
                                  const stg_request_t *req)
{
    const char *complete;

    *fields = (stg_ietf_fields_t){.req = req, .is_last = -1};
    STG_TRY(stg_dialect_field(&complete, req, "Upload-Complete"));
    if (!stg_structured_boolean(&fields->is_last, complete))
        fields->is_last = -1;
    STG_TRY(read_size(&fields->offset, req, "Upload-Offset"));
    STG_TRY(read_size(&fields->length, req, "Upload-Length"));
    return read_interop(&fields->interop, req);
}

/* --- digests -------------------------------------------------------------- */

static int has_any(const stg_digests_t *digests)
{
    for (int i = 0; i < STG_ALGORITHMS; i++)
        if (digests->hex[i])
            return 1;
    return 0;
}

/* What is wrong with the digests of a request, in all of its fields. */
typedef struct flaws_t {
    apr_array_header_t *invalid; /* of stg_problem_digest_t */
    apr_array_header_t *unknown;
    const char *useless; /* a field with unknown algorithms only, or NULL */
} flaws_t;

static flaws_t flaws_make(apr_pool_t *p)
{
    return (flaws_t){
        .invalid = apr_array_make(p, 1, sizeof(stg_problem_digest_t)),
        .unknown = apr_array_make(p, 1, sizeof(stg_problem_digest_t))};
}

static void parse(stg_digests_t *digests, flaws_t *flaws, const char *header,
                  const char *value)
{
    apr_pool_t *p = flaws->invalid->pool;
    apr_array_header_t *found = apr_array_make(p, 1, sizeof(stg_digest_flaw_t));
    stg_error_t *err = stg_digest_field_inspect(digests, found, value, p);

    for (int i = 0; i < found->nelts; i++) {
        const stg_digest_flaw_t *flaw =
            &APR_ARRAY_IDX(found, i, stg_digest_flaw_t);

        APR_ARRAY_PUSH(flaw->reason ? flaws->invalid : flaws->unknown,
                       stg_problem_digest_t) =
            (stg_problem_digest_t){flaw->algorithm, header, flaw->reason};
    }
    if (err || has_any(digests))
        return;
    flaws->useless = header;
    if (!found->nelts)
        APR_ARRAY_PUSH(flaws->unknown, stg_problem_digest_t) =
            (stg_problem_digest_t){.header = header};
}

/* A field has to have at least one that we know, and all that we know as they
 * must be. */
static stg_error_t *check_flaws(const stg_request_t *req, const flaws_t *flaws)
{
    if (flaws->invalid->nelts) {
        stg_problem_digests(req, "invalid", flaws->invalid);
        return stg_raise(
            req->pool, STG_E_INVALID, "%s",
            APR_ARRAY_IDX(flaws->invalid, 0, stg_problem_digest_t).value);
    }
    if (!flaws->useless)
        return STG_OK;
    stg_problem_digests(req, "unsupported", flaws->unknown);
    stg_dialect_set(req,
                    strcmp(flaws->useless, "Repr-Digest")
                        ? "Want-Content-Digest"
                        : "Want-Repr-Digest",
                    "sha-512=3, sha-256=10");
    return stg_raise(req->pool, STG_E_INVALID,
                     "%s has no algorithm that is known here", flaws->useless);
}

/* Every one of ours that the field asks for. */
static void read_wanted(stg_ietf_fields_t *fields)
{
    const char *value =
        apr_table_get(fields->req->r->headers_in, "Want-Repr-Digest");

    for (int i = 0; i < STG_ALGORITHMS; i++)
        if (stg_digest_field_wanted(value, 1u << i, fields->req->pool) !=
            STG_ALGORITHMS)
            fields->wanted |= 1u << i;
}

stg_error_t *stg_ietf_digests_read(stg_ietf_fields_t *fields)
{
    const stg_request_t *req = fields->req;
    const apr_table_t *headers = req->r->headers_in;
    const char *content = apr_table_get(headers, "Content-Digest");
    const char *trailer = apr_table_get(headers, "Trailer");
    stg_digests_t announced = {{NULL}};
    flaws_t flaws = flaws_make(req->pool);

    read_wanted(fields);
    fields->has_content_digest = content != NULL;
    fields->has_trailer =
        trailer && ap_find_token(req->pool, trailer, "Content-Digest");
    fields->repr_digest = apr_table_get(headers, "Repr-Digest");
    if (content)
        parse(&fields->announced.digests, &flaws, "Content-Digest", content);
    if (fields->repr_digest)
        parse(&announced, &flaws, "Repr-Digest", fields->repr_digest);
    STG_TRY(check_flaws(req, &flaws));
    for (int i = 0; i < STG_ALGORITHMS; i++)
        if (announced.hex[i])
            fields->wanted |= 1u << i;
    return STG_OK;
}

stg_error_t *stg_ietf_compare(const stg_request_t *req, const char *header,
                              const stg_digests_t *announced,
                              const stg_digests_t *computed)
{
    apr_array_header_t *differing =
        apr_array_make(req->pool, 1, sizeof(stg_problem_digest_t));

    for (int i = 0; i < STG_ALGORITHMS; i++) {
        stg_digests_t one = {{NULL}};

        one.hex[i] = announced->hex[i];
        if (stg_digests_compare(&one, computed) == STG_ALGORITHMS)
            continue;
        /* behind "algorithm=" */
        APR_ARRAY_PUSH(differing, stg_problem_digest_t) =
            (stg_problem_digest_t){
                stg_algorithm_field_name(i), header,
                strchr(stg_digest_field(&one, req->pool), '=') + 1};
    }
    if (!differing->nelts)
        return STG_OK;
    stg_problem_digests(req, "mismatched", differing);
    return stg_raise(req->pool, STG_E_DIGEST_MISMATCH,
                     "the %s is not that of the bytes", header);
}

/* After the body. */
static stg_error_t *check(void *context, const stg_checksums_t *computed)
{
    stg_ietf_fields_t *fields = context;
    const stg_request_t *req = fields->req;
    flaws_t flaws = flaws_make(req->pool);
    const char *value;

    if (fields->has_trailer) {
        value = stg_body_trailer(req, "Content-Digest");
        if (!value)
            return stg_raise(req->pool, STG_E_INVALID,
                             "the trailer has no Content-Digest");
        parse(&fields->announced.digests, &flaws, "Content-Digest", value);
        STG_TRY(check_flaws(req, &flaws));
    }
    return stg_ietf_compare(req, "Content-Digest", &fields->announced.digests,
                            &computed->digests);
}

void stg_ietf_expect_digest(stg_intake_t *intake, stg_ietf_fields_t *fields)
{
    if (!fields->has_content_digest && !fields->has_trailer)
        return;
    intake->check = check;
    intake->announced = fields->has_trailer ? NULL : &fields->announced;
    intake->context = fields;
}

/* --- the representation --------------------------------------------------- */

static stg_error_t *read_type(stg_resumable_spec_t *spec,
                              const stg_request_t *req)
{
    const char *type = apr_table_get(req->r->headers_in, "Content-Type");

    if (!type || stg_dialect_has_type(req, STG_IETF_TYPE))
        return STG_OK;
    if (strlen(type) > CONTENT_TYPE_MAX)
        return stg_raise(req->pool, STG_E_INVALID,
                         "Content-Type exceeds %d characters",
                         CONTENT_TYPE_MAX);
    for (const char *c = type; *c; c++)
        if (*c < ' ' || *c > '~')
            return stg_raise(req->pool, STG_E_INVALID,
                             "Content-Type is not plain ASCII");
    spec->content_type = type;
    return STG_OK;
}

stg_error_t *stg_ietf_representation_read(stg_resumable_spec_t *spec,
                                          const stg_request_t *req)
{
    const char *value =
        apr_table_get(req->r->headers_in, "Content-Disposition");
    stg_disposition_t disposition;

    STG_TRY(read_type(spec, req));
    if (!value)
        return STG_OK;
    /* a name that is none is no reason to refuse the bytes (RFC 6266, 4.1) */
    if (!stg_disposition_parse(&disposition, value, req->pool) &&
        disposition.filename)
        spec->filename = stg_file_name(disposition.filename, req->pool);
    return STG_OK;
}
