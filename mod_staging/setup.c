/* SPDX-License-Identifier: Apache-2.0 */
#include "setup.h"

#include "base/text.h"
#include "config.h"
#include "dispatch.h"
#include "store/part_buffer.h"
#include "web/process.h"
#include "web/web.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <http_core.h>
#include <ap_expr.h>
#include <http_log.h>

#include <string.h>

APLOG_USE_MODULE(staging);

enum { SECRET_MIN_BYTES = 32, SECRET_MAX_BYTES = 4096 };

/* Longer no store signs a URL for (X-Amz-Expires). */
enum { DOWNLOAD_MAX_SECONDS = 7 * 24 * 3600 };

stg_error_t *stg_setup_stores(stg_staging_t *staging,
                              const stg_settings_t *settings, apr_pool_t *p)
{
    int count = settings->stores->nelts;
    stg_stores_t *stores = &staging->stores;

    staging->parts =
        stg_part_budget_create(settings->part_memory, settings->temp_dir, p);
    stores->list = apr_pcalloc(p, sizeof(*stores->list) * (count + 1));
    stores->count = 0;
    for (int i = 0; i < count; i++) {
        const stg_words_t *words =
            &APR_ARRAY_IDX(settings->stores, i, stg_words_t);
        stg_store_config_t *config;

        STG_TRY(stg_store_config_parse(&config, words->words, words->count, p));
        config->parts = staging->parts;
        STG_TRY(stg_store_open(&stores->list[i], config, p));
        stores->count++;
    }
    return STG_OK;
}

stg_error_t *stg_setup_issuers(apr_array_header_t **issuers,
                               const stg_settings_t *settings, apr_pool_t *p)
{
    *issuers = apr_array_make(p, 2, sizeof(stg_issuer_t *));
    for (int i = 0; i < settings->issuers->nelts; i++) {
        const stg_words_t *words =
            &APR_ARRAY_IDX(settings->issuers, i, stg_words_t);
        stg_issuer_t *issuer;

        STG_TRY(stg_issuer_parse(&issuer, words->words, words->count, p));
        APR_ARRAY_PUSH(*issuers, stg_issuer_t *) = issuer;
    }
    return STG_OK;
}

stg_error_t *stg_setup_secret(const char **secret,
                              const stg_settings_t *settings, apr_pool_t *p)
{
    static const char form[] = "file:";
    const char *path = settings->ticket_secret;
    apr_file_t *file;
    apr_size_t count = SECRET_MAX_BYTES;
    char *bytes = apr_palloc(p, count);
    apr_status_t status;

    *secret = NULL;
    if (!path)
        return STG_OK;
    if (strncmp(path, form, sizeof(form) - 1))
        return stg_raise(p, STG_E_INVALID,
                         "StagingTicketSecret wants file:PATH, so that the "
                         "secret itself does not stand in the configuration");
    path += sizeof(form) - 1;
    status = apr_file_open(&file, path, APR_FOPEN_READ, 0, p);
    if (status == APR_SUCCESS)
        status = apr_file_read_full(file, bytes, count, &count);
    if (status != APR_SUCCESS && status != APR_EOF)
        return stg_because_apr(
            stg_raise(p, STG_E_INVALID,
                      "the file of StagingTicketSecret cannot be read"),
            p, status, path);
    apr_file_close(file);
    if (count < SECRET_MIN_BYTES)
        return stg_raise(
            p, STG_E_INVALID,
            "the file of StagingTicketSecret holds %" APR_SIZE_T_FMT
            " bytes, at least %d are needed: make it with "
            "openssl rand -base64 48",
            count, SECRET_MIN_BYTES);
    *secret = stg_hex((unsigned char *)bytes, count, p);
    return STG_OK;
}

stg_error_t *stg_setup_iam(stg_iam_config_t **iam,
                           const stg_settings_t *settings, apr_pool_t *p)
{
    const stg_words_t *words;

    *iam = NULL;
    if (!settings->iam->nelts)
        return STG_OK;
    if (settings->iam->nelts > 1)
        return stg_raise(p, STG_E_INVALID, "StagingIAM may stand only once");
    words = &APR_ARRAY_IDX(settings->iam, 0, stg_words_t);
    return stg_iam_parse(iam, words->words, words->count, p);
}

/* The handler that a SetHandler directive names. httpd keeps it as an
 * expression that only a request can evaluate, but remembers where in the
 * configuration it stood. */
static const char *find_handler(const ap_directive_t *tree,
                                const ap_expr_info_t *expr, apr_pool_t *p)
{
    const char *found = NULL;

    for (; tree && !found; tree = tree->next) {
        const char *args = tree->args;

        if (!strcasecmp(tree->directive, "SetHandler") &&
            tree->line_num == (int)expr->line_number &&
            !strcmp(tree->filename, expr->filename))
            found = ap_getword_conf(p, &args);
        else
            found = find_handler(tree->first_child, expr, p);
    }
    return found;
}

static stg_error_t *add_mount(stg_settings_t *settings, server_rec *server,
                              ap_conf_vector_t *section, apr_pool_t *p)
{
    const core_dir_config *dir = ap_get_core_module_config(section);
    stg_policy_t *policy = ap_get_module_config(section, &staging_module);
    const char *handler = dir->expr_handler
                              ? find_handler(ap_conftree, dir->expr_handler, p)
                              : NULL;
    stg_mount_t *mount;
    char *path;

    if (!handler || !stg_dispatch_find(handler))
        return STG_OK;
    /* its path is what routes begin behind */
    if (dir->r || dir->d_is_fnmatch)
        return stg_raise(p, STG_E_INVALID,
                         "SetHandler %s wants a <Location> with a plain path, "
                         "not the pattern %s",
                         handler, dir->d);
    if (!policy) {
        policy = stg_config_create_policy(p, dir->d);
        ap_set_module_config(section, &staging_module, policy);
    }
    path = apr_pstrdup(p, dir->d);
    while (*path && path[strlen(path) - 1] == '/')
        path[strlen(path) - 1] = '\0';
    policy->mount = path;
    if (!strcmp(handler, "staging-session"))
        policy->sessions = policy->sessions_is_set = 1;
    mount = apr_array_push(settings->mounts);
    mount->path = path;
    mount->handler = handler;
    mount->api = stg_dispatch_find(handler);
    mount->server = server;
    mount->policy = stg_config_merge_policy(
        p, ap_get_module_config(server->lookup_defaults, &staging_module),
        policy);
    return STG_OK;
}

static stg_error_t *find_mounts(server_rec *server, stg_settings_t *settings,
                                apr_pool_t *p)
{
    const core_server_config *core =
        ap_get_core_module_config(server->module_config);

    for (int i = 0; i < core->sec_url->nelts; i++)
        STG_TRY(add_mount(settings, server,
                          APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *),
                          p));
    return STG_OK;
}

/* The store that a location uses, NULL if there is none of that name. */
static const stg_words_t *find_store(const stg_policy_t *policy,
                                     const stg_settings_t *settings)
{
    for (int i = 0; i < settings->stores->nelts; i++) {
        const stg_words_t *store =
            &APR_ARRAY_IDX(settings->stores, i, stg_words_t);

        if (!strcmp(store->words[0], policy->store))
            return store;
    }
    return NULL;
}

static int is_mounted(const stg_mount_t *by, const char *handler,
                      const char *path, const stg_settings_t *settings)
{
    for (int i = 0; i < settings->mounts->nelts; i++) {
        const stg_mount_t *mount =
            &APR_ARRAY_IDX(settings->mounts, i, stg_mount_t);

        if (mount->server == by->server && !strcmp(mount->path, path) &&
            !strcmp(mount->handler, handler))
            return 1;
    }
    return 0;
}

static stg_error_t *check_values(const stg_mount_t *mount, apr_pool_t *p)
{
    const stg_policy_t *policy = mount->policy;
    const char *base = policy->base_url;

    if (policy->max_upload < 1 || policy->retention < 1)
        return stg_raise(p, STG_E_INVALID,
                         "StagingMaxUpload and StagingRetention of %s must be "
                         "greater than 0",
                         mount->path);
    if (policy->download_lifetime < 1 ||
        policy->download_lifetime > DOWNLOAD_MAX_SECONDS)
        return stg_raise(p, STG_E_INVALID,
                         "StagingDownloadLifetime of %s must be from 1s to 7d",
                         mount->path);
    if (policy->download_path[0] != '/')
        return stg_raise(p, STG_E_INVALID,
                         "StagingDownloadPath of %s must begin with a slash",
                         mount->path);
    if (base &&
        ((strncmp(base, "https://", 8) && strncmp(base, "http://", 7)) ||
         base[strlen(base) - 1] == '/'))
        return stg_raise(p, STG_E_INVALID,
                         "StagingBaseURL of %s wants scheme and host without a "
                         "slash behind, such as https://data.example.org",
                         mount->path);
    return STG_OK;
}

static stg_error_t *check_resumable(const stg_mount_t *mount, apr_pool_t *p)
{
    const stg_policy_t *policy = mount->policy;

    if (policy->upload_idle < 1 ||
        policy->upload_lifetime < policy->upload_idle)
        return stg_raise(p, STG_E_INVALID,
                         "StagingUploadIdle of %s must be greater than 0, and "
                         "StagingUploadLifetime no less",
                         mount->path);
    return STG_OK;
}

static stg_error_t *check_mount(const stg_mount_t *mount,
                                const stg_settings_t *settings, apr_pool_t *p)
{
    const stg_policy_t *policy = mount->policy;
    int is_resumable = !strcmp(mount->handler, "staging-resumable");
    const stg_words_t *store;

    if (!is_resumable && strcmp(mount->handler, "staging-uploads"))
        return STG_OK;
    STG_TRY(check_values(mount, p));
    STG_TRY(check_resumable(mount, p));
    store = find_store(policy, settings);
    if (!store)
        return stg_raise(p, STG_E_INVALID,
                         "<Location \"%s\"> uses the store \"%s\", but no "
                         "StagingStore has that name",
                         mount->path, policy->store);
    /* what has been resumed is downloaded where uploads are listed */
    if (is_resumable || !strncmp(store->words[1], "s3:", 3) ||
        policy->stream_downloads ||
        is_mounted(mount, "staging-download", policy->download_path, settings))
        return STG_OK;
    return stg_raise(p, STG_E_INVALID,
                     "downloads of <Location \"%s\"> are sent to %s, but there "
                     "is no <Location \"%s\"> with SetHandler "
                     "staging-download: add one, or set StagingDownloadPath",
                     mount->path, policy->download_path, policy->download_path);
}

/* Download URLs of a file store are signed by us. */
static stg_error_t *check_secret(const stg_settings_t *settings, apr_pool_t *p)
{
    for (int i = 0; i < settings->stores->nelts; i++) {
        const stg_words_t *words =
            &APR_ARRAY_IDX(settings->stores, i, stg_words_t);

        if (!strncmp(words->words[1], "s3:", 3) || settings->ticket_secret)
            continue;
        return stg_raise(p, STG_E_INVALID,
                         "the store \"%s\" needs StagingTicketSecret "
                         "file:PATH, which signs its download URLs",
                         words->words[0]);
    }
    return STG_OK;
}

static stg_error_t *check_store(const stg_settings_t *settings, int which,
                                apr_pool_t *p)
{
    const stg_words_t *words =
        &APR_ARRAY_IDX(settings->stores, which, stg_words_t);
    stg_store_config_t *config;

    STG_TRY(stg_store_config_parse(&config, words->words, words->count, p));
    for (int i = 0; i < which; i++)
        if (!strcmp(config->name,
                    APR_ARRAY_IDX(settings->stores, i, stg_words_t).words[0]))
            return stg_raise(p, STG_E_INVALID,
                             "two StagingStore have the name \"%s\"",
                             config->name);
    return stg_store_check(config, p);
}

static stg_error_t *check_issuers(const stg_settings_t *settings, apr_pool_t *p)
{
    apr_array_header_t *list;
    stg_issuers_t *issuers;

    STG_TRY(stg_setup_issuers(&list, settings, p));
    return stg_issuers_create(&issuers, list, stg_http_client_create(p), p);
}

static stg_error_t *check_all(server_rec *main_server, stg_settings_t *settings,
                              apr_pool_t *p)
{
    stg_iam_config_t *iam;
    const char *secret;

    for (server_rec *s = main_server; s; s = s->next)
        STG_TRY(find_mounts(s, settings, p));
    for (int i = 0; i < settings->stores->nelts; i++)
        STG_TRY(check_store(settings, i, p));
    for (int i = 0; i < settings->mounts->nelts; i++)
        STG_TRY(check_mount(&APR_ARRAY_IDX(settings->mounts, i, stg_mount_t),
                            settings, p));
    STG_TRY(check_secret(settings, p));
    STG_TRY(stg_setup_secret(&secret, settings, p));
    STG_TRY(check_issuers(settings, p));
    return stg_setup_iam(&iam, settings, p);
}

int stg_setup_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *s)
{
    stg_settings_t *settings =
        ap_get_module_config(s->module_config, &staging_module);
    stg_error_t *err;

    (void)plog;
    (void)ptemp;
    apr_array_clear(settings->mounts);
    err = check_all(s, settings, pconf);
    if (err)
        ap_log_error(APLOG_MARK, APLOG_EMERG, 0, s, "staging: %s%s%s",
                     err->message, err->cause ? ": " : "",
                     err->cause ? err->cause : "");
    return err ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
