#include "serve/jobs_internal.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/op.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ACTION_PREFIX	  "tmflow:"
#define ERROR_TIMEOUT	  "States.Timeout"
#define ERROR_INTERRUPTED "TMFlow.Interrupted"

struct job {
	struct tmf_task failed; /* first: reports a fault of the start from the loop */
	struct jobs *jobs;
	struct job *next; /* in jobs */
	struct job *prev;
	struct mirror *mirror; /* a workflow's; NULL for an action */
	struct workflow *own;  /* came with the task; NULL: none */
	struct tmf_op *op;
	struct execution *execution;
	struct tmf_call
	    *settling; /* its end is known, but launches for targets are to be settled yet */
	struct job_end end;
	int64_t start_mono_ms;
	job_done_fn *done;
	void *arg;
};

/*
 * A run's part of what the actions go by. What is known about AWS outlives it, in the accounts.
 * Errors: TMF_ERR_HOOK.
 */
static struct mirror *
jobs_open_run(const struct jobs *jobs, const char *workflow_name, struct tmf_err *err)
{
	return mirror_new(
	    &(struct mirror_opts){
		.accounts = jobs->accounts,
		.config = jobs->opts.config,
		.run_id = jobs->opts.run_id,
		.shares_run = true,
		.workflow = workflow_name,
		.hook_name = jobs->opts.hook_name,
		.hook_source = jobs->opts.hook_source,
	    },
	    err);
}

/* --- all jobs --- */

static void jobs_arm_idle(struct jobs *jobs);

static void
jobs_leftovers_settled(void *arg, struct tmf_call *call)
{
	struct jobs *jobs = arg;

	jobs->settling = NULL;
	if (tmf_err_isset(&call->err))
		log_event(LOG_ERROR, "jobs.settle", LOG_ERR(&call->err));
}

/*
 * A worker does single tasks, and never learns of the end of the run whose targets it made. So what
 * nobody mirrors to is taken back at times at which it has nothing to do.
 */
static void
jobs_look_after_idle(struct tmf_timer *timer)
{
	struct jobs *jobs = (struct jobs *)((char *)timer - offsetof(struct jobs, idle));

	jobs_arm_idle(jobs);
	if (jobs->first != NULL || jobs->settling != NULL)
		return;
	jobs->settling = accounts_settle(jobs->accounts, true);
	tmf_call_on_done(jobs->settling, jobs_leftovers_settled, jobs);
}

static void
jobs_arm_idle(struct jobs *jobs)
{
	struct tmf_clock *clock = tmf_loop_clock(jobs->opts.loop);

	tmf_loop_timer_arm(jobs->opts.loop, &jobs->idle, clock->mono_ms(clock) + JOBS_IDLE_LOOK_MS);
}

/* Once a turn of the loop, so that all that the runs wrote in it shares one commit. */
static int
jobs_commit(void *arg, struct tmf_err *err)
{
	struct jobs *jobs = arg;

	return store_commit(jobs->opts.store, err);
}

struct jobs *
jobs_new(const struct jobs_opts *opts, struct tmf_err *err)
{
	struct jobs *jobs = mem_zalloc(1, sizeof(*jobs));

	jobs->opts = *opts;
	jobs->accounts = accounts_new(&(struct accounts_opts){
	    .loop = opts->loop,
	    .ec2 = opts->ec2,
	    .client_for = opts->client_for,
	    .client_for_arg = opts->client_for_arg,
	    .elb_for = opts->elb_for,
	    .store = opts->store,
	    .owner = opts->run_id,
	    .gathers = true,
	    .trusts_tags = opts->config != NULL && mirror_config_trusts_tags(opts->config),
	    .fresh_ms = JOBS_TARGETS_FRESH_MS,
	});
	jobs->actions = jobs_open_run(jobs, NULL, err);
	if (jobs->actions == NULL) {
		accounts_free(jobs->accounts);
		free(jobs);
		return NULL;
	}
	tmf_loop_add_turn_hook(opts->loop, jobs_commit, jobs);
	jobs->engine = engine_new(&(struct engine_opts){.loop = opts->loop,
	    .registry = opts->registry,
	    .objects = opts->objects,
	    .spool = opts->spool});
	/*
	 * A process that was killed may have left launches behind whose end the store does not
	 * know. They are settled beside the new work, which need not wait for them. An idle target
	 * is left alone: a task that comes next may be the one that mirrors to it.
	 */
	jobs->settling = accounts_settle(jobs->accounts, false);
	tmf_call_on_done(jobs->settling, jobs_leftovers_settled, jobs);
	jobs->idle.fire = jobs_look_after_idle;
	jobs_arm_idle(jobs);
	return jobs;
}

void
jobs_free(struct jobs *jobs)
{
	if (jobs == NULL)
		return;
	/*
	 * The owners cancel their jobs before: a job borrows the engine, the accounts and its
	 * workflow.
	 */
	assert(jobs->first == NULL);
	tmf_call_cancel(jobs->settling);
	tmf_loop_timer_disarm(jobs->opts.loop, &jobs->idle);
	engine_free(jobs->engine);
	tmf_loop_remove_turn_hook(jobs->opts.loop, jobs_commit, jobs);
	mirror_free(jobs->actions);
	accounts_free(jobs->accounts);
	for (size_t i = 0; i < jobs->workflow_count; i++)
		workflow_free(jobs->workflows[i]);
	free(jobs);
}

void
jobs_write_live(const struct jobs *jobs, struct buf *out)
{
	engine_write_live(jobs->engine, out);
	for (const struct job *job = jobs->first; job != NULL; job = job->next) {
		if (job->op == NULL)
			continue; /* a workflow: the engine has written it */
		op_write_live(job->op, out);
		buf_add_char(out, '\n');
	}
}

/* --- one job --- */

/* The execution goes before the mirror and the workflow, because its actions borrow both. */
static void
job_free(struct job *job)
{
	struct jobs *jobs = job->jobs;

	tmf_call_cancel(job->settling);
	execution_free(job->execution);
	mirror_free(job->mirror);
	workflow_free(job->own);
	json_decref(job->end.output);
	tmf_err_fini(&job->end.err);
	if (job->prev != NULL)
		job->prev->next = job->next;
	else
		jobs->first = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	assert(jobs->stats.live > 0);
	jobs->stats.live--;
	free(job);
}

/* Before the owner hears of it, who may ask for the counts. */
static void
job_count(const struct job *job)
{
	struct jobs *jobs = job->jobs;

	if (tmf_err_isset(&job->end.err))
		jobs->stats.failed++;
	else
		jobs->stats.succeeded++;
	histogram_add(
	    &jobs->stats.durations, tmf_loop_mono_ms(jobs->opts.loop) - job->start_mono_ms);
}

void
jobs_outcomes_each(
    const struct jobs *jobs, void (*fn)(void *arg, const struct outcome_count *count), void *arg)
{
	accounts_outcomes_each(jobs->accounts, fn, arg);
}

const struct jobs_stats *
jobs_stats(const struct jobs *jobs)
{
	return &jobs->stats;
}

/*
 * A workflow counts its failed instances itself: a Catch may have turned them into a success of
 * the run.
 */
static void
job_report(struct job *job)
{
	assert(job->op == NULL);
	assert(job->settling == NULL);
	if (job->mirror != NULL)
		job->end.instances_failed = job->mirror->progress.failed;
	job_count(job);
	job->done(job->arg, &job->end);
	job_free(job);
}

static void
job_report_failed(struct tmf_task *task)
{
	job_report((struct job *)task);
}

/*
 * An action that runs alone has no Retry above it, so that its first failure is the last
 * attempt: what it holds is given up at once.
 */
static void
job_op_over(void *arg, struct tmf_op *op)
{
	struct job *job = arg;

	job->op = NULL;
	job->end.output = op_take_result(op);
	if (job->end.output == NULL) {
		if (op->action->gave_up != NULL)
			op->action->gave_up(op);
		tmf_err_move(&job->end.err, &op->err);
	}
	op_free(op);
	job_report(job);
}

/* The run's own error says more than one of the cleanup, and is kept. */
static void
job_settled(void *arg, struct tmf_call *call)
{
	struct job *job = arg;

	job->settling = NULL;
	if (tmf_err_isset(&call->err) && !tmf_err_isset(&job->end.err))
		tmf_err_move(&job->end.err, &call->err);
	job_report(job);
}

/* What another job is about to mirror to must not be taken for idle. */
static bool
job_is_alone(const struct job *job)
{
	return job->jobs->first == job && job->next == NULL;
}

/*
 * The report waits until launches for targets are settled. Otherwise the caller could take a run
 * as over, and stop the process, while AWS still starts an instance for it.
 */
static void
job_execution_over(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct job *job = arg;
	struct tmf_err *err = &job->end.err;

	assert(job->op == NULL);
	assert(job->settling == NULL);
	(void)execution;
	switch (result->status) {
	case RUN_SUCCEEDED:
		job->end.output = json_incref(result->output);
		break;
	case RUN_TIMED_OUT:
		tmf_err_set_name(
		    err, TMF_ERR_ASL, ERROR_TIMEOUT, "the workflow's TimeoutSeconds expired");
		break;
	case RUN_FAILED:
		tmf_err_set_name(err, TMF_ERR_ASL, result->error != NULL ? result->error : "", "%s",
		    result->cause != NULL ? result->cause : "");
		break;
	case RUN_RUNNING:
	case RUN_INTERRUPTED:
		if (result->error != NULL)
			tmf_err_set_name(err, TMF_ERR_EXPIRED, result->error, "%s", result->cause);
		else
			tmf_err_set_name(
			    err, TMF_ERR_BUSY, ERROR_INTERRUPTED, "the run was interrupted");
		break;
	}
	job->settling = accounts_settle(job->jobs->accounts, job_is_alone(job));
	tmf_call_on_done(job->settling, job_settled, job);
}

/*
 * Without a configuration the process still serves workflows that only compute. What needs AWS
 * fails by name instead of at its first call.
 */
static int
job_check_configured(const struct jobs *jobs, bool needs_aws, const char *name, struct tmf_err *err)
{
	if (!needs_aws || jobs->opts.config != NULL)
		return 0;
	return tmf_err_set(err, TMF_ERR_CONFIG, "missing configuration: %s needs one", name);
}

/*
 * Both spellings are accepted: "tmflow:plan" as it stands in a Task state, and "plan" as `tmflow
 * actions` lists it.
 */
static int
job_start_action(struct job *job, const char *name, json_t *input)
{
	struct jobs *jobs = job->jobs;
	struct tmf_err *err = &job->end.err;
	const char *bare = strncmp(name, ACTION_PREFIX, sizeof(ACTION_PREFIX) - 1) == 0
			       ? name + sizeof(ACTION_PREFIX) - 1
			       : name;
	const struct tmf_action *action = tmf_registry_find(jobs->opts.registry, bare);

	if (action == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "unknown action \"%s\" (tmflow actions lists them)", bare);
	if (job_check_configured(jobs, action->needs_aws, bare, err) < 0)
		return -1;
	job->op = op_start(action, jobs->actions, jobs->opts.loop, input, job_op_over, job);
	return 0;
}

static int
job_begin_workflow(struct job *job, const struct workflow *workflow, json_t *input)
{
	struct jobs *jobs = job->jobs;
	struct tmf_err *err = &job->end.err;
	char *name;

	assert(job->mirror == NULL);
	assert(job->execution == NULL);
	if (job_check_configured(jobs, workflow->needs_aws, workflow->name, err) < 0)
		return -1;
	job->mirror = jobs_open_run(jobs, workflow->name, err);
	if (job->mirror == NULL)
		return -1;
	/* Each has a name of its own, of which its chance and the folders of its Maps' results are
	 * derived. */
	name = mem_printf("%s-%" PRIu64, jobs->opts.run_id, ++jobs->executions);
	job->execution = execution_start(jobs->engine, &(struct execution_opts){
							   .machine = workflow->machine,
							   .run_id = name,
							   .machine_name = workflow->name,
							   .input = input,
							   .env = job->mirror,
							   .on_done = job_execution_over,
							   .arg = job,
						       });
	free(name);
	return 0;
}

/* A definition that came with its task. */
static int
job_start_definition(struct job *job, const json_t *definition, json_t *input)
{
	struct tmf_err *err = &job->end.err;
	char *text = jsonx_text(definition);
	struct doc *doc = doc_parse("workflow", str_of(text), err);

	if (doc != NULL)
		job->own = workflow_compile(job->jobs, doc, "workflow", err);
	doc_free(doc);
	free(text);
	return job->own != NULL ? job_begin_workflow(job, job->own, input) : -1;
}

/*
 * Strict, because a task is written by hand in a state machine: "imput" would otherwise run the
 * action with an empty input and succeed.
 */
static int
job_check_members(const json_t *task, struct tmf_err *err)
{
	static const char *const known[] = {"action", "workflow", "input", NULL};
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)task, name, value) {
		size_t i = 0;

		while (known[i] != NULL && strcmp(known[i], name) != 0)
			i++;
		if (known[i] == NULL)
			return tmf_err_set(
			    err, TMF_ERR_INVALID, "unknown member of a task: \"%s\"", name);
	}
	if (!job_is_task(task) ||
	    (json_object_get(task, "action") != NULL && json_object_get(task, "workflow") != NULL))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "not a task: {\"action\", \"input\"} or {\"workflow\", \"input\"}");
	return 0;
}

/*
 * "workflow" is a name or a whole definition. A definition is checked like a file, but it is not
 * kept: it belongs to its job alone.
 */
static int
job_begin_task(struct job *job, const json_t *task, json_t *input)
{
	struct tmf_err *err = &job->end.err;
	const json_t *action = json_object_get(task, "action");
	const json_t *definition = json_object_get(task, "workflow");
	const struct workflow *workflow;

	if (job_check_members(task, err) < 0)
		return -1;
	if (json_is_string(action))
		return job_start_action(job, json_string_value(action), input);
	if (action != NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "action: not a string");
	if (json_is_object(definition))
		return job_start_definition(job, definition, input);
	if (!json_is_string(definition))
		return tmf_err_set(err, TMF_ERR_INVALID, "workflow: not a name or a definition");
	workflow = workflow_by_name(job->jobs, json_string_value(definition), err);
	return workflow != NULL ? job_begin_workflow(job, workflow, input) : -1;
}

static struct job *
job_new(struct jobs *jobs, job_done_fn *done, void *arg)
{
	struct job *job = mem_zalloc(1, sizeof(*job));

	job->failed.run = job_report_failed;
	job->jobs = jobs;
	job->done = done;
	job->arg = arg;
	job->start_mono_ms = tmf_loop_mono_ms(jobs->opts.loop);
	jobs->stats.live++;
	job->next = jobs->first;
	if (job->next != NULL)
		job->next->prev = job;
	jobs->first = job;
	return job;
}

/*
 * A fault of the start is posted to the loop as well, so that done is never called before the
 * caller has the job in its hands.
 */
struct job *
job_start(struct jobs *jobs, const json_t *task, job_done_fn *done, void *arg)
{
	struct job *job = job_new(jobs, done, arg);
	json_t *given = json_object_get(task, "input");
	json_t *input = given != NULL ? json_incref(given) : json_object();

	if (job_begin_task(job, task, input) < 0)
		tmf_loop_post(jobs->opts.loop, &job->failed);
	json_decref(input);
	return job;
}

struct job *
job_start_workflow(
    struct jobs *jobs, const struct workflow *workflow, json_t *input, job_done_fn *done, void *arg)
{
	struct job *job = job_new(jobs, done, arg);

	if (job_begin_workflow(job, workflow, input) < 0)
		tmf_loop_post(jobs->opts.loop, &job->failed);
	return job;
}

bool
job_is_task(const json_t *task)
{
	return json_object_get(task, "action") != NULL || json_object_get(task, "workflow") != NULL;
}

/* Never calls done. The store keeps what was done, and the next attempt continues from there. */
void
job_cancel(struct job *job)
{
	if (job == NULL)
		return;
	tmf_loop_unpost(job->jobs->opts.loop, &job->failed);
	op_free(job->op);
	job_free(job);
}
