#include "machine_vectors.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* A definition and what is said of it. */
struct fault {
	const char *definition; /* with ' for " */
	const char *code;
	const char *pointer;
	const char *message;
	const char *hint; /* NULL: none is expected */
};

#define SCHEMA "SCHEMA_VALIDATION_FAILED"
#define TARGET "MISSING_TRANSITION_TARGET"

#define STATES(s)     "{'StartAt':'S','States':{" s "}}"
#define STATE(fields) STATES("'S':{" fields "}")
#define PASS(fields)  STATE("'Type':'Pass','End':true," fields)
#define TASK(fields)  STATE("'Type':'Task','Resource':'tmflow:x','End':true," fields)
#define WAIT(fields)  STATE("'Type':'Wait','End':true," fields)
#define PROCESSOR     "'ItemProcessor':{'StartAt':'X','States':{'X':{'Type':'Succeed'}}}"
#define MAP(fields)   STATE("'Type':'Map','End':true," PROCESSOR "," fields)
#define RETRY(fields) TASK("'Retry':[{'ErrorEquals':['E']," fields "}]")
#define CHOICE(rule)                                                                               \
	STATES("'S':{'Type':'Choice','Choices':[" rule "],'Default':'T'},'T':{'Type':'Succeed'}")

static const struct fault faults[] = {
    /* the machine */
    {"[]", SCHEMA, "/", "Definition must be a valid JSON object", NULL},
    {"{}", SCHEMA, "/", "These fields are required: [States, StartAt]", NULL},
    {"{'States':{'S':{'Type':'Succeed'}}}", SCHEMA, "/", "These fields are required: [StartAt]",
	NULL},
    {"{'StartAt':'S','States':[]}", SCHEMA, "/States",
	"The field 'States' should have a value of type object", NULL},
    {"{'StartAt':'S','States':{'S':{'Type':'Succeed'}},'Coment':''}", SCHEMA, "/Coment",
	"unknown field \"Coment\"", "did you mean \"Comment\"?"},
    {"{'StartAt':'S','States':{'S':{'Type':'Succeed'}},'Version':'2.0'}", SCHEMA, "/Version",
	"The field 'Version' should have one of these values: [1.0]", NULL},
    {"{'StartAt':'S','States':{'S':{'Type':'Succeed'}},'TimeoutSeconds':0}", SCHEMA,
	"/TimeoutSeconds",
	"The field 'TimeoutSeconds' should have a value of type integer from 1 to 99999999", NULL},
    {"{'StartAt':'x','States':{'y':{'Type':'Succeed'}}}", TARGET, "/StartAt",
	"Missing 'StartAt' target: x", "did you mean \"y\"?"},

    /* query languages */
    {"{'QueryLanguage':'JSONata','StartAt':'S','States':{'S':{'QueryLanguage':'JSONPath'}}}",
	SCHEMA, "/States/S",
	"'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", NULL},
    {PASS("'QueryLanguage':'JSONpath'"), SCHEMA, "/States/S/QueryLanguage",
	"The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]",
	"did you mean \"JSONPath\"?"},
    {TASK("'Arguments':{}"), SCHEMA, "/States/S/Arguments",
	"The QueryLanguage is set to 'JSONPath', but field 'Arguments' is only supported for the "
	"'JSONata' QueryLanguage",
	NULL},

    /* states */
    {STATES("'S':1"), SCHEMA, "/States/S", "The field 'S' should have a value of type object",
	NULL},
    {STATE("'End':true"), SCHEMA, "/States/S", "These fields are required: [Type]", NULL},
    {STATE("'Type':'Pas'"), SCHEMA, "/States/S/Type",
	"The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, "
	"Choice, Parallel, Map]",
	"did you mean \"Pass\"?"},
    {STATE("'Type':'Pass'"), SCHEMA, "/States/S", "One of these fields is required: [Next, End]",
	NULL},
    {STATE("'Type':'Pass','Next':'S','End':true"), SCHEMA, "/States/S",
	"Only one of these fields is allowed: [Next, End]", NULL},
    {STATE("'Type':'Pass','End':false"), SCHEMA, "/States/S/End",
	"The field 'End' should have one of these values: [true]", NULL},
    {STATE("'Type':'Succeed','End':true"), SCHEMA, "/States/S/End",
	"The field 'End' is not supported in a Succeed state",
	"it belongs to Pass, Task, Wait, Parallel, Map"},
    {STATE("'Type':'Fail','ResultPath':'$.x'"), SCHEMA, "/States/S/ResultPath",
	"The field 'ResultPath' is not supported in a Fail state",
	"it belongs to Pass, Task, Parallel, Map"},
    {WAIT("'Seconds':1,'Parameters':{}"), SCHEMA, "/States/S/Parameters",
	"The field 'Parameters' is not supported in a Wait state",
	"it belongs to Pass, Task, Parallel, Map"},
    {PASS("'InputPat':'$'"), SCHEMA, "/States/S/InputPat", "unknown field \"InputPat\"",
	"did you mean \"InputPath\"?"},
    {STATE("'Type':'Pass','Next':'Sx'"), TARGET, "/States/S/Next", "Missing 'Next' target: Sx",
	"did you mean \"S\"?"},
    {STATES("'S':{'Type':'Pass','Next':'P'},'P':{'Type':'Parallel','End':true,'Branches':[{"
	    "'StartAt':'B','States':{'B':{'Type':'Pass','Next':'S'}}}]}"),
	TARGET, "/States/P/Branches/0/States/B/Next", "Missing 'Next' target: S",
	"that state is in another Branch, Map or level: a transition cannot leave its own States"},
    {STATES("'S':{'Type':'Map','End':true,'Iterator':{'StartAt':'S','States':{'S':{'Type':"
	    "'Succeed'}}}}"),
	"DUPLICATE_STATE_NAME", "/States/S/Iterator/States/S", "Duplicate State name: S",
	"names must be unique in the whole machine, Branches and Maps included"},
    {"{'StartAt':'','States':{'':{'Type':'Succeed'}}}", "INVALID_STATE_NAME", "/States/",
	"A state name should have 1 to 80 characters", NULL},
    {STATE("'Type':'Pass','Next':'S'"), "MISSING_END_STATE", "/States", "No terminal state",
	"one state must be a Succeed or Fail state or have \"End\": true"},

    /* paths and templates */
    {PASS("'InputPath':'bug$.a'"), SCHEMA, "/States/S/InputPath",
	"The value for the field 'InputPath' must be a valid JSONPath", "*"},
    {PASS("'InputPath':1"), SCHEMA, "/States/S/InputPath",
	"The field 'InputPath' should have a value of type string", NULL},
    {PASS("'ResultPath':'$v'"), SCHEMA, "/States/S/ResultPath",
	"The value for the field 'ResultPath' must be a valid reference path", "*"},
    {PASS("'ResultPath':'$.a[*]'"), SCHEMA, "/States/S/ResultPath",
	"The value for the field 'ResultPath' must be a valid reference path", "*"},
    {PASS("'Parameters':{'a.$':'ipsum'}"), SCHEMA, "/States/S/Parameters/a.$",
	"The value for the field 'a.$' must be a valid JSONPath or a valid intrinsic function call",
	"*"},
    {STATE("'Type':'Fail','CausePath':'States.Nope()'"), SCHEMA, "/States/S/CausePath",
	"The value for the field 'CausePath' must be a valid JSONPath or a valid intrinsic "
	"function call",
	"*"},
    {STATE("'Type':'Fail','Error':'E','ErrorPath':'$.e'"), SCHEMA, "/States/S",
	"Only one of these fields is allowed: [Error, ErrorPath]", NULL},
    {PASS("'Assign':[]"), SCHEMA, "/States/S/Assign",
	"The field 'Assign' should have a value of type object", NULL},
    {PASS("'Assign':{'a-b':1}"), SCHEMA, "/States/S/Assign/a-b",
	"'a-b' is not a valid variable name",
	"a letter or _, then letters, digits and _, 80 at most"},
    {PASS("'Assign':{'1a.$':'$.x'}"), SCHEMA, "/States/S/Assign/1a.$",
	"'1a.$' is not a valid variable name", "*"},
    {PASS("'Assign':{'states':1}"), SCHEMA, "/States/S/Assign/states",
	"The variable name 'states' is reserved", NULL},
    {STATES("'S':{'Type':'Pass','Assign':{'v':1},'Next':'M'},'M':{'Type':'Map','End':true,"
	    "'ItemProcessor':{'StartAt':'X','States':{'X':{'Type':'Pass','Assign':{'v.$':'$'},"
	    "'End':true}}}}"),
	SCHEMA, "/States/M/ItemProcessor/States/X/Assign/v.$",
	"The variable 'v' is already assigned outside this Branch or Map", "give it another name"},

    /* Task */
    {STATE("'Type':'Task','End':true"), SCHEMA, "/States/S",
	"These fields are required: [Resource]", NULL},
    {STATE("'Type':'Task','Resource':'','End':true"), "INVALID_RESOURCE", "/States/S/Resource",
	"The field 'Resource' should not be empty", NULL},
    {TASK("'TimeoutSeconds':1,'TimeoutSecondsPath':'$.t'"), SCHEMA, "/States/S",
	"Only one of these fields is allowed: [TimeoutSeconds, TimeoutSecondsPath]", NULL},
    {TASK("'TimeoutSeconds':5,'HeartbeatSeconds':5"), SCHEMA, "/States/S",
	"The field 'HeartbeatSeconds' should be smaller than 'TimeoutSeconds'", NULL},
    {TASK("'TimeoutSeconds':1.5"), SCHEMA, "/States/S/TimeoutSeconds",
	"The field 'TimeoutSeconds' should have a value of type integer from 1 to 99999999", NULL},

    /* Retry and Catch */
    {TASK("'Retry':{}"), SCHEMA, "/States/S/Retry",
	"The field 'Retry' should have a value of type array", NULL},
    {TASK("'Retry':[{}]"), SCHEMA, "/States/S/Retry/0", "These fields are required: [ErrorEquals]",
	NULL},
    {TASK("'Retry':[{'ErrorEquals':[]}]"), SCHEMA, "/States/S/Retry/0/ErrorEquals",
	"The field 'ErrorEquals' should not be an empty array", NULL},
    {RETRY("'BackoffRate':0.5"), SCHEMA, "/States/S/Retry/0/BackoffRate",
	"The field 'BackoffRate' should have a value of type number, at least 1", NULL},
    {RETRY("'MaxAttempts':-1"), SCHEMA, "/States/S/Retry/0/MaxAttempts",
	"The field 'MaxAttempts' should have a value of type integer from 0 to 99999999", NULL},
    {RETRY("'IntervalSeconds':0"), SCHEMA, "/States/S/Retry/0/IntervalSeconds",
	"The field 'IntervalSeconds' should have a value of type integer from 1 to 99999999", NULL},
    {RETRY("'MaxDelaySeconds':'5'"), SCHEMA, "/States/S/Retry/0/MaxDelaySeconds",
	"The field 'MaxDelaySeconds' should have a value of type integer from 1 to 31622400", NULL},
    {RETRY("'JitterStrategy':'FUL'"), SCHEMA, "/States/S/Retry/0/JitterStrategy",
	"The field 'JitterStrategy' should have one of these values: [FULL, NONE]",
	"did you mean \"FULL\"?"},
    {TASK("'Retry':[{'ErrorEquals':['States.ALL','E']}]"), SCHEMA, "/States/S/Retry/0/ErrorEquals",
	"States.ALL must appear alone and in the last entry", NULL},
    {TASK("'Catch':[{'ErrorEquals':['States.ALL'],'Next':'S'},{'ErrorEquals':['E'],'Next':'S'}]"),
	SCHEMA, "/States/S/Catch/0/ErrorEquals",
	"States.ALL must appear alone and in the last entry", NULL},
    {TASK("'Catch':[{'Error Equals':['E'],'Next':'S'}]"), SCHEMA, "/States/S/Catch/0",
	"These fields are required: [ErrorEquals]", NULL},
    {TASK("'Catch':[{'ErrorEquals':['E'],'Next':'Q'}]"), TARGET, "/States/S/Catch/0/Next",
	"Missing 'Next' target: Q", "did you mean \"S\"?"},

    /* Wait */
    {WAIT("'Comment':''"), SCHEMA, "/States/S",
	"One of these fields is required: [Seconds, SecondsPath, Timestamp, TimestampPath]", NULL},
    {WAIT("'Seconds':1,'Timestamp':'2026-01-01T00:00:00Z'"), SCHEMA, "/States/S",
	"Only one of these fields is allowed: [Seconds, Timestamp]", NULL},
    {WAIT("'Seconds':-1"), SCHEMA, "/States/S/Seconds",
	"The field 'Seconds' should have a value of type integer from 0 to 99999999", NULL},
    {WAIT("'Timestamp':'2016-13-05T21:29:29Z'"), SCHEMA, "/States/S/Timestamp",
	"String does not match RFC3339 timestamp", "such as 2026-01-15T12:00:00Z"},

    /* Map and Parallel */
    {STATE("'Type':'Map','End':true"), SCHEMA, "/States/S",
	"One of these fields is required: [ItemProcessor, Iterator]", NULL},
    {MAP("'Iterator':{'StartAt':'Y','States':{'Y':{'Type':'Succeed'}}}"), SCHEMA, "/States/S",
	"Only one of these fields is allowed: [ItemProcessor, Iterator]", NULL},
    {MAP("'ItemsPath':null"), SCHEMA, "/States/S/ItemsPath",
	"The field 'ItemsPath' should have a value of type string", NULL},
    {MAP("'Parameters':1,'ItemSelector':1"), SCHEMA, "/States/S",
	"Only one of these fields is allowed: [ItemSelector, Parameters]", NULL},
    {MAP("'ToleratedFailurePercentage':101"), SCHEMA, "/States/S/ToleratedFailurePercentage",
	"The field 'ToleratedFailurePercentage' should have a value of type number from 0 to 100",
	NULL},
    {MAP("'ItemReader':{}"), SCHEMA, "/States/S/ItemReader",
	"These fields are required: [Resource]", NULL},
    {MAP("'ItemReader':{'Resource':'r','ReaderConfig':{'MaxItem':1}}"), SCHEMA,
	"/States/S/ItemReader/ReaderConfig/MaxItem", "unknown field \"MaxItem\"",
	"did you mean \"MaxItems\"?"},
    {MAP("'ItemReader':{'Resource':'r','ReaderConfig':{'CSVHeaders':[1]}}"), SCHEMA,
	"/States/S/ItemReader/ReaderConfig/CSVHeaders/0",
	"The field 'CSVHeaders' should have a value of type string", NULL},
    {MAP("'ItemBatcher':{'MaxItemsPerBatch':1,'MaxItemsPerBatchPath':'$.n'}"), SCHEMA,
	"/States/S/ItemBatcher",
	"Only one of these fields is allowed: [MaxItemsPerBatch, MaxItemsPerBatchPath]", NULL},
    {MAP("'ResultWriter':1"), SCHEMA, "/States/S/ResultWriter",
	"The field 'ResultWriter' should have a value of type object", NULL},
    {STATE("'Type':'Map','End':true,'Iterator':{'StartAt':'X','States':{'X':{'Type':'Succeed'}},"
	   "'ProcessorConfig':{'Mode':'Inline'}}"),
	SCHEMA, "/States/S/Iterator/ProcessorConfig/Mode",
	"The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]",
	"did you mean \"INLINE\"?"},
    {STATE("'Type':'Map','End':true,'Iterator':{'StartAt':'X','States':{'X':{'Type':'Succeed'}},"
	   "'ProcessorConfig':{'Mode':'DISTRIBUTED'}}"),
	SCHEMA, "/States/S/Iterator/ProcessorConfig", "These fields are required: [ExecutionType]",
	NULL},
    {STATE("'Type':'Parallel','End':true,'Branches':[[]]"), SCHEMA, "/States/S/Branches/0",
	"The field 'Branches' should have a value of type object", NULL},
    {STATE("'Type':'Parallel','End':true,'Branches':[{'StartAt':'B','States':{'B':{'Type':"
	   "'Succeed'}},'TimeoutSeconds':1}]"),
	SCHEMA, "/States/S/Branches/0/TimeoutSeconds",
	"The field 'TimeoutSeconds' is not supported in a branch", NULL},
    {STATE("'Type':'Parallel','End':true,'Branches':[{'StartAt':'B','States':{'B':{'Type':'Pass',"
	   "'Next':'B'}}}]"),
	"MISSING_END_STATE", "/States/S/Branches/0/States", "No terminal state", "*"},

    /* Choice */
    {STATE("'Type':'Choice'"), SCHEMA, "/States/S", "These fields are required: [Choices]", NULL},
    {STATES("'S':{'Type':'Choice','Choices':[]}"), SCHEMA, "/States/S/Choices",
	"The field 'Choices' should not be an empty array", NULL},
    {CHOICE("{'Variable':'$.a','IsNull':true}"), SCHEMA, "/States/S/Choices/0",
	"These fields are required: [Next]", NULL},
    {CHOICE("{'Variable':'$.a','StringEqual':'x','Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/StringEqual", "unknown field \"StringEqual\"",
	"did you mean \"StringEquals\"?"},
    {CHOICE("{'Variable':'$.a','Next':'T'}"), SCHEMA, "/States/S/Choices/0",
	"A Choice Rule should have exactly one comparison operator, And, Or or Not", NULL},
    {CHOICE("{'Variable':'$.a','IsNull':true,'IsString':true,'Next':'T'}"), SCHEMA,
	"/States/S/Choices/0",
	"A Choice Rule should have exactly one comparison operator, And, Or or Not", NULL},
    {CHOICE("{'IsNull':true,'Next':'T'}"), SCHEMA, "/States/S/Choices/0",
	"These fields are required: [Variable]", NULL},
    {CHOICE("{'Variable':'$.a','Not':{'Variable':'$.a','IsNull':true},'Next':'T'}"), SCHEMA,
	"/States/S/Choices/0", "The field 'Variable' is not supported beside And, Or and Not",
	NULL},
    {CHOICE("{'And':[{'Variable':'$.a','IsNull':true,'Next':'T'}],'Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/And/0/Next",
	"The field 'Next' is not supported in a nested Choice Rule", NULL},
    {CHOICE("{'Variable':'$.a','StringEquals':1,'Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/StringEquals",
	"The field 'StringEquals' should have a value of type string", NULL},
    {CHOICE("{'Variable':'$.a','NumericLessThan':'1','Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/NumericLessThan",
	"The field 'NumericLessThan' should have a value of type number", NULL},
    {CHOICE("{'Variable':'$.a','IsPresent':'true','Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/IsPresent",
	"The field 'IsPresent' should have a value of type boolean", NULL},
    {CHOICE("{'Variable':'$.a','TimestampEquals':'yesterday','Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/TimestampEquals", "String does not match RFC3339 timestamp", "*"},
    {CHOICE("{'Variable':'$.a','StringEqualsPath':'b','Next':'T'}"), SCHEMA,
	"/States/S/Choices/0/StringEqualsPath",
	"The value for the field 'StringEqualsPath' must be a valid JSONPath", "*"},
    {CHOICE("{'Condition':'{% true %}','Next':'T'}"), SCHEMA, "/States/S/Choices/0/Condition",
	"The QueryLanguage is set to 'JSONPath', but field 'Condition' is only supported for the "
	"'JSONata' QueryLanguage",
	NULL},
};

static const struct fault warnings[] = {
    {STATES("'S':{'Type':'Succeed'},'U':{'Type':'Succeed'}"), TARGET, "/States/U",
	"State \"U\" is not reachable.", "AWS refuses such a definition"},
    {STATES("'S':{'Type':'Pass','Next':'S'},'U':{'Type':'Succeed'}"), "MISSING_END_STATE",
	"/States", "No terminal state can be reached from StartAt", NULL},
    {TASK("'Catch':[{'ErrorEquals':['States.Runtime'],'Next':'S'}]"), SCHEMA,
	"/States/S/Catch/0/ErrorEquals/0", "States.Runtime cannot be caught, not even by name",
	NULL},
    {TASK("'Retry':[{'ErrorEquals':['States.Runtime']}]"), SCHEMA,
	"/States/S/Retry/0/ErrorEquals/0", "States.Runtime cannot be retried, not even by name",
	NULL},
    {TASK("'Retry':[{'ErrorEquals':['State.ALL']}]"), SCHEMA, "/States/S/Retry/0/ErrorEquals/0",
	"No state reports the error 'State.ALL'", "did you mean \"States.ALL\"?"},
    {TASK("'Retry':[{'ErrorEquals':['States.Nonsense']}]"), SCHEMA,
	"/States/S/Retry/0/ErrorEquals/0", "No state reports the error 'States.Nonsense'", "*"},
    {MAP("'ItemReader':{'Resource':'r'}"), SCHEMA, "/States/S/ItemReader",
	"ItemReader with another Resource than s3:getObject or s3:listObjectsV2 runs on Step "
	"Functions only: a Map that has it fails here",
	NULL},
    {MAP("'ResultWriter':{'WriterConfig':{'OutputType':'JSON'}}"), SCHEMA, "/States/S/ResultWriter",
	"ResultWriter without Resource, with Transformation NONE or OutputType JSONL, runs on Step "
	"Functions only: a Map that has it fails here",
	NULL},
    {TASK("'Retry':[{'ErrorEquals':['E']},{'ErrorEquals':['F','E']}]"), SCHEMA,
	"/States/S/Retry/1/ErrorEquals/1", "The error 'E' is already handled by an earlier entry",
	NULL},
    {TASK("'Catch':[{'ErrorEquals':['States.TaskFailed'],'Next':'S'},"
	  "{'ErrorEquals':['States.Timeout','E'],'Next':'S'}]"),
	SCHEMA, "/States/S/Catch/1/ErrorEquals/1",
	"The error 'E' is already handled by States.TaskFailed in an earlier entry", NULL},
    {TASK("'Retry':[{'ErrorEquals':['States.NoChoiceMatched']}]"), SCHEMA,
	"/States/S/Retry/0/ErrorEquals/0",
	"A Task does not report the error 'States.NoChoiceMatched'", NULL},
    {PASS("'Parameters':{'a':[{'b':'$.x'}]}"), "NO_DOLLAR", "/States/S/Parameters/a/0/b",
	"The value of 'b' is a constant: it is evaluated only in 'b.$'", NULL},
    {PASS("'Result':{'a':[{'b.$':'$.x'}]}"), "PASS_RESULT_IS_STATIC", "/States/S/Result/a/0/b.$",
	"The key 'b.$' is a constant", "Parameters is evaluated, Result is not"},
    {STATE("'Type':'Map','End':true,'ItemProcessor':{'StartAt':'X','States':{'X':{'Type':"
	   "'Succeed'}},'ProcessorConfig':{'Mode':'DISTRIBUTED','ExecutionType':'STANDARD'}}"),
	SCHEMA, "/States/S", "Mode DISTRIBUTED runs in this process, without executions of its own",
	NULL},
};

/* Valid, and nothing to warn of. */
static const char *const clean[] = {
    "{'StartAt':'S','States':{'S':{'Type':'Succeed'}},'Version':'1.0','QueryLanguage':'JSONPath'}",
    PASS("'QueryLanguage':'JSONPath','InputPath':null,'OutputPath':null,'ResultPath':null"),
    PASS("'InputPath':'$$.Execution','OutputPath':'$v.x','ResultPath':'$.a[0]'"),
    PASS("'Assign':{'x':1,'_y.$':'$.x'},'Parameters':'I am a constant','Result':null"),
    TASK("'Retry':[],'Catch':[]"),
    TASK("'TimeoutSeconds':10.0,'HeartbeatSecondsPath':'$.h','Credentials':{'a.$':'$.b'}"),
    TASK("'Retry':[{'ErrorEquals':['Custom.Error'],'MaxAttempts':0,'BackoffRate':1}]"),
    MAP("'Label':'l','MaxConcurrency':0,'ToleratedFailurePercentagePath':'$.p'"),
    MAP("'ItemBatcher':{'MaxItemsPerBatchPath':'$.n','BatchInput':{'a.$':'$.b'}}"),
    MAP("'ItemReader':{'Resource':'arn:aws:states:::s3:getObject','Parameters':{'Bucket':"
	"'file://d','Key.$':'$.k'},'ReaderConfig':{'InputType':'CSV','CSVHeaderLocation':'GIVEN',"
	"'CSVHeaders':['a'],'CSVDelimiter':'TAB','MaxItemsPath':'$.n'}}"),
    STATE("'Type':'Parallel','End':true,'Branches':[]"),
    CHOICE("{'And':[{'Not':{'Variable':'$','IsNull':true,'Comment':'c'}}],'Next':'T'}"),
};

/* A definition with ' for ", compiled. */
struct compiled {
	struct doc *doc;
	struct diag_list diags;
	struct asl_machine *machine;
};

static void
compile_text(struct compiled *c, const char *text)
{
	char *json = mem_strdup(text);
	struct tmf_err err = {0};

	for (char *p = json; *p != '\0'; p++) {
		if (*p == '\'')
			*p = '"';
	}
	c->doc = doc_parse("definition.json", str_of(json), &err);
	ck_assert_msg(c->doc != NULL, "%s: %s", json, tmf_err_text(&err));
	diag_list_init(&c->diags, c->doc);
	c->machine = asl_compile(c->doc, NULL, &c->diags);
	ck_assert((c->machine == NULL) == (c->diags.errors > 0));
	free(json);
}

static void
compiled_fini(struct compiled *c)
{
	asl_machine_unref(c->machine);
	diag_list_fini(&c->diags);
	doc_free(c->doc);
}

static bool
is_said(const struct diag *diag, const struct fault *fault, enum diag_severity severity)
{
	if (diag->severity != severity || strcmp(diag->pointer, fault->pointer) != 0 ||
	    strcmp(diag->message, fault->message) != 0 || strcmp(diag->code, fault->code) != 0)
		return false;
	if (fault->hint == NULL || diag->hint == NULL)
		return fault->hint == diag->hint;
	return strcmp(fault->hint, "*") == 0 || strcmp(fault->hint, diag->hint) == 0;
}

static void
expect_said(const struct fault *fault, enum diag_severity severity)
{
	struct compiled c;
	bool found = false;

	compile_text(&c, fault->definition);
	for (size_t i = 0; i < c.diags.count; i++)
		found = found || is_said(&c.diags.at[i], fault, severity);
	if (!found)
		diag_print(&c.diags, stdout);
	ck_assert_msg(found, "%s: %s at %s", fault->definition, fault->message, fault->pointer);
	compiled_fini(&c);
}

START_TEST(test_faults)
{
	expect_said(&faults[_i], DIAG_ERROR);
}
END_TEST

START_TEST(test_warnings)
{
	struct compiled c;

	expect_said(&warnings[_i], DIAG_WARNING);
	compile_text(&c, warnings[_i].definition);
	ck_assert_uint_eq(c.diags.errors, 0);
	compiled_fini(&c);
}
END_TEST

START_TEST(test_clean)
{
	struct compiled c;

	compile_text(&c, clean[_i]);
	diag_print(&c.diags, stdout);
	ck_assert_uint_eq(c.diags.errors + c.diags.warnings, 0);
	compiled_fini(&c);
}
END_TEST

START_TEST(test_every_fault_at_once)
{
	struct compiled c;

	compile_text(&c, "{'StartAt':'Q','Foo':1,'States':{'A':{'Type':'Pass','Next':'Nope',"
			 "'InputPath':'x'},'B':{'Type':'Wait','Seconds':'1','End':true},"
			 "'C':{'Type':'None'}}}");
	ck_assert_uint_eq(c.diags.errors, 6);
	compiled_fini(&c);
}
END_TEST

START_TEST(test_place_in_yaml)
{
	static const char yaml[] = "StartAt: A\n"
				   "States:\n"
				   "  A:\n"
				   "    Type: Pass\n"
				   "    Nxt: B\n"
				   "    InputPath: nowhere\n";
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("w.yaml", STR(yaml), &err);
	struct diag_list diags;

	ck_assert_ptr_nonnull(doc);
	diag_list_init(&diags, doc);
	ck_assert_ptr_null(asl_compile(doc, NULL, &diags));
	ck_assert_uint_eq(diags.count, 3);
	ck_assert_str_eq(diags.at[0].pointer, "/States/A/Nxt");
	ck_assert_uint_eq(diags.at[0].pos.line, 5);
	ck_assert_uint_eq(diags.at[0].pos.column, 5);
	ck_assert_uint_eq(diags.at[1].pos.line, 6);
	ck_assert_uint_eq(diags.at[1].pos.column, 16);
	diag_list_fini(&diags);
	doc_free(doc);
}
END_TEST

static const struct asl_state *
find(const struct asl_machine *machine, const char *name)
{
	const struct asl_state *state = asl_machine_find(machine, name);

	ck_assert_msg(state != NULL, "%s", name);
	ck_assert_ptr_eq(asl_machine_state(machine, state->index), state);
	return state;
}

static const char everything[] =
    "{'Comment':'m','StartAt':'P','TimeoutSeconds':60,'States':{"
    "'P':{'Type':'Pass','Comment':'p','InputPath':null,'Result':[1],'ResultPath':'$.r',"
    "'OutputPath':'$.r','Assign':{'v':1},'Next':'T'},"
    "'T':{'Type':'Task','Resource':'tmflow:do','TimeoutSecondsPath':'$.t','HeartbeatSeconds':3,"
    "'Parameters':{'a':1},'ResultSelector':{'b.$':'$'},'ResultPath':null,"
    "'Credentials':{'RoleArn':'r'},"
    "'Retry':[{'ErrorEquals':['A','B'],'IntervalSeconds':2,'MaxAttempts':4,'BackoffRate':1.5,"
    "'MaxDelaySeconds':9,'JitterStrategy':'FULL'},{'ErrorEquals':['States.ALL']}],"
    "'Catch':[{'ErrorEquals':['States.ALL'],'ResultPath':null,'Assign':{'e.$':'$.Error'},"
    "'Next':'F'}],'Next':'C'},"
    "'C':{'Type':'Choice','Choices':[{'Variable':'$.x','NumericEqualsPath':'$.y','Next':'W',"
    "'Assign':{'c':1}},{'Not':{'Variable':'$.x','IsNull':true},'Next':'U'}],'Default':'M'},"
    "'W':{'Type':'Wait','Timestamp':'1970-01-01T00:00:01Z','Next':'M'},"
    "'U':{'Type':'Wait','Seconds':5,'End':true},"
    "'M':{'Type':'Map','ItemProcessor':{'Comment':'i','ProcessorConfig':{'Mode':'INLINE'},"
    "'StartAt':'M1','States':{'M1':{'Type':'Pass','Next':'M2'},'M2':{'Type':'Pass','End':true}}},"
    "'ItemsPath':'$.items','ItemSelector':{'i':1},'MaxConcurrency':7,"
    "'ToleratedFailureCountPath':'$.n','ToleratedFailurePercentage':2.5,'Next':'L'},"
    "'L':{'Type':'Parallel','Branches':[{'StartAt':'B1','States':{'B1':{'Type':'Succeed'}}},"
    "{'StartAt':'B2','States':{'B2':{'Type':'Succeed'}}}],'Next':'S'},"
    "'S':{'Type':'Succeed'},"
    "'F':{'Type':'Fail','Error':'E','CausePath':'States.UUID()'}}}";

START_TEST(test_pass_and_machine)
{
	struct asl_machine *machine = vector_machine(everything);
	const struct asl_state *state = find(machine, "P");

	ck_assert_str_eq(asl_machine_comment(machine), "m");
	ck_assert_int_eq(asl_machine_timeout_seconds(machine), 60);
	ck_assert_uint_eq(asl_machine_state_count(machine), 13);
	ck_assert_ptr_eq(asl_machine_states(machine)->start, state);
	ck_assert_uint_eq(asl_machine_states(machine)->count, 9);
	ck_assert_ptr_null(asl_machine_find(machine, "none"));
	ck_assert(json_is_object(asl_machine_json(machine)));
	ck_assert_int_eq(state->type, ASL_PASS);
	ck_assert_str_eq(asl_state_type_name(state->type), "Pass");
	ck_assert_str_eq(state->name, "P");
	ck_assert_str_eq(state->comment, "p");
	ck_assert_str_eq(state->pointer, "/States/P");
	ck_assert_ptr_eq(state->scope, asl_machine_states(machine));
	ck_assert(state->input_discard && state->input_path == NULL);
	ck_assert(json_array_size(state->u.pass.result) == 1);
	ck_assert_str_eq(asl_path_text(state->result_path), "$.r");
	ck_assert_str_eq(asl_path_text(state->output_path), "$.r");
	ck_assert_ptr_nonnull(state->assign);
	ck_assert_ptr_eq(state->next, find(machine, "T"));
	asl_machine_unref(asl_machine_ref(machine));
	asl_machine_unref(machine);
}
END_TEST

START_TEST(test_task)
{
	struct asl_machine *machine = vector_machine(everything);
	const struct asl_state *state = find(machine, "T");

	ck_assert_str_eq(state->u.task.resource, "tmflow:do");
	ck_assert_str_eq(state->u.task.action, "do");
	ck_assert_str_eq(asl_path_text(state->u.task.timeout_seconds.path), "$.t");
	ck_assert_int_eq(state->u.task.heartbeat_seconds.value, 3);
	ck_assert(state->u.task.timeout_seconds.given && state->u.task.heartbeat_seconds.given);
	ck_assert(state->result_discard && state->result_path == NULL);
	ck_assert(state->parameters != NULL && state->result_selector != NULL);
	ck_assert_ptr_nonnull(state->u.task.credentials);
	ck_assert_uint_eq(state->retry_count, 2);
	ck_assert_str_eq(state->retry[0].errors[1], "B");
	ck_assert_ptr_null(state->retry[0].errors[2]);
	ck_assert_int_eq(state->retry[0].interval_seconds, 2);
	ck_assert_int_eq(state->retry[0].max_attempts, 4);
	ck_assert_double_eq(state->retry[0].backoff_rate, 1.5);
	ck_assert_int_eq(state->retry[0].max_delay_seconds, 9);
	ck_assert_int_eq(state->retry[0].jitter, ASL_JITTER_FULL);
	ck_assert_int_eq(state->retry[1].interval_seconds, 1);
	ck_assert_int_eq(state->retry[1].max_attempts, 3);
	ck_assert_double_eq(state->retry[1].backoff_rate, 2.0);
	ck_assert_int_eq(state->retry[1].jitter, ASL_JITTER_NONE);
	ck_assert_uint_eq(state->catcher_count, 1);
	ck_assert(state->catchers[0].result_discard && state->catchers[0].assign != NULL);
	ck_assert_ptr_eq(state->catchers[0].next, find(machine, "F"));
	asl_machine_unref(machine);
}
END_TEST

START_TEST(test_choice_and_wait)
{
	struct asl_machine *machine = vector_machine(everything);
	const struct asl_state *choice = find(machine, "C");
	const struct asl_state *wait = find(machine, "W");

	ck_assert_uint_eq(choice->u.choice.rule_count, 2);
	ck_assert_int_eq(choice->u.choice.rules[0].kind, ASL_RULE_COMPARE);
	ck_assert_ptr_nonnull(choice->u.choice.rules[0].operand_path);
	ck_assert_ptr_nonnull(choice->u.choice.rules[0].assign);
	ck_assert_ptr_eq(choice->u.choice.rules[0].next, wait);
	ck_assert_int_eq(choice->u.choice.rules[1].kind, ASL_RULE_NOT);
	ck_assert_uint_eq(choice->u.choice.rules[1].child_count, 1);
	ck_assert_ptr_eq(choice->u.choice.otherwise, find(machine, "M"));
	ck_assert(wait->u.wait.timestamp_given && !wait->u.wait.seconds.given);
	ck_assert_int_eq(wait->u.wait.timestamp.seconds, 1);
	ck_assert_int_eq(find(machine, "U")->u.wait.seconds.value, 5);
	ck_assert_ptr_null(find(machine, "U")->next);
	asl_machine_unref(machine);
}
END_TEST

START_TEST(test_nested)
{
	struct asl_machine *machine = vector_machine(everything);
	const struct asl_state *map = find(machine, "M");
	const struct asl_state *parallel = find(machine, "L");
	const struct asl_states *processor = map->u.map.processor;
	const struct asl_state *fail = find(machine, "F");

	ck_assert_str_eq(processor->comment, "i");
	ck_assert_ptr_eq(processor->start, find(machine, "M1"));
	ck_assert_ptr_eq(find(machine, "M1")->scope, processor);
	ck_assert_str_eq(find(machine, "M2")->pointer, "/States/M/ItemProcessor/States/M2");
	ck_assert_str_eq(asl_path_text(map->u.map.items_path), "$.items");
	ck_assert_ptr_nonnull(map->parameters);
	ck_assert_int_eq(map->u.map.max_concurrency.value, 7);
	ck_assert_ptr_nonnull(map->u.map.tolerated_failure_count.path);
	ck_assert(map->u.map.tolerated_failure_percentage_given && !map->u.map.distributed);
	ck_assert_double_eq(map->u.map.tolerated_failure_percentage, 2.5);
	ck_assert_uint_eq(parallel->u.parallel.branch_count, 2);
	ck_assert_ptr_eq(parallel->u.parallel.branches[1]->start, find(machine, "B2"));
	ck_assert_str_eq(fail->u.fail.error, "E");
	ck_assert_ptr_null(fail->u.fail.cause);
	ck_assert_str_eq(asl_expr_text(fail->u.fail.cause_path), "States.UUID()");
	asl_machine_unref(machine);
}
END_TEST

static void
count_check(void *arg, const struct asl_state *state, json_t *definition, const char *pointer,
    struct diag_list *diags)
{
	int *count = arg;

	++*count;
	ck_assert_str_eq(state->u.task.action, "x");
	ck_assert_str_eq(jsonx_get_string(definition, "Resource"), "tmflow:x");
	diag_add(diags, DIAG_ERROR, "INVALID_RESOURCE", pointer, DIAG_AT_VALUE, NULL, "no such");
}

START_TEST(test_resources_are_asked)
{
	static const char text[] = "{\"StartAt\":\"S\",\"States\":{\"S\":{\"Type\":\"Task\","
				   "\"Resource\":\"tmflow:x\",\"End\":true}}}";
	int count = 0;
	struct asl_resources resources = {.check = count_check, .arg = &count};
	struct doc *doc = doc_parse("t", STR(text), NULL);
	struct diag_list diags;

	diag_list_init(&diags, doc);
	ck_assert_ptr_null(asl_compile(doc, &resources, &diags));
	ck_assert_int_eq(count, 1);
	ck_assert_str_eq(diags.at[0].pointer, "/States/S");
	diag_list_fini(&diags);
	doc_free(doc);
}
END_TEST

/* --- limits --- */

static void
expect_name(size_t chars, bool valid)
{
	struct buf text = {0};
	struct compiled c;

	buf_add_cstr(&text, "{'StartAt':'S','States':{'S':{'Type':'Pass','Next':'");
	for (size_t i = 0; i < chars; i++)
		buf_add_cstr(&text, "\xc3\xa9");
	buf_add_cstr(&text, "'},'");
	for (size_t i = 0; i < chars; i++)
		buf_add_cstr(&text, "\xc3\xa9");
	buf_add_cstr(&text, "':{'Type':'Succeed'}}}");
	compile_text(&c, buf_cstr(&text));
	ck_assert((c.machine != NULL) == valid);
	compiled_fini(&c);
	buf_fini(&text);
}

START_TEST(test_name_limit)
{
	expect_name(ASL_STATE_NAME_CHARS_MAX, true);
	expect_name(ASL_STATE_NAME_CHARS_MAX + 1, false);
}
END_TEST

static void
expect_nesting(unsigned levels, bool valid)
{
	struct buf text = {0};
	struct compiled c;

	for (unsigned i = 1; i < levels; i++)
		buf_printf(&text,
		    "{'StartAt':'M%u','States':{'M%u':{'Type':'Map','End':true,'Iterator':", i, i);
	buf_add_cstr(&text, "{'StartAt':'S','States':{'S':{'Type':'Succeed'}}}");
	for (unsigned i = 1; i < levels; i++)
		buf_add_cstr(&text, "}}}");
	compile_text(&c, buf_cstr(&text));
	ck_assert((c.machine != NULL) == valid);
	if (!valid)
		ck_assert_str_eq(c.diags.at[0].code, "TOO_DEEPLY_NESTED");
	compiled_fini(&c);
	buf_fini(&text);
}

static void
expect_states(unsigned count, bool valid)
{
	struct buf text = {0};
	struct compiled c;

	buf_add_cstr(&text, "{'StartAt':'s1','States':{");
	for (unsigned i = 1; i < count; i++)
		buf_printf(&text, "'s%u':{'Type':'Pass','Next':'s%u'},", i, i + 1);
	buf_printf(&text, "'s%u':{'Type':'Succeed'}}}", count);
	compile_text(&c, buf_cstr(&text));
	ck_assert((c.machine != NULL) == valid);
	ck_assert_uint_eq(c.diags.warnings, 0);
	compiled_fini(&c);
	buf_fini(&text);
}

START_TEST(test_limits)
{
	expect_nesting(ASL_NESTING_MAX, true);
	expect_nesting(ASL_NESTING_MAX + 1, false);
	expect_states(ASL_STATES_MAX, true);
	expect_states(ASL_STATES_MAX + 1, false);
}
END_TEST

/* --- what others judged --- */

struct tally {
	int recorded;
	int recorded_wrong;
	int judged;
	int judged_wrong;
};

static bool
is_valid(const json_t *corpus_case)
{
	const char *raw = jsonx_get_string(corpus_case, "definition_text");
	char *text =
	    raw != NULL ? mem_strdup(raw) : jsonx_text(json_object_get(corpus_case, "definition"));
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("definition.json", str_of(text), &err);
	struct diag_list diags;
	struct asl_machine *machine = NULL;

	if (doc != NULL) {
		diag_list_init(&diags, doc);
		machine = asl_compile(doc, NULL, &diags);
		diag_list_fini(&diags);
	}
	asl_machine_unref(machine);
	doc_free(doc);
	tmf_err_fini(&err);
	free(text);
	return machine != NULL;
}

static void
judge(void *arg, json_t *corpus_case)
{
	struct tally *tally = arg;
	bool valid = json_is_true(json_object_get(json_object_get(corpus_case, "expect"), "valid"));
	bool recorded = strcmp(jsonx_get_string(corpus_case, "evidence"), "aws-recorded") == 0;
	bool wrong;

	wrong = is_valid(corpus_case) != valid;
	if (wrong)
		printf("%s should be %s: %s\n", jsonx_get_string(corpus_case, "id"),
		    valid ? "valid" : "invalid", jsonx_get_string(corpus_case, "note"));
	*(recorded ? &tally->recorded : &tally->judged) += 1;
	*(recorded ? &tally->recorded_wrong : &tally->judged_wrong) += wrong;
}

START_TEST(test_recorded_judgements)
{
	struct tally tally = {0};

	if (vector_each_case(TEST_SHARED_DIR "/asl-conformance/validation", judge, &tally) == 0)
		return;
	printf("%d definitions recorded by AWS, %d of them judged otherwise; %d others, %d\n",
	    tally.recorded, tally.recorded_wrong, tally.judged, tally.judged_wrong);
	ck_assert_int_gt(tally.recorded, 100);
	ck_assert_int_eq(tally.recorded_wrong, 0);
	ck_assert_int_le(tally.judged_wrong, tally.judged / 20);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("asl_machine");
	TCase *tcase = tcase_create("machine");
	int failed;

	tcase_add_loop_test(tcase, test_faults, 0, COUNT(faults));
	tcase_add_loop_test(tcase, test_warnings, 0, COUNT(warnings));
	tcase_add_loop_test(tcase, test_clean, 0, COUNT(clean));
	tcase_add_test(tcase, test_every_fault_at_once);
	tcase_add_test(tcase, test_place_in_yaml);
	tcase_add_test(tcase, test_pass_and_machine);
	tcase_add_test(tcase, test_task);
	tcase_add_test(tcase, test_choice_and_wait);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_resources_are_asked);
	tcase_add_test(tcase, test_name_limit);
	tcase_add_test(tcase, test_limits);
	tcase_add_test(tcase, test_recorded_judgements);
	suite_add_tcase(suite, tcase);
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
