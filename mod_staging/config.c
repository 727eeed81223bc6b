/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/text.h"
#include "web/policy.h"
#include "web/web.h"

#include <apr_strings.h>
#include <http_core.h>

#include <stdlib.h>

/* How the text of a directive becomes the value of its type. Returns NULL or
 * what is wrong, as the rest of a sentence. */
typedef const char *parse_fn_t(void *field, const char *text, apr_pool_t *p);

typedef struct slot_t {
    const char *name;
    const char *value; /* the default */
    parse_fn_t *parse;
    apr_size_t field;
    apr_size_t is_set;
} slot_t;

static const char *parse_TEXT(void *field, const char *text, apr_pool_t *p)
{
    (void)p;
    if (!*text)
        return "must not be empty";
    *(stg_conf_TEXT *)field = text;
    return NULL;
}

static const char *parse_WORDS(void *field, const char *text, apr_pool_t *p)
{
    const char *words = NULL;

    while (*text) {
        const char *word = ap_getword_conf(p, &text);

        words = words ? apr_pstrcat(p, words, " ", word, NULL) : word;
    }
    *(stg_conf_WORDS *)field = words;
    return words ? NULL : "wants at least one word";
}

static const char *parse_SIZE(void *field, const char *text, apr_pool_t *p)
{
    (void)p;
    return stg_parse_size(text, field)
               ? NULL
               : "wants a number of bytes, such as 4096, 64M, 5G or 2T";
}

static const char *parse_DURATION(void *field, const char *text, apr_pool_t *p)
{
    (void)p;
    return stg_parse_duration(text, field)
               ? NULL
               : "wants a time, such as 90, 90s, 15m, 12h or 30d";
}

static const char *parse_PERIOD(void *field, const char *text, apr_pool_t *p)
{
    apr_off_t seconds = 0;

    (void)p;
    if (strcasecmp(text, "off") &&
        (!stg_parse_duration(text, &seconds) || seconds < 1))
        return "wants off or a time, such as 30s or 10m";
    *(stg_conf_PERIOD *)field = seconds;
    return NULL;
}

static const char *parse_FLAG(void *field, const char *text, apr_pool_t *p)
{
    (void)p;
    if (strcasecmp(text, "on") && strcasecmp(text, "off"))
        return "wants on or off";
    *(stg_conf_FLAG *)field = !strcasecmp(text, "on");
    return NULL;
}

static const char *parse_COUNT(void *field, const char *text, apr_pool_t *p)
{
    apr_off_t value;

    (void)p;
    if (!stg_parse_off(text, &value) || value > 1000000)
        return "wants a number from 0 to 1000000";
    *(stg_conf_COUNT *)field = (int)value;
    return NULL;
}

static const char *parse_DIGESTS(void *field, const char *text, apr_pool_t *p)
{
    stg_algorithm_set_t set = 0;
    char *rest = apr_pstrdup(p, text);
    char *state;

    for (char *name = apr_strtok(rest, " ", &state); name;
         name = apr_strtok(NULL, " ", &state)) {
        stg_algorithm_t algorithm = stg_algorithm_find(name);

        if (algorithm == STG_ALGORITHMS)
            return "wants one or more of md5, sha1, sha256 and sha512";
        set |= 1u << algorithm;
    }
    *(stg_conf_DIGESTS *)field = set;
    return NULL;
}

/* As a browser sends it (RFC 6454, 6.2): what has a slash behind or capitals
 * would never be met. */
static int is_origin(const char *word)
{
    static const char scheme[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789-._:[]";
    apr_size_t length = strspn(word, scheme);

    if (!length || strncmp(word + length, "://", 3))
        return 0;
    word += length + 3;
    return *word && !word[strspn(word, host)];
}

static const char *parse_ORIGINS(void *field, const char *text, apr_pool_t *p)
{
    const char *words = NULL;
    const char *complaint = parse_WORDS(&words, text, p);
    char *state;

    *(stg_conf_ORIGINS *)field = NULL;
    if (complaint || !strcasecmp(words, "none"))
        return complaint;
    for (char *word = apr_strtok(apr_pstrdup(p, words), " ", &state); word;
         word = apr_strtok(NULL, " ", &state))
        if (!is_origin(word))
            return apr_psprintf(p,
                                "wants origins as browsers send them, such as "
                                "https://data.example.org, not %s",
                                word);
    *(stg_conf_ORIGINS *)field = words;
    return NULL;
}

static const char *parse_VERSIONS(void *field, const char *text, apr_pool_t *p)
{
    apr_uint32_t versions = 0;
    const char *words = NULL;
    const char *complaint = parse_WORDS(&words, text, p);
    char *state;

    if (complaint)
        return complaint;
    if (!strcasecmp(words, "none"))
        words = "";
    for (char *word = apr_strtok(apr_pstrdup(p, words), " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        apr_off_t version;

        if (!stg_parse_off(word, &version) || version < 1 || version > 31)
            return "wants numbers from 1 to 31, or none";
        versions |= 1u << version;
    }
    *(stg_conf_VERSIONS *)field = versions;
    return NULL;
}

/* Lists begin empty and are filled by add_words(). */
static const char *parse_LIST(void *field, const char *text, apr_pool_t *p)
{
    (void)text;
    *(stg_conf_LIST *)field = apr_array_make(p, 2, sizeof(stg_words_t));
    return NULL;
}

static const slot_t policy_slots[] = {
#define STG_POLICY(TYPE, name, field, value, help)                             \
    {name, value, parse_##TYPE, APR_OFFSETOF(stg_policy_t, field),             \
     APR_OFFSETOF(stg_policy_t, field##_is_set)},
#include "web/directives.h"
#undef STG_POLICY
};

static const slot_t server_slots[] = {
#define STG_SERVER(TYPE, name, field, value, help)                             \
    {name, value, parse_##TYPE, APR_OFFSETOF(stg_settings_t, field),           \
     APR_OFFSETOF(stg_settings_t, field##_is_set)},
#include "web/directives.h"
#undef STG_SERVER
};

static void set_defaults(void *config, const slot_t *slots, int count,
                         apr_pool_t *p)
{
    for (int i = 0; i < count; i++) {
        const slot_t *slot = &slots[i];
        void *field = (char *)config + slot->field;

        if (slot->value || slot->parse == parse_LIST)
            slot->parse(field, slot->value, p);
    }
}

void *stg_config_create_policy(apr_pool_t *p, char *section)
{
    stg_policy_t *policy = apr_pcalloc(p, sizeof(*policy));

    (void)section;
    set_defaults(policy, policy_slots,
                 sizeof(policy_slots) / sizeof(*policy_slots), p);
    return policy;
}

void *stg_config_create_settings(apr_pool_t *p, server_rec *s)
{
    stg_settings_t *settings = apr_pcalloc(p, sizeof(*settings));

    (void)s;
    set_defaults(settings, server_slots,
                 sizeof(server_slots) / sizeof(*server_slots), p);
    settings->mounts = apr_array_make(p, 4, sizeof(stg_mount_t));
    return settings;
}

void *stg_config_merge_policy(apr_pool_t *p, void *base_config,
                              void *over_config)
{
    const stg_policy_t *base = base_config;
    const stg_policy_t *over = over_config;
    stg_policy_t *merged = apr_pmemdup(p, base, sizeof(*base));

    if (over->mount)
        merged->mount = over->mount;
#define STG_POLICY(TYPE, name, field, value, help)                             \
    if (over->field##_is_set) {                                                \
        merged->field = over->field;                                           \
        merged->field##_is_set = 1;                                            \
    }
#include "web/directives.h"
#undef STG_POLICY
    return merged;
}

static const char *set(cmd_parms *cmd, void *config, const char *text)
{
    const slot_t *slot = cmd->info;
    const char *complaint =
        slot->parse((char *)config + slot->field, text, cmd->pool);

    if (complaint)
        return apr_psprintf(cmd->pool, "%s %s", slot->name, complaint);
    *(int *)((char *)config + slot->is_set) = 1;
    return NULL;
}

static const char *set_policy(cmd_parms *cmd, void *config, const char *text)
{
    return set(cmd, config, text);
}

static stg_settings_t *settings_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &staging_module);
}

static const char *set_server(cmd_parms *cmd, void *config, const char *text)
{
    const char *complaint = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)config;
    return complaint ? complaint : set(cmd, settings_of(cmd), text);
}

static const char *add_words(cmd_parms *cmd, void *config, int argc,
                             char *const argv[])
{
    const slot_t *slot = cmd->info;
    const char *complaint = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    stg_settings_t *settings = settings_of(cmd);
    stg_words_t *words;

    (void)config;
    if (complaint)
        return complaint;
    if (argc < 1)
        return apr_psprintf(cmd->pool, "%s wants at least one word",
                            slot->name);
    words = apr_array_push(*(stg_conf_LIST *)((char *)settings + slot->field));
    words->words = apr_pmemdup(cmd->pool, argv, sizeof(*argv) * argc);
    words->count = argc;
    *(int *)((char *)settings + slot->is_set) = 1;
    return NULL;
}

/* One command_rec per line of the list; the slot comes along as its info. */
enum {
#define STG_POLICY(TYPE, name, field, value, help) POLICY_##field,
#include "web/directives.h"
#undef STG_POLICY
};

enum {
#define STG_SERVER(TYPE, name, field, value, help) SERVER_##field,
#include "web/directives.h"
#undef STG_SERVER
};

/* clang-format off */
#define POLICY_TEXT     AP_INIT_TAKE1
#define POLICY_SIZE     AP_INIT_TAKE1
#define POLICY_DURATION AP_INIT_TAKE1
#define POLICY_FLAG     AP_INIT_TAKE1
#define POLICY_WORDS    AP_INIT_RAW_ARGS
#define POLICY_DIGESTS  AP_INIT_RAW_ARGS
#define POLICY_ORIGINS  AP_INIT_RAW_ARGS
#define POLICY_VERSIONS AP_INIT_RAW_ARGS
#define SERVER_TEXT(name, slot, help)     AP_INIT_TAKE1(name, set_server, slot, RSRC_CONF, help)
#define SERVER_SIZE     SERVER_TEXT
#define SERVER_DURATION SERVER_TEXT
#define SERVER_PERIOD   SERVER_TEXT
#define SERVER_COUNT    SERVER_TEXT
#define SERVER_LIST(name, slot, help)     AP_INIT_TAKE_ARGV(name, add_words, slot, RSRC_CONF, help)

const command_rec stg_config_directives[] = {
#define STG_POLICY(TYPE, name, field, value, help) \
    POLICY_##TYPE(name, set_policy, (void *)&policy_slots[POLICY_##field], RSRC_CONF | ACCESS_CONF, help),
#include "web/directives.h"
#undef STG_POLICY
#define STG_SERVER(TYPE, name, field, value, help) \
    SERVER_##TYPE(name, (void *)&server_slots[SERVER_##field], help),
#include "web/directives.h"
#undef STG_SERVER
    {NULL}
};
/* clang-format on */
