/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <apr_strings.h>
#include <apr_tables.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define COUNT_OF(array) (int)(sizeof(array) / sizeof((array)[0]))

/* Upper bounds of the buckets: from a small upload on a quick disk to a big
 * one on a slow line. */
static const struct {
    apr_interval_time_t bound;
    const char *text;
} buckets[] = {
    {5000, "0.005"},  {10000, "0.01"},    {25000, "0.025"},
    {50000, "0.05"},  {100000, "0.1"},    {250000, "0.25"},
    {500000, "0.5"},  {1000000, "1"},     {2500000, "2.5"},
    {5000000, "5"},   {10000000, "10"},   {30000000, "30"},
    {60000000, "60"}, {300000000, "300"}, {1800000000, "1800"},
};

/* The last bucket is +Inf; behind it stands the sum in microseconds. */
enum { BUCKETS = COUNT_OF(buckets) + 1 };

typedef enum kind_t { COUNTER, GAUGE, HELD, HISTOGRAM } kind_t;

/* What is held is in slots. */
enum {
    COUNTER_CELLS = 1,
    GAUGE_CELLS = 1,
    HELD_CELLS = 0,
    HISTOGRAM_CELLS = BUCKETS + 1
};

#define STG_LABEL(id, name, ...)                                               \
    static const char *const id##_values[] = {__VA_ARGS__};
#include "base/metrics_list.h"
#undef STG_LABEL

typedef struct label_t {
    const char *name;
    const char *const *values;
    int count;
} label_t;

#define STG_LABEL(id, name, ...)                                               \
    static const label_t id##_label = {name, id##_values,                      \
                                       COUNT_OF(id##_values)};
#include "base/metrics_list.h"
#undef STG_LABEL

/* Where the cells of each metric begin and end. */
enum {
#define STG_METRIC(id, kind, name, first, second, help)                        \
    id##_AT,                                                                   \
        id##_LAST = id##_AT +                                                  \
                    kind##_CELLS * COUNT_OF(first##_values) *                  \
                        COUNT_OF(second##_values) -                            \
                    1,
#include "base/metrics_list.h"
#undef STG_METRIC
    CELLS
};

static const struct {
    const char *name;
    const char *help;
    const label_t *first;
    const label_t *second;
    kind_t kind;
    int at;
} metrics[] = {
#define STG_METRIC(id, kind, name, first, second, help)                        \
    {name, help, &first##_label, &second##_label, kind, id##_AT},
#include "base/metrics_list.h"
#undef STG_METRIC
};

enum { SLOTS = 512 };

typedef struct slot_t {
    apr_int64_t pid; /* 0: nobody's yet */
    apr_int64_t held[STG_METRICS];
} slot_t;

typedef struct memory_t {
    apr_int64_t cells[CELLS];
    slot_t slots[SLOTS];
} memory_t;

static memory_t private_memory;
static memory_t *memory = &private_memory;
static slot_t *own = private_memory.slots;

apr_size_t stg_metrics_size(void)
{
    return sizeof(memory_t);
}

static void add(apr_int64_t *cell, apr_int64_t n)
{
    __atomic_fetch_add(cell, n, __ATOMIC_RELAXED);
}

static void set(apr_int64_t *cell, apr_int64_t value)
{
    __atomic_store_n(cell, value, __ATOMIC_RELAXED);
}

static apr_int64_t get(const apr_int64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static int is_living(apr_int64_t pid)
{
    return pid && (!kill((pid_t)pid, 0) || errno != ESRCH);
}

/* One that nobody living has; also that of a dead process whose number is ours
 * now. If there is none, what this process holds is not seen by others. */
static slot_t *take_slot(apr_int64_t pid)
{
    for (int i = 0; i < SLOTS; i++) {
        slot_t *slot = &memory->slots[i];
        apr_int64_t holder = get(&slot->pid);

        if ((holder != pid && is_living(holder)) ||
            !__atomic_compare_exchange_n(&slot->pid, &holder, pid, 0,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            continue;
        for (int m = 0; m < STG_METRICS; m++)
            set(&slot->held[m], 0);
        return slot;
    }
    return private_memory.slots;
}

void stg_metrics_init(void *shared)
{
    memory = shared ? shared : &private_memory;
    own = take_slot(getpid());
}

static apr_int64_t held_by_all(stg_metric_t metric)
{
    apr_int64_t sum = 0;

    for (int i = 0; i < SLOTS; i++) {
        const slot_t *slot = &memory->slots[i];
        apr_int64_t held = get(&slot->held[metric]);

        if (held && (slot == own || is_living(get(&slot->pid))))
            sum += held;
    }
    return sum;
}

static int value_index(const label_t *label, const char *value)
{
    for (int i = 0; value && i < label->count; i++) {
        if (strcmp(label->values[i], value) == 0)
            return i;
    }
    return label->count - 1;
}

static int cells_of_series(stg_metric_t metric)
{
    return metrics[metric].kind == HISTOGRAM ? HISTOGRAM_CELLS : 1;
}

/* The first cell of one series. */
static apr_int64_t *series(stg_metric_t metric, int first, int second)
{
    int index = first * metrics[metric].second->count + second;

    return memory->cells + metrics[metric].at + index * cells_of_series(metric);
}

void stg_metric_add(stg_metric_t metric, apr_int64_t n)
{
    add(metrics[metric].kind == HELD ? &own->held[metric]
                                     : series(metric, 0, 0),
        n);
}

void stg_metric_add_to(stg_metric_t metric, const char *first,
                       const char *second, apr_int64_t n)
{
    add(series(metric, value_index(metrics[metric].first, first),
               value_index(metrics[metric].second, second)),
        n);
}

void stg_metric_set(stg_metric_t metric, apr_int64_t value)
{
    set(series(metric, 0, 0), value);
}

void stg_metric_observe(stg_metric_t metric, const char *label,
                        apr_interval_time_t time)
{
    apr_int64_t *cell =
        series(metric, value_index(metrics[metric].first, label), 0);
    int bucket = 0;

    while (bucket < BUCKETS - 1 && time > buckets[bucket].bound)
        bucket++;
    add(cell + bucket, 1);
    add(cell + BUCKETS, time);
}

apr_int64_t stg_metric_value(stg_metric_t metric)
{
    return metrics[metric].kind == HELD ? held_by_all(metric)
                                        : get(series(metric, 0, 0));
}

static void push(apr_array_header_t *text, const char *line)
{
    APR_ARRAY_PUSH(text, const char *) = line;
}

/* 'api="uploads",status="2xx"'; "" for a metric without labels. Values are
 * our own words, so nothing needs escaping. */
static const char *labels_text(stg_metric_t metric, int i, int j, apr_pool_t *p)
{
    const label_t *first = metrics[metric].first;
    const label_t *second = metrics[metric].second;

    if (!*first->name)
        return "";
    if (!*second->name)
        return apr_psprintf(p, "%s=\"%s\"", first->name, first->values[i]);
    return apr_psprintf(p, "%s=\"%s\",%s=\"%s\"", first->name, first->values[i],
                        second->name, second->values[j]);
}

static void histogram_text(apr_array_header_t *text, const char *name,
                           const char *labels, const apr_int64_t *cell)
{
    apr_pool_t *p = text->pool;
    const char *comma = *labels ? "," : "";
    const char *braced = *labels ? apr_pstrcat(p, "{", labels, "}", NULL) : "";
    apr_int64_t count = 0;
    apr_int64_t sum = get(cell + BUCKETS);

    for (int i = 0; i < BUCKETS; i++) {
        count += get(cell + i);
        push(text,
             apr_psprintf(p, "%s_bucket{%s%sle=\"%s\"} %" APR_INT64_T_FMT "\n",
                          name, labels, comma,
                          i < BUCKETS - 1 ? buckets[i].text : "+Inf", count));
    }
    push(text,
         apr_psprintf(p,
                      "%s_sum%s %" APR_INT64_T_FMT
                      ".%06d\n%s_count%s %" APR_INT64_T_FMT "\n",
                      name, braced, sum / APR_USEC_PER_SEC,
                      (int)(sum % APR_USEC_PER_SEC), name, braced, count));
}

static void series_text(apr_array_header_t *text, stg_metric_t metric, int i,
                        int j)
{
    const char *name = metrics[metric].name;
    const char *labels = labels_text(metric, i, j, text->pool);
    const apr_int64_t *cell = series(metric, i, j);

    if (metrics[metric].kind == HISTOGRAM) {
        histogram_text(text, name, labels, cell);
        return;
    }
    push(text, apr_psprintf(text->pool, "%s%s%s%s %" APR_INT64_T_FMT "\n", name,
                            *labels ? "{" : "", labels, *labels ? "}" : "",
                            metrics[metric].kind == HELD ? held_by_all(metric)
                                                         : get(cell)));
}

const char *stg_metrics_text(apr_pool_t *p)
{
    static const char *const kinds[] = {
        [COUNTER] = "counter",
        [GAUGE] = "gauge",
        [HELD] = "gauge",
        [HISTOGRAM] = "histogram",
    };
    apr_array_header_t *text = apr_array_make(p, 512, sizeof(const char *));

    for (int m = 0; m < STG_METRICS; m++) {
        push(text, apr_psprintf(p, "# HELP %s %s\n# TYPE %s %s\n",
                                metrics[m].name, metrics[m].help,
                                metrics[m].name, kinds[metrics[m].kind]));
        for (int i = 0; i < metrics[m].first->count; i++) {
            for (int j = 0; j < metrics[m].second->count; j++)
                series_text(text, m, i, j);
        }
    }
    return apr_array_pstrcat(p, text, '\0');
}
