/* SPDX-License-Identifier: Apache-2.0 */
#include "targets.h"

#include "store/s3_endpoint.h"
#include "store/store.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 8 };

/* A StagingStore line as far as configtest goes, and the host of a redirect. */
void stg_fuzz_store_line(const char *bytes, apr_size_t count, apr_pool_t *p)
{
    char *line = apr_pstrmemdup(p, bytes, count), *state = NULL;
    const char *words[MOST_WORDS];
    stg_s3_endpoint_t *endpoint;
    stg_store_config_t *config;
    int number = 0;

    for (char *word = apr_strtok(line, " ", &state);
         word && number < MOST_WORDS; word = apr_strtok(NULL, " ", &state))
        words[number++] = word;
    if (!stg_store_config_parse(&config, words, number, p))
        stg_store_check(config, p);
    if (!stg_s3_endpoint_parse(&endpoint, bytes, STG_S3_AUTO, "bucket", p) &&
        strpbrk(stg_s3_endpoint_host(endpoint, "bucket", p), "/@ \r\n"))
        abort();
}
