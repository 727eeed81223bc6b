/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "store/s3_xml.h"

void stg_fuzz_s3_xml(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    stg_s3_document_t *document;

    stg_s3_xml_parse(&document, bytes, count, "Contents", p);
    stg_s3_xml_error_code(bytes, count, p);
}
