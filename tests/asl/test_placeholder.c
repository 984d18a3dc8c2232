#include "asl_vectors.h"
#include "machine_vectors.h"

#include "asl/compile/placeholder.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What AWS refuses when a definition is created, and what SAM, CDK or Terraform have yet to fill in
 * before. */

/* A state, by the name S in a machine, and what is said of it. */
struct said {
	const char *state; /* with ' for " */
	const char *pointer;
	const char *message;
};

#define STATE(fields)  "{" fields "}"
#define TASK(fields)   STATE("'Type':'Task','Resource':'tmflow:x','Next':'T'," fields)
#define RESOURCE(text) STATE("'Type':'Task','Next':'T','Resource':'" text "'")
#define WAIT(fields)   STATE("'Type':'Wait','Next':'T'," fields)
#define RETRY(fields)  TASK("'Retry':[{'ErrorEquals':['E']," fields "}]")
#define CHOICE(rule)   STATE("'Type':'Choice','Choices':[" rule "],'Default':'T'")
#define MAP(fields)                                                                                \
	STATE("'Type':'Map','Next':'T',"                                                           \
	      "'ItemProcessor':{'StartAt':'X','States':{'X':{'Type':'Succeed'}}}," fields)

static const struct said faults[] = {
    {RESOURCE("arn:aws:lambda"), "/States/S/Resource", "Value is not a valid resource ARN"},
    {RESOURCE("arn:aws:lambda:us-east-1:123456789012:function:f:"), "/States/S/Resource",
	"Value is not a valid resource ARN"},
    {RESOURCE("arn:aws::us-east-1:123456789012:f"), "/States/S/Resource",
	"Value is not a valid resource ARN"},
    {RESOURCE("f"), "/States/S/Resource", "Value is not a valid resource ARN"},
    {TASK("'Credentials':'role'"), "/States/S/Credentials",
	"The field 'Credentials' should have a value of type object"},
    {STATE("'Type':'Fail','ErrorPath':'States.MathAdd(1, 2)'"), "/States/S/ErrorPath",
	"The value for the field 'ErrorPath' must be a valid JSONPath or a valid intrinsic "
	"function call"},
    {STATE("'Type':'Fail','CausePath':'States.Array()'"), "/States/S/CausePath",
	"The value for the field 'CausePath' must be a valid JSONPath or a valid intrinsic "
	"function call"},
    {MAP("'MaxConcurrencyPath':'$$.Execution.Input.n'"), "/States/S/MaxConcurrencyPath",
	"The value for the field 'MaxConcurrencyPath' must be a valid reference path"},
    {MAP("'ToleratedFailureCountPath':'$$.a'"), "/States/S/ToleratedFailureCountPath",
	"The value for the field 'ToleratedFailureCountPath' must be a valid reference path"},
    {MAP("'ToleratedFailurePercentagePath':'$.a[*]'"), "/States/S/ToleratedFailurePercentagePath",
	"The value for the field 'ToleratedFailurePercentagePath' must be a valid reference path"},
    {MAP("'ItemBatcher':{'MaxItemsPerBatchPath':'$$.n'}"),
	"/States/S/ItemBatcher/MaxItemsPerBatchPath",
	"The value for the field 'MaxItemsPerBatchPath' must be a valid reference path"},
    {MAP("'ResultWriter':{'WriterConfig':{'Transformation':'NONE'}}"),
	"/States/S/ResultWriter/WriterConfig", "These fields are required: [OutputType]"},
    {WAIT("'Seconds':'${a}s'"), "/States/S/Seconds",
	"The field 'Seconds' should have a value of type integer from 0 to 99999999"},
};

static const struct said warnings[] = {
    {RESOURCE("${WorkerArn}"), "/States/S/Resource",
	"The placeholder ${WorkerArn} is to be filled in by SAM, CDK or Terraform"},
    {RESOURCE("arn:${AWS::Partition}:states:::sns:publish"), "/States/S/Resource",
	"The placeholder ${AWS::Partition} is to be filled in by SAM, CDK or Terraform"},
    {RESOURCE("foo:bar"), "/States/S/Resource", "Step Functions takes an ARN only"},
    {WAIT("'Seconds':'${Delay}'"), "/States/S/Seconds",
	"The placeholder ${Delay} is to be filled in by SAM, CDK or Terraform"},
    {WAIT("'Timestamp':'${When}'"), "/States/S/Timestamp",
	"The placeholder ${When} is to be filled in by SAM, CDK or Terraform"},
    {RETRY("'BackoffRate':'${Rate}'"), "/States/S/Retry/0/BackoffRate",
	"The placeholder ${Rate} is to be filled in by SAM, CDK or Terraform"},
    {CHOICE("{'Variable':'$.n','NumericLessThan':'${Limit}','Next':'T'}"),
	"/States/S/Choices/0/NumericLessThan",
	"The placeholder ${Limit} is to be filled in by SAM, CDK or Terraform"},
};

static void
expect_said(const struct said *said, enum diag_severity severity)
{
	char *json =
	    mem_printf("{'StartAt':'S','States':{'S':%s,'T':{'Type':'Succeed'}}}", said->state);
	struct asl_machine *machine;
	struct diag_list diags;
	struct doc *doc;
	bool found = false;

	for (char *c = json; *c != '\0'; c++) {
		if (*c == '\'')
			*c = '"';
	}
	doc = doc_parse("d", str_of(json), NULL);
	ck_assert_msg(doc != NULL, "%s", json);
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, NULL, &diags);
	ck_assert_msg((machine == NULL) == (severity == DIAG_ERROR), "%s", json);
	for (size_t i = 0; i < diags.count; i++)
		found = found || (diags.at[i].severity == severity &&
				     strcmp(diags.at[i].pointer, said->pointer) == 0 &&
				     strcmp(diags.at[i].message, said->message) == 0);
	if (!found)
		diag_print(&diags, stdout);
	ck_assert_msg(found, "%s: %s at %s", json, said->message, said->pointer);
	asl_machine_unref(machine);
	diag_list_fini(&diags);
	doc_free(doc);
	free(json);
}

START_TEST(test_faults)
{
	expect_said(&faults[_i], DIAG_ERROR);
}
END_TEST

START_TEST(test_warnings)
{
	expect_said(&warnings[_i], DIAG_WARNING);
}
END_TEST

/* Whether it may run is another question than whether it is valid. */
START_TEST(test_unfilled)
{
	struct asl_machine *filled = vector_state("{'Type':'Wait','Seconds':1,'Next':'T'}");
	struct asl_machine *unfilled = vector_state("{'Type':'Wait','Seconds':'${N}','Next':'T'}");
	struct tmf_err err = {0};

	ck_assert_int_eq(asl_machine_check_filled(filled, &err), 0);
	ck_assert_int_lt(asl_machine_check_filled(unfilled, &err), 0);
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "${N}"));
	tmf_err_fini(&err);
	asl_machine_unref(filled);
	asl_machine_unref(unfilled);
}
END_TEST

struct fill_vector {
	const char *definition;
	const char *values;
	const char *filled;
	const char *used;
};

static const struct fill_vector fills[] = {
    {"'${A}'", "{'A':'x'}", "'x'", "{'A':true}"},
    {"'a${A}-${B}${A}'", "{'A':'x','B':'${A}'}", "'ax-${A}x'", "{'A':true,'B':true}"},
    {"'${A}'", "{'A':10}", "10", "{'A':true}"},
    {"'n=${A}'", "{'A':1.5}", "'n=1.5'", "{'A':true}"},
    {"'${A}'", "{'A':true}", "true", "{'A':true}"},
    {"['${A}',{'Seconds':'${A}','N':'${A}','NumericEquals':'${A}'}]", "{'A':'10'}",
	"['10',{'Seconds':10,'N':'10','NumericEquals':10}]", "{'A':true}"},
    {"{'MaxAttempts':'${A}'}", "{'A':'many'}", "{'MaxAttempts':'many'}", "{'A':true}"},
    {"{'${A}':1,'b':[{'${B}':'${C}'}]}", "{'A':'a','B':'b'}", "{'a':1,'b':[{'b':'${C}'}]}",
	"{'A':true,'B':true}"},
    {"'${AWS::Region} ${module.q.url}'", "{'AWS::Region':'r','module.q.url':'u'}", "'r u'",
	"{'AWS::Region':true,'module.q.url':true}"},
    {"['$','${','${}','$${A','{A}',null,1]", "{'A':'x'}", "['$','${','${}','$${A','{A}',null,1]",
	"{}"},
};

START_TEST(test_fill)
{
	const struct fill_vector *vector = &fills[_i];
	json_t *definition = vector_json(vector->definition);
	json_t *values = vector_json(vector->values);
	json_t *used = json_object();

	vector_expect(
	    vector->definition, placeholder_fill(definition, values, used), vector->filled);
	vector_expect(vector->definition, used, vector->used);
	vector_expect("the definition stays", definition, vector->definition);
	json_decref(values);
}
END_TEST

/* One warning for all, and none for what is mocked. */
START_TEST(test_remote)
{
	struct asl_machine *machine;
	struct asl_resources resources = {.warns_remote = true};
	struct diag_list diags;
	struct doc *doc = doc_parse("d",
	    str_of("{\"StartAt\":\"A\",\"States\":{"
		   "\"A\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::sns:publish\","
		   "\"Next\":\"B\"},"
		   "\"B\":{\"Type\":\"Task\",\"Resource\":\"arn:aws:states:::sqs:sendMessage\","
		   "\"End\":true}}}"),
	    NULL);
	json_t *mocked = json_pack("{s:{}}", "A");

	for (int i = 0; i < 3; i++) {
		diag_list_init(&diags, doc);
		machine = asl_compile(doc, &resources, &diags);
		ck_assert_ptr_nonnull(machine);
		ck_assert_uint_eq(diags.count, i < 2);
		if (i == 0)
			ck_assert_str_eq(
			    diags.at[0].message, "2 Tasks run on AWS only, and fail here: A, B");
		if (i == 1)
			ck_assert_str_eq(
			    diags.at[0].message, "1 Task runs on AWS only, and fails here: B");
		if (i == 1)
			json_object_set_new(mocked, "B", json_object());
		resources.mocked = mocked;
		diag_list_fini(&diags);
		asl_machine_unref(machine);
	}
	json_decref(mocked);
	doc_free(doc);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("asl_placeholder");
	TCase *tcase = tcase_create("placeholder");

	tcase_add_loop_test(tcase, test_faults, 0, COUNT(faults));
	tcase_add_loop_test(tcase, test_warnings, 0, COUNT(warnings));
	tcase_add_loop_test(tcase, test_fill, 0, COUNT(fills));
	tcase_add_test(tcase, test_unfilled);
	tcase_add_test(tcase, test_remote);
	suite_add_tcase(suite, tcase);
	return run_suite(suite) == 0 ? 0 : 1;
}
