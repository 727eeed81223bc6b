/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_upload.h"
#include "store/s3_object.h"
#include "store/s3_xml.h"
#include "base/crash.h"
#include "base/log.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

#define UNKNOWN_TYPE "application/octet-stream"
#define UNDO_TIMEOUT apr_time_from_sec(5)

/* It comes from a client. What cannot stand in a header, or would be signed
 * in another form than it is sent in, is replaced. */
static const char *content_type(const stg_object_spec_t *spec)
{
    const char *type = spec->content_type;

    if (!type || !*type || *type == ' ' || strstr(type, "  ") ||
        type[strlen(type) - 1] == ' ')
        return UNKNOWN_TYPE;
    for (const char *c = type; *c; c++) {
        if (*c < ' ' || *c > '~')
            return UNKNOWN_TYPE;
    }
    return type;
}

static apr_table_t *object_headers(const stg_object_spec_t *spec, apr_pool_t *p)
{
    apr_table_t *headers = apr_table_make(p, 4);

    apr_table_set(headers, "Content-Type", content_type(spec));
    if (spec->token)
        apr_table_set(headers, STG_S3_TOKEN_HEADER, spec->token);
    return headers;
}

stg_error_t *stg_s3_upload_blame(stg_error_t *err)
{
    if (err && err->code == STG_E_NOT_FOUND) {
        err->code = STG_E_STORE_FAILED;
        err->message = "the store lost what was sent";
    }
    return err;
}

stg_error_t *stg_s3_upload_begin(stg_s3_upload_t *upload,
                                 const stg_object_spec_t *spec, apr_pool_t *p)
{
    apr_table_t *query = apr_table_make(p, 1);
    const stg_s3_call_t call = {.method = "POST",
                                .key = upload->key,
                                .query = query,
                                .headers = object_headers(spec, p),
                                .is_counted = 1};
    stg_s3_answer_t *answer;

    apr_table_setn(query, "uploads", "");
    STG_CRASH_POINT("s3-create");
    STG_TRY(stg_s3_upload_blame(
        stg_s3_call_ok(&answer, upload->store->client, &call, p)));
    STG_CRASH_POINT("s3-created");
    STG_TRY(
        stg_s3_xml_upload_id(&upload->id, answer->body, answer->body_size, p));
    if (spec->on_parts_begun)
        STG_TRY(spec->on_parts_begun(spec->context, upload->id, p));
    return answer->attempts > 1 ? stg_s3_store_abort_uploads(
                                      upload->store, spec->key, upload->id, p)
                                : STG_OK;
}

static stg_error_t *compare_etag(int *has_own_etag, const char **etag,
                                 const stg_s3_answer_t *answer,
                                 const unsigned char *md5, apr_pool_t *p)
{
    *etag = stg_s3_etag(stg_s3_answer_header(answer, "ETag"), p);
    if (!*etag)
        return stg_raise(p, STG_E_STORE_FAILED,
                         "the store acknowledged nothing");
    *has_own_etag = !stg_s3_etag_is_digest(*etag, answer);
    if (!*has_own_etag &&
        strcmp(*etag, stg_hex(md5, STG_PART_MD5_BYTES, p)) != 0)
        return stg_because(stg_raise(p, STG_E_STORE_FAILED,
                                     "the store does not hold what was sent"),
                           p, "ETag %s", *etag);
    return STG_OK;
}

static void set_body(stg_s3_call_t *call, apr_table_t *headers,
                     const stg_part_buffer_t *buffer, const unsigned char *md5,
                     apr_pool_t *p)
{
    int fd = stg_part_buffer_fd(buffer);

    call->headers = headers;
    call->body = stg_part_buffer_memory(buffer);
    call->body_fd = fd > 0 ? fd : 0;
    call->body_size = stg_part_buffer_size(buffer);
    apr_table_setn(headers, "Content-MD5",
                   stg_base64(md5, STG_PART_MD5_BYTES, p));
}

stg_error_t *stg_s3_upload_part(stg_s3_part_t *part, stg_s3_upload_t *upload,
                                const stg_part_buffer_t *buffer, apr_pool_t *p)
{
    apr_table_t *query = apr_table_make(p, 2);
    stg_s3_call_t call = {.method = "PUT",
                          .key = upload->key,
                          .query = query,
                          .is_cancelled = &upload->is_cancelled};
    stg_s3_answer_t *answer;

    STG_TRY(stg_part_buffer_md5(part->md5, buffer, p));
    apr_table_setn(query, "partNumber", apr_itoa(p, part->number));
    apr_table_setn(query, "uploadId", upload->id);
    set_body(&call, apr_table_make(p, 4), buffer, part->md5, p);
    STG_CRASH_POINT("s3-part");
    STG_TRY(stg_s3_call_ok(&answer, upload->store->client, &call, p));
    STG_CRASH_POINT("s3-part-sent");
    return compare_etag(&part->has_own_etag, &part->etag, answer, part->md5, p);
}

stg_error_t *stg_s3_upload_single(const char **etag, stg_s3_upload_t *upload,
                                  const stg_object_spec_t *spec,
                                  const stg_part_buffer_t *buffer,
                                  apr_pool_t *p)
{
    stg_s3_call_t call = {.method = "PUT", .key = upload->key};
    stg_unfinished_t what = {.size = stg_part_buffer_size(buffer),
                             .token = spec->token};
    unsigned char md5[STG_PART_MD5_BYTES];
    stg_s3_answer_t *answer;
    int has_own_etag;

    STG_TRY(stg_part_buffer_md5(md5, buffer, p));
    set_body(&call, object_headers(spec, p), buffer, md5, p);
    upload->is_single_begun = 1;
    STG_CRASH_POINT("s3-put");
    STG_TRY(stg_s3_upload_blame(
        stg_s3_call_ok(&answer, upload->store->client, &call, p)));
    STG_CRASH_POINT("s3-put-sent");
    STG_TRY(compare_etag(&has_own_etag, &what.etag, answer, md5, p));
    STG_TRY(stg_s3_upload_blame(
        stg_s3_object_verify(upload->store->client, upload->key, &what, p)));
    *etag = what.etag;
    return STG_OK;
}

void stg_s3_upload_undo(stg_s3_upload_t *upload)
{
    stg_s3_call_t call = {.method = "DELETE",
                          .key = upload->key,
                          .attempts = 1,
                          .timeout = UNDO_TIMEOUT};
    stg_s3_answer_t *answer;
    stg_error_t *err;
    apr_table_t *query;
    apr_pool_t *p;

    if ((!upload->id && !upload->is_single_begun) ||
        apr_pool_create_unmanaged(&p) != APR_SUCCESS)
        return;
    if (upload->id) {
        query = apr_table_make(p, 1);
        apr_table_setn(query, "uploadId", upload->id);
        call.query = query;
    }
    STG_CRASH_POINT("s3-undo");
    err = stg_s3_call(&answer, upload->store->client, &call, p);
    STG_CRASH_POINT("s3-undone");
    if (err)
        stg_log(STG_LOG_NOTICE, "left to garbage collection: %s",
                stg_error_text(err, p));
    apr_pool_destroy(p);
}
