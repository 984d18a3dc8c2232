#include "run_suite.h"
#include "targets_fixture.h"

#include "base/jsonx.h"
#include "mirror/config/rules.h"

#include <stdlib.h>
#include <string.h>

/* Targets whose instance was terminated, or stopped, by somebody else. */

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
	ck_assert_msg(lists != NULL, "%s", tmf_err_text(process_error(by)));
	json_object_foreach (lists, name, list) {
		*ret_item = json_array_get(list, 0);
		if (*ret_item != NULL)
			return name;
	}
	return "";
}

static json_t *
ensure_source(struct process *by, const char *target_id, const json_t *item)
{
	return process_run(by, "ensure-session",
	    jpack("{s:s, s:s, s:O, s:O}", "Rule", "vpcs[0]", "TargetId", target_id,
		"NetworkInterfaceId", json_object_get(item, "NetworkInterfaceId"), "InstanceId",
		json_object_get(item, "InstanceId")));
}

/* Whether with the store that made the target, just now, or with another one. */
START_TEST(test_dead_target)
{
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process later;
	json_t *item;
	json_t *made;
	const char *second;

	targets_fill(first, 0, 1);
	targets_terminate_launched();
	process_init(&later, &fixture,
	    &(struct process_opts){.store = _i == 0 ? process.store : NULL, .run_id = "later"});
	ck_assert_str_eq(find_source(&later, &item), "Drifted");
	ck_assert(json_is_null(json_object_get(item, "SessionTargetId")));
	second = targets_id_of(process_run(&later, "ensure-target", targets_request(NULL)));
	ck_assert_str_ne(second, first);
	ck_assert(process_asked_with(&later, "DeleteTags", first));
	made = process_run(&later, "ensure-session",
	    jpack("{s:s, s:s, s:O, s:O, s:O}", "Rule", "vpcs[0]", "TargetId", second,
		"NetworkInterfaceId", json_object_get(item, "NetworkInterfaceId"), "InstanceId",
		json_object_get(item, "InstanceId"), "SessionId",
		json_object_get(item, "SessionId")));
	ck_assert_str_eq(jsonx_get_string(made, "Outcome"), "updated");
	ck_assert_str_eq(find_source(&later, &item), "Present");
	ck_assert_int_eq(targets_launched_in_all(), 2);
	process_fini(&later);
	free(first);
}
END_TEST

/* Another process made the target after this one had read its inventory. Its session has not
 * drifted, and a second page asks for nothing more. */
START_TEST(test_target_that_another_process_made)
{
	struct process other;
	json_t *item;

	ck_assert_str_eq(find_source(&process, &item), "Missing");
	process_init(&other, &fixture, &(struct process_opts){.run_id = "other"});
	ck_assert_ptr_nonnull(ensure_source(&other,
	    targets_id_of(process_run(&other, "ensure-target", targets_request(NULL))), item));
	ck_assert_str_eq(find_source(&process, &item), "Present");
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 2);
	ck_assert_str_eq(find_source(&process, &item), "Present");
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 2);
	process_fini(&other);
}
END_TEST

/* A resumed run goes on with a target that another process made, and that its own inventory does
 * not have: which subnet that one serves decides whether the session which is there has drifted. */
START_TEST(test_own_target_that_is_not_known_yet)
{
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process other;
	char *second;
	json_t *made;
	json_t *item;

	ck_assert_str_eq(find_source(&process, &item), "Missing");
	process_init(&other, &fixture, &(struct process_opts){.run_id = "other"});
	ck_assert_ptr_nonnull(ensure_source(&other, first, item));
	second =
	    strdup(targets_id_of(process_run(&other, "ensure-target", targets_request(first))));
	ck_assert_str_ne(second, first);
	made = ensure_source(&process, second, item);
	ck_assert_str_eq(jsonx_get_string(made, "Outcome"), "present");
	ck_assert_uint_eq(process_calls(&process, "ModifyTrafficMirrorSession"), 0);
	process_fini(&other);
	free(first);
	free(second);
}
END_TEST

/* A sensor that is stopped takes no packets: its sources get a successor, as if it were gone. */
START_TEST(test_stopped_target)
{
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process later;
	json_t *item;

	targets_fill(first, 0, 1);
	targets_stop_launched();
	process_init(&later, &fixture, &(struct process_opts){.run_id = "later"});
	ck_assert_str_eq(find_source(&later, &item), "Drifted");
	ck_assert(json_is_null(json_object_get(item, "SessionTargetId")));
	ck_assert_str_ne(
	    targets_id_of(process_run(&later, "ensure-target", targets_request(NULL))), first);
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
		if (strcmp(jsonx_get_string(target, "targetId"), target_id) == 0)
			tag = jsonx_get_string(target, "targetSubnetId");
	if (tag != NULL)
		snprintf(text, sizeof(text), "%s", tag);
	json_decref(report);
	return tag != NULL ? text : NULL;
}

/* A tagged target without a live instance would lead others to it: the tag goes as soon as that
 * is known, not only when there is a successor. */
START_TEST(test_dead_target_loses_its_tag_at_once)
{
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process dry;
	struct process forbidden;
	struct process later;
	json_t *item;

	targets_fill(first, 0, 1);
	targets_terminate_launched();
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
	ck_assert_ptr_nonnull(process_run(&later, "ensure-target", targets_request(NULL)));
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
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process later;
	json_t *item;

	targets_fill(first, 0, 1);
	process_init(&later, &fixture, &(struct process_opts){0});
	ck_assert_str_eq(find_source(&later, &item), "Present");
	ck_assert_str_eq(
	    targets_id_of(process_run(&later, "ensure-target", targets_request(NULL))), first);
	ck_assert_uint_eq(process_calls(&later, "DescribeInstances"), 1);
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 0);
	process_fini(&later);
	free(first);
}
END_TEST

/* Its instance is on no list: at first that is taken for a lag. Only after several looks it is
 * gone, and a store remembers that. */
START_TEST(test_target_whose_instance_is_not_listed)
{
	static const int describes_of_looks = 8; /* of interfaces and of launches, four times */
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process late;
	struct process blind;
	struct process again;

	process_init(&late, &fixture, &(struct process_opts){0});
	process_fault(&late, "DescribeInstances", NULL, 200, describes_of_looks - 2);
	ck_assert_str_eq(
	    targets_id_of(process_run(&late, "ensure-target", targets_request(NULL))), first);
	ck_assert_int_eq(targets_launched_in_all(), 1);

	process_init(&blind, &fixture, &(struct process_opts){0});
	process_fault(&blind, "DescribeInstances", NULL, 200, 1000);
	ck_assert_str_ne(
	    targets_id_of(process_run(&blind, "ensure-target", targets_request(NULL))), first);
	ck_assert_uint_eq(process_calls(&blind, "DescribeInstances"), describes_of_looks);
	ck_assert_int_eq(targets_launched_in_all(), 2);

	process_init(
	    &again, &fixture, &(struct process_opts){.store = blind.store, .run_id = "again"});
	process_fault(&again, "DescribeInstances", NULL, 200, 1000);
	ck_assert_str_ne(
	    targets_id_of(process_run(&again, "ensure-target", targets_request(NULL))), first);
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
	char *first =
	    strdup(targets_id_of(process_run(&process, "ensure-target", targets_request(NULL))));
	struct process later;

	process_init(
	    &later, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
	process_fault(&later, "DescribeInstances", NULL, 200, 1000);
	ck_assert_str_eq(
	    targets_id_of(process_run(&later, "ensure-target", targets_request(NULL))), first);
	ck_assert_uint_eq(process_calls(&later, "DescribeInstances"), 2);
	ck_assert_int_eq(targets_launched_in_all(), 1);
	process_fini(&later);
	free(first);
}
END_TEST

START_TEST(test_lives_that_cannot_be_asked_for)
{
	struct process later;

	process_run(&process, "ensure-target", targets_request(NULL));
	process_init(&later, &fixture, &(struct process_opts){0});
	process_fault(&later, "DescribeInstances", "UnauthorizedOperation", 403, 1);
	ck_assert_ptr_null(process_run(&later, "ensure-target", targets_request(NULL)));
	ck_assert_str_eq(process_error(&later)->name, "UnauthorizedOperation");
	ck_assert_ptr_nonnull(process_run(&later, "ensure-target", targets_request(NULL)));
	ck_assert_int_eq(targets_launched_in_all(), 1);
	process_fini(&later);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_dead_target_loses_its_tag_at_once,
	    test_target_that_another_process_made, test_own_target_that_is_not_known_yet,
	    test_live_target_costs_one_describe, test_target_whose_instance_is_not_listed,
	    test_new_target_is_not_listed_yet, test_lives_that_cannot_be_asked_for};
	Suite *suite = suite_create("target_lives");
	TCase *tcase;

	tcase = suite_add_tests(suite, "lives", targets_setup, targets_teardown, tests,
	    sizeof(tests) / sizeof(tests[0]));
	tcase_add_test(tcase, test_stopped_target);
	tcase_add_loop_test(tcase, test_dead_target, 0, 2);
	return run_suite(suite);
}
