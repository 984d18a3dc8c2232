#include "engine/execution.h"

#include "base/mem.h"

#include <stdlib.h>

/* Starts the ops of those Tasks whose entering is committed by now. One that fails at once may take others off the list. */
static void
start_ops(struct engine *engine)
{
	if (engine->starting == NULL)
		return;
	if (engine->store != NULL)
		store_reads_begin(
		    engine
			->store); /* most ops look something up when they run: before the next turn ends */
	while (engine->starting != NULL) {
		struct branch *branch = engine->starting;

		engine->starting = branch->start_next;
		if (engine->starting == NULL)
			engine->starting_end = &engine->starting;
		if (!branch->x->interrupting)
			task_start_op(branch);
	}
}

/* Once a turn: what the turn changed becomes durable, then calls may go out. */
static int
end_turn(void *arg, struct tmf_err *err)
{
	struct engine *engine = arg;

	if (engine->store != NULL) {
		for (struct execution *x = engine->first; x != NULL; x = x->next)
			if (checkpoint_flush(x, err) < 0)
				return -1;
		if (tmf_err_isset(&engine->err)) {
			tmf_err_move(err, &engine->err);
			return -1;
		}
		if (store_commit(engine->store, err) < 0)
			return -1;
	}
	start_ops(engine);
	return 0;
}

struct engine *
engine_new(const struct engine_opts *opts)
{
	struct engine *engine = mem_zalloc(1, sizeof(*engine));

	engine->loop = opts->loop;
	engine->registry = opts->registry;
	engine->store = opts->store;
	engine->rng = opts->rng;
	engine->starting_end = &engine->starting;
	tmf_loop_add_turn_hook(engine->loop, end_turn, engine);
	return engine;
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	tmf_loop_remove_turn_hook(engine->loop, end_turn, engine);
	tmf_err_fini(&engine->err);
	free(engine);
}
