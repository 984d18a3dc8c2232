#include "engine/resume.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/branch.h"
#include "engine/branch_row.h"
#include "engine/checkpoint.h"
#include "engine/children.h"
#include "engine/context.h"
#include "engine/event.h"

#include <assert.h>
#include <stdlib.h>

#define MS		  1000
#define CLOCK_SET_BACK_MS (INT64_C(24) * 60 * 60 * MS)

/* The branches so far, by id in ascending order: the store gives the rows so, and a parent is
 * older than its children. */
struct resume {
	struct execution *x;
	struct branch **at;
	size_t count;
	size_t capacity;
	int64_t next_branch_id; /* 0: the execution's own row has not come */
	bool redrive;
	bool ended;		/* the execution's row says how: the others are not looked at */
	struct branch *reading; /* whose results are read */
	int64_t *failed;	/* of a redrive: its children whose failure was tolerated */
	size_t failed_count;
	size_t failed_capacity;
	struct tmf_err err; /* a row that does not fit */
};

/* By halves: a Map may have left many thousand rows, and each of them asks for its parent. */
static struct branch *
resume_find(const struct resume *resume, int64_t id)
{
	size_t low = 0;
	size_t high = resume->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (resume->at[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < resume->count && resume->at[low]->id == id ? resume->at[low] : NULL;
}

/* --- a branch of its row --- */

/* A stored Map or Parallel works its items and limits out again. The stored input gives
 * them again, so a row has the raw input only. */
static int
resume_children(struct branch *branch, const struct branch_row *row, struct tmf_err *err)
{
	const struct step step = branch_step(branch, CONTEXT_ENTERS);
	struct step_work work;
	struct tmf_err fault = {0};

	if (step_enter(&step, &work, &fault) != STEP_CHILDREN) {
		branch_row_misfit(err, branch->id, "state '%s' does not take its input: %s",
		    branch->state->name, tmf_err_text(&fault));
		tmf_err_fini(&fault);
		return -1;
	}
	if (row->streams != work.source.streamed ||
	    children_open(branch, &work, row->streams ? &row->source : NULL, &fault) < 0) {
		branch_row_misfit(err, branch->id, "state '%s' has other items: %s",
		    branch->state->name,
		    tmf_err_isset(&fault) ? tmf_err_text(&fault) : "the definition was changed");
		tmf_err_fini(&fault);
		step_work_fini(&work);
		return -1;
	}
	if (row->streams)
		children_restore_counts(branch, &row->source);
	children_restore_open(branch);
	step_work_fini(&work);
	return 0;
}

/* The longest that a branch can be waiting from then on: a wake time beyond it would never come. */
static int64_t
resume_wait_max_ms(struct branch *branch, int64_t from_wall_ms)
{
	struct step step = branch_step(branch, CONTEXT_ENTERS);
	struct step_work work;
	struct tmf_err err = {0};
	int64_t until_wall_ms = from_wall_ms;

	step.now_wall_ms = from_wall_ms;
	if (branch->phase == PHASE_WAITING) {
		if (step_enter(&step, &work, &err) == STEP_WAIT)
			until_wall_ms = work.until_wall_ms;
		step_work_fini(&work);
		tmf_err_fini(&err);
		return until_wall_ms;
	}
	for (size_t i = 0; branch->retries != NULL && i < branch->state->retry_count; i++) {
		const struct asl_retrier *retrier = &branch->state->retry[i];
		int64_t delay_ms = 0;

		if (branch->retries[i] > 0)
			delay_ms = (int64_t)(asl_retry_delay(retrier, branch->retries[i] - 1) * MS);
		if (from_wall_ms + delay_ms > until_wall_ms)
			until_wall_ms = from_wall_ms + delay_ms;
	}
	return until_wall_ms;
}

/* A clock may have been set back since, by some hours; not by more. No wait is longer for it than
 * one that begins now. */
static int
resume_times(struct branch *branch, struct tmf_err *err)
{
	int64_t now_wall_ms = event_now_wall_ms(branch->x);
	int64_t wake_max_ms;

	if (branch->entered_wall_ms > now_wall_ms + CLOCK_SET_BACK_MS)
		return branch_row_misfit(err, branch->id, "\"entered\" is in the future: %lld",
		    (long long)branch->entered_wall_ms);
	if (branch->phase != PHASE_WAITING && branch->phase != PHASE_BACKOFF)
		return 0;
	wake_max_ms = resume_wait_max_ms(branch, now_wall_ms);
	if (branch->wake_wall_ms > wake_max_ms + CLOCK_SET_BACK_MS)
		return branch_row_misfit(err, branch->id,
		    "\"wake\" is later than state '%s' can wait", branch->state->name);
	if (branch->wake_wall_ms > wake_max_ms)
		branch->wake_wall_ms = wake_max_ms;
	return 0;
}

/* A state of another scope under this index means that the definition was changed. */
static int
resume_place(const struct execution *x, struct branch *parent, const struct branch_row *row,
    struct tmf_err *err)
{
	const struct asl_states *scope = asl_machine_states(x->machine);

	if (parent != NULL && parent->children == NULL)
		return branch_row_misfit(err, row->id, "its parent has no children");
	if (parent != NULL) {
		if (children_restore_place(parent, row->index, err) < 0)
			return -1;
		if ((row->item_count > 0) != (parent->children->source != NULL))
			return branch_row_misfit(
			    err, row->id, "\"items\" is there, or missing, against its parent");
		scope = branch_child_scope(parent, row->index);
	}
	if (row->state->scope != scope)
		return branch_row_misfit(err, row->id,
		    "state '%s' does not stand where the branch is", row->state->name);
	return 0;
}

/* Children are restored after their parent, whose books must be open. The branch is linked
 * before anything can fail, so that it is freed with the tree. */
static struct branch *
resume_branch(
    struct execution *x, struct branch *parent, const struct branch_row *row, struct tmf_err *err)
{
	struct branch *branch;

	if (resume_place(x, parent, row, err) < 0)
		return NULL;
	branch = branch_new(x, parent, row->index,
	    row->shares && parent != NULL ? parent->variables : row->variables);
	branch->id = row->id;
	branch->stored = true;
	branch->state = row->state;
	branch->phase = row->phase;
	branch->input = json_incref(row->input);
	branch->retry_count = row->retry_count;
	branch->entries = row->entries;
	branch->entered_wall_ms = row->entered_wall_ms;
	branch->entered_event = row->entered_event;
	branch->last_event = row->last_event;
	branch->item_count = row->item_count;
	if (parent != NULL && parent->children->writer != NULL)
		branch->begin = json_incref(row->begin != NULL ? row->begin : row->input);
	branch->begun_wall_ms = row->begun_wall_ms;
	branch->wake_wall_ms = row->wake_wall_ms;
	if (row->retries != NULL && row->state->retry_count > 0) {
		branch->retries = mem_zalloc(row->state->retry_count, sizeof(*branch->retries));
		for (size_t i = 0; i < row->state->retry_count; i++)
			branch->retries[i] =
			    (uint32_t)json_integer_value(json_array_get(row->retries, i));
	}
	if (parent != NULL)
		tree_link(branch);
	else
		x->root = branch;
	/* The execution is freed as a whole. */
	if (resume_times(branch, err) < 0 ||
	    (branch->phase == PHASE_CHILDREN && resume_children(branch, row, err) < 0))
		return NULL;
	return branch;
}

/* --- the rows --- */

/* What a row cannot say by itself: that it fits the rows before it. The row of the
 * execution has the lowest id, so it comes first, and its "nextBranch" bounds all other
 * ids. A row that breaks a rule here was damaged, or belongs to another definition. */
static int
resume_add(struct resume *resume, const struct branch_row *row)
{
	struct branch *parent = NULL;
	struct branch *branch;

	if (resume->next_branch_id == 0)
		return branch_row_misfit(&resume->err, row->id, "the execution has no row");
	if (row->id >= resume->next_branch_id)
		return branch_row_misfit(&resume->err, row->id, "not counted in \"nextBranch\"");
	if (row->parent_id == 0 && resume->x->root != NULL)
		return branch_row_misfit(&resume->err, row->id, "a second branch without a parent");
	if (row->parent_id != 0) {
		parent = resume_find(resume, row->parent_id);
		if (parent == NULL)
			return branch_row_misfit(&resume->err, row->id, "its parent is missing");
	}
	branch = resume_branch(resume->x, parent, row, &resume->err);
	if (branch == NULL)
		return -1;
	if (resume->count == resume->capacity) {
		resume->capacity = 2 * resume->capacity + 16;
		resume->at = mem_resize(resume->at, resume->capacity, sizeof(struct branch *));
	}
	assert(resume->count == 0 || resume->at[resume->count - 1]->id < branch->id);
	resume->at[resume->count++] = branch;
	return 0;
}

/* The process died between the end and its record. */
static void
resume_end(struct execution *x, const struct execution_row *row)
{
	x->result.status = row->status;
	x->result.output = json_incref(row->output);
	x->result.error = x->error = mem_strdup(row->error);
	x->result.cause = x->cause = mem_strdup(row->cause);
}

/* The event count goes on from the row, so that ids in a history are never used twice. Returns: 1
 * for an end, which is all that is read. */
static int
resume_execution_row(struct resume *resume, struct str text)
{
	struct execution_row own;

	if (execution_row_read(text, &own, &resume->err) < 0)
		return -1;
	resume->x->event_id = own.event_id;
	resume->next_branch_id = own.next_branch_id;
	resume->ended = own.status != RUN_RUNNING && !resume->redrive;
	if (resume->ended)
		resume_end(resume->x, &own);
	execution_row_fini(&own);
	return resume->ended;
}

static int
resume_row(void *arg, int64_t id, struct str text)
{
	struct resume *resume = arg;
	struct branch_row row;
	int ret;

	if (id == BRANCH_ROW_EXECUTION)
		return resume_execution_row(resume, text);
	if (branch_row_read(resume->x->machine, id, text, &row, &resume->err) < 0)
		return -1;
	ret = resume_add(resume, &row);
	branch_row_fini(&row);
	return ret;
}

static void
resume_note_failed(struct resume *resume, int64_t index)
{
	if (resume->failed_count == resume->failed_capacity) {
		resume->failed_capacity = 2 * resume->failed_capacity + 16;
		resume->failed =
		    mem_resize(resume->failed, resume->failed_capacity, sizeof(int64_t));
	}
	resume->failed[resume->failed_count++] = index;
}

/* The record has no owner in its text; the parent is the branch whose results are read. */
static int
resume_result(void *arg, int64_t index, struct str text)
{
	struct resume *resume = arg;
	json_t *record = jsonx_parse(text, &resume->err);
	int ret = 0;

	if (record == NULL)
		return tmf_err_prefix(&resume->err, "the checkpoint: a result of row %lld",
		    (long long)resume->reading->id);
	if (resume->redrive && children_record_failed(record))
		resume_note_failed(resume, index);
	else
		ret = children_restore_result(resume->reading, index, record, &resume->err);
	json_decref(record);
	return ret;
}

/* Those that had failed run again from their beginning. Their records go when all have been read:
 * the store is not written while it is. */
static int
resume_results(struct resume *resume, struct branch *branch, struct tmf_err *err)
{
	struct execution *x = resume->x;

	resume->reading = branch;
	resume->failed_count = 0;
	if (store_results_each(
		x->engine->store, x->run_id, branch->id, resume_result, resume, err) < 0)
		return -1;
	for (size_t i = 0; i < resume->failed_count; i++)
		checkpoint_result_forget(branch, resume->failed[i]);
	return 0;
}

/* Results come after all branches: whether a result is wanted depends on the Map or
 * Parallel, and that is restored with its branch. A fault of the store and a row that does
 * not fit are kept apart until the end, because the callbacks have no way to hand an error
 * through the store. */
static int
resume_read(struct resume *resume, struct tmf_err *err)
{
	struct execution *x = resume->x;

	if (store_branches_each(x->engine->store, x->run_id, resume_row, resume, err) < 0)
		return -1;
	for (size_t i = 0; i < resume->count && !tmf_err_isset(&resume->err); i++)
		if (resume->at[i]->children != NULL &&
		    resume_results(resume, resume->at[i], err) < 0)
			return -1;
	for (size_t i = 0; i < resume->count && !tmf_err_isset(&resume->err); i++)
		if (resume->at[i]->children != NULL)
			children_restore_check(resume->at[i], &resume->err);
	if (!tmf_err_isset(&resume->err) && resume->next_branch_id != 0 && !resume->ended &&
	    x->root == NULL)
		branch_row_misfit(&resume->err, BRANCH_ROW_EXECUTION, "no branch is the root");
	if (!tmf_err_isset(&resume->err))
		return 0;
	tmf_err_move(err, &resume->err);
	return -1;
}

/* The state is done again, with the input that it had: all its attempts, its whole wait. */
static void
resume_redrive(struct branch *branch)
{
	if (branch->phase != PHASE_CHILDREN)
		branch->phase = PHASE_ENTERED;
	branch_begin_attempts(branch);
	checkpoint_mark(branch);
}

/* No row at all is not a fault: the process may have died before its first commit, and then
 * the execution starts from its beginning. */
int
resume_tree(struct execution *x, bool redrive, bool *ret_found, struct tmf_err *err)
{
	struct resume resume = {.x = x, .redrive = redrive};
	int ret = resume_read(&resume, err);

	assert(x->interrupting == false && !x->over);
	if (ret == 0 && resume.count > 0) {
		log_event(LOG_DEBUG, "engine.checkpoint_restored",
		    LOG_INT("branches", (int64_t)resume.count), LOG_INT("event", x->event_id));
		x->next_branch_id = resume.next_branch_id;
		/* Nothing runs before the loop does. */
		for (size_t i = 0; i < resume.count; i++) {
			if (redrive)
				resume_redrive(resume.at[i]);
			branch_go_on(resume.at[i]);
		}
	}
	*ret_found = resume.count > 0 || resume.ended;
	free(resume.failed);
	free(resume.at);
	tmf_err_fini(&resume.err);
	return ret;
}
