/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/tus_api.h"

#include "resumable/concat.h"
#include "resumable/dialect.h"
#include "resumable/intake.h"
#include "resumable/resumable_api.h"
#include "resumable/tus_fields.h"
#include "web/body.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

void stg_tus_announce(const stg_request_t *req)
{
    stg_dialect_set(req, "Tus-Resumable", STG_TUS_VERSION);
    stg_dialect_set(req, "Tus-Version", STG_TUS_VERSION);
    stg_dialect_set(req, "Tus-Extension",
                    "creation,creation-with-upload,creation-defer-length,"
                    "expiration,checksum,checksum-trailer,termination,"
                    "concatenation");
    stg_dialect_set(req, "Tus-Checksum-Algorithm", STG_CHECKSUM_ALGORITHMS);
    stg_dialect_set_number(req, "Tus-Max-Size", req->policy->max_upload);
}

static int is_concat(const stg_resumable_t *resumable, const char *concat)
{
    return !strcmp(resumable->concat, concat);
}

/* When it expires as things stand; rounded down, and never in the past. */
static void set_expires(const stg_request_t *req,
                        const stg_resumable_t *resumable)
{
    char *date;

    if (resumable->state != STG_RESUMABLE_OPEN || resumable->age <= 0)
        return;
    date = apr_palloc(req->pool, APR_RFC822_DATE_LEN);
    apr_rfc822_date(date, resumable->expires);
    stg_dialect_set(req, "Upload-Expires", date);
}

/* --- appending ------------------------------------------------------------ */

/* This process ends, or a newer request goes on with the upload. The first is
 * told of by a short answer, which every client follows up; after the second
 * nobody waits for an answer. */
static stg_error_t *cut_short(int *is_answered, stg_intake_t *intake,
                              stg_error_t *err)
{
    stg_request_t *req = intake->req;

    *is_answered = 0;
    if (err->code == STG_E_TAKEN ||
        (err->code == STG_E_ENDING && intake->check)) {
        *is_answered = 1;
        return stg_reply_cut(req);
    }
    if (err->code != STG_E_ENDING)
        return err;
    req->r->connection->keepalive = AP_CONN_CLOSE;
    return STG_OK;
}

/* Against what is declared and what may be at all, as far as the header tells
 * before the body comes. */
static stg_error_t *check_length(const stg_request_t *req, apr_off_t offset,
                                 apr_off_t size)
{
    apr_off_t length = stg_body_length(req);

    if (length < 0)
        return STG_OK;
    if (size >= 0 && length > size - offset)
        return stg_raise(req->pool, STG_E_TOO_LARGE,
                         "the body is longer than what is missing");
    STG_TRY(stg_resumable_check_size(req, stg_resumable_end(offset, length)));
    return stg_resumable_check_append(req, length);
}

/* Once only; the same again is no harm. *size is the length to go by. */
static stg_error_t *check_declared(apr_off_t *size,
                                   const stg_tus_fields_t *fields,
                                   const stg_resumable_t *resumable)
{
    apr_pool_t *p = fields->req->pool;

    *size = resumable->size;
    if (fields->length < 0 || fields->length == resumable->size)
        return STG_OK;
    if (resumable->size >= 0)
        return stg_raise(p, STG_E_INVALID, "another length was declared");
    if (fields->length < resumable->offset)
        return stg_raise(p, STG_E_INVALID, "more bytes are there already");
    *size = fields->length;
    return stg_resumable_check_size(fields->req, *size);
}

/* All that can be said before the body comes. */
static stg_error_t *settle_length(stg_intake_t *intake,
                                  const stg_tus_fields_t *fields)
{
    stg_resumable_t *resumable = intake->resumable;
    apr_off_t size;

    STG_TRY(check_declared(&size, fields, resumable));
    STG_TRY(check_length(intake->req, resumable->offset, size));
    if (size == resumable->size)
        return STG_OK;
    return stg_resumable_declare(resumable, intake->part, size);
}

static stg_error_t *wrong_offset(const stg_request_t *req,
                                 const stg_resumable_t *resumable)
{
    return stg_raise(req->pool, STG_E_CONFLICT,
                     "the offset of the upload is %" APR_OFF_T_FMT,
                     resumable->offset);
}

/* All bytes are there: nothing is to be appended, but saying so is no harm. */
static stg_error_t *append_nothing(stg_request_t *req,
                                   const stg_resumable_t *resumable,
                                   stg_tus_fields_t *fields)
{
    int is_empty;

    if (fields->offset != resumable->offset)
        return wrong_offset(req, resumable);
    if (fields->length >= 0 && fields->length != resumable->size)
        return stg_raise(req->pool, STG_E_INVALID,
                         "another length was declared");
    STG_TRY(stg_dialect_is_empty(&is_empty, req));
    if (!is_empty)
        return stg_raise(req->pool, STG_E_TOO_LARGE, "the upload is complete");
    STG_TRY(stg_tus_check_nothing(fields));
    stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}

/* The body, and its answer. */
static stg_error_t *receive(stg_intake_t *intake, stg_tus_fields_t *fields,
                            int status)
{
    stg_request_t *req = intake->req;
    stg_error_t *err;
    int is_answered;

    stg_tus_expect_checksum(intake, fields);
    err = stg_intake_receive(intake);
    if (intake->is_failed && err->code == STG_E_DIGEST_MISMATCH)
        err->code = STG_E_CHECKSUM;
    if (err) {
        STG_TRY(cut_short(&is_answered, intake, err));
        if (is_answered)
            return STG_OK;
    }
    stg_dialect_set_number(req, "Upload-Offset", intake->resumable->offset);
    set_expires(req, intake->resumable);
    return stg_reply_empty(req, status);
}

stg_error_t *stg_tus_append(stg_request_t *req)
{
    stg_intake_t intake = {.req = req};
    stg_resumable_t *resumable;
    stg_tus_fields_t fields;

    if (!stg_dialect_has_type(req, STG_TUS_TYPE))
        return stg_raise(req->pool, STG_E_BAD_MEDIA_TYPE,
                         "bytes are appended as " STG_TUS_TYPE);
    STG_TRY(stg_tus_fields_read(&fields, req));
    if (fields.offset < 0)
        return stg_raise(req->pool, STG_E_INVALID, "Upload-Offset is missing");
    STG_TRY(stg_resumable_target(&resumable, req));
    if (is_concat(resumable, "final"))
        return stg_raise(req->pool, STG_E_FORBIDDEN,
                         "nothing is appended to what is made of others");
    if (resumable->state == STG_RESUMABLE_OPEN)
        STG_TRY(stg_intake_take(&intake, req, resumable));
    if (resumable->state != STG_RESUMABLE_OPEN)
        return append_nothing(req, resumable, &fields);
    if (fields.offset != resumable->offset)
        return wrong_offset(req, resumable);
    STG_TRY(settle_length(&intake, &fields));
    return receive(&intake, &fields, HTTP_NO_CONTENT);
}

/* --- creation ------------------------------------------------------------- */

/* What has no upload's type is no part of it: it must be empty then. */
static stg_error_t *check_type(int *has_body, const stg_request_t *req)
{
    *has_body = 0;
    if (stg_dialect_has_type(req, STG_TUS_TYPE))
        *has_body = stg_dialect_has_body(req);
    else if (stg_body_length(req) > 0 ||
             apr_table_get(req->r->headers_in, "Transfer-Encoding"))
        return stg_raise(req->pool, STG_E_BAD_MEDIA_TYPE,
                         "the first bytes come as " STG_TUS_TYPE);
    return STG_OK;
}

static stg_error_t *check_declaration(const stg_request_t *req,
                                      const stg_tus_fields_t *fields)
{
    if ((fields->length >= 0) == fields->is_deferred)
        return stg_raise(req->pool, STG_E_INVALID,
                         "send either Upload-Length or Upload-Defer-Length");
    return STG_OK;
}

static stg_error_t *check_creation(const stg_request_t *req,
                                   const stg_tus_fields_t *fields, int has_body)
{
    STG_TRY(check_declaration(req, fields));
    STG_TRY(stg_resumable_check_size(req, fields->length));
    return has_body ? check_length(req, 0, fields->length) : STG_OK;
}

static stg_error_t *create(stg_resumable_t **resumable,
                           stg_resumable_spec_t *spec,
                           const stg_tus_fields_t *fields,
                           const stg_request_t *req)
{
    spec->created_in = "tus";
    STG_TRY(stg_tus_metadata_read(spec, req));
    if (fields->concat_text) {
        spec->concat = fields->concat.is_final ? "final" : "partial";
        spec->concat_text = fields->concat_text;
    }
    return stg_resumable_create(resumable, req->staging, spec, req->pool);
}

static void set_created(const stg_request_t *req,
                        const stg_resumable_t *resumable)
{
    apr_table_setn(req->r->headers_out, "Location",
                   stg_resumable_link(req, resumable));
    set_expires(req, resumable);
}

/* Made of partials: its bytes are there already. */
static stg_error_t *create_final(stg_request_t *req,
                                 const stg_tus_fields_t *fields)
{
    stg_resumable_t *resumable;
    stg_resumable_spec_t spec;

    if (fields->length >= 0 || fields->is_deferred)
        return stg_raise(req->pool, STG_E_INVALID,
                         "what is made of others has their length");
    if (stg_dialect_has_body(req) && stg_body_length(req) != 0)
        return stg_raise(req->pool, STG_E_INVALID,
                         "what is made of others has no body");
    STG_TRY(stg_resumable_spec_open(&spec, req));
    STG_TRY(
        stg_concat_plan(&spec, req->staging->db, &fields->concat, req->pool));
    STG_TRY(stg_resumable_check_size(req, spec.size));
    STG_TRY(create(&resumable, &spec, fields, req));
    STG_TRY(stg_concat_wait(&resumable, req->staging, &spec, req->pool));
    set_created(req, resumable);
    return stg_reply_empty(req, HTTP_CREATED);
}

/* With the first bytes, or with none at all that will ever come. */
static stg_error_t *create_received(stg_request_t *req,
                                    stg_resumable_t *resumable,
                                    stg_tus_fields_t *fields)
{
    stg_intake_t intake = {.req = req};
    stg_error_t *err;

    if (stg_resumable_is_empty(req, resumable))
        STG_TRY(stg_intake_take(&intake, req, resumable));
    if (!intake.part || !stg_resumable_is_empty(req, resumable)) {
        stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
        set_created(req, resumable);
        return stg_reply_empty(req, HTTP_CREATED);
    }
    err = receive(&intake, fields, HTTP_CREATED);
    /* nobody goes on with what nobody was told of */
    if (err || req->r->connection->aborted)
        stg_resumable_forget(req, resumable, intake.part);
    else
        set_created(req, resumable);
    return err;
}

stg_error_t *stg_tus_create(stg_request_t *req)
{
    stg_resumable_t *resumable;
    stg_resumable_spec_t spec;
    stg_tus_fields_t fields;
    int has_body;

    STG_TRY(stg_tus_fields_read(&fields, req));
    if (fields.concat.is_final)
        return create_final(req, &fields);
    STG_TRY(check_type(&has_body, req));
    STG_TRY(check_creation(req, &fields, has_body));
    STG_TRY(stg_resumable_spec_open(&spec, req));
    spec.size = fields.length;
    STG_TRY(create(&resumable, &spec, &fields, req));
    if (has_body || fields.length == 0)
        return create_received(req, resumable, &fields);
    set_created(req, resumable);
    return stg_reply_empty(req, HTTP_CREATED);
}

/* --- HEAD ----------------------------------------------------------------- */

/* Whoever holds it may be about to promise more. And all bytes without their
 * end, as the other dialect allows, would look complete. */
static stg_error_t *settle(stg_request_t *req, stg_resumable_t *resumable)
{
    int is_full = resumable->offset == resumable->size;
    stg_intake_t intake = {.req = req};

    if (resumable->state != STG_RESUMABLE_OPEN ||
        (!is_full && !resumable->is_held))
        return STG_OK;
    STG_TRY(stg_intake_take(&intake, req, resumable));
    if (resumable->state == STG_RESUMABLE_OPEN &&
        resumable->offset == resumable->size)
        return stg_intake_receive(&intake);
    if (intake.part)
        stg_part_upload_release(intake.part);
    return STG_OK;
}

stg_error_t *stg_tus_state(stg_request_t *req)
{
    stg_resumable_t *resumable;
    int is_final;

    STG_TRY(stg_resumable_target(&resumable, req));
    is_final = is_concat(resumable, "final");
    if (!is_final)
        STG_TRY(settle(req, resumable));
    if (!is_final || resumable->state == STG_RESUMABLE_COMPLETE)
        stg_dialect_set_number(req, "Upload-Offset", resumable->offset);
    if (resumable->size >= 0)
        stg_dialect_set_number(req, "Upload-Length", resumable->size);
    else
        stg_dialect_set(req, "Upload-Defer-Length", "1");
    if (resumable->metadata)
        stg_dialect_set(req, "Upload-Metadata", resumable->metadata);
    if (resumable->concat_text)
        stg_dialect_set(req, "Upload-Concat", resumable->concat_text);
    if (!is_final)
        set_expires(req, resumable);
    if (!strcmp(req->r->method, "GET") && !req->r->header_only)
        return stg_resumable_reply(req, HTTP_OK, resumable);
    return stg_reply_empty(req, HTTP_OK);
}
