/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_credentials.h"
#include "store/s3_key_sources.h"
#include "base/clock.h"

#include "check.h"
#include "peer.h"

#include <apr_file_io.h>
#include <apr_strings.h>

#include <sys/stat.h>

static apr_pool_t *pool;
static stg_http_client_t *client;
static apr_table_t *variables; /* the environment of the test at hand */

static const char *get_variable(const char *name)
{
    return apr_table_get(variables, name);
}

static int set_up(void)
{
    stg_http_init();
    apr_pool_create(&pool, NULL);
    client = stg_http_client_create(pool);
    variables = apr_table_make(pool, 4);
    return 0;
}

static int tear_down(void)
{
    apr_pool_destroy(pool);
    return 0;
}

static stg_error_t *read_source(stg_s3_keys_t *keys, const char *text)
{
    stg_s3_source_t source = {.client = client, .env = get_variable};

    STG_TRY(stg_s3_source_parse(&source, text, pool));
    return stg_s3_source_read(keys, &source, pool);
}

static const char *file_with(const char *text, mode_t mode)
{
    const char *folder;
    char *path;
    apr_file_t *file;

    apr_temp_dir_get(&folder, pool);
    path = apr_pstrcat(pool, folder, "/keys.XXXXXX", NULL);
    apr_file_mktemp(&file, path, 0, pool); /* removed with the pool */
    apr_file_puts(text, file);
    apr_file_flush(file);
    chmod(path, mode);
    return path;
}

static void a_file_has_two_lines_or_a_colon(void)
{
    static const char *const texts[] = {"AKID\nsecret\n", "AKID:secret",
                                        " AKID \r\n secret \r\n"};
    stg_s3_keys_t keys;

    for (int i = 0; i < 3; i++) {
        const char *path = file_with(texts[i], 0600);

        STG_CHECK_OK(
            read_source(&keys, apr_pstrcat(pool, "file:", path, NULL)));
        STG_CHECK_TEXT(keys.access_key, "AKID");
        STG_CHECK_TEXT(keys.secret_key, "secret");
    }
}

static void a_file_for_everybody_is_refused(void)
{
    stg_s3_keys_t keys;
    const char *path = file_with("AKID:secret", 0644);

    STG_CHECK_FAILS(read_source(&keys, apr_pstrcat(pool, "file:", path, NULL)),
                    STG_E_STORE_FAILED);
}

static void broken_files_are_refused(void)
{
    static const char *const texts[] = {"", "AKID", "AKID:", ":secret"};
    stg_s3_keys_t keys;

    for (int i = 0; i < 4; i++)
        STG_CHECK_FAILS(
            read_source(&keys, apr_pstrcat(pool, "file:",
                                           file_with(texts[i], 0600), NULL)),
            STG_E_STORE_FAILED);
    STG_CHECK_FAILS(read_source(&keys, "file:/nowhere/at/all"),
                    STG_E_STORE_FAILED);
}

static const char profiles[] = "# comment\n"
                               "[default]\n"
                               "aws_access_key_id = A1\n"
                               "AWS_SECRET_ACCESS_KEY=s1#no # a comment\n"
                               "s3 =\n"
                               "  aws_access_key_id = nested\n"
                               "[other]\n"
                               "aws_access_key_id=A2\n"
                               "aws_secret_access_key=s2\n"
                               "aws_session_token=t2\n"
                               "[half]\n"
                               "aws_access_key_id=A3\n";

static void a_shared_file_has_profiles(void)
{
    const char *source =
        apr_pstrcat(pool, "shared:", file_with(profiles, 0640), NULL);
    stg_s3_keys_t keys;

    STG_CHECK_OK(read_source(&keys, source));
    STG_CHECK_TEXT(keys.access_key, "A1");
    STG_CHECK_TEXT(keys.secret_key, "s1#no");
    CU_ASSERT_PTR_NULL(keys.token);
    STG_CHECK_OK(read_source(&keys, apr_pstrcat(pool, source, "#other", NULL)));
    STG_CHECK_TEXT(keys.access_key, "A2");
    STG_CHECK_TEXT(keys.token, "t2");
    STG_CHECK_FAILS(
        read_source(&keys, apr_pstrcat(pool, source, "#half", NULL)),
        STG_E_STORE_FAILED);
    STG_CHECK_FAILS(
        read_source(&keys, apr_pstrcat(pool, source, "#absent", NULL)),
        STG_E_STORE_FAILED);
}

static void the_environment_comes_first(void)
{
    stg_s3_keys_t keys;

    apr_table_clear(variables);
    STG_CHECK_FAILS(read_source(&keys, "env"), STG_E_STORE_FAILED);
    apr_table_set(variables, "AWS_EC2_METADATA_DISABLED", "true");
    STG_CHECK_FAILS(read_source(&keys, "auto"), STG_E_INVALID);
    apr_table_set(variables, "AWS_SHARED_CREDENTIALS_FILE",
                  file_with(profiles, 0600));
    apr_table_set(variables, "AWS_PROFILE", "other");
    STG_CHECK_OK(read_source(&keys, "auto"));
    STG_CHECK_TEXT(keys.access_key, "A2");
    apr_table_set(variables, "AWS_ACCESS_KEY_ID", "A0");
    apr_table_set(variables, "AWS_SECRET_ACCESS_KEY", "s0");
    apr_table_set(variables, "AWS_SESSION_TOKEN", "t0");
    STG_CHECK_OK(read_source(&keys, "auto"));
    STG_CHECK_TEXT(keys.access_key, "A0");
    STG_CHECK_TEXT(keys.token, "t0");
}

static void unknown_sources_are_refused(void)
{
    static const char *const texts[] = {"", "static", "file:relative", "envy",
                                        "shared:"};
    stg_s3_keys_t keys;

    apr_table_clear(variables);
    for (int i = 0; i < 5; i++)
        STG_CHECK_FAILS(read_source(&keys, texts[i]), STG_E_INVALID);
}

static const char *metadata(const char *expires)
{
    return stg_peer_answer(
        200,
        apr_psprintf(pool,
                     "{\"Code\":\"Success\",\"AccessKeyId\":\"AC\","
                     "\"SecretAccessKey\":\"sc\",\"Token\":\"tc\","
                     "\"Expiration\":\"%s\"}",
                     expires),
        pool);
}

static stg_peer_t *container(const char *expires)
{
    stg_peer_t *peer = stg_peer_start(pool);

    peer->answer = metadata(expires);
    apr_table_clear(variables);
    apr_table_set(variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI", peer->url);
    apr_table_set(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "let-me-in");
    return peer;
}

static void a_container_asks_its_service(void)
{
    stg_peer_t *peer = container("2026-11-20T12:00:00Z");
    stg_s3_keys_t keys;

    peer->hang_ups = 1;
    STG_CHECK_OK(read_source(&keys, "auto"));
    STG_CHECK_TEXT(keys.access_key, "AC");
    STG_CHECK_TEXT(keys.token, "tc");
    CU_ASSERT_EQUAL(keys.expires, apr_time_from_sec(1795176000));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(peer->last_request, "Authorization: let-me-in\r\n"));
    peer->answer = stg_peer_answer(200, "no JSON", pool);
    STG_CHECK_FAILS(read_source(&keys, "container"), STG_E_STORE_FAILED);
    peer->answer = stg_peer_answer(403, "", pool);
    STG_CHECK_FAILS(read_source(&keys, "container"), STG_E_STORE_FAILED);
}

static void keys_are_asked_of_trusted_places_only(void)
{
    static const char *const urls[] = {
        "http://example.org/", "http://127.0.0.1.example.org/", "ftp://x/",
        "http://169.254.170.2@example.org/", "http://127.0.0.1:x@example.org/"};
    stg_s3_keys_t keys;

    apr_table_clear(variables);
    for (int i = 0; i < (int)(sizeof(urls) / sizeof(*urls)); i++) {
        apr_table_set(variables, "AWS_CONTAINER_CREDENTIALS_FULL_URI", urls[i]);
        STG_CHECK_FAILS(read_source(&keys, "container"), STG_E_STORE_FAILED);
    }
    container("2026-11-20T12:00:00Z");
    apr_table_set(variables, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nb: c");
    STG_CHECK_FAILS(read_source(&keys, "container"), STG_E_STORE_FAILED);
}

static void an_instance_without_version_2_is_refused(void)
{
    stg_peer_t *peer = stg_peer_start(pool);
    stg_s3_keys_t keys;

    apr_table_clear(variables);
    apr_table_set(variables, "AWS_EC2_METADATA_SERVICE_ENDPOINT", peer->url);
    peer->answer = stg_peer_answer(405, "", pool);
    STG_CHECK_FAILS(read_source(&keys, "instance"), STG_E_STORE_FAILED);
    CU_ASSERT_EQUAL(peer->requests, 1);
    CU_ASSERT(strncmp(peer->last_request, "PUT /latest/api/token ", 22) == 0);
}

static void keys_are_refreshed_before_they_expire(void)
{
    stg_peer_t *peer = container("2026-11-20T12:00:00Z");
    apr_time_t end = apr_time_from_sec(1795176000);
    stg_s3_credentials_t *credentials;
    const stg_s3_keys_t *old, *keys;

    STG_CHECK_OK(stg_s3_credentials_open(&credentials, "container", client,
                                         get_variable, pool));
    stg_clock_freeze(end - apr_time_from_sec(3600));
    STG_CHECK_OK(stg_s3_credentials_get(&old, credentials, 0, pool));
    STG_CHECK_OK(stg_s3_credentials_get(&keys, credentials, 0, pool));
    CU_ASSERT_EQUAL(peer->requests, 1);

    /* Too late to wait, but the source is in trouble: the old ones serve. */
    stg_clock_freeze(end - apr_time_from_sec(300));
    peer->answer = NULL;
    STG_CHECK_OK(stg_s3_credentials_get(&keys, credentials, 0, pool));
    CU_ASSERT_PTR_EQUAL(keys, old);

    peer->answer = metadata("2026-11-20T18:00:00Z");
    stg_clock_freeze(end - apr_time_from_sec(100));
    STG_CHECK_OK(stg_s3_credentials_get(&keys, credentials, 0, pool));
    CU_ASSERT_EQUAL(keys->expires, end + apr_time_from_sec(6 * 3600));
    STG_CHECK_TEXT(old->secret_key, "sc"); /* still in use */
    stg_clock_freeze(0);
}

static void keys_that_were_refused_are_read_again(void)
{
    stg_peer_t *peer = container("2099-01-01T00:00:00Z");
    stg_s3_credentials_t *credentials;
    const stg_s3_keys_t *keys;

    STG_CHECK_OK(stg_s3_credentials_open(&credentials, "container", client,
                                         get_variable, pool));
    STG_CHECK_OK(stg_s3_credentials_get(&keys, credentials, 0, pool));
    stg_clock_freeze(stg_clock_now() + apr_time_from_sec(600));
    STG_CHECK_OK(stg_s3_credentials_get(&keys, credentials, 0, pool));
    CU_ASSERT_EQUAL(peer->requests, 1);
    stg_s3_credentials_renew(credentials);
    STG_CHECK_OK(stg_s3_credentials_get(&keys, credentials, 0, pool));
    CU_ASSERT_EQUAL(peer->requests, 2);
    stg_clock_freeze(0);
}

void stg_s3_credentials_suite(void)
{
    CU_pSuite suite = CU_add_suite("s3_credentials", set_up, tear_down);

    STG_TEST(suite, a_file_has_two_lines_or_a_colon);
    STG_TEST(suite, a_file_for_everybody_is_refused);
    STG_TEST(suite, broken_files_are_refused);
    STG_TEST(suite, a_shared_file_has_profiles);
    STG_TEST(suite, the_environment_comes_first);
    STG_TEST(suite, unknown_sources_are_refused);
    STG_TEST(suite, a_container_asks_its_service);
    STG_TEST(suite, keys_are_asked_of_trusted_places_only);
    STG_TEST(suite, an_instance_without_version_2_is_refused);
    STG_TEST(suite, keys_are_refreshed_before_they_expire);
    STG_TEST(suite, keys_that_were_refused_are_read_again);
}
