#include "store/store_internal.h"

#include <assert.h>
#include <string.h>

/*
 * Events are kept only for runs that were started with --history. An event is written in the
 * transaction of the checkpoint that it belongs to. After a crash the steps since the last commit
 * are done again, and their events get the same ids, so that a row is replaced and the history has
 * no gap and no double.
 */

/* The details are JSON of the engine's making and are not looked into here. */
int
store_event_put(
    struct store *store, const char *run_id, const struct store_event *event, struct tmf_err *err)
{
	size_t bytes = event->details != NULL ? strlen(event->details) : 0;
	int64_t run;

	assert(event->id >= 1 && event->previous_id >= 0 && event->previous_id < event->id);
	assert(event->type != NULL);
	if (store_check_size(bytes, STORE_TEXT_BYTES_MAX, "an event of the history", err) < 0 ||
	    store_run_enter(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_EVENT_PUT,
	    STORE_ARGS(store_arg_int(run), store_arg_int(event->id),
		store_arg_int(event->previous_id), store_arg_int(event->wall_ms),
		store_arg_int(event->top_level), store_arg_text(event->type),
		store_arg_text(event->details)),
	    err);
}

int
store_events_delete(struct store *store, const char *run_id, struct tmf_err *err)
{
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_write(store, SQL_EVENTS_DELETE, STORE_ARGS(store_arg_int(run)), err);
}

struct event_each {
	int (*fn)(void *arg, const struct store_event *event);
	void *arg;
};

static int
event_each_row(void *arg, sqlite3_stmt *row, struct tmf_err *err)
{
	const struct event_each *each = arg;
	const struct store_event event = {
	    .id = sqlite3_column_int64(row, 0),
	    .previous_id = sqlite3_column_int64(row, 1),
	    .wall_ms = sqlite3_column_int64(row, 2),
	    .top_level = sqlite3_column_int64(row, 3) != 0,
	    .type = store_column_text(row, 4),
	    .details = (const char *)sqlite3_column_text(row, 5),
	};

	(void)err;
	assert(sqlite3_column_count(row) == 6);
	return each->fn(each->arg, &event) != 0;
}

int
store_events_each(struct store *store, const char *run_id, int64_t after,
    int (*fn)(void *arg, const struct store_event *event), void *arg, struct tmf_err *err)
{
	struct event_each each = {.fn = fn, .arg = arg};
	int64_t run;

	if (store_run_number(store, run_id, &run, err) < 0)
		return -1;
	return store_query(store, SQL_EVENT_LIST,
	    STORE_ARGS(store_arg_int(run), store_arg_int(after)), event_each_row, &each, err);
}
