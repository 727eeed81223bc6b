/* SPDX-License-Identifier: Apache-2.0 */
#include "stagingctl_config.h"

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <string.h>
#include <strings.h>

enum { MAX_FILE = 1 << 20 };

#define DEFAULT_TEMP_DIR "/var/tmp"

/* The next line without its end; lines that end in a backslash are joined
 * with the one behind. NULL at the end of the text. */
static char *next_line(const char **text, int *number, apr_pool_t *p)
{
    const char *from = *text;
    char *line;
    char *to;
    int goes_on = 1;

    if (!*from)
        return NULL;
    line = to = apr_palloc(p, strlen(from) + 1);
    while (goes_on && *from) {
        apr_size_t length = strcspn(from, "\n");
        const char *next = from + length + (from[length] == '\n');

        ++*number;
        if (length && from[length - 1] == '\r')
            length--;
        goes_on = length && from[length - 1] == '\\';
        length -= goes_on;
        memcpy(to, from, length);
        to += length;
        from = next;
    }
    *to = '\0';
    *text = from;
    return line;
}

/* As ap_getword_conf() does it: words end at white space, or are quoted by
 * either quote; a backslash takes itself and the quote around literally.
 * NULL at the end of the line. */
static const char *next_word(const char **line, apr_pool_t *p)
{
    const char *from = *line;
    char quote = 0;
    char *word;
    char *to;

    while (apr_isspace(*from))
        from++;
    if (!*from)
        return NULL;
    if (*from == '"' || *from == '\'')
        quote = *from++;
    word = to = apr_palloc(p, strlen(from) + 1);
    while (*from && (quote ? *from != quote : !apr_isspace(*from))) {
        if (*from == '\\' && (from[1] == '\\' || (quote && from[1] == quote)))
            from++;
        *to++ = *from++;
    }
    *to = '\0';
    *line = from + (quote && *from == quote);
    return word;
}

static stg_error_t *split(apr_array_header_t **words, const char *line,
                          apr_pool_t *p)
{
    const char *word;

    *words = apr_array_make(p, 4, sizeof(char *));
    while ((word = next_word(&line, p))) {
        if (strstr(word, "${"))
            return stg_raise(p, STG_E_INVALID,
                             "\"%s\": stagingctl does not know httpd's "
                             "variables, write the value itself",
                             word);
        APR_ARRAY_PUSH(*words, const char *) = word;
    }
    return STG_OK;
}

/* The only argument of a directive. */
static stg_error_t *set_text(const char **value, const char *directive,
                             const char *line, apr_pool_t *p)
{
    apr_array_header_t *words;

    STG_TRY(split(&words, line, p));
    if (words->nelts != 1)
        return stg_raise(p, STG_E_INVALID, "%s wants one argument, not %d",
                         directive, words->nelts);
    *value = APR_ARRAY_IDX(words, 0, const char *);
    return STG_OK;
}

static stg_error_t *take_line(stg_ctl_config_t *config, const char *line,
                              apr_pool_t *p)
{
    const char *name = next_word(&line, p);
    apr_array_header_t *words;

    if (!name || *name == '#')
        return STG_OK;
    if (!strcasecmp(name, "DBDParams"))
        return set_text(&config->dsn, "DBDParams", line, p);
    if (!strcasecmp(name, "StagingTempDir"))
        return set_text(&config->temp_dir, "StagingTempDir", line, p);
    if (strcasecmp(name, "StagingStore"))
        return STG_OK;
    STG_TRY(split(&words, line, p));
    APR_ARRAY_PUSH(config->stores, apr_array_header_t *) = words;
    return STG_OK;
}

stg_error_t *stg_ctl_config_parse(stg_ctl_config_t **config, const char *text,
                                  apr_pool_t *p)
{
    stg_ctl_config_t *made = apr_pcalloc(p, sizeof(*made));
    apr_pool_t *scratch; /* a line is copied with all that is behind it */
    int number = 0;

    made->temp_dir = DEFAULT_TEMP_DIR;
    made->stores = apr_array_make(p, 2, sizeof(apr_array_header_t *));
    apr_pool_create(&scratch, p);
    for (;;) {
        int first = number + 1;
        const char *line;
        stg_error_t *err;

        apr_pool_clear(scratch);
        line = next_line(&text, &number, scratch);
        if (!line)
            break;
        err = take_line(made, apr_pstrdup(p, line), p);
        if (err)
            return stg_because(err, p, "line %d", first);
    }
    apr_pool_destroy(scratch);
    *config = made;
    return STG_OK;
}

stg_error_t *stg_ctl_config_read(stg_ctl_config_t **config, const char *path,
                                 apr_pool_t *p)
{
    apr_file_t *file;
    apr_size_t count;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, 0, p);
    stg_error_t *err;
    char *text;

    if (status)
        return stg_because_apr(
            stg_raise(p, STG_E_NOT_FOUND, "The configuration cannot be read"),
            p, status, path);
    text = apr_palloc(p, MAX_FILE + 1);
    status = apr_file_read_full(file, text, MAX_FILE, &count);
    apr_file_close(file);
    if (status != APR_EOF)
        return stg_because_apr(
            stg_raise(p, STG_E_INVALID, "The configuration cannot be read"), p,
            status ? status : APR_ENOSPC, path);
    text[count] = '\0';
    err = stg_ctl_config_parse(config, text, p);
    return err ? stg_because(err, p, "%s", path) : STG_OK;
}
