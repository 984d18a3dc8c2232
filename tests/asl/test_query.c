/* What a state in JSONata means: its input, its output, what its expressions see, how they fail. */
#include "asl_vectors.h"
#include "machine_vectors.h"

#include "asl/state/step.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define INPUT	"{'n':1,'list':[1,2],'t':5,'text':'x','big':10000000000,'half':1.5}"
#define CONTEXT "{'Execution':{'Name':'run'},'Map':{'Item':{'Value':7,'Index':0}}}"
#define CHILD	"{'StartAt':'X','States':{'X':{'Type':'Succeed'}}}"
#define MAP	"'Type':'Map','ItemProcessor':" CHILD ",'End':true"
#define TASK	"'Type':'Task','Resource':'r:x','End':true"

#define NOW_WALL_MS 1500000000000

/* A state in JSONata and what it is tried on. */
struct trial {
	struct asl_machine *machine;
	struct vector_scope v;
	struct step step;
	struct tmf_err err;
};

static void
trial_init(struct trial *t, const char *fields)
{
	char *state = mem_printf("{'QueryLanguage':'JSONata',%s}", fields);

	*t = (struct trial){.machine = vector_state(state)};
	vector_scope_init(&t->v, INPUT, "{'v':42}", CONTEXT);
	t->v.scope.now_wall_ms = NOW_WALL_MS;
	t->step = (struct step){
	    .state = asl_machine_find(t->machine, "S"),
	    .scope = t->v.scope,
	    .now_wall_ms = NOW_WALL_MS,
	    .entered_event = 7,
	};
	free(state);
}

static void
trial_fini(struct trial *t)
{
	vector_scope_fini(&t->v);
	asl_machine_unref(t->machine);
	tmf_err_fini(&t->err);
}

/* --- entering --- */

static const struct {
	const char *fields;
	enum step_kind kind;
	const char *expected; /* the input of the work, or the cause */
} entered[] = {
    {"'Type':'Pass','End':true", STEP_DONE, INPUT},
    {"'Type':'Succeed'", STEP_DONE, INPUT},
    {TASK, STEP_TASK, INPUT},
    {TASK ",'Arguments':{'a':'{% $states.input.n + $v %}','b':['{% $states.context.Execution.Name "
	  "%}','$v']}",
	STEP_TASK, "{'a':43,'b':['run','$v']}"},
    {TASK ",'Arguments':'{% $states.input.list %}'", STEP_TASK, "[1,2]"},
    {TASK ",'Arguments':{'a':['{% 1 %}',{'b':'{% $nothing %}'}]}", STEP_FAILED,
	"The JSONata expression '$nothing' specified for the field 'Arguments/a[1]/b' returned "
	"nothing (undefined)."},
    {TASK ",'TimeoutSeconds':'{% $states.input.text %}'", STEP_FAILED,
	"The JSONata expression '$states.input.text' specified for the field 'TimeoutSeconds' "
	"returned an unexpected result type. Expected 'number', but was 'string' for value: "
	"\"x\""},
    {TASK ",'TimeoutSeconds':'{% 0 %}'", STEP_FAILED,
	"TimeoutSeconds must be between 1 and 99999999 but was: 0"},
    {TASK ",'HeartbeatSeconds':'{% $states.input.half %}'", STEP_FAILED,
	"The HeartbeatSeconds field cannot be parsed as an integer: 1.5"},
    {"'Type':'Parallel','Branches':[" CHILD "],'Arguments':'{% $v %}','End':true", STEP_CHILDREN,
	"42"},
    {MAP ",'Items':'{% $states.input.list %}'", STEP_CHILDREN, INPUT},
    {MAP, STEP_FAILED,
	"Map state input must be an array but was: "
	"{\"n\":1,\"list\":[1,2],\"t\":5,\"text\":\"x\",\"big\":10000000000,\"half\":1.5}"},
    {MAP ",'Items':[1],'MaxConcurrency':'{% $states.input.big %}'", STEP_FAILED,
	"MaxConcurrency must be between 0 and 2147483647 but was: 10000000000"},
    {MAP ",'Items':[1],'ToleratedFailurePercentage':'{% 101 %}'", STEP_FAILED,
	"ToleratedFailurePercentage must be between 0 and 100 but was: 101"},
    {"'Type':'Wait','Seconds':'{% -1 %}','End':true", STEP_FAILED,
	"Seconds must be between 0 and 99999999 but was: -1"},
    {"'Type':'Wait','Timestamp':'{% 5 %}','End':true", STEP_FAILED,
	"The JSONata expression '5' specified for the field 'Timestamp' returned an unexpected "
	"result type. Expected 'string', but was 'number' for value: 5"},
    {"'Type':'Choice','Choices':[{'Condition':'{% $v %}','Next':'T'}]", STEP_FAILED,
	"The JSONata expression '$v' specified for the field 'Choices[0]/Condition' returned an "
	"unexpected result type. Expected 'boolean', but was 'number' for value: 42"},
    {"'Type':'Fail','Error':'{% 1 / $v %}'", STEP_FAILED,
	"The JSONata expression '1 / $v' specified for the field 'Error' returned an unexpected "
	"result type. Expected 'string', but was 'number' for value: 0.023809523809523808"},
};

START_TEST(test_entered)
{
	struct trial t;
	struct step_work work;
	enum step_kind kind;

	trial_init(&t, entered[_i].fields);
	kind = step_enter(&t.step, &work, &t.err);
	ck_assert_msg(kind == entered[_i].kind, "%s: kind %d, %s", entered[_i].fields, (int)kind,
	    tmf_err_text(&t.err));
	if (kind == STEP_FAILED) {
		ck_assert_str_eq(tmf_err_text(&t.err), entered[_i].expected);
		ck_assert_str_eq(t.err.name, "States.QueryEvaluationError");
	} else {
		vector_expect(entered[_i].fields, json_incref(work.input), entered[_i].expected);
	}
	step_work_fini(&work);
	trial_fini(&t);
}
END_TEST

/* The numbers and the time that entering works out. */
START_TEST(test_limits)
{
	struct trial t;
	struct step_work work;

	trial_init(
	    &t, TASK ",'TimeoutSeconds':'{% $v %}','HeartbeatSeconds':'{% $states.input.t %}'");
	ck_assert_int_eq(step_enter(&t.step, &work, &t.err), STEP_TASK);
	ck_assert_int_eq(work.timeout_s, 42);
	ck_assert_int_eq(work.heartbeat_s, 5);
	step_work_fini(&work);
	trial_fini(&t);
	trial_init(&t,
	    MAP ",'Items':['{% $v %}',2],'MaxConcurrency':'{% $states.input.n %}',"
		"'ToleratedFailureCount':'{% 2 %}','ToleratedFailurePercentage':'{% 2.5 %}'");
	ck_assert_int_eq(step_enter(&t.step, &work, &t.err), STEP_CHILDREN);
	vector_expect("items", json_incref(work.items), "[42,2]");
	ck_assert_int_eq(work.concurrency, 1);
	ck_assert_int_eq(work.tolerated.count, 2);
	ck_assert_double_eq(work.tolerated.percentage, 2.5);
	step_work_fini(&work);
	trial_fini(&t);
	trial_init(&t, "'Type':'Wait','Timestamp':'{% $fromMillis($millis() + 5) %}','End':true");
	ck_assert_int_eq(step_enter(&t.step, &work, &t.err), STEP_WAIT);
	ck_assert_int_eq(work.until_wall_ms, NOW_WALL_MS + 5);
	step_work_fini(&work);
	trial_fini(&t);
}
END_TEST

START_TEST(test_item)
{
	struct trial t;
	json_t *item = json_integer(7);
	json_t *input;

	trial_init(&t,
	    MAP ",'Items':[7],'ItemSelector':{'x':'{% $states.context.Map.Item.Value %}',"
		"'n':'{% $states.input.n %}'}");
	ck_assert_int_eq(step_item(&t.step, t.step.scope.input, item, &input, &t.err), 0);
	vector_expect("item", input, "{'x':7,'n':1}");
	trial_fini(&t);
	trial_init(&t, MAP ",'Items':[7]");
	ck_assert_int_eq(step_item(&t.step, t.step.scope.input, item, &input, &t.err), 0);
	vector_expect("item", input, "7");
	trial_fini(&t);
	json_decref(item);
}
END_TEST

/* --- leaving --- */

/* With the result {'r':2}; a Choice with the rule it takes. */
static const struct {
	const char *fields;
	const char *output;
	const char *variables;
} left[] = {
    {"'Type':'Pass','End':true", INPUT, "{'v':42}"},
    {"'Type':'Pass','Output':null,'End':true", "null", "{'v':42}"},
    {"'Type':'Pass','Output':'text','End':true", "'text'", "{'v':42}"},
    {"'Type':'Succeed','Output':{'x':'{% $v %}'}", "{'x':42}", "{'v':42}"},
    {TASK, "{'r':2}", "{'v':42}"},
    {TASK ",'Output':'{% $states.result.r + $states.input.n %}','Assign':{'v':0,'w':'{% "
	  "$states.result %}','old':'{% $v %}'}",
	"3", "{'v':0,'w':{'r':2},'old':42}"},
    {"'Type':'Choice','Choices':[{'Condition':'{% $v = 42 %}','Next':'T','Output':'taken','Assign':"
     "{'w':1}}],'Default':'T','Output':'default'",
	"'taken'", "{'v':42,'w':1}"},
    {"'Type':'Choice','Choices':[{'Condition':false,'Next':'T'}],'Default':'T','Output':'default',"
     "'Assign':{'w':'{% $states.input.n %}'}",
	"'default'", "{'v':42,'w':1}"},
};

START_TEST(test_left)
{
	struct trial t;
	struct step_work work;
	struct step_exit exit;
	json_t *result = vector_json("{'r':2}");
	bool is_task;

	trial_init(&t, left[_i].fields);
	is_task = t.step.state->type == ASL_TASK;
	ck_assert_int_ne(step_enter(&t.step, &work, &t.err), STEP_FAILED);
	ck_assert_msg(
	    step_leave(&t.step, work.rule, is_task ? result : work.input, &exit, &t.err) == 0,
	    "%s: %s", left[_i].fields, tmf_err_text(&t.err));
	vector_expect(left[_i].fields, json_incref(exit.output), left[_i].output);
	vector_expect(left[_i].fields, json_incref(exit.variables), left[_i].variables);
	step_exit_fini(&exit);
	step_work_fini(&work);
	json_decref(result);
	trial_fini(&t);
}
END_TEST

#define ENDLESS                                                                                    \
	" threw an error during evaluation. U1001: expression takes too many steps, too much "     \
	"memory or too many nested calls"
#define EXPRESSION(text) "The JSONata expression '" text "' specified for the field 'Output'"

static const struct {
	const char *fields;
	const char *cause;
} unleavable[] = {
    {TASK ",'Output':'{% ($f := function($x) { 1 + $f($x) }; $f(1)) %}'",
	EXPRESSION("($f := function($x) { 1 + $f($x) }; $f(1))") ENDLESS},
    {TASK ",'Output':'{% $map([1..10000], function($x) { [1..10000] }) %}'",
	EXPRESSION("$map([1..10000], function($x) { [1..10000] })") ENDLESS},
    {TASK ",'Output':'{% $match($pad($v & $v, 40, $v & $v) & true, /^(4|2|42|4242)+$/) %}'",
	EXPRESSION("$match($pad($v & $v, 40, $v & $v) & true, /^(4|2|42|4242)+$/)") ENDLESS},
    {TASK ",'Output':'{% function($x) { $x } %}'",
	"The JSONata expression 'function($x) { $x }' specified for the field 'Output' returned an "
	"unsupported result type."},
    {TASK ",'Assign':{'a':'{% 1 + $states.input.text %}'}",
	"The JSONata expression '1 + $states.input.text' specified for the field 'Assign/a' threw "
	"an error during evaluation. T2002: the right side of + must be a number"},
};

START_TEST(test_unleavable)
{
	struct trial t;
	struct step_exit exit;

	trial_init(&t, unleavable[_i].fields);
	ck_assert_int_eq(step_leave(&t.step, NULL, t.step.scope.input, &exit, &t.err), -1);
	ck_assert_str_eq(t.err.name, "States.QueryEvaluationError");
	ck_assert_str_eq(tmf_err_text(&t.err), unleavable[_i].cause);
	trial_fini(&t);
}
END_TEST

/* --- failing --- */

static const struct {
	const char *catcher; /* behind its ErrorEquals */
	const char *output;
	const char *variables;
} caught[] = {
    {"", "{'Error':'E','Cause':'why'}", "{'v':42}"},
    {",'Output':{'e':'{% $states.errorOutput.Error %}','n':'{% $states.input.n %}'},'Assign':{'w':"
     "'{% $states.errorOutput.Cause %}'}",
	"{'e':'E','n':1}", "{'v':42,'w':'why'}"},
};

START_TEST(test_caught)
{
	char *fields =
	    mem_printf(TASK ",'Catch':[{'ErrorEquals':['E'],'Next':'T'%s}]", caught[_i].catcher);
	struct trial t;
	struct step_failure failure;

	trial_init(&t, fields);
	tmf_err_set_name(&t.err, TMF_ERR_SERVICE, "E", "why");
	ck_assert_int_eq(step_fail(&t.step, NULL, &t.err, &failure), STEP_CAUGHT);
	vector_expect(fields, json_incref(failure.exit.output), caught[_i].output);
	vector_expect(fields, json_incref(failure.exit.variables), caught[_i].variables);
	step_exit_fini(&failure.exit);
	trial_fini(&t);
	free(fields);
}
END_TEST

/* A fault of an expression can be caught; one in the catcher itself fails the state. */
START_TEST(test_query_error)
{
	struct trial t;
	struct step_work work;
	struct step_failure failure;

	trial_init(&t, TASK ",'Arguments':'{% $nothing %}','Catch':[{'ErrorEquals':["
			    "'States.QueryEvaluationError'],'Next':'T'}]");
	ck_assert_int_eq(step_enter(&t.step, &work, &t.err), STEP_FAILED);
	ck_assert_int_eq(step_fail(&t.step, NULL, &t.err, &failure), STEP_CAUGHT);
	ck_assert(failure.by_name);
	ck_assert_str_eq(jsonx_get_string(failure.exit.output, "Cause"),
	    "An error occurred while executing the state 'S' (entered at the event id #7). The "
	    "JSONata expression '$nothing' specified for the field 'Arguments' returned nothing "
	    "(undefined).");
	step_exit_fini(&failure.exit);
	trial_fini(&t);
	trial_init(&t,
	    TASK ",'Catch':[{'ErrorEquals':['X'],'Next':'T'},{'ErrorEquals':['E'],'Next':'T',"
		 "'Output':{'a':'{% $nothing %}'}}]");
	tmf_err_set_name(&t.err, TMF_ERR_SERVICE, "E", "why");
	ck_assert_int_eq(step_fail(&t.step, NULL, &t.err, &failure), STEP_UNCAUGHT);
	ck_assert_str_eq(t.err.name, "States.QueryEvaluationError");
	ck_assert_ptr_nonnull(
	    strstr(tmf_err_text(&t.err), "for the field 'Catch[1]/Output/a' returned nothing"));
	trial_fini(&t);
}
END_TEST

/* What a state makes is bounded as in JSONPath. */
START_TEST(test_size)
{
	struct trial t;
	struct step_exit exit;
	struct step_failure failure;

	trial_init(&t, TASK ",'Output':'{% $pad($states.input.text, 300000) %}'");
	ck_assert_int_eq(step_leave(&t.step, NULL, t.step.scope.input, &exit, &t.err), -1);
	ck_assert_str_eq(t.err.name, "States.DataLimitExceeded");
	trial_fini(&t);
	trial_init(&t, TASK ",'Catch':[{'ErrorEquals':['E'],'Next':'T','Output':'{% "
			    "$pad($states.input.text, 300000) %}'}]");
	tmf_err_set_name(&t.err, TMF_ERR_SERVICE, "E", "why");
	ck_assert_int_eq(step_fail(&t.step, NULL, &t.err, &failure), STEP_UNCAUGHT);
	ck_assert_str_eq(t.err.name, "States.DataLimitExceeded");
	trial_fini(&t);
}
END_TEST

/* --- what AWS refuses when a machine is created --- */

#define SCHEMA	  "SCHEMA_VALIDATION_FAILED"
#define PROCESSOR "'ItemProcessor':" CHILD
#define JSONATA(fields)                                                                            \
	"{'QueryLanguage':'JSONata',"                                                              \
	"'StartAt':'S','States':{'S':{" fields "}}}"
#define OUTPUT(text) JSONATA("'Type':'Pass','End':true,'Output':'" text "'")
#define JSONATA_CHOICE(rule)                                                                       \
	"{'QueryLanguage':'JSONata','StartAt':'S','States':{'S':{'Type':'Choice','Choices':[" rule \
	"],'Default':'T'},'T':{'Type':'Succeed'}}}"

static const struct {
	const char *definition;
	const char *code;
	const char *pointer;
	const char *message;
	const char *hint; /* "*": any; NULL: must be absent */
} refused[] = {
    {JSONATA("'Type':'Pass','End':true,'ResultPath':'$.a'"), SCHEMA, "/States/S/ResultPath",
	"The QueryLanguage is set to 'JSONata', but field 'ResultPath' is only supported for the "
	"'JSONPath' QueryLanguage",
	NULL},
    {JSONATA("'Type':'Task','Resource':'r:x','End':true,'TimeoutSecondsPath':'$.a'"), SCHEMA,
	"/States/S/TimeoutSecondsPath",
	"The QueryLanguage is set to 'JSONata', but field 'TimeoutSecondsPath' is only supported "
	"for the 'JSONPath' QueryLanguage",
	NULL},
    {JSONATA("'Type':'Map','End':true," PROCESSOR ",'Arguments':1"), SCHEMA, "/States/S/Arguments",
	"The field 'Arguments' is not supported in a Map state", "it belongs to Task, Parallel"},
    /* the states in a Map have the machine's language, not the Map's */
    {"{'StartAt':'S','States':{'S':{'Type':'Map','QueryLanguage':'JSONata','End':true,"
     "'ItemProcessor':{'StartAt':'X','States':{'X':{'Type':'Pass','Output':1,'End':true}}}}}}",
	SCHEMA, "/States/S/ItemProcessor/States/X/Output",
	"The QueryLanguage is set to 'JSONPath', but field 'Output' is only supported for the "
	"'JSONata' QueryLanguage",
	NULL},
    {OUTPUT("{% 1 + %}"), "INVALID_JSONATA_EXPRESSION", "/States/S/Output",
	"unexpected end of the expression at character 5 (S0207)", NULL},
    {OUTPUT("{% 1"), SCHEMA, "/States/S/Output",
	"A JSONata expression begins with {% and ends with %}", "*"},
    {OUTPUT("1 %}"), SCHEMA, "/States/S/Output",
	"A JSONata expression begins with {% and ends with %}", "*"},
    {OUTPUT("{%}"), SCHEMA, "/States/S/Output",
	"A JSONata expression begins with {% and ends with %}", "*"},
    {OUTPUT("{% phone.number %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to 'phone' at the top level is not supported.", "$states.input.phone"},
    {OUTPUT("{% $.a %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to '$' at the top level is not supported.", "$states.input"},
    {OUTPUT("{% $x.($$.b) %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to '$$' at the top level is not supported.", "*"},
    {OUTPUT("{% $map($x, function($v) { b }) %}"), "UNSUPPORTED_JSONATA_EXPRESSION",
	"/States/S/Output", "Reference to 'b' at the top level is not supported.", "*"},
    {OUTPUT("{% {a: 1} %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to 'a' at the top level is not supported.", "*"},
    {OUTPUT("{% [1 + $sum(c), 1][0] %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to 'c' at the top level is not supported.", "*"},
    {OUTPUT("{% $x ~> $eval %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"The function $eval is not supported", "$parse reads JSON"},
    {OUTPUT("{% $states.result %}"), "UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to '$states.result' is not supported here", "*"},
    {JSONATA("'Type':'Task','Resource':'r:x','End':true,'Arguments':{'a':["
	     "'{% $states.result.b %}']}"),
	"UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Arguments/a/0",
	"Reference to '$states.result' is not supported here", "*"},
    {JSONATA("'Type':'Task','Resource':'r:x','End':true,'Output':'{% $states.errorOutput %}'"),
	"UNSUPPORTED_JSONATA_EXPRESSION", "/States/S/Output",
	"Reference to '$states.errorOutput' is not supported here", "*"},
    {JSONATA("'Type':'Wait','End':true,'Seconds':'{% 1 + %}'"), "INVALID_JSONATA_EXPRESSION",
	"/States/S/Seconds", "unexpected end of the expression at character 5 (S0207)", NULL},
    {JSONATA("'Type':'Wait','End':true,'Seconds':'5'"), SCHEMA, "/States/S/Seconds",
	"The field 'Seconds' should have a value of type integer from 0 to 99999999", NULL},
    {JSONATA("'Type':'Map','End':true," PROCESSOR ",'Items':'x'"), SCHEMA, "/States/S/Items",
	"The field 'Items' should have a value of type array, or a JSONata expression", NULL},
    {JSONATA("'Type':'Pass','End':true,'Assign':{'a.$':1}"), SCHEMA, "/States/S/Assign/a.$",
	"'a.$' is not a valid variable name", "*"},
    {JSONATA_CHOICE("{'Next':'T'}"), SCHEMA, "/States/S/Choices/0",
	"These fields are required: [Condition]", NULL},
    {JSONATA_CHOICE("{'Condition':'x','Next':'T'}"), SCHEMA, "/States/S/Choices/0/Condition",
	"The field 'Condition' should have a value of type boolean, or a JSONata expression", NULL},
    {JSONATA_CHOICE("{'Variable':'$.a','NumericEquals':1,'Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/NumericEquals",
	"The QueryLanguage is set to 'JSONata', but field 'NumericEquals' is only supported for "
	"the 'JSONPath' QueryLanguage",
	"use Condition"},
};

START_TEST(test_refused)
{
	char *json = mem_strdup(refused[_i].definition);
	struct tmf_err err = {0};
	struct diag_list diags;
	struct doc *doc;
	bool found = false;

	for (char *c = json; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	doc = doc_parse("definition.json", str_of(json), &err);
	ck_assert_msg(doc != NULL, "%s: %s", json, tmf_err_text(&err));
	diag_list_init(&diags, doc);
	ck_assert_ptr_null(asl_compile(doc, NULL, &diags));
	for (size_t i = 0; i < diags.count; i++) {
		const struct diag *diag = &diags.at[i];
		const char *hint = refused[_i].hint;
		bool fits = hint == NULL
				? diag->hint == NULL
				: strcmp(hint, "*") == 0 ||
				      (diag->hint != NULL && strcmp(hint, diag->hint) == 0);

		found = found || (fits && strcmp(diag->code, refused[_i].code) == 0 &&
				     strcmp(diag->pointer, refused[_i].pointer) == 0 &&
				     strcmp(diag->message, refused[_i].message) == 0);
	}
	if (!found)
		diag_print(&diags, stdout);
	ck_assert_msg(found, "%s: %s", json, refused[_i].message);
	diag_list_fini(&diags);
	doc_free(doc);
	free(json);
}
END_TEST

/* What looks like a fault, and is none: AWS takes it. */
static const char *const taken[] = {
    OUTPUT("{% $states.input.a[b = 1].c %}"),
    OUTPUT("{% $states.input.a^(b).{x: c, d: $.e} %}"),
    OUTPUT("{% $states.input.a{b: $sum(c)} %}"),
    OUTPUT("{% $map($states.input.a, function($v) { $v.b }) %}"),
    OUTPUT("{% $states.input ~> |a|{x: b}| %}"),
    OUTPUT("{% ($eval := function($x) { $x }; $eval(1)) %}"),
    OUTPUT(" {% phone %} "),
    OUTPUT("$states.input.a"),
    JSONATA("'Type':'Task','Resource':'r:x','End':true,'Output':'{% $states.result %}','Assign':"
	    "{'a':'{% $states.result %}'},'Catch':[{'ErrorEquals':['E'],'Next':'S','Output':"
	    "'{% $states.errorOutput %}'}]"),
};

START_TEST(test_taken)
{
	asl_machine_unref(vector_machine(taken[_i]));
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("asl_query");
	TCase *tcase = tcase_create("query");

	tcase_add_loop_test(tcase, test_entered, 0, COUNT(entered));
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_item);
	tcase_add_loop_test(tcase, test_left, 0, COUNT(left));
	tcase_add_loop_test(tcase, test_unleavable, 0, COUNT(unleavable));
	tcase_add_loop_test(tcase, test_caught, 0, COUNT(caught));
	tcase_add_test(tcase, test_query_error);
	tcase_add_test(tcase, test_size);
	tcase_add_loop_test(tcase, test_refused, 0, COUNT(refused));
	tcase_add_loop_test(tcase, test_taken, 0, COUNT(taken));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
