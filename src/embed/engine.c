#include "tmflow/engine.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "embed/embed_internal.h"
#include "engine/engine.h"
#include "engine/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct tmf_engine {
	struct tmf_loop *loop;
	struct tmf_registry *registry;
	struct store *store; /* NULL: nothing is kept */
	struct engine *engine;
	struct rng rng;
	size_t run_count;
	struct tmf_run *ended; /* in order; their ends are not committed yet */
	struct tmf_run **ended_end;
	struct tmf_err err; /* the first fault while a run's end was written */
};

/* The task comes first, so that the loop's pointer to it is a pointer to the run. */
struct tmf_run {
	struct tmf_task interrupt; /* first */
	struct tmf_engine *engine;
	struct tmf_run *next; /* in the engine's list of ended ones */
	bool listed;
	bool over;
	struct execution *execution;
	struct store_lease *lease;
	struct store_run record;
	json_t *input;
	struct tmf_run_result result;
	void (*on_done)(void *arg, struct tmf_run *run, const struct tmf_run_result *result);
	void (*on_event)(void *arg, struct tmf_run *run, const struct tmf_run_event *event);
	void *arg;
};

/*
 * A turn hook that stands behind the engine's, which commits: what on_done hears is durable.
 * Without that a host could act on an end that a crash then takes back.
 */
static int
embed_tell_ends(void *arg, struct tmf_err *err)
{
	struct tmf_engine *engine = arg;

	if (tmf_err_isset(&engine->err)) {
		tmf_err_move(err, &engine->err);
		return -1;
	}
	while (engine->ended != NULL) {
		struct tmf_run *run = engine->ended;

		engine->ended = run->next;
		if (engine->ended == NULL)
			engine->ended_end = &engine->ended;
		run->listed = false;
		run->over = true;
		store_lease_release(run->lease);
		run->lease = NULL;
		if (run->on_done != NULL)
			run->on_done(run->arg, run, &run->result); /* may free it */
	}
	return 0;
}

struct tmf_engine *
tmf_engine_new(const struct tmf_engine_opts *opts)
{
	struct tmf_engine *engine = mem_zalloc(1, sizeof(*engine));

	assert(opts->loop != NULL && opts->registry != NULL);
	engine->loop = opts->loop;
	engine->registry = opts->registry;
	engine->store = opts->store != NULL ? opts->store->store : NULL;
	engine->ended_end = &engine->ended;
	rng_seed_system(&engine->rng);
	engine->engine = engine_new(&(struct engine_opts){
	    .loop = opts->loop,
	    .registry = opts->registry,
	    .store = engine->store,
	});
	tmf_loop_add_turn_hook(engine->loop, embed_tell_ends, engine);
	return engine;
}

/* The hook goes before the engine's own parts, which it looks at. */
void
tmf_engine_free(struct tmf_engine *engine)
{
	if (engine == NULL)
		return;
	assert(engine->run_count == 0 && "runs are freed before their engine");
	tmf_loop_remove_turn_hook(engine->loop, embed_tell_ends, engine);
	engine_free(engine->engine);
	tmf_err_fini(&engine->err);
	free(engine);
}

/* The loop's clock, so that a host with a clock of its own has it everywhere. */
static int64_t
embed_wall_ms(const struct tmf_engine *engine)
{
	const struct tmf_clock *clock = tmf_loop_clock(engine->loop);

	return clock->wall_ms(clock);
}

/* --- a run's end --- */

/*
 * The end is only listed here: the host hears of it after the commit. The record is written in the
 * transaction in which the checkpoints go; up to then these say how the execution ended.
 */
static void
run_over(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct tmf_run *run = arg;
	struct tmf_engine *engine = run->engine;
	struct store_run *record = &run->record;

	(void)execution;
	assert(!run->over && !run->listed);
	record->status = result->status;
	record->stop_wall_ms = embed_wall_ms(engine);
	record->output = result->output != NULL ? jsonx_text(result->output) : NULL;
	record->error = mem_strdup(result->error);
	record->cause = mem_strdup(result->cause);
	if (engine->store != NULL && !tmf_err_isset(&engine->err))
		(void)store_run_end(engine->store, record, &engine->err);
	run->result = (struct tmf_run_result){
	    .status = (enum tmf_run_status)result->status,
	    .output = result->output,
	    .error = result->error,
	    .cause = result->cause,
	};
	run->listed = true;
	run->next = NULL;
	*engine->ended_end = run;
	engine->ended_end = &run->next;
}

static void
run_event(void *arg, const struct execution_event *event)
{
	struct tmf_run *run = arg;

	run->on_event(run->arg, run,
	    &(struct tmf_run_event){
		.id = event->id,
		.previous_id = event->previous_id,
		.wall_ms = event->wall_ms,
		.type = event->type,
		.state = event->state != NULL ? event->state->name : NULL,
		.data = event->data,
		.error = event->error,
		.cause = event->cause,
	    });
}

/* --- its beginning --- */

/* From the loop: a host may ask for it in on_event, where the engine stands in the middle of a
 * step. */
static void
run_interrupted(struct tmf_task *task)
{
	execution_interrupt(((struct tmf_run *)task)->execution);
}

/* Counted from the start, so that tmf_run_free works for half a run. */
static struct tmf_run *
run_new(struct tmf_engine *engine, const struct tmf_run_opts *opts)
{
	struct tmf_run *run = mem_zalloc(1, sizeof(*run));

	run->interrupt.run = run_interrupted;
	run->engine = engine;
	run->on_done = opts->on_done;
	run->on_event = opts->on_event;
	run->arg = opts->arg;
	engine->run_count++;
	return run;
}

/* Without a listener the engine has no events to report, which saves making them. */
static void
run_execution_opts(const struct tmf_run *run, const struct tmf_run_opts *opts,
    struct asl_machine *machine, struct execution_opts *ret_opts)
{
	*ret_opts = (struct execution_opts){
	    .machine = machine,
	    .run_id = run->record.id,
	    .machine_name = run->record.workflow_name,
	    .input = run->input,
	    .start_wall_ms = run->record.start_wall_ms,
	    .env = opts->env,
	    .on_done = run_over,
	    .redrives = run->record.redrives,
	    .redrive_wall_ms = run->record.redrive_wall_ms,
	    .on_event = opts->on_event != NULL ? run_event : NULL,
	    .arg = (void *)(uintptr_t)run,
	};
}

/*
 * Names the run, takes its lease and writes its record. The lease comes first: a record without one
 * could be resumed by another process before this one has entered the first state. The record
 * becomes durable with the first checkpoint, in the commit that ends the turn.
 */
static int
run_create(struct tmf_run *run, const struct tmf_run_opts *opts, struct tmf_err *err)
{
	struct tmf_engine *engine = run->engine;
	struct store_run *record = &run->record;

	if (opts->run_id != NULL && store_run_id_check(opts->run_id, err) < 0)
		return -1;
	record->status = RUN_RUNNING;
	record->start_wall_ms = embed_wall_ms(engine);
	if (opts->run_id != NULL)
		memcpy(record->id, opts->run_id, strlen(opts->run_id) + 1);
	else
		store_run_id_make(record->start_wall_ms, &engine->rng, record->id);
	record->workflow_name = mem_strdup(opts->workflow->name);
	record->definition = mem_strdup(opts->workflow->text);
	record->input = jsonx_text(run->input);
	if (engine->store == NULL)
		return 0;
	run->lease = store_lease_take(engine->store, record->id, err);
	return run->lease == NULL ? -1 : store_run_create(engine->store, record, err);
}

/* The default input is {}, as AWS has it for an execution without input. */
struct tmf_run *
tmf_run_start(struct tmf_engine *engine, const struct tmf_run_opts *opts, struct tmf_err *err)
{
	struct tmf_run *run = run_new(engine, opts);
	struct execution_opts start;

	assert(opts->workflow != NULL);
	run->input = opts->input != NULL ? json_incref(opts->input) : json_object();
	if (run_create(run, opts, err) < 0) {
		tmf_run_free(run);
		return NULL;
	}
	run_execution_opts(run, opts, opts->workflow->machine, &start);
	run->execution = execution_start(engine->engine, &start);
	return run;
}

/*
 * Finds the record, takes the lease, then reads the record again: its last holder may have ended
 * the run between the two.
 */
static int
run_take(struct tmf_run *run, const char *id_or_prefix, struct tmf_err *err)
{
	struct store *store = run->engine->store;
	struct store_run found = {0};
	int ret = store_run_find(store, id_or_prefix, &found, err);

	if (ret == 0 && (run->lease = store_lease_take(store, found.id, err)) == NULL)
		ret = -1;
	if (ret == 0)
		ret = store_run_find(store, found.id, &run->record, err);
	store_run_fini(&found);
	if (ret < 0)
		return -1;
	if (run->record.status != RUN_SUCCEEDED)
		return 0;
	return tmf_err_set(err, TMF_ERR_INVALID, "run %s is over: %s", run->record.id,
	    run_status_name(run->record.status));
}

/* The record's own definition is compiled, not the file it came from: that may have
 * changed. */
static int
run_go_on(struct tmf_run *run, const struct tmf_run_opts *opts, struct tmf_err *err)
{
	struct tmf_engine *engine = run->engine;
	struct store_run *record = &run->record;
	struct tmf_workflow *workflow;
	struct execution_opts resume;
	bool redrive;

	assert(opts->run_id != NULL && engine->store != NULL);
	if (run_take(run, opts->run_id, err) < 0)
		return -1;
	run->input = jsonx_parse(str_of(record->input), err);
	if (run->input == NULL)
		return -1;
	workflow = tmf_workflow_compile(&(struct tmf_definition){.name = record->workflow_name,
					    .text = record->definition,
					    .text_bytes = strlen(record->definition)},
	    engine->registry, NULL, err);
	if (workflow == NULL)
		return -1;
	redrive = store_run_has_failed(record);
	store_run_begin_again(record, embed_wall_ms(engine));
	/* The machine outlives the workflow: the execution takes a reference. */
	run_execution_opts(run, opts, workflow->machine, &resume);
	run->execution = redrive ? execution_redrive(engine->engine, &resume, err)
				 : execution_resume(engine->engine, &resume, err);
	tmf_workflow_free(workflow);
	/* So that a list does not call it interrupted while it is under way. */
	return run->execution != NULL ? store_run_update(engine->store, record, err) : -1;
}

/* The lease is held until the run has ended, so two processes cannot resume one run. */
struct tmf_run *
tmf_run_resume(struct tmf_engine *engine, const struct tmf_run_opts *opts, struct tmf_err *err)
{
	struct tmf_run *run = run_new(engine, opts);

	if (run_go_on(run, opts, err) == 0)
		return run;
	tmf_run_free(run);
	return NULL;
}

/* --- its life --- */

void
tmf_run_interrupt(struct tmf_run *run)
{
	tmf_loop_post(run->engine->loop, &run->interrupt);
}

/* A host may free a run before it has heard of its end. */
static void
run_unlist(struct tmf_run *run)
{
	struct tmf_run **at = &run->engine->ended;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	if (*at == NULL)
		run->engine->ended_end = at;
}

/* Also for a run that failed to start, of which any part may be missing. */
void
tmf_run_free(struct tmf_run *run)
{
	if (run == NULL)
		return;
	if (run->listed)
		run_unlist(run);
	tmf_loop_unpost(run->engine->loop, &run->interrupt);
	execution_free(run->execution);
	store_lease_release(run->lease);
	store_run_fini(&run->record);
	json_decref(run->input);
	run->engine->run_count--;
	free(run);
}

const char *
tmf_run_id(const struct tmf_run *run)
{
	return run->record.id;
}

/* NULL until the end is durable. */
const struct tmf_run_result *
tmf_run_result(const struct tmf_run *run)
{
	return run->over ? &run->result : NULL;
}

struct tmf_run_stats
tmf_run_stats(const struct tmf_run *run)
{
	struct execution_stats stats = {0};

	if (run->execution != NULL)
		stats = execution_stats(run->execution);
	return (struct tmf_run_stats){.transitions = stats.transitions, .branches = stats.branches};
}
