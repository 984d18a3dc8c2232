#ifndef TMFLOW_WEB_METRICS_SERVING_METRICS_H
#define TMFLOW_WEB_METRICS_SERVING_METRICS_H

#include "aws/client.h"
#include "serve/jobs.h"

/*
 * What a process that serves counts, as OpenMetrics text: its work, its calls to AWS with the
 * buckets that pace them, and what the store says of its run and of all runs. Labels are bounded:
 * commands, services, operations, accounts, outcomes, reasons.
 */

#define SERVING_CLIENTS_MAX    64    /* that are counted; a fleet's other accounts are not */
#define SERVING_STORE_FRESH_MS 60000 /* what the store says is read that often: it reads rows */

struct serving_client {
	const struct aws_client *client;
	struct pacer *pacer; /* NULL: none */
	const char *account; /* "" for the process's own */
};

/* Everything is borrowed. more: what this command counts itself; NULL: nothing. */
struct serving_metrics {
	const char *command; /* "listen" */
	struct tmf_loop *loop;
	const struct jobs *jobs;
	struct store *store;
	const char *run_id;
	int64_t start_wall_ms;
	struct serving_client clients[SERVING_CLIENTS_MAX];
	size_t client_count;
	void (*more)(void *arg, struct buf *out);
	void *arg;

	/* What the store said last. */
	struct buf stored;
	int64_t stored_mono_ms; /* 0: never */
};

/* Frees what the store said. */
void serving_metrics_fini(struct serving_metrics *metrics);

/* Appends all of it, with the end of the text. Errors: TMF_ERR_STORE. */
int serving_metrics_write(struct serving_metrics *metrics, struct buf *out, struct tmf_err *err);

#endif
