/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_text.h"
#include "base/clock.h"

#include <apr_strings.h>

#include <string.h>

enum { FIRST_ROOM = 768, ESCAPE_CHARS = sizeof("\\u001F") - 1 };

struct stg_json_text_t {
    apr_pool_t *pool;
    char *bytes;
    apr_size_t count;
    apr_size_t room;
};

static void make_room(stg_json_text_t *json, apr_size_t count)
{
    char *bytes;

    if (json->room - json->count >= count)
        return;
    json->room = 2 * json->room + count;
    bytes = apr_palloc(json->pool, json->room);
    memcpy(bytes, json->bytes, json->count);
    json->bytes = bytes;
}

static void add(stg_json_text_t *json, const char *bytes, apr_size_t count)
{
    make_room(json, count);
    memcpy(json->bytes + json->count, bytes, count);
    json->count += count;
}

/* RFC 8259, section 7. */
static int is_plain(unsigned char c)
{
    return c >= 0x20 && c != '"' && c != '\\';
}

static void add_escape(stg_json_text_t *json, unsigned char c)
{
    static const char hex[] = "0123456789ABCDEF";
    char escape[ESCAPE_CHARS] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

    if (c == '"' || c == '\\') {
        escape[1] = (char)c;
        add(json, escape, 2);
    } else {
        add(json, escape, ESCAPE_CHARS);
    }
}

static void add_string(stg_json_text_t *json, const char *text)
{
    add(json, "\"", 1);
    for (;;) {
        const char *begin = text;

        while (is_plain((unsigned char)*text))
            text++;
        add(json, begin, text - begin);
        if (!*text)
            break;
        add_escape(json, (unsigned char)*text++);
    }
    add(json, "\"", 1);
}

static void add_name(stg_json_text_t *json, const char *name)
{
    add(json, json->count ? "," : "{", 1);
    add_string(json, name);
    add(json, ":", 1);
}

stg_json_text_t *stg_json_text_open(apr_pool_t *p)
{
    stg_json_text_t *json = apr_palloc(p, sizeof(*json));

    *json = (stg_json_text_t){
        .pool = p, .bytes = apr_palloc(p, FIRST_ROOM), .room = FIRST_ROOM};
    return json;
}

void stg_json_text_put(stg_json_text_t *json, const char *name,
                       const char *text)
{
    add_name(json, name);
    if (text)
        add_string(json, text);
    else
        add(json, "null", 4);
}

void stg_json_text_put_int(stg_json_text_t *json, const char *name,
                           apr_int64_t value)
{
    const char *text = apr_psprintf(json->pool, "%" APR_INT64_T_FMT, value);

    add_name(json, name);
    add(json, text, strlen(text));
}

void stg_json_text_put_time(stg_json_text_t *json, const char *name,
                            apr_time_t t)
{
    stg_json_text_put(json, name, t ? stg_clock_rfc3339(t, json->pool) : NULL);
}

const char *stg_json_text_close(stg_json_text_t *json)
{
    if (!json->count)
        add(json, "{", 1);
    add(json, "}", 2);
    return json->bytes;
}
