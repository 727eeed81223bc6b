/* SPDX-License-Identifier: Apache-2.0 */
/* Every expected failure, one line each. Add a code only where a caller or
 * an API must tell it apart. Included several times: no include guard. */
/* clang-format off */

/*       code                 default HTTP status; an API may say otherwise */
STG_CODE(INVALID,             400)  /* the request is wrong; see problems */
STG_CODE(DIGEST_MISMATCH,     400)  /* the bytes are not what was announced */
STG_CODE(BODY_INCOMPLETE,     400)  /* the client went away or cut its body */
STG_CODE(NO_CREDENTIAL,       401)
STG_CODE(BAD_CREDENTIAL,      401)
STG_CODE(FORBIDDEN,           403)
STG_CODE(QUOTA,               403)  /* more than an owner may have */
STG_CODE(NOT_FOUND,           404)
STG_CODE(BAD_METHOD,          405)
STG_CODE(TIMEOUT,             408)  /* the client was too slow */
STG_CODE(NOT_READY,           409)
STG_CODE(CONFLICT,            409)
STG_CODE(TAKEN,               409)  /* a newer request has what this one held */
STG_CODE(GONE,                410)  /* it was there */
STG_CODE(NO_LENGTH,           411)  /* nothing tells where the body ends */
STG_CODE(PRECONDITION,        412)
STG_CODE(TOO_LARGE,           413)
STG_CODE(BAD_MEDIA_TYPE,      415)
STG_CODE(BAD_RANGE,           416)
STG_CODE(THROTTLED,           429)  /* too many attempts */
STG_CODE(CHECKSUM,            460)  /* tus: of the body of one request */
STG_CODE(INTERNAL,            500)  /* a bug or a broken installation */
STG_CODE(STORE_FAILED,        502)  /* the store refused or answered nonsense */
STG_CODE(STORE_DOWN,          502)  /* the store could not be reached */
STG_CODE(IAM_DOWN,            503)
STG_CODE(DB_DOWN,             503)
STG_CODE(BUSY,                503)  /* a limit of ours; try again later */
STG_CODE(ENDING,              503)  /* this process ends: others go on */
STG_CODE(NO_SPACE,            507)
