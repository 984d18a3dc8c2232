#include "cli/report/report_history.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/print.h"
#include "cli/report/report_document.h"
#include "engine/engine.h"
#include "web/run_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define DATA_CHARS_SHOWN 60 /* of a state's input or output, in the table */

#define ITERATION      "MapIteration"
#define ITERATION_STEM "mapIteration%sEventDetails"
#define STARTED	       "Started"

struct history {
	enum cli_output output;
	int64_t child;	 /* -1: all */
	struct buf line; /* int64_t: ids of events that a next one of the child may follow */
	struct buf maps; /* int64_t: of MapStateStarted at the top level */
	char *map;	 /* name of the Map whose child is open; NULL: none is */
	int64_t start_wall_ms;
	struct report_list list; /* with -o json */
	size_t count;
};

/* The first of text, whole characters only. */
static void
line_add_start(struct buf *line, const char *text)
{
	size_t len = 0;
	size_t chars = 0;

	while (text[len] != '\0' && chars < DATA_CHARS_SHOWN) {
		do
			len++;
		while (((unsigned char)text[len] & 0xc0) == 0x80);
		chars++;
	}
	buf_add(line, text, len);
	if (text[len] != '\0')
		buf_add_cstr(line, "...");
}

/* The separator comes before the word, so that a missing one leaves no gap. */
static void
line_add_word(struct buf *line, const char *before, const char *word)
{
	if (word == NULL)
		return;
	buf_add_cstr(line, line->len > 0 ? before : "");
	line_add_start(line, word);
}

/* "EnsureEach [3]", "describe-page  {...}", "States.Timeout: why": what a reader looks for. */
static void
line_add_details(struct buf *line, const json_t *details)
{
	const json_t *index = json_object_get(details, "index");
	const json_t *length = json_object_get(details, "length");

	line_add_word(line, "", jsonx_get_string(details, "name"));
	line_add_word(line, "", jsonx_get_string(details, "resource"));
	if (index != NULL)
		buf_printf(line, " [%" JSON_INTEGER_FORMAT "]", json_integer_value(index));
	if (length != NULL)
		buf_printf(line, "%" JSON_INTEGER_FORMAT " items", json_integer_value(length));
	line_add_word(line, "  ", jsonx_get_string(details, "error"));
	line_add_word(line, ": ", jsonx_get_string(details, "cause"));
	line_add_word(line, "  ", jsonx_get_string(details, "parameters"));
	line_add_word(line, "  ", jsonx_get_string(details, "input"));
	line_add_word(line, "  ", jsonx_get_string(details, "output"));
}

/*
 * The new value is what one looks for when a variable is wrong, so that it is shown with its name.
 */
static void
line_add_assigned(struct buf *line, json_t *details)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(details, "assignedVariables"), name, value) {
		buf_printf(line, "  $%s=", name);
		line_add_start(line, json_string_value(value));
	}
}

/*
 * The heading comes with the first row. SECONDS counts from the start of the run, because the
 * differences matter more than the time of day.
 */
static void
event_print(const struct history *history, const struct store_event *event)
{
	json_t *details = run_json_event_details(event);
	struct buf line = {0};
	const char *key;
	json_t *value;

	json_object_foreach (details, key, value) {
		line_add_details(&line, value);
		line_add_assigned(&line, value);
	}
	if (history->count == 0)
		cli_print(stdout, "%6s  %6s  %9s  %-22s  %s\n", "ID", "AFTER", "SECONDS", "EVENT",
		    "WHAT");
	cli_print(stdout, "%6" PRId64 "  %6" PRId64 "  %9.3f  %-22s  %s\n", event->id,
	    event->previous_id, (double)(event->wall_ms - history->start_wall_ms) / 1000.0,
	    event->type, buf_cstr(&line));
	buf_fini(&line);
	json_decref(details);
}

/* --- one child --- */

static void
ids_add(struct buf *ids, int64_t id)
{
	buf_add(ids, (const char *)&id, sizeof(id));
}

/* From behind: an event mostly follows one of the newest. */
static bool
ids_have(const struct buf *ids, int64_t id)
{
	for (size_t at = ids->len; at > 0; at -= sizeof(id)) {
		int64_t one;

		memcpy(&one, ids->p + at - sizeof(one), sizeof(one));
		if (one == id)
			return true;
	}
	return false;
}

/* Of an event about an iteration: the name of its Map, a new string, where it is that of the child;
 * NULL otherwise. */
static char *
event_map_of_child(const struct history *history, const struct store_event *event)
{
	json_t *details;
	char *member;
	const json_t *own;
	char *name = NULL;

	if (strncmp(event->type, ITERATION, strlen(ITERATION)) != 0)
		return NULL;
	details = run_json_event_details(event);
	member = mem_printf(ITERATION_STEM, event->type + strlen(ITERATION));
	own = json_object_get(details, member);
	if (json_integer_value(json_object_get(own, "index")) == history->child)
		name = mem_strdup(jsonx_get_string(own, "name"));
	free(member);
	json_decref(details);
	return name;
}

/*
 * The events of a branch follow each other, and a child's line begins behind the start of its Map.
 * What it holds itself, branches and Maps, hangs on that line. Its own end is the last: what comes
 * behind that belongs to the Map.
 */
static bool
event_is_of_child(struct history *history, const struct store_event *event)
{
	char *map;
	bool begins;
	bool ends;

	if (event->top_level && strcmp(event->type, "MapStateStarted") == 0)
		ids_add(&history->maps, event->id);
	map = event_map_of_child(history, event);
	begins = map != NULL && ids_have(&history->maps, event->previous_id) &&
		 strcmp(event->type, ITERATION STARTED) == 0;
	if (begins) {
		buf_reset(&history->line);
		free(history->map);
		history->map = map;
		ids_add(&history->line, event->id);
		return true;
	}
	ends = map != NULL && history->map != NULL && strcmp(map, history->map) == 0;
	free(map);
	if (!ids_have(&history->line, event->previous_id))
		return false;
	if (ends)
		buf_reset(&history->line);
	else
		ids_add(&history->line, event->id);
	return true;
}

static int
event_report(void *arg, const struct store_event *event)
{
	struct history *history = arg;

	if (history->child >= 0 && !event_is_of_child(history, event))
		return 0;
	if (history->output == OUTPUT_TEXT) {
		event_print(history, event);
	} else {
		json_t *object = run_json_event(event);

		if (history->output == OUTPUT_JSON) {
			report_list_item(&history->list, object);
		} else {
			cli_print_json_line(object);
		}
	}
	history->count++;
	return 0;
}

/* One event is enough to know that a history was kept. A return of 1 ends the iteration. */
static int
event_is_there(void *arg, const struct store_event *event)
{
	(void)event;
	*(bool *)arg = true;
	return 1;
}

static int
history_print(
    struct store *store, const struct store_run *run, struct history *history, struct tmf_err *err)
{
	json_t *none;
	int ret;

	if (history->output != OUTPUT_JSON)
		return store_events_each(store, run->id, 0, event_report, history, err);
	none = json_object();
	report_list_begin(&history->list, none, "events", stdout);
	ret = store_events_each(store, run->id, 0, event_report, history, err);
	report_list_end(&history->list, err);
	json_decref(none);
	return ret;
}

/*
 * A run without a history is an error and not an empty list, since otherwise a script would
 * conclude that the run had done nothing.
 */
int
report_history(struct store *store, const struct store_run *run, enum cli_output output,
    int64_t child, struct tmf_err *err)
{
	struct history history = {
	    .output = output, .start_wall_ms = run->start_wall_ms, .child = child};
	bool kept = false;
	int ret;

	if (store_events_each(store, run->id, 0, event_is_there, &kept, err) < 0)
		return -1;
	if (!kept)
		return tmf_err_set(err, TMF_ERR_NOT_FOUND,
		    "run %s kept no history: start it with `tmflow run --history`", run->id);
	ret = history_print(store, run, &history, err);
	if (ret == 0 && child >= 0 && history.count == 0)
		ret = tmf_err_set(err, TMF_ERR_NOT_FOUND,
		    "run %s: no Map at the top level has a child %" PRId64, run->id, child);
	buf_fini(&history.line);
	buf_fini(&history.maps);
	free(history.map);
	return ret;
}

/* --- the path --- */

/*
 * Only states at the top level are listed: a Map enters its states once for each item, and those
 * entries would bury the path.
 */
static int
event_path_step(void *arg, const struct store_event *event)
{
	json_t *details;

	if (!event->top_level || !execution_event_enters(event->type))
		return 0;
	details = run_json_event_details(event);
	report_list_item(arg, json_incref(json_object_get(
				  json_object_get(details, "stateEnteredEventDetails"), "name")));
	json_decref(details);
	return 0;
}

int
report_path_json(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], struct tmf_err *err)
{
	json_t *document = run_json_read(store, run, counts, err);
	struct report_list list;
	int ret;

	if (document == NULL)
		return -1;
	report_list_begin(&list, document, "path", stdout);
	ret = store_events_each(store, run->id, 0, event_path_step, &list, err);
	report_list_end(&list, err);
	json_decref(document);
	return ret;
}
