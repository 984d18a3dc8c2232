#ifndef TMFLOW_WEB_METRICS_RUN_METRICS_H
#define TMFLOW_WEB_METRICS_RUN_METRICS_H

#include "base/buf.h"
#include "store/store.h"
#include "tmflow/error.h"

/*
 * The numbers of one or several runs, as OpenMetrics text. OpenMetrics wants the samples of a
 * metric together, so that they are collected by metric and written at the end.
 */

/* X(id, name without prefix, unit or NULL, help); all are gauges, since a run that is over does
 * not go on counting. */
#define RUN_METRICS(X)                                                                             \
	X(STATUS, "status", NULL, "1 for what has become of the run, 0 for the others.")           \
	X(START, "start_timestamp_seconds", "seconds", "When the run began.")                      \
	X(STOP, "stop_timestamp_seconds", "seconds", "When the run ended.")                        \
	X(OUTCOMES, "outcomes", NULL, "Instances and interfaces by what became of them.")          \
	X(RULES, "rule_outcomes", NULL, "Interfaces that a rule took, by what became of them.")    \
	X(REQUESTS, "aws_requests", NULL, "Requests sent to AWS.")                                 \
	X(RETRIES, "aws_retries", NULL, "Requests that were not the first of their call.")         \
	X(THROTTLED, "aws_throttled", NULL, "Requests that AWS refused for their number.")         \
	X(FAILED, "aws_failed", NULL, "Calls that ended in an error.")                             \
	X(TOKENS, "aws_bucket_tokens", "tokens",                                                   \
	    "Requests that EC2's token bucket was taken to allow at once, at the last look.")      \
	X(SIZE, "aws_bucket_size_tokens", "tokens",                                                \
	    "Requests that the full bucket is taken to allow at once.")                            \
	X(REFILL, "aws_bucket_refill_tokens_per_second", NULL,                                     \
	    "Requests a second that the bucket is taken to allow for long.")
enum run_metric {
#define X(id, name, unit, help) RUN_METRIC_##id,
	RUN_METRICS(X)
#undef X
	    RUN_METRIC_COUNT
};

struct run_metrics {
	struct store *store;
	const char *prefix; /* "tmflow_run_" */
	bool by_row;	    /* outcomes by reason and rule: all rows are read */
	struct buf samples[RUN_METRIC_COUNT];
};

/* Rules of a run that have samples of their own; the others count together as "other". */
#define RUN_METRICS_RULES_MAX 200

/* Adds a run. Errors: TMF_ERR_STORE. */
int run_metrics_add(struct run_metrics *metrics, const struct store_run *run, struct tmf_err *err);

/* Appends what was added, and frees it. */
void run_metrics_write(struct run_metrics *metrics, struct buf *out);

/* Frees it. */
void run_metrics_fini(struct run_metrics *metrics);

/* Appends `workflow="backfill",account="123456789012",region="eu-west-1"`: what every sample of a
 * run bears. The account is that of a part; "" where the record has none. */
void run_metrics_labels(const struct store_run *run, struct buf *out);

#endif
