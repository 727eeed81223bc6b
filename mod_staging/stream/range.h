/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_RANGE_H
#define STG_STREAM_RANGE_H

#include <apr_pools.h>

/* What a Range field (RFC 9110, 14.2) asks of size bytes. */
typedef enum stg_range_t {
    STG_RANGE_NONE,  /* no range, several, or none of ours: send all */
    STG_RANGE_PART,  /* *first and *count are set */
    STG_RANGE_BEYOND /* nothing of it is there: 416 */
} stg_range_t;

/* The Range field that counts, NULL if none: an If-Range field (condition, may
 * be NULL) must name exactly the entity tag that we have (RFC 9110, 13.1.5). */
const char *stg_range_if(const char *value, const char *condition,
                         const char *etag);

/* value may be NULL. Several ranges count as none, as a server may choose. */
stg_range_t stg_range_parse(apr_off_t *first, apr_off_t *count,
                            const char *value, apr_off_t size, apr_pool_t *p);

#endif
