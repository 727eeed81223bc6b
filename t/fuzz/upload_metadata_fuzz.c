/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "stream/upload_metadata.h"

#include <stdlib.h>
#include <string.h>

/* What is echoed is the same metadata, and no header breaks out of it. */
void stg_fuzz_upload_metadata(const char *bytes, apr_size_t count,
                              apr_pool_t *p)
{
    stg_upload_metadata_t metadata, again;
    const char *type;

    (void)count;
    if (stg_upload_metadata_parse(&metadata, bytes, p))
        return;
    if (!metadata.raw != !metadata.count ||
        (metadata.raw && strpbrk(metadata.raw, "\r\n")))
        abort();
    if (stg_upload_metadata_parse(&again, metadata.raw, p) ||
        again.count != metadata.count)
        abort();
    for (int i = 0; i < metadata.count; i++) {
        if (strcmp(metadata.pairs[i].key, again.pairs[i].key) != 0 ||
            metadata.pairs[i].count != again.pairs[i].count)
            abort();
    }
    stg_upload_metadata_file_name(&metadata, p);
    stg_upload_metadata_path(&metadata, p);
    type = stg_upload_metadata_content_type(&metadata, p);
    if (type && strpbrk(type, "\r\n"))
        abort();
}
