#include "aws/services/pager.h"
#include "run_suite.h"
#include "targets_fixture.h"

#include "base/jsonx.h"
#include "mirror/config/rules.h"
#include "mirror/destroy/destroy.h"

#include <stdlib.h>
#include <string.h>

/* tmflow:ensure-target where the rule's targets are created: one instance a subnet and
 * generation, whatever happens in between. */

START_TEST(test_created_once_and_found_again)
{
	json_t *first = process_run(&process, "ensure-target", targets_request(NULL));
	json_t *second;
	char *id = strdup(targets_id_of(first));

	ck_assert(json_is_true(json_object_get(first, "Created")));
	second = process_run(&process, "ensure-target", targets_request(NULL));
	ck_assert_str_eq(targets_id_of(second), id);
	ck_assert(json_is_false(json_object_get(second, "Created")));
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	ck_assert_uint_eq(process_calls(&process, "CreateTrafficMirrorTarget"), 1);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 1);
	targets_check_launches(1, 1);
	free(id);
}
END_TEST

/* The launch marks the instance itself, the create tags the target itself: nothing is without
 * its tags for a moment. */
START_TEST(test_tags)
{
	char wanted[128];

	process_run(&process, "ensure-target", targets_request(NULL));
	snprintf(wanted, sizeof(wanted), "TagSpecification.1.ResourceType=instance");
	ck_assert(process_asked_with(&process, "RunInstances", wanted));
	snprintf(wanted, sizeof(wanted), "Key=tmflow%%3Atarget");
	ck_assert(process_asked_with(&process, "RunInstances", wanted));
	snprintf(wanted, sizeof(wanted), "Key=TargetSubnetId&TagSpecification.1.Tag.");
	ck_assert(process_asked_with(&process, "CreateTrafficMirrorTarget", wanted));
	ck_assert(process_asked_with(
	    &process, "CreateTrafficMirrorTarget", "Value=TrafficMirroringSourceAutomation"));
	ck_assert_uint_eq(process_calls(&process, "CreateTags"), 0);
}
END_TEST

START_TEST(test_many_at_once_share_one_launch)
{
	struct fixture_end *ends[SOURCES];

	for (size_t i = 0; i < SOURCES; i++)
		ends[i] = process_start(&process, "ensure-target", targets_request(NULL));
	fixture_run(&fixture);
	for (size_t i = 0; i < SOURCES; i++)
		ck_assert_str_eq(targets_id_of(ends[i]->result), targets_id_of(ends[0]->result));
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	targets_check_launches(1, 1);
}
END_TEST

/* How many entries tmflow:match gives of the launched instance, and whether they are excluded. */
static size_t
matched_launches(struct process *by, bool *ret_excluded)
{
	json_t *page = process_run(by, "describe-page", jpack("{s:i}", "MaxResults", 1000));
	json_t *result;
	json_t *entry;
	size_t count = 0;
	size_t i;

	result = process_run(
	    by, "match", jpack("{s:O}", "Instances", json_object_get(page, "Instances")));
	ck_assert_ptr_nonnull(result);
	json_array_foreach (json_object_get(result, "Matched"), i, entry) {
		const char *id = jsonx_get_string(json_object_get(entry, "Instance"), "InstanceId");

		if (strcmp(id, targets_launched_instance()) != 0)
			continue;
		count++;
		*ret_excluded = jsonx_get_string(entry, "Excluded") != NULL;
	}
	return count;
}

/* What a run launches is no part of the fleet that it lists, in any of its lives; for other runs
 * it is, and excluded. */
START_TEST(test_own_launches_are_passed_over)
{
	struct process resumed;
	struct process later;
	bool excluded = false;

	targets_id_of(process_run(&process, "ensure-target", targets_request(NULL)));
	ck_assert_uint_eq(matched_launches(&process, &excluded), 0);
	process_init(
	    &resumed, &fixture, &(struct process_opts){.store = process.store, .resumes = true});
	ck_assert_uint_eq(matched_launches(&resumed, &excluded), 0);
	process_init(
	    &later, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	ck_assert_uint_eq(matched_launches(&later, &excluded), 1);
	ck_assert(excluded);
	process_fini(&later);
	process_fini(&resumed);
}
END_TEST

START_TEST(test_rotation)
{
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	const struct tmf_err *err = targets_fill(first, 0, 11);
	const char *second;

	ck_assert_str_eq(err->name, "TrafficMirrorSourcesPerTargetLimitExceeded");
	second = targets_id_of(process_run(&process, "ensure-target", targets_request(first)));
	ck_assert_str_ne(second, first);
	ck_assert(process_asked_with(&process, "DeleteTags", first));
	ck_assert(process_asked_with(&process, "DeleteTags", "TargetSubnetId"));
	/* Who says so later is sent to the newer one, without another launch. */
	ck_assert_str_eq(
	    targets_id_of(process_run(&process, "ensure-target", targets_request(first))), second);
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 2);
	ck_assert_uint_eq(process_calls(&process, "DeleteTags"), 1);
	targets_check_launches(2, 2);
	free(first);
}
END_TEST

/* Another process with a store of its own, that sees nothing of what the first did: the tokens
 * lead it to the same. */
START_TEST(test_two_processes_two_stores)
{
	struct process other;
	struct fixture_end *one;
	struct fixture_end *two;

	process_init(&other, &fixture, &(struct process_opts){0});
	one = process_start(&process, "ensure-target", targets_request(NULL));
	two = process_start(&other, "ensure-target", targets_request(NULL));
	fixture_run(&fixture);
	ck_assert_str_eq(targets_id_of(one->result), targets_id_of(two->result));
	targets_check_launches(1, 1);
	targets_fill(targets_id_of(one->result), 0, 10);
	one = process_start(&process, "ensure-target", targets_request(targets_id_of(one->result)));
	two = process_start(&other, "ensure-target", targets_request(targets_id_of(two->result)));
	fixture_run(&fixture);
	ck_assert_str_eq(targets_id_of(one->result), targets_id_of(two->result));
	targets_check_launches(2, 2);
	process_fini(&other);
}
END_TEST

/* A later run in the same state directory knows what describes do not show yet. */
START_TEST(test_facts_bridge_stale_describes)
{
	struct process later;
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	char *second =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(first))));
	json_t *result;

	process_init(
	    &later, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	result = process_run(&later, "ensure-target", targets_request(NULL));
	ck_assert_ptr_nonnull(result);
	ck_assert_str_eq(targets_id_of(result), second);
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 0);
	process_fini(&later);
	free(first);
	free(second);
}
END_TEST

/* Killed between launch and target: the next one gets the same instance and goes on. */
START_TEST(test_crash_after_launch)
{
	struct process next;
	const json_t *result;

	process_fault(&process, "CreateTrafficMirrorTarget", "ServiceUnavailable", 503, 1000);
	process_run(&process, "ensure-target", targets_request(NULL));
	ck_assert_str_eq(process_error(&process)->name, "ServiceUnavailable");
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 0);
	process_init(&next, &fixture, &(struct process_opts){0});
	result = process_run(&next, "ensure-target", targets_request(NULL));
	ck_assert_ptr_nonnull(json_object_get(result, "TargetId"));
	targets_check_launches(1, 1);
	process_fini(&next);
}
END_TEST

/* The rule asks for another type meanwhile: with the same store, the instance that was launched
 * is put to use all the same. */
START_TEST(test_orphan_is_adopted_though_the_rule_changed)
{
	struct process next;
	struct buf text = {0};
	char *changed;
	char *type;

	process_fault(&process, "CreateTrafficMirrorTarget", "ServiceUnavailable", 503, 1000);
	process_run(&process, "ensure-target", targets_request(NULL));
	world_config(fixture.world, SIM_SCENARIO_ALL, &text);
	changed = strdup(buf_cstr(&text));
	type = strstr(changed, "targetInstanceAmi: ami-");
	ck_assert_ptr_nonnull(type);
	type[strlen("targetInstanceAmi: ami-")] =
	    type[strlen("targetInstanceAmi: ami-")] == '1' ? '2' : '1';
	process_init(&next, &fixture,
	    &(struct process_opts){.config = changed, .store = process.store, .run_id = "next"});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", targets_request(NULL)));
	ck_assert_uint_eq(process_calls(&next, "RunInstances"), 0);
	targets_check_launches(1, 1);
	process_fini(&next);
	free(changed);
	buf_fini(&text);
}
END_TEST

/* Somebody has terminated it meanwhile: the next generation. */
START_TEST(test_orphan_that_is_gone)
{
	struct process next;

	process_fault(&process, "CreateTrafficMirrorTarget", "ServiceUnavailable", 503, 1000);
	process_run(&process, "ensure-target", targets_request(NULL));
	targets_terminate_launched();
	process_init(
	    &next, &fixture, &(struct process_opts){.store = process.store, .run_id = "next"});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", targets_request(NULL)));
	ck_assert_uint_eq(process_calls(&next, "RunInstances"), 1);
	targets_check_launches(2, 1);
	process_fini(&next);
}
END_TEST

START_TEST(test_roll_back)
{
	json_t *outcomes;
	const json_t *row;

	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, "TrafficMirrorTargetLimitExceeded");
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 1);
	targets_check_launches(1, 0);
	outcomes = process_outcomes(&process);
	row = json_array_get(outcomes, 0);
	ck_assert_str_eq(jsonx_get_string(row, "outcome"), "failed");
	ck_assert_str_eq(jsonx_get_string(row, "interface"), "eni-source");
	ck_assert_str_eq(jsonx_get_string(row, "error"), "TrafficMirrorTargetLimitExceeded");
	ck_assert_str_eq(jsonx_get_string(row, "request"), "req-test");
	json_decref(outcomes);
}
END_TEST

/* The others of the page do not launch and terminate an instance each. */
START_TEST(test_failure_is_not_repeated_per_item)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1000);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	ck_assert_uint_le(process_calls(&process, "RunInstances"), 2);
}
END_TEST

/* The token of a terminated instance stays refused: in this process and in any other. */
START_TEST(test_after_roll_back)
{
	struct process next;
	const json_t *result;

	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1);
	process_run(&process, "ensure-target", targets_request(NULL));
	process_init(&next, &fixture, &(struct process_opts){0});
	result = process_run(&next, "ensure-target", targets_request(NULL));
	ck_assert_ptr_nonnull(json_object_get(result, "TargetId"));
	ck_assert_uint_eq(process_calls(&next, "RunInstances"), 2);
	process_fini(&next);
	/* With the store of the first, the used generation is known. */
	process_init(
	    &next, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	result = process_run(&next, "ensure-target", targets_request(NULL));
	ck_assert_ptr_nonnull(json_object_get(result, "TargetId"));
	process_fini(&next);
	targets_check_launches(2, 1);
}
END_TEST

START_TEST(test_mismatch_explains)
{
	process_fault(&process, "RunInstances", "IdempotentParameterMismatch", 400, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, "IdempotentParameterMismatch");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(process_error(&process)), subnet));
}
END_TEST

/* A new interface may not be known everywhere at once. */
START_TEST(test_interface_not_visible_yet)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "InvalidNetworkInterfaceID.NotFound", 400, 3);
	targets_id_of(process_run(&process, "ensure-target", targets_request(NULL)));
	targets_check_launches(1, 1);
}
END_TEST

START_TEST(test_interface_never_visible)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "InvalidNetworkInterfaceID.NotFound", 400, 1000);
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	targets_check_launches(1, 0);
}
END_TEST

/* The reply was lost, or another process was faster: the target of that interface is the one. */
START_TEST(test_interface_is_a_target_already)
{
	struct process other;
	char *id;

	process_init(&other, &fixture, &(struct process_opts){0});
	id = strdup(jsonx_get_string(
	    process_run(&other, "ensure-target", targets_request(NULL)), "TargetId"));
	/* This one has listed before that, and knows nothing of it. */
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "InterfaceInUseByTrafficMirrorTarget", 400, 1);
	ck_assert_str_eq(
	    targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))), id);
	targets_check_launches(1, 1);
	process_fini(&other);
	free(id);
}
END_TEST

/* One process may not make the target, another one has made it of the same instance, and
 * describes do not show that yet: the instance stays. */
START_TEST(test_roll_back_beside_another_process)
{
	struct process other;
	struct fixture_end *one;
	struct fixture_end *two;

	targets_teardown();
	targets_setup_world(10000, 0);
	process_init(&process, &fixture, &(struct process_opts){0});
	process_init(&other, &fixture, &(struct process_opts){0});
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1000);
	one = process_start(&process, "ensure-target", targets_request(NULL));
	two = process_start(&other, "ensure-target", targets_request(NULL));
	fixture_run(&fixture);
	ck_assert_str_eq(targets_id_of(two->result), targets_id_of(one->result));
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 0);
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	targets_check_launches(1, 1);
	process_fini(&other);
}
END_TEST

/* --- a fault at each step: what is left behind is put right by whoever comes next, with no
 * instance more than needed --- */

static const struct {
	const char *operation;
	const char *code;
	int status;
	int launched; /* in the end */
} steps[] = {
    {"DescribeTrafficMirrorTargets", "UnauthorizedOperation", 403, 1},
    {"DescribeTrafficMirrorTargets", "InternalError", 500, 1},
    {"RunInstances", "InsufficientInstanceCapacity", 500, 1},
    {"RunInstances", "VcpuLimitExceeded", 400, 1},
    {"RunInstances", "RequestLimitExceeded", 503, 1},
    {"CreateTrafficMirrorTarget", "InternalError", 500, 1},
    {"CreateTrafficMirrorTarget", "RequestLimitExceeded", 503, 1},
    {"CreateTrafficMirrorTarget", "UnauthorizedOperation", 403, 2},
    {"CreateTrafficMirrorTarget", "InvalidParameterValue", 400, 2},
};

START_TEST(test_fault_at_each_step)
{
	struct process next;

	process_fault(&process, steps[_i].operation, steps[_i].code, steps[_i].status, 1000);
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, steps[_i].code);
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"),
	    steps[_i].launched == 2); /* what may pass leaves the instance for the next one */
	process_init(&next, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", targets_request(NULL)));
	targets_check_launches(steps[_i].launched, 1);
	process_fini(&next);
}
END_TEST

/* The full target keeps its tag when that cannot be taken off, and nothing is launched: the next
 * one does both. */
START_TEST(test_fault_while_untagging)
{
	struct process next;
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));

	process_fault(&process, "DeleteTags", "UnauthorizedOperation", 403, 1000);
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(first)));
	targets_check_launches(1, 1);
	process_init(&next, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", targets_request(first)));
	targets_check_launches(2, 2);
	process_fini(&next);
	free(first);
}
END_TEST

/* A roll-back that cannot terminate says so; the generation is used up all the same, and no
 * tagged target leads to the instance. */
START_TEST(test_fault_while_rolling_back)
{
	struct process next;
	const char *text;

	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1);
	process_fault(&process, "TerminateInstances", "UnauthorizedOperation", 403, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	text = tmf_err_text(process_error(&process));
	ck_assert_str_eq(process_error(&process)->name, "TrafficMirrorTargetLimitExceeded");
	ck_assert_msg(
	    strstr(text, "could not be terminated (UnauthorizedOperation)") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "instance i-") != NULL, "%s", text);
	/* Whoever asks with the same token is given the instance that was left, and puts it to
	 * use. */
	process_init(&next, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", targets_request(NULL)));
	targets_check_launches(1, 1);
	process_fini(&next);
}
END_TEST

START_TEST(test_given_target)
{
	process_fini(&process);
	process_init(&process, &fixture,
	    &(struct process_opts){.config = "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: "
					     "tmt-1}\n"});
	ck_assert_str_eq(
	    targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))), "tmt-1");
	/* Only whether it is an interface, whose sources would have to be counted. */
	ck_assert_uint_eq(process_calls(&process, ""), 1);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 1);
	/* Nothing can take its place. */
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request("tmt-1")));
	ck_assert_str_eq(
	    process_error(&process)->name, "TrafficMirrorSourcesPerTargetLimitExceeded");
}
END_TEST

START_TEST(test_unknown_rule)
{
	ck_assert_ptr_null(process_run(
	    &process, "ensure-target", jpack("{s:s, s:s}", "Rule", "vpcs[7]", "SubnetId", subnet)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(process_error(&process)), "vpcs[7]"));
}
END_TEST

/* Another process finds the target on a later page of the listing, and launches nothing. */
START_TEST(test_found_behind_empty_pages)
{
	struct process other;
	const char *made =
	    targets_id_of(process_run(&process, "ensure-target", targets_request(NULL)));

	process_init(&other, &fixture, &(struct process_opts){.run_id = "other"});
	ck_assert_str_eq(
	    targets_id_of(process_run(&other, "ensure-target", targets_request(NULL))), made);
	ck_assert_uint_ge(process_calls(&other, "DescribeTrafficMirrorTargets"), 2);
	ck_assert_uint_eq(process_calls(&other, "RunInstances"), 0);
	process_fini(&other);
}
END_TEST

/* A list that does not end is an error: part of it is no reason to launch what may be there
 * already. */
START_TEST(test_cut_off_list_launches_nothing)
{
	targets_teardown();
	targets_setup_world(0, 0.999999);
	process_init(&process, &fixture, &(struct process_opts){0});
	ck_assert_ptr_null(process_run(&process, "ensure-target", targets_request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.Limit");
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), EC2_PAGES_MAX);
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 0);
}
END_TEST

static void
note_end(void *arg, struct tmf_call *call)
{
	json_t *result = tmf_call_take_result(call);

	ck_assert_ptr_null(result);
	*(enum tmf_err_code *)arg = call->err.code;
}

/* Were a part taken for the list, a session of somebody else's that it leaves out could cost
 * them their target. */
START_TEST(test_cut_off_list_destroys_nothing)
{
	enum tmf_err_code code = 0;
	struct destroy *destroy;

	targets_teardown();
	targets_setup_world(0, 0.999999);
	process_init(&process, &fixture, &(struct process_opts){0});
	destroy = destroy_new(process.mirror->account, false);
	tmf_call_on_done(destroy_remove(destroy), note_end, &code);
	fixture_run(&fixture);
	ck_assert_int_eq(code, TMF_ERR_LIMIT);
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), EC2_PAGES_MAX);
	destroy_free(destroy);
}
END_TEST

#define FRESH_MS 300000

/* Runs of one process that serves share an inventory. It is read once, and again when it is no
 * longer fresh. */
START_TEST(test_runs_share_an_inventory)
{
	struct process serving;
	struct process next;
	char *made;

	process_init(&serving, &fixture,
	    &(struct process_opts){.run_id = "serving", .shares_run = true, .fresh_ms = FRESH_MS});
	process_init(&next, &fixture,
	    &(struct process_opts){.store = serving.store,
		.run_id = "serving",
		.resumes = true,
		.shares_run = true,
		.accounts = serving.accounts});
	made = strdup(targets_id_of(process_run(&serving, "ensure-target", targets_request(NULL))));
	targets_terminate_launched();
	process_forget_calls(&serving);
	ck_assert_str_eq(
	    targets_id_of(process_run(&next, "ensure-target", targets_request(NULL))), made);
	ck_assert_uint_eq(process_calls(&serving, ""), 0);
	fixture.clock.now_mono_ms += FRESH_MS + 1;
	ck_assert_str_ne(
	    targets_id_of(process_run(&next, "ensure-target", targets_request(NULL))), made);
	ck_assert_uint_eq(process_calls(&serving, "DescribeTrafficMirrorTargets"), 1);
	ck_assert_uint_eq(process_calls(&serving, "RunInstances"), 1);
	process_fini(&next);
	process_fini(&serving);
	free(made);
}
END_TEST

int
main(void)
{
	const TTest *const either[] = {test_created_once_and_found_again, test_tags,
	    test_many_at_once_share_one_launch, test_rotation, test_two_processes_two_stores,
	    test_facts_bridge_stale_describes, test_crash_after_launch, test_roll_back,
	    test_failure_is_not_repeated_per_item, test_mismatch_explains,
	    test_interface_not_visible_yet, test_interface_never_visible, test_given_target,
	    test_unknown_rule};
	const TTest *const settled[] = {test_own_launches_are_passed_over, test_after_roll_back,
	    test_interface_is_a_target_already, test_roll_back_beside_another_process,
	    test_orphan_is_adopted_though_the_rule_changed, test_orphan_that_is_gone,
	    test_runs_share_an_inventory};
	const TTest *const pages[] = {test_found_behind_empty_pages,
	    test_cut_off_list_launches_nothing, test_cut_off_list_destroys_nothing};
	const TTest *const faults[] = {test_fault_while_untagging, test_fault_while_rolling_back};
	Suite *suite = suite_create("targets");
	TCase *steps_case;

	suite_add_tests(suite, "consistent", targets_setup, targets_teardown, either,
	    sizeof(either) / sizeof(either[0]));
	suite_add_tests(suite, "stale", targets_setup_stale, targets_teardown, either,
	    sizeof(either) / sizeof(either[0]));
	suite_add_tests(suite, "pages", targets_setup_empty_pages, targets_teardown, pages,
	    sizeof(pages) / sizeof(pages[0]));
	suite_add_tests(suite, "settled", targets_setup, targets_teardown, settled,
	    sizeof(settled) / sizeof(settled[0]));
	steps_case = suite_add_tests(suite, "steps", targets_setup, targets_teardown, faults,
	    sizeof(faults) / sizeof(faults[0]));
	tcase_add_loop_test(
	    steps_case, test_fault_at_each_step, 0, sizeof(steps) / sizeof(steps[0]));
	return run_suite(suite);
}
