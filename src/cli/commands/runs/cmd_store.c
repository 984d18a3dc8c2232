#include "cli/commands/commands.h"

#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/print.h"
#include "cli/record.h"
#include "cli/run/session.h"

#include <stdlib.h>
#include <string.h>

/*
 * tmflow store check: after a crash of the machine or a bad disk, whether all that the state
 * directory holds can be relied on. Nothing is changed.
 */

struct store_report {
	const struct cli_opts *opts;
	struct store *store;
	json_t *faults;
	json_t *ids; /* of the runs that can go on */
	size_t runs;
};

static void
store_note_fault(void *arg, const char *what)
{
	struct store_report *report = arg;

	json_array_append_new(report->faults, json_string(what));
}

/* The parts of a run over accounts and regions have the checkpoints. */
static int
store_note_part(void *arg, const struct store_run *run)
{
	struct store_report *report = arg;

	report->runs++;
	if (run->status != RUN_SUCCEEDED)
		json_array_append_new(report->ids, json_string(run->id));
	return 0;
}

static int
store_note_run(void *arg, const struct store_run *run)
{
	struct store_report *report = arg;

	store_note_part(report, run);
	return store_runs_each(report->store, &(struct store_run_filter){.parent = run->id},
		   store_note_part, report, NULL) < 0;
}

/* As a resume would, but for turning the loop: what it would write is rolled back. */
static void
store_check_tree(struct store_report *report, const char *id)
{
	struct session session;
	struct tmf_err err = {0};

	session_init(&session, report->opts);
	session.store = report->store;
	session.borrows_store = true;
	if (store_run_find(report->store, id, &session.run, &err) == 0 &&
	    session.run.definition != NULL && session_load_workflow(&session) == EXIT_OK &&
	    session_check(&session, &err) < 0 && err.code != TMF_ERR_NOT_FOUND) {
		tmf_err_prefix(&err, "run %s", id);
		store_note_fault(report, tmf_err_text(&err));
	}
	tmf_err_fini(&err);
	session_fini(&session);
}

/* Trees are made of rows: where these have faults already, nothing is built of them. */
static int
store_check_trees(struct store_report *report, struct tmf_err *err)
{
	json_t *id;
	size_t i;

	if (json_array_size(report->faults) > 0)
		return 0;
	if (store_runs_each(report->store, &(struct store_run_filter){.status = -1}, store_note_run,
		report, err) < 0)
		return -1;
	json_array_foreach (report->ids, i, id)
		store_check_tree(report, json_string_value(id));
	return 0;
}

static int
store_print(const struct store_report *report)
{
	size_t count = json_array_size(report->faults);
	json_t *fault;
	size_t i;

	if (report->opts->output != OUTPUT_TEXT) {
		json_t *document = json_object();

		json_object_set_new(document, "runs", json_integer((json_int_t)report->runs));
		json_object_set(document, "faults", report->faults);
		cli_print_json(document);
		json_decref(document);
		return count == 0 ? EXIT_OK : EXIT_INVALID;
	}
	json_array_foreach (report->faults, i, fault)
		cli_print(stdout, "%s\n", json_string_value(fault));
	cli_print(stdout, "%zu runs, %zu faults\n", report->runs, count);
	return count == 0 ? EXIT_OK : EXIT_INVALID;
}

int
cmd_store(const struct cli_opts *opts)
{
	struct store_report report = {.opts = opts};
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (strcmp(opts->args[0], "check") != 0) {
		tmf_err_set(&err, TMF_ERR_INVALID, "unknown word: %s (`tmflow store check`)",
		    opts->args[0]);
		return cli_fail_take(opts->output, &err);
	}
	report.store = record_find_store(opts, &code);
	if (report.store == NULL)
		return code;
	report.faults = json_array();
	report.ids = json_array();
	if (store_check(report.store, store_note_fault, &report, &err) < 0 ||
	    store_check_trees(&report, &err) < 0)
		code = cli_fail_take(opts->output, &err);
	else
		code = store_print(&report);
	json_decref(report.ids);
	json_decref(report.faults);
	store_close(report.store);
	return code;
}
