#include "store/store_internal.h"

#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/*
 * One row an interface is what makes a run's totals add up: an instance that is looked at twice (a
 * retry, a resume, an event that comes twice) writes over its row. An instance of which no
 * interface is known yet, because it was gone or excluded, has one row with an empty interface id.
 * It goes when the first of its interfaces gets a row; so an instance never counts once as a whole
 * and once by its parts. Where several sessions of an interface are looked after, it has a row for
 * each (a slot), and the one that it had as a whole goes in the same way.
 *
 * The counts are kept beside the rows, since a progress line asks for them all the time and
 * a run may have a million rows. They are those of the open transaction; an
 * abort forgets them.
 */

#define KIND_NONE (-1)

static const char *const kind_names[OUTCOME_COUNT] = {
#define X(id, name) [OUTCOME_##id] = name,
    OUTCOME_TABLE(X)
#undef X
};

/* The words that reports and filters show. */
const char *
outcome_name(enum outcome_kind kind)
{
	assert(kind < OUTCOME_COUNT);
	return kind_names[kind];
}

/* The row is from the file, which others can write. */
static int
outcome_kind_column(
    struct store *store, sqlite3_stmt *row, int column, int *ret_kind, struct tmf_err *err)
{
	int64_t kind = sqlite3_column_int64(row, column);

	if (kind < 0 || kind >= OUTCOME_COUNT)
		return store_damaged(store, "it holds an outcome that cannot be", err);
	*ret_kind = (int)kind;
	return 0;
}

/* --- counting --- */

struct count_each {
	struct store *store;
	int64_t *counts;
};

static int
outcome_count_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct count_each *each = arg;
	int kind = KIND_NONE;

	if (outcome_kind_column(each->store, row, 0, &kind, err) < 0)
		return -1;
	each->counts[kind] = sqlite3_column_int64(row, 1);
	return 0;
}

/* Kinds without a row are 0. */
static int
outcome_count_rows(
    struct store *store, int64_t run, int64_t counts[OUTCOME_COUNT], struct tmf_err *err)
{
	struct count_each each = {.store = store, .counts = counts};

	memset(counts, 0, OUTCOME_COUNT * sizeof(counts[0]));
	return store_query(store, SQL_OUTCOME_COUNTS, STORE_ARGS(store_arg_int(run)),
	    outcome_count_row, &each, err);
}

/* The counts are copied out at the end: a fault leaves the caller's as they were. */
int
store_outcomes_count(
    struct store *store, const char *run_id, int64_t ret_counts[OUTCOME_COUNT], struct tmf_err *err)
{
	const struct store_current *current = &store->current;
	int64_t counts[OUTCOME_COUNT];
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	if (current->counted && current->number == run)
		memcpy(counts, current->counts, sizeof(counts));
	else if (outcome_count_rows(store, run, counts, err) < 0)
		return -1;
	memcpy(ret_counts, counts, sizeof(counts));
	return 0;
}

/* --- writing --- */

struct kind_get {
	struct store *store;
	int kind; /* KIND_NONE: no row */
};

static int
kind_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct kind_get *get = arg;

	return outcome_kind_column(get->store, row, 0, &get->kind, err);
}

/* A text of at most STORE_OUTCOME_BYTES_MAX bytes, cut before a character of UTF-8. */
static struct store_arg
outcome_text(const char *text)
{
	struct store_arg arg = store_arg_text(text);

	if (arg.bytes.len > STORE_OUTCOME_BYTES_MAX)
		arg.bytes.len = utf8_cut(text, STORE_OUTCOME_BYTES_MAX);
	return arg;
}

/* An empty text and not NULL: in SQL two NULLs are not equal, so such a row would not be
 * found again. */
static const char *
outcome_interface(const struct outcome *outcome)
{
	return outcome->interface_id != NULL ? outcome->interface_id : "";
}

static const char *
outcome_slot(const struct outcome *outcome)
{
	return outcome->slot != NULL ? outcome->slot : "";
}

/* An id that is too long is refused and not cut off: two instances must not share a row. */
static int
outcome_check_ids(const char *instance_id, const char *interface_id, struct tmf_err *err)
{
	if (instance_id == NULL || instance_id[0] == '\0')
		return tmf_err_set(err, TMF_ERR_INVALID, "an outcome needs an instance id");
	if (store_check_size(strlen(instance_id), STORE_KEY_BYTES_MAX, "the instance id", err) < 0)
		return -1;
	return store_check_size(strlen(interface_id), STORE_KEY_BYTES_MAX, "the interface id", err);
}

/* Writes the row and finds out what kind was there before. INSERT OR IGNORE first: most rows are
 * new, and take one statement. */
static int
outcome_put_row(struct store *store, int64_t run, const struct outcome *outcome,
    struct kind_get *before, struct tmf_err *err)
{
	struct store_arg instance = store_arg_text(outcome->instance_id);
	struct store_arg interface = store_arg_text(outcome_interface(outcome));
	struct store_arg slot = store_arg_text(outcome_slot(outcome));
	const struct store_arg *row =
	    STORE_ARGS(store_arg_int(run), instance, interface, slot, store_arg_int(outcome->kind),
		outcome_text(outcome->reason), outcome_text(outcome->rule),
		outcome_text(outcome->target_id), outcome_text(outcome->session_id),
		outcome_text(outcome->operation), outcome_text(outcome->error),
		outcome_text(outcome->cause), outcome_text(outcome->request_id));

	assert(before->kind == KIND_NONE);
	if (store_write(store, SQL_OUTCOME_ADD, row, err) < 0)
		return -1;
	if (sqlite3_changes(store->db) > 0)
		return 0;
	if (store_query(store, SQL_OUTCOME_KIND,
		STORE_ARGS(store_arg_int(run), instance, interface, slot), kind_row, before,
		err) < 0)
		return -1;
	return store_write(store, SQL_OUTCOME_PUT, row, err);
}

/* Counts what is there before the first outcome is put. */
static int
outcome_count_once(struct store *store, int64_t run, struct tmf_err *err)
{
	struct store_current *current = &store->current;

	assert(store->writing && current->number == run);
	if (current->counted)
		return 0;
	if (outcome_count_rows(store, run, current->counts, err) < 0 ||
	    store_query(store, SQL_OUTCOME_ALONE, STORE_ARGS(store_arg_int(run)), store_row_int,
		&current->alone, err) < 0)
		return -1;
	current->counted = true;
	return 0;
}

/* Removes the row of an instance ("") or interface as a whole, if there is one. */
static int
outcome_delete_whole(struct store *store, int64_t run, const char *instance_id,
    const char *interface_id, struct tmf_err *err)
{
	struct store_current *current = &store->current;
	struct kind_get whole = {.store = store, .kind = KIND_NONE};

	assert(current->counted && current->number == run);
	if (store_write_returning(store, SQL_OUTCOME_DELETE_WHOLE,
		STORE_ARGS(
		    store_arg_int(run), store_arg_text(instance_id), store_arg_text(interface_id)),
		kind_row, &whole, err) < 0)
		return -1;
	if (whole.kind == KIND_NONE)
		return 0;
	current->counts[whole.kind]--;
	if (interface_id[0] == '\0')
		current->alone--;
	return 0;
}

/* The outcome of an interface takes the place of one that its instance had as a whole, and that of
 * a slot the place of its interface's. */
static int
outcome_replace_whole(
    struct store *store, int64_t run, const struct outcome *outcome, struct tmf_err *err)
{
	const char *interface = outcome_interface(outcome);

	if (interface[0] != '\0' && store->current.alone > 0 &&
	    outcome_delete_whole(store, run, outcome->instance_id, "", err) < 0)
		return -1;
	if (outcome_slot(outcome)[0] == '\0' || outcome->beside)
		return 0;
	assert(interface[0] != '\0');
	return outcome_delete_whole(store, run, outcome->instance_id, interface, err);
}

/* The counts change last, when all statements have succeeded; a failed one aborts and forgets
 * them. */
int
store_outcome_put(
    struct store *store, const char *run_id, const struct outcome *outcome, struct tmf_err *err)
{
	struct store_current *current = &store->current;
	struct kind_get before = {.store = store, .kind = KIND_NONE};
	int64_t run;

	assert(outcome->kind < OUTCOME_COUNT);
	if (outcome_check_ids(outcome->instance_id, outcome_interface(outcome), err) < 0 ||
	    store_check_size(strlen(outcome_slot(outcome)), STORE_KEY_BYTES_MAX,
		"the name of a slot", err) < 0 ||
	    store_run_enter(store, run_id, &run, err) < 0 ||
	    outcome_count_once(store, run, err) < 0 ||
	    outcome_put_row(store, run, outcome, &before, err) < 0 ||
	    outcome_replace_whole(store, run, outcome, err) < 0)
		return -1;
	assert(current->counted && current->number == run);
	current->counts[outcome->kind]++;
	if (before.kind != KIND_NONE)
		current->counts[before.kind]--;
	else if (outcome_interface(outcome)[0] == '\0')
		current->alone++;
	return 0;
}

/* In a table of its own, since an action that records an outcome knows an id and seldom more: the
 * description of an instance passes by once, long before its session is made. */
int
store_instance_put(struct store *store, const char *run_id, const char *instance_id,
    const char *interface_id, const struct store_instance *instance, struct tmf_err *err)
{
	const char *interface = interface_id != NULL ? interface_id : "";
	int64_t run;

	if (outcome_check_ids(instance_id, interface, err) < 0 ||
	    store_run_enter(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_INSTANCE_PUT,
	    STORE_ARGS(store_arg_int(run), store_arg_text(instance_id), store_arg_text(interface),
		outcome_text(instance->type), outcome_text(instance->vpc_id),
		outcome_text(instance->subnet_id), outcome_text(instance->zone),
		outcome_text(instance->name)),
	    err);
}

/* --- reading --- */

struct outcome_each {
	struct store *store;
	int (*fn)(void *arg, const struct outcome *outcome);
	void *arg;
};

static const char *
outcome_row_text(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

/* The texts live as long as the callback. */
static int
outcome_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct outcome_each *each = arg;
	const char *interface = store_column_text(row, 1);
	const char *slot = store_column_text(row, 16);
	int kind = KIND_NONE;

	if (outcome_kind_column(each->store, row, 2, &kind, err) < 0)
		return -1;
	struct outcome outcome = {
	    .kind = (enum outcome_kind)kind,
	    .instance_id = store_column_text(row, 0),
	    .interface_id = interface[0] != '\0' ? interface : NULL,
	    .slot = slot[0] != '\0' ? slot : NULL,
	    .reason = outcome_row_text(row, 3),
	    .rule = outcome_row_text(row, 4),
	    .target_id = outcome_row_text(row, 5),
	    .session_id = outcome_row_text(row, 6),
	    .operation = outcome_row_text(row, 7),
	    .error = outcome_row_text(row, 8),
	    .cause = outcome_row_text(row, 9),
	    .request_id = outcome_row_text(row, 10),
	    .instance =
		{
		    .type = outcome_row_text(row, 11),
		    .vpc_id = outcome_row_text(row, 12),
		    .subnet_id = outcome_row_text(row, 13),
		    .zone = outcome_row_text(row, 14),
		    .name = outcome_row_text(row, 15),
		},
	};
	return each->fn(each->arg, &outcome) != 0;
}

/* A kind of -1 stands for all kinds. */
int
store_outcomes_each(struct store *store, const char *run_id, int kind,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err)
{
	struct outcome_each each = {.store = store, .fn = fn, .arg = arg};
	int64_t run;

	assert(kind >= -1 && kind < OUTCOME_COUNT);
	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(store, SQL_OUTCOME_LIST,
	    STORE_ARGS(store_arg_int(run), store_arg_int(kind)), outcome_row, &each, err);
}

int
store_outcomes_after(struct store *store, const char *run_id, int kind, const char *instance_id,
    const char *interface_id, const char *slot, int (*fn)(void *arg, const struct outcome *outcome),
    void *arg, struct tmf_err *err)
{
	struct outcome_each each = {.store = store, .fn = fn, .arg = arg};
	int64_t run;

	assert(kind >= -1 && kind < OUTCOME_COUNT);
	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(store, SQL_OUTCOME_AFTER,
	    STORE_ARGS(store_arg_int(run), store_arg_int(kind), store_arg_text(instance_id),
		store_arg_text(interface_id), store_arg_text(slot)),
	    outcome_row, &each, err);
}

int
store_outcomes_of(struct store *store, const char *run_id, const char *instance_id,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err)
{
	struct outcome_each each = {.store = store, .fn = fn, .arg = arg};
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(store, SQL_OUTCOME_OF,
	    STORE_ARGS(store_arg_int(run), store_arg_text(instance_id)), outcome_row, &each, err);
}

int
store_outcomes_at(struct store *store, const char *run_id, const char *interface_id,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err)
{
	struct outcome_each each = {.store = store, .fn = fn, .arg = arg};
	int64_t run;

	assert(interface_id[0] != '\0');
	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(store, SQL_OUTCOME_AT,
	    STORE_ARGS(store_arg_int(run), store_arg_text(interface_id)), outcome_row, &each, err);
}

struct instance_each {
	int (*fn)(void *arg, const char *instance_id);
	void *arg;
};

/* Pages of instances, not a stream: a retry writes outcomes while it goes through them. */
static int
instance_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	struct instance_each *each = arg;

	(void)err;
	return each->fn(each->arg, store_column_text(row, 0)) != 0;
}

/* In order of their ids, so that the next page begins behind the last one. */
int
store_failed_instances(struct store *store, const char *run_id, const char *after, int limit,
    int (*fn)(void *arg, const char *instance_id), void *arg, struct tmf_err *err)
{
	struct instance_each each = {.fn = fn, .arg = arg};
	int64_t run;

	assert(after != NULL && limit > 0);
	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(store, SQL_OUTCOME_INSTANCES,
	    STORE_ARGS(store_arg_int(run), store_arg_int(OUTCOME_FAILED), store_arg_text(after),
		store_arg_int(limit)),
	    instance_row, &each, err);
}
