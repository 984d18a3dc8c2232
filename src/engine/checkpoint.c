#include "engine/checkpoint.h"

#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "engine/branch_row.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A write that fails ends the loop at the end of the turn. Only the first fault is kept:
 * those that follow are mostly its consequences. */
static void
checkpoint_note(struct execution *x, int ret, struct tmf_err *err)
{
	if (ret < 0 && !tmf_err_isset(&x->engine->err))
		tmf_err_move(&x->engine->err, err);
	tmf_err_fini(err);
}

/* A branch that changes several times in a turn is written once, as it stands at the end of
 * the turn. */
void
checkpoint_mark(struct branch *branch)
{
	struct engine *engine = branch->x->engine;

	if (engine->store == NULL || branch->dirty)
		return;
	branch->dirty = true;
	branch->dirty_next = engine->dirty;
	engine->dirty = branch;
}

/* A walk along the list is cheap, since it holds only what changed in this turn. */
static void
checkpoint_unlink_dirty(struct branch *branch)
{
	struct branch **at = &branch->x->engine->dirty;

	if (!branch->dirty)
		return;
	while (*at != branch)
		at = &(*at)->dirty_next;
	*at = branch->dirty_next;
	branch->dirty = false;
}

/* Once the execution is over its rows are deleted all at once, or are to stay for a resume or
 * redrive: single rows are left alone. */
void
checkpoint_forget(struct branch *branch)
{
	struct execution *x = branch->x;
	struct tmf_err err = {0};

	checkpoint_unlink_dirty(branch);
	if (branch->stored && !x->over) {
		checkpoint_note(
		    x, store_branch_delete(x->engine->store, x->run_id, branch->id, &err), &err);
		x->rows_dirty = true;
	}
	branch->stored = false;
}

/* The result of an ended child has a row of its own, so that the end of one child does not
 * write the results of all its siblings again. */
void
checkpoint_result(struct branch *parent, int64_t index, json_t *record)
{
	struct execution *x = parent->x;
	struct buf text = {0};
	struct tmf_err err = {0};

	if (x->engine->store != NULL) {
		jsonx_write(record, &text);
		checkpoint_note(x,
		    store_result_put(
			x->engine->store, x->run_id, parent->id, index, buf_str(&text), &err),
		    &err);
		buf_fini(&text);
		x->rows_dirty = true;
	}
	json_decref(record);
}

void
checkpoint_results_forget(struct branch *parent)
{
	struct execution *x = parent->x;
	struct tmf_err err = {0};

	if (x->engine->store != NULL && !x->over) {
		checkpoint_note(
		    x, store_results_delete(x->engine->store, x->run_id, parent->id, &err), &err);
		x->rows_dirty = true;
	}
}

void
checkpoint_result_forget(struct branch *parent, int64_t index)
{
	struct execution *x = parent->x;
	struct tmf_err err = {0};

	checkpoint_note(
	    x, store_result_delete(x->engine->store, x->run_id, parent->id, index, &err), &err);
	x->rows_dirty = true;
}

/* The folder of a Map's run, and that of the execution where no other Map has one. */
static void
checkpoint_remove_spool(const char *folder)
{
	char *of_execution = mem_strndup(folder, (size_t)(strrchr(folder, '/') - folder));

	file_remove_tree(folder);
	rmdir(of_execution);
	free(of_execution);
}

/* Without a store there is nothing that could go on from it. */
void
checkpoint_spool_forget(struct branch *parent, const char *folder)
{
	struct engine *engine = parent->x->engine;

	if (engine->store == NULL)
		checkpoint_remove_spool(folder);
	else if (!parent->x->over)
		buf_add(&engine->spent, folder, strlen(folder) + 1);
}

/* A loss of power may take the commit, and nothing brings back the files that a resume needs
 * then. */
int
checkpoint_remove_spent(struct engine *engine, struct tmf_err *err)
{
	if (engine->spent.len == 0)
		return 0;
	if (store_sync(engine->store, err) < 0)
		return -1;
	for (size_t at = 0; at < engine->spent.len; at += strlen(engine->spent.p + at) + 1)
		checkpoint_remove_spool(engine->spent.p + at);
	buf_reset(&engine->spent);
	return 0;
}

static int
checkpoint_put(struct execution *x, int64_t id, const struct buf *text, struct tmf_err *err)
{
	assert(text->len > 0);
	return store_branch_put(x->engine->store, x->run_id, id, buf_str(text), err);
}

/* The list is the engine's, so branches of other executions are passed over. The text
 * buffer is used for all rows, which saves an allocation for each. */
int
checkpoint_flush(struct execution *x, struct tmf_err *err)
{
	struct engine *engine = x->engine;
	struct branch **at = &engine->dirty;
	struct buf text = {0};
	int ret = 0;

	while (*at != NULL && ret == 0) {
		struct branch *branch = *at;

		if (branch->x != x) {
			at = &branch->dirty_next;
			continue;
		}
		*at = branch->dirty_next;
		branch->dirty = false;
		branch->stored = true;
		x->rows_dirty = true;
		buf_reset(&text);
		branch_row_write(branch, &text);
		ret = checkpoint_put(x, branch->id, &text, err);
	}
	/* The counters go with the rows. Where no history is kept, a turn that only counted
	 * events writes nothing: a resume counts them again. */
	if (ret == 0 && x->record_dirty && (x->rows_dirty || x->on_event != NULL) &&
	    x->root != NULL) {
		x->record_dirty = false;
		buf_reset(&text);
		execution_row_write(x, &text);
		ret = checkpoint_put(x, BRANCH_ROW_EXECUTION, &text, err);
	}
	x->rows_dirty = false;
	buf_fini(&text);
	return ret;
}

/* In the turn in which the execution ends. The end is a row like any other: the run's
 * record is written later, and a process that dies in between must find the end, and not the
 * beginning. */
void
checkpoint_end(struct execution *x)
{
	struct store *store = x->engine->store;
	struct buf text = {0};
	struct tmf_err err = {0};
	int ret;

	assert(x->result.status != RUN_RUNNING && x->result.status != RUN_INTERRUPTED);
	if (store == NULL)
		return;
	ret = x->result.status == RUN_SUCCEEDED ? store_checkpoints_delete(store, x->run_id, &err)
						: checkpoint_flush(x, &err);
	if (ret == 0) {
		execution_row_write(x, &text);
		ret = checkpoint_put(x, BRANCH_ROW_EXECUTION, &text, &err);
	}
	checkpoint_note(x, ret, &err);
	buf_fini(&text);
}
