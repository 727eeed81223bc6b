/* SPDX-License-Identifier: Apache-2.0 */
/* The peer: the least that httpd can do for a page of uploads. Bearer key,
 * kept for 10 seconds as mod_staging keeps it, one prepared SELECT through
 * mod_dbd, an array of jansson. No routes, no paging, no errors worth the
 * name, no deadlines. */
#include <httpd.h>

#include <apr_dbd.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <http_config.h>
#include <http_protocol.h>
#include <mod_dbd.h>

#include <jansson.h>
#include <openssl/evp.h>

#include <stdlib.h>

#define PAGE 20
#define COLUMNS 13

/* The digest goes through text: mod_dbd knows of no types. */
static const char find_key[] =
    "SELECT a.id FROM api_key k JOIN account a ON a.id = k.account "
    "WHERE k.sha256 = %s AND k.revoked IS NULL AND a.disabled IS NULL "
    "AND (k.expires IS NULL OR k.expires > now())";

static const char find_page[] =
    "SELECT u.id, u.label, u.status, u.filename, u.content_type, u.message, "
    "to_char(u.created AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
    "to_char(u.expires AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), "
    "o.size, o.md5, o.sha1, o.sha256, '/upload/' || u.id || '/data' "
    "FROM upload u LEFT JOIN object o ON o.id = u.object "
    "WHERE u.service = 'staging' AND u.owner = 'account:' || %s "
    "AND u.expires > now() "
    "ORDER BY u.created DESC, u.id DESC LIMIT 20";

static const char *const fields[COLUMNS] = {
    "id",      "label",   "status",  "filename", "content_type",
    "message", "created", "expires", "size",     "md5",
    "sha1",    "sha256",  "data_url"};

static apr_thread_mutex_t *mutex;
static struct {
    char digest[65];
    char account[37];
    apr_time_t until;
} kept;

static const char *sha256_hex(apr_pool_t *p, const char *text)
{
    unsigned char value[32];
    char *hex = apr_palloc(p, 65);

    EVP_Digest(text, strlen(text), value, NULL, EVP_sha256(), NULL);
    for (int i = 0; i < 32; i++)
        apr_snprintf(hex + 2 * i, 3, "%02x", value[i]);
    return hex;
}

static const char *recall(apr_pool_t *p, const char *digest)
{
    const char *account = NULL;

    apr_thread_mutex_lock(mutex);
    if (kept.until > apr_time_now() && !strcmp(kept.digest, digest))
        account = apr_pstrdup(p, kept.account);
    apr_thread_mutex_unlock(mutex);
    return account;
}

static void remember(const char *digest, const char *account)
{
    apr_thread_mutex_lock(mutex);
    apr_cpystrn(kept.digest, digest, sizeof(kept.digest));
    apr_cpystrn(kept.account, account, sizeof(kept.account));
    kept.until = apr_time_now() + apr_time_from_sec(10);
    apr_thread_mutex_unlock(mutex);
}

static apr_dbd_results_t *query(request_rec *r, ap_dbd_t *dbd,
                                const char *label, const char *value)
{
    apr_dbd_prepared_t *statement =
        apr_hash_get(dbd->prepared, label, APR_HASH_KEY_STRING);
    apr_dbd_results_t *rows = NULL;

    if (!statement || apr_dbd_pvselect(dbd->driver, r->pool, dbd->handle, &rows,
                                       statement, 1, value, NULL))
        return NULL;
    return rows;
}

static const char *check_key(request_rec *r, ap_dbd_t *dbd)
{
    const char *given = apr_table_get(r->headers_in, "Authorization");
    apr_dbd_results_t *rows;
    apr_dbd_row_t *row = NULL;
    const char *digest, *account;

    if (!given || strncmp(given, "Bearer ", 7))
        return NULL;
    digest = sha256_hex(r->pool, given + 7);
    account = recall(r->pool, digest);
    if (account)
        return account;
    rows = query(r, dbd, "bare_key", digest);
    if (!rows || apr_dbd_get_row(dbd->driver, r->pool, rows, &row, 1))
        return NULL;
    account = apr_dbd_get_entry(dbd->driver, row, 0);
    remember(digest, account);
    return account;
}

static json_t *read_row(request_rec *r, ap_dbd_t *dbd, apr_dbd_row_t *row)
{
    json_t *entry = json_object();

    for (int i = 0; i < COLUMNS; i++) {
        char *text = NULL;
        json_t *value;

        if (apr_dbd_datum_get(dbd->driver, row, i, APR_DBD_TYPE_STRING, &text))
            value = json_null();
        else if (!strcmp(fields[i], "size"))
            value = json_integer(apr_atoi64(text));
        else
            value = json_string(text);
        json_object_set_new(entry, fields[i], value);
    }
    return entry;
}

static int bare_list(request_rec *r)
{
    ap_dbd_t *dbd;
    apr_dbd_results_t *rows;
    json_t *page;
    char *text;
    const char *account;

    if (!r->handler || strcmp(r->handler, "bare-list"))
        return DECLINED;
    if (!(dbd = ap_dbd_acquire(r)))
        return HTTP_SERVICE_UNAVAILABLE;
    if (!(account = check_key(r, dbd)))
        return HTTP_UNAUTHORIZED;
    if (!(rows = query(r, dbd, "bare_page", account)))
        return HTTP_INTERNAL_SERVER_ERROR;
    page = json_array();
    for (int i = 1; i <= PAGE; i++) {
        apr_dbd_row_t *row = NULL;

        if (apr_dbd_get_row(dbd->driver, r->pool, rows, &row, i))
            break;
        json_array_append_new(page, read_row(r, dbd, row));
    }
    text = json_dumps(page, JSON_COMPACT);
    json_decref(page);
    ap_set_content_type(r, "application/json");
    ap_rputs(text, r);
    free(text);
    return OK;
}

static int prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                   server_rec *s)
{
    (void)pconf;
    (void)plog;
    (void)ptemp;
    ap_dbd_prepare(s, find_key, "bare_key");
    ap_dbd_prepare(s, find_page, "bare_page");
    return OK;
}

static void make_mutex(apr_pool_t *p, server_rec *s)
{
    (void)s;
    apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT, p);
}

static void register_hooks(apr_pool_t *p)
{
    static const char *const before_dbd[] = {"mod_dbd.c", NULL};

    (void)p;
    ap_hook_post_config(prepare, NULL, before_dbd, APR_HOOK_MIDDLE);
    ap_hook_child_init(make_mutex, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(bare_list, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(bare_list) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks};
