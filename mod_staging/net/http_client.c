/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <curl/curl.h>

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum {
    IDLE_HANDLES = 16,
    IDLE_SECONDS = 30, /* stores close idle connections early too */
    BUFFER_SIZE = 128 * 1024,
    EXPECT_FROM = 1024 * 1024, /* bodies worth asking for a 100 first */
    MAX_HEADERS = 128,
    MAX_HEADER_BYTES = 64 * 1024
};

struct stg_http_client_t {
    pthread_mutex_t mutex;
    struct {
        CURL *idle[IDLE_HANDLES];
        int count;
    } synced;
};

/* One call under way. */
typedef struct call_t {
    const stg_http_request_t *request;
    stg_http_response_t *response;
    CURL *handle;
    struct curl_slist *lines;
    stg_sink_t *body;          /* of a 2xx answer, or NULL */
    stg_memory_sink_t *memory; /* everything else */
    stg_error_t *sink_error;   /* of either: no failure of the network */
    apr_off_t sent;            /* where the next byte of our body is */
    apr_size_t header_bytes;
    int header_count;
    int is_head_whole; /* its empty line has come */
    char complaint[CURL_ERROR_SIZE];
    apr_pool_t *pool;
} call_t;

void stg_http_init(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static apr_status_t destroy_client(void *data)
{
    stg_http_client_t *client = data;

    for (int i = 0; i < client->synced.count; i++)
        curl_easy_cleanup(client->synced.idle[i]);
    pthread_mutex_destroy(&client->mutex);
    return APR_SUCCESS;
}

stg_http_client_t *stg_http_client_create(apr_pool_t *p)
{
    stg_http_client_t *client = apr_pcalloc(p, sizeof(*client));

    pthread_mutex_init(&client->mutex, NULL);
    apr_pool_cleanup_register(p, client, destroy_client, apr_pool_cleanup_null);
    return client;
}

static CURL *borrow_handle(stg_http_client_t *client)
{
    CURL *handle = NULL;

    pthread_mutex_lock(&client->mutex);
    if (client->synced.count)
        handle = client->synced.idle[--client->synced.count];
    pthread_mutex_unlock(&client->mutex);
    return handle ? handle : curl_easy_init();
}

static void return_handle(stg_http_client_t *client, CURL *handle)
{
    int is_kept;

    curl_easy_reset(handle); /* keeps the connection */
    pthread_mutex_lock(&client->mutex);
    is_kept = client->synced.count < IDLE_HANDLES;
    if (is_kept)
        client->synced.idle[client->synced.count++] = handle;
    pthread_mutex_unlock(&client->mutex);
    if (!is_kept)
        curl_easy_cleanup(handle);
}

static size_t send_body(char *buffer, size_t size, size_t count, void *data)
{
    call_t *call = data;
    const stg_http_request_t *request = call->request;
    apr_off_t left = request->body_size - call->sent;
    size_t n = size * count;

    if ((apr_off_t)n > left)
        n = (size_t)left;
    if (request->body_fd > 0) {
        ssize_t got = pread(request->body_fd, buffer, n,
                            request->body_offset + call->sent);

        if (got < 0 || (got == 0 && n > 0))
            return CURL_READFUNC_ABORT;
        n = (size_t)got;
    } else if (n > 0) {
        memcpy(buffer, request->body + call->sent, n);
    }
    call->sent += (apr_off_t)n;
    return n;
}

/* libcurl sends again on a fresh connection when a kept one turns out dead. */
static int seek_body(void *data, curl_off_t offset, int origin)
{
    call_t *call = data;

    if (origin != SEEK_SET || offset > call->request->body_size)
        return CURL_SEEKFUNC_FAIL;
    call->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *data)
{
    call_t *call = data;
    stg_sink_t *sink = stg_memory_sink(call->memory);
    long status = 0;

    curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
    if (call->body && status / 100 == 2)
        sink = call->body;
    call->sink_error = stg_sink_write(sink, bytes, size * count);
    if (call->sink_error && sink != call->body)
        call->sink_error = stg_raise(call->pool, STG_E_STORE_FAILED,
                                     "a server's answer is too large");
    return call->sink_error ? 0 : size * count;
}

/* A status line starts the headers anew: a 100 may have come before. */
static size_t take_header(char *line, size_t size, size_t count, void *data)
{
    call_t *call = data;
    size_t n = size * count, name;
    char *text, *value;

    if (n >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
        apr_table_clear(call->response->headers);
        call->is_head_whole = 0;
        return n;
    }
    call->header_bytes += n;
    if (++call->header_count > MAX_HEADERS ||
        call->header_bytes > MAX_HEADER_BYTES)
        return 0;
    while (n > 0 && apr_isspace(line[n - 1]))
        n--;
    if (n == 0)
        call->is_head_whole = 1;
    text = apr_pstrmemdup(call->pool, line, n);
    name = strcspn(text, ":");
    if (text[name] == ':') {
        text[name] = '\0';
        value = text + name + 1;
        while (*value == ' ' || *value == '\t')
            value++;
        apr_table_setn(call->response->headers, text, value);
    }
    return size * count;
}

static int is_set(const int *flag)
{
    return flag && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

/* libcurl asks once a second while nothing moves. */
static int watch(void *data, curl_off_t down_total, curl_off_t down,
                 curl_off_t up_total, curl_off_t up)
{
    const call_t *call = data;

    (void)down_total;
    (void)down;
    (void)up_total;
    (void)up;
    return is_set(call->request->is_cancelled) ||
           is_set(call->request->is_stopping);
}

/* Metadata services answer on link-local addresses: a proxy would see the
 * credentials, and could not reach them anyway. */
static int is_local(const char *url)
{
    static const char *const hosts[] = {"127.",  "localhost", "[::1]",
                                        "[fe80", "169.254.",  "[fd00:ec2::"};
    const char *host = strstr(url, "://");

    for (unsigned int i = 0; host && i < sizeof(hosts) / sizeof(*hosts); i++) {
        if (strncasecmp(host + 3, hosts[i], strlen(hosts[i])) == 0)
            return 1;
    }
    return 0;
}

static int add_line(void *data, const char *name, const char *value)
{
    call_t *call = data;
    const char *line = *value ? apr_pstrcat(call->pool, name, ": ", value, NULL)
                              : apr_pstrcat(call->pool, name, ";", NULL);

    call->lines = curl_slist_append(call->lines, line);
    return 1;
}

static void set_headers(call_t *call)
{
    const apr_table_t *headers = call->request->headers;

    if (headers)
        apr_table_do(add_line, call, headers, NULL);
    /* Neither added by libcurl nor guessed by it. */
    if (!headers || !apr_table_get(headers, "Content-Type"))
        call->lines = curl_slist_append(call->lines, "Content-Type:");
    if (call->request->body_size < EXPECT_FROM)
        call->lines = curl_slist_append(call->lines, "Expect:");
    curl_easy_setopt(call->handle, CURLOPT_HTTPHEADER, call->lines);
}

/* Always with a length: stores refuse chunked bodies, and a POST of nothing
 * needs its Content-Length too. */
static void set_body(call_t *call)
{
    CURL *h = call->handle;
    const stg_http_request_t *request = call->request;
    const char *method = request->method;

    if (strcmp(method, "PUT") == 0 || request->body_size > 0) {
        curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE,
                         (curl_off_t)request->body_size);
        curl_easy_setopt(h, CURLOPT_READFUNCTION, send_body);
        curl_easy_setopt(h, CURLOPT_READDATA, call);
        curl_easy_setopt(h, CURLOPT_SEEKFUNCTION, seek_body);
        curl_easy_setopt(h, CURLOPT_SEEKDATA, call);
        curl_easy_setopt(h, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_SIZE);
    } else if (strcmp(method, "POST") == 0) {
        curl_easy_setopt(h, CURLOPT_POST, 1L);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, "");
    }
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, call);
    if (call->body)
        curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)BUFFER_SIZE);
}

static long seconds_of(apr_interval_time_t t)
{
    return t > 0 && t < APR_USEC_PER_SEC ? 1 : (long)apr_time_sec(t);
}

static void set_limits(call_t *call)
{
    CURL *h = call->handle;
    const stg_http_request_t *request = call->request;

    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)apr_time_as_msec(request->connect_timeout));
    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS,
                     (long)apr_time_as_msec(request->timeout));
    if (request->stall_timeout) {
        curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME,
                         seconds_of(request->stall_timeout));
    }
    if (request->is_cancelled || request->is_stopping) {
        curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, watch);
        curl_easy_setopt(h, CURLOPT_XFERINFODATA, call);
    }
}

static void set_connection(call_t *call)
{
    CURL *h = call->handle;
    const stg_http_request_t *request = call->request;

    curl_easy_setopt(h, CURLOPT_URL, request->url);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, call->complaint);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(h, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(h, CURLOPT_MAXCONNECTS, 2L);
    curl_easy_setopt(h, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS);
    curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, (long)request->is_sent_once);
    if (request->ca_file)
        curl_easy_setopt(h, CURLOPT_CAINFO, request->ca_file);
    if (is_local(request->url))
        curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
}

/* libcurl takes what it has got of a head for all of it when the connection
 * ends. */
static CURLcode perform(const call_t *call)
{
    CURLcode result = curl_easy_perform(call->handle);

    return result == CURLE_OK && !call->is_head_whole ? CURLE_PARTIAL_FILE
                                                      : result;
}

/* The URL may be signed and the text of libcurl names only hosts: no URL in
 * the cause. */
static stg_error_t *explain(call_t *call, CURLcode result)
{
    if (call->sink_error)
        return call->sink_error;
    if (result == CURLE_OK)
        return STG_OK;
    return stg_because(
        stg_raise(call->pool, STG_E_STORE_DOWN, "a server does not answer"),
        call->pool, "%s %.60s: %s", call->request->method,
        apr_pstrndup(call->pool, call->request->url,
                     strcspn(call->request->url, "?")),
        *call->complaint ? call->complaint : curl_easy_strerror(result));
}

/* After a failure, and after an answer that came before our whole body had
 * left, nobody knows what the other side takes for the next request: such a
 * connection is closed. */
static void finish(stg_http_client_t *client, call_t *call, CURLcode result)
{
    stg_http_response_t *response = call->response;
    long status = 0;

    curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status);
    response->status = (int)status;
    response->is_body_sent = call->sent == call->request->body_size;
    response->body = stg_memory_sink_text(call->memory, &response->body_size);
    if (result == CURLE_OK && response->is_body_sent)
        return_handle(client, call->handle);
    else
        curl_easy_cleanup(call->handle);
    curl_slist_free_all(call->lines);
}

stg_error_t *stg_http_call(stg_http_response_t **response,
                           stg_http_client_t *client,
                           const stg_http_request_t *request, stg_sink_t *body,
                           apr_size_t max_body, apr_pool_t *p)
{
    call_t call = {.request = request, .body = body, .pool = p};
    CURLcode result;
    stg_error_t *err;

    assert(request->body || request->body_fd > 0 || request->body_size == 0);
    call.handle = borrow_handle(client);
    if (!call.handle)
        return stg_raise(p, STG_E_INTERNAL, "out of memory");
    call.response = apr_pcalloc(p, sizeof(*call.response));
    call.response->headers = apr_table_make(p, 16);
    call.memory = stg_memory_sink_create(max_body, p);
    set_connection(&call);
    set_limits(&call);
    set_headers(&call);
    set_body(&call);
    result = perform(&call);
    err = explain(&call, result);
    finish(client, &call, result);
    STG_TRY(err);
    *response = call.response;
    return STG_OK;
}
