#ifndef TMFLOW_WEB_METRICS_METRICS_H
#define TMFLOW_WEB_METRICS_METRICS_H

#include "base/buf.h"
#include "store/store.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"

/*
 * Numbers for a monitoring system, as OpenMetrics text. Names and units follow Prometheus'
 * conventions; label values are bounded: outcomes, reasons, rules, operations, workflows, accounts
 * and regions, no ids of instances.
 * See: https://prometheus.io/docs/specs/om/open_metrics_spec/
 */

#define METRICS_TYPE	   "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_END	   "# EOF\n"
#define METRICS_SERIES_MAX 100	/* of workflow, account and region in a store; the newest count */
#define METRICS_RUNS_MAX   2000 /* of a store that are looked at */

/*
 * Appends one run: its status, times, outcomes by reason and rule, calls to AWS and the buckets
 * that these were paced by; the same of each of its parts. For a file that node_exporter's textfile
 * collector reads. Errors: TMF_ERR_STORE.
 */
int metrics_of_run(
    struct store *store, const struct store_run *run, struct buf *out, struct tmf_err *err);

/*
 * Appends the runs of a store by status, and of each workflow, account and region the newest run
 * that is over, by the counts it noted. Errors: TMF_ERR_STORE.
 */
int metrics_of_store(struct store *store, struct buf *out, struct tmf_err *err);

/* What a store says, for a process that is asked for it often. Zeroed but for the first two, which
 * are borrowed. */
struct store_metrics {
	struct store *store;
	struct tmf_loop *loop;
	struct buf text;
	int64_t read_mono_ms; /* 0: never */
};

/* It is read that often, since it reads a record a run. */
#define STORE_METRICS_FRESH_MS 60000

/* Appends metrics_of_store without the end of the text, so that more can follow.
 * Errors: TMF_ERR_STORE. */
int store_metrics_append(struct store_metrics *metrics, struct buf *out, struct tmf_err *err);
void store_metrics_fini(struct store_metrics *metrics);

/* True if somebody asks for a command's numbers: a file (NULL: none), or the log. */
bool metrics_are_wanted(const char *path);

/* Gives a command's numbers to those who want them. The file is written beside path and moved
 * there: a reader sees all of it or the one before. Errors: TMF_ERR_SYSTEM. */
int
metrics_report(const char *path, const char *command, const struct buf *text, struct tmf_err *err);

/* The same with metrics_of_run, if that is wanted. Errors: TMF_ERR_STORE, TMF_ERR_SYSTEM. */
int metrics_report_run(
    struct store *store, const struct store_run *run, const char *path, struct tmf_err *err);

#endif
