#include "cli/cli.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/run/trial.h"
#include "cli/run/workspace.h"
#include "engine/op.h"

#include <stdlib.h>
#include <string.h>

#define RUN_ID "test-state" /* of the temporary store, where outcomes go that nobody reads */

static const char *const levels[] = {"INFO", "DEBUG", "TRACE", NULL};

struct test {
	const struct cli_opts *opts;
	struct workspace workspace;
	struct asl_machine *machine;
	struct store *store; /* for an action that records something */
	json_t *scripts;
	json_t *input;
	json_t *variables;
	json_t *mock; /* NULL: the action itself is asked */
	struct trial trial;
};

/* --- what is given --- */

/* A file, or the JSON itself where it begins so. New reference, or NULL. */
static json_t *
read_value(const char *text, struct tmf_err *err)
{
	struct doc *doc;
	json_t *value;

	if (text[0] == '{' || text[0] == '[')
		return jsonx_parse(str_of(text), err);
	doc = doc_read(text, err);
	if (doc == NULL)
		return NULL;
	value = json_incref(doc_root(doc));
	doc_free(doc);
	return value;
}

static int
check_mock(const json_t *mock, struct tmf_err *err)
{
	const json_t *error = json_object_get(mock, "errorOutput");
	bool has_result = json_object_get(mock, "result") != NULL;

	if (!json_is_object(mock) || has_result == (error != NULL))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--mock takes {\"result\": ...} or {\"errorOutput\": {\"error\": ..., "
		    "\"cause\": ...}}");
	if (error != NULL && jsonx_get_string(error, "error") == NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--mock: errorOutput has no string \"error\"");
	return 0;
}

static int
read_given(struct test *test, struct tmf_err *err)
{
	const struct cli_opts *opts = test->opts;
	const char *level = opts->inspection_level;

	if (level != NULL && strcmp(level, levels[0]) != 0 && strcmp(level, levels[1]) != 0 &&
	    strcmp(level, levels[2]) != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--inspection-level takes INFO, DEBUG or TRACE, not \"%s\"", level);
	test->input = opts->input != NULL ? read_value(opts->input, err) : json_object();
	if (test->input == NULL)
		return tmf_err_prefix(err, "--input");
	if (opts->variables != NULL && (test->variables = read_value(opts->variables, err)) == NULL)
		return tmf_err_prefix(err, "--variables");
	if (test->variables != NULL && !json_is_object(test->variables))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--variables takes an object with a member for each variable");
	if (opts->mock == NULL)
		return 0;
	test->mock = read_value(opts->mock, err);
	if (test->mock == NULL)
		return tmf_err_prefix(err, "--mock");
	return check_mock(test->mock, err);
}

static int
find_state(struct test *test, struct tmf_err *err)
{
	const char *name = test->opts->args[1];
	size_t count = asl_machine_state_count(test->machine);
	const char **names;
	const char *near;

	test->trial.state = asl_machine_find(test->machine, name);
	if (test->trial.state != NULL)
		return 0;
	names = mem_zalloc(count + 1, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = asl_machine_state(test->machine, (unsigned)i)->name;
	near = str_nearest(str_of(name), names);
	if (near != NULL)
		tmf_err_set(err, TMF_ERR_INVALID,
		    "the workflow has no state \"%s\" (did you mean \"%s\"?)", name, near);
	else
		tmf_err_set(err, TMF_ERR_INVALID,
		    "the workflow has no state \"%s\" (tmflow graph shows those it has)", name);
	free(names);
	return -1;
}

/* --- what a Task's action does --- */

/* As AWS's own --mock has it, a text that is JSON is read as such. */
static json_t *
mocked_result(const json_t *mock)
{
	json_t *result = json_object_get(mock, "result");
	const char *text = json_string_value(result);
	json_t *parsed = text != NULL ? jsonx_parse(str_of(text), NULL) : NULL;

	return parsed != NULL ? parsed : json_incref(result);
}

static void
action_over(void *arg, struct tmf_op *op)
{
	struct test *test = arg;

	test->trial.result = op->result;
	op->result = NULL;
	if (test->trial.result == NULL)
		tmf_err_move(&test->trial.err, &op->err);
	tmf_loop_stop(test->workspace.loop);
}

static const struct tmf_action *
action_of(const struct test *test)
{
	const struct asl_state *state = test->trial.state;

	if (state->type != ASL_TASK || state->u.task.action == NULL)
		return NULL;
	return tmf_registry_find(test->workspace.registry, state->u.task.action);
}

/* The action is tried for real; what it records goes to a store that vanishes. */
static int
open_world(struct test *test, const struct tmf_action *action)
{
	struct workspace *workspace = &test->workspace;
	struct store_run run = {.id = RUN_ID};
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (action->needs_aws) {
		code = workspace_load_settings(workspace, NULL);
		if (code == EXIT_OK)
			code = workspace_read_files(workspace);
		if (code == EXIT_OK)
			code = workspace_connect(workspace);
	}
	if (code != EXIT_OK)
		return code;
	test->store = store_open(NULL, clock_system(), &err);
	if (test->store == NULL || store_run_create(test->store, &run, &err) < 0)
		return cli_fail_take(test->opts->output, &err);
	workspace_open_accounts(
	    workspace, &(struct accounts_opts){.store = test->store, .owner = RUN_ID});
	return workspace_open_mirror(workspace, &(struct mirror_opts){
						    .run_id = RUN_ID,
						    .workflow = test->opts->args[0],
						    .scripts = test->scripts,
						});
}

static int
run_action(struct test *test)
{
	const struct tmf_action *action = action_of(test);
	struct tmf_err err = {0};
	int code;

	if (action == NULL) {
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "a %s state needs --mock '{\"result\": ...}'%s: it is not carried out here",
		    asl_state_type_name(test->trial.state->type),
		    test->trial.state->type == ASL_TASK ? " when its resource is AWS's" : "");
		return cli_fail_take(test->opts->output, &err);
	}
	code = open_world(test, action);
	if (code != EXIT_OK)
		return code;
	op_start(action, tmf_registry_env(test->workspace.registry), test->workspace.loop,
	    test->trial.effective, action_over, test);
	if (tmf_loop_run(test->workspace.loop, &err) < 0)
		return cli_fail_take(test->opts->output, &err);
	return EXIT_OK;
}

/* From made-up or real. */
static int
find_result(struct test *test)
{
	const json_t *error = json_object_get(test->mock, "errorOutput");
	struct trial *trial = &test->trial;

	if (!trial_needs_result(trial->state))
		return EXIT_OK;
	if (test->mock == NULL)
		return run_action(test);
	if (error == NULL)
		trial->result = mocked_result(test->mock);
	else
		tmf_err_set_name(&trial->err, TMF_ERR_SERVICE, jsonx_get_string(error, "error"),
		    "%s",
		    jsonx_get_string(error, "cause") != NULL ? jsonx_get_string(error, "cause")
							     : "");
	return EXIT_OK;
}

/* --- the answer --- */

static void
put_text(json_t *document, const char *key, const json_t *value)
{
	char *text;

	if (value == NULL)
		return;
	text = jsonx_text(value);
	jsonx_put_string(document, key, text);
	free(text);
}

static bool
inspects(const struct test *test)
{
	const char *level = test->opts->inspection_level;

	return level != NULL && strcmp(level, levels[0]) != 0;
}

static json_t *
answer(const struct test *test)
{
	const struct trial *trial = &test->trial;
	json_t *document = json_object();

	put_text(document, "output", trial->output);
	if (trial->status != TRIAL_SUCCEEDED) {
		jsonx_put_string(
		    document, "error", trial->err.name[0] != '\0' ? trial->err.name : NULL);
		jsonx_put_string(document, "cause", trial->err.text);
	}
	if (inspects(test)) {
		put_text(trial->inspection, "variables", trial->after);
		json_object_set(document, "inspectionData", trial->inspection);
	}
	if (trial->next != NULL)
		jsonx_put_string(document, "nextState", trial->next->name);
	jsonx_put_string(document, "status", trial_status_name(trial->status));
	return document;
}

static void
print_line(const char *key, const json_t *value)
{
	cli_print(stdout, "  %-20s ", key);
	if (json_is_string(value))
		cli_print(stdout, "%s", json_string_value(value));
	else
		cli_put_json(stdout, value);
	putchar('\n');
}

static void
print_text(const struct test *test, json_t *document)
{
	json_t *inspection = json_object_get(document, "inspectionData");
	const char *key;
	json_t *value;

	cli_print(
	    stdout, "%s: %s\n", test->trial.state->name, jsonx_get_string(document, "status"));
	json_object_foreach (inspection, key, value)
		print_line(key, value);
	json_object_foreach (document, key, value)
		if (value != inspection && strcmp(key, "status") != 0)
			print_line(key, value);
}

static int
tell(struct test *test)
{
	json_t *document = answer(test);

	if (test->opts->output == OUTPUT_TEXT)
		print_text(test, document);
	else
		cli_print_json(document);
	json_decref(document);
	return test->trial.status == TRIAL_SUCCEEDED || test->trial.status == TRIAL_CAUGHT_ERROR
		   ? EXIT_OK
		   : EXIT_RUN_FAILED;
}

static int
try_state(struct test *test)
{
	struct trial *trial = &test->trial;
	int code;

	trial->input = test->input;
	trial->variables = test->variables;
	trial->rng = &test->workspace.rng;
	trial->now_wall_ms = clock_system()->wall_ms(clock_system());
	if (trial_begin(trial) == 0) {
		code = find_result(test);
		if (code != EXIT_OK)
			return code;
	}
	trial_end(trial);
	return tell(test);
}

/* Exit codes: 0 it succeeded, or a Catch took the error; 1 it failed, also where a Retry would try again; 2 the question was wrong. */
int
cmd_test_state(const struct cli_opts *opts)
{
	struct test test = {.opts = opts};
	struct tmf_err err = {0};
	int code = EXIT_INVALID;

	workspace_init(&test.workspace, opts);
	if (read_given(&test, &err) == 0)
		test.machine = cli_read_workflow(
		    opts->args[0], test.workspace.registry, opts->output, &test.scripts);
	if (test.machine != NULL && find_state(&test, &err) == 0)
		code = try_state(&test);
	else if (tmf_err_isset(&err))
		code = cli_fail_take(opts->output, &err);
	trial_fini(&test.trial);
	json_decref(test.scripts);
	json_decref(test.input);
	json_decref(test.variables);
	json_decref(test.mock);
	asl_machine_unref(test.machine);
	workspace_fini(&test.workspace);
	store_close(test.store);
	return code;
}
