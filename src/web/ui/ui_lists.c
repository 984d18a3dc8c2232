#include "web/ui/ui_lists.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "store/run_state.h"
#include "web/run_json.h"
#include "web/timeline.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define RUNS_DEFAULT 50
#define ROWS_DEFAULT 200
#define CURSOR_END   "\n" /* between the parts of a cursor: none of them holds a line end */

/* What every list keeps while it is read. */
struct list {
	struct store *store;
	json_t *rows;
	size_t limit;
	size_t scanned;
	size_t bytes;	 /* of details, where rows have them */
	struct buf next; /* cursor of the last row that was looked at */
	bool full;
	struct tmf_err err;
};

/* "" for an absent one, and for one that is too long to mean anything. */
static const char *
list_param(const struct ui_query *query, const char *name)
{
	const char *value = query->param(query->arg, name);

	return value != NULL && strlen(value) <= UI_PARAM_BYTES_MAX ? value : "";
}

/* A limit that is not a number is the default: the page's own links have valid ones. */
static size_t
list_limit(const struct ui_query *query, size_t fallback, size_t most)
{
	long limit = strtol(list_param(query, "limit"), NULL, 10);

	return limit <= 0 ? fallback : (size_t)limit < most ? (size_t)limit : most;
}

/* True when the row that comes next belongs to the next page. */
static bool
list_is_full(struct list *list)
{
	list->full = json_array_size(list->rows) >= list->limit ||
		     list->scanned >= UI_SCANNED_MAX || list->bytes >= UI_DETAILS_BYTES_MAX;
	return list->full;
}

/* {key: rows, "next"}, or NULL with *err. Frees what the list holds. */
static json_t *
list_end(struct list *list, const char *key, int ret, struct tmf_err *err)
{
	json_t *document = NULL;

	if (tmf_err_isset(&list->err)) {
		tmf_err_move(err, &list->err);
		ret = -1;
	}
	if (ret >= 0) {
		document = json_object();
		json_object_set(document, key, list->rows);
		if (list->full)
			jsonx_put_string(document, "next", buf_cstr(&list->next));
	}
	json_decref(list->rows);
	buf_fini(&list->next);
	return document;
}

/* The next part of a cursor, which ends up behind it. "" at its end. Returns: malloc'ed. */
static char *
cursor_part(const char **cursor)
{
	size_t len = strcspn(*cursor, CURSOR_END);
	char *part = mem_strndup(*cursor, len);

	*cursor += len;
	*cursor += **cursor != '\0';
	return part;
}

/* --- runs --- */

struct run_list {
	struct list list; /* first */
	const char *status;
	const char *workflow;
	int64_t before_ms; /* the cursor: from behind this run on */
	const char *before_id;
};

/* Adds what was counted last, in the run or its parts. */
static int
runs_add_totals(void *arg, const struct store_run *run)
{
	struct run_list *runs = arg;
	json_t *row = json_array_get(runs->list.rows, json_array_size(runs->list.rows) - 1);
	json_t *summary = json_object_get(row, "summary");
	json_t *totals = timeline_totals(runs->list.store, run->id, &runs->list.err);

	for (int kind = 0; totals != NULL && kind < OUTCOME_COUNT; kind++) {
		const char *name = outcome_name((enum outcome_kind)kind);
		json_int_t count = json_integer_value(json_object_get(totals, name));

		if (count > 0)
			json_object_set_new(summary, name,
			    json_integer(
				count + json_integer_value(json_object_get(summary, name))));
	}
	json_decref(totals);
	return tmf_err_isset(&runs->list.err);
}

/* The counts of a run over several accounts are those of its parts, which are runs of their own and
 * not rows of this list. */
static void
runs_add(struct run_list *runs, const struct store_run *run, const struct run_state *state)
{
	const struct store_run_filter parts = {.status = -1, .parent = run->id};
	int64_t none[OUTCOME_COUNT] = {0};
	json_t *row = run_json(run, none);
	json_t *settings = jsonx_parse(str_of(run->settings), NULL);

	run_json_put_state(row, state);
	json_object_del(row, "output"); /* as long as it likes: the run's own page has it */
	jsonx_put_string(row, "workflow", run->workflow_name);
	jsonx_put_string(row, "region", jsonx_get_string(settings, "region"));
	json_array_append_new(runs->list.rows, row);
	runs_add_totals(runs, run);
	if (json_is_integer(json_object_get(settings, "parts"))) {
		json_object_set(row, "parts", json_object_get(settings, "parts"));
		store_runs_each(runs->list.store, &parts, runs_add_totals, runs, &runs->list.err);
	}
	json_decref(settings);
}

/* The list comes by start, then id, both backwards: the cursor is a run of it. */
static bool
runs_is_behind(const struct run_list *runs, const struct store_run *run)
{
	return runs->before_id == NULL || run->start_wall_ms < runs->before_ms ||
	       strcmp(run->id, runs->before_id) < 0;
}

/* The cursor moves with each run that is looked at, not only with those that fit: a search that
 * finds nothing among thousands of runs continues where it stopped. */
static int
runs_look(void *arg, const struct store_run *run)
{
	struct run_list *runs = arg;
	struct run_state state;

	if (!runs_is_behind(runs, run))
		return 0;
	if (list_is_full(&runs->list))
		return 1;
	runs->list.scanned++;
	runs->list.next.len = 0;
	buf_printf(&runs->list.next, "%" PRId64 CURSOR_END "%s", run->start_wall_ms, run->id);
	if (runs->workflow[0] != '\0' &&
	    (run->workflow_name == NULL || strstr(run->workflow_name, runs->workflow) == NULL))
		return 0;
	if (run_state_read(runs->list.store, run, &state, &runs->list.err) < 0)
		return 1;
	if (runs->status[0] == '\0' || strcasecmp(run_state_name(state.kind), runs->status) == 0)
		runs_add(runs, run, &state);
	return tmf_err_isset(&runs->list.err);
}

json_t *
ui_list_runs(struct store *store, const struct ui_query *query, struct tmf_err *err)
{
	const char *cursor = list_param(query, "before");
	struct store_run_filter filter = {.status = -1};
	struct run_list runs = {
	    .list = {.store = store,
		.rows = json_array(),
		.limit = list_limit(query, RUNS_DEFAULT, UI_RUNS_MAX)},
	    .status = list_param(query, "status"),
	    .workflow = list_param(query, "workflow"),
	};
	char *start = cursor_part(&cursor);
	json_t *document;
	int ret;

	if (start[0] != '\0') {
		runs.before_ms = strtoll(start, NULL, 10);
		runs.before_id = cursor;
		filter.until_wall_ms = runs.before_ms;
	}
	ret = store_runs_each(store, &filter, runs_look, &runs, err);
	document = list_end(&runs.list, "runs", ret, err);
	free(start);
	return document;
}

/* --- outcomes --- */

struct outcome_list {
	struct list list; /* first */
	const char *search;
	int kind; /* -1: all */
};

/* As strcasestr, which prepares itself for a long text at each call and takes ten times as long for
 * the short ones here. */
static bool
text_has(const char *text, const char *search, size_t search_len)
{
	int lower = tolower((unsigned char)search[0]);

	for (; *text != '\0'; text++)
		if (tolower((unsigned char)*text) == lower &&
		    strncasecmp(text, search, search_len) == 0)
			return true;
	return false;
}

/* The search looks at every column, as a person does who has pasted an id of whatever kind. */
static bool
outcome_has(const struct outcome *outcome, const char *search)
{
	const char *key;
	const char *value;
	size_t len = strlen(search);

	for (size_t i = 0; run_json_column(outcome, i, &key, &value); i++)
		if (value != NULL && text_has(value, search, len))
			return true;
	return false;
}

/* The kind is looked at here and not by the statement: there it would go through all rows of the
 * run for a kind that it does not have, and here a page ends at its bound. */
static bool
outcome_fits(const struct outcome_list *outcomes, const struct outcome *outcome)
{
	if (outcomes->kind >= 0 && (int)outcome->kind != outcomes->kind)
		return false;
	return outcomes->search[0] == '\0' || outcome_has(outcome, outcomes->search);
}

/* All three parts of the row's key: an interface may have an outcome a rule. */
static void
outcome_cursor(const struct outcome *outcome, struct buf *out)
{
	out->len = 0;
	buf_printf(out, "%s" CURSOR_END "%s" CURSOR_END "%s", outcome->instance_id,
	    outcome->interface_id != NULL ? outcome->interface_id : "",
	    outcome->slot != NULL ? outcome->slot : "");
}

static int
outcomes_look(void *arg, const struct outcome *outcome)
{
	struct outcome_list *outcomes = arg;

	if (list_is_full(&outcomes->list))
		return 1;
	outcomes->list.scanned++;
	if (outcome_fits(outcomes, outcome))
		json_array_append_new(outcomes->list.rows, run_json_outcome(outcome));
	/* The last row of the page, unless it is the run's last one as well. */
	if (list_is_full(&outcomes->list))
		outcome_cursor(outcome, &outcomes->list.next);
	outcomes->list.full = false;
	return 0;
}

/* -1 for "", which is all of them. */
static int
outcome_kind_of(const char *name, int *ret_kind, struct tmf_err *err)
{
	*ret_kind = -1;
	if (name[0] == '\0')
		return 0;
	for (int kind = 0; kind < OUTCOME_COUNT; kind++) {
		if (strcmp(outcome_name((enum outcome_kind)kind), name) != 0)
			continue;
		*ret_kind = kind;
		return 0;
	}
	return tmf_err_set(err, TMF_ERR_INVALID, "unknown outcome: %s", name);
}

/* fn for the outcomes behind the cursor. */
static int
outcomes_from(struct store *store, const char *run_id, const char *cursor,
    int (*fn)(void *arg, const struct outcome *outcome), void *arg, struct tmf_err *err)
{
	char *instance = cursor_part(&cursor);
	char *interface = cursor_part(&cursor);
	char *slot = cursor_part(&cursor);
	int ret = store_outcomes_after(store, run_id, -1, instance, interface, slot, fn, arg, err);

	free(instance);
	free(interface);
	free(slot);
	return ret;
}

json_t *
ui_list_outcomes(struct store *store, const struct store_run *run, const struct ui_query *query,
    struct tmf_err *err)
{
	struct outcome_list outcomes = {
	    .list = {.store = store,
		.rows = json_array(),
		.limit = list_limit(query, ROWS_DEFAULT, UI_ROWS_MAX)},
	    .search = list_param(query, "search"),
	};
	int ret = outcome_kind_of(list_param(query, "outcome"), &outcomes.kind, err);

	if (ret == 0)
		ret = outcomes_from(
		    store, run->id, list_param(query, "after"), outcomes_look, &outcomes, err);
	return list_end(&outcomes.list, "outcomes", ret, err);
}

/* --- history --- */

struct event_list {
	struct list list; /* first */
	const char *state;
};

/* A state's events name it in their details: {"stateEnteredEventDetails": {"name"}}. */
static bool
event_is_of(json_t *event, const char *state)
{
	const char *key;
	json_t *details;

	json_object_foreach (event, key, details) {
		const char *name = jsonx_get_string(details, "name");

		if (name != NULL && strcmp(name, state) == 0)
			return true;
	}
	return false;
}

static int
events_look(void *arg, const struct store_event *event)
{
	struct event_list *events = arg;
	json_t *row;

	if (list_is_full(&events->list))
		return 1;
	events->list.scanned++;
	events->list.next.len = 0;
	buf_add_int(&events->list.next, event->id);
	row = run_json_event(event);
	if (events->state[0] == '\0' || event_is_of(row, events->state)) {
		json_array_append(events->list.rows, row);
		events->list.bytes += event->details != NULL ? strlen(event->details) : 0;
	}
	json_decref(row);
	return 0;
}

json_t *
ui_list_history(struct store *store, const struct store_run *run, const struct ui_query *query,
    struct tmf_err *err)
{
	struct event_list events = {
	    .list = {.store = store,
		.rows = json_array(),
		.limit = list_limit(query, ROWS_DEFAULT, UI_ROWS_MAX)},
	    .state = list_param(query, "state"),
	};
	int64_t after = strtoll(list_param(query, "after"), NULL, 10);
	int ret =
	    store_events_each(store, run->id, after > 0 ? after : 0, events_look, &events, err);

	return list_end(&events.list, "events", ret, err);
}

/* --- two runs --- */

/* One page of the other run lies beside the one that is read: both come in the same order. */
struct change_list {
	struct list list; /* first */
	const char *other;
	bool other_is_later;
};

struct change_match {
	const struct outcome *wanted;
	json_t *found;
};

/* Among the outcomes of the instance, the one of the same interface and rule. */
static int
changes_match(void *arg, const struct outcome *outcome)
{
	struct change_match *match = arg;
	const char *wanted = match->wanted->interface_id;

	if (outcome->interface_id == NULL
		? wanted != NULL
		: wanted == NULL || strcmp(outcome->interface_id, wanted) != 0)
		return 0;
	if (strcmp(outcome->slot != NULL ? outcome->slot : "",
		match->wanted->slot != NULL ? match->wanted->slot : "") != 0)
		return 0;
	match->found = run_json_outcome(outcome);
	return 1;
}

/* What decides whether two outcomes are the same: not the request that one of them took. */
static bool
changes_differ(const json_t *before, const json_t *after)
{
	static const char *const keys[] = {"outcome", "reason", "rule", "targetId", "error"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *was = json_object_get(before, keys[i]);
		const json_t *is = json_object_get(after, keys[i]);

		/* Of two that are absent json_equal says that they differ. */
		if (was != is && !json_equal(was, is))
			return true;
	}
	return false;
}

static int
changes_look(void *arg, const struct outcome *outcome)
{
	struct change_list *changes = arg;
	struct change_match match = {.wanted = outcome};
	json_t *mine;

	if (list_is_full(&changes->list))
		return 1;
	changes->list.scanned++;
	outcome_cursor(outcome, &changes->list.next);
	if (store_outcomes_of(changes->list.store, changes->other, outcome->instance_id,
		changes_match, &match, &changes->list.err) < 0)
		return 1;
	mine = run_json_outcome(outcome);
	if (match.found == NULL ||
	    (!changes->other_is_later && changes_differ(mine, match.found))) {
		json_t *row = json_object();

		jsonx_put_string(row, "instanceId", outcome->instance_id);
		jsonx_put_string(row, "networkInterfaceId", outcome->interface_id);
		json_object_set(row, changes->other_is_later ? "before" : "after", mine);
		if (match.found != NULL)
			json_object_set(row, "before", match.found);
		json_array_append_new(changes->list.rows, row);
	}
	json_decref(mine);
	json_decref(match.found);
	return 0;
}

/*
 * First what b has, each beside what a had; then what a had and b has not. The cursor says where
 * the reading stands: "b" or "a", and an outcome of it.
 */
json_t *
ui_list_changes(struct store *store, const struct ui_query *query, struct tmf_err *err)
{
	const char *cursor = list_param(query, "after");
	struct change_list changes = {.list = {.store = store,
					  .rows = json_array(),
					  .limit = list_limit(query, ROWS_DEFAULT, UI_ROWS_MAX)}};
	struct store_run a = {0};
	struct store_run b = {0};
	char *side = cursor_part(&cursor);
	int ret = -1;

	if (store_run_find(store, list_param(query, "a"), &a, err) == 0 &&
	    store_run_find(store, list_param(query, "b"), &b, err) == 0) {
		ret = 0;
		changes.other = a.id;
		if (strcmp(side, "a") != 0)
			ret = outcomes_from(store, b.id, cursor, changes_look, &changes, err);
		if (ret >= 0 && !changes.list.full && !tmf_err_isset(&changes.list.err)) {
			bool begins = strcmp(side, "a") != 0;

			changes.other = b.id;
			changes.other_is_later = true;
			ret = outcomes_from(
			    store, a.id, begins ? "" : cursor, changes_look, &changes, err);
		}
	}
	if (changes.list.full) {
		char *at = buf_take(&changes.list.next);

		buf_printf(&changes.list.next, "%s" CURSOR_END "%s",
		    changes.other_is_later ? "a" : "b", at);
		free(at);
	}
	store_run_fini(&a);
	store_run_fini(&b);
	free(side);
	return list_end(&changes.list, "changes", ret, err);
}
