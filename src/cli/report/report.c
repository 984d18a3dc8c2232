#include "cli/report/report.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "cli/color.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/report/report_calls.h"
#include "cli/report/report_document.h"
#include "cli/report/report_history.h"
#include "cli/report/report_plan.h"
#include "cli/report/report_reasons.h"
#include "cli/report/report_states.h"
#include "store/run_state.h"
#include "web/run_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct failed_lines {
	FILE *out;
	int shown;
};

/*
 * A run may have thousands of failures: the first ones show the pattern, and `tmflow show` has
 * the rest. A nonzero return ends the iteration.
 */
static int
report_failed_line(void *arg, const struct outcome *outcome)
{
	struct failed_lines *lines = arg;

	fputs("  ", lines->out);
	report_outcome_line(outcome, lines->out);
	return ++lines->shown >= REPORT_FAILED_SHOWN_MAX;
}

/* "1,234,567" */
static void
number_add_grouped(struct buf *out, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, number);

	for (int i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf_add_char(out, ',');
		buf_add_char(out, digits[i]);
	}
}

/* Without this a run whose status is SUCCEEDED looks as if all had been well. */
static void
report_headline(const struct store_run *run, const struct run_state *state,
    const int64_t counts[OUTCOME_COUNT], const struct report_parts *parts, FILE *out)
{
	enum cli_color color = cli_color_of_state(state->kind);
	char *now = run_state_text(state);
	struct buf text = {0};
	int64_t total = 0;

	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		total += counts[kind];
	if (parts != NULL && parts->failed > 0)
		buf_printf(&text, ", %zu of %zu parts failed", parts->failed, parts->count);
	if (counts[OUTCOME_FAILED] > 0) {
		buf_add_str(&text, STR(", "));
		number_add_grouped(&text, counts[OUTCOME_FAILED]);
		buf_add_str(&text, STR(" of "));
		number_add_grouped(&text, total);
		buf_add_str(&text, STR(" failed"));
	}
	cli_print(
	    out, "%s %s  %s  ", run->dry_run ? "dry run" : "run", run->id, run->workflow_name);
	fputs(cli_color_on(out, color), out);
	cli_print(out, "%s", now);
	fputs(cli_color_off(out, color), out);
	fputs(cli_color_on(out, COLOR_BAD), out);
	cli_print(out, "%s", buf_cstr(&text));
	fputs(cli_color_off(out, COLOR_BAD), out);
	fputc('\n', out);
	free(now);
	buf_fini(&text);
}

/* A retried run took the time since its retry. The time between the two is the operator's. */
int
report_heading(struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], const struct report_parts *parts, FILE *out,
    struct tmf_err *err)
{
	struct run_state state;
	char start[CLOCK_ISO_BYTES];
	int64_t begin_ms = run->retry_wall_ms != 0 ? run->retry_wall_ms : run->start_wall_ms;

	if (run_state_read(store, run, &state, err) < 0)
		return -1;
	clock_iso(run->start_wall_ms, start);
	report_headline(run, &state, counts, parts, out);
	cli_print(out, "  started %s", start);
	if (run->retry_wall_ms != 0) {
		clock_iso(run->retry_wall_ms, start);
		cli_print(out, ", what failed was retried %s", start);
	}
	if (run->stop_wall_ms != 0)
		cli_print(out, ", took %.1f s", (double)(run->stop_wall_ms - begin_ms) / 1000.0);
	fputc('\n', out);
	if (run->error == NULL && run->cause == NULL)
		return 0;
	cli_print(out, "  error %s%s", run->error != NULL ? run->error : "",
	    run->cause != NULL ? ": " : "");
	if (run->cause != NULL)
		report_print_cause(run->cause, out);
	fputc('\n', out);
	return 0;
}

/* What the workflow itself gave, where that is more than nothing. */
static void
report_output(const struct store_run *run, FILE *out)
{
	struct buf safe = {0};

	if (run->output == NULL || strcmp(run->output, "{}") == 0 ||
	    strcmp(run->output, "null") == 0)
		return;
	log_escape_json(&safe, run->output);
	fprintf(out, "  output %s\n", buf_cstr(&safe));
	buf_fini(&safe);
}

/* Credentials are the one reason for which a run is interrupted by itself. */
static void
report_how_to_continue(const struct store_run *run, FILE *out)
{
	json_t *settings = record_settings(run);
	const char *profile = jsonx_get_string(settings, "profile");

	fputs("  not finished: ", out);
	if (run->status == RUN_INTERRUPTED && run->error != NULL)
		cli_print(out, "renew the credentials (profile %s), then ",
		    profile != NULL ? profile : "default");
	cli_print(out, "continue with `tmflow resume %s`\n", run->id);
	json_decref(settings);
}

/*
 * Names the command that helps, with the run's id, ready to copy. Without a store that stays,
 * `tmflow resume` has nothing to read, and only a new run helps: an instance that is mirrored
 * already is found as present.
 */
void
report_next_step(const struct store *store, const struct store_run *run,
    const int64_t counts[OUTCOME_COUNT], FILE *out)
{
	bool kept = !store_is_temporary(store);

	if (run->dry_run) {
		if (run->status != RUN_SUCCEEDED)
			fputs("  the plan is incomplete: repeat the dry run\n", out);
	} else if (run->status == RUN_INTERRUPTED || run->status == RUN_RUNNING) {
		if (kept)
			report_how_to_continue(run, out);
		else
			fputs("  not finished, and nothing was kept (--no-checkpoint): run the "
			      "workflow again\n",
			    out);
	} else if (store_run_has_failed(run) && kept) {
		bool pruned = run->error != NULL && strcmp(run->error, ERROR_PRUNE_LIMIT) == 0;

		cli_print(out,
		    pruned ? "  to remove them anyway: `tmflow resume %s --prune-limit N`\n"
			   : "  to go on where it failed: `tmflow resume %s`\n",
		    run->id);
	} else if (counts != NULL && counts[OUTCOME_FAILED] > 0) {
		if (kept)
			cli_print(out,
			    "  all of them: `tmflow show %s --failed`; to retry them: `tmflow "
			    "resume %s --retry-failed`\n",
			    run->id, run->id);
		else
			fputs("  to retry them run the workflow again:\n  what is mirrored "
			      "already stays as it is\n",
			    out);
	}
}

/*
 * What `show` adds for a run that another process has in hand: to resume it would be refused. A
 * report of the process itself never comes here: its run has ended, or is its own.
 */
static void
report_live_step(const struct store_run *run, FILE *out)
{
	cli_print(out,
	    "  under way: `tmflow show %s --follow` watches it, `tmflow stop %s` interrupts it\n",
	    run->id, run->id);
}

static int
report_print_calls(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err)
{
	json_t *calls = run_json_calls(store, run->id, err);

	if (calls == NULL)
		return -1;
	report_calls_text(calls, out);
	json_decref(calls);
	return 0;
}

/* The next step stands last, above the prompt. */
static int
report_end_text(struct store *store, const struct store_run *run, const struct run_state *state,
    const int64_t counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err)
{
	if (report_print_calls(store, run, out, err) < 0)
		return -1;
	if (state->kind == RUN_STATE_RUNNING)
		report_live_step(run, out);
	else
		report_next_step(store, run, counts, out);
	return 0;
}

/*
 * The output is escaped in every line, because names and tags come from AWS and could hold
 * control sequences of the terminal.
 */
static int
report_begin_text(struct store *store, const struct store_run *run, struct run_state *ret_state,
    int64_t ret_counts[OUTCOME_COUNT], FILE *out, struct tmf_err *err)
{
	if (run_state_read(store, run, ret_state, err) < 0 ||
	    store_outcomes_count(store, run->id, ret_counts, err) < 0 ||
	    report_heading(store, run, ret_counts, NULL, out, err) < 0)
		return -1;
	report_output(run, out);
	return run->dry_run ? report_plan_text(store, run, ret_counts, out, err) : 0;
}

int
report_text(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err)
{
	int64_t counts[OUTCOME_COUNT];
	struct failed_lines lines = {.out = out};
	struct run_state state;

	if (report_begin_text(store, run, &state, counts, out, err) < 0 ||
	    report_reasons_text(store, run, counts, out, err) < 0)
		return -1;
	if (counts[OUTCOME_FAILED] > 0 && store_outcomes_each(store, run->id, OUTCOME_FAILED,
					      report_failed_line, &lines, err) < 0)
		return -1;
	return report_end_text(store, run, &state, counts, out, err);
}

/* Who looks at a run afterwards wants to know where it was, and what the failures have in common:
 * the instances are listed by --failed. */
int
report_shown_text(struct store *store, const struct store_run *run, FILE *out, struct tmf_err *err)
{
	int64_t counts[OUTCOME_COUNT];
	struct run_state state;

	if (report_begin_text(store, run, &state, counts, out, err) < 0 ||
	    report_states_text(store, run, &state, out, err) < 0 ||
	    report_reasons_text(store, run, counts, out, err) < 0)
		return -1;
	if (counts[OUTCOME_FAILED] > 0 && report_failures_text(store, run->id, out, err) < 0)
		return -1;
	return report_end_text(store, run, &state, counts, out, err);
}

int
report_json(struct store *store, const struct store_run *run, const int64_t counts[OUTCOME_COUNT],
    bool history, struct tmf_err *err)
{
	json_t *document;

	if (run->dry_run)
		return report_plan_json(store, run, counts, err);
	if (history)
		return report_path_json(store, run, counts, err);
	document = run_json_read(store, run, counts, err);
	if (document == NULL)
		return -1;
	cli_print_json(document);
	json_decref(document);
	return 0;
}

/*
 * A script must distinguish a workflow that failed from one that succeeded with failed
 * instances: the second is worth a `resume --retry-failed`.
 */
enum cli_exit
report_exit(const struct store_run *run, const int64_t counts[OUTCOME_COUNT])
{
	switch (run->status) {
	case RUN_SUCCEEDED:
		return counts[OUTCOME_FAILED] > 0 ? EXIT_SOME_FAILED : EXIT_OK;
	case RUN_RUNNING:
	case RUN_INTERRUPTED:
		return EXIT_INTERRUPTED;
	case RUN_FAILED:
	case RUN_TIMED_OUT:
		break;
	}
	return EXIT_RUN_FAILED;
}
