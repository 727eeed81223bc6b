/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_STORE_S3_SIFT_H
#define STG_STORE_S3_SIFT_H

#include "store/store_s3.h"

/*
 * S3 makes an object of the parts that Complete names, and forgets the others.
 * Some stores (radosgw) refuse while there are others: parts of somebody who
 * has died, or was late. No part can be removed, and none be read before it is
 * in an object. So what does not count is replaced by filling, of which the
 * size and the beginning are known; the object is completed with that; and the
 * parts that count are copied out of it, in the store, into an upload that
 * takes its place. Nobody reads the object before finish() has succeeded.
 *
 * What is left to do is seen from the store alone, so that this can be
 * repeated after a crash.
 */

/* After the store has refused: finish as a driver's finish() does, or fail
 * with refusal if that was not the reason. */
stg_error_t *stg_s3_sift(stg_s3_store_t *store, const char *key,
                         const stg_unfinished_t *what, stg_error_t *refusal,
                         apr_pool_t *p);

#endif
