#include "asl_vectors.h"
#include "machine_vectors.h"

#include "asl/state/dataflow.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define INPUT                                                                                      \
	"{'a':{'b':1},'list':[1,2],'n':7,'s':'12','neg':-1,'r':1.5,'t':'2016-12-05T21:29:29Z'}"
#define VARIABLES "{'v':42}"
#define CONTEXT	  "{'Execution':{'Name':'run','Input':{}}}"

#define PASS(fields) "{'Type':'Pass','Next':'T'," fields "}"
#define TASK(fields) "{'Type':'Task','Resource':'r:x','Next':'T'," fields "}"
#define WAIT(fields) "{'Type':'Wait','Next':'T'," fields "}"
#define FAIL(fields) "{'Type':'Fail'," fields "}"
#define MAP(fields)                                                                                \
	"{'Type':'Map','Next':'T','ItemProcessor':{'StartAt':'X','States':{'X':{'Type':'Succeed'}" \
	"}}," fields "}"

/* A state and what it is tried on. */
struct flow {
	struct asl_machine *machine;
	const struct asl_state *state;
	struct vector_scope v;
	struct tmf_err err;
};

static void
flow_init(struct flow *f, const char *state)
{
	*f = (struct flow){.machine = vector_state(state)};
	f->state = asl_machine_find(f->machine, "S");
	vector_scope_init(&f->v, INPUT, VARIABLES, CONTEXT);
}

static void
flow_fini(struct flow *f)
{
	vector_scope_fini(&f->v);
	asl_machine_unref(f->machine);
	tmf_err_fini(&f->err);
}

static void
expect_failure(const struct flow *f, int ret, const char *name, const char *cause)
{
	ck_assert_int_eq(ret, -1);
	ck_assert_str_eq(f->err.name, name);
	ck_assert_str_eq(tmf_err_text(&f->err), cause);
}

/* --- input --- */

static const struct {
	const char *state;
	const char *input; /* or the cause of its failure */
} inputs[] = {
    {PASS("'Comment':''"), INPUT},
    {PASS("'InputPath':'$'"), INPUT},
    {PASS("'InputPath':null"), "{}"},
    {PASS("'InputPath':'$.a'"), "{'b':1}"},
    {PASS("'InputPath':'$$.Execution.Name'"), "'run'"},
    {PASS("'InputPath':'$v'"), "42"},
    {PASS("'InputPath':'$.none[*].x'"), "[]"},
    {PASS("'InputPath':'$.a','Parameters':{'x.$':'$.b','y':'$.b','Comment':'c'}"),
	"{'x':1,'y':'$.b','Comment':'c'}"},
    {PASS("'InputPath':null,'Parameters':{'x.$':'$'}"), "{'x':{}}"},
    {MAP("'InputPath':'$.list','ItemSelector':{'x.$':'$.none'}"), "[1,2]"},
};

START_TEST(test_inputs)
{
	struct flow f;
	json_t *input = NULL;

	flow_init(&f, inputs[_i].state);
	ck_assert_msg(asl_state_input(f.state, &f.v.scope, NULL, &input, &f.err) == 0, "%s: %s",
	    inputs[_i].state, tmf_err_text(&f.err));
	vector_expect(inputs[_i].state, input, inputs[_i].input);
	flow_fini(&f);
}
END_TEST

static const struct {
	const char *state;
	const char *cause;
} input_failures[] = {
    {PASS("'InputPath':'$.NoSuchInputPath'"),
	"Invalid path '$.NoSuchInputPath' : No results for path: $['NoSuchInputPath']"},
    {PASS("'InputPath':'$.no.such.path'"),
	"Invalid path '$.no.such.path' : Missing property in path $['no']"},
    {PASS("'InputPath':'$.a','Parameters':{'value.$':'$.no_such_jsonpath'}"),
	"The JSONPath '$.no_such_jsonpath' specified for the field 'value.$' could not be found in "
	"the input '{\"b\":1}'"},
};

START_TEST(test_input_failures)
{
	struct flow f;
	json_t *input = NULL;
	int ret;

	flow_init(&f, input_failures[_i].state);
	ret = asl_state_input(f.state, &f.v.scope, NULL, &input, &f.err);
	expect_failure(&f, ret, "States.Runtime", input_failures[_i].cause);
	ck_assert_ptr_null(input);
	ck_assert(asl_cause_is_prefixed(&f.err));
	flow_fini(&f);
}
END_TEST

/* --- output --- */

static const struct {
	const char *state;
	const char *result;
	const char *output;
} outputs[] = {
    {TASK("'Comment':''"), "{'x':1}", "{'x':1}"},
    {TASK("'ResultPath':'$'"), "[1]", "[1]"},
    {TASK("'ResultPath':null,'OutputPath':'$.a'"), "{'x':1}", "{'b':1}"},
    {TASK("'ResultPath':'$.a.b','OutputPath':'$.a'"), "9", "{'b':9}"},
    {TASK("'ResultPath':'$.new.deep','OutputPath':'$.new'"), "9", "{'deep':9}"},
    {TASK("'ResultSelector':{'k':1,'y.$':'$.x','z.$':'$$.Execution.Name'}"), "{'x':5}",
	"{'k':1,'y':5,'z':'run'}"},
    {TASK("'ResultSelector':{'y.$':'$.x'},'ResultPath':'$.a','OutputPath':'$.a.y'"), "{'x':5}",
	"5"},
    {TASK("'OutputPath':null"), "{'x':1}", "{}"},
    {TASK("'OutputPath':'$v'"), "{'x':1}", "42"},
    {TASK("'OutputPath':'$$.Execution.Name'"), "{'x':1}", "'run'"},
    {PASS("'ResultPath':'$.list[1]','OutputPath':'$.list'"), "8", "[1,8]"},
};

START_TEST(test_outputs)
{
	json_t *result = vector_json(outputs[_i].result);
	json_t *output = NULL;
	struct flow f;

	flow_init(&f, outputs[_i].state);
	ck_assert_msg(
	    asl_state_output(f.state, NULL, &f.v.scope, result, NULL, &output, &f.err) == 0,
	    "%s: %s", outputs[_i].state, tmf_err_text(&f.err));
	vector_expect(outputs[_i].state, output, outputs[_i].output);
	vector_expect("the raw input", json_incref(f.v.scope.input), INPUT);
	json_decref(result);
	flow_fini(&f);
}
END_TEST

START_TEST(test_output_failures)
{
	json_t *result = vector_json("{'x':1}");
	json_t *output = NULL;
	struct flow f;
	int ret;

	flow_init(&f, TASK("'OutputPath':'$.NoSuchOutputPath'"));
	ret = asl_state_output(f.state, NULL, &f.v.scope, result, NULL, &output, &f.err);
	expect_failure(&f, ret, "States.Runtime",
	    "Invalid path '$.NoSuchOutputPath' : No results for path: $['NoSuchOutputPath']");
	flow_fini(&f);
	flow_init(&f, TASK("'ResultPath':'$.n.x'"));
	ret = asl_state_output(f.state, NULL, &f.v.scope, result, NULL, &output, &f.err);
	ck_assert_int_eq(ret, -1);
	ck_assert_str_eq(f.err.name, "States.ResultPathMatchFailure");
	ck_assert(asl_cause_is_prefixed(&f.err));
	flow_fini(&f);
	flow_init(&f, TASK("'ResultSelector':{'y.$':'$.none'}"));
	ret = asl_state_output(f.state, NULL, &f.v.scope, result, NULL, &output, &f.err);
	expect_failure(&f, ret, "States.Runtime",
	    "The JSONPath '$.none' specified for the field 'y.$' could not be found in the input "
	    "'{\"x\":1}'");
	flow_fini(&f);
	ck_assert_ptr_null(output);
	json_decref(result);
}
END_TEST

START_TEST(test_same_reference)
{
	struct flow f;
	json_t *input = NULL;
	json_t *output = NULL;

	flow_init(&f, PASS("'Comment':''"));
	ck_assert_int_eq(asl_state_input(f.state, &f.v.scope, NULL, &input, &f.err), 0);
	ck_assert_ptr_eq(input, f.v.scope.input);
	ck_assert_int_eq(
	    asl_state_output(f.state, NULL, &f.v.scope, input, NULL, &output, &f.err), 0);
	ck_assert_ptr_eq(output, input);
	json_decref(input);
	json_decref(output);
	flow_fini(&f);
}
END_TEST

/* --- sizes --- */

/* A string whose JSON text has that many bytes. */
static json_t *
string_of(size_t bytes)
{
	char *text = mem_alloc(bytes - 1);
	json_t *json;

	memset(text, 'a', bytes - 2);
	text[bytes - 2] = '\0';
	json = json_string(text);
	free(text);
	return json;
}

#define TOO_LARGE                                                                                  \
	"The state/task 'S' returned a result with a size exceeding the maximum number of bytes "  \
	"service limit."

static void
expect_size(const char *state, size_t bytes, bool fits)
{
	json_t *result = string_of(bytes);
	json_t *output = NULL;
	struct flow f;
	int ret;

	flow_init(&f, state);
	ret = asl_state_output(f.state, NULL, &f.v.scope, result, NULL, &output, &f.err);
	if (fits) {
		ck_assert_int_eq(ret, 0);
	} else {
		expect_failure(&f, ret, "States.DataLimitExceeded", TOO_LARGE);
		ck_assert(!asl_cause_is_prefixed(&f.err));
	}
	json_decref(output);
	json_decref(result);
	flow_fini(&f);
}

START_TEST(test_size_limit)
{
	expect_size(TASK("'Comment':''"), ASL_DATA_BYTES_MAX, true);
	expect_size(TASK("'Comment':''"), ASL_DATA_BYTES_MAX + 1, false);
	expect_size(PASS("'Comment':''"), ASL_DATA_BYTES_MAX + 1, false);
	/* A task's result counts even where nothing of it goes on; a larger one of a Pass is
	 * gone. */
	expect_size(TASK("'ResultPath':null"), ASL_DATA_BYTES_MAX + 1, false);
	expect_size(PASS("'ResultPath':null"), ASL_DATA_BYTES_MAX + 1, true);
	/* The result fits, what it makes of the input does not. */
	expect_size(TASK("'ResultPath':'$.r'"), ASL_DATA_BYTES_MAX, false);
}
END_TEST

START_TEST(test_input_size_limit)
{
	static const size_t fitting = ASL_DATA_BYTES_MAX / 2 - 20;

	for (int fits = 0; fits < 2; fits++) {
		struct flow f;
		json_t *input = NULL;
		int ret;

		flow_init(&f, TASK("'Parameters':{'a.$':'$.big','b':['x'],'c.$':'$.big'}"));
		json_object_set_new(
		    f.v.scope.input, "big", string_of(fits ? fitting : fitting + 20));
		ret = asl_state_input(f.state, &f.v.scope, NULL, &input, &f.err);
		if (fits)
			ck_assert_int_eq(ret, 0);
		else
			expect_failure(&f, ret, "States.DataLimitExceeded", TOO_LARGE);
		json_decref(input);
		flow_fini(&f);
	}
}
END_TEST

/* --- variables --- */

START_TEST(test_assign)
{
	struct flow f;
	json_t *variables = NULL;

	flow_init(&f, PASS("'Assign':{'w.$':'$.n','v.$':'$v','c':'$.n'}"));
	ck_assert_int_eq(asl_assign(f.state->assign, &f.v.scope, &variables, &f.err), 0);
	vector_expect("assign", variables, "{'v':42,'w':7,'c':'$.n'}");
	vector_expect("the old ones", json_incref(f.v.scope.variables), VARIABLES);
	ck_assert_int_eq(asl_assign(NULL, &f.v.scope, &variables, &f.err), 0);
	ck_assert_ptr_eq(variables, f.v.scope.variables);
	json_decref(variables);
	json_decref(f.v.scope.variables);
	f.v.scope.variables = NULL;
	ck_assert_int_eq(asl_assign(NULL, &f.v.scope, &variables, &f.err), 0);
	ck_assert_ptr_null(variables);
	flow_fini(&f);
}
END_TEST

START_TEST(test_assign_failures)
{
	struct flow f;
	json_t *variables = NULL;

	flow_init(&f, PASS("'Assign':{'w.$':'$.none'}"));
	ck_assert_int_eq(asl_assign(f.state->assign, &f.v.scope, &variables, &f.err), -1);
	ck_assert_str_eq(f.err.name, "States.Runtime");
	flow_fini(&f);
	flow_init(&f, PASS("'Assign':{'w.$':'$.big'}"));
	json_object_set_new(f.v.scope.input, "big", string_of(ASL_DATA_BYTES_MAX));
	ck_assert_int_eq(asl_assign(f.state->assign, &f.v.scope, &variables, &f.err), -1);
	ck_assert_str_eq(f.err.name, "States.DataLimitExceeded");
	ck_assert_ptr_null(variables);
	flow_fini(&f);
}
END_TEST

/* --- errors --- */

#define CATCH(fields) TASK("'Catch':[{'ErrorEquals':['E'],'Next':'T'" fields "}]")

static const struct {
	const char *state;
	const char *output;
} caught[] = {
    {CATCH(""), "{'Error':'E','Cause':'c'}"},
    {CATCH(",'ResultPath':'$'"), "{'Error':'E','Cause':'c'}"},
    {CATCH(",'ResultPath':null"), "{'x':1}"},
    {CATCH(",'ResultPath':'$.why'"), "{'x':1,'why':{'Error':'E','Cause':'c'}}"},
};

START_TEST(test_catch_output)
{
	json_t *raw = vector_json("{'x':1}");
	json_t *error = vector_json("{'Error':'E','Cause':'c'}");
	json_t *output = NULL;
	struct flow f;
	const struct asl_scope scope = {.input = raw};

	flow_init(&f, caught[_i].state);
	ck_assert_int_eq(
	    f.state->query->catch_output(f.state->catchers, &scope, error, &output, &f.err), 0);
	vector_expect(caught[_i].state, output, caught[_i].output);
	flow_fini(&f);
	json_decref(raw);
	json_decref(error);
}
END_TEST

#define TRY(names) "{'ErrorEquals':[" names "],'Next':'T'}"

static const struct {
	const char *catchers;
	const char *error;
	int which;
} matches[] = {
    {TRY("'E'"), "E", 0},
    {TRY("'E'"), "e", -1},
    {TRY("'A','B'") "," TRY("'E'"), "E", 1},
    {TRY("'A'") "," TRY("'States.ALL'"), "E", 1},
    {TRY("'States.TaskFailed'") "," TRY("'States.ALL'"), "Exception", 0},
    {TRY("'States.TaskFailed'") "," TRY("'States.ALL'"), "States.Timeout", 1},
    {TRY("'States.TaskFailed'"), "States.Timeout", -1},
    {TRY("'States.Timeout'"), "States.Timeout", 0},
    {TRY("'States.Runtime'"), "States.Runtime", -1},
    {TRY("'States.TaskFailed'") "," TRY("'States.ALL'"), "States.Runtime", -1},
    {TRY("'States.ALL'"), "States.DataLimitExceeded", 0},
    {TRY("'States.DataLimitExceeded'"), "States.DataLimitExceeded", 0},
    {TRY("'States.ALL'"), "", 0},
    {TRY("'State.ALL'"), "E", -1},
    {"", "E", -1},
};

START_TEST(test_matches)
{
	char *state = mem_printf(TASK("'Catch':[%s]"), matches[_i].catchers);
	struct flow f;

	flow_init(&f, state);
	ck_assert_msg(asl_catcher_for(f.state, matches[_i].error) == matches[_i].which, "%s",
	    matches[_i].catchers);
	ck_assert_int_eq(asl_retrier_for(f.state, matches[_i].error), -1);
	flow_fini(&f);
	free(state);
}
END_TEST

START_TEST(test_retriers)
{
	struct flow f;

	flow_init(&f, TASK("'Retry':[{'ErrorEquals':['A','B']},{'ErrorEquals':['States.ALL']}]"));
	ck_assert_int_eq(asl_retrier_for(f.state, "B"), 0);
	ck_assert_int_eq(asl_retrier_for(f.state, "States.Timeout"), 1);
	ck_assert_int_eq(asl_retrier_for(f.state, "States.Runtime"), -1);
	ck_assert_int_eq(asl_catcher_for(f.state, "B"), -1);
	flow_fini(&f);
}
END_TEST

static const struct {
	const char *retrier;
	int64_t attempt;
	double delay;
} delays[] = {
    {"'Comment':''", 0, 1},
    {"'Comment':''", 1, 2},
    {"'IntervalSeconds':1,'BackoffRate':2", 4, 16},
    {"'IntervalSeconds':3,'BackoffRate':1.5", 2, 6.75},
    {"'IntervalSeconds':3,'BackoffRate':1", 9, 3},
    {"'IntervalSeconds':3,'MaxDelaySeconds':5", 0, 3},
    {"'IntervalSeconds':3,'MaxDelaySeconds':5", 1, 5},
    {"'IntervalSeconds':3,'MaxDelaySeconds':5", 60, 5},
    {"'IntervalSeconds':9,'MaxDelaySeconds':5", 0, 5},
    {"'BackoffRate':1000", 99999999, ASL_SECONDS_MAX},
};

START_TEST(test_delays)
{
	char *state = mem_printf(TASK("'Retry':[{'ErrorEquals':['E'],%s}]"), delays[_i].retrier);
	struct flow f;

	flow_init(&f, state);
	ck_assert_double_eq(asl_retry_delay(f.state->retry, delays[_i].attempt), delays[_i].delay);
	flow_fini(&f);
	free(state);
}
END_TEST

START_TEST(test_prefix)
{
	struct tmf_err err = {0};

	tmf_err_set_name(&err, TMF_ERR_ASL, "States.Runtime", "text");
	ck_assert(asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_LIMIT, "States.Runtime", "text");
	ck_assert(asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_ASL, "States.IntrinsicFailure", "text");
	ck_assert(asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_ASL, "States.NoChoiceMatched", "text");
	ck_assert(asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_ASL, "States.DataLimitExceeded", "text");
	ck_assert(!asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_ASL, "States.Timeout", NULL);
	ck_assert(!asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_SERVICE, "States.Runtime", "an author's own");
	ck_assert(!asl_cause_is_prefixed(&err));
	tmf_err_set_name(&err, TMF_ERR_ASL, "States.Runtime",
	    "An error occurred while executing the state 'Inner' (entered at the event id #5). x");
	ck_assert(!asl_cause_is_prefixed(&err));
	tmf_err_fini(&err);
}
END_TEST

/* --- numbers and waits --- */

#define NOT_INTEGER(value, path)                                                                   \
	"The MaxConcurrencyPath field refers to value \"" value                                    \
	"\" which is not a valid integer: " path

static const struct {
	const char *fields;
	int64_t value;
	const char *cause; /* NULL: value */
} numbers[] = {
    {"'Comment':''", -9, NULL},
    {"'MaxConcurrency':3", 3, NULL},
    {"'MaxConcurrency':0", 0, NULL},
    {"'MaxConcurrencyPath':'$.n'", 7, NULL},
    {"'MaxConcurrencyPath':'$.s'", 12, NULL},
    {"'MaxConcurrencyPath':'$v'", 42, NULL},
    {"'MaxConcurrencyPath':'$.t'", 0, NOT_INTEGER("2016-12-05T21:29:29Z", "$.t")},
    {"'MaxConcurrencyPath':'$.r'", 0, NOT_INTEGER("1.5", "$.r")},
    {"'MaxConcurrencyPath':'$.neg'", 0,
	"Expected non-negative integer for MaxConcurrency, got '-1' instead."},
    {"'MaxConcurrencyPath':'$.list'", 0, NOT_INTEGER("[1,2]", "$.list")},
    {"'MaxConcurrencyPath':'$.none'", 0, "Invalid path '$.none' : No results for path: $['none']"},
};

START_TEST(test_numbers)
{
	char *state = mem_printf(MAP("%s"), numbers[_i].fields);
	int64_t value = -1;
	struct flow f;
	int ret;

	flow_init(&f, state);
	ret = asl_number_eval(
	    &f.state->u.map.max_concurrency, "MaxConcurrencyPath", -9, &f.v.scope, &value, &f.err);
	if (numbers[_i].cause != NULL) {
		expect_failure(&f, ret, "States.Runtime", numbers[_i].cause);
	} else {
		ck_assert_int_eq(ret, 0);
		ck_assert_int_eq(value, numbers[_i].value);
	}
	flow_fini(&f);
	free(state);
}
END_TEST

START_TEST(test_negative_count)
{
	struct flow f;
	int64_t value;
	int ret;

	flow_init(&f, MAP("'ToleratedFailureCountPath':'$.neg'"));
	ret = asl_number_eval(&f.state->u.map.tolerated_failure_count, "ToleratedFailureCountPath",
	    0, &f.v.scope, &value, &f.err);
	expect_failure(&f, ret, "States.Runtime", "ToleratedFailureCount cannot be negative.");
	flow_fini(&f);
}
END_TEST

START_TEST(test_number_texts)
{
	static const char *const bad[] = {"''", "' 1'", "'1 '", "'-'", "'0x1'",
	    "'99999999999999999999'", "2147483648", "'1.0'", "{}", "null", "true"};
	struct flow f;
	int64_t value;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		flow_init(&f, MAP("'MaxConcurrencyPath':'$.x'"));
		json_object_set_new(f.v.scope.input, "x", vector_json(bad[i]));
		ck_assert_msg(asl_number_eval(&f.state->u.map.max_concurrency, "MaxConcurrencyPath",
				  0, &f.v.scope, &value, &f.err) < 0,
		    "%s", bad[i]);
		flow_fini(&f);
	}
}
END_TEST

static const struct {
	const char *fields;
	double percentage;
	const char *cause;
} percentages[] = {
    {"'Comment':''", -1, NULL},
    {"'ToleratedFailurePercentage':0", 0, NULL},
    {"'ToleratedFailurePercentage':12.5", 12.5, NULL},
    {"'ToleratedFailurePercentagePath':'$.r'", 1.5, NULL},
    {"'ToleratedFailurePercentagePath':'$.s'", 12, NULL},
    {"'ToleratedFailurePercentagePath':'$.neg'", 0,
	"ToleratedFailurePercentage must be between 0 and 100."},
    {"'ToleratedFailurePercentagePath':'$.list'", 0,
	"The ToleratedFailurePercentagePath field refers to value \"[1,2]\" which is not a valid "
	"float: $.list"},
    {"'ToleratedFailurePercentagePath':'$.none'", 0,
	"Invalid path '$.none' : No results for path: $['none']"},
};

START_TEST(test_percentages)
{
	char *state = mem_printf(MAP("%s"), percentages[_i].fields);
	double percentage = -9;
	struct flow f;
	int ret;

	flow_init(&f, state);
	ret = asl_tolerated_percentage(f.state, &f.v.scope, &percentage, &f.err);
	if (percentages[_i].cause != NULL) {
		expect_failure(&f, ret, "States.Runtime", percentages[_i].cause);
	} else {
		ck_assert_int_eq(ret, 0);
		ck_assert_double_eq(percentage, percentages[_i].percentage);
	}
	flow_fini(&f);
	free(state);
}
END_TEST

#define NOW_MS 1000000

static const struct {
	const char *state;
	int64_t until_ms;
	const char *cause;
} waits[] = {
    {WAIT("'Seconds':0"), NOW_MS, NULL},
    {WAIT("'Seconds':5"), NOW_MS + 5000, NULL},
    {WAIT("'SecondsPath':'$.n'"), NOW_MS + 7000, NULL},
    {WAIT("'SecondsPath':'$.none'"), 0,
	"The SecondsPath parameter does not reference an input value: $.none"},
    {WAIT("'SecondsPath':'$.neg'"), 0,
	"The SecondsPath parameter references a negative value: $.neg == -1"},
    {WAIT("'SecondsPath':'$.r'"), 0,
	"The SecondsPath parameter cannot be parsed as a long value: $.r == 1.5"},
    {WAIT("'SecondsPath':'$.t'"), 0,
	"The SecondsPath parameter cannot be parsed as a long value: $.t == 2016-12-05T21:29:29Z"},
    {WAIT("'Timestamp':'1970-01-01T00:00:02Z'"), 2000, NULL},
    {WAIT("'Timestamp':'1970-01-01T00:00:02.000000001Z'"), 2001, NULL},
    {WAIT("'TimestampPath':'$.t'"), INT64_C(1480973369000), NULL},
    {WAIT("'TimestampPath':'$.none'"), 0,
	"The TimestampPath parameter does not reference an input value: $.none"},
    {WAIT("'TimestampPath':'$.s'"), 0,
	"The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
	"format string: $.s == 12"},
    {WAIT("'TimestampPath':'$.a'"), 0,
	"The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
	"format string: $.a == {\"b\":1}"},
};

START_TEST(test_waits)
{
	int64_t until_ms = -1;
	struct flow f;
	int ret;

	flow_init(&f, waits[_i].state);
	ret = asl_wait_until(f.state, &f.v.scope, NOW_MS, &until_ms, &f.err);
	if (waits[_i].cause != NULL) {
		expect_failure(&f, ret, "States.Runtime", waits[_i].cause);
	} else {
		ck_assert_int_eq(ret, 0);
		ck_assert_int_eq(until_ms, waits[_i].until_ms);
	}
	flow_fini(&f);
}
END_TEST

/* --- Fail and Map --- */

static const struct {
	const char *state;
	const char *error; /* NULL: none */
	const char *cause;
} fails[] = {
    {FAIL("'Comment':''"), NULL, NULL},
    {FAIL("'Error':'E','Cause':'C'"), "E", "C"},
    {FAIL("'Error':'E'"), "E", NULL},
    {FAIL("'ErrorPath':'$.s','CausePath':'States.Format(\\u0027x {}\\u0027, $.n)'"), "12", "x 7"},
    {FAIL("'ErrorPath':'$$.Execution.Name','Cause':'$.s'"), "run", "$.s"},
};

static void
expect_text(const char *want, char *got)
{
	ck_assert((want == NULL) == (got == NULL));
	if (want != NULL)
		ck_assert_str_eq(got, want);
	free(got);
}

START_TEST(test_fails)
{
	char *error = NULL;
	char *cause = NULL;
	struct flow f;

	flow_init(&f, fails[_i].state);
	ck_assert_int_eq(asl_fail_evaluate(f.state, &f.v.scope, &error, &cause, &f.err), 0);
	expect_text(fails[_i].error, error);
	expect_text(fails[_i].cause, cause);
	flow_fini(&f);
}
END_TEST

static const struct {
	const char *state;
	const char *cause;
} fail_failures[] = {
    {FAIL("'ErrorPath':'$.no','CausePath':'$.s'"),
	"The JSONPath '$.no' specified for the field 'ErrorPath' could not be found in the input "
	"'{}'"},
    {FAIL("'Error':'E','CausePath':'$.no'"),
	"The JSONPath '$.no' specified for the field 'CausePath' could not be found in the input "
	"'{}'"},
    {FAIL("'ErrorPath':'$'"),
	"The value for the field 'ErrorPath' must be a STRING but is of type object: $"},
};

START_TEST(test_fail_failures)
{
	char *error = NULL;
	char *cause = NULL;
	struct flow f;
	int ret;

	flow_init(&f, fail_failures[_i].state);
	json_decref(f.v.scope.input);
	f.v.scope.input = json_object();
	ret = asl_fail_evaluate(f.state, &f.v.scope, &error, &cause, &f.err);
	expect_failure(&f, ret, "States.Runtime", fail_failures[_i].cause);
	ck_assert(error == NULL && cause == NULL);
	flow_fini(&f);
}
END_TEST

/* What would give other items here than there is refused, even where the list is at hand. */
#define ONLY_THERE(field)                                                                          \
	field " is not supported by this version: the Map runs on Step Functions only"

static const struct {
	const char *fields;
	const char *items; /* NULL: cause */
	const char *cause;
} items[] = {
    {"'ItemsPath':'$.list'", "[1,2]", NULL},
    {"'ItemsPath':'$.none[*]'", "[]", NULL},
    {"'ItemsPath':'$.n'", NULL, "Reference path \"$.n\" must point to array."},
    {"'ItemsPath':'$$.Execution.Input'", NULL,
	"Reference path \"$.Execution.Input\" must point to array."},
    {"'Comment':''", NULL, "Reference path \"$\" must point to array."},
    {"'ItemsPath':'$.none'", NULL, "Invalid path '$.none' : No results for path: $['none']"},
    {"'ItemsPath':'$.list','ItemReader':{'Resource':'r'}", NULL,
	ONLY_THERE("ItemReader with another Resource than s3:getObject or s3:listObjectsV2")},
    {"'ItemsPath':'$.list','ResultWriter':{}", NULL,
	ONLY_THERE("ResultWriter with another Resource than s3:putObject")},
};

START_TEST(test_items)
{
	char *state = mem_printf(MAP("%s"), items[_i].fields);
	json_t *value = NULL;
	struct flow f;
	int ret;

	flow_init(&f, state);
	ret = asl_map_items(f.state, &f.v.scope, &value, &f.err);
	if (items[_i].cause != NULL) {
		expect_failure(&f, ret, "States.Runtime", items[_i].cause);
	} else {
		ck_assert_int_eq(ret, 0);
		vector_expect(items[_i].fields, value, items[_i].items);
	}
	flow_fini(&f);
	free(state);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static TCase *
cases(void)
{
	TCase *tcase = tcase_create("dataflow");

	tcase_add_loop_test(tcase, test_inputs, 0, COUNT(inputs));
	tcase_add_loop_test(tcase, test_input_failures, 0, COUNT(input_failures));
	tcase_add_loop_test(tcase, test_outputs, 0, COUNT(outputs));
	tcase_add_test(tcase, test_output_failures);
	tcase_add_test(tcase, test_same_reference);
	tcase_add_test(tcase, test_size_limit);
	tcase_add_test(tcase, test_input_size_limit);
	tcase_add_test(tcase, test_assign);
	tcase_add_test(tcase, test_assign_failures);
	tcase_add_loop_test(tcase, test_catch_output, 0, COUNT(caught));
	tcase_add_loop_test(tcase, test_matches, 0, COUNT(matches));
	tcase_add_test(tcase, test_retriers);
	tcase_add_loop_test(tcase, test_delays, 0, COUNT(delays));
	tcase_add_test(tcase, test_prefix);
	tcase_add_loop_test(tcase, test_numbers, 0, COUNT(numbers));
	tcase_add_test(tcase, test_number_texts);
	tcase_add_test(tcase, test_negative_count);
	tcase_add_loop_test(tcase, test_percentages, 0, COUNT(percentages));
	tcase_add_loop_test(tcase, test_waits, 0, COUNT(waits));
	tcase_add_loop_test(tcase, test_fails, 0, COUNT(fails));
	tcase_add_loop_test(tcase, test_fail_failures, 0, COUNT(fail_failures));
	tcase_add_loop_test(tcase, test_items, 0, COUNT(items));
	return tcase;
}

int
main(void)
{
	Suite *suite = suite_create("asl_dataflow");
	int failed;

	suite_add_tcase(suite, cases());
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
