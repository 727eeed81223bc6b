/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/formdata.h"

#include <apr_strings.h>

#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 20 };

typedef struct record_t {
    stg_memory_sink_t *memory;
    apr_pool_t *p;
} record_t;

static stg_error_t *note(record_t *record, const char *text)
{
    return stg_sink_write(stg_memory_sink(record->memory), text, strlen(text));
}

static stg_error_t *begin_part(stg_sink_t **data, void *context,
                               const stg_part_t *part)
{
    record_t *record = context;

    *data = *part->name == '-' ? NULL : stg_memory_sink(record->memory);
    return note(record,
                apr_pstrcat(record->p, "<", part->name, "|",
                            part->filename ? part->filename : "-", "|",
                            part->content_type ? part->content_type : "-", ">",
                            NULL));
}

static stg_error_t *end_part(void *context)
{
    return note(context, "</>");
}

static stg_error_t *parse(record_t *record, const char *bytes, apr_size_t count,
                          apr_size_t step)
{
    stg_formdata_handler_t handler = {begin_part, end_part, record};
    stg_sink_t *sink = stg_formdata_create("xYzY", &handler, record->p);

    while (count) {
        apr_size_t part = count < step ? count : step;
        char *piece = malloc(part);
        stg_error_t *err;

        memcpy(piece, bytes, part);
        err = stg_sink_write(sink, piece, part);
        free(piece);
        STG_TRY(err);
        bytes += part;
        count -= part;
    }
    return stg_sink_close(sink);
}

/* The first byte says in which pieces the rest comes. The outcome has to be
 * the same as in one piece. */
void stg_fuzz_formdata(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    record_t one = {stg_memory_sink_create(MOST, p), p};
    record_t other = {stg_memory_sink_create(MOST, p), p};
    const char *boundary, *text;
    apr_size_t size, other_size;
    stg_error_t *err, *other_err;

    if (!count || stg_formdata_boundary(&boundary, bytes, p))
        return;
    err = parse(&one, bytes + 1, count - 1, count);
    other_err = parse(&other, bytes + 1, count - 1, (unsigned char)*bytes + 1);
    text = stg_memory_sink_text(one.memory, &size);
    if ((err ? (int)err->code : -1) !=
            (other_err ? (int)other_err->code : -1) ||
        memcmp(text, stg_memory_sink_text(other.memory, &other_size), size) ||
        size != other_size)
        abort();
}
