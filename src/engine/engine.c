#include "engine/engine.h"

#include "base/mem.h"
#include "engine/checkpoint.h"
#include "engine/task.h"
#include "engine/tree.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Once a turn: commit, then ask AWS. What the turn changed becomes durable together; only then do
 * the ops of the Tasks entered in it start. So a call never goes out for a step of which the store
 * does not know, and a resume begins that step again with the same tokens.
 */
static int
engine_commit_then_ask(void *arg, struct tmf_err *err)
{
	struct engine *engine = arg;

	assert(engine->ended == NULL);
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
		if (checkpoint_remove_spent(engine, err) < 0)
			return -1;
		/* Most ops look something up in the store when they run, which is before the
		 * next turn ends. */
		if (engine->starting != NULL)
			store_reads_begin(engine->store);
	}
	for (struct branch *branch = engine->starting; branch != NULL; branch = engine->starting) {
		if (branch->x->interrupting)
			task_drop(branch);
		else
			task_start(branch);
		assert(engine->starting != branch);
	}
	return 0;
}

struct engine *
engine_new(const struct engine_opts *opts)
{
	struct engine *engine = mem_zalloc(1, sizeof(*engine));

	engine->loop = opts->loop;
	engine->registry = opts->registry;
	engine->store = opts->store;
	engine->mocks = opts->mocks;
	engine->objects = opts->objects;
	engine->spool = opts->spool;
	engine->starting_end = &engine->starting;
	tmf_loop_add_turn_hook(engine->loop, engine_commit_then_ask, engine);
	return engine;
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	tmf_loop_remove_turn_hook(engine->loop, engine_commit_then_ask, engine);
	tmf_err_fini(&engine->err);
	buf_fini(&engine->spent); /* of a commit that never came: the store's end finds them */
	free(engine);
}
