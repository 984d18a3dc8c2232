#include "cli/report/report_runs.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/ages.h"
#include "cli/color.h"
#include "cli/print.h"
#include "cli/record.h"
#include "web/run_json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const runs_titles[REPORT_RUNS_COLUMNS] = {
    "RUN", "STATUS", "STARTED", "DURATION", "REGION", "WORKFLOW", "OUTCOMES"};
#define COLUMN_STATUS	1
#define COLUMN_OUTCOMES 6

/* Since it was last started again: the time between two is the operator's. "" where nobody knows
 * when it ended. */
static char *
runs_duration(const struct report_runs *list, const struct store_run *run, enum run_state_kind kind)
{
	int64_t begin_ms = run->retry_wall_ms != 0 ? run->retry_wall_ms : run->start_wall_ms;
	int64_t end_ms = run->stop_wall_ms != 0 ? run->stop_wall_ms : list->now_wall_ms;
	char text[CLI_DURATION_BYTES];

	if (kind == RUN_STATE_KILLED)
		return mem_strdup("-");
	cli_duration(end_ms - begin_ms, text);
	return mem_strdup(text);
}

/* "373 created, 5 failed"; of a dry run "373 to create". */
static char *
runs_outcomes(const struct store_run *run, const int64_t counts[OUTCOME_COUNT])
{
	struct buf text = {0};
	char *ret;

	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (counts[kind] > 0)
			buf_printf(&text, "%s%" PRId64 " %s", text.len > 0 ? ", " : "",
			    counts[kind], run_outcome_word((enum outcome_kind)kind, run->dry_run));
	ret = mem_strdup(text.len > 0 ? buf_cstr(&text) : "-");
	buf_fini(&text);
	return ret;
}

/* A run over several accounts and regions has parts instead. */
static char *
runs_region(const struct store_run *run)
{
	json_t *settings = record_settings(run);
	const json_t *parts = json_object_get(settings, RECORD_PARTS);
	const char *region = jsonx_get_string(settings, "region");
	char *text;

	if (json_is_integer(parts))
		text = mem_printf("%" JSON_INTEGER_FORMAT " parts", json_integer_value(parts));
	else
		text = mem_strdup(region != NULL ? region : "-");
	json_decref(settings);
	return text;
}

/* Escaped bytes would take more room than they are counted for: such a cell moves the next ones. */
static int
runs_width(const struct report_runs *list, int column)
{
	size_t width = strlen(runs_titles[column]);

	for (size_t i = 0; i < list->held; i++) {
		size_t len = strlen(list->rows[i].cells[column]);

		width = len > width ? len : width;
	}
	return (int)width;
}

static enum cli_color
runs_color(const struct report_runs_row *row, int column)
{
	if (column == COLUMN_STATUS)
		return cli_color_of_state(row->state);
	return column == COLUMN_OUTCOMES && row->some_failed ? COLOR_BAD : COLOR_NONE;
}

/* The last column is as wide as it is: no line ends in blanks. */
static void
runs_print_row(const struct report_runs_row *row, const int widths[REPORT_RUNS_COLUMNS])
{
	for (int column = 0; column < REPORT_RUNS_COLUMNS; column++) {
		enum cli_color color = runs_color(row, column);
		bool last = column + 1 == REPORT_RUNS_COLUMNS;

		fputs(cli_color_on(stdout, color), stdout);
		cli_print(stdout, "%s", row->cells[column]);
		fputs(cli_color_off(stdout, color), stdout);
		if (!last)
			printf("%*s", widths[column] - (int)strlen(row->cells[column]) + 2, "");
	}
	putchar('\n');
}

static void
runs_print_title(const char *title, int width)
{
	cli_print(stdout, "%s", title);
	printf("%*s", width - (int)strlen(title) + 2, "");
}

static void
runs_flush(struct report_runs *list)
{
	int widths[REPORT_RUNS_COLUMNS];

	assert(list->held <= list->count);
	for (int column = 0; column < REPORT_RUNS_COLUMNS; column++)
		widths[column] = runs_width(list, column);
	if (list->held > 0 && list->count == list->held) {
		for (int column = 0; column + 1 < REPORT_RUNS_COLUMNS; column++)
			runs_print_title(runs_titles[column], widths[column]);
		cli_print(stdout, "%s\n", runs_titles[REPORT_RUNS_COLUMNS - 1]);
	}
	for (size_t i = 0; i < list->held; i++) {
		runs_print_row(&list->rows[i], widths);
		for (int column = 0; column < REPORT_RUNS_COLUMNS; column++)
			free(list->rows[i].cells[column]);
	}
	list->held = 0;
}

static void
runs_hold(struct report_runs *list, const struct store_run *run, const struct run_state *state,
    const int64_t counts[OUTCOME_COUNT])
{
	struct report_runs_row *row = &list->rows[list->held];
	char *name = run->workflow_name != NULL ? file_stem(run->workflow_name) : mem_strdup("-");
	char start[CLOCK_ISO_BYTES];

	assert(list->held < REPORT_RUNS_BLOCK);
	clock_iso(run->start_wall_ms, start);
	/* Seconds are enough for a list: 2026-01-15T12:00:00Z. */
	snprintf(start + strcspn(start, "."), 2, "Z");
	*row = (struct report_runs_row){
	    .cells = {mem_strdup(run->id), run_state_text(state), mem_strdup(start),
		runs_duration(list, run, state->kind), runs_region(run), name,
		runs_outcomes(run, counts)},
	    .state = state->kind,
	    .some_failed = counts[OUTCOME_FAILED] > 0,
	};
	if (++list->held == REPORT_RUNS_BLOCK)
		runs_flush(list);
}

static json_t *
runs_document(
    const struct store_run *run, const struct run_state *state, const int64_t counts[OUTCOME_COUNT])
{
	json_t *document = run_json(run, counts);
	json_t *settings = record_settings(run);

	run_json_put_state(document, state);
	jsonx_put_string(document, "workflow", run->workflow_name);
	jsonx_put_string(document, "region", jsonx_get_string(settings, "region"));
	json_decref(settings);
	return document;
}

int
report_runs_add(struct report_runs *list, const struct store_run *run,
    const struct run_state *state, struct tmf_err *err)
{
	int64_t counts[OUTCOME_COUNT];

	if (run_counts(list->store, run, counts, err) < 0)
		return -1;
	list->count++;
	if (list->output == OUTPUT_TEXT) {
		runs_hold(list, run, state, counts);
	} else if (list->output == OUTPUT_JSONL) {
		cli_print_json_line(runs_document(run, state, counts));
	} else {
		if (list->documents == NULL)
			list->documents = json_array();
		json_array_append_new(list->documents, runs_document(run, state, counts));
	}
	return 0;
}

void
report_runs_end(struct report_runs *list)
{
	runs_flush(list);
	if (list->output == OUTPUT_JSON) {
		json_t *documents = list->documents != NULL ? list->documents : json_array();

		cli_print_json(documents);
		json_decref(documents);
	} else if (list->output == OUTPUT_TEXT && list->count == 0) {
		/* On standard error: a script that counts lines must count none. */
		fputs("no runs\n", stderr);
	}
}
