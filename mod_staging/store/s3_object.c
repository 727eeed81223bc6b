/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_object.h"
#include "store/s3_xml.h"
#include "base/crash.h"
#include "base/text.h"

#include <apr_date.h>
#include <apr_strings.h>

#include <openssl/md5.h>

#include <string.h>

enum { ABORTS = 5 };

/* Stores put big objects together before they answer. Giving up early does no
 * harm: the next finish() finds what became of it. */
#define COMPLETE_TIMEOUT apr_time_from_sec(120)

const char *stg_s3_etag_of_parts(const unsigned char *md5s, int count,
                                 apr_pool_t *p)
{
    return apr_psprintf(p, "%s-%d",
                        stg_digest_hex_of("md5", (const char *)md5s,
                                          (apr_size_t)count * MD5_DIGEST_LENGTH,
                                          p),
                        count);
}

int stg_s3_etag_is_digest(const char *etag, const stg_s3_answer_t *answer)
{
    const char *sse =
        stg_s3_answer_header(answer, "x-amz-server-side-encryption");
    apr_size_t digits;

    if ((sse && strcmp(sse, "AES256") != 0) ||
        stg_s3_answer_header(answer,
                             "x-amz-server-side-encryption-customer-algorithm"))
        return 0;
    digits = etag ? strspn(etag, "0123456789abcdef") : 0;
    return digits == 2 * MD5_DIGEST_LENGTH &&
           (etag[digits] == '\0' || etag[digits] == '-');
}

stg_error_t *stg_s3_object_head(stg_s3_object_t *object,
                                stg_s3_client_t *client, const char *key,
                                apr_pool_t *p)
{
    const stg_s3_call_t call = {.method = "HEAD", .key = key};
    stg_s3_answer_t *answer;
    const char *length, *modified;

    STG_TRY(stg_s3_call_ok(&answer, client, &call, p));
    length = stg_s3_answer_header(answer, "Content-Length");
    if (!length || !stg_parse_off(length, &object->size))
        return stg_because(stg_raise(p, STG_E_STORE_FAILED,
                                     "the store's answer cannot be read"),
                           p, "HEAD %s without a length", key);
    modified = stg_s3_answer_header(answer, "Last-Modified");
    object->modified = modified ? apr_date_parse_http(modified) : 0;
    object->etag = stg_s3_etag(stg_s3_answer_header(answer, "ETag"), p);
    object->token = stg_s3_answer_header(answer, STG_S3_TOKEN_HEADER);
    object->content_type = stg_s3_answer_header(answer, "Content-Type");
    object->has_own_etag = !stg_s3_etag_is_digest(object->etag, answer);
    return STG_OK;
}

static stg_error_t *differs(const char *what, const char *key, apr_pool_t *p)
{
    return stg_because(stg_raise(p, STG_E_STORE_FAILED,
                                 "the store does not hold what was sent"),
                       p, "%s of %s", what, key);
}

stg_error_t *stg_s3_object_verify(stg_s3_client_t *client, const char *key,
                                  const stg_unfinished_t *what, apr_pool_t *p)
{
    /* head fills it, but so deep down no analyzer sees when it fails */
    stg_s3_object_t object = {.size = -1, .etag = ""};

    STG_CRASH_POINT("s3-head");
    STG_TRY(stg_s3_object_head(&object, client, key, p));
    STG_CRASH_POINT("s3-head-seen");
    if (object.size != what->size)
        return differs("size", key, p);
    if (what->etag && !object.has_own_etag &&
        strcmp(what->etag, object.etag) != 0)
        return differs("ETag", key, p);
    if (what->token &&
        (!object.token || strcmp(what->token, object.token) != 0))
        return differs("token", key, p);
    return STG_OK;
}

static apr_table_t *upload_query(const char *upload_id, apr_pool_t *p)
{
    apr_table_t *query = apr_table_make(p, 3);

    apr_table_setn(query, "uploadId", upload_id);
    return query;
}

/* Page by page. */
stg_error_t *stg_s3_object_list_parts(apr_array_header_t **parts,
                                      stg_s3_client_t *client, const char *key,
                                      const char *upload_id, apr_pool_t *p)
{
    apr_table_t *query = upload_query(upload_id, p);
    const stg_s3_call_t call = {.method = "GET", .key = key, .query = query};
    stg_s3_answer_t *answer;
    stg_s3_page_t *page;

    *parts = apr_array_make(p, 64, sizeof(stg_s3_item_t));
    do {
        STG_TRY(stg_s3_call_ok(&answer, client, &call, p));
        STG_TRY(
            stg_s3_xml_page(&page, answer->body, answer->body_size, "Part", p));
        apr_array_cat(*parts, page->items);
        if (page->has_more && (!page->next_number || !page->items->nelts))
            return differs("list of parts", key, p);
        if (page->has_more)
            apr_table_setn(query, "part-number-marker", page->next_number);
    } while (page->has_more && (*parts)->nelts <= STG_S3_MAX_PARTS);
    return STG_OK;
}

/* The ETag of the whole, *etag = NULL if those of parts are no digests. */
static stg_error_t *etag_of(const char **etag, const apr_array_header_t *parts,
                            const char *key, apr_pool_t *p)
{
    unsigned char *md5s =
        apr_palloc(p, (apr_size_t)(parts->nelts + 1) * MD5_DIGEST_LENGTH);
    int are_digests = 1;

    for (int i = 0; i < parts->nelts; i++) {
        const char *text = APR_ARRAY_IDX(parts, i, stg_s3_item_t).etag;
        apr_size_t count = 0;
        const char *md5 = text ? stg_unhex(text, &count, p) : NULL;

        if (!text)
            return differs("list of parts", key, p);
        are_digests = are_digests && md5 && count == MD5_DIGEST_LENGTH;
        if (are_digests)
            memcpy(md5s + i * MD5_DIGEST_LENGTH, md5, MD5_DIGEST_LENGTH);
    }
    *etag = are_digests ? stg_s3_etag_of_parts(md5s, parts->nelts, p) : NULL;
    return STG_OK;
}

/* Complete, unless what the store lists is not what was sent. */
static stg_error_t *check_parts(const apr_array_header_t *parts,
                                const stg_unfinished_t *what, const char *key,
                                apr_pool_t *p)
{
    apr_off_t size = 0;
    const char *etag;

    for (int i = 0; i < parts->nelts; i++) {
        const stg_s3_item_t *part = &APR_ARRAY_IDX(parts, i, stg_s3_item_t);

        if (part->number != i + 1 || part->size < 0)
            return differs("list of parts", key, p);
        size += part->size;
    }
    STG_TRY(etag_of(&etag, parts, key, p));
    if (size != what->size)
        return differs("size of all parts", key, p);
    if (what->etag && etag && strcmp(what->etag, etag) != 0)
        return differs("ETags of the parts", key, p);
    return STG_OK;
}

static stg_error_t *complete_once(stg_s3_answer_t **answer, const char **code,
                                  stg_s3_client_t *client,
                                  const stg_s3_call_t *call, apr_pool_t *p)
{
    STG_TRY(stg_s3_call(answer, client, call, p));
    if ((*answer)->status / 100 != 2) {
        *code = (*answer)->code ? (*answer)->code : "";
        return STG_OK;
    }
    return stg_s3_xml_verdict(code, (*answer)->body, (*answer)->body_size, p);
}

/* After these only a look at the key tells what has happened: an earlier
 * Complete may have done its work and its answer was lost. */
static int is_unclear(const stg_s3_answer_t *answer, const char *code)
{
    static const char *const codes[] = {"NoSuchUpload",       "NoSuchKey",
                                        "PreconditionFailed", "InternalError",
                                        "ServiceUnavailable", "SlowDown"};

    for (unsigned int i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (strcmp(code, codes[i]) == 0)
            return 1;
    }
    return answer->status >= 500;
}

stg_error_t *stg_s3_object_complete(stg_s3_client_t *client, const char *key,
                                    const char *upload_id,
                                    const apr_array_header_t *parts,
                                    apr_pool_t *p)
{
    apr_table_t *headers = apr_table_make(p, 1);
    stg_s3_call_t call = {.method = "POST",
                          .key = key,
                          .query = upload_query(upload_id, p),
                          .headers = headers,
                          .body = stg_s3_xml_complete(parts, p),
                          .is_body_hashed = 1,
                          .attempts = 2,
                          .timeout = COMPLETE_TIMEOUT};
    stg_s3_answer_t *answer;
    const char *code = NULL;

    call.body_size = (apr_off_t)strlen(call.body);
    apr_table_setn(headers, "Content-Type", "application/xml");
    STG_TRY(complete_once(&answer, &code, client, &call, p));
    if (!code || is_unclear(answer, code))
        return STG_OK;
    answer->code = code;
    return stg_s3_refusal(&call, answer, p);
}

/* Whatever Complete said, the object itself is asked: it is ours if size,
 * ETag and token agree. */
static stg_error_t *complete_and_verify(stg_s3_client_t *client,
                                        const char *key,
                                        const stg_unfinished_t *what,
                                        const apr_array_header_t *parts,
                                        apr_pool_t *p)
{
    stg_error_t *err, *check;

    STG_CRASH_POINT("s3-complete");
    err = stg_s3_object_complete(client, key, what->parts_id, parts, p);
    STG_CRASH_POINT("s3-completed");
    check = stg_s3_object_verify(client, key, what, p);
    if (!check)
        return STG_OK;
    STG_TRY(err);
    /* The parts are there still: another finish() may succeed. */
    if (check->code == STG_E_NOT_FOUND)
        return stg_because(stg_raise(p, STG_E_STORE_DOWN,
                                     "the store did not complete an object"),
                           p, "Complete of %s had no effect", key);
    return check;
}

static stg_error_t *finish_all(stg_s3_client_t *client, const char *key,
                               const stg_unfinished_t *what, apr_pool_t *p)
{
    apr_array_header_t *parts;
    stg_error_t *err;

    err = stg_s3_object_list_parts(&parts, client, key, what->parts_id, p);
    if (err && err->code == STG_E_NOT_FOUND)
        return stg_s3_object_verify(client, key, what, p);
    STG_TRY(err);
    /* An upload that some stores keep listing after they completed it. */
    if (parts->nelts == 0)
        return stg_s3_object_verify(client, key, what, p);
    STG_TRY(check_parts(parts, what, key, p));
    return complete_and_verify(client, key, what, parts, p);
}

/* As a list of the store would have them. */
static apr_array_header_t *given_parts(const stg_unfinished_t *what,
                                       apr_pool_t *p)
{
    apr_array_header_t *parts =
        apr_array_make(p, what->part_count, sizeof(stg_s3_item_t));

    for (int i = 0; i < what->part_count; i++)
        APR_ARRAY_PUSH(parts, stg_s3_item_t) =
            (stg_s3_item_t){.etag = what->parts[i].etag,
                            .size = what->parts[i].size,
                            .number = what->parts[i].number};
    return parts;
}

/* Of these parts and no others; the ETag of the whole follows from theirs. */
static stg_error_t *finish_given(stg_s3_client_t *client, const char *key,
                                 const stg_unfinished_t *what, apr_pool_t *p)
{
    const apr_array_header_t *parts = given_parts(what, p);
    stg_unfinished_t expected = *what;
    apr_array_header_t *listed;
    stg_error_t *err, *look;

    STG_TRY(etag_of(&expected.etag, parts, key, p));
    err = complete_and_verify(client, key, &expected, parts, p);
    if (!err || err->code != STG_E_STORE_DOWN)
        return err;
    /* Without any effect, for want of parts. */
    look = stg_s3_object_list_parts(&listed, client, key, what->parts_id, p);
    return look && look->code == STG_E_NOT_FOUND ? look : err;
}

stg_error_t *stg_s3_object_finish(stg_s3_client_t *client, const char *key,
                                  const stg_unfinished_t *what, apr_pool_t *p)
{
    if (!what->parts_id)
        return stg_s3_object_verify(client, key, what, p);
    return what->parts ? finish_given(client, key, what, p)
                       : finish_all(client, key, what, p);
}

/* Parts that arrive during an abort may outlive it: ask again until the
 * upload is unknown. */
stg_error_t *stg_s3_object_abort(stg_s3_client_t *client, const char *key,
                                 const char *upload_id, apr_pool_t *p)
{
    apr_table_t *query = upload_query(upload_id, p);
    stg_s3_call_t call = {.method = "DELETE", .key = key, .query = query};
    stg_s3_call_t look = {.method = "GET", .key = key, .query = query};
    stg_s3_answer_t *answer = NULL;

    for (int i = 0; i < ABORTS; i++) {
        STG_CRASH_POINT("s3-abort");
        STG_TRY(stg_s3_call(&answer, client, &call, p));
        STG_CRASH_POINT("s3-aborted");
        if (answer->status == 404 && !stg_s3_answer_is(answer, "NoSuchBucket"))
            return STG_OK;
        if (answer->status / 100 != 2)
            return stg_s3_refusal(&call, answer, p);
        STG_TRY(stg_s3_call(&answer, client, &look, p));
        if (answer->status == 404)
            return STG_OK;
    }
    return differs("an aborted upload", key, p);
}
