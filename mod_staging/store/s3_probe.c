/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_s3.h"
#include "store/s3_object.h"
#include "store/s3_upload.h"
#include "store/s3_xml.h"
#include "base/ids.h"

#include <apr_strings.h>

#include <string.h>

/* What is written: small enough for one packet. */
static const char hello[] = "hello world";
static const char hello_md5[] = "XrY7u+Ae7tCTyyK7j1rNww==";
static const char other_md5[] = "1B2M2Y8AsgTpgAmY7PhCfg==";

typedef struct probe_t {
    stg_s3_store_t *store;
    const char *key;   /* ours */
    const char *whole; /* the store's */
    stg_s3_upload_t upload;
    apr_array_header_t *findings;
    apr_pool_t *pool;
} probe_t;

static void note(probe_t *probe, const char *what, const char *result)
{
    APR_ARRAY_PUSH(probe->findings, const char *) =
        apr_pstrcat(probe->pool, what, " ", result, NULL);
}

static stg_error_t *put(stg_s3_answer_t **answer, probe_t *probe,
                        const char *md5, const char *condition)
{
    apr_table_t *headers = apr_table_make(probe->pool, 4);
    const stg_s3_call_t call = {.method = "PUT",
                                .key = probe->whole,
                                .headers = headers,
                                .body = hello,
                                .body_size = sizeof(hello) - 1,
                                .attempts = 2};

    apr_table_setn(headers, "Content-MD5", md5);
    apr_table_setn(headers, "Content-Type", "text/plain");
    apr_table_setn(headers, STG_S3_TOKEN_HEADER, "probe");
    if (condition)
        apr_table_setn(headers, "If-None-Match", condition);
    return stg_s3_call(answer, probe->store->client, &call, probe->pool);
}

/* Writes and looks; without it the store is of no use. */
static stg_error_t *probe_write(probe_t *probe)
{
    const stg_s3_call_t call = {.method = "PUT", .key = probe->whole};
    stg_s3_answer_t *answer;
    stg_s3_object_t object;

    STG_TRY(put(&answer, probe, hello_md5, NULL));
    if (answer->status / 100 != 2)
        return stg_s3_refusal(&call, answer, probe->pool);
    STG_TRY(stg_s3_object_head(&object, probe->store->client, probe->whole,
                               probe->pool));
    if (object.size != sizeof(hello) - 1)
        return stg_raise(probe->pool, STG_E_STORE_FAILED,
                         "the store does not hold what was sent");
    note(probe, "ETag", object.has_own_etag ? "opaque" : "MD5");
    note(probe, "metadata",
         object.token && strcmp(object.token, "probe") == 0 ? "kept" : "lost");
    return STG_OK;
}

/* A check or condition that is ignored is worse than one that is refused. */
static stg_error_t *probe_checks(probe_t *probe)
{
    stg_s3_answer_t *answer;

    STG_TRY(put(&answer, probe, other_md5, NULL));
    note(probe, "Content-MD5",
         answer->status / 100 == 2 ? "IGNORED" : "checked");
    STG_TRY(put(&answer, probe, hello_md5, "*"));
    note(probe, "If-None-Match",
         answer->status == 412       ? "checked"
         : answer->status / 100 == 2 ? "ignored"
                                     : "refused");
    return STG_OK;
}

static stg_error_t *probe_range(probe_t *probe)
{
    apr_table_t *headers = apr_table_make(probe->pool, 1);
    const stg_s3_call_t call = {
        .method = "GET", .key = probe->whole, .headers = headers};
    stg_s3_answer_t *answer;

    apr_table_setn(headers, "Range", "bytes=6-10");
    STG_TRY(stg_s3_call(&answer, probe->store->client, &call, probe->pool));
    note(probe, "ranges",
         answer->status == 206 && strcmp(answer->body, "world") == 0
             ? "served"
             : "NOT SERVED");
    return STG_OK;
}

static stg_error_t *look_for(void *context, const stg_found_t *found,
                             apr_pool_t *p)
{
    probe_t *probe = context;

    if (!found->parts_id || strcmp(found->parts_id, probe->upload.id) != 0)
        return STG_OK;
    return stg_raise(p, STG_E_CONFLICT, "found");
}

/* An upload in parts: does reconcile see it, is it gone after an abort? */
static stg_error_t *probe_parts(probe_t *probe)
{
    const stg_object_spec_t spec = {.key = probe->key, .token = "probe"};
    stg_error_t *err;

    STG_TRY(stg_s3_upload_begin(&probe->upload, &spec, probe->pool));
    err = stg_s3_store_list(&probe->store->store, look_for, probe, probe->pool);
    note(probe, "unfinished parts",
         err && err->code == STG_E_CONFLICT ? "listed" : "NOT LISTED");
    STG_TRY(stg_s3_object_abort(probe->store->client, probe->whole,
                                probe->upload.id, probe->pool));
    probe->upload.id = NULL;
    return STG_OK;
}

/* One key that is there and one that is not, so that it goes in bulk. */
static stg_error_t *probe_remove(probe_t *probe)
{
    stg_unfinished_t what[2] = {{.key = probe->key}, {.key = probe->key}};

    what[1].key = stg_store_key(stg_uuid_create(probe->pool), probe->pool);
    STG_TRY(stg_s3_store_remove(&probe->store->store, what, 2, probe->pool));
    note(probe, "bulk removal",
         __atomic_load_n(&probe->store->is_bulk_refused, __ATOMIC_RELAXED)
             ? "refused"
             : "works");
    return STG_OK;
}

static apr_status_t clean_up(void *data)
{
    stg_s3_upload_undo(data);
    return APR_SUCCESS;
}

static stg_error_t *run(probe_t *probe)
{
    STG_TRY(
        probe->store->store.driver->ping(&probe->store->store, probe->pool));
    /* From here on whatever fails leaves nothing behind. */
    apr_pool_cleanup_register(probe->pool, &probe->upload, clean_up,
                              apr_pool_cleanup_null);
    probe->upload.is_single_begun = 1;
    STG_TRY(probe_write(probe));
    STG_TRY(probe_checks(probe));
    STG_TRY(probe_range(probe));
    STG_TRY(probe_parts(probe));
    STG_TRY(probe_remove(probe));
    probe->upload.is_single_begun = 0;
    return STG_OK;
}

static const char *summarize(const probe_t *probe, apr_pool_t *p)
{
    const stg_s3_store_t *store = probe->store;
    apr_interval_time_t offset = stg_s3_client_offset(store->client);
    const char *text =
        apr_psprintf(p, "S3 bucket %s at %s: clock %+d s", store->bucket,
                     store->host, (int)apr_time_sec(offset));

    for (int i = 0; i < probe->findings->nelts; i++)
        text =
            apr_pstrcat(p, text, ", ",
                        APR_ARRAY_IDX(probe->findings, i, const char *), NULL);
    return text;
}

stg_error_t *stg_s3_store_probe(const char **summary, stg_store_t *store,
                                const char *key, apr_pool_t *p)
{
    probe_t probe = {.store = (stg_s3_store_t *)store};
    stg_error_t *err;

    apr_pool_create(&probe.pool, p);
    probe.findings = apr_array_make(probe.pool, 8, sizeof(const char *));
    probe.key = key;
    probe.upload.store = probe.store;
    err = stg_s3_store_key(&probe.whole, probe.store, probe.key, probe.pool);
    probe.upload.key = probe.whole;
    if (!err)
        err = run(&probe);
    if (!err)
        *summary = summarize(&probe, p);
    err = stg_error_copy(err, p);
    apr_pool_destroy(probe.pool);
    return err;
}
