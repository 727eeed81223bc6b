/* SPDX-License-Identifier: Apache-2.0 */
#include "web/serve.h"

#include "base/text.h"
#include "stream/digest_field.h"
#include "stream/disposition.h"
#include "stream/range.h"
#include "web/reply.h"

#include <apr_buckets.h>
#include <apr_strings.h>
#include <http_protocol.h>
#include <util_filter.h>

#include <string.h>

/* Bytes of a store without files, on their way through us. */
typedef struct through_t {
    stg_sink_t sink;
    stg_reply_stream_t *stream;
} through_t;

static stg_error_t *through_write(stg_sink_t *sink, const char *bytes,
                                  apr_size_t count)
{
    return stg_reply_write(((through_t *)sink)->stream, bytes, count);
}

static stg_error_t *through_close(stg_sink_t *sink)
{
    return stg_reply_end(((through_t *)sink)->stream);
}

static const stg_sink_class_t through_class = {through_write, through_close};

static void set_headers(stg_request_t *req, const stg_serve_t *what)
{
    apr_table_t *headers = req->r->headers_out;
    stg_digests_t digests = {.hex = {[STG_SHA256] = what->sha256}};

    apr_table_setn(headers, "Content-Disposition",
                   stg_disposition(what->filename, req->pool));
    apr_table_setn(headers, "Content-Security-Policy",
                   "sandbox; default-src 'none'");
    apr_table_setn(headers, "Referrer-Policy", "no-referrer");
    if (what->sha256)
        apr_table_setn(headers, "Repr-Digest",
                       stg_digest_field(&digests, req->pool));
    apr_table_setn(headers, "X-Content-Type-Options", "nosniff");
    if (!apr_table_get(headers, "Cache-Control"))
        apr_table_setn(headers, "Cache-Control", "private, no-cache");
    ap_set_content_type(req->r, what->content_type);
}

/* httpd's own byterange filter and sendfile do the rest. */
static stg_error_t *send_file(stg_request_t *req, apr_file_t *file,
                              apr_off_t size)
{
    request_rec *r = req->r;
    apr_bucket_brigade *bb =
        apr_brigade_create(req->pool, r->connection->bucket_alloc);

    apr_table_setn(r->headers_out, "Accept-Ranges", "bytes");
    ap_set_content_length(r, size);
    if (!r->header_only)
        apr_brigade_insert_file(bb, file, 0, size, req->pool);
    APR_BRIGADE_INSERT_TAIL(bb,
                            apr_bucket_eos_create(r->connection->bucket_alloc));
    ap_pass_brigade(r->output_filters, bb);
    return STG_OK;
}

static const char *wanted_range(const request_rec *r)
{
    return stg_range_if(apr_table_get(r->headers_in, "Range"),
                        apr_table_get(r->headers_in, "If-Range"),
                        apr_table_get(r->headers_out, "ETag"));
}

static stg_error_t *send_through(stg_request_t *req, const stg_serve_t *what,
                                 const char *key, apr_off_t size)
{
    through_t through = {.sink = {&through_class, req->pool}};
    apr_table_t *headers = req->r->headers_out;
    apr_off_t first = 0, count = size;
    stg_error_t *err = STG_OK;
    stg_range_t range =
        stg_range_parse(&first, &count, wanted_range(req->r), size, req->pool);

    if (range == STG_RANGE_BEYOND) {
        apr_table_setn(
            req->r->err_headers_out, "Content-Range",
            apr_psprintf(req->pool, "bytes */%" APR_OFF_T_FMT, size));
        return stg_raise(req->pool, STG_E_BAD_RANGE,
                         "the range lies beyond the end");
    }
    if (range == STG_RANGE_PART)
        apr_table_setn(headers, "Content-Range",
                       apr_psprintf(req->pool,
                                    "bytes %" APR_OFF_T_FMT "-%" APR_OFF_T_FMT
                                    "/%" APR_OFF_T_FMT,
                                    first, first + count - 1, size));
    apr_table_setn(headers, "Accept-Ranges", "bytes");
    ap_set_content_length(req->r, count);
    through.stream = stg_reply_begin(
        req, range == STG_RANGE_PART ? HTTP_PARTIAL_CONTENT : HTTP_OK,
        what->content_type);
    if (!req->r->header_only && count)
        err = what->store->driver->read(what->store, key, first, count,
                                        &through.sink, req->pool);
    return err ? stg_reply_break(through.stream, err)
               : stg_reply_end(through.stream);
}

stg_error_t *stg_serve(stg_request_t *req, const stg_serve_t *what)
{
    const char *key = stg_store_key(what->object, req->pool);
    stg_found_t found;
    apr_file_t *file;
    int is_met;

    if (!what->store)
        return stg_raise(req->pool, STG_E_NOT_FOUND, "there is nothing here");
    STG_TRY(what->store->driver->open_file(&file, what->store, key, req->pool));
    STG_TRY(what->store->driver->head(&found, what->store, key, req->pool));
    set_headers(req, what);
    STG_TRY(stg_reply_if_changed(&is_met, req, what->object));
    if (is_met)
        return STG_OK;
    return file ? send_file(req, file, found.size)
                : send_through(req, what, key, found.size);
}
