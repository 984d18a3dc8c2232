#include "engine_harness.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/registry.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define START_WALL_MS 1768478400000 /* 2026-01-15T12:00:00Z */

/* --- the actions --- */

static struct harness *
env(struct tmf_op *op)
{
	return op->env;
}

static enum tmf_op_next
echo(struct tmf_op *op)
{
	env(op)->starts++;
	return tmf_op_done(op, json_incref(op->input));
}

static enum tmf_op_next
fail_as_asked(struct tmf_op *op)
{
	const char *cause = jsonx_get_string(op->input, "Cause");

	env(op)->starts++;
	if (cause != NULL)
		tmf_err_set_name(
		    &op->err, TMF_ERR_SERVICE, jsonx_get_string(op->input, "Error"), "%s", cause);
	else
		tmf_err_set_name(
		    &op->err, TMF_ERR_SERVICE, jsonx_get_string(op->input, "Error"), NULL);
	return TMF_OP_FAIL;
}

static enum tmf_op_next
flaky(struct tmf_op *op)
{
	if (env(op)->failures++ < json_integer_value(json_object_get(op->input, "Times")))
		return fail_as_asked(op);
	return echo(op);
}

static enum tmf_op_next
slept(struct tmf_op *op)
{
	return tmf_op_done(op, json_incref(op->input));
}

static enum tmf_op_next
sleep_then(struct tmf_op *op, tmf_op_stage_fn *stage)
{
	env(op)->starts++;
	return tmf_op_sleep(op, json_integer_value(json_object_get(op->input, "Ms")), stage);
}

static enum tmf_op_next
sleep_first(struct tmf_op *op)
{
	return sleep_then(op, slept);
}

static enum tmf_op_next
looked(struct tmf_op *op)
{
	return tmf_op_done(op, json_incref(op->input));
}

static enum tmf_op_next
look(struct tmf_op *op)
{
	return sleep_then(op, looked);
}

/* The calls that wait at the gate stand in a list of their addresses. */
struct gate_call {
	struct tmf_call call; /* first */
	struct harness *h;
};

static void
gate_cancel(struct tmf_call *call)
{
	json_t *gate = ((struct gate_call *)call)->h->gate;

	for (size_t i = json_array_size(gate); i-- > 0;)
		if (json_integer_value(json_array_get(gate, i)) == (json_int_t)(uintptr_t)call)
			json_array_remove(gate, i);
}

static const struct tmf_call_ops gate_ops = {.cancel = gate_cancel};

static struct tmf_call *
gate_wait(struct harness *h)
{
	struct gate_call *wait = mem_zalloc(1, sizeof(*wait));

	tmf_call_init(&wait->call, &gate_ops, h->loop);
	wait->h = h;
	json_array_append_new(h->gate, json_integer((json_int_t)(uintptr_t)wait));
	return &wait->call;
}

static void
gate_open(struct harness *h)
{
	h->failures = 1;
	while (json_array_size(h->gate) > 0) {
		uintptr_t address = (uintptr_t)json_integer_value(json_array_get(h->gate, 0));

		json_array_remove(h->gate, 0);
		tmf_call_complete((struct tmf_call *)address, json_object());
	}
}

static enum tmf_op_next
crowd_done(struct tmf_op *op)
{
	if (json_is_true(json_object_get(op->input, "Open")))
		gate_open(env(op));
	env(op)->inside--;
	return tmf_op_done(op, json_incref(op->input));
}

static enum tmf_op_next
crowd_enters(struct tmf_op *op)
{
	ck_assert_int_le(++env(op)->inside, json_integer_value(json_object_get(op->input, "Max")));
	return tmf_op_sleep(op, json_integer_value(json_object_get(op->input, "Ms")), crowd_done);
}

static enum tmf_op_next
crowd(struct tmf_op *op)
{
	env(op)->starts++;
	if (env(op)->failures > 0 || json_is_true(json_object_get(op->input, "Open")))
		return crowd_enters(op);
	return tmf_op_await_parked(op, gate_wait(env(op)), crowd_enters);
}

static void
gave_up(struct tmf_op *op)
{
	ck_assert(tmf_err_isset(&op->err));
	env(op)->gave_up++;
}

static const struct tmf_action actions[] = {
    {.name = "crowd", .summary = "crowd", .start = crowd, .gave_up = gave_up},
    {.name = "echo", .summary = "echo", .start = echo},
    {.name = "fail", .summary = "fail", .start = fail_as_asked, .gave_up = gave_up},
    {.name = "flaky", .summary = "flaky", .start = flaky, .gave_up = gave_up},
    {.name = "look", .summary = "look", .start = look},
    {.name = "sleep", .summary = "sleep", .start = sleep_first, .gave_up = gave_up},
};

/* --- the harness --- */

void
harness_init(struct harness *h, struct store *store)
{
	*h = (struct harness){.store = store};
	fake_clock_init(&h->clock, START_WALL_MS);
	h->start_wall_ms = START_WALL_MS;
	h->loop = tmf_loop_new(&h->clock.clock);
	h->registry = tmf_registry_new();
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		tmf_registry_add(h->registry, &actions[i]);
	tmf_registry_set_env(h->registry, h);
	rng_seed(&h->rng, 1);
	h->engine = engine_new(&(struct engine_opts){
	    .loop = h->loop,
	    .registry = h->registry,
	    .store = store,
	});
	h->gate = json_array();
	h->path = json_array();
	h->events = json_array();
	h->after = json_array();
	h->details = json_array();
}

void
harness_fini(struct harness *h)
{
	engine_free(h->engine);
	tmf_registry_free(h->registry);
	tmf_loop_free(h->loop);
	json_decref(h->gate);
	json_decref(h->path);
	json_decref(h->events);
	json_decref(h->after);
	json_decref(h->details);
	json_decref(h->output);
	free(h->error);
	free(h->cause);
}

struct asl_machine *
harness_compile(struct harness *h, json_t *definition)
{
	struct asl_resources resources = registry_resources(h->registry);
	struct tmf_err err = {0};
	struct diag_list diags;
	char *text = jsonx_text(definition);
	struct doc *doc = doc_parse("definition", str_of(text), &err);
	struct asl_machine *machine;

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, &resources, &diags);
	if (machine == NULL)
		diag_print(&diags, stderr);
	ck_assert_ptr_nonnull(machine);
	diag_list_fini(&diags);
	doc_free(doc);
	free(text);
	return machine;
}

static void
done(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct harness *h = arg;

	(void)execution;
	h->over = true;
	h->status = result->status;
	h->output = json_incref(result->output);
	h->error = mem_strdup(result->error);
	h->cause = mem_strdup(result->cause);
	tmf_loop_stop(h->loop);
}

static void
note_event(void *arg, const struct execution_event *event)
{
	struct harness *h = arg;
	json_t *details = execution_event_details(event);

	json_array_append_new(h->events, json_string(event->type));
	json_array_append_new(h->after, json_integer(event->previous_id));
	json_array_append_new(h->details, details != NULL ? details : json_null());
	if (event->top_level && event->state != NULL && strstr(event->type, "StateEntered") != NULL)
		json_array_append_new(h->path, json_string(event->state->name));
}

struct execution *
harness_start(struct harness *h, struct asl_machine *machine, json_t *input, bool resume)
{
	const struct execution_opts opts = {
	    .machine = machine,
	    .run_id = "run",
	    .machine_name = "test",
	    .input = input,
	    .start_wall_ms = h->start_wall_ms,
	    .redrives = h->redrives,
	    .redrive_wall_ms = h->redrive_wall_ms,
	    .on_done = done,
	    .on_event = h->quiet ? NULL : note_event,
	    .arg = h,
	};
	struct tmf_err err = {0};
	struct execution *x;

	if (!resume)
		x = execution_start(h->engine, &opts);
	else if (h->redrives > 0)
		x = execution_redrive(h->engine, &opts, &err);
	else
		x = execution_resume(h->engine, &opts, &err);
	ck_assert_msg(x != NULL, "%s", tmf_err_text(&err));
	return x;
}

void
harness_run(struct harness *h, struct asl_machine *machine, json_t *input, bool resume)
{
	struct execution *x = harness_start(h, machine, input, resume);
	struct tmf_err err = {0};

	ck_assert_msg(tmf_loop_run(h->loop, &err) == 0, "%s", tmf_err_text(&err));
	ck_assert_msg(h->over, "the loop went idle before the execution was over");
	execution_free(x);
}
