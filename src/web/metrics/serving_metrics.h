#ifndef TMFLOW_WEB_METRICS_SERVING_METRICS_H
#define TMFLOW_WEB_METRICS_SERVING_METRICS_H

#include "aws/client.h"
#include "serve/jobs.h"
#include "web/metrics/metrics.h"

/*
 * What a process that serves counts, as OpenMetrics text: its work, its calls to AWS with the
 * buckets that pace them, the outcomes that it recorded, and what the store says of all runs.
 * Labels are bounded: commands, services, operations, accounts, rules, outcomes, reasons.
 */

#define SERVING_CLIENTS_MAX 64 /* that are counted; a fleet's other accounts are not */

struct serving_client {
	const struct aws_client *client;
	struct pacer *pacer; /* NULL: none */
	const char *account; /* "" for the process's own */
};

/* Everything is borrowed. more: what this command counts itself; NULL: nothing. */
struct serving_metrics {
	const char *command; /* "listen" */
	const struct jobs *jobs;
	struct store_metrics kept;
	int64_t start_wall_ms;
	struct serving_client clients[SERVING_CLIENTS_MAX];
	size_t client_count;
	void (*more)(void *arg, struct buf *out);
	void *arg;
};

/* Frees what the store said. */
void serving_metrics_fini(struct serving_metrics *metrics);

/* Appends what the process counts: without the store, and without the end of the text. */
void serving_metrics_count(const struct serving_metrics *metrics, struct buf *out);

/* Appends all of it, with the end of the text. Errors: TMF_ERR_STORE. */
int serving_metrics_write(struct serving_metrics *metrics, struct buf *out, struct tmf_err *err);

#endif
