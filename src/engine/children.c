#include "engine/children.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "data/record.h"
#include "engine/branch_row.h"
#include "engine/checkpoint.h"
#include "engine/event.h"
#include "engine/op.h"
#include "engine/task.h"

#include <assert.h>
#include <stdlib.h>

#define ERROR_LIMIT "States.DataLimitExceeded"
#define BITS_A_BYTE 8

static bool
children_of_map(const struct branch *branch)
{
	return branch->state->type == ASL_MAP;
}

/* What names the run of a Map that writes its results. id: RECORD_ID_BYTES, for the result. */
static struct record_map
children_record_map(const struct branch *branch, char *id)
{
	const char *label = branch->state->u.map.label;

	assert(children_of_map(branch));
	record_id(branch->x->run_id, branch->id, branch->entered_event, id);
	return (struct record_map){
	    REGION_LOCAL, branch->x->machine_name, label != NULL ? label : branch->state->name, id};
}

/* S3 has answered the writer. One that was stopped is not answered any more. */
static void
children_written_on(void *arg)
{
	struct branch *branch = arg;

	assert(branch->phase == PHASE_CHILDREN && branch->children != NULL);
	tmf_loop_post(branch->x->engine->loop, &branch->task);
}

/* Without a ResultWriter *ret_writer stays as it is. */
static int
children_open_writer(struct branch *branch, const struct step_work *work,
    const struct writer_place *place, struct writer **ret_writer, struct tmf_err *err)
{
	const struct engine *engine = branch->x->engine;
	char id[RECORD_ID_BYTES];
	struct record_map map;
	char *spool = NULL;
	char *arn;

	if (work->source.destination == NULL)
		return 0;
	map = children_record_map(branch, id);
	arn = record_map_arn(&map);
	if (engine->spool != NULL)
		spool = mem_printf("%s/%s", engine->spool, branch->x->run_id);
	*ret_writer = writer_open(&(struct writer_opts){.destination = work->source.destination,
				      .config = &branch->state->u.map.writer,
				      .id = id,
				      .arn = arn,
				      .objects = engine->objects,
				      .spool = spool,
				      .waiter = {children_written_on, branch}},
	    place, err);
	free(spool);
	free(arn);
	return *ret_writer != NULL ? 0 : -1;
}

/* Items are there that were waited for. A Map that has failed, or that was aborted with another,
 * may still wait for some: it stays as it is, for a redrive. */
static void
children_items_came(void *arg)
{
	struct branch *branch = arg;

	assert(branch->phase == PHASE_CHILDREN && branch->children != NULL);
	if (!branch->children->halted)
		tmf_loop_post(branch->x->engine->loop, &branch->task);
}

/* The places of all results are made at once, so that a child that ends early is put at its
 * own index: the output of a Map is in the order of its items. A Parallel has no
 * MaxConcurrency, so all its branches may run together. */
int
children_open(struct branch *branch, struct step_work *work, const struct streamed_row *row,
    struct tmf_err *err)
{
	const struct asl_state *state = branch->state;
	struct items *source = NULL;
	struct writer *writer = NULL;
	struct children *children;

	assert(branch->children == NULL);
	assert(children_of_map(branch) == (work->items != NULL || work->source.streamed));
	if (work->source.streamed) {
		source = items_open(&(struct items_opts){.source = &work->source,
					.reader = &state->u.map.reader,
					.list = work->items,
					.place = row != NULL ? &row->place : NULL,
					.objects = branch->x->engine->objects,
					.waiter = {children_items_came, branch}},
		    err);
		if (source == NULL || children_open_writer(branch, work,
					  row != NULL ? &row->written : NULL, &writer, err) < 0) {
			items_free(source);
			return -1;
		}
		json_decref(work->items);
		work->items = NULL;
	}
	children = mem_zalloc(1, sizeof(*children));
	children->source = source;
	children->writer = writer;
	if (source != NULL)
		children->place = *items_place(source);
	children->effective = work->input;
	children->items = work->items;
	work->input = NULL;
	work->items = NULL;
	children->total = work->child_count;
	children->selecting = -1;
	children->tolerated = work->tolerated;
	children->concurrency = work->concurrency;
	if (!children_of_map(branch))
		children->concurrency = children->total;
	else if (work->concurrency <= 0)
		children->concurrency = ENGINE_MAP_CONCURRENCY_DEFAULT;
	/* Results that go nowhere are not kept, so that memory does not grow with the items: a
	 * backfill's Map has 100,000. */
	if (writer == NULL &&
	    (!state->result_discard || state->result_selector != NULL || state->assign != NULL)) {
		children->results = json_array();
		for (int64_t i = 0; i < children->total; i++)
			json_array_append_new(children->results, json_null());
	}
	branch->children = children;
	branch->phase = PHASE_CHILDREN;
	return 0;
}

/* A bit for each child, because after a restart those that have ended lie scattered among
 * those that have not begun. */
static bool
children_knows(const struct children *children, int64_t index)
{
	assert(index >= 0 && index < children->total);
	return children->known != NULL &&
	       (children->known[index / BITS_A_BYTE] >> (index % BITS_A_BYTE) & 1) != 0;
}

/* How many items there are is known only once a source has come to its end. */
static bool
children_tolerate(const struct children *children, int64_t failed)
{
	int64_t items = children->total;

	if (children->source != NULL)
		items = items_are_over(children->source) ? children->place.taken : -1;
	return step_tolerates(&children->tolerated, failed, items);
}

static bool
children_within_tolerance(const struct children *children)
{
	return children_tolerate(children, children->failed);
}

/* How many items failed in all is known when the source has come to its end, and with it of how
 * many. */
static enum children_turn
children_next_streamed(struct branch *branch, int64_t *ret_index, struct tmf_err *err)
{
	struct children *children = branch->children;
	json_t *item;

	assert(children->next == children->total);
	*ret_index = children->next;
	if (children->draft.input != NULL)
		return CHILDREN_NEXT;
	if (children->writer != NULL && children->total == 0) {
		enum writer_turn turn = writer_try(children->writer, err);

		if (turn != WRITER_OVER)
			return turn == WRITER_WAIT ? CHILDREN_NONE : CHILDREN_FAILED;
	}
	switch (items_peek(children->source, &item, err)) {
	case ROWS_ITEM:
		return CHILDREN_NEXT;
	case ROWS_OVER:
		if (children_within_tolerance(children))
			return CHILDREN_NONE;
		step_tolerance_error(err);
		return CHILDREN_FAILED;
	case ROWS_MORE:
		return CHILDREN_NONE;
	case ROWS_FAILED:
		break;
	}
	return CHILDREN_FAILED;
}

/* The limit on live branches holds for the whole execution, since Maps may nest. A parent
 * that is refused here asks again when one of its own children ends. */
enum children_turn
children_next(struct branch *branch, int64_t *ret_index, struct tmf_err *err)
{
	struct children *children = branch->children;

	if (children->source == NULL)
		while (children->next < children->total && children_knows(children, children->next))
			children->next++;
	if ((children->source == NULL && children->next == children->total) ||
	    children->line_first != NULL || !task_has_place(branch) ||
	    branch->x->live_branches >= ENGINE_BRANCHES_MAX)
		return CHILDREN_NONE;
	if (children->source != NULL)
		return children_next_streamed(branch, ret_index, err);
	*ret_index = children->next++;
	return CHILDREN_NEXT;
}

/* Counted only when there is a child: where a batch fails half-way its items are to be read
 * again by a redrive. */
void
children_made(struct branch *child, json_t *input)
{
	struct children *children = child->parent->children;

	if (children->source == NULL)
		return;
	assert(child->index == children->total && child->item_count > 0);
	children->next = ++children->total;
	children->place = *items_place(children->source);
	if (children->writer != NULL) {
		child->begin = json_incref(input);
		child->begun_wall_ms = event_now_wall_ms(child->x);
	}
	if (children->results != NULL)
		json_array_append_new(children->results, json_null());
	checkpoint_mark(child->parent);
}

/* Tolerated failures count as ended, too. */
bool
children_are_over(const struct branch *branch)
{
	const struct children *children = branch->children;

	assert(children->live + children->ended <= children->total);
	return children->ended == children->total &&
	       (children->source == NULL ||
		   (items_are_over(children->source) && children->draft.input == NULL));
}

/* A ResultWriter without a Resource shapes the results of the state itself. */
static bool
children_are_flattened(const struct branch *branch)
{
	return children_of_map(branch) && branch->state->u.map.writer.resource == NULL &&
	       branch->state->u.map.writer.transformation == ASL_WRITER_FLATTEN;
}

/* The elements of the results that are arrays, and the others as they are. */
static json_t *
children_flat(const json_t *results)
{
	json_t *flat = json_array();
	json_t *result;
	size_t i;

	json_array_foreach (results, i, result)
		if (json_is_array(result))
			json_array_extend(flat, result);
		else
			json_array_append(flat, result);
	return flat;
}

/* The place of a tolerated failure stays null. */
enum writer_turn
children_results(const struct branch *branch, json_t **ret_results, struct tmf_err *err)
{
	const struct children *children = branch->children;

	assert(children_are_over(branch));
	if (children->writer != NULL)
		return writer_finish(children->writer, ret_results, err);
	if (children->results == NULL)
		*ret_results = json_array();
	else if (children_are_flattened(branch))
		*ret_results = children_flat(children->results);
	else
		*ret_results = json_incref(children->results);
	return WRITER_OVER;
}

/* --- events --- */

void
children_note_iteration(struct branch *child, const char *type)
{
	if (!children_of_map(child->parent))
		return;
	event_note(child->x, child,
	    &(struct execution_event){
		.type = type, .state = child->parent->state, .number = child->index});
}

/* Only these four types are still at work when a sibling fails; a Pass or Choice has done
 * its work when the loop ran it. The child that failed is still among them. */
void
children_note_aborted(struct branch *branch)
{
	for (struct branch *child = branch->children->first; child != NULL; child = child->next) {
		enum asl_state_type type = child->state->type;

		if (child->failure != NULL)
			continue;
		if (child->children != NULL)
			children_note_aborted(child);
		if (type == ASL_TASK || type == ASL_WAIT || type == ASL_MAP || type == ASL_PARALLEL)
			event_note_state(child, "StateAborted", NULL);
		children_note_iteration(child, "MapIterationAborted");
	}
}

/* --- a child's end --- */

/* What became of a child, to the files of a ResultWriter. One without an end was aborted. */
static int
children_write(struct branch *child, struct tmf_err *err)
{
	struct children *children = child->parent->children;
	struct record_child ended = {.index = child->index,
	    .input = child->begin,
	    .output = child->output,
	    .err = child->failure,
	    .start_wall_ms = child->begun_wall_ms,
	    .stop_wall_ms = event_now_wall_ms(child->x)};
	char id[RECORD_ID_BYTES];
	struct record_map map;
	json_t *record;
	int ret;

	if (children->writer == NULL)
		return 0;
	map = children_record_map(child->parent, id);
	record = record_of(&map, &ended);
	ret = writer_put(children->writer, child->output != NULL ? WRITER_SUCCEEDED : WRITER_FAILED,
	    record, child->output, err);
	json_decref(record);
	return ret;
}

/* The Map has failed already, and why is of more interest to the workflow: people read the log. */
static void
children_results_lost(const struct branch *branch, const struct tmf_err *err)
{
	log_event(LOG_WARN, "map.results_lost", LOG_STR("state", branch->state->name),
	    LOG_STR("error", tmf_err_text(err)));
}

/* What they had done is not known: their records have an input and no output, as on AWS. They run
 * again in a redrive, whose files are cut off before these records. */
void
children_write_aborted(struct branch *branch)
{
	struct children *children = branch->children;
	struct tmf_err err = {0};

	if (children->writer == NULL)
		return;
	for (struct branch *child = children->first; child != NULL; child = child->next)
		if (child->output == NULL && child->failure == NULL &&
		    children_write(child, &err) < 0)
			break;
	if (tmf_err_isset(&err))
		children_results_lost(branch, &err);
	tmf_err_fini(&err);
}

/* Called again when the writer is woken, until it need not wait any more. */
bool
children_write_failed(struct branch *branch)
{
	struct children *children = branch->children;
	struct tmf_err err = {0};
	json_t *details = NULL;
	enum writer_turn turn;

	assert(children->writer != NULL);
	turn = writer_finish(children->writer, &details, &err);
	if (turn == WRITER_BROKEN)
		children_results_lost(branch, &err);
	json_decref(details);
	tmf_err_fini(&err);
	return turn != WRITER_WAIT;
}

/* Of a Map that streams the row counts those that have ended, so that a million of them need no row
 * each. A failure that ends the Map is not among them: another child's end may have the row stored
 * in the same turn, and a redrive, in which the child runs again, would count it twice. Results are
 * held to what the state may hand on, so that memory is bounded, too. */
static bool
children_book_streamed(struct branch *child)
{
	struct branch *branch = child->parent;
	struct children *children = branch->children;

	assert(child->item_count > 0);
	if (children_write(child, &children->fault) < 0)
		return false;
	if (child->failure != NULL) {
		if (!children_tolerate(children, children->failed + child->item_count))
			return false;
		children->failed += child->item_count;
	} else if (children->results != NULL) {
		children->results_bytes += jsonx_text_bytes(child->output, ASL_DATA_BYTES_MAX);
		if (children->results_bytes > ASL_DATA_BYTES_MAX)
			return false;
		json_array_set(children->results, (size_t)child->index, child->output);
		checkpoint_result(
		    branch, child->index, jsonx_with(NULL, "r", json_incref(child->output)));
	}
	if (children->writer != NULL)
		children->written = *writer_place(children->writer);
	children->ended++;
	checkpoint_mark(branch);
	return true;
}

/* Nothing is stored for a failure that ends the Map: the child's own row stays, for a redrive. */
bool
children_book(struct branch *child)
{
	struct branch *branch = child->parent;
	struct children *children = branch->children;
	json_t *record;

	assert((child->output != NULL) != (child->failure != NULL));
	children->last_event = child->last_event;
	if (children->source != NULL)
		return children_book_streamed(child);
	record = json_object();
	if (child->failure != NULL) {
		children->failed++;
		json_object_set_new(record, "f", json_true());
	} else if (children->results != NULL) {
		json_object_set(record, "r", child->output);
		json_array_set(children->results, (size_t)child->index, child->output);
	}
	if (!children_within_tolerance(children)) {
		json_decref(record);
		return false;
	}
	checkpoint_result(branch, child->index, record);
	children->ended++;
	return true;
}

/* With a threshold AWS reports the threshold, not the error of the one item that passed it. */
void
children_error(struct branch *child, struct tmf_err *err)
{
	if (tmf_err_isset(&child->parent->children->fault))
		tmf_err_move(err, &child->parent->children->fault);
	else if (child->failure == NULL)
		tmf_err_set_name(err, TMF_ERR_ASL, ERROR_LIMIT,
		    "The state/task '%s' returned a result with a size exceeding the maximum "
		    "number of bytes service limit.",
		    child->parent->state->name);
	else if (step_tolerance_is_given(&child->parent->children->tolerated))
		step_tolerance_error(err);
	else
		tmf_err_move(err, child->failure);
}

/* Branches without an op have nothing to wind down: their rows are already as a resume
 * needs them. */
void
children_wind_down(struct branch *branch)
{
	if (branch->op != NULL)
		op_wind_down(branch->op);
	if (branch->children == NULL)
		return;
	for (struct branch *child = branch->children->first; child != NULL; child = child->next)
		children_wind_down(child);
}

void
children_halt(struct branch *branch)
{
	struct tmf_loop *loop = branch->x->engine->loop;

	branch->children->halted = true;
	/* A Map that is failing itself starts its upload after this. */
	if (branch->children->writer != NULL)
		writer_stop(branch->children->writer);
	for (struct branch *child = branch->children->first; child != NULL; child = child->next) {
		task_drop(child);
		tmf_loop_unpost(loop, &child->task);
		tmf_loop_timer_disarm(loop, &child->timer);
		if (child->children != NULL)
			children_halt(child);
	}
}

/* --- $$.Map.Item --- */

static json_t *
children_item(const struct children *children, int64_t index)
{
	json_t *item = json_object();

	json_object_set_new(item, "Index", json_integer(index));
	if (children->source == NULL) {
		json_object_set(item, "Value", json_array_get(children->items, (size_t)index));
		return item;
	}
	assert(children->selected != NULL);
	json_object_set(item, "Value", children->selected);
	json_object_set_new(item, "Source", jsonx_text_value(items_source(children->source)));
	return item;
}

/* While a selector is evaluated the item is not yet a branch, so its index stands in the
 * parent. Otherwise the nearest Map wins: an inner Map hides the items of the outer one. A child of
 * a Map that streams has no item besides its input: it is an execution of its own on AWS. */
json_t *
children_map_item(const struct branch *branch)
{
	if (branch->children != NULL && branch->children->selecting >= 0)
		return children_item(branch->children, branch->children->selecting);
	for (; branch->parent != NULL; branch = branch->parent)
		if (branch->parent->children->source != NULL)
			return NULL;
		else if (branch->parent->children->items != NULL)
			return children_item(branch->parent->children, branch->index);
	return NULL;
}

/* --- after a restart --- */

/* Sets the books so that children_next passes over what the rows name. */
void
children_restore_open(struct branch *branch)
{
	struct children *children = branch->children;

	assert(children->known == NULL && (children->next == 0 || children->source != NULL));
	children->known =
	    mem_zalloc((size_t)children->total / BITS_A_BYTE + 1, sizeof(*children->known));
}

int
children_restore_place(struct branch *branch, int64_t index, struct tmf_err *err)
{
	struct children *children = branch->children;

	if (index < 0 || index >= children->total)
		return branch_row_misfit(err, branch->id, "state '%s' has no child %lld",
		    branch->state->name, (long long)index);
	if (children_knows(children, index))
		return branch_row_misfit(err, branch->id, "child %lld of state '%s' is there twice",
		    (long long)index, branch->state->name);
	children->known[index / BITS_A_BYTE] |= (uint8_t)(1u << (index % BITS_A_BYTE));
	return 0;
}

bool
children_record_failed(const json_t *record)
{
	return json_is_true(json_object_get(record, "f"));
}

/* The children so far are those that the row counts; which of them are live the rows say that
 * follow. */
void
children_restore_counts(struct branch *branch, const struct streamed_row *row)
{
	struct children *children = branch->children;

	assert(children->source != NULL && children->total == 0);
	children->next = children->total = row->children;
	children->ended = row->ended;
	children->failed = row->failed;
	children->place = row->place;
	children->written = row->written;
	for (int64_t i = 0; children->results != NULL && i < children->total; i++)
		json_array_append_new(children->results, json_null());
}

int
children_restore_check(const struct branch *branch, struct tmf_err *err)
{
	const struct children *children = branch->children;

	if (children->source == NULL || children->live + children->ended == children->total)
		return 0;
	return branch_row_misfit(
	    err, branch->id, "children of state '%s' are missing", branch->state->name);
}

/* A row says what it knows, and the definition says what is needed: where the two differ
 * the definition was changed after the checkpoint. */
int
children_restore_result(struct branch *branch, int64_t index, json_t *record, struct tmf_err *err)
{
	struct children *children = branch->children;
	json_t *result = json_object_get(record, "r");
	bool failed = children_record_failed(record);
	bool wants_result = children->results != NULL && !failed;
	bool streams = children->source != NULL; /* its row counts what ended and failed */

	if (children_restore_place(branch, index, err) < 0)
		return -1;
	if (!json_is_object(record) || (result != NULL) != wants_result ||
	    (streams && result == NULL))
		return branch_row_misfit(err, branch->id,
		    "the result of child %lld of state '%s' is not one", (long long)index,
		    branch->state->name);
	if (streams)
		children->results_bytes += jsonx_text_bytes(result, ASL_DATA_BYTES_MAX);
	else
		children->ended++;
	children->failed += failed;
	if (!children_within_tolerance(children))
		return branch_row_misfit(err, branch->id,
		    "more children of state '%s' failed than it tolerates", branch->state->name);
	if (result != NULL)
		json_array_set(children->results, (size_t)index, result);
	return 0;
}
