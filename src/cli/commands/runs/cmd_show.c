#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/places/parts.h"
#include "cli/record.h"
#include "cli/report/report.h"
#include "cli/report/report_calls.h"
#include "cli/report/report_history.h"
#include "store/run_state.h"
#include "web/report/report_page.h"
#include "web/run_json.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Outcomes are streamed, since there may be a million of them. */
struct outcome_stream {
	enum cli_output output;
	struct report_list list; /* with -o json */
};

/* A nonzero return ends the iteration, as when `tmflow show --outcomes | head` has read enough. */
static int
show_outcome(void *arg, const struct outcome *outcome)
{
	struct outcome_stream *stream = arg;
	json_t *object;

	if (stream->output == OUTPUT_TEXT) {
		report_outcome_line(outcome, stdout);
		return ferror(stdout) != 0; /* the reader is gone: no use in a million more */
	}
	object = run_json_outcome(outcome);
	if (stream->output == OUTPUT_JSON) {
		report_list_item(&stream->list, object);
	} else {
		cli_print_json_line(object);
	}
	return ferror(stdout) != 0;
}

/* The run's document, with what it asked AWS for, and perhaps with a last member "outcomes". */
static int
show_json(
    struct store *store, const struct store_run *run, int kind, bool rows, struct tmf_err *err)
{
	struct outcome_stream stream = {.output = OUTPUT_JSON};
	int64_t counts[OUTCOME_COUNT];
	struct run_state state;
	json_t *document;
	json_t *calls;
	int ret = 0;

	if (run_state_read(store, run, &state, err) < 0 ||
	    store_outcomes_count(store, run->id, counts, err) < 0 ||
	    (calls = run_json_calls(store, run->id, err)) == NULL)
		return -1;
	document = run_json_read(store, run, counts, err);
	if (document == NULL) {
		json_decref(calls);
		return -1;
	}
	run_json_put_state(document, &state);
	jsonx_put_string(document, "workflow", run->workflow_name);
	if (json_object_size(calls) > 0)
		json_object_set(document, "calls", calls);
	json_decref(calls);
	if (!rows) {
		cli_print_json(document);
	} else {
		report_list_begin(&stream.list, document, "outcomes", stdout);
		ret = store_outcomes_each(store, run->id, kind, show_outcome, &stream, err);
		report_list_end(&stream.list, err);
	}
	json_decref(document);
	return ret;
}

/* Of the run, or of one child of its Maps. */
static int
show_history(struct store *store, const struct store_run *run, const struct cli_opts *opts,
    struct tmf_err *err)
{
	const struct cli_number number = {
	    .option = "--child", .text = opts->child, .max = LONG_MAX, .fallback = -1};
	long child;

	if (cli_number_parse(&number, &child, err) < 0)
		return -1;
	return report_history(store, run, opts->output, child, err);
}

/*
 * Text without --outcomes or --failed is the summary that a run prints at its end. JSONL has no
 * document, only rows, so that each line is an outcome of its own.
 */
static int
show_run(struct store *store, const struct store_run *run, const struct cli_opts *opts,
    struct tmf_err *err)
{
	struct outcome_stream stream = {.output = opts->output};
	int kind = opts->failed ? OUTCOME_FAILED : -1;
	bool rows = opts->failed || opts->outcomes;

	if (opts->history)
		return show_history(store, run, opts, err);
	if (opts->output == OUTPUT_JSON)
		return show_json(store, run, kind, rows, err);
	if (opts->output == OUTPUT_TEXT && !rows)
		return report_shown_text(store, run, stdout, err);
	return store_outcomes_each(store, run->id, kind, show_outcome, &stream, err);
}

/* The page of a run, and of all its parts. */
static int
show_page(struct store *store, const struct store_run *run, const char *path, struct tmf_err *err)
{
	FILE *file = path != NULL ? fopen(path, "we") : NULL;
	int closed;
	int ret;

	if (path != NULL && file == NULL)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "failed to write %s: %s", path, strerror(errno));
	ret = report_page_write(store, run, file != NULL ? file : stdout, err);
	closed = file != NULL ? fclose(file) : fflush(stdout);
	if (closed != 0 && ret == 0)
		ret = tmf_err_set(err, TMF_ERR_SYSTEM, "failed to write %s: %s",
		    path != NULL ? path : "the page", strerror(errno));
	return ret;
}

/* --- following --- */

#define SHOW_LOOK_NS (500L * 1000 * 1000) /* as often as an eye can follow */

/* A line, or with jsonl a document, for each change. */
static void
show_change(const struct cli_opts *opts, const struct store_run *run, const struct run_state *state,
    const int64_t counts[OUTCOME_COUNT])
{
	char now[CLOCK_ISO_BYTES];
	char *text;

	if (opts->output == OUTPUT_JSONL) {
		json_t *document = run_json(run, counts);

		run_json_put_state(document, state);
		cli_print_json_line(document);
		fflush(stdout);
		return;
	}
	clock_iso(clock_system()->wall_ms(clock_system()), now);
	text = run_state_text(state);
	cli_print(stdout, "%.8s  %s", now + strcspn(now, "T") + 1, text);
	for (int kind = 0; kind < OUTCOME_COUNT; kind++)
		if (counts[kind] > 0)
			cli_print(stdout, ", %" PRId64 " %s", counts[kind],
			    run_outcome_word((enum outcome_kind)kind, run->dry_run));
	putchar('\n');
	fflush(stdout);
	free(text);
}

/*
 * Looks at the record until no process has the run in hand any more. The exit code is that of the
 * run, so that a script can wait for one of another terminal.
 */
static int
show_watch(struct store *store, struct store_run *run, const struct cli_opts *opts, int *ret_code,
    struct tmf_err *err)
{
	const struct timespec pause = {.tv_nsec = SHOW_LOOK_NS};
	int64_t before[OUTCOME_COUNT] = {-1};
	int64_t counts[OUTCOME_COUNT];
	struct run_state state;
	char id[STORE_RUN_ID_BYTES_MAX + 1];

	memcpy(id, run->id, sizeof(id));
	for (;;) {
		if (run_state_read(store, run, &state, err) < 0 ||
		    run_counts(store, run, counts, err) < 0)
			return -1;
		if (state.kind != RUN_STATE_RUNNING)
			break;
		if (memcmp(before, counts, sizeof(counts)) != 0)
			show_change(opts, run, &state, counts);
		memcpy(before, counts, sizeof(counts));
		(void)nanosleep(&pause, NULL);
		store_run_fini(run);
		if (store_run_find(store, id, run, err) < 0)
			return -1;
	}
	if (opts->output == OUTPUT_JSONL)
		show_change(opts, run, &state, counts);
	*ret_code = (int)report_exit(run, counts);
	return 0;
}

/* With -o json there would be a document for each change, where a reader expects one. */
static int
show_check_options(const struct cli_opts *opts, struct tmf_err *err)
{
	bool fits = opts->output == OUTPUT_TEXT || opts->output == OUTPUT_JSONL;

	if (opts->follow && (!fits || opts->failed || opts->outcomes || opts->history))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--follow: goes with text or -o jsonl, and without --failed, --outcomes and "
		    "--history");
	if (opts->child != NULL && !opts->history)
		return tmf_err_set(err, TMF_ERR_INVALID, "--child: needs --history");
	return 0;
}

/* Text ends with the whole report; a line of JSON has it all already. */
static int
show_followed(
    struct store *store, struct store_run *run, const struct cli_opts *opts, struct tmf_err *err)
{
	int code = EXIT_OK;

	if (show_watch(store, run, opts, &code, err) < 0)
		return cli_fail(opts->output, err);
	if (opts->output != OUTPUT_TEXT)
		return code;
	if (parts_belong_to(run))
		parts_show(opts, store, run);
	else if (report_shown_text(store, run, stdout, err) < 0)
		return cli_fail(opts->output, err);
	return code;
}

/*
 * The outcomes of a run with parts are those of its parts, so that it is shown by other code. The
 * lookup takes the id, a unique prefix of it, or @latest.
 */
int
cmd_show(const struct cli_opts *opts)
{
	struct store_run run = {0};
	struct tmf_err err = {0};
	int code = EXIT_OK;
	struct store *store;

	if (show_check_options(opts, &err) < 0)
		return cli_fail_take(opts->output, &err);
	store = record_find_store(opts, &code);
	if (store == NULL)
		return code;
	if (store_run_find(store, opts->args[0], &run, &err) == 0 && opts->follow) {
		code = show_followed(store, &run, opts, &err);
	} else if (!tmf_err_isset(&err) && opts->output == OUTPUT_HTML) {
		if (show_page(store, &run, opts->output_file, &err) < 0)
			code = cli_fail(opts->output, &err);
	} else if (!tmf_err_isset(&err) && parts_belong_to(&run))
		code = parts_show(opts, store, &run);
	else if (tmf_err_isset(&err) || show_run(store, &run, opts, &err) < 0)
		code = cli_fail(opts->output, &err);
	store_run_fini(&run);
	store_close(store);
	tmf_err_fini(&err);
	return code;
}
