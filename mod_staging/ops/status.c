/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/status.h"

#include "base/metrics.h"
#include "web/process.h"

#include <apu.h>
#include <apr_optional_hooks.h>
#include <http_protocol.h>
#include <mod_status.h>

static const struct {
    const char *key;
    const char *label;
    stg_metric_t metric;
} lines[] = {
    {"StagingInFlight", "uploads arriving now", STG_METRIC_IN_FLIGHT},
    {"StagingUploadBytes", "bytes of uploads received",
     STG_METRIC_UPLOAD_BYTES},
    {"StagingJobsParked", "jobs that wait for an administrator",
     STG_METRIC_JOBS_PARKED},
    {"StagingGCRemoved", "objects removed by garbage collection",
     STG_METRIC_GC_REMOVED},
    {"StagingGCErrors", "rounds of garbage collection that failed",
     STG_METRIC_GC_ERRORS},
    {"StagingPartsMemory", "bytes of memory held by parts",
     STG_METRIC_PARTS_MEMORY},
};

static void print_line(request_rec *r, int is_short, const char *key,
                       const char *label, apr_int64_t value)
{
    if (is_short)
        ap_rprintf(r, "%s: %" APR_INT64_T_FMT "\n", key, value);
    else
        ap_rprintf(r, "<dt>%s: %" APR_INT64_T_FMT "</dt>\n", label, value);
}

static int print_status(request_rec *r, int flags)
{
    int is_short = flags & AP_STATUS_SHORT;

    if (!stg_process())
        return DECLINED;
    if (!is_short)
        ap_rputs("<hr /><h2>Staging</h2>\n<dl>\n", r);
    for (apr_size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        print_line(r, is_short, lines[i].key, lines[i].label,
                   stg_metric_value(lines[i].metric));
    if (!is_short)
        ap_rputs("</dl>\n", r);
    return OK;
}

void stg_status_hooks(apr_pool_t *p)
{
    APR_OPTIONAL_HOOK(ap, status_hook, print_status, NULL, NULL,
                      APR_HOOK_MIDDLE);
    (void)p;
}
