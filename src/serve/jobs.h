#ifndef TMFLOW_SERVE_JOBS_H
#define TMFLOW_SERVE_JOBS_H

#include "base/rng.h"
#include "engine/engine.h"
#include "loop/histogram.h"
#include "mirror/mirror.h"

/*
 * Work that comes from elsewhere, whatever brought it: a task of Step Functions, an event of a
 * queue, an invocation of a function. A job is one native action, or one whole workflow. Jobs
 * keep no checkpoints: who sent the work sends it again where its end is not reported.
 */

#define JOBS_WORKFLOWS_MAX 64u /* that a process keeps compiled */

/* Other workers make targets too: a listing of them that is older than this is read again. */
#define JOBS_TARGETS_FRESH_MS 300000

/* How often a process without work looks for targets that it made and nobody mirrors to: longer
 * than a run waits for a target to be ready. */
#define JOBS_IDLE_LOOK_MS 600000

struct jobs;
struct job;

/* Everything is borrowed and must outlive the jobs. */
struct jobs_opts {
	struct tmf_loop *loop;
	struct rng *rng;
	struct tmf_registry *registry; /* of every native action */
	struct store *store;	       /* outcomes and facts; committed once a turn */
	const char *run_id;	       /* whose outcomes they are */
	struct aws_client *ec2;	       /* NULL with config */
	struct aws_client *(*client_for)(void *arg, const char *role_arn,
	    struct tmf_err *err); /* as in accounts.h; may be NULL */
	void *client_for_arg;
	struct aws_client *(*elb_for)(
	    void *client_for_arg, const struct aws_client *ec2); /* likewise */
	struct objects *objects; /* of S3, for Maps; NULL: not reached */
	const char *spool;	 /* for what goes there, as in engine_opts; NULL: nothing can */
	const struct mirror_config
	    *config;	       /* NULL: actions that need AWS fail with TMFlow.Config */
	const char *hook_name; /* NULL: none */
	const char *hook_source;
	const char *workflows_dir; /* where a job finds workflows by name */
};

/* Errors: TMF_ERR_HOOK for a hook that does not load. */
struct jobs *jobs_new(const struct jobs_opts *opts, struct tmf_err *err);

/* No job may be left: asserted. */
void jobs_free(struct jobs *jobs);

/* Appends what the live jobs are doing, a line each: see engine_write_live. */
void jobs_write_live(const struct jobs *jobs, struct buf *out);

/* Counts since the start. */
struct jobs_stats {
	uint64_t succeeded;
	uint64_t failed;
	struct histogram durations; /* of both */
	size_t live;		    /* now */
};

/* Borrowed; live counts what is under way at this moment. */
const struct jobs_stats *jobs_stats(const struct jobs *jobs);

/* fn for each set of outcomes that jobs have recorded. */
void jobs_outcomes_each(
    const struct jobs *jobs, void (*fn)(void *arg, const struct outcome_count *count), void *arg);

/* --- workflows --- */

/* A compiled workflow with its name. Kept until jobs_free. */
struct workflow;

/*
 * Reads a file, once for each path.
 * Errors: TMF_ERR_INVALID with file, line and column of the first fault; TMF_ERR_SYSTEM;
 * TMF_ERR_LIMIT.
 */
const struct workflow *jobs_read_workflow(struct jobs *jobs, const char *path, struct tmf_err *err);

/* --- jobs --- */

/* How a job ended. The callback may move output and err out. */
struct job_end {
	json_t *output;		   /* NULL on failure */
	struct tmf_err err;	   /* set on failure; name "" for a Fail state without Error */
	uint64_t instances_failed; /* recorded as `failed`; a workflow may succeed even so */
};

/* The job is freed afterwards. */
typedef void job_done_fn(void *arg, struct job_end *end);

/*
 * Starts what task says: {"action": NAME, "input"?} or {"workflow": name in workflows_dir or a
 * whole definition, "input"?}. done comes from the loop, exactly once, unless the job is
 * cancelled; a task that says nothing of the kind fails with TMFlow.InvalidInput.
 */
struct job *job_start(struct jobs *jobs, const json_t *task, job_done_fn *done, void *arg);

/* The same for a workflow that is compiled. input: a reference is taken. */
struct job *job_start_workflow(struct jobs *jobs, const struct workflow *workflow, json_t *input,
    job_done_fn *done, void *arg);

/* True if task is an object that has "action" or "workflow". */
bool job_is_task(const json_t *task);

/* Stops the work; done is not called. NULL is fine. */
void job_cancel(struct job *job);

#endif
