#include "mirror_fixture.h"
#include "run_suite.h"

#include "tmflow/base/json.h"
#include "tmflow/mirror/rules.h"

#include <stdlib.h>
#include <string.h>

/* tmflow:ensure-target where the rule's targets are created: one instance a subnet and generation, whatever happens in between. */

#define SOURCES 64

static struct fixture fixture;
static struct process process;
static char subnet[SIM_ID_BYTES];

static void
setup_world(int64_t stale_ms, double empty_pages)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = SOURCES;
	opts.vpcs = 1;
	opts.subnets_per_vpc = 1;
	opts.plain = true;
	opts.stale_ms = stale_ms;
	opts.empty_pages = empty_pages;
	fixture_init(&fixture, &opts);
	world_subnet_id(fixture.world, 0, subnet);
}

static void
setup(void)
{
	setup_world(0, 0);
	process_init(&process, &fixture, &(struct process_opts){0});
}

static void
setup_stale(void)
{
	setup_world(600000, 0);
	process_init(&process, &fixture, &(struct process_opts){0});
}

static void
setup_empty_pages(void)
{
	setup_world(0, 0.9);
	process_init(&process, &fixture, &(struct process_opts){0});
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static json_t *
request(const char *full_target_id)
{
	return jpack("{s:s, s:s, s:s?, s:s, s:s}", "Rule", "vpcs[0]", "SubnetId", subnet,
	    "FullTargetId", full_target_id, "InstanceId", "i-source", "NetworkInterfaceId",
	    "eni-source");
}

static const char *
target_of(const json_t *result)
{
	const char *id = json_get_string(result, "TargetId");

	ck_assert_msg(
	    id != NULL, "%s: %s", process_error(&process)->name, err_text(process_error(&process)));
	return id;
}

/* Launched, behind a target, live launched ones without target. */
static void
check_launches(int launched, int behind_target)
{
	json_t *report = fixture_report(&fixture);
	json_t *instances = json_object_get(report, "instances");

	ck_assert_int_eq(json_integer_value(json_object_get(instances, "launched")), launched);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(instances, "launchedBehindTarget")), behind_target);
	ck_assert(json_is_true(json_object_get(report, "ok")));
	json_decref(report);
}

/* Mirrors interfaces first .. first + count - 1 to the target; the account refuses the eleventh on a small instance. */
static const struct err *
fill(const char *target_id, unsigned first, unsigned count)
{
	static char id[SIM_ID_BYTES];
	static struct err none;
	char instance[SIM_ID_BYTES];

	for (unsigned i = first; i < first + count; i++) {
		world_interface_id(fixture.world, i, 0, id);
		world_instance_id(fixture.world, i, instance);
		if (process_run(&process, "ensure-session",
			jpack("{s:s, s:s, s:s, s:s}", "Rule", "vpcs[0]", "TargetId", target_id,
			    "NetworkInterfaceId", id, "InstanceId", instance)) == NULL)
			return process_error(&process);
	}
	return &none;
}

/* The newest instance that was launched for a target, as AWS lists it. */
static const char *
launched_instance(void)
{
	static char id[SIM_ID_BYTES];
	struct process reader;
	json_t *page;
	json_t *instance;
	size_t i;

	process_init(&reader, &fixture, &(struct process_opts){0});
	page = process_run(&reader, "describe-page", jpack("{s:i}", "MaxResults", 1000));
	json_array_foreach (json_object_get(page, "Instances"), i, instance)
		if (tag_value(instance, "tmflow:target") != NULL)
			snprintf(id, sizeof(id), "%s", json_get_string(instance, "InstanceId"));
	process_fini(&reader);
	return id;
}

static void
terminate_launched(void)
{
	struct err err = {0};

	ck_assert_msg(world_terminate(
			  fixture.world, launched_instance(), fixture.clock.now_wall_ms, &err) == 0,
	    "%s", err_text(&err));
}

START_TEST(test_created_once_and_found_again)
{
	json_t *first = process_run(&process, "ensure-target", request(NULL));
	json_t *second;
	char *id = strdup(target_of(first));

	ck_assert(json_is_true(json_object_get(first, "Created")));
	second = process_run(&process, "ensure-target", request(NULL));
	ck_assert_str_eq(target_of(second), id);
	ck_assert(json_is_false(json_object_get(second, "Created")));
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	ck_assert_uint_eq(process_calls(&process, "CreateTrafficMirrorTarget"), 1);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 1);
	check_launches(1, 1);
	free(id);
}
END_TEST

/* The launch marks the instance itself, the create tags the target itself: nothing is without its tags for a moment. */
START_TEST(test_tags)
{
	char wanted[128];

	process_run(&process, "ensure-target", request(NULL));
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
		ends[i] = process_start(&process, "ensure-target", request(NULL));
	fixture_run(&fixture);
	for (size_t i = 0; i < SOURCES; i++)
		ck_assert_str_eq(target_of(ends[i]->result), target_of(ends[0]->result));
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	check_launches(1, 1);
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
		const char *id = json_get_string(json_object_get(entry, "Instance"), "InstanceId");

		if (strcmp(id, launched_instance()) != 0)
			continue;
		count++;
		*ret_excluded = json_get_string(entry, "Excluded") != NULL;
	}
	return count;
}

/* What a run launches is no part of the fleet that it lists, in any of its lives; for other runs it is, and excluded. */
START_TEST(test_own_launches_are_passed_over)
{
	struct process resumed;
	struct process later;
	bool excluded = false;

	target_of(process_run(&process, "ensure-target", request(NULL)));
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
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	const struct err *err = fill(first, 0, 11);
	const char *second;

	ck_assert_str_eq(err->name, "TrafficMirrorSourcesPerTargetLimitExceeded");
	second = target_of(process_run(&process, "ensure-target", request(first)));
	ck_assert_str_ne(second, first);
	ck_assert(process_asked_with(&process, "DeleteTags", first));
	ck_assert(process_asked_with(&process, "DeleteTags", "TargetSubnetId"));
	/* Who says so later is sent to the newer one, without another launch. */
	ck_assert_str_eq(target_of(process_run(&process, "ensure-target", request(first))), second);
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 2);
	ck_assert_uint_eq(process_calls(&process, "DeleteTags"), 1);
	check_launches(2, 2);
	free(first);
}
END_TEST

/* Another process with a store of its own, that sees nothing of what the first did: the tokens lead it to the same. */
START_TEST(test_two_processes_two_stores)
{
	struct process other;
	struct fixture_end *one;
	struct fixture_end *two;

	process_init(&other, &fixture, &(struct process_opts){0});
	one = process_start(&process, "ensure-target", request(NULL));
	two = process_start(&other, "ensure-target", request(NULL));
	fixture_run(&fixture);
	ck_assert_str_eq(target_of(one->result), target_of(two->result));
	check_launches(1, 1);
	fill(target_of(one->result), 0, 10);
	one = process_start(&process, "ensure-target", request(target_of(one->result)));
	two = process_start(&other, "ensure-target", request(target_of(two->result)));
	fixture_run(&fixture);
	ck_assert_str_eq(target_of(one->result), target_of(two->result));
	check_launches(2, 2);
	process_fini(&other);
}
END_TEST

/* A later run in the same state directory knows what describes do not show yet. */
START_TEST(test_facts_bridge_stale_describes)
{
	struct process later;
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	char *second = strdup(target_of(process_run(&process, "ensure-target", request(first))));
	json_t *result;

	process_init(
	    &later, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	result = process_run(&later, "ensure-target", request(NULL));
	ck_assert_ptr_nonnull(result);
	ck_assert_str_eq(target_of(result), second);
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
	process_run(&process, "ensure-target", request(NULL));
	ck_assert_str_eq(process_error(&process)->name, "ServiceUnavailable");
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 0);
	process_init(&next, &fixture, &(struct process_opts){0});
	result = process_run(&next, "ensure-target", request(NULL));
	ck_assert_ptr_nonnull(json_object_get(result, "TargetId"));
	check_launches(1, 1);
	process_fini(&next);
}
END_TEST

/* The rule asks for another type meanwhile: with the same store, the instance that was launched is put to use all the same. */
START_TEST(test_orphan_is_adopted_though_the_rule_changed)
{
	struct process next;
	struct buf text = {0};
	char *changed;
	char *type;

	process_fault(&process, "CreateTrafficMirrorTarget", "ServiceUnavailable", 503, 1000);
	process_run(&process, "ensure-target", request(NULL));
	world_config(fixture.world, SIM_SCENARIO_ALL, &text);
	changed = strdup(buf_cstr(&text));
	type = strstr(changed, "targetInstanceAmi: ami-");
	ck_assert_ptr_nonnull(type);
	type[strlen("targetInstanceAmi: ami-")] =
	    type[strlen("targetInstanceAmi: ami-")] == '1' ? '2' : '1';
	process_init(&next, &fixture,
	    &(struct process_opts){.config = changed, .store = process.store, .run_id = "next"});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", request(NULL)));
	ck_assert_uint_eq(process_calls(&next, "RunInstances"), 0);
	check_launches(1, 1);
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
	process_run(&process, "ensure-target", request(NULL));
	terminate_launched();
	process_init(
	    &next, &fixture, &(struct process_opts){.store = process.store, .run_id = "next"});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", request(NULL)));
	ck_assert_uint_eq(process_calls(&next, "RunInstances"), 1);
	check_launches(2, 1);
	process_fini(&next);
}
END_TEST

START_TEST(test_roll_back)
{
	json_t *outcomes;
	const json_t *row;

	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, "TrafficMirrorTargetLimitExceeded");
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 1);
	check_launches(1, 0);
	outcomes = process_outcomes(&process);
	row = json_array_get(outcomes, 0);
	ck_assert_str_eq(json_get_string(row, "outcome"), "failed");
	ck_assert_str_eq(json_get_string(row, "interface"), "eni-source");
	ck_assert_str_eq(json_get_string(row, "error"), "TrafficMirrorTargetLimitExceeded");
	ck_assert_str_eq(json_get_string(row, "request"), "req-test");
	json_decref(outcomes);
}
END_TEST

/* The others of the page do not launch and terminate an instance each. */
START_TEST(test_failure_is_not_repeated_per_item)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1000);
	for (int i = 0; i < 20; i++)
		ck_assert_ptr_null(process_run(&process, "ensure-target", request(NULL)));
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
	process_run(&process, "ensure-target", request(NULL));
	process_init(&next, &fixture, &(struct process_opts){0});
	result = process_run(&next, "ensure-target", request(NULL));
	ck_assert_ptr_nonnull(json_object_get(result, "TargetId"));
	ck_assert_uint_eq(process_calls(&next, "RunInstances"), 2);
	process_fini(&next);
	/* With the store of the first, the used generation is known. */
	process_init(
	    &next, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	result = process_run(&next, "ensure-target", request(NULL));
	ck_assert_ptr_nonnull(json_object_get(result, "TargetId"));
	process_fini(&next);
	check_launches(2, 1);
}
END_TEST

START_TEST(test_mismatch_explains)
{
	process_fault(&process, "RunInstances", "IdempotentParameterMismatch", 400, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, "IdempotentParameterMismatch");
	ck_assert_ptr_nonnull(strstr(err_text(process_error(&process)), subnet));
}
END_TEST

/* A new interface may not be known everywhere at once. */
START_TEST(test_interface_not_visible_yet)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "InvalidNetworkInterfaceID.NotFound", 400, 3);
	target_of(process_run(&process, "ensure-target", request(NULL)));
	check_launches(1, 1);
}
END_TEST

START_TEST(test_interface_never_visible)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "InvalidNetworkInterfaceID.NotFound", 400, 1000);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request(NULL)));
	check_launches(1, 0);
}
END_TEST

/* The reply was lost, or another process was faster: the target of that interface is the one. */
START_TEST(test_interface_is_a_target_already)
{
	struct process other;
	char *id;

	process_init(&other, &fixture, &(struct process_opts){0});
	id = strdup(
	    json_get_string(process_run(&other, "ensure-target", request(NULL)), "TargetId"));
	/* This one has listed before that, and knows nothing of it. */
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "InterfaceInUseByTrafficMirrorTarget", 400, 1);
	ck_assert_str_eq(target_of(process_run(&process, "ensure-target", request(NULL))), id);
	check_launches(1, 1);
	process_fini(&other);
	free(id);
}
END_TEST

/* One process may not make the target, another one has made it of the same instance, and describes do not show that yet: the instance stays. */
START_TEST(test_roll_back_beside_another_process)
{
	struct process other;
	struct fixture_end *one;
	struct fixture_end *two;

	teardown();
	setup_world(10000, 0);
	process_init(&process, &fixture, &(struct process_opts){0});
	process_init(&other, &fixture, &(struct process_opts){0});
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1000);
	one = process_start(&process, "ensure-target", request(NULL));
	two = process_start(&other, "ensure-target", request(NULL));
	fixture_run(&fixture);
	ck_assert_str_eq(target_of(two->result), target_of(one->result));
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 0);
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	check_launches(1, 1);
	process_fini(&other);
}
END_TEST

/* --- targets whose instance was terminated by somebody else --- */

/* What find-sessions says of source 0: the name of the list, and the item. */
static const char *
find_source(struct process *by, json_t **ret_item)
{
	char interface[SIM_ID_BYTES];
	char instance[SIM_ID_BYTES];
	const char *name;
	json_t *lists;
	json_t *list;

	world_interface_id(fixture.world, 0, 0, interface);
	world_instance_id(fixture.world, 0, instance);
	lists = process_run(by, "find-sessions",
	    jpack("{s:[{s:{s:s, s:s}, s:s, s:s}]}", "Matched", "Instance", "InstanceId", instance,
		"SubnetId", subnet, "NetworkInterfaceId", interface, "Rule", "vpcs[0]"));
	ck_assert_msg(lists != NULL, "%s", err_text(process_error(by)));
	json_object_foreach (lists, name, list) {
		*ret_item = json_array_get(list, 0);
		if (*ret_item != NULL)
			return name;
	}
	return "";
}

static int
launched_in_all(void)
{
	json_t *report = fixture_report(&fixture);
	int launched = (int)json_integer_value(
	    json_object_get(json_object_get(report, "instances"), "launched"));

	json_decref(report);
	return launched;
}

/* Whether with the store that made the target, just now, or with another one. */
START_TEST(test_dead_target)
{
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	struct process later;
	json_t *item;
	json_t *made;
	const char *second;

	fill(first, 0, 1);
	terminate_launched();
	process_init(&later, &fixture,
	    &(struct process_opts){.store = _i == 0 ? process.store : NULL, .run_id = "later"});
	ck_assert_str_eq(find_source(&later, &item), "Drifted");
	ck_assert(json_is_null(json_object_get(item, "SessionTargetId")));
	second = target_of(process_run(&later, "ensure-target", request(NULL)));
	ck_assert_str_ne(second, first);
	ck_assert(process_asked_with(&later, "DeleteTags", first));
	made = process_run(&later, "ensure-session",
	    jpack("{s:s, s:s, s:O, s:O, s:O}", "Rule", "vpcs[0]", "TargetId", second,
		"NetworkInterfaceId", json_object_get(item, "NetworkInterfaceId"), "InstanceId",
		json_object_get(item, "InstanceId"), "SessionId",
		json_object_get(item, "SessionId")));
	ck_assert_str_eq(json_get_string(made, "Outcome"), "updated");
	ck_assert_str_eq(find_source(&later, &item), "Present");
	ck_assert_int_eq(launched_in_all(), 2);
	process_fini(&later);
	free(first);
}
END_TEST

/* What the subnet's tag of that target is by now; NULL where it has none. Static storage. */
static const char *
subnet_tag_of(const char *target_id)
{
	static char text[SIM_ID_BYTES];
	const char *tag = NULL;
	json_t *report = fixture_report(&fixture);
	json_t *target;
	size_t i;

	json_array_foreach (json_object_get(report, "targets"), i, target)
		if (strcmp(json_get_string(target, "targetId"), target_id) == 0)
			tag = json_get_string(target, "targetSubnetId");
	if (tag != NULL)
		snprintf(text, sizeof(text), "%s", tag);
	json_decref(report);
	return tag != NULL ? text : NULL;
}

/* A tagged target without a live instance would lead others to it: the tag goes as soon as that is known, not only when there is a successor. */
START_TEST(test_dead_target_loses_its_tag_at_once)
{
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	struct process dry;
	struct process forbidden;
	struct process later;
	json_t *item;

	fill(first, 0, 1);
	terminate_launched();
	process_init(&dry, &fixture, &(struct process_opts){.dry_run = true});
	ck_assert_str_eq(find_source(&dry, &item), "Drifted");
	ck_assert_str_eq(subnet_tag_of(first), subnet);
	process_init(&forbidden, &fixture, &(struct process_opts){0});
	process_fault(&forbidden, "DeleteTags", "UnauthorizedOperation", 403, 1);
	ck_assert_str_eq(find_source(&forbidden, &item), "Drifted");
	ck_assert_str_eq(subnet_tag_of(first), subnet);
	process_init(&later, &fixture, &(struct process_opts){0});
	ck_assert_str_eq(find_source(&later, &item), "Drifted");
	ck_assert_ptr_null(subnet_tag_of(first));
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 0);
	ck_assert_ptr_nonnull(process_run(&later, "ensure-target", request(NULL)));
	ck_assert_uint_eq(process_calls(&later, "DeleteTags"), 1);
	process_fini(&later);
	process_fini(&forbidden);
	process_fini(&dry);
	free(first);
}
END_TEST

/* With everything in place it costs one describe. */
START_TEST(test_live_target_costs_one_describe)
{
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	struct process later;
	json_t *item;

	fill(first, 0, 1);
	process_init(&later, &fixture, &(struct process_opts){0});
	ck_assert_str_eq(find_source(&later, &item), "Present");
	ck_assert_str_eq(target_of(process_run(&later, "ensure-target", request(NULL))), first);
	ck_assert_uint_eq(process_calls(&later, "DescribeInstances"), 1);
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 0);
	process_fini(&later);
	free(first);
}
END_TEST

/* Its instance is on no list: at first that is taken for a lag. Only after several looks it is gone, and a store remembers that. */
START_TEST(test_target_whose_instance_is_not_listed)
{
	static const int describes_of_looks = 8; /* of interfaces and of launches, four times */
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	struct process late;
	struct process blind;
	struct process again;

	process_init(&late, &fixture, &(struct process_opts){0});
	process_fault(&late, "DescribeInstances", NULL, 200, describes_of_looks - 2);
	ck_assert_str_eq(target_of(process_run(&late, "ensure-target", request(NULL))), first);
	ck_assert_int_eq(launched_in_all(), 1);

	process_init(&blind, &fixture, &(struct process_opts){0});
	process_fault(&blind, "DescribeInstances", NULL, 200, 1000);
	ck_assert_str_ne(target_of(process_run(&blind, "ensure-target", request(NULL))), first);
	ck_assert_uint_eq(process_calls(&blind, "DescribeInstances"), describes_of_looks);
	ck_assert_int_eq(launched_in_all(), 2);

	process_init(
	    &again, &fixture, &(struct process_opts){.store = blind.store, .run_id = "again"});
	process_fault(&again, "DescribeInstances", NULL, 200, 1000);
	ck_assert_str_ne(target_of(process_run(&again, "ensure-target", request(NULL))), first);
	ck_assert_uint_le(process_calls(&again, "DescribeInstances"), 2);
	process_fini(&again);
	process_fini(&blind);
	process_fini(&late);
	free(first);
}
END_TEST

/* What this store made just now is not doubted for being on no list yet. */
START_TEST(test_new_target_is_not_listed_yet)
{
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));
	struct process later;

	process_init(
	    &later, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	process_fault(&later, "DescribeInstances", NULL, 200, 1000);
	ck_assert_str_eq(target_of(process_run(&later, "ensure-target", request(NULL))), first);
	ck_assert_uint_eq(process_calls(&later, "DescribeInstances"), 2);
	ck_assert_int_eq(launched_in_all(), 1);
	process_fini(&later);
	free(first);
}
END_TEST

START_TEST(test_lives_that_cannot_be_asked_for)
{
	struct process later;

	process_run(&process, "ensure-target", request(NULL));
	process_init(&later, &fixture, &(struct process_opts){0});
	process_fault(&later, "DescribeInstances", "UnauthorizedOperation", 403, 1);
	ck_assert_ptr_null(process_run(&later, "ensure-target", request(NULL)));
	ck_assert_str_eq(process_error(&later)->name, "UnauthorizedOperation");
	ck_assert_ptr_nonnull(process_run(&later, "ensure-target", request(NULL)));
	ck_assert_int_eq(launched_in_all(), 1);
	process_fini(&later);
}
END_TEST

/* --- a fault at each step: what is left behind is put right by whoever comes next, with no instance more than needed --- */

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
	ck_assert_ptr_null(process_run(&process, "ensure-target", request(NULL)));
	ck_assert_str_eq(process_error(&process)->name, steps[_i].code);
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"),
	    steps[_i].launched == 2); /* what may pass leaves the instance for the next one */
	process_init(&next, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", request(NULL)));
	check_launches(steps[_i].launched, 1);
	process_fini(&next);
}
END_TEST

/* The full target keeps its tag when that cannot be taken off, and nothing is launched: the next one does both. */
START_TEST(test_fault_while_untagging)
{
	struct process next;
	char *first = strdup(target_of(process_run(&process, "ensure-target", request(NULL))));

	process_fault(&process, "DeleteTags", "UnauthorizedOperation", 403, 1000);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request(first)));
	check_launches(1, 1);
	process_init(&next, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", request(first)));
	check_launches(2, 2);
	process_fini(&next);
	free(first);
}
END_TEST

/* A roll-back that cannot terminate says so; the generation is used up all the same, and no tagged target leads to the instance. */
START_TEST(test_fault_while_rolling_back)
{
	struct process next;
	const char *text;

	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1);
	process_fault(&process, "TerminateInstances", "UnauthorizedOperation", 403, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request(NULL)));
	text = err_text(process_error(&process));
	ck_assert_str_eq(process_error(&process)->name, "TrafficMirrorTargetLimitExceeded");
	ck_assert_msg(
	    strstr(text, "could not be terminated (UnauthorizedOperation)") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "instance i-") != NULL, "%s", text);
	/* Whoever asks with the same token is given the instance that was left, and puts it to use. */
	process_init(&next, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&next, "ensure-target", request(NULL)));
	check_launches(1, 1);
	process_fini(&next);
}
END_TEST

START_TEST(test_given_target)
{
	process_fini(&process);
	process_init(&process, &fixture,
	    &(struct process_opts){.config = "vpcs:\n  - {vpcId: vpc-1, filterId: tmf-1, targetId: "
					     "tmt-1}\n"});
	ck_assert_str_eq(target_of(process_run(&process, "ensure-target", request(NULL))), "tmt-1");
	ck_assert_uint_eq(process_calls(&process, ""), 0);
	/* Nothing can take its place. */
	ck_assert_ptr_null(process_run(&process, "ensure-target", request("tmt-1")));
	ck_assert_str_eq(
	    process_error(&process)->name, "TrafficMirrorSourcesPerTargetLimitExceeded");
}
END_TEST

START_TEST(test_unknown_rule)
{
	ck_assert_ptr_null(process_run(
	    &process, "ensure-target", jpack("{s:s, s:s}", "Rule", "vpcs[7]", "SubnetId", subnet)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	ck_assert_ptr_nonnull(strstr(err_text(process_error(&process)), "vpcs[7]"));
}
END_TEST

/* Another process finds the target on a later page of the listing, and launches nothing. */
START_TEST(test_found_behind_empty_pages)
{
	struct process other;
	const char *made = target_of(process_run(&process, "ensure-target", request(NULL)));

	process_init(&other, &fixture, &(struct process_opts){.run_id = "other"});
	ck_assert_str_eq(target_of(process_run(&other, "ensure-target", request(NULL))), made);
	ck_assert_uint_ge(process_calls(&other, "DescribeTrafficMirrorTargets"), 2);
	ck_assert_uint_eq(process_calls(&other, "RunInstances"), 0);
	process_fini(&other);
}
END_TEST

static TCase *
add(Suite *suite, const char *name, void (*start)(void), const TTest *const *tests, size_t count)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, start, teardown);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return tcase;
}

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
	    test_orphan_is_adopted_though_the_rule_changed, test_orphan_that_is_gone};
	const TTest *const lives[] = {test_dead_target_loses_its_tag_at_once,
	    test_live_target_costs_one_describe, test_target_whose_instance_is_not_listed,
	    test_new_target_is_not_listed_yet, test_lives_that_cannot_be_asked_for};
	const TTest *const pages[] = {test_found_behind_empty_pages};
	const TTest *const faults[] = {test_fault_while_untagging, test_fault_while_rolling_back};
	Suite *suite = suite_create("targets");
	TCase *steps_case;
	int failed;

	add(suite, "consistent", setup, either, sizeof(either) / sizeof(either[0]));
	add(suite, "stale", setup_stale, either, sizeof(either) / sizeof(either[0]));
	add(suite, "pages", setup_empty_pages, pages, sizeof(pages) / sizeof(pages[0]));
	add(suite, "settled", setup, settled, sizeof(settled) / sizeof(settled[0]));
	steps_case = add(suite, "lives", setup, lives, sizeof(lives) / sizeof(lives[0]));
	tcase_add_loop_test(steps_case, test_dead_target, 0, 2);
	steps_case = add(suite, "steps", setup, faults, sizeof(faults) / sizeof(faults[0]));
	tcase_add_loop_test(
	    steps_case, test_fault_at_each_step, 0, sizeof(steps) / sizeof(steps[0]));
	failed = run_suite(suite);
	return failed == 0 ? 0 : 1;
}
