#ifndef TMFLOW_SERVE_WORKER_H
#define TMFLOW_SERVE_WORKER_H

#include "aws/client.h"
#include "serve/jobs.h"

/*
 * A Step Functions activity worker: asks activities for tasks, runs them as jobs, reports how
 * they ended.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-activities.html
 *
 * A task's token is handed out once, so a poll is never cut off: a worker that drains waits for
 * the polls that are open (a minute at most), and does what they still bring.
 */

#define WORKER_ACTIVITIES_MAX	     32u
#define WORKER_POLLERS_DEFAULT	     10u /* of an activity; AWS: 10 to 20 suffice for most */
#define WORKER_CONCURRENCY_DEFAULT   40u /* tasks and open polls together; as a Map's branches */
#define WORKER_CONCURRENCY_MAX	     1000u
#define WORKER_HEARTBEAT_MS_DEFAULT  20000 /* a third of what `export` writes into a definition */
#define WORKER_HEARTBEAT_SECONDS_MAX 3600  /* longer ones are no sign of life */
#define WORKER_ANSWER_PAUSE_MS	     20000 /* before an end is reported again */

struct worker_opts {
	struct tmf_loop *loop;
	struct jobs *jobs;
	struct aws_client *sfn;
	const char *const *activity_arns; /* borrowed while the worker lives */
	size_t activity_count;		  /* 1 to WORKER_ACTIVITIES_MAX */
	const char *name;		  /* for Step Functions; copied */
	unsigned pollers;		  /* open polls of one activity, at most */
	unsigned concurrency;		  /* at least activity_count */
	int64_t heartbeat_ms;
	const char *health_file; /* touched while polls are answered; NULL: none. Borrowed */
	/*
	 * Nothing is under way any more, after worker_drain or for a fault: fault is then set.
	 * From the loop.
	 */
	void (*over)(void *arg, struct tmf_err *fault);
	void *arg;
};

struct worker_stats {
	uint64_t tasks; /* that came */
	uint64_t succeeded;
	uint64_t failed;
	uint64_t dropped; /* timed out or closed meanwhile, or reporting their end failed */
	uint64_t heartbeats;
};

struct worker;

/* Opens the first polls. Borrows what opts point to but the name. */
struct worker *worker_new(const struct worker_opts *opts);

/* Cancels what is left. NULL is fine. */
void worker_free(struct worker *worker);

/* Asks for no further tasks; what is open or under way ends, then over is called. */
void worker_drain(struct worker *worker);

/* False while polls fail, and once it drains: no more work is taken. */
bool worker_is_healthy(const struct worker *worker);

/* Counts since the start. Borrowed. */
const struct worker_stats *worker_stats(const struct worker *worker);

#endif
