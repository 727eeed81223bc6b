/* SPDX-License-Identifier: Apache-2.0 */
#include "store/s3_retry.h"
#include "base/text.h"

#include <openssl/rand.h>

#include <string.h>

enum { TOKENS = 500, PRICE = 5, SILENT_PRICE = 10 };

#define MAX_DELAY apr_time_from_sec(20)
#define TRANSIENT_BASE apr_time_from_msec(200)
#define THROTTLED_BASE apr_time_from_sec(1)
#define SLEEP_STEP apr_time_from_msec(100)

struct stg_s3_budget_t {
    int tokens; /* atomic */
};

/* clang-format off */
static const struct {
    const char *code;
    stg_s3_class_t class;
} classes[] = {
    {"SlowDown",                           STG_S3_THROTTLED},
    {"SlowDownRead",                       STG_S3_THROTTLED},
    {"SlowDownWrite",                      STG_S3_THROTTLED},
    {"ErrTooManyRequest",                  STG_S3_THROTTLED},
    {"ErrRequestBytesExceed",              STG_S3_THROTTLED},
    {"Throttling",                         STG_S3_THROTTLED},
    {"ThrottlingException",                STG_S3_THROTTLED},
    {"RequestLimitExceeded",               STG_S3_THROTTLED},
    {"BandwidthLimitExceeded",             STG_S3_THROTTLED},
    {"InternalError",                      STG_S3_TRANSIENT},
    {"ServiceUnavailable",                 STG_S3_TRANSIENT},
    {"RequestTimeout",                     STG_S3_TRANSIENT},
    {"OperationAborted",                   STG_S3_TRANSIENT},
    {"BadDigest",                          STG_S3_DAMAGED},
    {"InvalidDigest",                      STG_S3_DAMAGED},
    {"XAmzContentSHA256Mismatch",          STG_S3_DAMAGED},
    {"XAmzContentChecksumMismatch",        STG_S3_DAMAGED},
    {"IncompleteBody",                     STG_S3_DAMAGED},
    {"RequestTimeTooSkewed",               STG_S3_CLOCK},
    {"PermanentRedirect",                  STG_S3_REGION},
    {"TemporaryRedirect",                  STG_S3_REGION},
    {"AuthorizationHeaderMalformed",       STG_S3_REGION},
    {"IllegalLocationConstraintException", STG_S3_REGION},
    {"ExpiredToken",                       STG_S3_KEYS},
    {"InvalidToken",                       STG_S3_KEYS},
    {"TokenRefreshRequired",               STG_S3_KEYS},
    {"RequestExpired",                     STG_S3_KEYS},
    {"InvalidAccessKeyId",                 STG_S3_KEYS},
};
/* clang-format on */

static stg_s3_class_t class_of_status(int status)
{
    switch (status) {
    case 301:
    case 307:
    case 400: /* of a HEAD: perhaps the wrong region */
        return STG_S3_REGION;
    case 429:
    case 503:
    case 509:
        return STG_S3_THROTTLED;
    case 500:
    case 502:
    case 504:
        return STG_S3_TRANSIENT;
    default:
        return STG_S3_FINAL;
    }
}

stg_s3_class_t stg_s3_class_of(int status, const char *code)
{
    if (status / 100 == 2)
        return STG_S3_FINAL;
    for (unsigned int i = 0; code && i < sizeof(classes) / sizeof(*classes);
         i++) {
        if (strcmp(code, classes[i].code) == 0)
            return classes[i].class;
    }
    if (code && status == 400)
        return STG_S3_FINAL;
    return class_of_status(status);
}

stg_s3_class_t stg_s3_class_of_error(const stg_error_t *err)
{
    return err->code == STG_E_STORE_DOWN ? STG_S3_TRANSIENT : STG_S3_FINAL;
}

int stg_s3_is_no_space(int status, const char *code)
{
    static const char *const codes[] = {
        "QuotaExceeded", "InsufficientStorage", "InsufficientCapacity",
        "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"};

    for (unsigned int i = 0; code && i < sizeof(codes) / sizeof(*codes); i++) {
        if (strcmp(code, codes[i]) == 0)
            return 1;
    }
    return status == 507;
}

/* Retry-After in seconds, AWS's own header in milliseconds. */
static apr_interval_time_t advice(const apr_table_t *headers)
{
    const char *text;
    apr_off_t value;
    apr_interval_time_t delay = 0;

    if (!headers)
        return 0;
    text = apr_table_get(headers, "x-amz-retry-after");
    if (text && stg_parse_off(text, &value) && value < 60 * 1000)
        delay = apr_time_from_msec(value);
    text = apr_table_get(headers, "Retry-After");
    if (text && stg_parse_off(text, &value) && value < 60)
        delay = apr_time_from_sec(value);
    return delay < MAX_DELAY ? delay : MAX_DELAY;
}

apr_interval_time_t stg_s3_retry_delay(stg_s3_class_t class,
                                       unsigned int number,
                                       const apr_table_t *headers)
{
    apr_interval_time_t most, asked = advice(headers);
    unsigned short random = 0;

    if (class != STG_S3_THROTTLED && class != STG_S3_TRANSIENT)
        return 0;
    most = class == STG_S3_THROTTLED ? THROTTLED_BASE : TRANSIENT_BASE;
    for (unsigned int i = 1; i < number && most < MAX_DELAY; i++)
        most *= 2;
    if (most > MAX_DELAY)
        most = MAX_DELAY;
    RAND_bytes((unsigned char *)&random, sizeof(random));
    most = most * random / 65536;
    return most > asked ? most : asked;
}

static int is_set(const int *flag)
{
    return flag && __atomic_load_n(flag, __ATOMIC_RELAXED);
}

int stg_s3_retry_sleep(apr_interval_time_t delay, const int *is_cancelled,
                       const int *is_stopping)
{
    while (!is_set(is_cancelled) && !is_set(is_stopping)) {
        apr_interval_time_t step = delay < SLEEP_STEP ? delay : SLEEP_STEP;

        if (delay <= 0)
            return 1;
        apr_sleep(step);
        delay -= step;
    }
    return 0;
}

stg_s3_budget_t *stg_s3_budget_create(apr_pool_t *p)
{
    stg_s3_budget_t *budget = apr_pcalloc(p, sizeof(*budget));

    budget->tokens = TOKENS;
    return budget;
}

int stg_s3_budget_take(stg_s3_budget_t *budget, int was_silent)
{
    int price = was_silent ? SILENT_PRICE : PRICE;
    int tokens = __atomic_load_n(&budget->tokens, __ATOMIC_RELAXED);

    do {
        if (tokens < price)
            return 0;
    } while (!__atomic_compare_exchange_n(&budget->tokens, &tokens,
                                          tokens - price, 1, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return 1;
}

void stg_s3_budget_return(stg_s3_budget_t *budget)
{
    int tokens = __atomic_load_n(&budget->tokens, __ATOMIC_RELAXED);

    while (tokens < TOKENS &&
           !__atomic_compare_exchange_n(&budget->tokens, &tokens, tokens + 1, 1,
                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}
