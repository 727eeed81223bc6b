/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_place.h"
#include "base/clock.h"

#include <apr_date.h>
#include <apr_strings.h>

#include <pthread.h>
#include <string.h>

enum { REGION_CHARS = 64 };

/* Date has whole seconds: less than this is no skew. */
#define MIN_OFFSET apr_time_from_sec(5)

struct stg_s3_place_t {
    const char *region; /* as configured */
    pthread_mutex_t mutex;
    struct {
        apr_interval_time_t offset;
        char region[REGION_CHARS]; /* learned; "" = as configured */
    } synced;
};

static apr_status_t destroy(void *data)
{
    stg_s3_place_t *place = data;

    pthread_mutex_destroy(&place->mutex);
    return APR_SUCCESS;
}

stg_s3_place_t *stg_s3_place_create(const char *region, apr_pool_t *p)
{
    stg_s3_place_t *place = apr_pcalloc(p, sizeof(*place));

    place->region = region;
    pthread_mutex_init(&place->mutex, NULL);
    apr_pool_cleanup_register(p, place, destroy, apr_pool_cleanup_null);
    return place;
}

apr_interval_time_t stg_s3_place_offset(stg_s3_place_t *place)
{
    apr_interval_time_t offset;

    pthread_mutex_lock(&place->mutex);
    offset = place->synced.offset;
    pthread_mutex_unlock(&place->mutex);
    return offset;
}

/* A cache on the way would show us an old date. */
int stg_s3_place_learn_clock(stg_s3_place_t *place, const apr_table_t *headers)
{
    const char *date = apr_table_get(headers, "Date");
    apr_time_t theirs = date ? apr_date_parse_http(date) : 0;
    apr_interval_time_t offset = theirs - stg_clock_now(), moved;

    if (!theirs || apr_table_get(headers, "Age") ||
        apr_table_get(headers, "Via"))
        return 0;
    if (offset > -MIN_OFFSET && offset < MIN_OFFSET)
        offset = 0;
    pthread_mutex_lock(&place->mutex);
    moved = offset - place->synced.offset;
    place->synced.offset = offset;
    pthread_mutex_unlock(&place->mutex);
    return moved <= -MIN_OFFSET || moved >= MIN_OFFSET;
}

const char *stg_s3_place_region(stg_s3_place_t *place, apr_pool_t *p)
{
    const char *region;

    pthread_mutex_lock(&place->mutex);
    region = apr_pstrdup(p, place->synced.region);
    pthread_mutex_unlock(&place->mutex);
    return *region ? region : place->region;
}

/* It becomes part of a host name: no more than a label may come in. */
static int is_region(const char *region)
{
    apr_size_t length = strlen(region);

    return length > 0 && length < REGION_CHARS &&
           strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

int stg_s3_place_learn_region(stg_s3_place_t *place, const char *region,
                              apr_pool_t *p)
{
    if (!region || !is_region(region) ||
        strcmp(region, stg_s3_place_region(place, p)) == 0)
        return 0;
    pthread_mutex_lock(&place->mutex);
    apr_cpystrn(place->synced.region, region, REGION_CHARS);
    pthread_mutex_unlock(&place->mutex);
    return 1;
}
