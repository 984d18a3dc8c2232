#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/commands/fleet/cmd_doctor_places.h"
#include "cli/places/places.h"
#include "cli/run/definition.h"
#include "cli/run/permissions.h"
#include "cli/workspace/workspace.h"
#include "fleet/doctor/doctor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What is wrong with files, keys and the state directory is a check as well, and not a fault of the
 * command: the answer names everything at once.
 */
struct examination {
	struct cli_opts opts; /* faults are said as text: standard output has one document */
	enum cli_output output;
	struct workspace workspace;
	struct store *store;
	struct asl_machine *machine; /* NULL: no workflow is given */
	char *fault;		     /* the last one that was reported */
	json_t *checks;
};

static void
examination_note_fault(void *arg, const char *error, const char *cause)
{
	struct examination *examination = arg;

	free(examination->fault);
	examination->fault = mem_printf("%s: %s", error, cause);
}

/* Adds the check of a step that said why it failed, unless code is EXIT_OK. Returns whether it
 * is. */
static bool
examination_step(struct examination *examination, int code, const char *name, const char *seen,
    const char *remedy)
{
	bool good = code == EXIT_OK;

	if (good)
		doctor_check_add(examination->checks, name, DOCTOR_PASS, seen, NULL);
	else
		doctor_check_add(examination->checks, name, DOCTOR_FAIL,
		    examination->fault != NULL ? examination->fault : "failed", remedy);
	return good;
}

/* The directory is only looked at: opening the store would make it. */
static void
examination_check_state(struct examination *examination)
{
	struct tmf_err err = {0};
	char *dir = store_default_dir(examination->opts.state_dir, &err);
	const char *seen = dir != NULL ? dir : tmf_err_text(&err);
	bool there = dir != NULL && access(dir, F_OK) == 0;
	bool usable = there && access(dir, R_OK | W_OK | X_OK) == 0;

	if (usable || (dir != NULL && !there))
		doctor_check_add(examination->checks, "state-directory", DOCTOR_PASS, seen, NULL);
	else
		doctor_check_add(examination->checks, "state-directory", DOCTOR_FAIL, seen,
		    "give a directory that can be written to: --state-dir or TMFLOW_STATE_DIR");
	tmf_err_fini(&err);
	free(dir);
}

/* A configuration is looked at where there is one; --config must be there. */
static bool
examination_has_config(struct examination *examination)
{
	char *path = workspace_config_path(&examination->workspace);
	bool has = workspace_has_config(&examination->workspace);

	if (!has)
		doctor_check_add(examination->checks, "configuration", DOCTOR_WARN,
		    path != NULL ? path : "no region",
		    "give --config: without one, targets, filters and networks are not looked at");
	free(path);
	return has;
}

/* The accounts are those of a dry run, over a store that vanishes. */
static bool
examination_open_mirror(struct examination *examination)
{
	struct workspace *workspace = &examination->workspace;
	struct tmf_err err = {0};

	examination->store = store_open(NULL, clock_system(), &err);
	if (examination->store == NULL)
		return examination_step(examination, cli_fail_take(OUTPUT_TEXT, &err),
		    "temporary-store", "", "make TMPDIR a directory that can be written to");
	workspace_open_accounts(workspace,
	    &(struct accounts_opts){.store = examination->store, .owner = "", .dry_run = true});
	return workspace_open_mirror(
		   workspace, &(struct mirror_opts){.run_id = "", .workflow = "doctor"}) == EXIT_OK;
}

/* Files first, since a fault in them needs no network. Returns whether AWS can be asked. */
static bool
examination_open(struct examination *examination)
{
	struct workspace *workspace = &examination->workspace;
	int code = workspace_load_settings(workspace, NULL);
	bool has_config;

	if (!examination_step(examination, code, "settings", workspace->settings.region,
		"tmflow config shows each setting and where it comes from"))
		return false;
	has_config = examination_has_config(examination);
	if (has_config) {
		code = workspace_read_files(workspace);
		has_config = examination_step(examination, code, "configuration",
		    workspace->config_name, "tmflow validate shows each fault with its place");
	}
	if (has_config)
		doctor_check_add(examination->checks, "hook", DOCTOR_PASS,
		    workspace->hook_name != NULL ? workspace->hook_name : "none", NULL);
	if (!examination_step(examination, workspace_connect(workspace), "credentials", "found",
		"tmflow config shows where keys are looked for"))
		return false;
	return !has_config || examination_open_mirror(examination);
}

static int
examination_ask(struct examination *examination)
{
	struct workspace *workspace = &examination->workspace;
	struct tmf_err err = {0};
	struct aws_client *sts = workspace_client(workspace, "sts", NULL, &err);
	struct aws_client *events =
	    sts != NULL ? workspace_client(workspace, "events", NULL, &err) : NULL;
	json_t *permissions =
	    permissions_needed(workspace->registry, examination->machine, workspace->config);
	struct doctor *doctor = NULL;
	json_t *result = NULL;

	if (events != NULL) {
		doctor = doctor_new(&(struct doctor_opts){
		    .loop = workspace->loop,
		    .ec2 = workspace->own.ec2,
		    .elb = workspace->own.elb,
		    .sts = sts,
		    .events = events,
		    .mirror = workspace->mirror,
		    .iam_actions = permissions,
		});
		result = workspace_wait(workspace, doctor_start(doctor), &err);
	}
	json_array_extend(examination->checks, json_object_get(result, "checks"));
	json_decref(result);
	doctor_free(doctor);
	json_decref(permissions);
	aws_client_free(events);
	aws_client_free(sts);
	return tmf_err_isset(&err) ? cli_fail_take(examination->output, &err) : EXIT_OK;
}

/* --- the answer --- */

/* What passes takes a line, and many permissions one together. */
static void
examination_print(const struct examination *examination)
{
	size_t counts[3] = {0};
	json_t *check;
	size_t i;

	json_array_foreach (examination->checks, i, check) {
		const char *status = jsonx_get_string(check, "status");
		const char *remedy = jsonx_get_string(check, "remedy");
		int kind = strcmp(status, "pass") == 0 ? 0 : strcmp(status, "warn") == 0 ? 1 : 2;

		counts[kind]++;
		cli_print(stdout, "%-4s  %s: %s\n", status, jsonx_get_string(check, "name"),
		    jsonx_get_string(check, "seen"));
		if (kind > 0)
			cli_print(stdout, "      remedy: %s\n", remedy);
	}
	cli_print(stdout, "%zu pass, %zu warn, %zu fail\n", counts[0], counts[1], counts[2]);
}

static int
examination_answer(const struct examination *examination)
{
	json_t *check;
	size_t i;

	if (examination->output == OUTPUT_TEXT && places_are_several(&examination->opts)) {
		doctor_places_print(examination->checks);
	} else if (examination->output == OUTPUT_TEXT) {
		examination_print(examination);
	} else if (examination->output == OUTPUT_JSONL) {
		json_array_foreach (examination->checks, i, check)
			cli_print_json_line(json_incref(check));
	} else {
		json_t *document = json_pack("{s:O}", "checks", examination->checks);

		cli_print_json(document);
		json_decref(document);
	}
	return doctor_has_failed(examination->checks) ? EXIT_RUN_FAILED : EXIT_OK;
}

int
cmd_doctor(const struct cli_opts *opts)
{
	struct examination examination = {
	    .opts = *opts, .output = opts->output, .checks = json_array()};
	int code = EXIT_OK;

	examination.opts.output = OUTPUT_TEXT;
	workspace_init(&examination.workspace, &examination.opts);
	if (opts->arg_count > 0) {
		examination.machine = definition_read(
		    opts->args[0], examination.workspace.registry, opts->output, NULL);
		code = examination.machine != NULL ? EXIT_OK : EXIT_INVALID;
	}
	if (code == EXIT_OK && places_are_several(opts)) {
		examination_check_state(&examination);
		code = doctor_places(&examination.opts, opts->output,
		    examination.workspace.registry, examination.machine, examination.checks);
	} else if (code == EXIT_OK) {
		cli_on_fault(examination_note_fault, &examination);
		examination_check_state(&examination);
		if (examination_open(&examination))
			code = examination_ask(&examination);
		cli_on_fault(NULL, NULL);
	}
	if (code == EXIT_OK)
		code = examination_answer(&examination);
	asl_machine_unref(examination.machine);
	workspace_fini(&examination.workspace);
	store_close(examination.store);
	json_decref(examination.checks);
	free(examination.fault);
	return code;
}
