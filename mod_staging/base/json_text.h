/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_JSON_TEXT_H
#define STG_BASE_JSON_TEXT_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * A JSON object that is written as text right away, for the entries of long
 * lists: to build, write and free a tree of jansson's takes ten times as
 * long. Names and texts must be UTF-8, as all is that comes from the
 * database; a text that is NULL becomes null.
 */
typedef struct stg_json_text_t stg_json_text_t;

stg_json_text_t *stg_json_text_open(apr_pool_t *p);

void stg_json_text_put(stg_json_text_t *json, const char *name,
                       const char *text);
void stg_json_text_put_int(stg_json_text_t *json, const char *name,
                           apr_int64_t value);

/* RFC 3339; the time 0 becomes null. */
void stg_json_text_put_time(stg_json_text_t *json, const char *name,
                            apr_time_t t);

/* The whole object, members in the order in which they were put. */
const char *stg_json_text_close(stg_json_text_t *json);

#endif
