/* SPDX-License-Identifier: Apache-2.0 */
/* What is not wrong in the configuration itself but will hurt. */
#include "setup.h"

#include "db/schema.h"
#include "store/store.h"
#include "web/web.h"

#include <apr_strings.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>

#include <stdlib.h>
#include <string.h>

APLOG_USE_MODULE(staging);

/* httpd's own default since 2.4.54 (core.html#limitrequestbody) */
#define BODY_LIMIT_UNSET ((apr_off_t)-1)
#define HTTPD_BODY_LIMIT APR_INT64_C(1073741824)

/* mod_dbd's own defaults */
enum { DBD_KEEP_DEFAULT = 2, DBD_MAX_DEFAULT = 10 };

static void warn(server_rec *s, const stg_error_t *err)
{
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, "staging: %s%s%s",
                 err->message, err->cause ? ": " : "",
                 err->cause ? err->cause : "");
}

/* The arguments of the last directive of this name, anywhere; NULL if none. */
static const char *find_directive(const ap_directive_t *tree, const char *name)
{
    const char *found = NULL;

    for (; tree; tree = tree->next) {
        const char *inner;

        if (!strcasecmp(tree->directive, name))
            found = tree->args;
        inner = find_directive(tree->first_child, name);
        if (inner)
            found = inner;
    }
    return found;
}

/* Virtual hosts have the main server's locations, too. */
static int is_inherited(const apr_array_header_t *mounts, int which)
{
    for (int i = 0; i < which; i++)
        if (!strcmp(APR_ARRAY_IDX(mounts, i, stg_mount_t).path,
                    APR_ARRAY_IDX(mounts, which, stg_mount_t).path))
            return 1;
    return 0;
}

/* StagingMaxAppend is for resumable uploads; for others it stays unset. */
static apr_off_t largest_body(const stg_policy_t *policy)
{
    return policy->max_append && policy->max_append < policy->max_upload
               ? policy->max_append
               : policy->max_upload;
}

static void warn_body_limit(server_rec *s, const stg_mount_t *mount)
{
    core_server_config *core =
        ap_get_core_module_config(mount->server->module_config);
    apr_off_t limit = HTTPD_BODY_LIMIT;
    const core_dir_config *dir =
        ap_get_core_module_config(mount->server->lookup_defaults);

    if (dir->limit_req_body != BODY_LIMIT_UNSET)
        limit = dir->limit_req_body;
    for (int i = 0; i < core->sec_url->nelts; i++) {
        dir = ap_get_core_module_config(
            APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *));
        if (!strncmp(dir->d, mount->path, strlen(dir->d)) &&
            dir->limit_req_body != BODY_LIMIT_UNSET)
            limit = dir->limit_req_body;
    }
    if (limit && limit < largest_body(mount->policy))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "staging: LimitRequestBody is %" APR_OFF_T_FMT
                     " bytes at %s, less than we accept: larger "
                     "requests get 413; set LimitRequestBody 0 there",
                     limit, mount->path);
}

/* Offsets and digests count the bytes as they were sent. */
static void warn_inflated(server_rec *s, const stg_mount_t *mount)
{
    core_server_config *core =
        ap_get_core_module_config(mount->server->module_config);
    const core_dir_config *dir =
        ap_get_core_module_config(mount->server->lookup_defaults);
    const char *filters = dir->input_filters;

    for (int i = 0; i < core->sec_url->nelts; i++) {
        dir = ap_get_core_module_config(
            APR_ARRAY_IDX(core->sec_url, i, ap_conf_vector_t *));
        if (!strncmp(dir->d, mount->path, strlen(dir->d)) && dir->input_filters)
            filters = dir->input_filters;
    }
    if (filters && ap_strcasestr(filters, "DEFLATE"))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "staging: SetInputFilter %s inflates what is sent to %s: "
                     "offsets and digests do not fit any more; take DEFLATE "
                     "out there",
                     filters, mount->path);
}

/* Does it receive objects? */
static int is_receiving(const stg_mount_t *mount)
{
    return !strcmp(mount->handler, "staging-uploads") ||
           !strcmp(mount->handler, "staging-resumable");
}

/* Who has no room left at one location takes the other. */
static void warn_quota(server_rec *s, const apr_array_header_t *mounts,
                       int which)
{
    const stg_mount_t *mount = &APR_ARRAY_IDX(mounts, which, stg_mount_t);

    for (int i = 0; i < which; i++) {
        const stg_mount_t *other = &APR_ARRAY_IDX(mounts, i, stg_mount_t);

        if (!is_receiving(other) ||
            strcmp(other->policy->service, mount->policy->service) != 0 ||
            other->policy->quota == mount->policy->quota)
            continue;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "staging: StagingQuota of %s and %s differs, but not "
                     "their StagingService: the smaller one limits nobody",
                     other->path, mount->path);
        return;
    }
}

static void warn_read_timeout(server_rec *s)
{
    const char *args = find_directive(ap_conftree, "RequestReadTimeout");
    const char *body = args ? strstr(args, "body=") : NULL;

    if (body && strncmp(body, "body=0", 6) && !strstr(body, "MinRate") &&
        !strstr(body, "minrate"))
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "staging: RequestReadTimeout %s has no MinRate for the "
                     "body: an upload that takes longer is cut off; use "
                     "body=20,MinRate=500",
                     args);
}

/* Such a token may have been meant for anybody (RFC 8725, 3.9). */
static void warn_issuers(server_rec *s, const stg_settings_t *settings,
                         apr_pool_t *p)
{
    apr_array_header_t *issuers;

    if (stg_setup_issuers(&issuers, settings, p))
        return;
    for (int i = 0; i < issuers->nelts; i++) {
        const stg_issuer_t *issuer = APR_ARRAY_IDX(issuers, i, stg_issuer_t *);

        if (!issuer->audience)
            ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s,
                         "staging: tokens of issuer %s are accepted without "
                         "aud; the IAM is asked what they allow",
                         issuer->name);
    }
}

static void warn_database(server_rec *s, apr_pool_t *p)
{
    const char *dsn = find_directive(ap_conftree, "DBDParams");
    stg_db_lender_t lender;
    stg_error_t *err;

    if (!dsn) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "staging: no DBDParams: mod_dbd needs DBDriver pgsql and "
                     "DBDParams with the connection of the database");
        return;
    }
    err = stg_db_pool_create(&lender, ap_getword_conf(p, &dsn), 1, p);
    if (!err)
        err = stg_schema_check(stg_db_create(&lender, p), p);
    if (err)
        warn(s, err);
}

/* File stores belong to the children's user and are left to them. */
static stg_error_t *ping_store(const stg_words_t *words, apr_pool_t *p)
{
    stg_store_config_t *config;
    stg_store_t *store;

    STG_TRY(stg_store_config_parse(&config, words->words, words->count, p));
    if (strncmp(config->url, "s3:", 3))
        return STG_OK;
    STG_TRY(stg_store_open(&store, config, p));
    return store->driver->ping(store, p);
}

static void warn_stores(server_rec *s, const stg_settings_t *settings,
                        apr_pool_t *p)
{
    for (int i = 0; i < settings->stores->nelts; i++) {
        const stg_words_t *words =
            &APR_ARRAY_IDX(settings->stores, i, stg_words_t);
        stg_error_t *err = ping_store(words, p);

        if (err)
            warn(s, stg_because(err, p, "store %s", words->words[0]));
    }
}

static int number_of(const char *directive, int usual)
{
    const char *args = find_directive(ap_conftree, directive);

    return args ? atoi(args) : usual;
}

int stg_setup_dbd_max(void)
{
    return number_of("DBDMax", DBD_MAX_DEFAULT);
}

/* apr_reslist, which mod_dbd keeps its connections in, is not made then, and
 * the reason of what follows is said nowhere. */
static void warn_dbd_keep(server_rec *s)
{
    int keep = number_of("DBDKeep", DBD_KEEP_DEFAULT);
    int max = stg_setup_dbd_max();

    if (keep > max)
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "staging: DBDKeep %d is more than DBDMax %d: mod_dbd "
                     "gives no connection then",
                     keep, max);
}

void stg_setup_warn(apr_pool_t *p, server_rec *s)
{
    const stg_settings_t *settings =
        ap_get_module_config(s->module_config, &staging_module);

    if (!settings->mounts->nelts || apr_pool_create(&p, p) != APR_SUCCESS)
        return;
    for (int i = 0; i < settings->mounts->nelts; i++) {
        const stg_mount_t *mount =
            &APR_ARRAY_IDX(settings->mounts, i, stg_mount_t);

        if (!is_receiving(mount) || is_inherited(settings->mounts, i))
            continue;
        warn_body_limit(s, mount);
        warn_inflated(s, mount);
        warn_quota(s, settings->mounts, i);
    }
    warn_read_timeout(s);
    warn_dbd_keep(s);
    warn_issuers(s, settings, p);
    apr_pool_destroy(p);
}

void stg_setup_ask(apr_pool_t *p, server_rec *s)
{
    const stg_settings_t *settings =
        ap_get_module_config(s->module_config, &staging_module);

    if (!settings->mounts->nelts || apr_pool_create(&p, p) != APR_SUCCESS)
        return;
    warn_database(s, p);
    warn_stores(s, settings, p);
    apr_pool_destroy(p);
}
