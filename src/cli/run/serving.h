#ifndef TMFLOW_CLI_RUN_SERVING_H
#define TMFLOW_CLI_RUN_SERVING_H

#include "cli/workspace/workspace.h"
#include "serve/jobs.h"
#include "tmflow/loop.h"
#include "web/metrics/emf.h"
#include "web/metrics/serving_metrics.h"

/* What brings the work, for the metrics and the probe. All borrowed; members may be NULL. */
struct serving_source {
	const struct aws_client *client;	   /* that it is asked with */
	void (*count)(void *arg, struct buf *out); /* appends OpenMetrics text */
	bool (*is_healthy)(void *arg);
	void *arg;
};

/*
 * What the subcommands share that run until they are stopped: `worker`, `listen`, `lambda`.
 * Life: serving_open, what brings the work, serving_run, serving_close. The outcomes of all jobs
 * stand in one run of the store.
 */
struct serving {
	struct cli_opts opts; /* as given, with a region */
	struct workspace workspace;
	struct store *store;
	struct store_lease *lease;
	struct store_run run; /* owned */
	struct jobs *jobs;
	char *spool; /* theirs: of the run */
	int signals; /* caught so far */
	void (*drain)(void *arg);
	void *drain_arg;
	int code;		    /* serving_over */
	struct tmf_timer retention; /* armed with --retention */
	char *workflows_found;	    /* serving_workflows_dir */
	int64_t retention_ms;	    /* -1: runs stay */
	struct serving_source source;
	struct metrics_server *server; /* --metrics-listen; NULL: none */
	struct serving_metrics metrics;
	struct emf emf; /* what was last written of them into the log */
	struct tmf_timer emf_due;
};

struct serving_opts {
	const char *name; /* of the run: "worker" */
	const char
	    *region; /* where neither flag nor environment names one; NULL: that is a fault */
	long connections_max;
};

/*
 * Settings, configuration (if there is one), hook, keys, store, jobs. Says why it cannot, and
 * returns the exit code; EXIT_OK when all is well.
 */
int
serving_open(struct serving *serving, const struct cli_opts *opts, const struct serving_opts *what);

/*
 * Says what brings the work, before serving_run; a command that does without has the common numbers
 * only.
 */
void serving_set_source(struct serving *serving, const struct serving_source *source);

/* Serves --metrics-listen, and writes the numbers into a log that is to have them, until
 * serving_numbers_stop. Returns the exit code. */
int serving_numbers_start(struct serving *serving);

/* Writes into the log what was counted since the time before, if it is to have that. */
void serving_numbers_log(struct serving *serving);

/* Does the latter a last time, and ends its connections. Fine where it was not started. */
void serving_numbers_stop(struct serving *serving);

/*
 * Runs the loop until serving_over, or until a second signal. The first signal calls drain.
 * Returns the exit code.
 */
int serving_run(struct serving *serving, void (*drain)(void *arg), void *arg);

/* Ends serving_run. fault (may be unset): why; it is said. */
void serving_over(struct serving *serving, struct tmf_err *fault);

/* After what brought the work is freed. */
void serving_close(struct serving *serving);

/* The folder of workflows: --workflows, TMFLOW_WORKFLOWS, else the first of search.h that is
 * there. Borrowed from serving. */
const char *serving_workflows_dir(struct serving *serving);

#endif
