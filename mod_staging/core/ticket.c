/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ticket.h"

#include "base/clock.h"
#include "base/ids.h"
#include "base/query.h"
#include "base/text.h"

#include <apr_strings.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string.h>

/* The fields in a fixed order, none of which can run into the next. */
static const char *canonical(const stg_ticket_t *ticket, apr_pool_t *p)
{
    return apr_psprintf(p,
                        "method=%s&object=%s&store=%s&type=%s&name=%s&digest=%"
                        "s&expires=%" APR_TIME_T_FMT,
                        ticket->method, ticket->object,
                        stg_percent_encode(ticket->store, NULL, p),
                        stg_percent_encode(ticket->content_type, NULL, p),
                        stg_percent_encode(ticket->filename, NULL, p),
                        ticket->digest ? ticket->digest : "",
                        apr_time_sec(ticket->expires));
}

static const char *sign(const stg_ticket_t *ticket, const char *secret,
                        apr_pool_t *p)
{
    const char *text = canonical(ticket, p);
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned int count;

    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text,
         strlen(text), mac, &count);
    return stg_base64url(mac, count, p);
}

const char *stg_ticket_issue(const stg_ticket_t *ticket, const char *secret,
                             apr_pool_t *p)
{
    return apr_psprintf(
        p,
        "%s?store=%s&type=%s&name=%s%s%s&expires=%" APR_TIME_T_FMT
        "&signature=%s",
        ticket->object, stg_percent_encode(ticket->store, NULL, p),
        stg_percent_encode(ticket->content_type, NULL, p),
        stg_percent_encode(ticket->filename, NULL, p),
        ticket->digest ? "&digest=" : "", ticket->digest ? ticket->digest : "",
        apr_time_sec(ticket->expires), sign(ticket, secret, p));
}

static stg_error_t *read_field(const char **value,
                               const apr_array_header_t *query,
                               const char *name, apr_pool_t *p)
{
    STG_TRY(stg_query_single(value, query, name, p));
    if (!*value)
        return stg_raise(p, STG_E_FORBIDDEN, "this download URL is incomplete");
    return STG_OK;
}

stg_error_t *stg_ticket_redeem(stg_ticket_t *ticket, const char *secret,
                               const apr_array_header_t *query,
                               const char *signature, apr_pool_t *p)
{
    const char *expires;
    apr_off_t seconds;

    STG_TRY(read_field(&ticket->store, query, "store", p));
    STG_TRY(read_field(&ticket->content_type, query, "type", p));
    STG_TRY(read_field(&ticket->filename, query, "name", p));
    STG_TRY(read_field(&expires, query, "expires", p));
    STG_TRY(stg_query_single(&ticket->digest, query, "digest", p));
    /* far below where seconds become too many microseconds */
    if (!stg_parse_off(expires, &seconds) || seconds > APR_INT64_C(99999999999))
        return stg_raise(p, STG_E_FORBIDDEN,
                         "this download URL is not one of ours");
    ticket->expires = apr_time_from_sec(seconds);
    if (!signature || !stg_secret_equal(signature, sign(ticket, secret, p)))
        return stg_raise(p, STG_E_FORBIDDEN,
                         "this download URL is not one of ours, or is for "
                         "another method");
    if (ticket->expires <= stg_clock_now())
        return stg_raise(p, STG_E_FORBIDDEN,
                         "this download URL has expired: get a new one");
    return STG_OK;
}
