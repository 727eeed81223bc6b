/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_T_UNIT_CHECK_H
#define STG_T_UNIT_CHECK_H

#include "base/error.h"
#include "suites.h"

#include <CUnit/CUnit.h>

#include <stdio.h>
#include <string.h>

/* A test of the suite at hand, called by the name of its function. */
#define STG_TEST(suite, name) CU_add_test(suite, #name, name)

/* An error whose code is expected; says which came instead. */
static inline void stg_check_code(const stg_error_t *err, stg_code_t code,
                                  const char *file, int line)
{
    char text[300];

    snprintf(text, sizeof(text), "%s instead of %s: %s",
             err ? stg_code_name(err->code) : "OK", stg_code_name(code),
             err ? err->message : "");
    CU_assertImplementation(err && err->code == code, (unsigned int)line, text,
                            file, "", CU_FALSE);
}
#define STG_CHECK_FAILS(expr, code)                                            \
    stg_check_code(expr, code, __FILE__, __LINE__)

static inline void stg_check_ok(const stg_error_t *err, const char *file,
                                int line)
{
    char text[300];

    if (err)
        snprintf(text, sizeof(text), "%s: %s", stg_code_name(err->code),
                 err->message);
    CU_assertImplementation(!err, (unsigned int)line, err ? text : "OK", file,
                            "", CU_FALSE);
}
#define STG_CHECK_OK(expr) stg_check_ok(expr, __FILE__, __LINE__)

/* Like CU_ASSERT_STRING_EQUAL, but says what came and survives NULL. */
static inline void stg_check_text(const char *is, const char *expected,
                                  const char *file, int line)
{
    char text[400];
    int is_equal = is && expected ? !strcmp(is, expected) : is == expected;

    snprintf(text, sizeof(text), "\"%s\" instead of \"%s\"", is ? is : "(null)",
             expected ? expected : "(null)");
    CU_assertImplementation(is_equal, (unsigned int)line, text, file, "",
                            CU_FALSE);
}
#define STG_CHECK_TEXT(is, expected)                                           \
    stg_check_text(is, expected, __FILE__, __LINE__)

#endif
