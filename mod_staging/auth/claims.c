/* SPDX-License-Identifier: Apache-2.0 */
#include "auth/claims.h"
#include "base/clock.h"
#include "base/text.h"

#include <apr_strings.h>

#include <string.h>

enum { SKEW_SECONDS = 60, NAME_MAX_BYTES = 255 };

/* The year 10000: later times are no times but mistakes. */
static const double end_of_time = 253402300800.0;

static int is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && !strcmp(json_string_value(value), text);
}

int stg_claims_is_plain(const char *text, apr_size_t max)
{
    apr_size_t length = text ? strlen(text) : 0;

    if (!length || length > max || !stg_utf8_is_valid(text, length, NULL))
        return 0;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        /* C0, DEL, and C1 in its UTF-8 form */
        if (*c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] < 0xa0))
            return 0;
    }
    return 1;
}

/* A NumericDate (RFC 7519, 2): seconds, perhaps with a fraction. */
static stg_error_t *read_time(apr_time_t *at, const json_t *claims,
                              const char *name, apr_pool_t *p)
{
    const json_t *value = json_object_get(claims, name);
    double seconds = json_number_value(value);

    if (!json_is_number(value) || !(seconds >= 0 && seconds < end_of_time))
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the token's %s is missing or no usable time", name);
    *at = (apr_time_t)(seconds * APR_USEC_PER_SEC);
    return STG_OK;
}

static stg_error_t *check_not_ahead(const json_t *claims, const char *name,
                                    apr_pool_t *p)
{
    apr_time_t at;

    if (!json_object_get(claims, name))
        return STG_OK;
    STG_TRY(read_time(&at, claims, name, p));
    if (at <= stg_clock_now() + apr_time_from_sec(SKEW_SECONDS))
        return STG_OK;
    return stg_raise(p, STG_E_BAD_CREDENTIAL,
                     "the token is not valid before %s (%s); here it is %s",
                     stg_clock_rfc3339(at, p), name,
                     stg_clock_rfc3339(stg_clock_now(), p));
}

static stg_error_t *check_times(apr_time_t *expires, const json_t *claims,
                                apr_pool_t *p)
{
    STG_TRY(read_time(expires, claims, "exp", p));
    if (*expires <= stg_clock_now())
        return stg_raise(p, STG_E_BAD_CREDENTIAL, "the token has expired at %s",
                         stg_clock_rfc3339(*expires, p));
    STG_TRY(check_not_ahead(claims, "nbf", p));
    return check_not_ahead(claims, "iat", p);
}

/* One text or an array of texts (RFC 7519, 4.1.3). */
static int is_audience(const json_t *aud, const char *expected)
{
    const json_t *each;
    size_t i;

    json_array_foreach(aud, i, each)
    {
        if (is_text(each, expected))
            return 1;
    }
    return is_text(aud, expected);
}

static stg_error_t *check_origin(const stg_issuer_t *issuer,
                                 const json_t *claims, apr_pool_t *p)
{
    if (!is_text(json_object_get(claims, "iss"), issuer->iss))
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the token is of another issuer");
    if (issuer->hosted_domain &&
        !is_text(json_object_get(claims, "hd"), issuer->hosted_domain))
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the token is not of the domain %s (hd)",
                         issuer->hosted_domain);
    if (issuer->audience &&
        !is_audience(json_object_get(claims, "aud"), issuer->audience))
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the token is not meant for this service (aud)");
    return STG_OK;
}

static const char *display_name(const json_t *claims, const char *subject)
{
    static const char *const names[] = {"cn", "name"};

    for (int i = 0; i < 2; i++) {
        const char *name = json_string_value(json_object_get(claims, names[i]));

        if (stg_claims_is_plain(name, NAME_MAX_BYTES))
            return name;
    }
    return subject;
}

stg_error_t *stg_claims_check(stg_principal_t **principal,
                              const stg_issuer_t *issuer, const json_t *claims,
                              apr_pool_t *p)
{
    const char *subject = json_string_value(json_object_get(claims, "sub"));
    apr_time_t expires;
    stg_principal_t *made;

    STG_TRY(check_origin(issuer, claims, p));
    STG_TRY(check_times(&expires, claims, p));
    if (!stg_claims_is_plain(subject, issuer->subject_max))
        return stg_raise(p, STG_E_BAD_CREDENTIAL,
                         "the token's sub is missing or not a text of 1 to "
                         "%" APR_SIZE_T_FMT " printable bytes",
                         issuer->subject_max);
    made = stg_principal_create(issuer->name, subject, p);
    made->name = apr_pstrdup(p, display_name(claims, subject));
    made->scopes = issuer->scopes;
    made->expires = expires;
    *principal = made;
    return STG_OK;
}
