/* SPDX-License-Identifier: Apache-2.0 */
#include "web/body.h"

#include "base/text.h"
#include "core/transfer.h"
#include "web/drain.h"
#include "web/waker.h"

#include <apr_buckets.h>
#include <http_protocol.h>
#include <util_filter.h>

enum { READ_BYTES = 64 * 1024 };

apr_off_t stg_body_length(const stg_request_t *req)
{
    const char *text = apr_table_get(req->r->headers_in, "Content-Length");
    apr_off_t length;

    return text && stg_parse_off(text, &length) ? length : -1;
}

/* Where there is a Content-Length httpd compares. */
int stg_body_end_is_safe(const stg_request_t *req)
{
    return req->r->proto_num < HTTP_VERSION(2, 0) || stg_body_length(req) >= 0;
}

/* Bad framing and a body beyond LimitRequestBody are answered where they are
 * noticed, by httpd's input filter. It returns what its answer met on the way
 * out, and read again, it says that the body is at its end (2.4.71). So the end
 * of a body is one only if nothing has been answered. */
static int has_httpd_answered(const request_rec *r, apr_status_t status)
{
    return status == AP_FILTER_ERROR || r->eos_sent || r->bytes_sent;
}

static stg_error_t *answered(stg_request_t *req)
{
    req->is_answered = 1;
    if (req->r->status == HTTP_REQUEST_ENTITY_TOO_LARGE)
        return stg_raise(req->pool, STG_E_TOO_LARGE,
                         "the body is larger than LimitRequestBody allows");
    return stg_raise(req->pool, STG_E_INVALID,
                     "the body is not framed as HTTP has it");
}

/* Of a trailer that is cut, or that httpd does not take, the filter tells in
 * the status of the request only, where an answer would find it and be taken
 * for one about an answer that failed. All other cuts, in a chunk or in the
 * line before one, are APR_INCOMPLETE. */
static stg_error_t *trailer_failed(stg_request_t *req)
{
    int status = req->r->status;

    req->r->status = HTTP_OK;
    return status == HTTP_REQUEST_TIME_OUT
               ? stg_raise(req->pool, STG_E_TIMEOUT,
                           "the trailer of the body came too slowly")
               : stg_raise(req->pool, STG_E_BODY_INCOMPLETE,
                           "the trailer of the body was cut, or is not one "
                           "that is accepted");
}

static stg_error_t *read_failed(stg_request_t *req, apr_status_t status)
{
    int http = ap_map_http_request_error(status, HTTP_BAD_REQUEST);
    stg_error_t *err;

    if (http == HTTP_REQUEST_ENTITY_TOO_LARGE)
        err = stg_raise(req->pool, STG_E_TOO_LARGE,
                        "the body is larger than LimitRequestBody allows");
    else if (http == HTTP_REQUEST_TIME_OUT)
        err = stg_raise(req->pool, STG_E_TIMEOUT, "the body came too slowly");
    else
        err = stg_raise(req->pool, STG_E_BODY_INCOMPLETE,
                        "the body ended before it was complete");
    return stg_because_apr(err, req->pool, status, "reading the body");
}

/* Hand the buckets on, one by one; *is_end turns true at the end. */
static stg_error_t *pump_brigade(int *is_end, stg_request_t *req,
                                 apr_bucket_brigade *bb, stg_sink_t *sink)
{
    while (!APR_BRIGADE_EMPTY(bb)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(bb);
        const char *bytes;
        apr_size_t count;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            *is_end = 1;
            return STG_OK;
        }
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            status = apr_bucket_read(bucket, &bytes, &count, APR_BLOCK_READ);
            if (status != APR_SUCCESS)
                return read_failed(req, status);
            if (count)
                STG_TRY(stg_sink_write(sink, bytes, count));
        }
        apr_bucket_delete(bucket);
    }
    return STG_OK;
}

/* Has somebody else asked for the end of this? What is not held begins anew
 * after a restart, so it may take its time; what is held goes on elsewhere. */
static stg_error_t *check_ending(stg_request_t *req,
                                 const stg_transfer_t *transfer)
{
    stg_error_t *err;

    if (!transfer)
        return stg_drain_check(req->process->drain, req->r);
    if (__atomic_load_n(&transfer->is_wanted, __ATOMIC_RELAXED))
        err = stg_raise(req->pool, STG_E_TAKEN,
                        "a newer request goes on with this upload");
    else if (stg_drain_is_over(req->process->handover))
        err = stg_raise(req->pool, STG_E_ENDING,
                        "the server restarts: go on from the offset");
    else
        return STG_OK;
    stg_waker_close_soon(req->r);
    return err;
}

static stg_error_t *pump(stg_request_t *req, stg_sink_t *sink,
                         const stg_transfer_t *transfer)
{
    request_rec *r = req->r;
    apr_bucket_brigade *bb =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    stg_drain_wait_t wait;
    stg_error_t *err;
    int is_end = 0;

    stg_drain_enter(&wait,
                    transfer ? req->process->handover : req->process->drain, r);
    err = check_ending(req, transfer);
    while (!is_end && !err) {
        apr_status_t status =
            ap_get_brigade(r->input_filters, bb, AP_MODE_READBYTES,
                           APR_BLOCK_READ, READ_BYTES);

        /* who has been woken reads an end, too: that one is no cut */
        err = check_ending(req, transfer);
        if (!err && has_httpd_answered(r, status))
            err = answered(req);
        else if (!err && r->status != HTTP_OK)
            err = trailer_failed(req);
        else if (!err && status != APR_SUCCESS)
            err = read_failed(req, status);
        else if (!err)
            err = pump_brigade(&is_end, req, bb, sink);
    }
    stg_drain_leave(&wait);
    apr_brigade_destroy(bb);
    req->is_body_read = is_end && !err;
    return err;
}

stg_error_t *stg_body_pump(stg_request_t *req, stg_sink_t *sink)
{
    return pump(req, sink, NULL);
}

stg_error_t *stg_body_pump_held(stg_request_t *req, stg_sink_t *sink,
                                struct stg_transfers_t *transfers,
                                struct stg_transfer_t *transfer)
{
    stg_waker_t waker;
    stg_error_t *err;

    stg_waker_set(&waker, req->r);
    stg_transfers_wake_with(transfers, transfer, stg_waker_wake, &waker);
    err = pump(req, sink, transfer);
    stg_transfers_wake_with(transfers, transfer, NULL, NULL);
    return err;
}

const char *stg_body_trailer(const stg_request_t *req, const char *name)
{
    return apr_table_get(req->r->trailers_in, name);
}

const char *stg_body_field(const stg_request_t *req, const char *name)
{
    const char *value = apr_table_get(req->r->headers_in, name);

    return value ? value : stg_body_trailer(req, name);
}
