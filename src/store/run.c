#include "store/store_internal.h"

#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A run is known outside by its id and inside by a number, which the rows of branches, results,
 * outcomes and history bear: 8 bytes in a million rows instead of 26. The number of the run that
 * is being written is kept (store_current), so a checkpoint does not look it up first.
 */

#define PREFIX_MATCHES_MAX 5	   /* named when a prefix is not unique */
#define RUN_REDRIVES_MAX   1000000 /* one a second for as long as its checkpoint is kept, nearly */
#define RUN_COLUMNS	   22	   /* of SQL_RUN_GET and the lists */

static const char *const status_names[] = {
    [RUN_RUNNING] = "RUNNING",
    [RUN_SUCCEEDED] = "SUCCEEDED",
    [RUN_FAILED] = "FAILED",
    [RUN_TIMED_OUT] = "TIMED_OUT",
    [RUN_INTERRUPTED] = "INTERRUPTED",
};
#define STATUS_COUNT ((int64_t)(sizeof(status_names) / sizeof(status_names[0])))
_Static_assert(RUN_INTERRUPTED + 1 == sizeof(status_names) / sizeof(status_names[0]), "names");

/* The names are AWS's where AWS has the status; INTERRUPTED is our own. */
const char *
run_status_name(enum run_status status)
{
	assert((int64_t)status < STATUS_COUNT);
	return status_names[status];
}

/* The run may be filled again afterwards. */
void
store_run_fini(struct store_run *run)
{
	free(run->workflow_name);
	free(run->definition);
	free(run->input);
	free(run->config_name);
	free(run->config);
	free(run->hook_name);
	free(run->hook);
	free(run->settings);
	free(run->parent);
	free(run->output);
	free(run->error);
	free(run->cause);
	*run = (struct store_run){0};
}

bool
store_run_has_failed(const struct store_run *run)
{
	return run->status == RUN_FAILED || run->status == RUN_TIMED_OUT;
}

/* The former end is deleted: a record that runs and has an error would be reported as both. */
void
store_run_begin_again(struct store_run *run, int64_t now_wall_ms)
{
	if (run->status == RUN_SUCCEEDED)
		run->retry_wall_ms = now_wall_ms;
	if (store_run_has_failed(run)) {
		run->redrives++;
		run->redrive_wall_ms = now_wall_ms;
	}
	run->status = RUN_RUNNING;
	run->stop_wall_ms = 0;
	free(run->output);
	free(run->error);
	free(run->cause);
	run->output = run->error = run->cause = NULL;
}

/* Writes value as count digits of Crockford's base 32, which sort as the numbers do. */
static void
run_id_digits(uint64_t value, int count, char *out)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

	for (int i = count - 1; i >= 0; i--, value >>= 5)
		out[i] = digits[value & 31];
}

/* Ids sort by their time, so the newest run has the last id. */
void
store_run_id_make(int64_t wall_ms, struct rng *rng, char out[STORE_RUN_ID_BYTES])
{
	assert(wall_ms >= 0);
	/* ULID: 48 bits of time, 80 of chance, here as two groups of 40 bits or 8 digits. */
	run_id_digits((uint64_t)wall_ms & 0xffffffffffff, 10, out);
	run_id_digits(rng_next(rng) >> 24, 8, out + 10);
	run_id_digits(rng_next(rng) >> 24, 8, out + 18);
	out[STORE_RUN_ID_BYTES - 1] = '\0';
}

/* By ranges and not by isalnum, which depends on the locale. */
static bool
run_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

/* An id becomes the name of a lock file and a part of messages: nothing that means something in a
 * path or a terminal. And no character that comes after ~, by which the ids with a prefix are
 * found: id >= prefix and id < prefix || '~'. */
int
store_run_id_check(const char *id, struct tmf_err *err)
{
	size_t len = strlen(id);

	if (len == 0)
		return tmf_err_set(err, TMF_ERR_INVALID, "a run id cannot be empty");
	if (len > STORE_RUN_ID_BYTES_MAX)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "a run id has at most %d characters, this one %zu", STORE_RUN_ID_BYTES_MAX,
		    len);
	for (size_t i = 0; i < len; i++)
		if (!run_id_char(id[i]))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "a run id has only letters, digits, '-' and '_'; character %zu is "
			    "another",
			    i + 1);
	return 0;
}

/* Reported before SQLite sees the value, which would only say that it is too big. */
int
store_check_size(size_t bytes, size_t max, const char *what, struct tmf_err *err)
{
	assert(max > 0);
	if (bytes <= max)
		return 0;
	return tmf_err_set(
	    err, TMF_ERR_LIMIT, "%s has %zu bytes; the store takes at most %zu", what, bytes, max);
}

/* --- numbers --- */

/* 0 for a run that does not exist: to read its rows or to delete them is then no fault, and finds
 * none. */
int
store_run_number(struct store *store, const char *run_id, int64_t *ret_number, struct tmf_err *err)
{
	int64_t number = 0;

	assert(store->current.id[0] == '\0' || store->current.number > 0);
	if (store->current.id[0] != '\0' && strcmp(store->current.id, run_id) == 0)
		number = store->current.number;
	else if (store_query(store, SQL_RUN_NUMBER, STORE_ARGS(store_arg_text(run_id)),
		     store_row_int, &number, err) < 0)
		return -1;
	*ret_number = number;
	return 0;
}

/* The counts of the run before belong to its own rows: another run begins without. */
int
store_run_enter(struct store *store, const char *run_id, int64_t *ret_number, struct tmf_err *err)
{
	struct store_current *current = &store->current;
	int64_t number;

	if (store_begin(store, err) < 0 || store_run_number(store, run_id, &number, err) < 0)
		return -1;
	assert(store->writing);
	if (number <= 0)
		return tmf_err_set(
		    err, TMF_ERR_NOT_FOUND, "no such run in %s: %s", store->path, run_id);
	if (strcmp(current->id, run_id) != 0) {
		assert(strlen(run_id) < sizeof(current->id));
		*current = (struct store_current){.number = number};
		memcpy(current->id, run_id, strlen(run_id));
	}
	*ret_number = number;
	return 0;
}

/* --- writing --- */

/* Before anything is written: a text that is too large leaves the transaction as it is. */
static int
run_check_texts(const struct store_run *run, struct tmf_err *err)
{
	const struct {
		const char *what, *text;
	} texts[] = {
	    {"the workflow's name", run->workflow_name},
	    {"the definition", run->definition},
	    {"the input", run->input},
	    {"the configuration's name", run->config_name},
	    {"the configuration", run->config},
	    {"the hook's name", run->hook_name},
	    {"the hook", run->hook},
	    {"the run's settings", run->settings},
	    {"the output", run->output},
	    {"the error", run->error},
	    {"the cause", run->cause},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		size_t bytes = texts[i].text != NULL ? strlen(texts[i].text) : 0;

		if (store_check_size(bytes, STORE_TEXT_BYTES_MAX, texts[i].what, err) < 0)
			return -1;
	}
	return 0;
}

/* --- checksums --- */

/* What a run was started with: all that a resume decides by. */
static int64_t
run_start_sum(const struct store_run *run)
{
	return store_sum(STORE_ARGS(store_arg_text(run->id), store_arg_int(run->start_wall_ms),
	    store_arg_int(run->dry_run), store_arg_text(run->workflow_name),
	    store_arg_text(run->input), store_arg_text(run->config_name),
	    store_arg_text(run->hook_name), store_arg_text(run->settings),
	    store_arg_text(run->parent), store_arg_text(run->definition),
	    store_arg_text(run->config), store_arg_text(run->hook)));
}

/* What changes. */
static int64_t
run_end_sum(const struct store_run *run)
{
	return store_sum(STORE_ARGS(store_arg_text(run->id), store_arg_int(run->status),
	    store_arg_int(run->stop_wall_ms), store_arg_text(run->output),
	    store_arg_text(run->error), store_arg_text(run->cause),
	    store_arg_int(run->retry_wall_ms), store_arg_int(run->redrive_wall_ms),
	    store_arg_int(run->redrives)));
}

/* Until when a run that failed is kept for a redrive. */
static int64_t
run_redrive_ends_wall_ms(const struct store *store)
{
	return store->clock->wall_ms(store->clock) - STORE_REDRIVE_MS;
}

/* Status and stop are all that expiry looks at: the rest of a record may be megabytes. */
static int
run_end_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	(void)err;
	*(struct store_run *)arg = (struct store_run){
	    .status = (enum run_status)sqlite3_column_int64(row, 0),
	    .stop_wall_ms = sqlite3_column_int64(row, 1),
	};
	return 0;
}

/* A folder is made after its run's record was committed: one without a record was left behind. */
static int
run_expire_folder(struct store *store, const char *run_id, struct tmf_err *err)
{
	struct store_run run = {.status = RUN_SUCCEEDED};

	if (store_query(
		store, SQL_RUN_END, STORE_ARGS(store_arg_text(run_id)), run_end_row, &run, err) < 0)
		return -1;
	if (run.status == RUN_SUCCEEDED ||
	    (store_run_has_failed(&run) && run.stop_wall_ms < run_redrive_ends_wall_ms(store)))
		store_dir_forget_run(store, run_id);
	return 0;
}

/* With each new run, so that the file does not grow with the failures of years. */
static int
run_expire_checkpoints(struct store *store, struct tmf_err *err)
{
	const struct store_arg args[] = {
	    store_arg_int(RUN_FAILED),
	    store_arg_int(RUN_TIMED_OUT),
	    store_arg_int(run_redrive_ends_wall_ms(store)),
	    {.kind = STORE_ARG_END},
	};

	return store_write(store, SQL_BRANCHES_EXPIRE, args, err) < 0 ||
		       store_write(store, SQL_RESULTS_EXPIRE, args, err) < 0
		   ? -1
		   : store_dir_each_run(store, run_expire_folder, err);
}

/* A run that was started by another one names it as its parent. */
int
store_run_create(struct store *store, const struct store_run *run, struct tmf_err *err)
{
	int64_t number = 0;

	assert((int64_t)run->status < STATUS_COUNT);
	if (store_run_id_check(run->id, err) < 0 || run_check_texts(run, err) < 0)
		return -1;
	if (run->id[0] == '-') /* earlier releases took such a one */
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "a run id cannot begin with '-', as options do: %s", run->id);
	if (run->parent != NULL && store_run_id_check(run->parent, err) < 0)
		return -1;
	/* The transaction comes first: two processes with one new id must not both find it free. */
	if (store_begin(store, err) < 0 || store_run_number(store, run->id, &number, err) < 0)
		return -1;
	if (number != 0)
		return tmf_err_set(err, TMF_ERR_INVALID, "there is already a run %s", run->id);
	if (run_expire_checkpoints(store, err) < 0)
		return -1;
	return store_write(store, SQL_RUN_INSERT,
	    STORE_ARGS(store_arg_text(run->id), store_arg_int(run->status),
		store_arg_int(run->start_wall_ms), store_arg_int(run->stop_wall_ms),
		store_arg_text(run->workflow_name), store_arg_text(run->input),
		store_arg_text(run->config_name), store_arg_text(run->hook_name),
		store_arg_text(run->settings), store_arg_text(run->output),
		store_arg_text(run->error), store_arg_text(run->cause),
		store_arg_int(run->retry_wall_ms), store_arg_int(run->dry_run),
		store_arg_text(run->parent), store_arg_int(run->redrive_wall_ms),
		store_arg_int(run->redrives), store_arg_int(run_end_sum(run)),
		store_arg_text(run->definition), store_arg_text(run->config),
		store_arg_text(run->hook), store_arg_int(run_start_sum(run))),
	    err);
}

/* What a run was started with is written once, at its start: only what changes is here. */
int
store_run_update(struct store *store, const struct store_run *run, struct tmf_err *err)
{
	int64_t number = 0;

	assert((int64_t)run->status < STATUS_COUNT);
	if (run_check_texts(run, err) < 0 || store_run_enter(store, run->id, &number, err) < 0)
		return -1;
	return store_write(store, SQL_RUN_UPDATE,
	    STORE_ARGS(store_arg_int(number), store_arg_int(run->status),
		store_arg_int(run->stop_wall_ms), store_arg_text(run->output),
		store_arg_text(run->error), store_arg_text(run->cause),
		store_arg_int(run->retry_wall_ms), store_arg_int(run->redrive_wall_ms),
		store_arg_int(run->redrives), store_arg_int(run_end_sum(run))),
	    err);
}

/* --- reading --- */

/* NULL for SQL's NULL. */
static char *
run_column(sqlite3_stmt *row, int column)
{
	return mem_strdup((const char *)sqlite3_column_text(row, column));
}

static bool
run_sums_fit(sqlite3_stmt *row, const struct store_run *run)
{
	return (sqlite3_column_type(row, 17) == SQLITE_NULL ||
		   sqlite3_column_int64(row, 17) == run_end_sum(run)) &&
	       (sqlite3_column_type(row, 21) == SQLITE_NULL ||
		   sqlite3_column_int64(row, 21) == run_start_sum(run));
}

/* Fills run from a row of SQL_RUN_COLUMNS, definition, config, hook. The file may be
 * damaged or edited, so what becomes an index or a name is checked. */
static int
run_decode(struct store *store, sqlite3_stmt *row, struct store_run *run, struct tmf_err *err)
{
	const char *id = store_column_text(row, 0);
	int64_t status = sqlite3_column_int64(row, 1);
	int64_t redrives = sqlite3_column_int64(row, 16);
	char what[STORE_RUN_ID_BYTES_MAX + 64];

	assert(sqlite3_column_count(row) == RUN_COLUMNS);
	if (store_run_id_check(id, NULL) < 0 || status < 0 || status >= STATUS_COUNT ||
	    redrives < 0 || redrives > RUN_REDRIVES_MAX)
		return store_damaged(store, "it holds a run that cannot be", err);
	*run = (struct store_run){
	    .status = (enum run_status)status,
	    .start_wall_ms = sqlite3_column_int64(row, 2),
	    .stop_wall_ms = sqlite3_column_int64(row, 3),
	    .workflow_name = run_column(row, 4),
	    .input = run_column(row, 5),
	    .config_name = run_column(row, 6),
	    .hook_name = run_column(row, 7),
	    .settings = run_column(row, 8),
	    .output = run_column(row, 9),
	    .error = run_column(row, 10),
	    .cause = run_column(row, 11),
	    .retry_wall_ms = sqlite3_column_int64(row, 12),
	    .dry_run = sqlite3_column_int64(row, 13) != 0,
	    .parent = run_column(row, 14),
	    .redrive_wall_ms = sqlite3_column_int64(row, 15),
	    .redrives = redrives,
	    .definition = run_column(row, 18),
	    .config = run_column(row, 19),
	    .hook = run_column(row, 20),
	};
	memcpy(run->id, id, strlen(id));
	/* A list leaves out what the sum of the start is made of, and that sum. */
	if (run_sums_fit(row, run))
		return 0;
	store_run_fini(run);
	snprintf(what, sizeof(what), "run %s has a wrong checksum", id);
	return store_damaged(store, what, err);
}

struct run_get {
	struct store *store;
	struct store_run run;
	bool found;
};

/* Stops at the first row: an id is unique. */
static int
run_get_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct run_get *get = arg;

	if (run_decode(get->store, row, &get->run, err) < 0)
		return -1;
	get->found = true;
	return 1;
}

/* Up to PREFIX_MATCHES_MAX ids and how many there were (one more is counted, not named). */
struct id_list {
	char first[STORE_RUN_ID_BYTES_MAX + 1];
	struct buf names;
	int count;
};

/* The row is from the file, which others can write: its id is checked as one from the command
 * line. */
static int
id_list_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct id_list *list = arg;
	const char *id = store_column_text(row, 0);

	if (store_run_id_check(id, err) < 0)
		return -1;
	if (list->count == 0)
		memcpy(list->first, id, strlen(id));
	if (list->count < PREFIX_MATCHES_MAX)
		buf_printf(&list->names, "%s%s", list->count > 0 ? ", " : "", id);
	else
		buf_add_cstr(&list->names, ", ...");
	list->count++;
	return 0;
}

/* Finds the whole id meant by text. "@" cannot stand in an id, so "@latest" is never
 * mistaken for one. */
static int
run_resolve_id(struct store *store, const char *text, struct id_list *list, struct tmf_err *err)
{
	bool latest = strcmp(text, "@latest") == 0;

	if (!latest && store_run_id_check(text, err) < 0)
		return -1;
	int result =
	    latest ? store_query(store, SQL_RUN_LATEST, STORE_NO_ARGS, id_list_row, list, err)
		   : store_query(store, SQL_RUN_PREFIX,
			 STORE_ARGS(store_arg_text(text), store_arg_int(PREFIX_MATCHES_MAX + 1)),
			 id_list_row, list, err);
	if (result < 0)
		return -1;
	if (list->count == 0 && latest)
		return tmf_err_set(err, TMF_ERR_NOT_FOUND,
		    "no runs yet in %s (a dry run is never @latest)", store->path);
	if (list->count == 0)
		return tmf_err_set(
		    err, TMF_ERR_NOT_FOUND, "no such run in %s: %s", store->path, text);
	/* In order of id, a whole id comes before those that it is a prefix of. */
	if (list->count > 1 && strcmp(list->first, text) != 0)
		return tmf_err_set(err, TMF_ERR_INVALID, "%s is the start of several run ids: %s",
		    text, buf_cstr(&list->names));
	return 0;
}

/* The whole id first, then the row: a prefix must not read the texts of six runs. */
int
store_run_find(
    struct store *store, const char *id_or_prefix, struct store_run *ret_run, struct tmf_err *err)
{
	struct id_list list = {.count = 0};
	struct run_get get = {.store = store};
	int result = run_resolve_id(store, id_or_prefix, &list, err);

	buf_fini(&list.names);
	if (result < 0)
		return -1;
	assert(list.first[0] != '\0');
	if (store_query(store, SQL_RUN_GET, STORE_ARGS(store_arg_text(list.first)), run_get_row,
		&get, err) < 0)
		return -1;
	if (!get.found)
		return store_damaged(store, "its index of runs is wrong", err);
	*ret_run = get.run;
	return 0;
}

struct run_each {
	struct store *store;
	int (*fn)(void *arg, const struct store_run *run);
	void *arg;
};

/* A row's texts live as long as fn runs: a list of thousands of runs takes the memory of one. */
static int
run_each_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct run_each *each = arg;
	struct store_run run;

	if (run_decode(each->store, row, &run, err) < 0)
		return -1;
	int stop = each->fn(each->arg, &run);
	store_run_fini(&run);
	return stop != 0;
}

/* With a parent the filter's other fields are not looked at. */
int
store_runs_each(struct store *store, const struct store_run_filter *filter,
    int (*fn)(void *arg, const struct store_run *run), void *arg, struct tmf_err *err)
{
	struct run_each each = {.store = store, .fn = fn, .arg = arg};
	int64_t since = filter->since_wall_ms != 0 ? filter->since_wall_ms : INT64_MIN;
	int64_t until = filter->until_wall_ms != 0 ? filter->until_wall_ms : INT64_MAX;

	if (filter->parent != NULL)
		return store_query(store, SQL_RUN_PARTS, STORE_ARGS(store_arg_text(filter->parent)),
		    run_each_row, &each, err);
	return store_query(store, SQL_RUN_LIST,
	    STORE_ARGS(store_arg_int(filter->status), store_arg_int(since), store_arg_int(until)),
	    run_each_row, &each, err);
}
