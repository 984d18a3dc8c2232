#ifndef TMFLOW_CLI_RUN_SERVING_H
#define TMFLOW_CLI_RUN_SERVING_H

#include "cli/workspace/workspace.h"
#include "serve/jobs.h"
#include "tmflow/loop.h"

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
	int signals; /* caught so far */
	void (*drain)(void *arg);
	void *drain_arg;
	int code;		    /* serving_over */
	struct tmf_timer retention; /* armed with --retention */
	char *workflows_found;	    /* serving_workflows_dir */
	int64_t retention_ms;	    /* -1: runs stay */
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
