/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_xml.h"

#include "check.h"

#include <apr_strings.h>

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

static stg_error_t *verdict(const char **code, const char *text)
{
    return stg_s3_xml_verdict(code, text, strlen(text), pool);
}

static stg_error_t *page_of(stg_s3_page_t **page, const char *text,
                            const char *item)
{
    return stg_s3_xml_page(page, text, strlen(text), item, pool);
}

static void an_error_has_a_code(void)
{
    static const char text[] =
        "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>&lt;"
        "</Message><Unknown><Code>Other</Code></Unknown></Error>";

    STG_CHECK_TEXT(stg_s3_xml_error_code(text, strlen(text), pool), "SlowDown");
    CU_ASSERT_PTR_NULL(stg_s3_xml_error_code("", 0, pool));
    CU_ASSERT_PTR_NULL(
        stg_s3_xml_error_code("<html><Code>x</Code></html>", 27, pool));
    CU_ASSERT_PTR_NULL(stg_s3_xml_error_code("not XML", 7, pool));
}

static void blanks_and_namespaces_do_not_matter(void)
{
    static const char text[] =
        " \n \n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<s:InitiateMultipartUploadResult xmlns:s=\"urn:x\" odd=\"1\">"
        "<s:Bucket>b</s:Bucket><s:UploadId>2~a&amp;b</s:UploadId>"
        "</s:InitiateMultipartUploadResult>";
    const char *id = NULL;

    STG_CHECK_OK(stg_s3_xml_upload_id(&id, text, strlen(text), pool));
    STG_CHECK_TEXT(id, "2~a&b");
}

static void a_complete_without_verdict_is_no_success(void)
{
    static const char good[] = "   <CompleteMultipartUploadResult><ETag></ETag>"
                               "</CompleteMultipartUploadResult>";
    const char *code = "unset";

    STG_CHECK_OK(verdict(&code, good));
    CU_ASSERT_PTR_NULL(code);
    STG_CHECK_OK(verdict(&code, "<Error><Code>InternalError</Code></Error>"));
    STG_CHECK_TEXT(code, "InternalError");
    STG_CHECK_FAILS(verdict(&code, ""), STG_E_STORE_FAILED);
    STG_CHECK_FAILS(verdict(&code, "   "), STG_E_STORE_FAILED);
    STG_CHECK_FAILS(verdict(&code, "<Other/>"), STG_E_STORE_FAILED);
    for (apr_size_t cut = 0; cut < strlen(good); cut++)
        STG_CHECK_FAILS(stg_s3_xml_verdict(&code, good, cut, pool),
                        STG_E_STORE_FAILED);
}

static void parts_are_listed(void)
{
    static const char text[] =
        "<ListPartsResult><IsTruncated>true</IsTruncated>"
        "<NextPartNumberMarker>2</NextPartNumberMarker>"
        "<Owner><ID>x</ID></Owner>"
        "<Part><PartNumber>1</PartNumber><ETag>&quot;aa&quot;</ETag>"
        "<Size>5242880</Size></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>bb</ETag><Size>7</Size></Part>"
        "</ListPartsResult>";
    stg_s3_page_t *page;
    stg_s3_item_t *part;

    STG_CHECK_OK(page_of(&page, text, "Part"));
    CU_ASSERT(page->has_more);
    STG_CHECK_TEXT(page->next_number, "2");
    CU_ASSERT_EQUAL_FATAL(page->items->nelts, 2);
    part = &APR_ARRAY_IDX(page->items, 0, stg_s3_item_t);
    CU_ASSERT_EQUAL(part->number, 1);
    CU_ASSERT_EQUAL(part->size, 5242880);
    STG_CHECK_TEXT(part->etag, "aa");
    STG_CHECK_TEXT(APR_ARRAY_IDX(page->items, 1, stg_s3_item_t).etag, "bb");
}

static void keys_are_decoded_only_if_they_were_encoded(void)
{
    static const char encoded[] =
        "<ListBucketResult><EncodingType>url</EncodingType><Contents>"
        "<Key>a+b%2Bc%C3%BC</Key><Size>9223372036854775807</Size>"
        "<LastModified>2026-11-20T12:00:00.000Z</LastModified></Contents>"
        "</ListBucketResult>";
    static const char plain[] =
        "<ListBucketResult><Contents><Key>a+b%2Bc</Key><Size>1</Size>"
        "</Contents></ListBucketResult>";
    stg_s3_page_t *page;
    stg_s3_item_t *item;

    STG_CHECK_OK(page_of(&page, encoded, "Contents"));
    item = &APR_ARRAY_IDX(page->items, 0, stg_s3_item_t);
    STG_CHECK_TEXT(item->key, "a b+cü");
    CU_ASSERT(item->size == APR_INT64_MAX);
    CU_ASSERT_EQUAL(item->modified, apr_time_from_sec(1795176000));
    CU_ASSERT(!page->has_more);
    STG_CHECK_OK(page_of(&page, plain, "Contents"));
    STG_CHECK_TEXT(APR_ARRAY_IDX(page->items, 0, stg_s3_item_t).key, "a+b%2Bc");
}

static void uploads_are_listed(void)
{
    static const char text[] =
        "<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
        "<NextKeyMarker>x%20y</NextKeyMarker>"
        "<NextUploadIdMarker>2~%20</NextUploadIdMarker>"
        "<IsTruncated>true</IsTruncated>"
        "<Upload><Key>k</Key><UploadId>2~z</UploadId><Owner><ID>o</ID></Owner>"
        "<Initiated>2026-11-20T12:00:00Z</Initiated></Upload>"
        "</ListMultipartUploadsResult>";
    stg_s3_page_t *page;
    stg_s3_item_t *item;

    STG_CHECK_OK(page_of(&page, text, "Upload"));
    STG_CHECK_TEXT(page->next_key, "x y");
    STG_CHECK_TEXT(page->next_upload_id, "2~%20");
    item = &APR_ARRAY_IDX(page->items, 0, stg_s3_item_t);
    STG_CHECK_TEXT(item->upload_id, "2~z");
    CU_ASSERT_EQUAL(item->modified, apr_time_from_sec(1795176000));
}

static const char *nested(int depth)
{
    const char *text = "x";

    for (int i = 0; i < depth; i++)
        text = apr_pstrcat(pool, "<a>", text, "</a>", NULL);
    return text;
}

static void hostile_documents_are_refused(void)
{
    static const char bomb[] =
        "<!DOCTYPE Error [<!ENTITY a \"aaaaaaaaaa\">"
        "<!ENTITY b \"&a;&a;&a;&a;\">]><Error><Code>&b;</Code></Error>";
    char *longest = apr_palloc(pool, 40001);
    stg_s3_document_t *document;
    const char *deep = nested(17), *fine = nested(16);

    memset(longest, 'x', 40000);
    longest[40000] = '\0';
    longest = apr_pstrcat(pool, "<a><b>", longest, "</b></a>", NULL);
    STG_CHECK_FAILS(stg_s3_xml_parse(&document, bomb, strlen(bomb), NULL, pool),
                    STG_E_STORE_FAILED);
    STG_CHECK_FAILS(
        stg_s3_xml_parse(&document, longest, strlen(longest), NULL, pool),
        STG_E_STORE_FAILED);
    STG_CHECK_FAILS(stg_s3_xml_parse(&document, deep, strlen(deep), NULL, pool),
                    STG_E_STORE_FAILED);
    STG_CHECK_OK(stg_s3_xml_parse(&document, fine, strlen(fine), NULL, pool));
    STG_CHECK_FAILS(
        stg_s3_xml_parse(&document, "<a/>", STG_S3_XML_MAX + 1, NULL, pool),
        STG_E_STORE_FAILED);
}

static void malformed_items_are_refused(void)
{
    static const char *const texts[] = {
        "<L><Contents><Key>a</Key><Size>-1</Size></Contents></L>",
        "<L><Contents><Key>a</Key><Size>99999999999999999999</Size></Contents>"
        "</L>",
        "<L><EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents>"
        "</L>",
        "<Error><Code>SlowDown</Code></Error>"};
    stg_s3_page_t *page;

    for (int i = 0; i < 4; i++)
        STG_CHECK_FAILS(page_of(&page, texts[i], "Contents"),
                        STG_E_STORE_FAILED);
}

static void documents_are_written_without_blanks(void)
{
    apr_array_header_t *parts = apr_array_make(pool, 2, sizeof(stg_s3_item_t));
    apr_array_header_t *keys = apr_array_make(pool, 2, sizeof(const char *));

    APR_ARRAY_PUSH(parts, stg_s3_item_t) =
        (stg_s3_item_t){.number = 1, .etag = "aa"};
    APR_ARRAY_PUSH(parts, stg_s3_item_t) =
        (stg_s3_item_t){.number = 2, .etag = "b<"};
    STG_CHECK_TEXT(
        stg_s3_xml_complete(parts, pool),
        "<CompleteMultipartUpload "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1"
        "</PartNumber><ETag>&quot;aa&quot;</ETag></Part><Part><PartNumber>2"
        "</PartNumber><ETag>&quot;b&lt;&quot;</ETag></Part>"
        "</CompleteMultipartUpload>");
    APR_ARRAY_PUSH(keys, const char *) = "a&b";
    APR_ARRAY_PUSH(keys, const char *) = "\"<\r>\"";
    STG_CHECK_TEXT(stg_s3_xml_delete(keys, pool),
                   "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                   "<Quiet>true</Quiet><Object><Key>a&amp;b</Key></Object>"
                   "<Object><Key>&quot;&lt;&#13;&gt;&quot;</Key></Object>"
                   "</Delete>");
}

static void times_and_etags_are_read(void)
{
    CU_ASSERT_EQUAL(stg_s3_time("2026-11-20T12:00:00Z"),
                    apr_time_from_sec(1795176000));
    CU_ASSERT_EQUAL(stg_s3_time("2026-11-20T12:00:00"), 0);
    CU_ASSERT_EQUAL(stg_s3_time("2026-13-20T12:00:00Z"), 0);
    CU_ASSERT_EQUAL(stg_s3_time("yesterday"), 0);
    STG_CHECK_TEXT(stg_s3_etag("\"ab-2\"", pool), "ab-2");
    STG_CHECK_TEXT(stg_s3_etag("W/\"ab\"", pool), "ab");
    STG_CHECK_TEXT(stg_s3_etag("ab", pool), "ab");
    STG_CHECK_TEXT(stg_s3_etag("\"", pool), "\"");
    CU_ASSERT_PTR_NULL(stg_s3_etag(NULL, pool));
}

void stg_s3_xml_suite(void)
{
    CU_pSuite suite = CU_add_suite("s3_xml", set_up, tear_down);

    STG_TEST(suite, an_error_has_a_code);
    STG_TEST(suite, blanks_and_namespaces_do_not_matter);
    STG_TEST(suite, a_complete_without_verdict_is_no_success);
    STG_TEST(suite, parts_are_listed);
    STG_TEST(suite, keys_are_decoded_only_if_they_were_encoded);
    STG_TEST(suite, uploads_are_listed);
    STG_TEST(suite, hostile_documents_are_refused);
    STG_TEST(suite, malformed_items_are_refused);
    STG_TEST(suite, documents_are_written_without_blanks);
    STG_TEST(suite, times_and_etags_are_read);
}
