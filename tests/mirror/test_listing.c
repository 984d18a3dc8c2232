#include "asl/state/machine.h"
#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The actions that look only: describe-page, match, exclude-target-instances; log; and the check
 * of inputs that all share. */

#define INSTANCES 230

static struct fixture fixture;
static struct process process;

static void
setup(void)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = INSTANCES;
	fixture_init(&fixture, &opts);
	process_init(&process, &fixture, &(struct process_opts){0});
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static void
reopen(const char *config, const char *hook)
{
	process_fini(&process);
	process_init(&process, &fixture, &(struct process_opts){.config = config, .hook = hook});
}

/* --- inputs --- */

static const struct {
	const char *action;
	const char *input;
	const char *named; /* in the cause */
} bad_inputs[] = {
    {"describe-page", "[]", "object"},
    {"describe-page", "{\"MaxResult\": 5}", "MaxResults"},
    {"describe-page", "{\"MaxResults\": \"5\"}", "MaxResults"},
    {"describe-page", "{\"MaxResults\": 4}", "MaxResults"},
    {"describe-page", "{\"MaxResults\": 1001}", "MaxResults"},
    {"describe-page", "{\"InstanceIds\": \"i-1\"}", "InstanceIds"},
    {"describe-page", "{\"NextToken\": 1}", "NextToken"},
    {"match", "{}", "Instances"},
    {"match", "{\"Instances\": null}", "Instances"},
    {"match", "{\"Instances\": [{}]}", "InstanceId"},
    {"match", "{\"Instances\": [7]}", "Instance"},
    {"exclude-target-instances", "{\"Matched\": {}}", "Matched"},
    {"exclude-target-instances", "{\"Matched\": [{}]}", "Matched"},
    {"find-sessions", "{\"Matched\": [{}]}", "Matched"},
    {"find-sessions",
	"{\"Matched\": [{\"NetworkInterfaceId\": \"eni-1\", \"Rule\": \"none\", \"Instance\": "
	"{\"InstanceId\": \"i-1\", \"SubnetId\": \"subnet-1\"}}]}",
	"none"},
    {"ensure-target", "{\"Rule\": \"vpcs[0]\"}", "SubnetId"},
    {"ensure-session", "{\"Rule\": \"vpcs[0]\"}", "NetworkInterfaceId"},
    {"ensure-session",
	"{\"Rule\": \"x\", \"NetworkInterfaceId\": \"eni-1\", \"InstanceId\": \"i-1\", "
	"\"TargetId\": \"tmt-1\"}",
	"x"},
};

START_TEST(test_bad_inputs)
{
	json_t *input = jsonx_parse(str_of(bad_inputs[_i].input), NULL);

	ck_assert_ptr_nonnull(input);
	ck_assert_ptr_null(process_run(&process, bad_inputs[_i].action, input));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(process_error(&process)), bad_inputs[_i].named));
	/* At most the listing of targets, which says nothing of the input, has gone out. */
	ck_assert_uint_eq(
	    process_calls(&process, ""), process_calls(&process, "DescribeTrafficMirrorTargets"));
}
END_TEST

START_TEST(test_log_gives_its_input)
{
	json_t *input = jpack("{s:[i, n]}", "any", 1);
	json_t *same = json_incref(input);

	ck_assert(json_equal(process_run(&process, "log", input), same));
	json_decref(same);
}
END_TEST

/* --- describe-page --- */

START_TEST(test_pages)
{
	json_t *page =
	    process_run(&process, "describe-page", jpack("{s:n, s:n}", "NextToken", "Filters"));
	const json_t *rest;

	ck_assert_uint_eq(json_array_size(json_object_get(page, "Instances")), 200);
	ck_assert(process_asked_with(&process, "DescribeInstances", "MaxResults=200"));
	ck_assert_ptr_nonnull(jsonx_get_string(page, "NextToken"));
	rest = process_run(&process, "describe-page",
	    jpack("{s:s}", "NextToken", jsonx_get_string(page, "NextToken")));
	ck_assert_uint_eq(json_array_size(json_object_get(rest, "Instances")), INSTANCES - 200);
	ck_assert(json_is_null(json_object_get(rest, "NextToken")));
	ck_assert_uint_eq(process.mirror->progress.pages, 2);
	ck_assert_uint_eq(process.mirror->progress.instances, INSTANCES);
}
END_TEST

#define TAGS_EACH	40
#define TAG_VALUE_BYTES 100

static void
call_over(void *arg, struct tmf_call *call)
{
	*(bool *)arg = call->result != NULL;
}

/* Every instance of the first page bears so many tags that 200 of them do not fit into a state's
 * data. */
static void
tag_page(const json_t *page)
{
	json_t *ids = json_array();
	json_t *tags = json_array();
	json_t *instance;
	bool done = false;
	size_t i;

	json_array_foreach (json_object_get(page, "Instances"), i, instance)
		json_array_append(ids, json_object_get(instance, "InstanceId"));
	for (i = 0; i < TAGS_EACH; i++) {
		char key[16];
		char value[TAG_VALUE_BYTES + 1] = {0};

		snprintf(key, sizeof(key), "key-%zu", i);
		memset(value, 'v', TAG_VALUE_BYTES);
		json_array_append_new(tags, jpack("{s:s, s:s}", "Key", key, "Value", value));
	}
	tmf_call_on_done(ec2_create_tags(process.ec2, ids, tags), call_over, &done);
	fixture_run(&fixture);
	ck_assert(done);
	json_decref(ids);
	json_decref(tags);
}

/* A page that does not fit is asked for again with half as many, and the next one at once with
 * what fits. */
START_TEST(test_page_with_many_tags)
{
	const json_t *page = process_run(&process, "describe-page", jpack("{}"));
	size_t count;

	tag_page(page);
	process_forget_calls(&process);
	page = process_run(&process, "describe-page", jpack("{}"));
	count = json_array_size(json_object_get(page, "Instances"));
	ck_assert_uint_eq(count, 25);
	ck_assert_uint_le(jsonx_text_bytes(page, ASL_DATA_BYTES_MAX), ASL_DATA_BYTES_MAX);
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 4);
	ck_assert_ptr_nonnull(process_run(&process, "describe-page",
	    jpack("{s:s}", "NextToken", jsonx_get_string(page, "NextToken"))));
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 5);
	ck_assert(process_asked_with(&process, "DescribeInstances", "MaxResults=25"));
}
END_TEST

START_TEST(test_refused_token)
{
	ck_assert_ptr_null(
	    process_run(&process, "describe-page", jpack("{s:s}", "NextToken", "b2xk")));
	ck_assert_str_eq(process_error(&process)->name, "InvalidNextToken");
}
END_TEST

START_TEST(test_instances_by_id)
{
	char id[SIM_ID_BYTES];
	const json_t *page;

	world_instance_id(fixture.world, 3, id);
	page = process_run(&process, "describe-page", jpack("{s:[s]}", "InstanceIds", id));
	ck_assert_uint_eq(json_array_size(json_object_get(page, "Instances")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(page, "Missing")), 0);
	page = process_run(
	    &process, "describe-page", jpack("{s:[s, s]}", "InstanceIds", "i-absent", id));
	ck_assert_uint_eq(json_array_size(json_object_get(page, "Instances")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(page, "Missing")), 1);
	ck_assert_str_eq(
	    json_string_value(json_array_get(json_object_get(page, "Missing"), 0)), "i-absent");
}
END_TEST

/* As a describe by id has it, which workflows catch. */
START_TEST(test_instances_that_are_not_there)
{
	ck_assert_ptr_null(
	    process_run(&process, "describe-page", jpack("{s:[s]}", "InstanceIds", "i-absent")));
	ck_assert_str_eq(process_error(&process)->name, "InvalidInstanceID.NotFound");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(process_error(&process)), "i-absent"));
	ck_assert_ptr_null(process_run(
	    &process, "describe-page", jpack("{s:[s, s]}", "InstanceIds", "i-absent", "i-gone")));
	ck_assert_str_eq(process_error(&process)->name, "InvalidInstanceID.NotFound");
	ck_assert_ptr_null(
	    process_run(&process, "describe-page", jpack("{s:[i]}", "InstanceIds", 7)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
}
END_TEST

/* With filters of the workflow's besides, AWS is asked by id. */
START_TEST(test_instances_by_id_and_filter)
{
	char id[SIM_ID_BYTES];
	const json_t *page;

	world_instance_id(fixture.world, 3, id);
	page = process_run(&process, "describe-page",
	    jpack("{s:[s], s:[{s:s, s:[s]}]}", "InstanceIds", id, "Filters", "Name", "vpc-id",
		"Values", "vpc-other"));
	ck_assert_uint_eq(json_array_size(json_object_get(page, "Instances")), 0);
	ck_assert(!process_asked_with(&process, "DescribeInstances", "MaxResults"));
}
END_TEST

/* To AWS an empty list of ids would mean all instances. */
START_TEST(test_no_ids_no_call)
{
	const json_t *page = process_run(&process, "describe-page", jpack("{s:[]}", "InstanceIds"));

	ck_assert_uint_eq(json_array_size(json_object_get(page, "Instances")), 0);
	ck_assert(json_is_null(json_object_get(page, "NextToken")));
	ck_assert_uint_eq(process_calls(&process, ""), 0);
}
END_TEST

/* --- match --- */

#define RULE "filterId: tmf-1, targetId: tmt-1"

static const char match_config[] =
    "vpcs:\n  - {vpcId: vpc-1, " RULE "}\n"
    "subnets:\n  - {subnetId: subnet-all, interfaces: all, " RULE "}\n"
    "exclude: {tags: [{Key: mirror, Value: never}], instanceIds: [i-named]}\n";

/* An instance with a second interface listed before the primary one. */
static json_t *
make(const char *id, const char *state, const char *vpc, const char *subnet)
{
	return jpack("{s:s, s:s, s:s, s:s, s:s, s:[{s:s, s:i}, {s:s, s:i}], s:[]}", "InstanceId",
	    id, "InstanceType", "t3.micro", "State", state, "VpcId", vpc, "SubnetId", subnet,
	    "NetworkInterfaces", "NetworkInterfaceId", "eni-second", "DeviceIndex", 1,
	    "NetworkInterfaceId", "eni-first", "DeviceIndex", 0, "Tags");
}

static void
put_tag(json_t *made, const char *key, const char *value)
{
	json_array_append_new(
	    json_object_get(made, "Tags"), jpack("{s:s, s:s}", "Key", key, "Value", value));
}

static json_t *
match(json_t *instance)
{
	json_t *result = process_run(&process, "match", jpack("{s:[o]}", "Instances", instance));

	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	return result;
}

static size_t
count(const json_t *result, const char *list)
{
	ck_assert(json_is_array(json_object_get(result, list)));
	return json_array_size(json_object_get(result, list));
}

START_TEST(test_matched_by_its_primary_interface)
{
	const json_t *result;
	const json_t *entry;

	reopen(match_config, NULL);
	result = match(make("i-1", "running", "vpc-1", "subnet-1"));
	ck_assert_uint_eq(count(result, "Matched"), 1);
	ck_assert_uint_eq(count(result, "Unmatched"), 0);
	entry = json_array_get(json_object_get(result, "Matched"), 0);
	ck_assert_str_eq(jsonx_get_string(entry, "NetworkInterfaceId"), "eni-first");
	ck_assert_str_eq(jsonx_get_string(entry, "Rule"), "vpcs[0]");
	ck_assert_str_eq(jsonx_get_string(json_object_get(entry, "Instance"), "InstanceId"), "i-1");
	ck_assert_str_eq(process_outcome(&process, "eni-first"), ""); /* not settled yet */
}
END_TEST

START_TEST(test_all_interfaces)
{
	reopen(match_config, NULL);
	ck_assert_uint_eq(
	    count(match(make("i-1", "stopped", "vpc-1", "subnet-all")), "Matched"), 2);
}
END_TEST

START_TEST(test_unmatched)
{
	reopen(match_config, NULL);
	ck_assert_uint_eq(
	    count(match(make("i-1", "running", "vpc-2", "subnet-1")), "Unmatched"), 1);
	ck_assert_str_eq(process_outcome(&process, "eni-first"), "unmatched");
}
END_TEST

START_TEST(test_terminated)
{
	const json_t *result;

	reopen(match_config, NULL);
	result = match(jpack("{s:s, s:s, s:[]}", "InstanceId", "i-gone", "State", "terminated",
	    "NetworkInterfaces"));
	ck_assert_uint_eq(count(result, "Ineligible"), 1);
	ck_assert_str_eq(process_outcome(&process, "i-gone"), "ineligible: terminated");
	match(make("i-1", "shutting-down", "vpc-1", "subnet-1"));
	ck_assert_str_eq(process_outcome(&process, "eni-first"), "ineligible: terminated");
}
END_TEST

START_TEST(test_no_interface)
{
	reopen(match_config, NULL);
	match(
	    jpack("{s:s, s:s, s:s}", "InstanceId", "i-bare", "State", "running", "VpcId", "vpc-1"));
	ck_assert_str_eq(process_outcome(&process, "i-bare"), "ineligible: no-interface");
}
END_TEST

START_TEST(test_hook_says_no)
{
	reopen(match_config, "return {eligible = function() return false, 'quarantined' end}");
	ck_assert_uint_eq(
	    count(match(make("i-1", "running", "vpc-1", "subnet-1")), "Ineligible"), 1);
	ck_assert_str_eq(process_outcome(&process, "eni-first"), "ineligible: hook");
}
END_TEST

/* A fault in the hook fails this instance, not the page. */
START_TEST(test_hook_fails)
{
	json_t *outcomes;

	reopen(match_config, "return {match = function(i)\n"
			     "  if i.InstanceId == 'i-1' then error('oops') end\nend}");
	process_run(&process, "match",
	    jpack("{s:[o, o]}", "Instances", make("i-1", "running", "vpc-1", "subnet-1"),
		jpack("{s:s, s:s}", "InstanceId", "i-2", "State", "running")));
	ck_assert_str_eq(process_outcome(&process, "eni-first"), "failed");
	ck_assert_str_eq(process_outcome(&process, "i-2"), "unmatched");
	outcomes = process_outcomes(&process);
	ck_assert_str_eq(jsonx_get_string(json_array_get(outcomes, 0), "error"), "TMFlow.Hook");
	ck_assert_ptr_nonnull(
	    strstr(jsonx_get_string(json_array_get(outcomes, 0), "cause"), "oops"));
	json_decref(outcomes);
}
END_TEST

/* Every instance of an account ends in exactly one list, and a page's output fits into a state's
 * data. */
START_TEST(test_whole_page)
{
	json_t *page = process_run(&process, "describe-page", jpack("{}"));
	const json_t *result = process_run(
	    &process, "match", jpack("{s:O}", "Instances", json_object_get(page, "Instances")));

	ck_assert_uint_eq(
	    count(result, "Matched") + count(result, "Unmatched") + count(result, "Ineligible"),
	    200);
	ck_assert_uint_lt(jsonx_text_bytes(result, ASL_DATA_BYTES_MAX), ASL_DATA_BYTES_MAX / 2);
}
END_TEST

/* --- exclude-target-instances --- */

static json_t *
exclude(json_t *instance)
{
	json_t *matched = json_object_get(match(instance), "Matched");
	json_t *result =
	    process_run(&process, "exclude-target-instances", jpack("{s:O}", "Matched", matched));

	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	return result;
}

START_TEST(test_excluded_by_configuration)
{
	json_t *tagged = make("i-1", "running", "vpc-1", "subnet-1");
	json_t *result;

	reopen(match_config, NULL);
	put_tag(tagged, "mirror", "never");
	result = exclude(tagged);
	ck_assert_uint_eq(count(result, "Matched"), 0);
	ck_assert_uint_eq(count(result, "Excluded"), 1);
	ck_assert_str_eq(process_outcome(&process, "eni-first"), "excluded: configured");
	ck_assert_uint_eq(
	    count(exclude(make("i-named", "running", "vpc-1", "subnet-1")), "Excluded"), 1);
	ck_assert_uint_eq(
	    count(exclude(make("i-other", "running", "vpc-1", "subnet-1")), "Excluded"), 0);
}
END_TEST

/* The launch's own event may come before the target exists: the mark of RunInstances tells. */
START_TEST(test_launched_for_a_target)
{
	json_t *launched = make("i-1", "pending", "vpc-1", "subnet-all");

	reopen(match_config, NULL);
	put_tag(launched, "tmflow:target", "subnet-all");
	ck_assert_uint_eq(count(exclude(launched), "Excluded"), 2);
	ck_assert_str_eq(process_outcome(&process, "eni-first"), "excluded: target-instance");
	ck_assert_str_eq(process_outcome(&process, "eni-second"), "excluded: target-instance");
}
END_TEST

/* Makes instance 0's interface a target, as its owner might. */
static void
make_target(const char *interface_id)
{
	char body[256];
	struct sim_request request = {
	    .method = "POST", .path = "/", .now_wall_ms = fixture.clock.now_wall_ms};
	struct sim_reply reply;

	snprintf(body, sizeof(body),
	    "Action=CreateTrafficMirrorTarget&NetworkInterfaceId=%s&Version=2016-11-15",
	    interface_id);
	request.body = str_of(body);
	reply = world_handle(fixture.world, &request);
	ck_assert_msg(reply.status == 200, "%s", buf_cstr(&reply.body));
	sim_reply_fini(&reply);
}

static unsigned
running_instance(json_t *instances)
{
	for (unsigned i = 0; i < json_array_size(instances); i++)
		if (strcmp(jsonx_get_string(json_array_get(instances, i), "State"), "running") == 0)
			return i;
	ck_abort_msg("none runs");
}

/* Whoever made the target: the instance behind it is left alone with all its interfaces. */
START_TEST(test_instance_behind_any_target)
{
	json_t *page = process_run(&process, "describe-page", jpack("{}"));
	json_t *instances = json_object_get(page, "Instances");
	json_t *holder = json_array_get(instances, running_instance(instances));
	const char *interface_id = jsonx_get_string(
	    json_array_get(json_object_get(holder, "NetworkInterfaces"), 0), "NetworkInterfaceId");
	const json_t *result;
	const json_t *excluded;

	make_target(interface_id);
	result = process_run(&process, "exclude-target-instances",
	    jpack("{s:[{s:O, s:s, s:s}]}", "Matched", "Instance", holder, "NetworkInterfaceId",
		interface_id, "Rule", "vpcs[0]"));
	ck_assert_uint_eq(count(result, "Matched"), 0);
	excluded = json_array_get(json_object_get(result, "Excluded"), 0);
	ck_assert_str_eq(jsonx_get_string(excluded, "Reason"), "target-instance");
	ck_assert_int_eq(strncmp(jsonx_get_string(excluded, "TargetId"), "tmt-", 4), 0);
	ck_assert_str_eq(process_outcome(&process, interface_id), "excluded: target-instance");
}
END_TEST

/* One listing of the targets serves the whole run. */
START_TEST(test_targets_are_listed_once)
{
	for (int page = 0; page < 5; page++)
		process_run(&process, "exclude-target-instances", jpack("{s:[]}", "Matched"));
	ck_assert_uint_le(process_calls(&process, "DescribeTrafficMirrorTargets"), 1);
}
END_TEST

START_TEST(test_nothing_to_find)
{
	const json_t *result = process_run(&process, "find-sessions", jpack("{s:[]}", "Matched"));

	ck_assert_uint_eq(count(result, "Missing") + count(result, "Present") +
			      count(result, "Drifted") + count(result, "Conflicts"),
	    0);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorSessions"), 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_log_gives_its_input, test_pages,
	    test_page_with_many_tags, test_refused_token, test_instances_by_id,
	    test_instances_that_are_not_there, test_instances_by_id_and_filter, test_no_ids_no_call,
	    test_matched_by_its_primary_interface, test_all_interfaces, test_unmatched,
	    test_terminated, test_no_interface, test_hook_says_no, test_hook_fails, test_whole_page,
	    test_excluded_by_configuration, test_launched_for_a_target,
	    test_instance_behind_any_target, test_targets_are_listed_once, test_nothing_to_find};
	Suite *suite = suite_create("listing");
	TCase *tcase;

	tcase = suite_add_tests(
	    suite, "listing", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	tcase_add_loop_test(tcase, test_bad_inputs, 0, sizeof(bad_inputs) / sizeof(bad_inputs[0]));
	return run_suite(suite);
}
