/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <apr_strings.h>

#include <stdarg.h>

enum { LINE_MAX_BYTES = 2048 };

static stg_log_printer_t *log_printer;

void stg_log_init(stg_log_printer_t *printer)
{
    log_printer = printer;
}

void stg_log_at(const char *file, int line, stg_level_t level,
                const char *format, ...)
{
    char text[LINE_MAX_BYTES];
    va_list args;

    if (!log_printer)
        return;
    va_start(args, format);
    apr_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    log_printer(file, line, level, text);
}
