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
#define COLUMN_GAP	2
#define BREAK_INDENT	4

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

/* Which columns begin a line of their own, so that none is wider than the terminal: a bit each. The
 * same for all rows. */
static unsigned
runs_breaks(const int widths[REPORT_RUNS_COLUMNS])
{
	const int columns = (int)cli_columns(stdout);
	unsigned breaks = 0;
	int at = widths[0];

	for (int column = 1; column < REPORT_RUNS_COLUMNS && columns > 0; column++) {
		at += COLUMN_GAP + widths[column];
		if (at <= columns)
			continue;
		breaks |= 1u << column;
		at = BREAK_INDENT + widths[column];
	}
	return breaks;
}

/* From one cell to the next. No line ends in blanks. */
static void
runs_print_gap(int column, int blanks, unsigned breaks)
{
	if ((breaks & (1u << (column + 1))) != 0)
		printf("\n%*s", BREAK_INDENT, "");
	else
		printf("%*s", blanks + COLUMN_GAP, "");
}

static void
runs_print_row(
    const struct report_runs_row *row, const int widths[REPORT_RUNS_COLUMNS], unsigned breaks)
{
	for (int column = 0; column < REPORT_RUNS_COLUMNS; column++) {
		enum cli_color color = runs_color(row, column);

		fputs(cli_color_on(stdout, color), stdout);
		cli_print(stdout, "%s", row->cells[column]);
		fputs(cli_color_off(stdout, color), stdout);
		if (column + 1 < REPORT_RUNS_COLUMNS)
			runs_print_gap(
			    column, widths[column] - (int)strlen(row->cells[column]), breaks);
	}
	putchar('\n');
}

static void
runs_print_titles(const int widths[REPORT_RUNS_COLUMNS], unsigned breaks)
{
	for (int column = 0; column < REPORT_RUNS_COLUMNS; column++) {
		fputs(runs_titles[column], stdout);
		if (column + 1 < REPORT_RUNS_COLUMNS)
			runs_print_gap(
			    column, widths[column] - (int)strlen(runs_titles[column]), breaks);
	}
	putchar('\n');
}

static void
runs_flush(struct report_runs *list)
{
	int widths[REPORT_RUNS_COLUMNS];
	unsigned breaks;

	assert(list->held <= list->count);
	for (int column = 0; column < REPORT_RUNS_COLUMNS; column++)
		widths[column] = runs_width(list, column);
	breaks = runs_breaks(widths);
	if (list->held > 0 && list->count == list->held)
		runs_print_titles(widths, breaks);
	for (size_t i = 0; i < list->held; i++) {
		runs_print_row(&list->rows[i], widths, breaks);
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
