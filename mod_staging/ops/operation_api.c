/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/operation_api.h"

#include "auth/principal.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "core/job.h"
#include "ops/figure.h"
#include "web/reply.h"

#include <apr_strings.h>
#include <http_protocol.h>

#include <string.h>

enum { COUNT_USUAL = 50, COUNT_MAX = 500, HOURS_USUAL = 24 };

/* Columns of a query on their way into JSON. */
typedef enum kind_t { TEXT, NUMBER, FLAG, TIME } kind_t;

typedef struct column_t {
    const char *name;
    kind_t kind;
} column_t;

static const column_t now_columns[] = {
    {"arriving", NUMBER}, {"unfinished", NUMBER}, {"garbage", NUMBER},
    {"jobs", NUMBER},     {"parked", NUMBER},     {NULL, NUMBER}};
static const column_t latest_columns[] = {{"uploads", NUMBER},
                                          {"objects", NUMBER},
                                          {"bytes", NUMBER},
                                          {"at", TIME},
                                          {NULL, NUMBER}};
static const column_t node_columns[] = {
    {"id", TEXT},      {"host", TEXT},    {"pid", NUMBER},
    {"started", TIME}, {"expires", TIME}, {"is_suspected", FLAG},
    {NULL, NUMBER}};
static const column_t failure_columns[] = {
    {"id", TEXT},       {"at", TIME},      {"service", TEXT},
    {"owner", TEXT},    {"account", TEXT}, {"label", TEXT},
    {"filename", TEXT}, {"message", TEXT}, {NULL, TEXT}};
static const column_t job_columns[] = {
    {"id", NUMBER},       {"kind", TEXT},       {"state", TEXT},
    {"attempts", NUMBER}, {"last_error", TEXT}, {"upload", TEXT},
    {"created", TIME},    {"run_after", TIME},  {NULL, TEXT}};
static const column_t history_columns[] = {
    {"at", TIME},        {"arriving", NUMBER}, {"unfinished", NUMBER},
    {"uploads", NUMBER}, {"objects", NUMBER},  {"bytes", NUMBER},
    {"garbage", NUMBER}, {"jobs", NUMBER},     {"parked", NUMBER},
    {"nodes", NUMBER},   {"stored", NUMBER},   {"stored_bytes", NUMBER},
    {"failed", NUMBER},  {NULL, TEXT}};

static json_t *value_of(const stg_rows_t *rows, int row, const column_t *column,
                        apr_pool_t *p)
{
    const char *text = stg_rows_text(rows, row, column->name);
    json_t *value;

    if (!text)
        return json_null();
    switch (column->kind) {
    case NUMBER:
        value = json_integer(apr_atoi64(text));
        break;
    case FLAG:
        value = json_boolean(strcmp(text, "0") != 0);
        break;
    case TIME:
        value = json_string(stg_clock_rfc3339(apr_atoi64(text), p));
        break;
    default:
        value = json_string(text);
    }
    return stg_json_own(value, p);
}

static json_t *row_json(const stg_rows_t *rows, int row,
                        const column_t *columns, apr_pool_t *p)
{
    json_t *json = stg_json_object(p);

    for (; columns->name; columns++)
        json_object_set(json, columns->name, value_of(rows, row, columns, p));
    return json;
}

static json_t *rows_json(const stg_rows_t *rows, const column_t *columns,
                         apr_pool_t *p)
{
    json_t *list = stg_json_own(json_array(), p);

    for (int row = 0; row < stg_rows_count(rows); row++)
        json_array_append(list, row_json(rows, row, columns, p));
    return list;
}

static stg_error_t *read_number(int *number, const stg_request_t *req,
                                const char *name, int most)
{
    apr_off_t value;
    const char *text;

    STG_TRY(stg_request_parameter(&text, req, name));
    if (!text)
        return STG_OK;
    if (!stg_parse_off(text, &value) || value < 1 || value > most)
        return stg_raise(req->pool, STG_E_INVALID,
                         "%s is a number from 1 to %d", name, most);
    *number = (int)value;
    return STG_OK;
}

/* As this process has met them. */
static json_t *stores_json(const stg_stores_t *stores, apr_pool_t *p)
{
    json_t *list = stg_json_own(json_array(), p);

    for (int i = 0; i < stores->count; i++) {
        stg_store_t *store = stores->list[i];
        json_t *json = stg_json_object(p);

        stg_json_put_text(json, "name", store->name);
        stg_json_put_bool(json, "is_down", store->driver->is_down(store));
        json_array_append(list, json);
    }
    return list;
}

stg_error_t *stg_operation_get(stg_request_t *req)
{
    stg_rows_t *now, *latest, *nodes;
    stg_db_t *db = req->staging->db;
    apr_pool_t *p = req->pool;
    json_t *body;

    STG_TRY(stg_db_query(&now, db, STG_Q_OPERATION_NOW, p, STG_NO_PARAMS));
    STG_TRY(
        stg_db_query(&latest, db, STG_Q_OPERATION_LATEST, p, STG_NO_PARAMS));
    STG_TRY(stg_db_query(&nodes, db, STG_Q_OPERATION_NODES, p, STG_NO_PARAMS));
    body = row_json(now, 0, now_columns, p);
    stg_json_put_time(body, "now", stg_clock_now(), p);
    /* null until garbage was collected for the first time */
    json_object_set(body, "stored",
                    stg_rows_count(latest)
                        ? row_json(latest, 0, latest_columns, p)
                        : json_null());
    json_object_set(body, "nodes", rows_json(nodes, node_columns, p));
    json_object_set(body, "stores", stores_json(&req->staging->stores, p));
    stg_json_put_int(body, "gc_removed",
                     stg_metric_value(STG_METRIC_GC_REMOVED));
    stg_json_put_int(body, "gc_errors", stg_metric_value(STG_METRIC_GC_ERRORS));
    return stg_reply_json(req, HTTP_OK, body);
}

/* A list for each figure: half as long as a list of rows, and what charts
 * want. */
static json_t *history_json(const stg_rows_t *rows, apr_pool_t *p)
{
    json_t *json = stg_json_object(p);

    for (const column_t *column = history_columns; column->name; column++) {
        json_t *list = stg_json_own(json_array(), p);

        for (int row = 0; row < stg_rows_count(rows); row++)
            json_array_append(list, value_of(rows, row, column, p));
        json_object_set(json, column->name, list);
    }
    return json;
}

stg_error_t *stg_operation_history(stg_request_t *req)
{
    json_t *body = stg_json_object(req->pool);
    int hours = HOURS_USUAL;
    int minutes;
    stg_rows_t *rows;

    STG_TRY(read_number(&hours, req, "hours", STG_FIGURE_MAX_HOURS));
    STG_TRY(
        stg_figure_list(&rows, &minutes, req->staging->db, hours, req->pool));
    stg_json_put_int(body, "minutes", minutes);
    json_object_set(body, "figures", history_json(rows, req->pool));
    return stg_reply_json(req, HTTP_OK, body);
}

stg_error_t *stg_operation_failures(stg_request_t *req)
{
    int count = COUNT_USUAL;
    stg_rows_t *rows;

    STG_TRY(read_number(&count, req, "limit", COUNT_MAX));
    STG_TRY(stg_db_query(&rows, req->staging->db, STG_Q_OPERATION_FAILURES,
                         req->pool, STG_PARAMS(apr_itoa(req->pool, count))));
    return stg_reply_json(req, HTTP_OK,
                          rows_json(rows, failure_columns, req->pool));
}

stg_error_t *stg_operation_jobs(stg_request_t *req)
{
    int count = COUNT_USUAL;
    const char *state;
    stg_rows_t *rows;

    STG_TRY(read_number(&count, req, "limit", COUNT_MAX));
    STG_TRY(stg_request_parameter(&state, req, "state"));
    if (state && strcmp(state, "ready") && strcmp(state, "running") &&
        strcmp(state, "parked"))
        return stg_raise(req->pool, STG_E_INVALID,
                         "state is ready, running or parked");
    STG_TRY(stg_db_query(&rows, req->staging->db, STG_Q_OPERATION_JOBS,
                         req->pool,
                         STG_PARAMS(state, apr_itoa(req->pool, count))));
    return stg_reply_json(req, HTTP_OK,
                          rows_json(rows, job_columns, req->pool));
}

stg_error_t *stg_operation_retry(stg_request_t *req)
{
    STG_TRY(stg_job_unpark(req->staging, req->target, req->pool));
    stg_log(STG_LOG_NOTICE, "job %s: %s lets it try again", req->target,
            req->principal->owner);
    return stg_reply_empty(req, HTTP_NO_CONTENT);
}
