/* What stands behind load balancers: when it is looked up, with whose keys, and what becomes of
 * answers that do not come. e2e/test_loops.py has each kind of member. */
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror_fixture.h"

#include "run_suite.h"

#include <stdlib.h>
#include <string.h>

#define INSTANCES 12
#define FRESH_MS  60000

static struct fixture fixture;
static struct process process;

static void
setup(void)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = INSTANCES;
	opts.vpcs = 1;
	opts.plain = true;
	opts.members = 1;
	fixture_init(&fixture, &opts);
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

/* A rule for the VPC with the first given target, and more of the configuration behind it. */
static void
open_process(const char *more, int64_t fresh_ms)
{
	char vpc[SIM_ID_BYTES];
	char filter[SIM_ID_BYTES];
	char target[SIM_ID_BYTES];
	char *config;

	world_vpc_id(fixture.world, 0, vpc);
	world_given_filter_id(fixture.world, 0, filter);
	world_given_target_id(fixture.world, 0, target);
	config = mem_printf(
	    "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: %s}\n%s", vpc, filter, target, more);
	process_init(&process, &fixture,
	    &(struct process_opts){
		.config = config, .fresh_ms = fresh_ms, .looks_behind_balancers = true});
	free(config);
}

/* The whole fleet through describe-page, match and exclude-target-instances. NULL: the last
 * failed. */
static const json_t *
exclude_all(void)
{
	json_t *page = process_run(&process, "describe-page", json_object());
	json_t *matched;

	ck_assert_ptr_nonnull(page);
	matched = process_run(
	    &process, "match", jpack("{s:O}", "Instances", json_object_get(page, "Instances")));
	ck_assert_ptr_nonnull(matched);
	return process_run(&process, "exclude-target-instances",
	    jpack("{s:O}", "Matched", json_object_get(matched, "Matched")));
}

static size_t
excluded(const json_t *result)
{
	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	return json_array_size(json_object_get(result, "Excluded"));
}

START_TEST(test_looked_up_once)
{
	open_process("", 0);
	ck_assert_uint_eq(excluded(exclude_all()), 3);
	ck_assert_uint_eq(excluded(exclude_all()), 3);
	ck_assert_uint_eq(process_calls(&process, "DescribeTargetGroups"), 2);
	ck_assert_uint_eq(process_calls(&process, "DescribeTargetHealth"), 4);
	ck_assert_uint_eq(process_calls(&process, "DescribeNetworkInterfaces"), 1);
}
END_TEST

START_TEST(test_looked_up_again_in_a_service)
{
	open_process("", FRESH_MS);
	ck_assert_uint_eq(excluded(exclude_all()), 3);
	ck_assert_uint_eq(process_calls(&process, "DescribeTargetGroups"), 2);
	fixture.clock.now_mono_ms += FRESH_MS + 1;
	ck_assert_uint_eq(excluded(exclude_all()), 3);
	ck_assert_uint_eq(process_calls(&process, "DescribeTargetGroups"), 4);
}
END_TEST

START_TEST(test_throttled_is_no_answer)
{
	open_process("", 0);
	process_fault(&process, "DescribeTargetHealth", "Throttling", 400, 1000);
	ck_assert_ptr_null(exclude_all());
	ck_assert(tmf_err_is(process_error(&process), "Throttling"));
	process_heal(&process);
	ck_assert_uint_eq(excluded(exclude_all()), 3);
}
END_TEST

/* One group that is gone meanwhile costs its own members only. */
START_TEST(test_goes_on_without)
{
	open_process("", 0);
	process_fault(&process, "DescribeTargetHealth", "TargetGroupNotFound", 400, 1);
	ck_assert_uint_eq(excluded(exclude_all()), 2);
}
END_TEST

/* The first page told whose account this is; here it is another one than the load balancer's. */
static void
share_from_another_account(void)
{
	ck_assert_ptr_nonnull(process_run(&process, "describe-page", json_object()));
	memcpy(accounts_home(process.accounts)->id, "999999999999", ACCOUNT_ID_BYTES);
	ck_assert_ptr_nonnull(
	    process_run(&process, "exclude-target-instances", jpack("{s:[]}", "Matched")));
}

START_TEST(test_shared_and_not_reached)
{
	open_process("", 0);
	share_from_another_account();
	ck_assert_uint_eq(process_calls(&process, "DescribeTargetGroups"), 0);
	ck_assert_uint_eq(json_array_size(process.roles), 0);
}
END_TEST

START_TEST(test_shared_and_reached_by_a_role)
{
	open_process("guardduty:\n  roleArn: arn:aws:iam::{account}:role/tmflow\n", 0);
	share_from_another_account();
	ck_assert_uint_eq(process_calls(&process, "DescribeTargetGroups"), 2);
	ck_assert_str_eq(json_string_value(json_array_get(process.roles, 0)),
	    "arn:aws:iam::123456789012:role/tmflow");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_looked_up_once, test_looked_up_again_in_a_service,
	    test_throttled_is_no_answer, test_goes_on_without, test_shared_and_not_reached,
	    test_shared_and_reached_by_a_role};
	Suite *suite = suite_create("members");

	suite_add_tests(suite, "members", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	return run_suite(suite);
}
