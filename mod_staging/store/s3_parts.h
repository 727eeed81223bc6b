/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_PARTS_H
#define STG_STORE_S3_PARTS_H

#include "store/store_s3.h"

/*
 * A sink that makes an S3 object: by one PUT if all fits into one part, else
 * in parts that threads of its own send while the next one fills. Each part
 * goes with its MD5, and the ETag that comes back is compared.
 *
 * The receipt of one PUT is finished; that of parts names the ETag to expect.
 */

enum { STG_S3_MAX_PARALLEL = 32 };

/* The size of the next part when so many bytes were cut into parts already:
 * parts grow with the object, so that 10,000 of them reach 5 TiB from any
 * first size, and few need to be big. */
apr_off_t stg_s3_part_size(apr_off_t first, apr_off_t sent);

/* spec is copied. INTERNAL if its key is none of ours. */
stg_error_t *stg_s3_parts_sink(stg_sink_t **sink, stg_s3_store_t *store,
                               const stg_object_spec_t *spec, apr_pool_t *p);

#endif
