/* SPDX-License-Identifier: Apache-2.0 */
#include "store_fixture.h"

#include "base/ids.h"

#include <apr_strings.h>

/* A prime, so that the pattern never falls in step with blocks and pages. */
enum { PATTERN = 65521 };

fixture_t fixture;

static unsigned char pattern[PATTERN];

static void make_pattern(void)
{
    unsigned int x = 2463534242u;

    for (int i = 0; i < PATTERN; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        pattern[i] = (unsigned char)x;
    }
}

/* A run of the sample's bytes from offset on: *count is made no larger. */
static const char *bytes_at(unsigned int seed, apr_off_t offset,
                            apr_size_t *count)
{
    apr_size_t at = (apr_size_t)((offset + seed * 977LL) % PATTERN);

    if (*count > PATTERN - at)
        *count = PATTERN - at;
    return (const char *)pattern + at;
}

const char *new_key(void)
{
    return stg_store_key(stg_uuid_create(fixture.p), fixture.p);
}

static stg_error_t *remember_parts(void *context, const char *parts_id,
                                   apr_pool_t *p)
{
    sample_t *sample = context;

    (void)p;
    apr_cpystrn(sample->parts_text, parts_id, sizeof(sample->parts_text));
    sample->parts_id = sample->parts_text;
    return STG_OK;
}

stg_error_t *open_sample(stg_sink_t **sink, sample_t *sample, apr_pool_t *p)
{
    stg_object_spec_t spec = {.key = sample->key,
                              .content_type = "application/octet-stream",
                              .token = "conformance",
                              .size = -1,
                              .receipt = &sample->receipt,
                              .on_parts_begun = remember_parts,
                              .context = sample};

    return fixture.store->driver->create(sink, fixture.store, &spec, p);
}

stg_error_t *fill_sample(stg_sink_t *sink, const sample_t *sample)
{
    static const apr_size_t mixed[] = {100,       70 * KIB, 63 * KIB,
                                       256 * KIB, 1,        4 * KIB};
    char block[256 * KIB];
    int turn = 0;

    for (apr_off_t done = 0; done < sample->size;) {
        apr_size_t wanted = sample->block ? sample->block : mixed[turn++ % 6];
        apr_size_t filled = 0;

        if ((apr_off_t)wanted > sample->size - done)
            wanted = (apr_size_t)(sample->size - done);
        while (filled < wanted) {
            apr_size_t run = wanted - filled;
            const char *bytes =
                bytes_at(sample->seed, done + (apr_off_t)filled, &run);

            memcpy(block + filled, bytes, run);
            filled += run;
        }
        STG_TRY(stg_sink_write(sink, block, wanted));
        done += (apr_off_t)wanted;
    }
    return STG_OK;
}

stg_error_t *write_sample(sample_t *sample, apr_pool_t *p)
{
    stg_error_t *err;
    apr_pool_t *own;
    stg_sink_t *sink;

    apr_pool_create(&own, p);
    err = open_sample(&sink, sample, own);
    if (!err)
        err = fill_sample(sink, sample);
    if (!err)
        err = stg_sink_close(sink);
    err = stg_error_copy(err, p);
    sample->receipt.etag = apr_pstrdup(p, sample->receipt.etag);
    apr_pool_destroy(own);
    return err;
}

stg_unfinished_t unfinished(const sample_t *sample)
{
    return (stg_unfinished_t){.key = sample->key,
                              .parts_id = sample->parts_id,
                              .size = sample->receipt.size,
                              .etag = sample->receipt.etag,
                              .token = "conformance"};
}

stg_error_t *write_finished_sample(sample_t *sample, apr_pool_t *p)
{
    stg_unfinished_t what;

    STG_TRY(write_sample(sample, p));
    if (sample->receipt.is_finished)
        return STG_OK;
    what = unfinished(sample);
    return fixture.store->driver->finish(fixture.store, &what, p);
}

stg_error_t *begin_sample(sample_t *sample)
{
    const stg_object_spec_t spec = {.key = sample->key,
                                    .content_type = "application/octet-stream",
                                    .token = "conformance",
                                    .size = -1,
                                    .on_parts_begun = remember_parts,
                                    .context = sample};

    return fixture.store->driver->begin_parts(fixture.store, &spec, fixture.p);
}

stg_error_t *put_sample(stg_stored_part_t *part, const sample_t *sample,
                        stg_part_budget_t *budget, apr_pool_t *p)
{
    stg_part_buffer_t *buffer = stg_part_buffer_create(budget, p);
    stg_unfinished_t what = unfinished(sample);

    stg_part_buffer_clear(buffer, part->size);
    while (stg_part_buffer_room(buffer)) {
        apr_size_t run = (apr_size_t)stg_part_buffer_room(buffer);
        const char *bytes = bytes_at(
            sample->seed, part->first + stg_part_buffer_size(buffer), &run);

        STG_TRY(stg_part_buffer_add(buffer, bytes, run, p));
    }
    STG_TRY(
        fixture.store->driver->put_part(part, fixture.store, &what, buffer, p));
    return fixture.store->driver->sync_parts(fixture.store, &what,
                                             part->segment, p);
}

stg_error_t *finish_sample(const sample_t *sample,
                           const stg_stored_part_t *parts, int count)
{
    stg_unfinished_t what = unfinished(sample);

    what.size = sample->size;
    what.parts = parts;
    what.part_count = count;
    return fixture.store->driver->finish(fixture.store, &what, fixture.p);
}

typedef struct comparing_t {
    stg_sink_t sink;
    const sample_t *sample;
    apr_off_t at;
    int is_equal;
} comparing_t;

static stg_error_t *compare(stg_sink_t *sink, const char *bytes,
                            apr_size_t count)
{
    comparing_t *comparing = (comparing_t *)sink;

    while (count) {
        apr_size_t run = count;
        const char *wanted =
            bytes_at(comparing->sample->seed, comparing->at, &run);

        if (memcmp(bytes, wanted, run))
            comparing->is_equal = 0;
        comparing->at += (apr_off_t)run;
        bytes += run;
        count -= run;
    }
    return STG_OK;
}

static stg_error_t *must_not_close(stg_sink_t *sink)
{
    ((comparing_t *)sink)->is_equal = 0;
    return STG_OK;
}

stg_error_t *compare_range(int *is_equal, const sample_t *sample,
                           apr_off_t first, apr_off_t count, apr_pool_t *p)
{
    static const stg_sink_class_t comparing_class = {compare, must_not_close};
    comparing_t comparing = {.sink = {&comparing_class, p},
                             .sample = sample,
                             .at = first,
                             .is_equal = 1};
    apr_off_t end = count < 0 ? sample->size : first + count;

    STG_TRY(fixture.store->driver->read(fixture.store, sample->key, first,
                                        count, &comparing.sink, p));
    *is_equal = comparing.is_equal && comparing.at == end;
    return STG_OK;
}

stg_error_t *find_sample(stg_found_t *found, const sample_t *sample)
{
    return fixture.store->driver->head(found, fixture.store, sample->key,
                                       fixture.p);
}

stg_error_t *remove_sample(const sample_t *sample)
{
    stg_unfinished_t what = unfinished(sample);

    return fixture.store->driver->remove(fixture.store, &what, 1, fixture.p);
}

static stg_error_t *keep_found(void *context, const stg_found_t *found,
                               apr_pool_t *p)
{
    stg_found_t *kept = apr_array_push(context);

    (void)p;
    *kept = *found;
    kept->key = apr_pstrdup(fixture.p, found->key);
    kept->parts_id = apr_pstrdup(fixture.p, found->parts_id);
    kept->etag = apr_pstrdup(fixture.p, found->etag);
    return STG_OK;
}

apr_array_header_t *list_found(void)
{
    apr_array_header_t *list =
        apr_array_make(fixture.p, 16, sizeof(stg_found_t));

    STG_CHECK_OK(fixture.store->driver->list(fixture.store, keep_found, list,
                                             fixture.p));
    return list;
}

void begin_test(void)
{
    if (!pattern[0])
        make_pattern();
    apr_pool_create(&fixture.p, NULL);
}

void end_test(void)
{
    apr_array_header_t *list = list_found();

    for (int i = 0; i < list->nelts; i++) {
        const stg_found_t *found = &APR_ARRAY_IDX(list, i, stg_found_t);
        stg_unfinished_t what = {.key = found->key,
                                 .parts_id = found->parts_id};

        STG_CHECK_OK(
            fixture.store->driver->remove(fixture.store, &what, 1, fixture.p));
    }
    apr_pool_destroy(fixture.p);
}
