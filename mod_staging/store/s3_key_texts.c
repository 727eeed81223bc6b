/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_key_texts.h"
#include "store/s3_xml.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include <jansson.h>

#include <string.h>

stg_error_t *stg_s3_no_keys(const char *why, apr_pool_t *p)
{
    return stg_because(
        stg_raise(p, STG_E_STORE_FAILED, "the store's keys cannot be read"), p,
        "%s", why);
}

char *stg_s3_trim(char *text)
{
    apr_size_t length;

    while (apr_isspace(*text))
        text++;
    length = strlen(text);
    while (length > 0 && apr_isspace(text[length - 1]))
        text[--length] = '\0';
    return text;
}

stg_error_t *stg_s3_keys_of_lines(stg_s3_keys_t *keys, char *text,
                                  apr_pool_t *p)
{
    char *end;

    text = stg_s3_trim(text);
    end = strpbrk(text, ":\n");
    if (!end)
        return stg_s3_no_keys("a file of keys has two lines, or ACCESS:SECRET",
                              p);
    *end = '\0';
    keys->access_key = stg_s3_trim(text);
    keys->secret_key = stg_s3_trim(end + 1);
    return STG_OK;
}

static void take_setting(stg_s3_keys_t *keys, const char *name,
                         const char *value)
{
    if (strcasecmp(name, "aws_access_key_id") == 0)
        keys->access_key = value;
    else if (strcasecmp(name, "aws_secret_access_key") == 0)
        keys->secret_key = value;
    else if (strcasecmp(name, "aws_session_token") == 0)
        keys->token = value;
}

/* A comment inside a line begins after white space only. */
static void cut_comment(char *value)
{
    for (char *c = value; *c; c++) {
        if ((*c == '#' || *c == ';') && c > value && apr_isspace(c[-1])) {
            *c = '\0';
            return;
        }
    }
}

static void read_line(stg_s3_keys_t *keys, char *line, const char *profile,
                      int *is_inside)
{
    char *end, *equals;

    if (*line == '#' || *line == ';' || apr_isspace(*line))
        return;
    if (*line == '[') {
        end = strchr(line, ']');
        if (end)
            *end = '\0';
        *is_inside = end && strcmp(stg_s3_trim(line + 1), profile) == 0;
        return;
    }
    equals = strchr(line, '=');
    if (!*is_inside || !equals)
        return;
    *equals = '\0';
    cut_comment(equals + 1);
    take_setting(keys, stg_s3_trim(line), stg_s3_trim(equals + 1));
}

void stg_s3_keys_of_profile(stg_s3_keys_t *keys, char *text,
                            const char *profile)
{
    char *line, *state;
    int is_inside = 0;

    for (line = apr_strtok(text, "\r\n", &state); line;
         line = apr_strtok(NULL, "\r\n", &state))
        read_line(keys, line, profile, &is_inside);
}

static apr_status_t free_json(void *data)
{
    json_decref(data);
    return APR_SUCCESS;
}

static const char *member(const json_t *object, const char *name, apr_pool_t *p)
{
    const char *value = json_string_value(json_object_get(object, name));

    return value ? apr_pstrdup(p, value) : NULL;
}

stg_error_t *stg_s3_keys_of_json(stg_s3_keys_t *keys, const char *text,
                                 apr_pool_t *p)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *code, *expires;

    if (!object)
        return stg_s3_no_keys("a metadata service sent no JSON", p);
    apr_pool_cleanup_register(p, object, free_json, apr_pool_cleanup_null);
    code = member(object, "Code", p);
    if (code && strcmp(code, "Success") != 0)
        return stg_s3_no_keys(apr_pstrcat(p, "metadata service: ", code, NULL),
                              p);
    keys->access_key = member(object, "AccessKeyId", p);
    keys->secret_key = member(object, "SecretAccessKey", p);
    keys->token = member(object, "Token", p);
    expires = member(object, "Expiration", p);
    keys->expires = expires ? stg_s3_time(expires) : 0;
    return STG_OK;
}
