#include "store/store_internal.h"

#include <assert.h>
#include <stdio.h>

/*
 * A branch's row is written over in each turn in which the branch made a step, so its size is what
 * a step costs. A finished child leaves its row for a result, which the parent's Map or Parallel
 * takes: with 10,000 items the parent's own row would otherwise be written 10,000 times with all
 * results so far.
 *
 * Both tables are read only by a resume, and emptied when the run has succeeded. What a failed run
 * keeps is what it had on the way: its live branches and the results of the Maps that it was in.
 */

/* Rows of a number, a blob and their checksum: branches and results. */
struct blob_each {
	struct store *store;
	const char *run_id;
	int64_t run;
	int64_t branch; /* of results; -1: branches */
	int (*fn)(void *arg, int64_t number, struct str bytes);
	void *arg;
};

/* What the checksum of a row is made of. */
#define CHECKPOINT_BRANCH(run, branch, state)                                                      \
	STORE_ARGS(store_arg_int(run), store_arg_int(branch), store_arg_blob(state))
#define CHECKPOINT_RESULT(run, branch, item, result)                                               \
	STORE_ARGS(store_arg_int(run), store_arg_int(branch), store_arg_int(item),                 \
	    store_arg_blob(result))

static int
checkpoint_damaged(const struct blob_each *each, int64_t number, struct tmf_err *err)
{
	char what[STORE_RUN_ID_BYTES_MAX + 128];

	if (each->branch < 0)
		snprintf(what, sizeof(what),
		    "the checkpoint of run %s has a wrong checksum in row %lld", each->run_id,
		    (long long)number);
	else
		snprintf(what, sizeof(what),
		    "the checkpoint of run %s has a wrong checksum in result %lld of row %lld",
		    each->run_id, (long long)number, (long long)each->branch);
	return store_damaged(each->store, what, err);
}

static int
blob_each_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct blob_each *each = arg;
	const int64_t number = sqlite3_column_int64(row, 0);
	const struct str bytes = store_column_bytes(row, 1);
	bool fits;

	assert(sqlite3_column_count(row) == 3);
	if (each->branch < 0)
		fits = store_sum_fits(row, 2, CHECKPOINT_BRANCH(each->run, number, bytes));
	else
		fits = store_sum_fits(
		    row, 2, CHECKPOINT_RESULT(each->run, each->branch, number, bytes));
	return fits ? each->fn(each->arg, number, bytes) != 0
		    : checkpoint_damaged(each, number, err);
}

int
store_branch_put(struct store *store, const char *run_id, int64_t branch_id, struct str state,
    struct tmf_err *err)
{
	int64_t run;

	assert(branch_id >= 0);
	if (store_check_size(state.len, STORE_STATE_BYTES_MAX, "the checkpoint of a branch", err) <
		0 ||
	    store_run_enter(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_BRANCH_PUT,
	    STORE_ARGS(store_arg_int(run), store_arg_int(branch_id), store_arg_blob(state),
		store_arg_int(store_sum(CHECKPOINT_BRANCH(run, branch_id, state)))),
	    err);
}

/* Without store_run_enter: a run that does not exist has no rows to delete, and that is fine. */
int
store_branch_delete(struct store *store, const char *run_id, int64_t branch_id, struct tmf_err *err)
{
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_BRANCH_DELETE,
	    STORE_ARGS(store_arg_int(run), store_arg_int(branch_id)), err);
}

int
store_branches_each(struct store *store, const char *run_id,
    int (*fn)(void *arg, int64_t branch_id, struct str state), void *arg, struct tmf_err *err)
{
	struct blob_each each = {store, run_id, 0, -1, fn, arg};

	if (store_run_number(store, run_id, &each.run, err) < 0)
		return -1;
	return store_query(
	    store, SQL_BRANCH_LIST, STORE_ARGS(store_arg_int(each.run)), blob_each_row, &each, err);
}

int
store_result_put(struct store *store, const char *run_id, int64_t branch_id, int64_t index,
    struct str result, struct tmf_err *err)
{
	int64_t run;

	assert(branch_id >= 0 && index >= 0);
	if (store_check_size(result.len, STORE_STATE_BYTES_MAX, "the result of a branch", err) <
		0 ||
	    store_run_enter(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_RESULT_PUT,
	    STORE_ARGS(store_arg_int(run), store_arg_int(branch_id), store_arg_int(index),
		store_arg_blob(result),
		store_arg_int(store_sum(CHECKPOINT_RESULT(run, branch_id, index, result)))),
	    err);
}

int
store_results_each(struct store *store, const char *run_id, int64_t branch_id,
    int (*fn)(void *arg, int64_t index, struct str result), void *arg, struct tmf_err *err)
{
	struct blob_each each = {store, run_id, 0, branch_id, fn, arg};

	assert(branch_id >= 0);
	if (store_run_number(store, run_id, &each.run, err) < 0)
		return -1;
	return store_query(store, SQL_RESULT_LIST,
	    STORE_ARGS(store_arg_int(each.run), store_arg_int(branch_id)), blob_each_row, &each,
	    err);
}

int
store_results_delete(
    struct store *store, const char *run_id, int64_t branch_id, struct tmf_err *err)
{
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_RESULTS_OF_DELETE,
	    STORE_ARGS(store_arg_int(run), store_arg_int(branch_id)), err);
}

int
store_result_delete(
    struct store *store, const char *run_id, int64_t branch_id, int64_t index, struct tmf_err *err)
{
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_RESULT_DELETE,
	    STORE_ARGS(store_arg_int(run), store_arg_int(branch_id), store_arg_int(index)), err);
}

int
store_checkpoints_delete(struct store *store, const char *run_id, struct tmf_err *err)
{
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0 ||
	    store_write(store, SQL_BRANCHES_DELETE, STORE_ARGS(store_arg_int(run)), err) < 0)
		return -1;
	return store_write(store, SQL_RESULTS_DELETE, STORE_ARGS(store_arg_int(run)), err);
}
