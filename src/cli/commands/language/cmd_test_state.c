#include "cli/commands/commands.h"

#include "asl/state/step.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/run/definition.h"
#include "cli/workspace/workspace.h"
#include "engine/op.h"

#include <stdlib.h>
#include <string.h>

#define RUN_ID	      "test-state" /* of the temporary store, whose outcomes nobody reads */
#define NAME_OF_ALL   "test-state" /* of the execution and of the machine in $$ */
#define ENTERED_EVENT 0		   /* the event id in causes: no history is kept */

static const char *const levels[] = {"INFO", "DEBUG", "TRACE", NULL};

enum test_status {
	TEST_SUCCEEDED,
	TEST_FAILED,
	TEST_RETRIABLE,	   /* it failed, and a Retry would try again */
	TEST_CAUGHT_ERROR, /* it failed, and a Catch takes over */
	TEST_STATUS_COUNT,
};

static const char *const status_names[TEST_STATUS_COUNT] = {
    [TEST_SUCCEEDED] = "SUCCEEDED",
    [TEST_FAILED] = "FAILED",
    [TEST_RETRIABLE] = "RETRIABLE",
    [TEST_CAUGHT_ERROR] = "CAUGHT_ERROR",
};

/*
 * One state, tried by itself with the functions that the engine uses (asl/state/step.h), and each
 * stage of its data flow noted.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TestState.html
 */
struct test {
	const struct cli_opts *opts;
	struct workspace workspace;
	struct asl_machine *machine;
	struct store *store; /* for an action that records something */
	json_t *scripts;
	json_t *input;
	json_t *variables;
	json_t *mock;	       /* NULL: the action itself is asked */
	json_t *configuration; /* --state-configuration; NULL: {} */
	char *name;	       /* of the state */

	struct step step;
	struct asl_trace trace;
	json_t *context;    /* the $$ object */
	json_t *inspection; /* inspectionData: {"input", "afterInputPath", ...}, as JSON texts */
	json_t *result;	    /* of the action, or of --mock */
	struct tmf_err err; /* why it failed */
	enum test_status status;
	struct step_exit exit; /* SUCCEEDED, CAUGHT_ERROR */
};

/* --- the arguments --- */

/*
 * The form is that of the mock of TestState, so that a file works for both. Exactly one of the two
 * members is there: an action cannot succeed and fail at once.
 */
static int
test_check_mock(const json_t *mock, struct tmf_err *err)
{
	const json_t *error = json_object_get(mock, "errorOutput");
	bool has_result = json_object_get(mock, "result") != NULL;

	const char *mode = jsonx_get_string(mock, "fieldValidationMode");

	if (mode != NULL && strcmp(mode, "STRICT") != 0 && strcmp(mode, "PRESENT") != 0 &&
	    strcmp(mode, "NONE") != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--mock: fieldValidationMode takes STRICT, PRESENT or NONE, not \"%s\"", mode);
	if (!json_is_object(mock) || has_result == (error != NULL))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--mock takes {\"result\": ...} or {\"errorOutput\": {\"error\": ..., "
		    "\"cause\": ...}}");
	if (error != NULL && jsonx_get_string(error, "error") == NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--mock: errorOutput has no string \"error\"");
	return 0;
}

/* As AWS's API has them. A count is a whole number from 0. */
static int
test_check_configuration(const struct test *test, struct tmf_err *err)
{
	static const char *const known[] = {"retrierRetryCount", "errorCausedByState",
	    "mapIterationFailureCount", "mapItemReaderData", NULL};
	const char *key;
	json_t *value;

	if (!json_is_object(test->configuration))
		return tmf_err_set(err, TMF_ERR_INVALID, "--state-configuration takes an object");
	json_object_foreach (test->configuration, key, value) {
		const char *const *name = known;
		size_t key_len = strlen(key);

		while (*name != NULL && strcmp(*name, key) != 0)
			name++;
		if (*name == NULL)
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "--state-configuration: unknown field \"%s\"", key);
		if (strcmp(key, "mapItemReaderData") == 0)
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "--state-configuration: mapItemReaderData: an ItemReader does not run "
			    "here");
		if (strcmp(key + key_len - 5, "Count") == 0 &&
		    (!json_is_integer(value) || json_integer_value(value) < 0))
			return tmf_err_set(err, TMF_ERR_INVALID,
			    "--state-configuration: %s takes a number from 0", key);
		if (test->mock == NULL)
			return tmf_err_set(
			    err, TMF_ERR_INVALID, "--state-configuration: %s needs --mock", key);
	}
	return 0;
}

static int
test_read_mock(struct test *test, struct tmf_err *err)
{
	const struct cli_opts *opts = test->opts;

	if (opts->mock != NULL) {
		test->mock = cli_read_value(opts->mock, err);
		if (test->mock == NULL)
			return tmf_err_prefix(err, "--mock");
		if (test_check_mock(test->mock, err) < 0)
			return -1;
	}
	if (opts->context != NULL) {
		test->context = cli_read_value(opts->context, err);
		if (test->context == NULL)
			return tmf_err_prefix(err, "--context");
		if (!json_is_object(test->context))
			return tmf_err_set(
			    err, TMF_ERR_INVALID, "--context takes an object, the one of $$");
	}
	if (opts->state_configuration == NULL)
		return 0;
	test->configuration = cli_read_value(opts->state_configuration, err);
	if (test->configuration == NULL)
		return tmf_err_prefix(err, "--state-configuration");
	return test_check_configuration(test, err);
}

/* Without --input the state gets {}, as an execution that is started without one. */
static int
test_read_given(struct test *test, struct tmf_err *err)
{
	const struct cli_opts *opts = test->opts;
	const char *level = opts->inspection_level;

	if (level != NULL && strcmp(level, levels[0]) != 0 && strcmp(level, levels[1]) != 0 &&
	    strcmp(level, levels[2]) != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--inspection-level takes INFO, DEBUG or TRACE, not \"%s\"", level);
	test->input = opts->input != NULL ? cli_read_value(opts->input, err) : json_object();
	if (test->input == NULL)
		return tmf_err_prefix(err, "--input");
	if (opts->variables != NULL &&
	    (test->variables = cli_read_value(opts->variables, err)) == NULL)
		return tmf_err_prefix(err, "--variables");
	if (test->variables != NULL && !json_is_object(test->variables))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--variables takes an object with a member for each variable");
	return test_read_mock(test, err);
}

/* Nothing follows from where an error began; but a wrong name is a fault of the question. */
static int
test_check_cause(const struct test *test, struct tmf_err *err)
{
	const json_t *cause = json_object_get(test->configuration, "errorCausedByState");
	const char *name = json_string_value(cause);

	if (cause == NULL || (name != NULL && asl_machine_find(test->machine, name) != NULL))
		return 0;
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "--state-configuration: errorCausedByState is not a state of the workflow");
}

/*
 * The name alone finds a state, also within a Map or Parallel, since names are unique in the whole
 * workflow.
 */
static int
test_find_state(struct test *test, struct tmf_err *err)
{
	const char *name = test->name;
	size_t count = asl_machine_state_count(test->machine);
	const char **names;
	const char *near;

	test->step.state = asl_machine_find(test->machine, name);
	if (test->step.state != NULL)
		return test_check_cause(test, err);
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

/* A count of --state-configuration; 0 where it is not given. */
static json_int_t
test_count(const struct test *test, const char *name)
{
	return json_integer_value(json_object_get(test->configuration, name));
}

/* --- what the state sees --- */

/*
 * Made at the first use, because most states do not look at $$. RetryCount is there for a Task
 * only, and 0: nothing was tried before.
 */
static json_t *
test_context(void *arg)
{
	struct test *test = arg;
	const struct asl_state *state = test->step.state;
	char time[CLOCK_ISO_BYTES];

	if (test->context != NULL)
		return test->context;
	clock_iso(test->step.now_wall_ms, time);
	/* As if the input were the first item of a Map. */
	test->context = json_pack(
	    "{s:{s:s, s:O, s:s, s:s}, s:{s:s, s:s}, s:{s:s, s:s}, s:{s:{s:i, s:O}}}", "Execution",
	    "Id", NAME_OF_ALL, "Input", test->input, "Name", NAME_OF_ALL, "StartTime", time,
	    "StateMachine", "Id", NAME_OF_ALL, "Name", NAME_OF_ALL, "State", "Name", state->name,
	    "EnteredTime", time, "Map", "Item", "Index", 0, "Value", test->input);
	if (state->type == ASL_TASK)
		json_object_set_new(json_object_get(test->context, "State"), "RetryCount",
		    json_integer(test_count(test, "retrierRetryCount")));
	return test->context;
}

/* A stage's value, as AWS has it: JSON as text. */
static void
test_put_text(json_t *object, const char *key, const json_t *value)
{
	char *text = value != NULL ? jsonx_text(value) : NULL;

	jsonx_put_string(object, key, text);
	free(text);
}

static void
test_note_stage(void *arg, const char *name, const json_t *value)
{
	test_put_text(((struct test *)arg)->inspection, name, value);
}

/* What each iteration of a Map would be given. The context object has the item for that long. */
static int
test_note_items(struct test *test, const struct step_work *work)
{
	json_t *map = json_object_get(test_context(test), "Map");
	json_t *before = json_incref(json_object_get(map, "Item"));
	json_t *inputs = json_array();
	json_t *item;
	size_t i;
	int ret = 0;

	json_array_foreach (work->items, i, item) {
		json_t *input = NULL;

		json_object_set_new(
		    map, "Item", json_pack("{s:I, s:O}", "Index", (json_int_t)i, "Value", item));
		ret = step_item(&test->step, work->input, item, &input, &test->err);
		if (ret < 0)
			break;
		json_array_append_new(inputs, input);
	}
	json_object_set_new(map, "Item", before);
	if (ret == 0)
		test_note_stage(test, "afterItemSelector", inputs);
	json_decref(inputs);
	return ret;
}

/* A negative number says that the state has no such field, and the member is left out. */
static int
test_note_map(struct test *test, const struct step_work *work)
{
	json_t *inspection = test->inspection;

	/* The items of a reader are known only when it reads. */
	if (test->step.state->parameters != NULL && work->items != NULL &&
	    test_note_items(test, work) < 0)
		return -1;
	if (work->concurrency >= 0)
		json_object_set_new(inspection, "maxConcurrency", json_integer(work->concurrency));
	if (work->tolerated.count >= 0)
		json_object_set_new(
		    inspection, "toleratedFailureCount", json_integer(work->tolerated.count));
	if (work->tolerated.percentage >= 0)
		json_object_set_new(inspection, "toleratedFailurePercentage",
		    json_real(work->tolerated.percentage));
	return 0;
}

/* Whether the iterations that are said to have failed are too many. */
static int
test_tolerate(struct test *test, const struct step_work *work)
{
	json_int_t failed = test_count(test, "mapIterationFailureCount");

	if (failed > work->child_count)
		return tmf_err_set(&test->err, TMF_ERR_INVALID,
		    "mapIterationFailureCount is more than the Map has items: %lld",
		    (long long)work->child_count);
	if (step_tolerates(&work->tolerated, failed, work->child_count))
		return 0;
	return step_tolerance_error(&test->err);
}

/* --- what a Task's action does --- */

/* The loop runs for this one action only, so that its end stops the loop. */
static void
test_action_over(void *arg, struct tmf_op *op)
{
	struct test *test = arg;

	test->result = op_take_result(op);
	if (test->result == NULL)
		tmf_err_move(&test->err, &op->err);
	tmf_loop_stop(test->workspace.loop);
	op_free(op);
}

/*
 * What the action records goes to a store that vanishes. What it reads of AWS is real; what it
 * changes is changed only with --execute, and else in the copy that a dry run makes of what it has
 * read: EnsureTarget answers with the target that it would create.
 */
static int
test_open_world(struct test *test, const struct tmf_action *action)
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
	workspace_open_accounts(workspace, &(struct accounts_opts){
					       .store = test->store,
					       .owner = RUN_ID,
					       .dry_run = !test->opts->execute,
					   });
	return workspace_open_mirror(workspace, &(struct mirror_opts){
						    .run_id = RUN_ID,
						    .workflow = test->opts->args[0],
						    .scripts = test->scripts,
						});
}

/*
 * Map, Parallel and the resources of AWS need a mock: one state is tried here, and not what it
 * would start.
 */
static int
test_run_action(struct test *test, json_t *input)
{
	const struct asl_state *state = test->step.state;
	const struct tmf_action *action = NULL;
	struct tmf_err err = {0};
	int code;

	if (state->type == ASL_TASK && state->u.task.action != NULL)
		action = tmf_registry_find(test->workspace.registry, state->u.task.action);
	if (action == NULL) {
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "a %s state needs --mock '{\"result\": ...}'%s: it is not carried out here",
		    asl_state_type_name(state->type),
		    state->type == ASL_TASK ? " when its resource is AWS's" : "");
		return cli_fail_take(test->opts->output, &err);
	}
	code = test_open_world(test, action);
	if (code != EXIT_OK)
		return code;
	op_start(action, tmf_registry_env(test->workspace.registry), test->workspace.loop, input,
	    test_action_over, test);
	if (tmf_loop_run(test->workspace.loop, &err) < 0)
		return cli_fail_take(test->opts->output, &err);
	return EXIT_OK;
}

/* Sets the result or the error of a Task, Map or Parallel, from --mock or from the action. */
static int
test_find_result(struct test *test, json_t *input)
{
	const json_t *error = json_object_get(test->mock, "errorOutput");
	json_t *result = json_object_get(test->mock, "result");
	const char *cause = jsonx_get_string(error, "cause");

	if (test->mock == NULL)
		return test_run_action(test, input);
	if (error != NULL) {
		tmf_err_set_name(&test->err, TMF_ERR_SERVICE, jsonx_get_string(error, "error"),
		    "%s", cause != NULL ? cause : "");
		return EXIT_OK;
	}
	/* As with AWS's own --mock, a text that is JSON is read as such. */
	if (json_is_string(result))
		test->result = jsonx_parse(str_of(json_string_value(result)), NULL);
	if (test->result == NULL)
		test->result = json_incref(result);
	return EXIT_OK;
}

/* --- the state --- */

/* Asks what follows from test->err. */
static void
test_fail(struct test *test)
{
	const struct asl_state *state = test->step.state;
	uint32_t *retries = mem_zalloc(state->retry_count + 1, sizeof(*retries));
	json_int_t tried = test_count(test, "retrierRetryCount");
	struct step_failure failure;
	json_t *details = NULL;

	for (size_t i = 0; i < state->retry_count; i++)
		retries[i] = tried < UINT32_MAX ? (uint32_t)tried : UINT32_MAX;

	switch (step_fail(&test->step, retries, &test->err, &failure)) {
	case STEP_RETRY:
		test->status = TEST_RETRIABLE;
		details = json_pack("{s:i, s:I}", "retryIndex", failure.which,
		    "retryBackoffIntervalSeconds", (json_int_t)failure.interval_s);
		break;
	case STEP_CAUGHT:
		test->status = TEST_CAUGHT_ERROR;
		details = json_pack("{s:i}", "catchIndex", failure.which);
		break;
	case STEP_UNCAUGHT:
		test->status = TEST_FAILED;
		if (failure.which >= 0)
			details = json_pack("{s:i}", "catchIndex", failure.which);
		break;
	}
	test->exit = failure.exit;
	if (details != NULL)
		json_object_set_new(test->inspection, "errorDetails", details);
	free(retries);
}

/* From the state's entering to its end. Returns an exit code when it could not be tried. */
static int
test_walk(struct test *test)
{
	struct step_work work = {0};
	json_t *result = NULL; /* borrowed */
	int code = EXIT_OK;

	switch (step_enter(&test->step, &work, &test->err)) {
	case STEP_DONE:
	case STEP_WAIT: /* as if its time had come */
		result = work.input;
		break;
	case STEP_CHILDREN:
		if (work.items != NULL &&
		    (test_note_map(test, &work) < 0 || test_tolerate(test, &work) < 0))
			break;
		code = test_find_result(test, work.input);
		result = test->result;
		break;
	case STEP_TASK:
		code = test_find_result(test, work.input);
		result = test->result;
		break;
	case STEP_FAILED:
		break;
	}
	if (code == EXIT_OK &&
	    (tmf_err_isset(&test->err) ||
		step_leave(&test->step, work.rule, result, &test->exit, &test->err) < 0))
		test_fail(test);
	step_work_fini(&work);
	return code;
}

/* --- the answer --- */

/*
 * The members are those of the response of TestState. INFO, the default, leaves inspectionData out.
 */
static json_t *
test_answer(const struct test *test)
{
	const char *level = test->opts->inspection_level;
	json_t *document = json_object();

	test_put_text(document, "output", test->exit.output);
	if (test->status != TEST_SUCCEEDED) {
		jsonx_put_string(
		    document, "error", test->err.name[0] != '\0' ? test->err.name : NULL);
		jsonx_put_string(document, "cause", test->err.text);
	}
	if (level != NULL && strcmp(level, levels[0]) != 0) {
		test_put_text(test->inspection, "variables", test->exit.variables);
		json_object_set(document, "inspectionData", test->inspection);
	}
	if (test->exit.next != NULL)
		jsonx_put_string(document, "nextState", test->exit.next->name);
	jsonx_put_string(document, "status", status_names[test->status]);
	return document;
}

/* A string is printed without quotes: the stages are JSON texts already. */
static void
test_print_line(const char *key, const json_t *value)
{
	cli_print(stdout, "  %-20s ", key);
	if (json_is_string(value))
		cli_print(stdout, "%s", json_string_value(value));
	else
		cli_put_json(stdout, value);
	putchar('\n');
}

/*
 * The stages come in the order of the data flow, and the result last, so that the eye ends at it.
 */
static void
test_print_text(const struct test *test, json_t *document)
{
	json_t *inspection = json_object_get(document, "inspectionData");
	const char *key;
	json_t *value;

	cli_print(stdout, "%s: %s\n", test->step.state->name, jsonx_get_string(document, "status"));
	json_object_foreach (inspection, key, value)
		test_print_line(key, value);
	json_object_foreach (document, key, value)
		if (value != inspection && strcmp(key, "status") != 0)
			test_print_line(key, value);
}

static int
test_try_state(struct test *test)
{
	json_t *document;
	int code;

	test->trace = (struct asl_trace){.stage = test_note_stage, .arg = test};
	test->step.scope = (struct asl_scope){
	    .input = test->input,
	    .variables = test->variables,
	    .context = test_context,
	    .context_arg = test,
	    .rng = &test->workspace.rng,
	};
	test->step.now_wall_ms = clock_system()->wall_ms(clock_system());
	test->step.scope.now_wall_ms = test->step.now_wall_ms;
	test->step.entered_event = ENTERED_EVENT;
	test->step.trace = &test->trace;
	test->inspection = json_object();
	test_note_stage(test, "input", test->input);
	test_note_stage(test, "variables", test->variables);
	code = test_walk(test);
	if (code != EXIT_OK)
		return code;
	document = test_answer(test);
	if (test->opts->output == OUTPUT_TEXT)
		test_print_text(test, document);
	else
		cli_print_json(document);
	json_decref(document);
	return test->status == TEST_SUCCEEDED || test->status == TEST_CAUGHT_ERROR
		   ? EXIT_OK
		   : EXIT_RUN_FAILED;
}

/* Exit codes: 0 it succeeded, or a Catch took the error; 1 it failed, also where a Retry would
 * try again; 2 the question was wrong. */
int
cmd_test_state(const struct cli_opts *opts)
{
	struct test test = {.opts = opts};
	struct tmf_err err = {0};
	int code = EXIT_INVALID;

	workspace_init(&test.workspace, opts);
	if (test_read_given(&test, &err) == 0)
		test.machine =
		    definition_read_state(opts, test.workspace.registry, &test.scripts, &test.name);
	if (test.machine != NULL && test_find_state(&test, &err) == 0)
		code = test_try_state(&test);
	else if (tmf_err_isset(&err))
		code = cli_fail_take(opts->output, &err);
	step_exit_fini(&test.exit);
	tmf_err_fini(&test.err);
	json_decref(test.context);
	json_decref(test.inspection);
	json_decref(test.result);
	json_decref(test.scripts);
	json_decref(test.input);
	json_decref(test.variables);
	json_decref(test.mock);
	json_decref(test.configuration);
	free(test.name);
	asl_machine_unref(test.machine);
	workspace_fini(&test.workspace);
	store_close(test.store);
	return code;
}
