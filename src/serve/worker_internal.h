#ifndef TMFLOW_SERVE_WORKER_INTERNAL_H
#define TMFLOW_SERVE_WORKER_INTERNAL_H

#include "serve/health.h"
#include "serve/poll_pace.h"
#include "serve/warnings.h"
#include "serve/worker.h"

struct worker_poll;
struct worker_task;

struct activity {
	const char *arn; /* borrowed */
	unsigned polls;	 /* open */
	struct poll_pace pace;
};

struct worker {
	struct worker_opts opts;
	char *name;
	struct activity activities[WORKER_ACTIVITIES_MAX];
	size_t next_activity;	   /* the one to begin with when a slot is free */
	struct worker_poll *polls; /* open ones, a list */
	struct worker_task *tasks; /* a list */
	unsigned open_polls;
	unsigned live_tasks;
	struct health health;
	struct tmf_task slot_free; /* posted: opens polls, or ends the worker */
	struct warnings warnings;  /* of its tasks */
	bool draining;
	struct tmf_err fault;
	struct worker_stats stats;
};

/* Begins a task from GetActivityTask's result. Borrows. */
void worker_task_begin(struct worker *worker, const json_t *given);

/* Cancels all of them. */
void worker_tasks_free(struct worker *worker);

#endif
