#include "store/store_internal.h"

#include <assert.h>
#include <string.h>

/*
 * Everything is read in the way in which it is read when it is needed, so what passes here does not
 * fail there. A damaged row ends the reading of its list, not the check.
 */

struct check {
	struct store *store;
	void (*on_fault)(void *arg, const char *what);
	void *arg;
};

static void
check_note(const struct check *check, int ret, struct tmf_err *err)
{
	if (ret < 0)
		check->on_fault(check->arg, tmf_err_text(err));
	tmf_err_fini(err);
}

static int
check_blob(void *arg, int64_t number, struct str bytes)
{
	(void)arg;
	(void)number;
	(void)bytes;
	return 0;
}

static int
check_fact(void *arg, const char *key, struct str value)
{
	(void)arg;
	(void)key;
	(void)value;
	return 0;
}

static int
check_file_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	const struct check *check = arg;
	const char *text = store_column_text(row, 0);

	(void)err;
	if (strcmp(text, "ok") != 0)
		check->on_fault(check->arg, text);
	return 0;
}

struct check_run {
	const struct check *check;
	const char *id;
};

static int
check_results_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	const struct check_run *run = arg;
	struct tmf_err fault = {0};

	(void)err;
	check_note(run->check,
	    store_results_each(
		run->check->store, run->id, sqlite3_column_int64(row, 0), check_blob, NULL, &fault),
	    &fault);
	return 0;
}

static int
check_run_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	const struct check *check = arg;
	struct store *store = check->store;
	struct check_run of = {check, store_column_text(row, 0)};
	struct store_run run = {0};
	struct tmf_err fault = {0};
	int64_t number;

	check_note(check, store_run_find(store, of.id, &run, &fault), &fault);
	store_run_fini(&run);
	if (store_run_number(store, of.id, &number, err) < 0)
		return -1;
	check_note(check, store_branches_each(store, of.id, check_blob, NULL, &fault), &fault);
	return store_query(store, SQL_CHECK_BRANCHES, STORE_ARGS(store_arg_int(number)),
	    check_results_row, &of, err);
}

static int
check_facts_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	const struct check *check = arg;
	struct tmf_err fault = {0};

	(void)err;
	check_note(check,
	    store_facts_each(check->store, store_column_text(row, 0), store_column_text(row, 1),
		check_fact, NULL, &fault),
	    &fault);
	return 0;
}

int
store_check(struct store *store, void (*on_fault)(void *arg, const char *what), void *arg,
    struct tmf_err *err)
{
	struct check check = {store, on_fault, arg};

	assert(!store->writing);
	return store_query(store, SQL_CHECK_FILE, STORE_NO_ARGS, check_file_row, &check, err) < 0 ||
		       store_query(
			   store, SQL_CHECK_RUNS, STORE_NO_ARGS, check_run_row, &check, err) < 0 ||
		       store_query(
			   store, SQL_CHECK_FACTS, STORE_NO_ARGS, check_facts_row, &check, err) < 0
		   ? -1
		   : 0;
}
