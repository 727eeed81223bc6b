/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_PART_HEADERS_H
#define STG_STREAM_PART_HEADERS_H

#include "stream/formdata.h"

/* The headers of one part of form data: count bytes of lines that each end
 * with CRLF, without the empty line behind them. Fails with INVALID. */
stg_error_t *stg_part_headers_parse(stg_part_t *part, const char *bytes,
                                    apr_size_t count, apr_pool_t *p);

#endif
