/* Any rows at all: a resume refuses them, or the execution comes to an end. */
#include "checkpoint_rows.h"

#include "base/clock.h"
#include "engine/engine.h"

#include <stdint.h>
#include <stdlib.h>

#define TURNS_MAX     2000
#define START_WALL_MS 1768478400000 /* 2026-01-15T12:00:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bench {
	struct tmf_loop *loop;
	int turns_left;
	bool is_over;
};

static enum tmf_op_next
echo(struct tmf_op *op)
{
	return tmf_op_done(op, json_incref(op->input));
}

static const struct tmf_action echo_action = {.name = "echo", .summary = "echo", .start = echo};

static void
over(void *arg, struct execution *execution, const struct execution_result *result)
{
	struct bench *bench = arg;

	(void)execution;
	(void)result;
	bench->is_over = true;
	tmf_loop_stop(bench->loop);
}

static int
count_turn(void *arg, struct tmf_err *err)
{
	struct bench *bench = arg;

	(void)err;
	if (--bench->turns_left == 0)
		tmf_loop_stop(bench->loop);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct asl_machine *machine;
	struct bench bench = {.turns_left = TURNS_MAX};
	struct tmf_err err = {0};
	struct fake_clock clock;
	json_t *input = json_object();

	if (machine == NULL)
		machine = rows_machine();
	fake_clock_init(&clock, START_WALL_MS);
	struct store *store = rows_store(machine, (struct str){(const char *)data, size});
	struct tmf_registry *registry = tmf_registry_new();
	tmf_registry_add(registry, &echo_action);
	bench.loop = tmf_loop_new(&clock.clock);
	struct engine *engine = engine_new(
	    &(struct engine_opts){.loop = bench.loop, .registry = registry, .store = store});
	tmf_loop_add_turn_hook(bench.loop, count_turn, &bench);
	struct execution *x = execution_resume(engine,
	    &(struct execution_opts){.machine = machine,
		.run_id = ROWS_RUN_ID,
		.input = input,
		.on_done = over,
		.arg = &bench},
	    &err);
	if ((x == NULL) != tmf_err_isset(&err))
		abort();
	if (x == NULL && err.code != TMF_ERR_INVALID)
		abort();
	if (x != NULL && (tmf_loop_run(bench.loop, &err) < 0 || !bench.is_over))
		abort();
	execution_free(x);
	engine_free(engine);
	tmf_loop_free(bench.loop);
	tmf_registry_free(registry);
	store_close(store);
	json_decref(input);
	tmf_err_fini(&err);
	return 0;
}
