#ifndef TMFLOW_WEB_METRICS_RECONCILE_METRICS_H
#define TMFLOW_WEB_METRICS_RECONCILE_METRICS_H

#include "loop/histogram.h"
#include "web/metrics/emf.h"
#include "web/metrics/metrics.h"

/*
 * What `tmflow reconcile` counts, as OpenMetrics text: its rounds, and what the store says of all
 * runs. What a round did is what the store says of its run.
 */

enum round_result { ROUND_SUCCEEDED, ROUND_FAILED, ROUND_HELD, ROUND_RESULT_COUNT };

struct reconcile_metrics {
	struct store_metrics kept;
	int64_t start_wall_ms;
	uint64_t rounds[ROUND_RESULT_COUNT];
	struct histogram durations;
	unsigned failures; /* in a row */
	bool in_round;
	int64_t next_wall_ms; /* 0: not known */
	struct emf emf;	      /* what was last written into the log */
};

/* Counts a round that took so long. What the store says is read again: the round changed it. */
void
reconcile_metrics_round(struct reconcile_metrics *metrics, enum round_result result, int64_t ms);

/* Appends what the process counts: without the store, and without the end of the text. */
void reconcile_metrics_count(const struct reconcile_metrics *metrics, struct buf *out);

/* Writes that into the log, if that is to have it. */
void reconcile_metrics_log(struct reconcile_metrics *metrics);

/* Appends all of it, with the end of the text. Errors: TMF_ERR_STORE. */
int
reconcile_metrics_write(struct reconcile_metrics *metrics, struct buf *out, struct tmf_err *err);

/* Frees it. */
void reconcile_metrics_fini(struct reconcile_metrics *metrics);

#endif
