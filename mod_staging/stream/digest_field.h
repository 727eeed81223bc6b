/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STREAM_DIGEST_FIELD_H
#define STG_STREAM_DIGEST_FIELD_H

#include "stream/digest.h"

#include <apr_tables.h>

/*
 * Digests in header fields: Repr-Digest, Content-Digest and
 * Want-Repr-Digest (RFC 9530, structured fields of RFC 8941), Content-MD5
 * (RFC 1864). md5, sha (that is SHA-1), sha-256 and sha-512 are known; others
 * are ignored.
 */

/* Lower-case hex by algorithm; NULL where there is none. */
typedef struct stg_digests_t {
    const char *hex[STG_ALGORITHMS];
} stg_digests_t;

/* The value of a Repr-Digest or Content-Digest field. Several fields are
 * joined by commas; the last of a name counts (RFC 8941, 4.2.2). Fails with
 * INVALID if it is malformed or a digest has not the length it must have. */
stg_error_t *stg_digest_field_parse(stg_digests_t *digests, const char *value,
                                    apr_pool_t *p);

/* What of a field is no digest that is known. */
typedef struct stg_digest_flaw_t {
    const char *algorithm; /* as it is named; NULL if no name can be read */
    const char *reason;    /* NULL: the algorithm is not known */
} stg_digest_flaw_t;

/* The same; flaws (of stg_digest_flaw_t) gets all of them, up to where nothing
 * more can be read. Unknown algorithms alone are no failure. */
stg_error_t *stg_digest_field_inspect(stg_digests_t *digests,
                                      apr_array_header_t *flaws,
                                      const char *value, apr_pool_t *p);

/* The value of a Content-MD5 field, added to digests. INVALID, as well if
 * digests has another MD5 already. */
stg_error_t *stg_digest_field_md5(stg_digests_t *digests, const char *value,
                                  apr_pool_t *p);

/* The algorithm of available that a Want-Repr-Digest or Want-Content-Digest
 * field prefers; STG_ALGORITHMS if none or if the field is malformed, which
 * is to be ignored then. value may be NULL. */
stg_algorithm_t stg_digest_field_wanted(const char *value,
                                        stg_algorithm_set_t available,
                                        apr_pool_t *p);

/* "sha-256=:...:, md5=:...:", or NULL if there are no digests. */
const char *stg_digest_field(const stg_digests_t *digests, apr_pool_t *p);

/* The first algorithm of which both have a digest and which differs,
 * STG_ALGORITHMS if there is none. */
stg_algorithm_t stg_digests_compare(const stg_digests_t *announced,
                                    const stg_digests_t *computed);

#endif
