/* SPDX-License-Identifier: Apache-2.0 */
#include "base/structured.h"

#include <apr_lib.h>

#include <string.h>

/* Each reader moves behind what it read and returns true; otherwise where it
 * stands does not matter, because the field is absent. */

static int skip(const char **at, char c)
{
    if (**at != c)
        return 0;
    (*at)++;
    return 1;
}

static apr_size_t skip_digits(const char **at)
{
    apr_size_t count = strspn(*at, "0123456789");

    *at += count;
    return count;
}

/* The digits of an Integer, 0 if it is none. */
static apr_size_t skip_integer(const char **at)
{
    apr_size_t count;

    skip(at, '-');
    count = skip_digits(at);
    return count <= 15 ? count : 0;
}

/* An Integer or a Decimal (4.2.4), which has at most 12 digits and 3. */
static int skip_number(const char **at)
{
    apr_size_t whole = skip_integer(at);
    apr_size_t fraction;

    if (!whole)
        return 0;
    if (!skip(at, '.'))
        return 1;
    fraction = skip_digits(at);
    return whole <= 12 && fraction >= 1 && fraction <= 3;
}

/* 4.2.5; behind the first quote. */
static int skip_string(const char **at)
{
    for (; **at >= ' ' && **at <= '~'; (*at)++) {
        if (**at == '"')
            return skip(at, '"');
        if (**at == '\\' && *++*at != '"' && **at != '\\')
            return 0;
    }
    return 0;
}

static int is_hex_digit(char c)
{
    return c && strchr("0123456789abcdef", c) != NULL;
}

/* 4.2.10; behind the percent sign. The bytes that stand in it are of no
 * interest, whether they are UTF-8 or not. */
static int skip_display_string(const char **at)
{
    if (!skip(at, '"'))
        return 0;
    for (; **at >= ' ' && **at <= '~'; (*at)++) {
        if (**at == '"')
            return skip(at, '"');
        if (**at != '%')
            continue;
        if (!is_hex_digit((*at)[1]) || !is_hex_digit((*at)[2]))
            return 0;
        *at += 2;
    }
    return 0;
}

#define ALPHA "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* 4.2.6 and 4.2.7. */
static int skip_token(const char **at)
{
    if (!apr_isalpha(**at) && **at != '*')
        return 0;
    *at += strspn(*at, ALPHA DIGIT "!#$%&'*+-.^_`|~:/");
    return 1;
}

static int skip_bytes(const char **at)
{
    *at += strspn(*at, ALPHA DIGIT "+/=");
    return skip(at, ':');
}

/* 4.2.8; behind the question mark. */
static int read_boolean(int *is_true, const char **at)
{
    *is_true = **at == '1';
    return skip(at, '0') || skip(at, '1');
}

/* 4.2.3.1. */
static int skip_item(const char **at)
{
    int is_true;

    if (skip(at, '"'))
        return skip_string(at);
    if (skip(at, '?'))
        return read_boolean(&is_true, at);
    if (skip(at, ':'))
        return skip_bytes(at);
    if (skip(at, '%'))
        return skip_display_string(at);
    if (skip(at, '@'))
        return skip_integer(at) != 0;
    return apr_isdigit(**at) || **at == '-' ? skip_number(at) : skip_token(at);
}

/* 4.2.3.2. */
static int skip_parameters(const char **at)
{
    while (skip(at, ';')) {
        *at += strspn(*at, " ");
        if (!apr_islower(**at) && **at != '*')
            return 0;
        *at += strspn(*at, "abcdefghijklmnopqrstuvwxyz" DIGIT "_-.*");
        if (skip(at, '=') && !skip_item(at))
            return 0;
    }
    return 1;
}

/* What may stand behind the item (4.2). */
static int ends_well(const char *at)
{
    if (!skip_parameters(&at))
        return 0;
    at += strspn(at, " ");
    return !*at;
}

int stg_structured_size(apr_off_t *size, const char *value)
{
    apr_off_t number = 0;
    const char *at, *end;

    if (!value)
        return 0;
    at = end = value + strspn(value, " ");
    if (!apr_isdigit(*at) || !skip_number(&end))
        return 0;
    for (; apr_isdigit(*at); at++)
        number = 10 * number + (*at - '0');
    if (at != end || !ends_well(end)) /* a Decimal is none */
        return 0;
    *size = number;
    return 1;
}

int stg_structured_boolean(int *is_true, const char *value)
{
    const char *at = value;
    int found;

    if (!value)
        return 0;
    at += strspn(at, " ");
    if (!skip(&at, '?') || !read_boolean(&found, &at) || !ends_well(at))
        return 0;
    *is_true = found;
    return 1;
}
