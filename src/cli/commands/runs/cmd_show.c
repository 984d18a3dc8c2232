#include "cli/commands/commands.h"

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
#include <stdlib.h>
#include <string.h>

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
		return report_history(store, run, opts->output, err);
	if (opts->output == OUTPUT_JSON)
		return show_json(store, run, kind, rows, err);
	if (opts->output == OUTPUT_TEXT && !rows)
		return report_text(store, run, stdout, err);
	return store_outcomes_each(store, run->id, kind, show_outcome, &stream, err);
}

/* The page of a run, and of all its parts. */
static int
show_page(struct store *store, const struct store_run *run, const char *path, struct tmf_err *err)
{
	FILE *out = path != NULL ? fopen(path, "we") : stdout;
	int ret;

	if (out == NULL)
		return tmf_err_set(
		    err, TMF_ERR_SYSTEM, "failed to write %s: %s", path, strerror(errno));
	ret = report_page_write(store, run, out, err);
	if ((path != NULL ? fclose(out) : fflush(out)) != 0 && ret == 0)
		ret = tmf_err_set(err, TMF_ERR_SYSTEM, "failed to write %s: %s",
		    path != NULL ? path : "the page", strerror(errno));
	return ret;
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
	struct store *store = record_open_store(opts, &code);

	if (store == NULL)
		return code;
	if (store_run_find(store, opts->args[0], &run, &err) == 0 && opts->output == OUTPUT_HTML) {
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
