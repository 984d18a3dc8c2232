#ifndef TMFLOW_WEB_METRICS_METRICS_H
#define TMFLOW_WEB_METRICS_METRICS_H

#include "base/buf.h"
#include "store/store.h"
#include "tmflow/error.h"

/*
 * Numbers for a monitoring system, as OpenMetrics text. Names and units follow Prometheus'
 * conventions; label values are bounded: outcomes, reasons, operations, workflows and regions, no
 * ids of instances.
 * See: https://prometheus.io/docs/specs/om/open_metrics_spec/
 */

#define METRICS_TYPE	   "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_SERIES_MAX 100	/* pairs of workflow and region of a store; the newest count */
#define METRICS_RUNS_MAX   2000 /* of a store that are looked at */

/*
 * Appends one run: its status, times, outcomes by reason, and calls to AWS. For a file that
 * node_exporter's textfile collector reads. Errors: TMF_ERR_STORE.
 */
int metrics_of_run(
    struct store *store, const struct store_run *run, struct buf *out, struct tmf_err *err);

/*
 * Appends the runs of a store by status, and of each workflow and region the newest run that is
 * over, by the counts it noted. Errors: TMF_ERR_STORE.
 */
int metrics_of_store(struct store *store, struct buf *out, struct tmf_err *err);

/* The same without the end of the text, so that more can follow. */
int metrics_add_store(struct store *store, struct buf *out, struct tmf_err *err);

/* Writes text to a file beside path and moves it there: a reader sees all of it or the one before.
 * Errors: TMF_ERR_SYSTEM. */
int metrics_write_file(const char *path, const struct buf *text, struct tmf_err *err);

#endif
