#include "store/store_internal.h"

#include <assert.h>
#include <string.h>

/* The end of a run, and its removal with all of its rows and files. */

int
store_run_end(struct store *store, const struct store_run *run, struct tmf_err *err)
{
	assert(run->status != RUN_RUNNING);
	if (store_run_update(store, run, err) < 0)
		return -1;
	if (run->status != RUN_SUCCEEDED)
		return 0;
	store_dir_forget_run(store, run->id);
	return store_checkpoints_delete(store, run->id, err);
}

/* Those of one run or part. Its own row goes last, so that none is left that nobody can find. */
static int
run_delete_rows(struct store *store, const char *run_id, struct tmf_err *err)
{
	static const enum store_sql by_number[] = {SQL_BRANCHES_DELETE, SQL_RESULTS_DELETE,
	    SQL_RUN_OUTCOMES_DELETE, SQL_RUN_INSTANCES_DELETE, SQL_EVENTS_DELETE, SQL_RUN_DELETE};
	int64_t number;

	if (store_run_enter(store, run_id, &number, err) < 0)
		return -1;
	assert(number > 0 && store->writing);
	/* The pace and the calls of a run are facts of its own. */
	if (store_write(store, SQL_RUN_FACTS_DELETE, STORE_ARGS(store_arg_text(run_id)), err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(by_number) / sizeof(by_number[0]); i++)
		if (store_write(store, by_number[i], STORE_ARGS(store_arg_int(number)), err) < 0)
			return -1;
	store_dir_forget_run(store, run_id);
	/* The current run is one that exists. */
	store->current = (struct store_current){.number = 0};
	return 0;
}

/* Ids of the parts, NUL-terminated, one behind the other. */
static int
run_note_part(void *arg, const struct store_run *part)
{
	struct buf *ids = arg;

	buf_add(ids, part->id, strlen(part->id) + 1);
	return 0;
}

/* The parts are listed first: a statement that reads them must not see them go. */
int
store_run_delete(struct store *store, const char *run_id, struct tmf_err *err)
{
	const struct store_run_filter parts = {.status = -1, .parent = run_id};
	struct buf ids = {0};
	size_t at = 0;
	int ret = store_runs_each(store, &parts, run_note_part, &ids, err);

	while (ret == 0 && at < ids.len) {
		ret = run_delete_rows(store, ids.p + at, err);
		at += strlen(ids.p + at) + 1;
	}
	buf_fini(&ids);
	return ret == 0 ? run_delete_rows(store, run_id, err) : -1;
}
