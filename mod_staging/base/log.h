/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_LOG_H
#define STG_BASE_LOG_H

/*
 * Where the lines go is the host's business: adapters.c sets a printer that
 * writes to httpd's error log, stagingctl one that writes to stderr. Without
 * a printer nothing is written. Levels are syslog's, as httpd's are.
 *
 * Never log a key, token, signature, password or presigned URL.
 */

typedef enum stg_level_t {
    STG_LOG_ERROR = 3,
    STG_LOG_WARNING = 4,
    STG_LOG_NOTICE = 5,
    STG_LOG_INFO = 6,
    STG_LOG_DEBUG = 7
} stg_level_t;

typedef void stg_log_printer_t(const char *file, int line, stg_level_t level,
                               const char *text);

/* Set once, before threads start. */
void stg_log_init(stg_log_printer_t *printer);

#define stg_log(level, ...) stg_log_at(__FILE__, __LINE__, level, __VA_ARGS__)
void stg_log_at(const char *file, int line, stg_level_t level,
                const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
