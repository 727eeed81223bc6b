/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, one line each. Included several times: no include guard. */
/* clang-format off */

#ifdef STG_LABEL
/* A label and its values. A value that is not listed counts as the last. */
STG_LABEL(NONE,   "",       "")
STG_LABEL(API,    "api",    "uploads", "resumable", "downloads", "ops", "other")
STG_LABEL(STATUS, "status", "1xx", "2xx", "3xx", "4xx", "5xx")
STG_LABEL(RESULT, "result", "success", "pending", "failure")
STG_LABEL(OP,     "op",     "create", "write", "finish", "head", "read",
                            "remove", "list", "other")
STG_LABEL(JOB,    "result", "done", "retried", "parked", "lost")
#endif

#ifdef STG_METRIC
/* STG_METRIC_<id>, kind, name, labels, help. Bytes are bytes; histograms are
 * of seconds. */
STG_METRIC(REQUESTS, COUNTER, "staging_requests_total", API, STATUS,
           "Requests answered.")
STG_METRIC(UPLOADS, COUNTER, "staging_uploads_total", RESULT, NONE,
           "Uploads received, by what was answered.")
STG_METRIC(UPLOAD_BYTES, COUNTER, "staging_upload_bytes_total", NONE, NONE,
           "Bytes of all uploads that succeeded.")
STG_METRIC(UPLOAD_TIME, HISTOGRAM, "staging_upload_seconds", NONE, NONE,
           "Time from the head of an upload to its answer.")
STG_METRIC(DIGEST_TIME, HISTOGRAM, "staging_digest_seconds", NONE, NONE,
           "Time that an upload waited for its digests.")
STG_METRIC(STORE_TIME, HISTOGRAM, "staging_store_seconds", OP, NONE,
           "Time of one call of a store.")
STG_METRIC(STORES_DOWN, GAUGE, "staging_stores_down", NONE, NONE,
           "Stores that the process which answers this has given up for now.")
STG_METRIC(JOBS, COUNTER, "staging_jobs_total", JOB, NONE,
           "Jobs that ended a turn.")
STG_METRIC(JOBS_PARKED, GAUGE, "staging_jobs_parked", NONE, NONE,
           "Jobs that failed too often and wait for an administrator.")
STG_METRIC(GC_REMOVED, COUNTER, "staging_gc_removed_total", NONE, NONE,
           "Things removed by garbage collection.")
STG_METRIC(GC_ERRORS, COUNTER, "staging_gc_errors_total", NONE, NONE,
           "Rounds of garbage collection that failed.")
STG_METRIC(IN_FLIGHT, HELD, "staging_uploads_in_flight", NONE, NONE,
           "Uploads being received.")
STG_METRIC(PARTS_MEMORY, HELD, "staging_parts_memory_bytes", NONE, NONE,
           "Memory held by parts on their way to a store.")
#endif
/* clang-format on */
