/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/clock.h"

#include <apr_strings.h>

#include <string.h>

enum { USUAL_SIZE = 1000 };

static apr_status_t release(void *value)
{
    json_decref(value);
    return APR_SUCCESS;
}

json_t *stg_json_own(json_t *value, apr_pool_t *p)
{
    apr_pool_cleanup_register(p, value, release, apr_pool_cleanup_null);
    return value;
}

/* jansson's own limit is 2048 levels, fixed when it was built. */
static int is_too_deep(const char *text, apr_size_t count)
{
    int depth = 0;
    int is_in_string = 0;

    for (apr_size_t i = 0; i < count; i++) {
        char c = text[i];

        if (c == '"')
            is_in_string = !is_in_string;
        else if (is_in_string)
            i += c == '\\';
        else if (c == '{' || c == '[')
            depth++;
        else if (c == '}' || c == ']')
            depth--;
        if (depth > STG_JSON_MAX_DEPTH)
            return 1;
    }
    return 0;
}

stg_error_t *stg_json_parse(json_t **value, const char *text, apr_size_t count,
                            apr_size_t max, apr_pool_t *p)
{
    json_error_t error;
    json_t *parsed;

    if (count > max)
        return stg_raise(p, STG_E_TOO_LARGE,
                         "the JSON document exceeds %" APR_SIZE_T_FMT " bytes",
                         max);
    if (is_too_deep(text, count))
        return stg_raise(p, STG_E_INVALID,
                         "the JSON document is nested deeper than %d levels",
                         STG_JSON_MAX_DEPTH);
    parsed = json_loadb(text, count, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
                        &error);
    if (!parsed)
        return stg_because(stg_raise(p, STG_E_INVALID,
                                     "the JSON document is malformed in line "
                                     "%d, column %d",
                                     error.line, error.column),
                           p, "%s", error.text);
    *value = stg_json_own(parsed, p);
    return STG_OK;
}

/* What most documents of ours fit into is tried first: to ask for the size is
 * to write all of it. */
const char *stg_json_dump(const json_t *value, apr_pool_t *p)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    char *text = apr_palloc(p, USUAL_SIZE + 1);
    size_t size = json_dumpb(value, text, USUAL_SIZE, flags);

    if (size > USUAL_SIZE) {
        text = apr_palloc(p, size + 1);
        json_dumpb(value, text, size, flags);
    }
    text[size] = '\0';
    return text;
}

stg_fields_t *stg_fields_open(const json_t *object, apr_pool_t *p)
{
    stg_fields_t *fields = apr_palloc(p, sizeof(*fields));

    fields->object = object;
    fields->problems = apr_array_make(p, 2, sizeof(stg_problem_t));
    fields->pool = p;
    if (!json_is_object(object))
        stg_fields_problem(fields, "", "is not a JSON object");
    return fields;
}

void stg_fields_problem(stg_fields_t *fields, const char *name,
                        const char *message)
{
    stg_problem_t *problem = apr_array_push(fields->problems);

    problem->field = apr_pstrdup(fields->pool, name);
    problem->message = apr_pstrdup(fields->pool, message);
}

/* The field if it is there and of this type (both kinds of boolean are
 * JSON_TRUE here). */
static const json_t *find(stg_fields_t *fields, const char *name,
                          stg_presence_t presence, json_type type)
{
    static const char *const wrong[] = {
        [JSON_OBJECT] = "is not an object",
        [JSON_ARRAY] = "is not an array",
        [JSON_STRING] = "is not a string",
        [JSON_INTEGER] = "is not a whole number",
        [JSON_TRUE] = "is neither true nor false",
    };
    const json_t *value = json_object_get(fields->object, name);

    if (!value || json_is_null(value)) {
        if (presence == STG_REQUIRED && json_is_object(fields->object))
            stg_fields_problem(fields, name, "is missing");
        return NULL;
    }
    if (json_typeof(value) == type ||
        (type == JSON_TRUE && json_is_boolean(value)))
        return value;
    stg_fields_problem(fields, name, wrong[type]);
    return NULL;
}

const char *stg_fields_text(stg_fields_t *fields, const char *name,
                            stg_presence_t presence)
{
    return json_string_value(find(fields, name, presence, JSON_STRING));
}

const json_t *stg_fields_object(stg_fields_t *fields, const char *name,
                                stg_presence_t presence)
{
    return find(fields, name, presence, JSON_OBJECT);
}

const json_t *stg_fields_array(stg_fields_t *fields, const char *name,
                               stg_presence_t presence)
{
    return find(fields, name, presence, JSON_ARRAY);
}

int stg_fields_int(apr_int64_t *value, stg_fields_t *fields, const char *name,
                   stg_presence_t presence)
{
    const json_t *found = find(fields, name, presence, JSON_INTEGER);

    if (found)
        *value = json_integer_value(found);
    return found != NULL;
}

int stg_fields_bool(int *value, stg_fields_t *fields, const char *name,
                    stg_presence_t presence)
{
    const json_t *found = find(fields, name, presence, JSON_TRUE);

    if (found)
        *value = json_is_true(found);
    return found != NULL;
}

stg_error_t *stg_fields_check(const stg_fields_t *fields, apr_pool_t *p)
{
    const stg_problem_t *first;
    stg_error_t *err;

    if (!fields->problems->nelts)
        return STG_OK;
    first = &APR_ARRAY_IDX(fields->problems, 0, stg_problem_t);
    err = stg_raise(p, STG_E_INVALID, "%s %s",
                    *first->field ? first->field : "the body", first->message);
    err->problems = fields->problems;
    return err;
}

json_t *stg_json_object(apr_pool_t *p)
{
    return stg_json_own(json_object(), p);
}

void stg_json_put_text(json_t *object, const char *name, const char *text)
{
    json_t *value = text ? json_string(text) : NULL;

    json_object_set_new_nocheck(object, name, value ? value : json_null());
}

void stg_json_put_utf8(json_t *object, const char *name, const char *text)
{
    json_object_set_new_nocheck(object, name,
                                text ? json_string_nocheck(text) : json_null());
}

void stg_json_put_int(json_t *object, const char *name, apr_int64_t value)
{
    json_object_set_new_nocheck(object, name, json_integer(value));
}

void stg_json_put_bool(json_t *object, const char *name, int value)
{
    json_object_set_new_nocheck(object, name, json_boolean(value));
}

void stg_json_put_time(json_t *object, const char *name, apr_time_t t,
                       apr_pool_t *p)
{
    stg_json_put_text(object, name, t ? stg_clock_rfc3339(t, p) : NULL);
}
