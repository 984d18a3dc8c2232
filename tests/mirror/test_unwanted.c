#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"
#include "mirror/config/prune.h"

#include <stdio.h>

/* tmflow:find-unwanted without what a run has recorded, check-prune and remove-session. */

#define INSTANCES 12

static struct fixture fixture;
static struct process maker; /* has made a session for each instance */

static void
open_process(struct process *process, const char *more, const struct process_opts *given)
{
	struct process_opts opts = given != NULL ? *given : (struct process_opts){0};
	char config[1024], vpc[SIM_ID_BYTES], filter[SIM_ID_BYTES], target[SIM_ID_BYTES];

	world_vpc_id(fixture.world, 0, vpc);
	world_given_filter_id(fixture.world, 0, filter);
	world_given_target_id(fixture.world, 0, target);
	snprintf(config, sizeof(config),
	    "name: blue\nvpcs:\n  - {name: rule, vpcId: %s, filterId: %s, targetId: %s}\n%s", vpc,
	    filter, target, more);
	opts.config = config;
	process_init(process, &fixture, &opts);
}

static void
setup(void)
{
	char interface[SIM_ID_BYTES], instance[SIM_ID_BYTES], target[SIM_ID_BYTES];

	fixture_init_subnet(&fixture, INSTANCES, 0, 0);
	open_process(&maker, "", NULL);
	world_given_target_id(fixture.world, 0, target);
	for (unsigned i = 0; i < INSTANCES; i++) {
		world_interface_id(fixture.world, i, 0, interface);
		world_instance_id(fixture.world, i, instance);
		ck_assert_ptr_nonnull(process_run(&maker, "ensure-session",
		    jpack("{s:s, s:s, s:s, s:s}", "Rule", "rule", "NetworkInterfaceId", interface,
			"InstanceId", instance, "TargetId", target)));
	}
}

static void
teardown(void)
{
	process_fini(&maker);
	fixture_fini(&fixture);
}

static json_int_t
number_of(const json_t *result, const char *name)
{
	return json_integer_value(json_object_get(result, name));
}

/* What no run has listed is judged by its instance as that is now. */
START_TEST(test_an_empty_ledger_is_no_reason)
{
	struct process other;
	json_t *result;

	open_process(&other, "", NULL);
	result = process_run(&other, "find-unwanted", jpack("{}"));
	ck_assert_int_eq(number_of(result, "Sessions"), INSTANCES);
	ck_assert_int_eq(number_of(result, "Unwanted"), 0);
	ck_assert_uint_eq(process_calls(&other, "DescribeTrafficMirrorSessions"), 1);
	ck_assert_uint_eq(process_calls(&other, "DescribeInstances"), 1);
	process_fini(&other);
}
END_TEST

/* The maker has recorded each of them: nothing else is asked for. */
START_TEST(test_what_the_ledger_wants_is_not_looked_at)
{
	process_forget_calls(&maker);
	ck_assert_int_eq(
	    number_of(process_run(&maker, "find-unwanted", jpack("{}")), "Unwanted"), 0);
	ck_assert_uint_eq(process_calls(&maker, ""), 1);
}
END_TEST

/* A ledger of many runs may be a day old: it claims nothing. */
START_TEST(test_a_ledger_of_many_runs_is_not_believed)
{
	struct process server;
	char instance[SIM_ID_BYTES], interface[SIM_ID_BYTES], more[128];

	world_instance_id(fixture.world, 3, instance);
	world_interface_id(fixture.world, 3, 0, interface);
	snprintf(more, sizeof(more), "exclude: {instanceIds: [%s]}\n", instance);
	open_process(&server, more,
	    &(struct process_opts){.store = maker.store, .resumes = true, .shares_run = true});
	ck_assert_int_eq(
	    number_of(process_run(&server, "find-unwanted", jpack("{}")), "Unwanted"), 1);
	ck_assert_str_eq(process_outcome(&server, interface), "unwanted: configured");
	process_fini(&server);
}
END_TEST

/* A hook that fails says nothing about a session; one that refuses does. */
START_TEST(test_hooks)
{
	static const struct {
		const char *hook;
		json_int_t unwanted;
	} rows[] = {
	    {"return {eligible = function(i) error('no') end}", 0},
	    {"return {match = function(i, rule) error('no') end}", 0},
	    {"return {eligible = function(i) return false end}", INSTANCES},
	    {"return {match = function(i, rule) return false end}", INSTANCES},
	};
	struct process hooked;

	open_process(&hooked, "", &(struct process_opts){.hook = rows[_i].hook});
	ck_assert_int_eq(number_of(process_run(&hooked, "find-unwanted", jpack("{}")), "Unwanted"),
	    rows[_i].unwanted);
	process_fini(&hooked);
}
END_TEST

/* A removal that is done again finds nothing, and has removed it even so. In a dry run nothing
 * is asked. */
START_TEST(test_removed_twice)
{
	struct process dry;
	json_t *items;

	open_process(&dry, "",
	    &(struct process_opts){
		.dry_run = true, .hook = "return {eligible = function(i) return false end}"});
	items =
	    json_incref(json_object_get(process_run(&dry, "find-unwanted", jpack("{}")), "Items"));
	process_forget_calls(&dry);
	ck_assert_ptr_nonnull(
	    process_run(&dry, "remove-session", json_incref(json_array_get(items, 0))));
	ck_assert_uint_eq(process_calls(&dry, ""), 0);
	for (int i = 0; i < 2; i++)
		ck_assert_str_eq(jsonx_get_string(process_run(&maker, "remove-session",
						      json_incref(json_array_get(items, 0))),
				     "Outcome"),
		    "removed");
	/* It is gone from the list, and from what is counted while a describe still shows it. */
	ck_assert_int_eq(number_of(process_run(&maker, "find-unwanted", jpack("{}")), "Sessions"),
	    INSTANCES - 1);
	json_decref(items);
	process_fini(&dry);
}
END_TEST

START_TEST(test_limits)
{
	static const struct {
		const char *limit; /* NULL: the default */
		json_int_t unwanted, sessions;
		bool allowed;
	} rows[] = {
	    {NULL, 10, 10, true},
	    {NULL, 11, 44, true},
	    {NULL, 11, 43, false},
	    {"11", 11, 12, true},
	    {"11", 12, 1000, false},
	    {"0", 1, 1000, false},
	    {"2%", 20, 1000, true},
	    {"2%", 21, 1000, false},
	    {"100%", 7, 7, true},
	};
	struct prune_limit limit = PRUNE_LIMIT_DEFAULT;
	struct tmf_err err = {0};

	if (rows[_i].limit != NULL)
		ck_assert_int_eq(prune_limit_parse(rows[_i].limit, &limit, &err), 0);
	ck_assert_int_eq(
	    prune_limit_allows(&limit, rows[_i].unwanted, rows[_i].sessions), rows[_i].allowed);
}
END_TEST

START_TEST(test_what_is_not_a_limit)
{
	static const char *const texts[] = {
	    "", "%", "-1", "101%", "5 %", "5%%", "1e3", "99999999999999999999", "1000000001"};
	struct prune_limit limit;
	struct tmf_err err = {0};

	ck_assert_int_eq(prune_limit_parse(texts[_i], &limit, &err), -1);
	ck_assert_int_eq(err.code, TMF_ERR_INVALID);
	tmf_err_fini(&err);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("unwanted");
	TCase *actions = tcase_create("actions");
	TCase *limits = tcase_create("limits");

	tcase_add_checked_fixture(actions, setup, teardown);
	tcase_add_test(actions, test_an_empty_ledger_is_no_reason);
	tcase_add_test(actions, test_what_the_ledger_wants_is_not_looked_at);
	tcase_add_test(actions, test_a_ledger_of_many_runs_is_not_believed);
	tcase_add_loop_test(actions, test_hooks, 0, 4);
	tcase_add_test(actions, test_removed_twice);
	tcase_add_loop_test(limits, test_limits, 0, 9);
	tcase_add_loop_test(limits, test_what_is_not_a_limit, 0, 9);
	suite_add_tcase(suite, actions);
	suite_add_tcase(suite, limits);
	return run_suite(suite) == 0 ? 0 : 1;
}
