#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"
#include "mirror/config/instance_types.h"
#include "mirror/waiters.h"

#include <stdio.h>
#include <string.h>

/* A dry run's actions: what they answer, and that they change nothing. */

static struct fixture fixture;
static struct process process;
static char subnet[SIM_ID_BYTES];

static void
setup(void)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = 40;
	opts.plain = true;
	opts.vpcs = 1;
	opts.subnets_per_vpc = 1;
	fixture_init(&fixture, &opts);
	world_subnet_id(fixture.world, 0, subnet);
	process_init(&process, &fixture, &(struct process_opts){.dry_run = true});
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static const char *
ensure_target(const char *full)
{
	const json_t *result = process_run(&process, "ensure-target",
	    jpack("{s:s, s:s, s:s?}", "Rule", "vpcs[0]", "SubnetId", subnet, "FullTargetId", full));

	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	return jsonx_get_string(result, "TargetId");
}

static const json_t *
ensure_session(uint64_t n, const char *target, const char *type)
{
	char interface[SIM_ID_BYTES];
	char instance[SIM_ID_BYTES];

	world_interface_id(fixture.world, n, 0, interface);
	world_instance_id(fixture.world, n, instance);
	return process_run(&process, "ensure-session",
	    jpack("{s:s, s:s, s:s, s:s, s:s}", "Rule", "vpcs[0]", "NetworkInterfaceId", interface,
		"InstanceId", instance, "TargetId", target, "InstanceType", type));
}

static void
expect_no_change(void)
{
	static const char *const changes[] = {"RunInstances", "CreateTrafficMirrorTarget",
	    "CreateTrafficMirrorSession", "ModifyTrafficMirrorSession", "DeleteTags"};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		ck_assert_uint_eq(process_calls(&process, changes[i]), 0);
}

/* Ten fit into the first target; the eleventh is told to look for another one. */
START_TEST(test_targets_fill_up)
{
	char first[128];
	char second[128];

	snprintf(first, sizeof(first), "new:%s:1", subnet);
	snprintf(second, sizeof(second), "new:%s:2", subnet);
	ck_assert_str_eq(ensure_target(NULL), first);
	for (uint64_t n = 0; n < SOURCES_MAX; n++) {
		const json_t *result = ensure_session(n, first, "m5.large");

		ck_assert_str_eq(jsonx_get_string(result, "Outcome"), "created");
		ck_assert(json_is_null(json_object_get(result, "SessionId")));
	}
	ck_assert_ptr_nonnull(ensure_session(0, first, "m5.large")); /* has its place already */
	ck_assert_ptr_null(ensure_session(SOURCES_MAX, first, "m5.large"));
	ck_assert_str_eq(
	    process_error(&process)->name, "TrafficMirrorSourcesPerTargetLimitExceeded");
	ck_assert_str_eq(ensure_target(first), second);
	ck_assert_str_eq(ensure_target(NULL), second);
	ck_assert_ptr_nonnull(ensure_session(SOURCES_MAX, second, "m5.large"));
	expect_no_change();
}
END_TEST

/* A type that cannot be mirrored: foretold, but not remembered as AWS's answer. */
START_TEST(test_types)
{
	const json_t *result = ensure_session(0, ensure_target(NULL), "t2.micro");
	char interface[SIM_ID_BYTES];
	int64_t put_wall_ms = 0;
	struct tmf_err err = {0};
	char key[128];

	ck_assert_str_eq(jsonx_get_string(result, "Outcome"), "ineligible");
	world_interface_id(fixture.world, 0, 0, interface);
	ck_assert_str_eq(process_outcome(&process, interface), "ineligible: type");
	snprintf(key, sizeof(key), "%s/t2.micro", interface);
	ck_assert_int_eq(store_fact_time(process.store, aws_client_scope(process.ec2),
			     "unsupported-interface", key, &put_wall_ms, &err),
	    0);
	ck_assert_int_eq(put_wall_ms, 0);
	expect_no_change();
}
END_TEST

/* What a session has already may be kept: no other target is looked for. */
START_TEST(test_session_keeps_its_target)
{
	const json_t *result = process_run(&process, "ensure-target",
	    jpack("{s:s, s:s, s:s}", "Rule", "vpcs[0]", "SubnetId", subnet, "SessionTargetId",
		"tmt-9"));

	ck_assert_str_eq(jsonx_get_string(result, "TargetId"), "tmt-9");
	ck_assert_uint_eq(process_calls(&process, ""), 0);
}
END_TEST

START_TEST(test_instance_types)
{
	static const char *const sources[] = {"m5.large", "t3.micro", "i3.metal", "m7i-flex.large"};
	static const char *const others[] = {
	    "t2.micro", "c7gn.large", "m6i.metal", "m8g.large", "", "m5x.large", "m"};
	static const char *const raised[] = {
	    "c5.18xlarge", "m5.24xlarge", "p5.4xlarge", "hpc7a.96xlarge"};

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		ck_assert_msg(instance_type_is_source(sources[i]), "%s", sources[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_msg(!instance_type_is_source(others[i]), "%s", others[i]);
	for (size_t i = 0; i < sizeof(raised) / sizeof(raised[0]); i++)
		ck_assert_uint_eq(instance_type_sources_max(raised[i]), SOURCES_MAX_RAISED);
	ck_assert_uint_eq(instance_type_sources_max("m5.large"), SOURCES_MAX);
	ck_assert_uint_eq(instance_type_sources_max("m5"), SOURCES_MAX);
}
END_TEST

struct arrivals {
	char order[8];
	size_t count;
};

struct waiting {
	struct arrivals *arrivals;
	char name;
};

static void
arrived(void *arg, struct tmf_call *call)
{
	const struct waiting *waiting = arg;

	json_decref(tmf_call_take_result(call));
	waiting->arrivals->order[waiting->arrivals->count++] = waiting->name;
}

/* Who came first goes on first, or plans would differ from run to run. */
START_TEST(test_waiters_keep_their_order)
{
	struct arrivals arrivals = {.count = 0};
	struct waiting waiting[] = {{&arrivals, 'a'}, {&arrivals, 'b'}, {&arrivals, 'c'},
	    {&arrivals, 'd'}, {&arrivals, 'e'}};
	struct tmf_call *calls[5];
	struct waiters waiters = {NULL, NULL};
	json_t *result = json_object();

	for (size_t i = 0; i < 4; i++) {
		calls[i] = waiters_add(&waiters, fixture.loop);
		tmf_call_on_done(calls[i], arrived, &waiting[i]);
	}
	tmf_call_cancel(calls[3]);
	tmf_call_cancel(calls[1]);
	tmf_call_cancel(calls[0]);
	calls[4] = waiters_add(&waiters, fixture.loop);
	tmf_call_on_done(calls[4], arrived, &waiting[4]);
	waiters_complete(&waiters, result);
	json_decref(result);
	fixture_run(&fixture);
	ck_assert_str_eq(arrivals.order, "ce");
	ck_assert_ptr_null(waiters.first);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_waiters_keep_their_order, test_targets_fill_up,
	    test_types, test_session_keeps_its_target, test_instance_types};
	Suite *suite = suite_create("plan");

	suite_add_tests(suite, "plan", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	return run_suite(suite);
}
