#include "engine/context.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/children.h"
#include "engine/event.h"

#include <assert.h>
#include <stdlib.h>

/* Odd and without a pattern: numbers that follow each other give far seeds. */
#define CHANCE_SPREAD UINT64_C(0x9e3779b97f4a7c15)

/* AWS gives ARNs in the context object. A local run has no account, so the account is all
 * zeros, but the parts stand where a workflow that splits the ARN expects them. */
#define ARN_EXECUTION "arn:aws:states:" REGION_LOCAL ":000000000000:execution:%s:%s"
#define ARN_MACHINE   "arn:aws:states:" REGION_LOCAL ":000000000000:stateMachine:%s"

static void
context_put_arn(json_t *object, const char *key, char *arn)
{
	jsonx_put_string(object, key, arn);
	free(arn);
}

static void
context_put_time(json_t *object, const char *key, int64_t wall_ms)
{
	char text[CLOCK_ISO_BYTES];

	clock_iso(wall_ms, text);
	jsonx_put_string(object, key, text);
}

/* RedriveCount is there because AWS always has it; RedriveTime only after a redrive. */
static json_t *
context_execution(const struct execution *x)
{
	json_t *part = json_object();

	context_put_arn(part, "Id", mem_printf(ARN_EXECUTION, x->machine_name, x->run_id));
	json_object_set(part, "Input", x->input);
	jsonx_put_string(part, "Name", x->run_id);
	jsonx_put_string(part, "RoleArn", ARN_ROLE);
	context_put_time(part, "StartTime", x->start_wall_ms);
	json_object_set_new(part, "RedriveCount", json_integer(x->redrives));
	if (x->redrives > 0)
		context_put_time(part, "RedriveTime", x->redrive_wall_ms);
	return part;
}

/* RetryCount counts retries, not attempts: the first attempt sees 0. */
static json_t *
context_state(const struct branch *branch)
{
	json_t *part = json_object();

	jsonx_put_string(part, "Name", branch->state->name);
	context_put_time(part, "EnteredTime", branch->entered_wall_ms);
	if (branch->state->type == ASL_TASK)
		json_object_set_new(part, "RetryCount", json_integer(branch->retry_count));
	return part;
}

/* A token for .waitForTaskToken, whose mock answers in the place of the worker. Each
 * attempt has another one. */
static json_t *
context_task(const struct branch *branch)
{
	json_t *part = json_object();
	char *token = mem_printf("mock-%s-%lld-%lld", branch->x->run_id,
	    (long long)branch->entered_event, (long long)branch->retry_count);

	jsonx_put_string(part, "Token", token);
	free(token);
	return part;
}

/* See:
 * https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html.
 * Built only when an expression asks for $$: most states never do. It is kept until the
 * branch enters a state, retries, or selects another item. */
json_t *
context_of(void *arg)
{
	struct branch *branch = arg;
	struct execution *x = branch->x;
	json_t *machine;
	json_t *item;

	if (branch->context != NULL)
		return branch->context;
	branch->context = json_object();
	json_object_set_new(branch->context, "Execution", context_execution(x));
	machine = json_object();
	context_put_arn(machine, "Id", mem_printf(ARN_MACHINE, x->machine_name));
	jsonx_put_string(machine, "Name", x->machine_name);
	json_object_set_new(branch->context, "StateMachine", machine);
	json_object_set_new(branch->context, "State", context_state(branch));
	if (x->engine->mocks != NULL && branch->state->type == ASL_TASK)
		json_object_set_new(branch->context, "Task", context_task(branch));
	item = children_map_item(branch);
	if (item != NULL) {
		json_t *map = json_object();

		json_object_set_new(map, "Item", item);
		json_object_set_new(branch->context, "Map", map);
	}
	return branch->context;
}

void
context_forget(struct branch *branch)
{
	json_decref(branch->context);
	branch->context = NULL;
}

/* --- chance and time --- */

static uint64_t
context_mix(uint64_t seed, int64_t number)
{
	struct rng rng;

	rng_seed(&rng, seed ^ ((uint64_t)number * CHANCE_SPREAD));
	return rng_next(&rng);
}

/* Where the execution stands, as a number: the way from the root by the states entered and the
 * children taken. Not by the ids of events or branches: these differ where a task was done
 * again. */
static uint64_t
context_chance_seed(const struct branch *branch)
{
	uint64_t outer =
	    branch->parent != NULL ? context_chance_seed(branch->parent) : branch->x->chance_seed;

	return context_mix(context_mix(outer, branch->index), branch->entries);
}

/*
 * Chance is derived from the run, the place and the stage, so that a resumed run and a retried task
 * make the same again: an id in the input of a task is what keeps its effect from coming twice.
 * Delays before retries differ, since each failure counts.
 */
struct rng *
context_chance(struct branch *branch, enum context_stage stage)
{
	struct engine *engine = branch->x->engine;
	int64_t part = stage;

	assert(branch->state != NULL && branch->input != NULL);
	assert(stage != CONTEXT_SELECTS || branch->children->selecting >= 0);
	if (stage == CONTEXT_SELECTS)
		part += branch->children->selecting * CONTEXT_STAGES;
	else if (stage == CONTEXT_FAILS)
		part += branch->retry_count * CONTEXT_STAGES;
	rng_seed(&engine->chance, context_mix(context_chance_seed(branch), part));
	return &engine->chance;
}

/*
 * The time that expressions see. It is one that the row of the branch has, until the state's own
 * work has ended: that of the entry, or of the end of the last backoff. The clock is read only
 * where it may be asked for, since Passes and Choices are entered by the million.
 */
int64_t
context_time(const struct branch *branch, enum context_stage stage)
{
	bool is_over = stage == CONTEXT_LEAVES || stage == CONTEXT_FAILS;
	bool slept = branch->wake_wall_ms > branch->entered_wall_ms;

	switch (branch->state->type) {
	case ASL_WAIT:
		return is_over && slept ? branch->wake_wall_ms : branch->entered_wall_ms;
	case ASL_TASK:
	case ASL_PARALLEL:
	case ASL_MAP:
		if (is_over)
			return event_now_wall_ms(branch->x);
		return slept ? branch->wake_wall_ms : branch->entered_wall_ms;
	case ASL_PASS:
	case ASL_CHOICE:
	case ASL_SUCCEED:
	case ASL_FAIL:
	case ASL_STATE_TYPE_COUNT:
		break;
	}
	return branch->entered_wall_ms;
}
