/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/formdata.h"

#include "check.h"

#include <apr_strings.h>

#include <stdlib.h>

static apr_pool_t *pool;

static int set_up(void)
{
    return apr_pool_create(&pool, NULL) != APR_SUCCESS;
}

static int tear_down(void)
{
    apr_pool_destroy(pool);
    return 0;
}

/* Writes down what the parser says: "<name|filename|type>bytes</>". A part
 * called "skip" gets no sink, one called "fail" is refused. */
typedef struct record_t {
    stg_memory_sink_t *memory;
    apr_pool_t *p;
} record_t;

static const char *shown(const char *text)
{
    return text ? text : "-";
}

static stg_error_t *note(record_t *record, const char *text)
{
    return stg_sink_write(stg_memory_sink(record->memory), text, strlen(text));
}

static stg_error_t *begin_part(stg_sink_t **data, void *context,
                               const stg_part_t *part)
{
    record_t *record = context;

    if (strcmp(part->name, "fail") == 0)
        return stg_raise(record->p, STG_E_CONFLICT, "as told");
    *data = strcmp(part->name, "skip") ? stg_memory_sink(record->memory) : NULL;
    return note(record,
                apr_psprintf(record->p, "<%s|%s|%s>", part->name,
                             shown(part->filename), shown(part->content_type)));
}

static stg_error_t *end_part(void *context)
{
    return note(context, "</>");
}

/* The body in pieces: up to cut, then pieces of step bytes. Each piece is a
 * block of its own, so that a sanitizer sees a look behind its end. */
static stg_error_t *parse(const char **result, const char *body,
                          apr_size_t count, apr_size_t cut, apr_size_t step,
                          apr_pool_t *p)
{
    record_t record = {stg_memory_sink_create(1 << 20, p), p};
    stg_formdata_handler_t handler = {begin_part, end_part, &record};
    stg_sink_t *sink = stg_formdata_create("xYzY", &handler, p);
    apr_size_t at = 0;

    *result = NULL;
    while (at < count) {
        apr_size_t size = at < cut ? cut : step;
        char *piece;
        stg_error_t *err;

        if (size > count - at)
            size = count - at;
        piece = malloc(size);
        memcpy(piece, body + at, size);
        err = stg_sink_write(sink, piece, size);
        free(piece);
        STG_TRY(err);
        at += size;
    }
    STG_TRY(stg_sink_close(sink));
    *result = stg_memory_sink_text(record.memory, NULL);
    return STG_OK;
}

static void check_pieces(const char *body, apr_size_t cut, apr_size_t step,
                         const char *expected, stg_code_t code)
{
    const char *result;
    apr_pool_t *p;
    stg_error_t *err;

    apr_pool_create(&p, pool);
    err = parse(&result, body, strlen(body), cut, step, p);
    if (expected) {
        STG_CHECK_OK(err);
        STG_CHECK_TEXT(result, expected);
    } else {
        STG_CHECK_FAILS(err, code);
    }
    apr_pool_destroy(p);
}

/* The outcome must not depend on where the body is cut. */
static void check(const char *body, const char *expected, stg_code_t code)
{
    apr_size_t count = strlen(body);

    for (apr_size_t cut = 0; cut <= count; cut++)
        check_pieces(body, cut, count + 1, expected, code);
    for (apr_size_t step = 1; step < 12; step++)
        check_pieces(body, 0, step, expected, code);
}

#define ACCEPTS(body, expected) check(body, expected, STG_E_INTERNAL)
#define REFUSES(body, code) check(body, NULL, STG_E_##code)

#define NAMED(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

static void parts_come_out_in_order(void)
{
    ACCEPTS("--xYzY\r\n"
            "Content-Disposition: form-data; name=\"file\"; "
            "filename=\"a b.csv\"\r\n"
            "Content-Type: text/csv; charset=utf-8 \r\n\r\n"
            "1,2\r\n3,4\r\n"
            "\r\n--xYzY\r\n" NAMED("label") "\r\nweather\r\n--xYzY--\r\n",
            "<file|a b.csv|text/csv; charset=utf-8>1,2\r\n3,4\r\n</>"
            "<label|-|->weather</>");
}

static void what_only_looks_like_a_boundary_is_data(void)
{
    ACCEPTS("--xYzY\r\n" NAMED("a") "\r\n"
                                    "\r\r\n\r\n--xYz\r\n--xYz\r\n-\r\r\n--"
                                    "xYZY\n--xYzY--\r\r\n--xYzY"
                                    "--",
            "<a|-|->\r\r\n\r\n--xYz\r\n--xYz\r\n-\r\r\n--xYZY\n--xYzY--\r</>");
}

static void empty_parts_are_parts(void)
{
    ACCEPTS("--xYzY\r\n" NAMED("a") "\r\n\r\n--xYzY--", "<a|-|-></>");
    ACCEPTS("--xYzY--", "");
}

static void preamble_epilogue_and_padding_are_tolerated(void)
{
    ACCEPTS("hello --xYzY\r\n--xYz\r\n--xYzY \t \r\n" NAMED(
                "a") "\r\nb"
                     "\r\n--xYzY-- \r\n--xYzY\r\nbye",
            "<a|-|->b</>");
    ACCEPTS("\r\n--xYzY\r\n" NAMED("a") "\r\nb\r\n--xYzY--", "<a|-|->b</>");
}

static void parts_that_nobody_wants_are_skipped(void)
{
    ACCEPTS("--xYzY\r\n" NAMED("skip") "\r\nb\r\n\r\n--xYzY\r\n" NAMED(
                "a") "\r\nc\r\n--xYzY--",
            "<skip|-|-></><a|-|->c</>");
}

static void a_nested_multipart_is_data(void)
{
    ACCEPTS("--xYzY\r\n" NAMED(
                "a") "Content-Type: multipart/mixed; "
                     "boundary=in\r\n\r\n--in\r\n\r\nx\r\n--in--\r\n--xYzY--",
            "<a|-|multipart/mixed; boundary=in>--in\r\n\r\nx\r\n--in--</>");
}

static void a_handler_may_refuse_a_part(void)
{
    REFUSES("--xYzY\r\n" NAMED("fail") "\r\nb\r\n--xYzY--", CONFLICT);
}

static void a_cut_body_is_incomplete_wherever_it_is_cut(void)
{
    const char *body = "--xYzY\r\n" NAMED("a") "\r\nb\r\n--xYzY--";
    const char *result;

    for (apr_size_t count = 0; count < strlen(body); count++)
        STG_CHECK_FAILS(parse(&result, body, count, 0, 7, pool),
                        STG_E_BODY_INCOMPLETE);
}

static void lines_without_cr_are_refused(void)
{
    REFUSES("--xYzY\n" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
    REFUSES("--xYzY\r\nX: y\n" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
    REFUSES("--xYzY\r\nX: y\r" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
}

static void boundary_lines_hold_nothing_else(void)
{
    REFUSES("--xYzYw\r\n" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
    REFUSES("--xYzY -\r\n" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
    REFUSES("--xYzY-w\r\n" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
    REFUSES("--xYzY\r\r\n" NAMED("a") "\r\nb\r\n--xYzY--", INVALID);
}

static void malformed_headers_are_refused(void)
{
#define WITH(headers) "--xYzY\r\n" headers "\r\nb\r\n--xYzY--"
    REFUSES(WITH(""), INVALID);
    REFUSES(WITH("Content-Type: a/b\r\n"), INVALID);
    REFUSES(WITH("Content-Disposition: attachment; name=\"a\"\r\n"), INVALID);
    REFUSES(WITH("Content-Disposition: form-data\r\n"), INVALID);
    REFUSES(WITH(NAMED("a") NAMED("a")), INVALID);
    REFUSES(WITH(NAMED("a") " folded\r\n"), INVALID);
    REFUSES(WITH(NAMED("a") "no colon\r\n"), INVALID);
    REFUSES(WITH(NAMED("a") "Space : x\r\n"), INVALID);
    REFUSES(WITH(NAMED("a") ": x\r\n"), INVALID);
    REFUSES(WITH(NAMED("a") "Content-Type: \x01\r\n"), INVALID);
    REFUSES(WITH(NAMED("a") "Content-Transfer-Encoding: base64\r\n"), INVALID);
    ACCEPTS(WITH(NAMED("a") "content-transfer-encoding:BINARY\r\nX:\r\n"),
            "<a|-|->b</>");
#undef WITH
}

static const char *repeat(const char *text, int times)
{
    const char *all = "";

    while (times--)
        all = apr_pstrcat(pool, all, text, NULL);
    return all;
}

static stg_error_t *parse_one(const char *headers)
{
    const char *result;
    const char *body =
        apr_pstrcat(pool, "--xYzY\r\n", headers, "\r\nb\r\n--xYzY--", NULL);

    return parse(&result, body, strlen(body), 0, 1000, pool);
}

static void headers_are_capped(void)
{
    const char *fill = repeat("x", STG_FORMDATA_MAX_HEADER_BYTES -
                                       strlen(NAMED("a") "X: \r\n\r\n"));

    STG_CHECK_OK(parse_one(
        apr_pstrcat(pool, NAMED("a"),
                    repeat("X: y\r\n", STG_FORMDATA_MAX_HEADERS - 1), NULL)));
    STG_CHECK_FAILS(parse_one(apr_pstrcat(
                        pool, NAMED("a"),
                        repeat("X: y\r\n", STG_FORMDATA_MAX_HEADERS), NULL)),
                    STG_E_INVALID);
    STG_CHECK_OK(
        parse_one(apr_pstrcat(pool, NAMED("a") "X: ", fill, "\r\n", NULL)));
    STG_CHECK_FAILS(
        parse_one(apr_pstrcat(pool, NAMED("a") "X: x", fill, "\r\n", NULL)),
        STG_E_INVALID);
}

static void parts_are_capped(void)
{
    const char *part = "--xYzY\r\n" NAMED("a") "\r\nb\r\n";
    const char *body = apr_pstrcat(pool, repeat(part, STG_FORMDATA_MAX_PARTS),
                                   "--xYzY--", NULL);
    const char *result;

    STG_CHECK_OK(parse(&result, body, strlen(body), 0, 1000, pool));
    body = apr_pstrcat(pool, part, body, NULL);
    STG_CHECK_FAILS(parse(&result, body, strlen(body), 0, 1000, pool),
                    STG_E_INVALID);
}

static void boundaries_are_found_quoted_or_not(void)
{
    const char *boundary;

    STG_CHECK_OK(stg_formdata_boundary(
        &boundary, "multipart/form-data; boundary=-a_1", pool));
    STG_CHECK_TEXT(boundary, "-a_1");
    STG_CHECK_OK(stg_formdata_boundary(
        &boundary, "Multipart/Form-Data;charset=x; BOUNDARY=\"a b:/?\"", pool));
    STG_CHECK_TEXT(boundary, "a b:/?");
}

static void other_types_have_no_boundary(void)
{
    const char *boundary = "";

    STG_CHECK_OK(stg_formdata_boundary(&boundary, NULL, pool));
    STG_CHECK_TEXT(boundary, NULL);
    STG_CHECK_OK(
        stg_formdata_boundary(&boundary, "multipart/mixed; boundary=a", pool));
    STG_CHECK_TEXT(boundary, NULL);
    STG_CHECK_OK(stg_formdata_boundary(&boundary, "text/plain", pool));
    STG_CHECK_TEXT(boundary, NULL);
}

static void improper_boundaries_are_refused(void)
{
    static const char *const parameters[] = {
        "",
        "; boundary",
        "; boundary=",
        "; boundary=\"\"",
        "; boundary=\"a",
        "; boundary=\"a \"",
        "; boundary=\"a\r\nb\"",
        "; boundary=a; boundary=a",
        "; boundary=a b",
        "; boundary=\"a@b\"",
    };
    const char *boundary;
    const char *longest = repeat("x", STG_FORMDATA_MAX_BOUNDARY);

    for (int i = 0; i < 10; i++)
        STG_CHECK_FAILS(
            stg_formdata_boundary(
                &boundary,
                apr_pstrcat(pool, "multipart/form-data", parameters[i], NULL),
                pool),
            STG_E_INVALID);
    STG_CHECK_OK(stg_formdata_boundary(
        &boundary,
        apr_pstrcat(pool, "multipart/form-data;boundary=", longest, NULL),
        pool));
    STG_CHECK_FAILS(
        stg_formdata_boundary(
            &boundary,
            apr_pstrcat(pool, "multipart/form-data;boundary=x", longest, NULL),
            pool),
        STG_E_INVALID);
}

void stg_formdata_suite(void)
{
    CU_pSuite suite = CU_add_suite("formdata", set_up, tear_down);

    STG_TEST(suite, parts_come_out_in_order);
    STG_TEST(suite, what_only_looks_like_a_boundary_is_data);
    STG_TEST(suite, empty_parts_are_parts);
    STG_TEST(suite, preamble_epilogue_and_padding_are_tolerated);
    STG_TEST(suite, parts_that_nobody_wants_are_skipped);
    STG_TEST(suite, a_nested_multipart_is_data);
    STG_TEST(suite, a_handler_may_refuse_a_part);
    STG_TEST(suite, a_cut_body_is_incomplete_wherever_it_is_cut);
    STG_TEST(suite, lines_without_cr_are_refused);
    STG_TEST(suite, boundary_lines_hold_nothing_else);
    STG_TEST(suite, malformed_headers_are_refused);
    STG_TEST(suite, headers_are_capped);
    STG_TEST(suite, parts_are_capped);
    STG_TEST(suite, boundaries_are_found_quoted_or_not);
    STG_TEST(suite, other_types_have_no_boundary);
    STG_TEST(suite, improper_boundaries_are_refused);
}
