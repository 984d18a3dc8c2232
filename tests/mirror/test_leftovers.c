#include "mirror_fixture.h"
#include "remove_tree.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Launches that nobody is at any more: at the end of a run each has a target, or its instance is
 * terminated. */

#define FOREVER 1000

static struct fixture fixture;
static struct process process;
static struct process later;
static char subnet[SIM_ID_BYTES];

static void
setup(void)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = 16;
	opts.vpcs = 1;
	opts.subnets_per_vpc = 1;
	opts.plain = true;
	fixture_init(&fixture, &opts);
	world_subnet_id(fixture.world, 0, subnet);
	process_init(&process, &fixture, &(struct process_opts){0});
	process_init(
	    &later, &fixture, &(struct process_opts){.store = process.store, .run_id = "later"});
}

static void
teardown(void)
{
	process_fini(&later);
	process_fini(&process);
	fixture_fini(&fixture);
}

static json_t *
request(void)
{
	return jpack("{s:s, s:s}", "Rule", "vpcs[0]", "SubnetId", subnet);
}

static void
check_launches(int launched, int behind_target)
{
	json_t *report = fixture_report(&fixture);
	json_t *instances = json_object_get(report, "instances");

	ck_assert_int_eq(json_integer_value(json_object_get(instances, "launched")), launched);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(instances, "launchedBehindTarget")), behind_target);
	fixture_check_used(report);
	json_decref(report);
}

/* A launch whose target cannot be made for now: what a crash in between leaves behind. */
static void
leave_launch(struct process *by)
{
	process_fault(by, "CreateTrafficMirrorTarget", "ServiceUnavailable", 503, FOREVER);
	ck_assert_ptr_null(process_run(by, "ensure-target", request()));
	process_heal(by);
	process_forget_calls(by);
}

/* Another one with a store of its own makes the subnet's target of an image of its own. */
static void
make_other_target(void)
{
	struct process other;
	struct buf text = {0};
	char *config;
	char *image;

	world_config(fixture.world, SIM_SCENARIO_ALL, &text);
	config = buf_take(&text);
	image = strstr(config, "targetInstanceAmi: ami-") + strlen("targetInstanceAmi: ami-");
	*image = *image == '1' ? '2' : '1';
	process_init(&other, &fixture, &(struct process_opts){.config = config});
	ck_assert_ptr_nonnull(process_run(&other, "ensure-target", request()));
	process_fini(&other);
	free(config);
}

static void
terminate(const char *instance_id)
{
	struct tmf_err err = {0};

	ck_assert_msg(
	    world_terminate(fixture.world, instance_id, fixture.clock.now_wall_ms, &err) == 0, "%s",
	    tmf_err_text(&err));
}

/* The n-th launched instance, from 0. Static storage. */
static const char *
launched_instance(size_t n)
{
	static char id[SIM_ID_BYTES];
	json_t *report = fixture_report(&fixture);
	const json_t *launch = json_array_get(json_object_get(report, "launched"), n);

	snprintf(id, sizeof(id), "%s", jsonx_get_string(launch, "instanceId"));
	json_decref(report);
	return id;
}

START_TEST(test_nothing_left)
{
	ck_assert_ptr_nonnull(process_run(&process, "ensure-target", request()));
	process_forget_calls(&process);
	process_settle(&process);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&process, "") + process_calls(&later, ""), 0);
}
END_TEST

/* Whether at the end of the run itself or of a later one. */
START_TEST(test_becomes_the_target)
{
	struct process *by = _i == 0 ? &process : &later;
	const json_t *result;

	leave_launch(&process);
	process_settle(by);
	check_launches(1, 1);
	ck_assert_uint_eq(process_calls(by, "RunInstances"), 0);
	process_forget_calls(by);
	process_settle(by);
	ck_assert_uint_eq(process_calls(by, ""), 0);
	result = process_run(by, "ensure-target", request());
	ck_assert(json_is_false(json_object_get(result, "Created")));
	check_launches(1, 1);
}
END_TEST

/* AWS never answered: the client token tells which instance it was. */
START_TEST(test_launch_without_an_answer)
{
	struct process twin;

	process_fault(&process, "RunInstances", "InternalError", 500, FOREVER);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request()));
	process_init(&twin, &fixture, &(struct process_opts){0});
	leave_launch(&twin);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 1);
	check_launches(1, 1);
	process_fini(&twin);
}
END_TEST

/* What AWS refuses to launch is not asked for at the end once more. */
START_TEST(test_refused_launch)
{
	static const char *const codes[] = {"VcpuLimitExceeded", "InvalidAMIID.NotFound"};

	process_fault(&process, "RunInstances", codes[_i], 400, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request()));
	process_forget_calls(&process);
	process_settle(&process);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&process, "") + process_calls(&later, ""), 0);
	check_launches(0, 0);
}
END_TEST

/* But keys that are refused tell nothing of an earlier attempt. */
START_TEST(test_launch_that_keys_do_not_allow)
{
	process_fault(&process, "RunInstances", "UnauthorizedOperation", 403, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request()));
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 1);
	check_launches(1, 1);
}
END_TEST

/* The position of the first call of that operation. */
static size_t
position(const struct process *by, const char *operation)
{
	for (size_t i = 0; i < json_array_size(by->calls); i++)
		if (strcmp(json_string_value(json_array_get(by->calls, i)), operation) == 0)
			return i;
	ck_abort_msg("%s was not asked for", operation);
}

/* The subnet has another target by then: this one is not needed. It goes before its instance. */
START_TEST(test_taken_down)
{
	const json_t *result;

	leave_launch(&process);
	make_other_target();
	process_settle(&later);
	ck_assert_uint_lt(position(&later, "CreateTrafficMirrorTarget"),
	    position(&later, "DeleteTrafficMirrorTarget"));
	ck_assert_uint_lt(
	    position(&later, "DeleteTrafficMirrorTarget"), position(&later, "TerminateInstances"));
	check_launches(2, 1);
	process_forget_calls(&later);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, ""), 0);
	result = process_run(&later, "ensure-target", request());
	ck_assert(json_is_false(json_object_get(result, "Created")));
	check_launches(2, 1);
}
END_TEST

/* Somebody mirrors to it, so AWS does not let it go: it stays, with its instance. */
START_TEST(test_needed_after_all)
{
	leave_launch(&process);
	make_other_target();
	process_fault(
	    &later, "DeleteTrafficMirrorTarget", "TrafficMirrorTargetInUseException", 400, 1);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, "TerminateInstances"), 0);
	check_launches(2, 2);
	process_forget_calls(&later);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, ""), 0);
}
END_TEST

/* Another process was given the same instance for the same token and has made it a target:
 * nothing is taken from it. */
START_TEST(test_made_by_another_process)
{
	struct process twin;

	leave_launch(&process);
	process_init(&twin, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&twin, "ensure-target", request()));
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, "DeleteTrafficMirrorTarget"), 0);
	ck_assert_uint_eq(process_calls(&later, "TerminateInstances"), 0);
	check_launches(1, 1);
	process_fini(&twin);
}
END_TEST

START_TEST(test_instance_is_gone)
{
	leave_launch(&process);
	terminate(launched_instance(0));
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 0);
	check_launches(1, 0);
	process_forget_calls(&later);
	process_settle(&later);
	ck_assert_uint_eq(process_calls(&later, ""), 0);
	/* Its generation is used up. */
	ck_assert_ptr_nonnull(process_run(&later, "ensure-target", request()));
	ck_assert_uint_eq(process_calls(&later, "RunInstances"), 1);
	check_launches(2, 1);
}
END_TEST

/* Whatever is in the way: the next one goes on, makes no second target and leaves no instance
 * behind. */
static const struct {
	const char *operation;
	const char *code;
	int status;
} obstacles[] = {
    {"DescribeTrafficMirrorTargets", "UnauthorizedOperation", 403},
    {"DescribeTrafficMirrorTargets", "InternalError", 500},
    {"DescribeInstances", "UnauthorizedOperation", 403},
    {"DescribeInstances", "InternalError", 500},
    {"CreateTrafficMirrorTarget", "InternalError", 500},
    {"CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400},
    {"DeleteTrafficMirrorTarget", "UnauthorizedOperation", 403},
    {"DeleteTrafficMirrorTarget", "InternalError", 500},
    {"TerminateInstances", "UnauthorizedOperation", 403},
    {"TerminateInstances", "InternalError", 500},
};

START_TEST(test_fault_at_each_step)
{
	struct process last;
	json_t *report;

	leave_launch(&process);
	make_other_target();
	process_fault(
	    &later, obstacles[_i].operation, obstacles[_i].code, obstacles[_i].status, FOREVER);
	process_settle(&later);
	process_init(
	    &last, &fixture, &(struct process_opts){.store = process.store, .run_id = "last"});
	process_settle(&last);
	check_launches(2, 1);
	report = fixture_report(&fixture);
	ck_assert_int_le(json_integer_value(json_object_get(report, "targetsCreated")), 2);
	json_decref(report);
	process_forget_calls(&last);
	process_settle(&last);
	ck_assert_uint_eq(process_calls(&last, ""), 0);
	process_fini(&last);
}
END_TEST

/* A roll-back that could not terminate the instance: it goes at the end, or with a later run. */
START_TEST(test_roll_back_is_finished)
{
	process_fault(
	    &process, "CreateTrafficMirrorTarget", "TrafficMirrorTargetLimitExceeded", 400, 1);
	process_fault(&process, "TerminateInstances", "UnauthorizedOperation", 403, 1);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request()));
	process_settle(_i == 0 ? &process : &later);
	check_launches(1, 0);
	ck_assert_ptr_nonnull(process_run(&later, "ensure-target", request()));
	check_launches(2, 1);
}
END_TEST

/* The run ends while a target is being made, since nobody waits for it any more. */
START_TEST(test_creation_under_way)
{
	const struct fixture_end *end = process_start(&process, "ensure-target", request());

	process_settle(&process);
	ck_assert(end->over);
	ck_assert_uint_eq(process_calls(&process, "RunInstances"), 1);
	check_launches(1, 1);
}
END_TEST

/* Runs of one process share its accounts: whichever ends first settles what any of them left. */
START_TEST(test_runs_of_one_process)
{
	struct process one;
	struct process two;

	process_init(&one, &fixture,
	    &(struct process_opts){
		.store = process.store, .run_id = "serving", .shares_run = true});
	process_init(&two, &fixture,
	    &(struct process_opts){.store = process.store,
		.run_id = "serving",
		.shares_run = true,
		.resumes = true,
		.accounts = one.accounts});
	leave_launch(&one);
	process_settle(&two);
	check_launches(1, 1);
	process_fini(&two);
	process_fini(&one);
}
END_TEST

static void
ignore_end(void *arg, struct tmf_call *call)
{
	(void)arg;
	json_decref(tmf_call_take_result(call));
}

/* A source needs the subnet's target while a leftover of it is being settled. That nothing comes
 * of the leftover is no answer to it. */
START_TEST(test_creation_while_settling)
{
	const struct fixture_end *end;

	process_fault(&process, "RunInstances", "ServiceUnavailable", 503, FOREVER);
	ck_assert_ptr_null(process_run(&process, "ensure-target", request()));
	process_heal(&process);
	process_fault(&process, "RunInstances", "VcpuLimitExceeded", 400, 1);
	tmf_call_on_done(accounts_settle(process.accounts, false), ignore_end, NULL);
	end = process_start(&process, "ensure-target", request());
	fixture_run(&fixture);
	ck_assert(end->over && end->result != NULL);
	ck_assert_ptr_nonnull(jsonx_get_string(end->result, "TargetId"));
	check_launches(1, 1);
}
END_TEST

/* --- targets that nobody mirrors to --- */

static void
take_back(struct process *by)
{
	tmf_call_on_done(accounts_settle(by->accounts, true), ignore_end, NULL);
	fixture_run(&fixture);
}

/* At the end of the run itself, or of a later one where that is gone. */
START_TEST(test_idle_target_is_taken_back)
{
	struct process *by = _i == 0 ? &process : &later;

	ck_assert_ptr_nonnull(process_run(&process, "ensure-target", request()));
	check_launches(1, 1);
	take_back(by);
	ck_assert_uint_lt(
	    position(by, "DeleteTrafficMirrorTarget"), position(by, "TerminateInstances"));
	check_launches(1, 0);
	process_forget_calls(by);
	take_back(by);
	ck_assert_uint_eq(process_calls(by, ""), 0);
	/* Its generation is used up: the next one has a token of its own. */
	ck_assert_ptr_nonnull(process_run(by, "ensure-target", request()));
	check_launches(2, 1);
}
END_TEST

/* A launch that was left behind becomes a target, and is as idle. */
START_TEST(test_leftover_is_taken_back)
{
	leave_launch(&process);
	take_back(&later);
	check_launches(1, 0);
	process_forget_calls(&later);
	take_back(&later);
	ck_assert_uint_eq(process_calls(&later, ""), 0);
}
END_TEST

static json_t *
session_request(const char *target_id)
{
	static char interface[SIM_ID_BYTES];
	static char instance[SIM_ID_BYTES];

	world_interface_id(fixture.world, 0, 0, interface);
	world_instance_id(fixture.world, 0, instance);
	return jpack("{s:s, s:s, s:s, s:s}", "Rule", "vpcs[0]", "TargetId", target_id,
	    "NetworkInterfaceId", interface, "InstanceId", instance);
}

/* Its session may be gone again by the end of the run: it stays all the same. */
START_TEST(test_used_target_stays)
{
	const json_t *made = process_run(&process, "ensure-target", request());

	ck_assert_ptr_nonnull(process_run(
	    &process, "ensure-session", session_request(jsonx_get_string(made, "TargetId"))));
	process_forget_calls(&process);
	take_back(&process);
	take_back(&later);
	ck_assert_uint_eq(process_calls(&process, "") + process_calls(&later, ""), 0);
	check_launches(1, 1);
}
END_TEST

/* Another process mirrors to it, of which this one knows nothing: AWS refuses to delete it, and
 * from then on it serves here too, although it was noted as one that goes. */
START_TEST(test_target_of_others_stays)
{
	char target[SIM_ID_BYTES];
	struct process other;
	const json_t *result;

	snprintf(target, sizeof(target), "%s",
	    jsonx_get_string(process_run(&process, "ensure-target", request()), "TargetId"));
	process_init(&other, &fixture, &(struct process_opts){0});
	ck_assert_ptr_nonnull(process_run(&other, "ensure-session", session_request(target)));
	take_back(&process);
	ck_assert_uint_eq(process_calls(&process, "DeleteTrafficMirrorTarget"), 1);
	ck_assert_uint_eq(process_calls(&process, "TerminateInstances"), 0);
	check_launches(1, 1);
	result = process_run(&process, "ensure-target", request());
	ck_assert_str_eq(jsonx_get_string(result, "TargetId"), target);
	process_forget_calls(&process);
	take_back(&process);
	ck_assert_uint_eq(process_calls(&process, ""), 0);
	process_fini(&other);
}
END_TEST

/* A source has its place there and is about to be mirrored. */
START_TEST(test_awaited_target_stays)
{
	json_t *asks = request();

	jsonx_put_string(asks, "NetworkInterfaceId", "eni-1");
	ck_assert_ptr_nonnull(process_run(&process, "ensure-target", asks));
	process_forget_calls(&process);
	take_back(&process);
	ck_assert_uint_eq(process_calls(&process, "DeleteTrafficMirrorTarget"), 0);
	check_launches(1, 1);
}
END_TEST

/* What is in the way of it for now: a later run does it. */
START_TEST(test_taking_back_is_finished)
{
	static const char *const operations[] = {"DescribeTrafficMirrorTargets",
	    "DescribeInstances", "DeleteTrafficMirrorTarget", "TerminateInstances"};
	struct process last;

	ck_assert_ptr_nonnull(process_run(&process, "ensure-target", request()));
	process_fault(&later, operations[_i], "UnauthorizedOperation", 403, FOREVER);
	take_back(&later);
	process_init(
	    &last, &fixture, &(struct process_opts){.store = process.store, .run_id = "last"});
	take_back(&last);
	check_launches(1, 0);
	process_forget_calls(&last);
	take_back(&last);
	ck_assert_uint_eq(process_calls(&last, ""), 0);
	process_fini(&last);
}
END_TEST

/* Once, or as often as the client asks by itself and some times more. */
START_TEST(test_taking_back_outlasts_a_bad_minute)
{
	ck_assert_ptr_nonnull(process_run(&process, "ensure-target", request()));
	process_fault(&process, "TerminateInstances", "InternalError", 500, _i == 0 ? 11 : 25);
	take_back(&process);
	check_launches(1, 0);
}
END_TEST

/* What the process of another run is at is left to it, until it is gone. */
START_TEST(test_run_of_a_live_process)
{
	char dir[] = "/tmp/tmflow-leftovers-XXXXXX";
	struct tmf_err err = {0};
	struct store *store;
	struct store_lease *lease;
	struct process one;
	struct process two;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	store = store_open(dir, &fixture.clock.clock, &err);
	ck_assert_msg(store != NULL, "%s", tmf_err_text(&err));
	process_init(&one, &fixture, &(struct process_opts){.store = store, .run_id = "one"});
	process_init(&two, &fixture, &(struct process_opts){.store = store, .run_id = "two"});
	lease = store_lease_take(store, "one", &err);
	leave_launch(&one);
	process_settle(&two);
	ck_assert_uint_eq(process_calls(&two, ""), 0);
	store_lease_release(lease);
	process_settle(&two);
	check_launches(1, 1);
	process_fini(&two);
	process_fini(&one);
	store_close(store);
	ck_assert_int_eq(remove_tree(dir), 0);
}
END_TEST

START_TEST(test_dry_run)
{
	struct process dry;

	leave_launch(&process);
	process_init(&dry, &fixture,
	    &(struct process_opts){.store = process.store, .run_id = "dry", .dry_run = true});
	process_settle(&dry);
	ck_assert_uint_eq(process_calls(&dry, ""), 0);
	process_fini(&dry);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {test_nothing_left, test_launch_without_an_answer,
	    test_launch_that_keys_do_not_allow, test_taken_down, test_needed_after_all,
	    test_made_by_another_process, test_instance_is_gone, test_creation_under_way,
	    test_runs_of_one_process, test_creation_while_settling, test_run_of_a_live_process,
	    test_dry_run, test_leftover_is_taken_back, test_used_target_stays,
	    test_target_of_others_stays, test_awaited_target_stays};
	Suite *suite = suite_create("leftovers");
	TCase *tcase;

	tcase = suite_add_tests(
	    suite, "leftovers", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	tcase_add_loop_test(tcase, test_becomes_the_target, 0, 2);
	tcase_add_loop_test(tcase, test_refused_launch, 0, 2);
	tcase_add_loop_test(tcase, test_idle_target_is_taken_back, 0, 2);
	tcase_add_loop_test(tcase, test_taking_back_outlasts_a_bad_minute, 0, 2);
	tcase_add_loop_test(tcase, test_taking_back_is_finished, 0, 4);
	tcase_add_loop_test(tcase, test_roll_back_is_finished, 0, 2);
	tcase_add_loop_test(
	    tcase, test_fault_at_each_step, 0, sizeof(obstacles) / sizeof(obstacles[0]));
	return run_suite(suite);
}
