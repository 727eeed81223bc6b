/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_JSON_H
#define STG_BASE_JSON_H

#include "base/error.h"

#include <apr_time.h>

#include <jansson.h>

/*
 * jansson's values, owned by a pool: what these functions return or take
 * over is released with it, so callers never count references.
 */

enum { STG_JSON_MAX_DEPTH = 32 };

/* One JSON document (RFC 8259) of any type. Fails with TOO_LARGE beyond max
 * bytes, with INVALID if it is malformed, repeats a name or is nested deeper
 * than STG_JSON_MAX_DEPTH. */
stg_error_t *stg_json_parse(json_t **value, const char *text, apr_size_t count,
                            apr_size_t max, apr_pool_t *p);

/* Let the pool own a value made with jansson's functions. */
json_t *stg_json_own(json_t *value, apr_pool_t *p);

/* As compact text, members in the order in which they were put. */
const char *stg_json_dump(const json_t *value, apr_pool_t *p);

/*
 * Reading the fields of an object from outside. A getter whose field is
 * missing or of another type notes a problem and goes on, so that a client
 * learns of all its mistakes at once. null counts as missing.
 */
typedef enum stg_presence_t { STG_OPTIONAL, STG_REQUIRED } stg_presence_t;

typedef struct stg_fields_t {
    const json_t *object;
    apr_array_header_t *problems; /* of stg_problem_t */
    apr_pool_t *pool;
} stg_fields_t;

/* A value that is no object is a problem, too. */
stg_fields_t *stg_fields_open(const json_t *object, apr_pool_t *p);

/* NULL if it is not there. They live as long as the object. */
const char *stg_fields_text(stg_fields_t *fields, const char *name,
                            stg_presence_t presence);
const json_t *stg_fields_object(stg_fields_t *fields, const char *name,
                                stg_presence_t presence);
const json_t *stg_fields_array(stg_fields_t *fields, const char *name,
                               stg_presence_t presence);

/* Whether it is there; *value is written only then. */
int stg_fields_int(apr_int64_t *value, stg_fields_t *fields, const char *name,
                   stg_presence_t presence);
int stg_fields_bool(int *value, stg_fields_t *fields, const char *name,
                    stg_presence_t presence);

/* Note what the caller found wrong with a field. */
void stg_fields_problem(stg_fields_t *fields, const char *name,
                        const char *message);

/* INVALID with all problems, or STG_OK if there was none. */
stg_error_t *stg_fields_check(const stg_fields_t *fields, apr_pool_t *p);

/*
 * Building an answer. Names are UTF-8. Text that is NULL or not UTF-8 becomes
 * null.
 */
json_t *stg_json_object(apr_pool_t *p);
void stg_json_put_text(json_t *object, const char *name, const char *text);

/* The same for text that is known to be UTF-8, such as the database's. */
void stg_json_put_utf8(json_t *object, const char *name, const char *text);
void stg_json_put_int(json_t *object, const char *name, apr_int64_t value);
void stg_json_put_bool(json_t *object, const char *name, int value);

/* RFC 3339; the time 0 becomes null. */
void stg_json_put_time(json_t *object, const char *name, apr_time_t t,
                       apr_pool_t *p);

#endif
