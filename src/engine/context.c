#include "engine/context.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/children.h"

#include <stdlib.h>

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
