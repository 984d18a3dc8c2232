#include "engine/resume.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/branch.h"
#include "engine/branch_row.h"
#include "engine/children.h"

#include <assert.h>
#include <stdlib.h>

/* The branches so far, by id in ascending order: the store gives the rows so, and a parent is
 * older than its children. */
struct resume {
	struct execution *x;
	struct branch **at;
	size_t count;
	size_t capacity;
	int64_t next_branch_id; /* 0: the execution's own row has not come */
	struct branch *reading; /* whose results are read */
	struct tmf_err err;	/* a row that does not fit */
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
	branch = branch_restore(resume->x, parent, row, &resume->err);
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

/* The event count goes on from the row, so that ids in a history are never used twice. */
static int
resume_row(void *arg, int64_t id, struct str text)
{
	struct resume *resume = arg;
	struct execution_row own;
	struct branch_row row;
	int ret;

	if (id == BRANCH_ROW_EXECUTION) {
		ret = execution_row_read(text, &own, &resume->err);
		if (ret == 0) {
			resume->x->event_id = own.event_id;
			resume->next_branch_id = own.next_branch_id;
		}
		return ret;
	}
	if (branch_row_read(resume->x->machine, id, text, &row, &resume->err) < 0)
		return -1;
	ret = resume_add(resume, &row);
	branch_row_fini(&row);
	return ret;
}

/* The record has no owner in its text; the parent is the branch whose results are read. */
static int
resume_result(void *arg, int64_t index, struct str text)
{
	struct resume *resume = arg;
	json_t *record = jsonx_parse(text, &resume->err);
	int ret;

	if (record == NULL)
		return tmf_err_prefix(&resume->err, "the checkpoint: a result of row %lld",
		    (long long)resume->reading->id);
	ret = children_restore_result(resume->reading, index, record, &resume->err);
	json_decref(record);
	return ret;
}

/* Results come after all branches: whether a result is wanted depends on the Map or
 * Parallel, and that is restored with its branch. A fault of the store and a row that does
 * not fit are kept apart until the end, because the callbacks have no way to hand an error
 * through the store. */
static int
resume_read(struct resume *resume, struct tmf_err *err)
{
	struct execution *x = resume->x;
	struct store *store = x->engine->store;

	if (store_branches_each(store, x->run_id, resume_row, resume, err) < 0)
		return -1;
	for (size_t i = 0; i < resume->count && !tmf_err_isset(&resume->err); i++) {
		resume->reading = resume->at[i];
		if (resume->reading->children != NULL &&
		    store_results_each(
			store, x->run_id, resume->reading->id, resume_result, resume, err) < 0)
			return -1;
	}
	if (!tmf_err_isset(&resume->err) && resume->next_branch_id != 0 && x->root == NULL)
		branch_row_misfit(&resume->err, BRANCH_ROW_EXECUTION, "no branch is the root");
	if (!tmf_err_isset(&resume->err))
		return 0;
	tmf_err_move(err, &resume->err);
	return -1;
}

/* No row at all is not a fault: the process may have died before its first commit, and then
 * the execution starts from its beginning. */
int
resume_tree(struct execution *x, bool *ret_found, struct tmf_err *err)
{
	struct resume resume = {.x = x};
	int ret = resume_read(&resume, err);

	assert(x->interrupting == false && !x->over);
	if (ret == 0 && resume.count > 0) {
		log_event(LOG_DEBUG, "engine.checkpoint_restored",
		    LOG_INT("branches", (int64_t)resume.count), LOG_INT("event", x->event_id));
		x->next_branch_id = resume.next_branch_id;
		/* Nothing runs before the loop does. */
		for (size_t i = 0; i < resume.count; i++)
			branch_go_on(resume.at[i]);
	}
	*ret_found = resume.count > 0;
	free(resume.at);
	tmf_err_fini(&resume.err);
	return ret;
}
