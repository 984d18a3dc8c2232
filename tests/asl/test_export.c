#include "machine_vectors.h"

#include "asl/export/export.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

#define ARN "arn:aws:states:us-east-1:123456789012:activity:a"

struct vector {
	const char *state;    /* S of the machine */
	const char *activity; /* what is left of it for an activity */
	const char *function; /* and for a Lambda function; NULL: the same */
};

#define CALL "'Type':'Task','Resource':'" ARN "','Parameters':"
#define LAMBDA_RETRIER(names)                                                                      \
	"{'ErrorEquals':[" names "],'IntervalSeconds':1,'MaxDelaySeconds':30,'MaxAttempts':8,"     \
	"'BackoffRate':2,'JitterStrategy':'FULL'}"
#define LAMBDA_ALL                                                                                 \
	LAMBDA_RETRIER("'Lambda.ServiceException','Lambda.AWSLambdaException',"                    \
		       "'Lambda.SdkClientException','Lambda.TooManyRequestsException'")
#define LAMBDA_OTHERS LAMBDA_RETRIER("'Lambda.AWSLambdaException','Lambda.SdkClientException'")
#define RETRY	      "'Retry':[" LAMBDA_ALL "]"

static const struct vector vectors[] = {
    /* Without Parameters the input is the state's input; time-outs are added. */
    {"{'Type':'Task','Resource':'tmflow:log','Next':'T'}",
	"{" CALL "{'action':'log','input.$':'$'},'Next':'T','TimeoutSeconds':3600,"
	"'HeartbeatSeconds':60}",
	"{" CALL "{'action':'log','input.$':'$'},'Next':'T','TimeoutSeconds':900," RETRY "}"},
    /* The same in JSONata. */
    {"{'QueryLanguage':'JSONata','Type':'Task','Resource':'tmflow:log','Next':'T'}",
	"{'QueryLanguage':'JSONata','Type':'Task','Resource':'" ARN "','Arguments':{'action':'log',"
	"'input':'{% $states.input %}'},'Next':'T','TimeoutSeconds':3600,'HeartbeatSeconds':60}",
	"{'QueryLanguage':'JSONata','Type':'Task','Resource':'" ARN "','Arguments':{'action':'log',"
	"'input':'{% $states.input %}'},'Next':'T','TimeoutSeconds':900," RETRY "}"},
    {"{'QueryLanguage':'JSONata','Type':'Task','Resource':'tmflow:log','Arguments':"
     "'{% $states.input.a %}','TimeoutSeconds':'{% 5 %}','Next':'T'}",
	"{'QueryLanguage':'JSONata','Type':'Task','Resource':'" ARN "','Arguments':{'action':'log',"
	"'input':'{% $states.input.a %}'},'TimeoutSeconds':'{% 5 %}','Next':'T'}",
	"{'QueryLanguage':'JSONata','Type':'Task','Resource':'" ARN "','Arguments':{'action':'log',"
	"'input':'{% $states.input.a %}'},'TimeoutSeconds':'{% 5 %}','Next':'T'," RETRY "}"},
    /* Parameters go down one level, with what is to be evaluated in them; all else stays. */
    {"{'Type':'Task','Resource':'tmflow:match','InputPath':'$.a','Parameters':{'Instances.$':'$.i',"
     "'Hook':null},'ResultSelector':{'M.$':'$.M'},'ResultPath':null,'OutputPath':'$.o',"
     "'Retry':[{'ErrorEquals':['X'],'MaxAttempts':2}],'Catch':[{'ErrorEquals':['States.ALL'],"
     "'Next':'T'}],'TimeoutSeconds':30,'HeartbeatSeconds':10,'Next':'T'}",
	"{'Type':'Task','Resource':'" ARN "','InputPath':'$.a','Parameters':{'action':'match',"
	"'input':{'Instances.$':'$.i','Hook':null}},'ResultSelector':{'M.$':'$.M'},"
	"'ResultPath':null,'OutputPath':'$.o','Retry':[{'ErrorEquals':['X'],'MaxAttempts':2}],"
	"'Catch':[{'ErrorEquals':['States.ALL'],'Next':'T'}],'TimeoutSeconds':30,"
	"'HeartbeatSeconds':10,'Next':'T'}",
	"{'Type':'Task','Resource':'" ARN "','InputPath':'$.a','Parameters':{'action':'match',"
	"'input':{'Instances.$':'$.i','Hook':null}},'ResultSelector':{'M.$':'$.M'},"
	"'ResultPath':null,'OutputPath':'$.o','Retry':[" LAMBDA_ALL
	",{'ErrorEquals':['X'],'MaxAttempts':2}],"
	"'Catch':[{'ErrorEquals':['States.ALL'],'Next':'T'}],'TimeoutSeconds':30,'Next':'T'}"},
    /* What the workflow says of Lambda's errors itself holds; States.ALL stays the last. */
    {"{'Type':'Task','Resource':'tmflow:log','TimeoutSeconds':1,'Retry':[{'ErrorEquals':["
     "'Lambda.ServiceException','Lambda.TooManyRequestsException']},{'ErrorEquals':["
     "'States.ALL']}],'End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSeconds':1,'Retry':[{'ErrorEquals':["
	"'Lambda.ServiceException','Lambda.TooManyRequestsException']},{'ErrorEquals':["
	"'States.ALL']}],'End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSeconds':1,'Retry':[" LAMBDA_OTHERS
	",{'ErrorEquals':['Lambda.ServiceException','Lambda.TooManyRequestsException']}"
	",{'ErrorEquals':['States.ALL']}],'End':true}"},
    /* The heartbeat is the shorter one, or there is none. */
    {"{'Type':'Task','Resource':'tmflow:log','TimeoutSeconds':20,'End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSeconds':20,'End':true,"
	"'HeartbeatSeconds':19}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSeconds':20,'End':true," RETRY "}"},
    {"{'Type':'Task','Resource':'tmflow:log','TimeoutSeconds':1,'End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSeconds':1,'End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSeconds':1,'End':true," RETRY "}"},
    {"{'Type':'Task','Resource':'tmflow:log','HeartbeatSeconds':7200,'End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'HeartbeatSeconds':7200,'End':true,"
	"'TimeoutSeconds':7201}",
	"{" CALL "{'action':'log','input.$':'$'},'End':true,'TimeoutSeconds':900," RETRY "}"},
    {"{'Type':'Task','Resource':'tmflow:log','TimeoutSecondsPath':'$.t','End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSecondsPath':'$.t','End':true}",
	"{" CALL "{'action':'log','input.$':'$'},'TimeoutSecondsPath':'$.t','End':true," RETRY "}"},
    /* In a Map, in either spelling, and in a Parallel's branches. */
    {"{'Type':'Map','Iterator':{'StartAt':'A','States':{'A':{'Type':'Task',"
     "'Resource':'tmflow:log','TimeoutSeconds':1,'End':true}}},'End':true}",
	"{'Type':'Map','Iterator':{'StartAt':'A','States':{'A':{" CALL
	"{'action':'log','input.$':'$'},'TimeoutSeconds':1,'End':true}}},'End':true}",
	"{'Type':'Map','Iterator':{'StartAt':'A','States':{'A':{" CALL
	"{'action':'log','input.$':'$'},'TimeoutSeconds':1,'End':true," RETRY "}}},'End':true}"},
    {"{'Type':'Parallel','Branches':[{'StartAt':'A','States':{'A':{'Type':'Map','ItemProcessor':"
     "{'ProcessorConfig':{'Mode':'INLINE'},'StartAt':'B','States':{'B':{'Type':'Task',"
     "'Resource':'tmflow:log','TimeoutSeconds':1,'End':true}}},'End':true}}},"
     "{'StartAt':'C','States':{'C':{'Type':'Pass','End':true}}}],'End':true}",
	"{'Type':'Parallel','Branches':[{'StartAt':'A','States':{'A':{'Type':'Map','ItemProcessor':"
	"{'ProcessorConfig':{'Mode':'INLINE'},'StartAt':'B','States':{'B':{" CALL
	"{'action':'log','input.$':'$'},'TimeoutSeconds':1,'End':true}}},'End':true}}},"
	"{'StartAt':'C','States':{'C':{'Type':'Pass','End':true}}}],'End':true}",
	"{'Type':'Parallel','Branches':[{'StartAt':'A','States':{'A':{'Type':'Map','ItemProcessor':"
	"{'ProcessorConfig':{'Mode':'INLINE'},'StartAt':'B','States':{'B':{" CALL
	"{'action':'log','input.$':'$'},'TimeoutSeconds':1,'End':true," RETRY "}}},'End':true}}},"
	"{'StartAt':'C','States':{'C':{'Type':'Pass','End':true}}}],'End':true}"},
    /* What is not ours is left alone, also where it says tmflow: as data. */
    {"{'Type':'Task','Resource':'arn:aws:states:::sqs:sendMessage','Parameters':{'a':1},"
     "'End':true}",
	"{'Type':'Task','Resource':'arn:aws:states:::sqs:sendMessage','Parameters':{'a':1},"
	"'End':true}",
	NULL},
    {"{'Type':'Pass','Result':{'Type':'Task','Resource':'tmflow:log'},'End':true}",
	"{'Type':'Pass','Result':{'Type':'Task','Resource':'tmflow:log'},'End':true}", NULL},
};

static json_t *
parse(const char *text)
{
	char *json = strdup(text);
	json_t *value;

	for (char *c = json; *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	value = jsonx_parse(str_of(json), NULL);
	ck_assert_msg(value != NULL, "%s", text);
	free(json);
	return value;
}

static void
check_export(const struct vector *vector, enum asl_export_kind kind, const char *expected)
{
	struct asl_machine *machine = vector_state(vector->state);
	char *before = jsonx_text(asl_machine_json(machine));
	const struct asl_export_opts opts = {.kind = kind, .resource = ARN};
	json_t *exported = asl_export(machine, &opts);
	json_t *state = json_object_get(json_object_get(exported, "States"), "S");
	json_t *want = parse(expected);
	char *got = jsonx_text(state);
	char *after = jsonx_text(asl_machine_json(machine));

	ck_assert_msg(
	    json_equal(state, want), "%s\n  gave %s\n  not  %s", vector->state, got, expected);
	ck_assert_str_eq(before, after); /* the machine itself is untouched */
	free(before);
	free(after);
	free(got);
	json_decref(want);
	json_decref(exported);
	asl_machine_unref(machine);
}

START_TEST(test_export)
{
	const struct vector *vector = &vectors[_i];

	check_export(vector, ASL_EXPORT_ACTIVITY, vector->activity);
	check_export(vector, ASL_EXPORT_FUNCTION,
	    vector->function != NULL ? vector->function : vector->activity);
}
END_TEST

/* Only Maps of the top level are distributed, in either spelling; the machine itself is
 * untouched. */
START_TEST(test_distributed)
{
	const struct asl_export_opts opts = {
	    .kind = ASL_EXPORT_ACTIVITY, .resource = ARN, .distributed = true};
	const char *inner = "'StartAt':'A','States':{'A':{'Type':'Map','ItemProcessor':{"
			    "'StartAt':'B','States':{'B':{'Type':'Succeed'}}},'End':true}}";
	const char *config = "'ProcessorConfig':{'Mode':'DISTRIBUTED','ExecutionType':'STANDARD'}";
	const char *spellings[] = {"Iterator", "ItemProcessor"};

	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		char *text = mem_printf(
		    "{'Type':'Map','MaxConcurrency':4,'%s':{%s},'End':true}", spellings[i], inner);
		char *wanted = mem_printf(
		    "{'Type':'Map','MaxConcurrency':4,'ItemProcessor':{%s,%s},'End':true}", inner,
		    config);
		struct asl_machine *machine = vector_state(text);
		char *before = jsonx_text(asl_machine_json(machine));
		json_t *exported = asl_export(machine, &opts);
		json_t *want = parse(wanted);
		char *after = jsonx_text(asl_machine_json(machine));

		ck_assert(
		    json_equal(json_object_get(json_object_get(exported, "States"), "S"), want));
		ck_assert_str_eq(before, after);
		free(text);
		free(wanted);
		free(before);
		free(after);
		json_decref(want);
		json_decref(exported);
		asl_machine_unref(machine);
	}
}
END_TEST

START_TEST(test_top_level_stays)
{
	struct asl_machine *machine =
	    vector_machine("{'Comment':'c','StartAt':'A','TimeoutSeconds':9,'Version':'1.0',"
			   "'States':{'A':{'Type':'Succeed'}}}");
	const struct asl_export_opts opts = {.kind = ASL_EXPORT_ACTIVITY, .resource = ARN};
	json_t *exported = asl_export(machine, &opts);

	ck_assert(json_equal(exported, asl_machine_json(machine)));
	json_decref(exported);
	asl_machine_unref(machine);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("asl_export");
	TCase *cases = tcase_create("export");

	tcase_add_loop_test(cases, test_export, 0, sizeof(vectors) / sizeof(vectors[0]));
	tcase_add_test(cases, test_distributed);
	tcase_add_test(cases, test_top_level_stays);
	suite_add_tcase(suite, cases);
	return run_suite(suite);
}
