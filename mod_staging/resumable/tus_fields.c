/* SPDX-License-Identifier: Apache-2.0 */
#include "resumable/tus_fields.h"

#include "base/text.h"
#include "resumable/dialect.h"
#include "stream/upload_metadata.h"
#include "web/body.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

/* As of any upload. */
enum { LABEL_MAX = 255, TYPE_MAX = 255 };

static stg_error_t *read_number(apr_off_t *number, const stg_request_t *req,
                                const char *name)
{
    const char *value;

    *number = -1;
    STG_TRY(stg_dialect_field(&value, req, name));
    if (value && !stg_parse_offset(value, number))
        return stg_raise(req->pool, STG_E_INVALID, "%s is not a number", name);
    return STG_OK;
}

/* Announced in one place only, or nobody could tell which one counts. */
static stg_error_t *read_checksum(stg_tus_fields_t *fields,
                                  const stg_request_t *req)
{
    const char *trailer = apr_table_get(req->r->headers_in, "Trailer");
    const char *value;

    STG_TRY(stg_dialect_field(&value, req, "Upload-Checksum"));
    fields->has_trailer =
        trailer && ap_find_token(req->pool, trailer, "Upload-Checksum");
    if (!value)
        return STG_OK;
    if (fields->has_trailer)
        return stg_raise(req->pool, STG_E_INVALID,
                         "Upload-Checksum is in the header, and is to be in "
                         "the trailer too");
    fields->has_checksum = 1;
    return stg_checksum_parse(&fields->announced, value, req->pool);
}

static stg_error_t *read_concat(stg_tus_fields_t *fields,
                                const stg_request_t *req)
{
    const char *value = apr_table_get(req->r->headers_in, "Upload-Concat");

    if (!value || req->r->method_number != M_POST)
        return STG_OK;
    STG_TRY(stg_upload_concat_parse(&fields->concat, value, req->pool));
    fields->concat_text = value;
    return STG_OK;
}

stg_error_t *stg_tus_fields_read(stg_tus_fields_t *fields,
                                 const stg_request_t *req)
{
    const char *deferred;

    *fields = (stg_tus_fields_t){.req = req};
    STG_TRY(read_number(&fields->offset, req, "Upload-Offset"));
    STG_TRY(read_number(&fields->length, req, "Upload-Length"));
    STG_TRY(stg_dialect_field(&deferred, req, "Upload-Defer-Length"));
    if (deferred && strcmp(deferred, "1"))
        return stg_raise(req->pool, STG_E_INVALID,
                         "Upload-Defer-Length can be 1 only");
    fields->is_deferred = deferred != NULL;
    STG_TRY(read_concat(fields, req));
    return read_checksum(fields, req);
}

static stg_error_t *read_label(stg_resumable_spec_t *spec,
                               const stg_upload_metadata_t *metadata,
                               apr_pool_t *p)
{
    apr_size_t characters = 0;

    spec->label = stg_upload_metadata_text(metadata, "label");
    if (spec->label &&
        (!stg_utf8_is_valid(spec->label, strlen(spec->label), &characters) ||
         characters > LABEL_MAX))
        return stg_raise(p, STG_E_INVALID,
                         "the label has more than %d characters", LABEL_MAX);
    return STG_OK;
}

stg_error_t *stg_tus_metadata_read(stg_resumable_spec_t *spec,
                                   const stg_request_t *req)
{
    stg_upload_metadata_t metadata;
    const char *type;

    STG_TRY(stg_upload_metadata_parse(
        &metadata, apr_table_get(req->r->headers_in, "Upload-Metadata"),
        req->pool));
    spec->metadata = metadata.raw;
    spec->filename = stg_upload_metadata_file_name(&metadata, req->pool);
    STG_TRY(read_label(spec, &metadata, req->pool));
    type = stg_upload_metadata_content_type(&metadata, req->pool);
    if (type && strlen(type) <= TYPE_MAX)
        spec->content_type = type;
    return STG_OK;
}

/* After the body. */
static stg_error_t *check(void *context, const stg_checksums_t *computed)
{
    stg_tus_fields_t *fields = context;
    const stg_request_t *req = fields->req;
    const char *value;

    if (fields->has_trailer) {
        value = stg_body_trailer(req, "Upload-Checksum");
        if (!value)
            return stg_raise(req->pool, STG_E_INVALID,
                             "the trailer has no Upload-Checksum");
        STG_TRY(stg_checksum_parse(&fields->announced, value, req->pool));
    }
    return stg_checksums_compare(&fields->announced, computed, req->pool);
}

static int has_any(const stg_tus_fields_t *fields)
{
    return fields->has_checksum || fields->has_trailer;
}

stg_error_t *stg_tus_check_nothing(stg_tus_fields_t *fields)
{
    apr_pool_t *p = fields->req->pool;
    stg_checksums_t computed;

    if (!has_any(fields))
        return STG_OK;
    STG_TRY(
        stg_checksum_finish(&computed, stg_checksum_create(NULL, NULL, p), p));
    return check(fields, &computed);
}

void stg_tus_expect_checksum(stg_intake_t *intake, stg_tus_fields_t *fields)
{
    if (!has_any(fields))
        return;
    intake->check = check;
    intake->announced = fields->has_trailer ? NULL : &fields->announced;
    intake->context = fields;
}
