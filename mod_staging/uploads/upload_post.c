/* SPDX-License-Identifier: Apache-2.0 */
/* POST: one upload, as form data with the parts file and label in any order,
 * or as a raw body that names itself. */
#include "uploads/upload_api.h"

#include "auth/principal.h"
#include "base/crash.h"
#include "base/text.h"
#include "stream/disposition.h"
#include "stream/formdata.h"
#include "web/body.h"
#include "web/drain.h"
#include "web/in_flight.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

/* What a form may need besides the file. */
#define FORM_EXTRA_BYTES APR_INT64_C(1048576)

/* Four bytes for every character that a label may have. */
enum { LABEL_BYTES = 4 * STG_UPLOAD_LABEL_MAX };

/* A label as it arrives; what is too long is noticed at its end. */
typedef struct label_t {
    stg_sink_t sink;
    char text[LABEL_BYTES + 1];
    apr_size_t size;
    int is_too_long;
} label_t;

/* One request on its way to become an upload. */
typedef struct intake_t {
    stg_request_t *req;
    stg_upload_spec_t spec;
    stg_arrival_t *arrival;
    label_t *label; /* NULL: none came */
    stg_digests_t announced;
    int needs_digest; /* or nobody can tell whether the body is whole */
} intake_t;

static stg_error_t *label_write(stg_sink_t *sink, const char *bytes,
                                apr_size_t count)
{
    label_t *label = (label_t *)sink;

    label->is_too_long |= count > LABEL_BYTES - label->size;
    if (!label->is_too_long) {
        memcpy(label->text + label->size, bytes, count);
        label->size += count;
    }
    return STG_OK;
}

static stg_error_t *label_close(stg_sink_t *sink)
{
    (void)sink;
    return STG_OK;
}

static const stg_sink_class_t label_class = {label_write, label_close};

static stg_error_t *begin_label(stg_sink_t **data, intake_t *intake)
{
    apr_pool_t *p = intake->req->pool;

    if (intake->label)
        return stg_raise(p, STG_E_INVALID, "the form has two label parts");
    intake->label = apr_pcalloc(p, sizeof(*intake->label));
    intake->label->sink.cls = &label_class;
    intake->label->sink.pool = p;
    *data = &intake->label->sink;
    return STG_OK;
}

static stg_error_t *begin_file(intake_t *intake, const char *filename,
                               const char *content_type)
{
    apr_pool_t *p = intake->req->pool;

    if (intake->arrival)
        return stg_raise(p, STG_E_INVALID,
                         "the form has two file parts: send one upload for "
                         "each file");
    if (!filename || !*filename)
        return stg_raise(p, STG_E_INVALID,
                         "the file has no name: give it a filename");
    intake->spec.filename = filename;
    intake->spec.content_type = content_type && *content_type
                                    ? content_type
                                    : "application/octet-stream";
    return stg_arrival_begin(&intake->arrival, intake->req->staging,
                             &intake->spec, p);
}

static stg_error_t *begin_part(stg_sink_t **data, void *context,
                               const stg_part_t *part)
{
    intake_t *intake = context;

    *data = NULL;
    if (!strcmp(part->name, "label"))
        return begin_label(data, intake);
    if (strcmp(part->name, "file"))
        return STG_OK;
    STG_TRY(begin_file(intake, part->filename, part->content_type));
    *data = stg_arrival_sink(intake->arrival);
    return STG_OK;
}

static stg_error_t *end_part(void *context)
{
    const intake_t *intake = context;

    if (intake->label && intake->label->is_too_long)
        return stg_raise(intake->req->pool, STG_E_INVALID,
                         "the label has more than %d characters",
                         STG_UPLOAD_LABEL_MAX);
    return STG_OK;
}

static stg_error_t *receive_form(intake_t *intake, const char *boundary)
{
    const stg_formdata_handler_t handler = {begin_part, end_part, intake};
    stg_request_t *req = intake->req;
    stg_sink_t *form = stg_formdata_create(boundary, &handler, req->pool);

    STG_TRY(stg_body_pump(req, form));
    STG_TRY(stg_sink_close(form));
    if (!intake->arrival)
        return stg_raise(req->pool, STG_E_INVALID,
                         "the form has no part named file");
    return STG_OK;
}

/* As of a part: it becomes text in the database and a header of downloads. */
static stg_error_t *check_content_type(const char *type, apr_pool_t *p)
{
    if (!type)
        return STG_OK;
    if (strlen(type) > STG_FORMDATA_MAX_CONTENT_TYPE)
        return stg_raise(p, STG_E_INVALID, "Content-Type exceeds %d characters",
                         STG_FORMDATA_MAX_CONTENT_TYPE);
    for (; *type; type++)
        if (*type < ' ' || *type > '~')
            return stg_raise(p, STG_E_INVALID,
                             "Content-Type is not plain ASCII");
    return STG_OK;
}

static stg_error_t *receive_raw(intake_t *intake, const char *filename)
{
    stg_request_t *req = intake->req;
    const char *type = apr_table_get(req->r->headers_in, "Content-Type");

    STG_TRY(check_content_type(type, req->pool));
    STG_TRY(begin_file(intake, filename, type));
    return stg_body_pump(req, stg_arrival_sink(intake->arrival));
}

/* The name that a raw body gives itself, NULL if none. */
static stg_error_t *raw_filename(const char **filename,
                                 const stg_request_t *req)
{
    const char *value =
        apr_table_get(req->r->headers_in, "Content-Disposition");
    stg_disposition_t disposition;

    STG_TRY(stg_request_parameter(filename, req, "filename"));
    if (*filename && strlen(*filename) > STG_DISPOSITION_MAX_NAME)
        return stg_raise(req->pool, STG_E_INVALID,
                         "the file name has more than %d bytes",
                         STG_DISPOSITION_MAX_NAME);
    if (*filename || !value)
        return STG_OK;
    STG_TRY(stg_disposition_parse(&disposition, value, req->pool));
    *filename = disposition.filename;
    return STG_OK;
}

/* A digest that the client sends along is that of the staged bytes, however
 * they are wrapped. Those in the trailer are there once the body has ended. */
static stg_error_t *read_announced(intake_t *intake)
{
    const stg_request_t *req = intake->req;
    const char *repr = stg_body_field(req, "Repr-Digest");
    const char *md5 = stg_body_field(req, "Content-MD5");

    if (repr)
        STG_TRY(stg_digest_field_parse(&intake->announced, repr, req->pool));
    if (md5)
        STG_TRY(stg_digest_field_md5(&intake->announced, md5, req->pool));
    return STG_OK;
}

static int has_announced(const intake_t *intake)
{
    for (int i = 0; i < STG_ALGORITHMS; i++)
        if (intake->announced.hex[i])
            return 1;
    return 0;
}

/* What was announced must be computed, also if it is only announced that
 * something will be (RFC 9110, 6.6.2). */
static stg_error_t *choose_algorithms(intake_t *intake)
{
    const request_rec *r = intake->req->r;

    intake->spec.algorithms = intake->req->policy->digests;
    STG_TRY(read_announced(intake));
    for (int i = 0; i < STG_ALGORITHMS; i++)
        if (intake->announced.hex[i] || apr_table_get(r->headers_in, "Trailer"))
            intake->spec.algorithms |= 1u << i;
    return STG_OK;
}

static stg_error_t *check_end_is_known(const intake_t *intake)
{
    const stg_request_t *req = intake->req;

    if (!intake->needs_digest || has_announced(intake) ||
        apr_table_get(req->r->headers_in, "Trailer"))
        return STG_OK;
    return stg_raise(req->pool, STG_E_NO_LENGTH,
                     "send Content-Length, Repr-Digest or a form: without one "
                     "of them a body that was cut cannot be told from a whole "
                     "one by HTTP/2");
}

/* That of the location, if it answers. What it is asked to do ends with the
 * time that this process may go on. */
static stg_error_t *choose_store(stg_store_t **store, const stg_request_t *req)
{
    stg_store_t *chosen =
        stg_stores_find(&req->staging->stores, req->policy->store);

    STG_TRY(stg_store_admit(chosen, req->pool));
    *store = chosen->driver->stoppable(
        chosen, stg_drain_flag(req->process->drain), req->pool);
    return STG_OK;
}

/* Everything that can be refused before the body is read. */
static stg_error_t *open_intake(intake_t *intake, const char **boundary,
                                const char **filename)
{
    stg_request_t *req = intake->req;
    const stg_policy_t *policy = req->policy;
    apr_off_t length = stg_body_length(req);

    STG_TRY(stg_formdata_boundary(
        boundary, apr_table_get(req->r->headers_in, "Content-Type"),
        req->pool));
    *filename = NULL;
    if (!*boundary)
        STG_TRY(raw_filename(filename, req));
    if (!*boundary && !*filename)
        return stg_raise(req->pool, STG_E_BAD_MEDIA_TYPE,
                         "send multipart/form-data with a part named file, or "
                         "a body that is named by Content-Disposition or "
                         "?filename=");
    if (length > policy->max_upload + (*boundary ? FORM_EXTRA_BYTES : 0))
        return stg_raise(req->pool, STG_E_TOO_LARGE,
                         "the upload is larger than the %" APR_OFF_T_FMT
                         " bytes that are accepted here",
                         policy->max_upload);
    STG_TRY(choose_algorithms(intake));
    intake->needs_digest = !*boundary && !stg_body_end_is_safe(req);
    STG_TRY(check_end_is_known(intake));
    STG_TRY(choose_store(&intake->spec.store, req));
    intake->spec.service = policy->service;
    intake->spec.owner = req->principal->owner;
    intake->spec.size = *boundary ? -1 : length;
    intake->spec.least = length - (*boundary ? FORM_EXTRA_BYTES : 0);
    intake->spec.most = length;
    intake->spec.max_size = policy->max_upload;
    intake->spec.quota = policy->quota;
    intake->spec.retention = policy->retention;
    STG_TRY(stg_arrival_look(&intake->spec, req->staging, req->pool));
    return stg_in_flight_enter(req->process->settings->max_in_flight,
                               req->pool);
}

static stg_error_t *finish(stg_upload_t **upload, intake_t *intake)
{
    const stg_request_t *req = intake->req;
    const char *given = NULL;
    const char *label;

    if (intake->label) {
        if (strlen(intake->label->text) != intake->label->size)
            return stg_raise(req->pool, STG_E_INVALID, "the label holds a NUL");
        given = intake->label->text;
    } else {
        STG_TRY(stg_request_parameter(&given, req, "label"));
    }
    STG_TRY(stg_upload_label(&label, given, intake->spec.filename, req->pool));
    STG_TRY(read_announced(intake));
    if (intake->needs_digest && !has_announced(intake))
        return stg_raise(req->pool, STG_E_BODY_INCOMPLETE,
                         "the body ended without the digest that its trailer "
                         "was to bring");
    return stg_arrival_finish(upload, intake->arrival, label,
                              &intake->announced);
}

static stg_error_t *receive(stg_upload_t **upload, intake_t *intake,
                            const char *boundary, const char *filename)
{
    if (boundary)
        STG_TRY(receive_form(intake, boundary));
    else
        STG_TRY(receive_raw(intake, filename));
    return finish(upload, intake);
}

/* What the drain has cut in a call of the store, the client hears of like of
 * all that it cuts. */
static stg_error_t *told_of_the_drain(stg_request_t *req, stg_error_t *ending)
{
    stg_error_t *err = stg_drain_check(req->process->drain, req->r);

    return err ? err : ending;
}

stg_error_t *stg_upload_post(stg_request_t *req)
{
    intake_t intake = {.req = req};
    const char *boundary, *filename;
    stg_upload_t *upload;
    stg_error_t *err;

    STG_TRY(open_intake(&intake, &boundary, &filename));
    err = receive(&upload, &intake, boundary, filename);
    if (err && err->code == STG_E_ENDING)
        err = told_of_the_drain(req, err);
    if (err && intake.arrival) {
        stg_arrival_fail(intake.arrival, NULL, err);
        err->message =
            apr_psprintf(req->pool, "upload %s failed: %s",
                         stg_arrival_id(intake.arrival), err->message);
    }
    if (err)
        return err;
    apr_table_setn(
        req->r->headers_out, "Location",
        stg_reply_link(req, apr_pstrcat(req->pool, "/", upload->id, NULL)));
    STG_CRASH_POINT("answer");
    return stg_reply_json(req, HTTP_ACCEPTED,
                          stg_upload_json(req, upload, req->pool));
}
