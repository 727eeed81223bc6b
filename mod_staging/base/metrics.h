/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STG_BASE_METRICS_H
#define STG_BASE_METRICS_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * Counters, gauges and histograms, listed in metrics_list.h. They are cells
 * of 64 bits that any thread of any process may change at once without a
 * lock. The host lends shared memory for them; until it does they are
 * private to the process, so that tests and the tool need nothing.
 *
 * Gauges of the kind HELD are sums of what processes hold, each in a slot of
 * its own, so that one that dies holds nothing any more.
 */

typedef enum stg_metric_t {
#define STG_METRIC(id, ...) STG_METRIC_##id,
#include "base/metrics_list.h"
#undef STG_METRIC
    STG_METRICS
} stg_metric_t;

/* Bytes that the cells need. */
apr_size_t stg_metrics_size(void);

/* Use this memory, aligned to 8 bytes and zeroed by its owner; NULL means
 * private cells again. Once in a process, before threads start. */
void stg_metrics_init(void *memory);

/* Add to a counter or gauge (a gauge may sink). */
void stg_metric_add(stg_metric_t metric, apr_int64_t n);

/* The same for one series; second is NULL for metrics with one label. */
void stg_metric_add_to(stg_metric_t metric, const char *first,
                       const char *second, apr_int64_t n);

/* Not for what is held. */
void stg_metric_set(stg_metric_t metric, apr_int64_t value);

/* Note a time in a histogram; label is NULL for those without. */
void stg_metric_observe(stg_metric_t metric, const char *label,
                        apr_interval_time_t time);

/* The value of a counter or gauge without labels. */
apr_int64_t stg_metric_value(stg_metric_t metric);

/* All of it in Prometheus' text format, version 0.0.4. */
#define STG_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
const char *stg_metrics_text(apr_pool_t *p);

#endif
