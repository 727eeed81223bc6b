/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/ietf_api.h"

#include "auth/principal.h"
#include "base/clock.h"
#include "resumable/dialect.h"
#include "resumable/ietf_fields.h"
#include "resumable/problem.h"
#include "resumable/resumable_api.h"
#include "web/body.h"
#include "web/interim.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

/* How long a request that completes an upload waits for the job that puts its
 * parts together, and one that only asks. */
enum { FINISH_SECONDS = 25, STATE_SECONDS = 2, LOOK_MILLISECONDS = 50 };

static void set_complete(const stg_request_t *req, int is_complete)
{
    stg_dialect_set(req, "Upload-Complete", is_complete ? "?1" : "?0");
}

static void set_limits(const stg_request_t *req,
                       const stg_resumable_t *resumable)
{
    stg_dialect_set(req, "Upload-Limit", stg_resumable_limits(req, resumable));
}

/* --- 104 ------------------------------------------------------------------ */

static void send_104(const stg_ietf_fields_t *fields, apr_table_t *headers)
{
    /* the request is the same, whoever looks at it */
    stg_request_t *req = (stg_request_t *)fields->req;

    apr_table_setn(headers, "Upload-Draft-Interop-Version",
                   apr_itoa(req->pool, fields->interop));
    stg_interim_send(req, 104, "104 Upload Resumption Supported", headers);
}

/* Where to go on, should this request be cut. */
static void send_location(const stg_ietf_fields_t *fields,
                          const stg_resumable_t *resumable)
{
    const stg_request_t *req = fields->req;
    apr_table_t *headers;

    if (!fields->interop)
        return;
    headers = apr_table_make(req->pool, 4);
    apr_table_setn(headers, "Location", stg_resumable_link(req, resumable));
    apr_table_setn(headers, "Upload-Limit",
                   stg_resumable_limits(req, resumable));
    send_104(fields, headers);
}

/* So much is promised. */
static void send_progress(void *context, apr_off_t offset)
{
    const stg_ietf_fields_t *fields = context;
    apr_pool_t *p;
    apr_table_t *headers;

    if (!fields->interop)
        return;
    apr_pool_create(&p, fields->req->pool);
    headers = apr_table_make(p, 4);
    apr_table_setn(headers, "Upload-Offset", apr_off_t_toa(p, offset));
    send_104(fields, headers);
    apr_pool_destroy(p);
}

/* --- the final answer ----------------------------------------------------- */

/* Those that are no longer deprecated, or what there is. */
static void set_repr_digest(const stg_request_t *req,
                            const stg_resumable_t *resumable)
{
    stg_digests_t told = {{NULL}};
    const char *value;

    told.hex[STG_SHA256] = resumable->digests.hex[STG_SHA256];
    told.hex[STG_SHA512] = resumable->digests.hex[STG_SHA512];
    value = stg_digest_field(&told, req->pool);
    if (!value)
        value = stg_digest_field(&resumable->digests, req->pool);
    if (value)
        stg_dialect_set(req, "Repr-Digest", value);
}

/* All bytes are there, but they may still be on their way to be an object. */
static stg_error_t *wait_for_object(stg_resumable_t **resumable,
                                    stg_request_t *req, int seconds)
{
    apr_time_t end = stg_clock_monotonic() + apr_time_from_sec(seconds);
    const char *id = (*resumable)->id;

    while ((*resumable)->state == STG_RESUMABLE_FINISHING &&
           stg_clock_monotonic() < end) {
        apr_sleep(apr_time_from_msec(LOOK_MILLISECONDS));
        STG_TRY(stg_resumable_find(resumable, req->staging->db, id,
                                   req->policy->service, req->principal->owner,
                                   req->pool));
    }
    return STG_OK;
}

/* The same whenever it is asked for again. */
static stg_error_t *reply_complete(stg_request_t *req,
                                   stg_resumable_t *resumable, int status)
{
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    STG_TRY(wait_for_object(&resumable, req, FINISH_SECONDS));
    if (resumable->state == STG_RESUMABLE_FINISHING)
        return stg_raise(req->pool, STG_E_BUSY,
                         "the upload is still being put together: ask again");
    set_complete(req, 1);
    set_repr_digest(req, resumable);
    apr_table_setn(req->r->headers_out, "Location",
                   stg_resumable_link(req, resumable));
    return stg_resumable_reply(req, status, resumable);
}

/* --- the body ------------------------------------------------------------- */

static stg_error_t *wrong_length(const stg_request_t *req, const char *what)
{
    stg_problem_length(req);
    return stg_raise(req->pool, STG_E_INVALID, "%s", what);
}

/* What the whole has is not what was announced at its creation: there is
 * nothing that a client could do about it. */
static stg_error_t *explain_mismatch(const stg_intake_t *intake,
                                     stg_error_t *err)
{
    const stg_resumable_t *resumable = intake->resumable;
    stg_digests_t announced = {{NULL}};

    STG_TRY(stg_digest_field_parse(&announced, resumable->repr_digest,
                                   intake->req->pool));
    STG_TRY(stg_ietf_compare(intake->req, "Repr-Digest", &announced,
                             &resumable->digests));
    return err;
}

/* Why the body was not taken, or not to its end. */
static stg_error_t *explain(stg_intake_t *intake, stg_error_t *err)
{
    stg_request_t *req = intake->req;

    /* A client that gets an answer takes it for the last one; a connection
     * that ends makes it ask for the offset and go on. */
    if (err->code == STG_E_TAKEN || err->code == STG_E_ENDING)
        return stg_reply_cut(req);
    if (intake->is_beyond)
        return wrong_length(req, err->message);
    if (intake->is_failed) {
        set_complete(req, 1);
        return err->code == STG_E_QUOTA ? err : explain_mismatch(intake, err);
    }
    stg_dialect_set_number(req, "Upload-Offset", intake->resumable->offset);
    if (err->code == STG_E_TOO_LARGE)
        set_limits(req, intake->resumable);
    if (intake->is_short)
        return wrong_length(req, err->message);
    return err;
}

static stg_error_t *receive(stg_intake_t *intake, stg_ietf_fields_t *fields)
{
    intake->is_strict = 1;
    intake->is_last = fields->is_last;
    intake->on_progress = send_progress;
    intake->context = fields;
    stg_ietf_expect_digest(intake, fields);
    return stg_intake_receive(intake);
}

/* HTTP/2 does not tell a body that was cut from one that is whole (see
 * stg_body_end_is_safe); what completes an upload needs to be known. */
static stg_error_t *check_end_is_known(const stg_ietf_fields_t *fields,
                                       apr_off_t size, const char *repr_digest)
{
    const stg_request_t *req = fields->req;

    if (!fields->is_last || size >= 0 || repr_digest ||
        fields->has_content_digest || fields->has_trailer ||
        !stg_dialect_has_body(req) || stg_body_end_is_safe(req))
        return STG_OK;
    return stg_raise(req->pool, STG_E_NO_LENGTH,
                     "send Content-Length, Upload-Length or a digest: without "
                     "one of them a body that was cut cannot be told from a "
                     "whole one by HTTP/2");
}

/* --- creation ------------------------------------------------------------- */

/* The length of the whole, as far as the header tells. */
static stg_error_t *length_of_new(apr_off_t *size,
                                  const stg_ietf_fields_t *fields)
{
    const stg_request_t *req = fields->req;
    apr_off_t length = stg_dialect_has_body(req) ? stg_body_length(req) : 0;

    *size = fields->length;
    if (fields->is_last && length >= 0) {
        *size = length;
        if (fields->length >= 0 && fields->length != length)
            return wrong_length(req,
                                "the body has not the length of the whole");
    }
    if (fields->length >= 0 && length > fields->length)
        return wrong_length(req, "the body is longer than the whole");
    return STG_OK;
}

static stg_error_t *check_limits(const stg_request_t *req, apr_off_t size)
{
    stg_error_t *err = stg_resumable_check_size(req, size);

    if (!err)
        err = stg_resumable_check_append(req, stg_body_length(req));
    if (err)
        set_limits(req, NULL);
    return err;
}

static stg_error_t *plan(stg_resumable_spec_t *spec, stg_ietf_fields_t *fields)
{
    const stg_request_t *req = fields->req;
    apr_off_t size;

    STG_TRY(stg_ietf_fields_read(fields, req));
    if (fields->is_last < 0)
        return stg_raise(req->pool, STG_E_INVALID,
                         "Upload-Complete is missing");
    set_complete(req, 0);
    STG_TRY(stg_ietf_digests_read(fields));
    STG_TRY(length_of_new(&size, fields));
    STG_TRY(check_limits(
        req, size > stg_body_length(req) ? size : stg_body_length(req)));
    STG_TRY(check_end_is_known(fields, size, fields->repr_digest));
    STG_TRY(stg_resumable_spec_open(spec, req));
    STG_TRY(stg_ietf_representation_read(spec, req));
    spec->created_in = "ietf";
    spec->size = size;
    spec->repr_digest = fields->repr_digest;
    spec->algorithms |= fields->wanted;
    return STG_OK;
}

/* Nobody goes on with what nobody was told of. */
static stg_error_t *create_failed(stg_intake_t *intake,
                                  const stg_ietf_fields_t *fields,
                                  stg_error_t *err)
{
    const stg_resumable_t *resumable = intake->resumable;

    if (!fields->interop && !intake->is_failed)
        stg_resumable_forget(intake->req, resumable, intake->part);
    return explain(intake, err);
}

static stg_error_t *reply_created(stg_request_t *req,
                                  stg_resumable_t *resumable)
{
    if (resumable->state != STG_RESUMABLE_OPEN)
        return reply_complete(req, resumable, HTTP_CREATED);
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    set_limits(req, resumable);
    apr_table_setn(req->r->headers_out, "Location",
                   stg_resumable_link(req, resumable));
    return stg_reply_empty(req, HTTP_CREATED);
}

stg_error_t *stg_ietf_create(stg_request_t *req)
{
    stg_ietf_fields_t fields = {.req = req};
    stg_intake_t intake = {.req = req};
    stg_resumable_t *resumable;
    stg_resumable_spec_t spec;
    stg_error_t *err;
    int is_received;

    STG_TRY(plan(&spec, &fields));
    STG_TRY(stg_resumable_create(&resumable, req->staging, &spec, req->pool));
    is_received = (stg_dialect_has_body(req) || fields.is_last) &&
                  stg_resumable_is_empty(req, resumable);
    /* First it is ours, then somebody else may know of it: what he is told of
     * the offset must not be changed by us afterwards. */
    err = is_received ? stg_intake_take(&intake, req, resumable) : STG_OK;
    send_location(&fields, resumable);
    if (!err && is_received && stg_resumable_is_empty(req, resumable))
        err = receive(&intake, &fields);
    if (err)
        return create_failed(&intake, &fields, err);
    return reply_created(req, resumable);
}

/* --- HEAD, GET ------------------------------------------------------------ */

static stg_error_t *refuse_what_tells(const stg_request_t *req)
{
    static const char *const fields[] = {"Upload-Offset", "Upload-Complete",
                                         "Upload-Length"};

    for (int i = 0; i < 3; i++)
        if (apr_table_get(req->r->headers_in, fields[i]))
            return stg_raise(req->pool, STG_E_INVALID,
                             "%s is for requests that append", fields[i]);
    return STG_OK;
}

stg_error_t *stg_ietf_state(stg_request_t *req)
{
    stg_intake_t intake = {.req = req};
    stg_resumable_t *resumable;

    STG_TRY(refuse_what_tells(req));
    STG_TRY(stg_resumable_target(&resumable, req));
    /* who holds one that is made of others is the job that does so */
    if (resumable->is_held && strcmp(resumable->concat, "final")) {
        STG_TRY(stg_intake_take(&intake, req, resumable));
        if (intake.part)
            stg_part_upload_release(intake.part);
    }
    STG_TRY(wait_for_object(&resumable, req, STATE_SECONDS));
    set_complete(req, resumable->state == STG_RESUMABLE_COMPLETE);
    set_limits(req, resumable);
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    if (resumable->size >= 0)
        stg_dialect_set_number(req, "Upload-Length", resumable->size);
    if (resumable->state == STG_RESUMABLE_COMPLETE)
        set_repr_digest(req, resumable);
    if (!req->r->header_only && req->r->method_number == M_GET)
        return stg_resumable_reply(req, HTTP_OK, resumable);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

/* --- appending ------------------------------------------------------------ */

static stg_error_t *read_append(stg_ietf_fields_t *fields,
                                const stg_request_t *req)
{
    STG_TRY(stg_ietf_fields_read(fields, req));
    if (!stg_dialect_has_type(req, STG_IETF_TYPE) ||
        apr_table_get(req->r->headers_in, "Content-Encoding")) {
        stg_dialect_set(req, "Accept-Patch", STG_IETF_TYPE);
        return stg_raise(req->pool, STG_E_BAD_MEDIA_TYPE,
                         "bytes are appended as " STG_IETF_TYPE
                         ", without a coding");
    }
    if (fields->is_last < 0)
        return stg_raise(req->pool, STG_E_INVALID,
                         "Upload-Complete is missing");
    if (fields->offset < 0)
        return stg_raise(req->pool, STG_E_INVALID, "Upload-Offset is missing");
    set_complete(req, 0);
    STG_TRY(stg_ietf_digests_read(fields));
    if (fields->repr_digest)
        return stg_raise(req->pool, STG_E_INVALID,
                         "Repr-Digest is announced when the upload is "
                         "created");
    return check_limits(req, 0);
}

static stg_error_t *wrong_offset(const stg_request_t *req,
                                 const stg_resumable_t *resumable,
                                 apr_off_t provided)
{
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    stg_problem_offset(req, resumable->offset, provided);
    return stg_raise(req->pool, STG_E_CONFLICT,
                     "the offset of the upload is %" APR_OFF_T_FMT,
                     resumable->offset);
}

/* A client that has not seen the final answer may ask for it again. */
static stg_error_t *append_nothing(stg_request_t *req,
                                   stg_resumable_t *resumable,
                                   const stg_ietf_fields_t *fields)
{
    int is_empty;

    if (!fields->is_last || fields->offset != resumable->offset)
        return wrong_offset(req, resumable, fields->offset);
    STG_TRY(stg_dialect_is_empty(&is_empty, req));
    if (!is_empty)
        return wrong_offset(req, resumable, fields->offset);
    return reply_complete(req, resumable, HTTP_OK);
}

/* More than there is to be: nobody knows which bytes are the right ones. */
static stg_error_t *end_it(stg_intake_t *intake)
{
    static const char why[] = "the body goes beyond the length of the upload";
    stg_request_t *req = intake->req;

    STG_TRY(stg_resumable_fail(intake->resumable, req->staging, intake->part,
                               why, req->pool));
    return wrong_length(req, why);
}

/* All that is said of the length, here and before, must agree. */
static stg_error_t *settle_length(stg_intake_t *intake,
                                  const stg_ietf_fields_t *fields)
{
    const stg_request_t *req = intake->req;
    stg_resumable_t *resumable = intake->resumable;
    apr_off_t length = stg_dialect_has_body(req) ? stg_body_length(req) : 0;
    apr_off_t end = stg_resumable_end(resumable->offset, length);
    apr_off_t size = fields->length;
    stg_error_t *err;

    if (size >= 0 && (size < resumable->offset ||
                      (resumable->size >= 0 && size != resumable->size)))
        return wrong_length(req, "another length was declared");
    if (resumable->size >= 0)
        size = resumable->size;
    if (size >= 0 && end > size)
        return resumable->size >= 0
                   ? end_it(intake)
                   : wrong_length(req, "the body is longer than the whole");
    if (fields->is_last && end >= 0) {
        if (size >= 0 && end < size)
            return wrong_length(req, "the body ends before the whole does");
        size = end;
    }
    err = stg_resumable_check_size(req, size > end ? size : end);
    if (err)
        set_limits(req, resumable);
    STG_TRY(err);
    STG_TRY(check_end_is_known(fields, size, resumable->repr_digest));
    if (size < 0 || resumable->size >= 0)
        return STG_OK;
    return stg_resumable_declare(resumable, intake->part, size);
}

static stg_error_t *append(stg_intake_t *intake, stg_ietf_fields_t *fields)
{
    stg_request_t *req = intake->req;
    stg_resumable_t *resumable = intake->resumable;
    stg_error_t *err;

    if (fields->offset != resumable->offset)
        return wrong_offset(req, resumable, fields->offset);
    /* errors of the length leave the offset where it is */
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    STG_TRY(settle_length(intake, fields));
    err = receive(intake, fields);
    if (err)
        return explain(intake, err);
    if (resumable->state != STG_RESUMABLE_OPEN)
        return reply_complete(req, resumable, HTTP_OK);
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    set_limits(req, resumable);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

stg_error_t *stg_ietf_append(stg_request_t *req)
{
    stg_intake_t intake = {.req = req};
    stg_resumable_t *resumable;
    stg_ietf_fields_t fields;

    STG_TRY(read_append(&fields, req));
    STG_TRY(stg_resumable_target(&resumable, req));
    if (!strcmp(resumable->concat, "final"))
        return stg_raise(req->pool, STG_E_FORBIDDEN,
                         "nothing is appended to what is made of others");
    if (resumable->state == STG_RESUMABLE_OPEN)
        STG_TRY(stg_intake_take(&intake, req, resumable));
    if (resumable->state != STG_RESUMABLE_OPEN)
        return append_nothing(req, resumable, &fields);
    return append(&intake, &fields);
}
