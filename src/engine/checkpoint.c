#include "engine/execution.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define RECORD_ID 0 /* the execution's own row; branches begin at 1 */

/* A write that fails ends the loop at the end of the turn. */
static void
note(struct execution *x, int ret, struct tmf_err *err)
{
	if (ret < 0 && !tmf_err_isset(&x->engine->err))
		tmf_err_move(&x->engine->err, err);
	tmf_err_fini(err);
}

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

static void
unlink_dirty(struct branch *branch)
{
	struct branch **at = &branch->x->engine->dirty;

	if (!branch->dirty)
		return;
	while (*at != branch)
		at = &(*at)->dirty_next;
	*at = branch->dirty_next;
	branch->dirty = false;
}

void
checkpoint_forget(struct branch *branch)
{
	struct execution *x = branch->x;
	struct tmf_err err = {0};

	unlink_dirty(branch);
	if (branch->stored && !x->over) {
		note(x, store_branch_delete(x->engine->store, x->run_id, branch->id, &err), &err);
		x->rows_dirty = true;
	}
	branch->stored = false;
}

void
checkpoint_result(struct branch *parent, int64_t index, json_t *record)
{
	struct execution *x = parent->x;
	struct buf text = {0};
	struct tmf_err err = {0};

	if (x->engine->store != NULL) {
		jsonx_write(record, &text);
		note(x,
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
		note(x, store_results_delete(x->engine->store, x->run_id, parent->id, &err), &err);
		x->rows_dirty = true;
	}
}

/* --- writing --- */

static void
put_number(json_t *object, const char *key, int64_t value)
{
	if (value != 0)
		json_object_set_new(object, key, json_integer(value));
}

static json_t *
retries_json(const struct branch *branch)
{
	json_t *counts = json_array();

	for (size_t i = 0; i < branch->state->retry_count; i++)
		json_array_append_new(counts, json_integer(branch->retries[i]));
	return counts;
}

/* Variables that are the parent's very object are not stored twice. */
static bool
shares_variables(const struct branch *branch)
{
	return branch->parent != NULL && branch->variables == branch->parent->variables;
}

static json_t *
branch_json(const struct branch *branch)
{
	json_t *object = json_object();

	if (branch->parent != NULL)
		json_object_set_new(object, "parent", json_integer(branch->parent->id));
	put_number(object, "index", branch->index);
	json_object_set_new(object, "state", json_integer(branch->state->index));
	put_number(object, "phase", branch->phase);
	json_object_set(object, "input", branch->input);
	if (branch->variables != NULL && !shares_variables(branch))
		json_object_set(object, "variables", branch->variables);
	if (shares_variables(branch))
		json_object_set_new(object, "shares", json_true());
	if (branch->retries != NULL)
		json_object_set_new(object, "retries", retries_json(branch));
	put_number(object, "retryCount", branch->retry_count);
	put_number(object, "entered", branch->entered_wall_ms);
	put_number(object, "event", branch->entered_event);
	put_number(object, "lastEvent", branch->last_event);
	put_number(object, "wake", branch->wake_wall_ms);
	return object;
}

static int
write_branch(struct branch *branch, struct buf *text, struct tmf_err *err)
{
	struct execution *x = branch->x;
	json_t *object = branch_json(branch);

	buf_reset(text);
	jsonx_write(object, text);
	json_decref(object);
	branch->stored = true;
	x->rows_dirty = true;
	return store_branch_put(x->engine->store, x->run_id, branch->id, buf_str(text), err);
}

static int
write_record(struct execution *x, struct buf *text, struct tmf_err *err)
{
	json_t *object = json_object();

	json_object_set_new(object, "event", json_integer(x->event_id));
	json_object_set_new(object, "nextBranch", json_integer(x->next_branch_id));
	buf_reset(text);
	jsonx_write(object, text);
	json_decref(object);
	x->record_dirty = false;
	return store_branch_put(x->engine->store, x->run_id, RECORD_ID, buf_str(text), err);
}

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
		ret = write_branch(branch, &text, err);
	}
	/* The counters go with the rows. Where no history is kept, a turn that only counted events writes nothing: a resume
	 * counts them again. */
	if (ret == 0 && x->record_dirty && (x->rows_dirty || x->on_event != NULL) &&
	    x->root != NULL)
		ret = write_record(x, &text, err);
	x->rows_dirty = false;
	buf_fini(&text);
	return ret;
}

/* --- reading --- */

/* What the rows give: branches by id in ascending order, so that a parent comes before its children. */
struct restore {
	struct execution *x;
	struct branch **at;
	size_t count;
	bool found;
	struct tmf_err *err;
};

static int64_t
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static struct branch *
find_branch(const struct restore *restore, int64_t id)
{
	size_t low = 0;
	size_t high = restore->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (restore->at[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < restore->count && restore->at[low]->id == id ? restore->at[low] : NULL;
}

static int
misfit(struct restore *restore, const char *what)
{
	return tmf_err_set(restore->err, TMF_ERR_INVALID,
	    "the stored checkpoint does not fit the workflow: %s", what);
}

static void
restore_retries(struct branch *branch, const json_t *object)
{
	const json_t *counts = json_object_get(object, "retries");

	if (counts == NULL || branch->state->retry_count == 0)
		return;
	branch->retries = mem_zalloc(branch->state->retry_count, sizeof(*branch->retries));
	for (size_t i = 0; i < branch->state->retry_count; i++)
		branch->retries[i] = (uint32_t)json_integer_value(json_array_get(counts, i));
}

static int
restore_branch(struct restore *restore, int64_t id, const json_t *object)
{
	struct execution *x = restore->x;
	int64_t index = number(object, "state");
	json_t *input = json_object_get(object, "input");
	json_t *variables = json_object_get(object, "variables");
	struct branch *parent = NULL;
	struct branch *branch;
	int64_t phase = number(object, "phase");

	if (index < 0 || index >= (int64_t)asl_machine_state_count(x->machine) || input == NULL ||
	    phase < 0 || phase >= PHASE_COUNT)
		return misfit(restore, "a branch stands in no state");
	if (json_object_get(object, "parent") != NULL) {
		parent = find_branch(restore, number(object, "parent"));
		if (parent == NULL || parent->children == NULL)
			return misfit(restore, "a branch has no parent");
		if (!children_has(parent, number(object, "index")))
			return misfit(restore, "a branch has no place in its parent");
	}
	if (json_is_true(json_object_get(object, "shares")) && parent != NULL)
		variables = parent->variables;
	branch = branch_new(x, parent, number(object, "index"),
	    asl_machine_state(x->machine, (unsigned)index), json_incref(input), variables);
	branch->id = id;
	branch->stored = true;
	branch->phase = (enum phase)phase;
	branch->retry_count = number(object, "retryCount");
	branch->entered_wall_ms = number(object, "entered");
	branch->entered_event = number(object, "event");
	branch->last_event = number(object, "lastEvent");
	branch->wake_wall_ms = number(object, "wake");
	restore_retries(branch, object);
	if (parent != NULL)
		children_restore_live(parent, branch);
	else
		x->root = branch;
	restore->at = mem_resize(restore->at, restore->count + 1, sizeof(struct branch *));
	restore->at[restore->count++] = branch;
	return branch->phase == PHASE_CHILDREN ? children_restore(branch, restore->err) : 0;
}

static int
restore_row(void *arg, int64_t id, struct str text)
{
	struct restore *restore = arg;
	json_t *object = jsonx_parse(text, restore->err);
	int ret = 0;

	if (object == NULL)
		return -1;
	restore->found = true;
	if (id == RECORD_ID) {
		restore->x->event_id = number(object, "event");
		restore->x->next_branch_id = number(object, "nextBranch");
	} else {
		int64_t next_branch_id = restore->x->next_branch_id;

		ret = restore_branch(restore, id, object);
		restore->x->next_branch_id = next_branch_id; /* branch_new counted */
	}
	json_decref(object);
	return ret;
}

/* A row of a Map's or Parallel's results. */
struct restore_result {
	struct branch *branch;
	struct tmf_err *err;
};

static int
restore_result_row(void *arg, int64_t index, struct str text)
{
	struct restore_result *result = arg;
	json_t *record = jsonx_parse(text, result->err);
	int ret;

	if (record == NULL)
		return -1;
	ret = children_restore_result(result->branch, index, record, result->err);
	json_decref(record);
	return ret;
}

static int
restore_results(struct restore *restore)
{
	struct execution *x = restore->x;

	for (size_t i = 0; i < restore->count; i++) {
		struct restore_result result = {restore->at[i], restore->err};

		if (restore->at[i]->children == NULL)
			continue;
		if (store_results_each(x->engine->store, x->run_id, restore->at[i]->id,
			restore_result_row, &result, restore->err) < 0 ||
		    tmf_err_isset(restore->err))
			return -1;
	}
	return 0;
}

/* Sets a branch going again. */
static void
go_on(struct branch *branch)
{
	switch (branch->phase) {
	case PHASE_ENTERED:
		tmf_loop_post(branch->x->engine->loop, &branch->task);
		break;
	case PHASE_TASK:
		branch->phase = PHASE_ENTERED; /* its op is begun anew */
		tmf_loop_post(branch->x->engine->loop, &branch->task);
		break;
	case PHASE_WAITING:
	case PHASE_BACKOFF:
		branch_arm_timer(branch, branch->wake_wall_ms);
		break;
	case PHASE_CHILDREN:
		children_go_on(branch);
		break;
	case PHASE_COUNT:
		assert(!"no phase");
		break;
	}
}

int
checkpoint_restore(struct execution *x, bool *ret_found, struct tmf_err *err)
{
	struct tmf_err fault = {0};
	struct restore restore = {.x = x, .err = &fault};
	struct engine *engine = x->engine;
	int ret = store_branches_each(engine->store, x->run_id, restore_row, &restore, err);

	if (ret == 0 && !tmf_err_isset(&fault))
		restore_results(&restore);
	if (tmf_err_isset(&fault)) {
		tmf_err_move(err, &fault);
		ret = -1;
	}
	if (ret == 0 && restore.found && x->root == NULL)
		ret = tmf_err_set(err, TMF_ERR_INVALID, "the stored checkpoint has no root");
	/* Children may be made and states may end while going on: newest first keeps parents until their children are set going. */
	for (size_t i = restore.count; ret == 0 && i > 0; i--)
		go_on(restore.at[i - 1]);
	free(restore.at);
	*ret_found = restore.found;
	return ret;
}
