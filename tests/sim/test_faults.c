#include "sim.h"

#include "base/jsonx.h"
#include "run_suite.h"

#include <stdio.h>
#include <string.h>

/*
 * The fault sweep: each call of a backfill, and each change of its store's file, meets each kind of
 * fault once. In the end all is mirrored, or said to have failed.
 */

#define SWEEP_SEED 5

static struct sim_plan
sweep_plan(void)
{
	struct sim_plan plan = {.seed = SWEEP_SEED, .processes_count = 1};

	sim_opts_default(&plan.world);
	plan.world.seed = SWEEP_SEED;
	plan.world.instances = 30;
	plan.world.vpcs = 2;
	plan.world.subnets_per_vpc = 2;
	plan.world.small_vpc_instances = 12;
	return plan;
}

/* What does not come from the account itself. */
struct spoiler {
	const char *code; /* an error's code with status 400; NULL: another way */
	enum tmf_err_code transport;
	const char *body; /* instead of the reply's, with status 200 */
	uint64_t at;
};

static void
spoil(void *arg, uint64_t n, struct sim_reply *reply, enum tmf_err_code *ret_transport)
{
	const struct spoiler *spoiler = arg;

	if (n != spoiler->at)
		return;
	if (spoiler->transport != TMF_ERR_NONE) {
		*ret_transport = spoiler->transport;
		return;
	}
	buf_reset(&reply->body);
	if (spoiler->body != NULL) {
		buf_add_cstr(&reply->body, spoiler->body);
		return;
	}
	reply->status = 400;
	buf_printf(&reply->body,
	    "<Response><Errors><Error><Code>%s</Code><Message>m</Message></Error></Errors>"
	    "<RequestID>r</RequestID></Response>",
	    spoiler->code);
}

static int64_t
missing(const struct sim_result *result)
{
	return json_integer_value(
	    json_object_get(json_object_get(result->expected, "counts"), "missing"));
}

/* What a run did to the account, what is gone again included. */
struct effects {
	json_int_t sessions;
	json_int_t targets;
	json_int_t instances;
};

static struct effects
effects_of(const struct sim_result *result)
{
	const json_t *sessions = json_object_get(result->report, "sessions");
	const json_t *instances = json_object_get(result->report, "instances");

	return (struct effects){
	    .sessions = json_integer_value(json_object_get(sessions, "created")),
	    .targets = (json_int_t)json_array_size(json_object_get(result->report, "targets")),
	    .instances = json_integer_value(json_object_get(instances, "launched")),
	};
}

/* Plays the plan. What is not mirrored was said to have failed. */
static void
play(const struct sim_plan *plan, const char *what, struct sim_result *ret_result)
{
	struct sim_result result;
	struct tmf_err err = {0};

	ck_assert_msg(sim_play(plan, &result, &err) == 0, "%s: %s", what, tmf_err_text(&err));
	ck_assert_msg(missing(&result) <= result.counts[0][OUTCOME_FAILED],
	    "%s: %lld sessions are missing and %lld failed", what, (long long)missing(&result),
	    (long long)result.counts[0][OUTCOME_FAILED]);
	ck_assert_msg(json_is_true(json_object_get(result.report, "ok")), "%s: not ok", what);
	*ret_result = result;
}

/* A call that came to nothing, or whose reply was lost, is made again with its token: in the end
 * everything was done once, and nothing failed. */
static void
play_as_if_calm(const struct sim_plan *plan, const char *what, const struct effects *calm)
{
	struct sim_result result;
	struct effects done;

	play(plan, what, &result);
	done = effects_of(&result);
	ck_assert_msg(missing(&result) == 0 && result.counts[0][OUTCOME_FAILED] == 0,
	    "%s: %lld sessions are missing and %lld failed", what, (long long)missing(&result),
	    (long long)result.counts[0][OUTCOME_FAILED]);
	ck_assert_msg(done.sessions == calm->sessions && done.targets == calm->targets &&
			  done.instances == calm->instances,
	    "%s: %lld sessions, %lld targets and %lld instances were made instead of %lld, %lld "
	    "and %lld",
	    what, (long long)done.sessions, (long long)done.targets, (long long)done.instances,
	    (long long)calm->sessions, (long long)calm->targets, (long long)calm->instances);
	sim_result_fini(&result);
}

static void
play_calm(uint64_t *ret_requests, struct effects *ret_effects)
{
	struct sim_plan plan = sweep_plan();
	struct sim_result result;

	play(&plan, "undisturbed", &result);
	*ret_requests = result.requests;
	*ret_effects = effects_of(&result);
	ck_assert_int_gt(ret_effects->sessions, 0);
	ck_assert_int_gt(ret_effects->targets, 0);
	ck_assert_int_gt(ret_effects->instances, 0);
	sim_result_fini(&result);
}

static const char *const account_kinds[] = {"throttle", "500", "503", "reset-before", "reset-after",
    "500-after", "truncate", "garbage", "delay:40000"};

START_TEST(each_call_meets_each_fault_of_the_account)
{
	struct effects calm;
	uint64_t requests;

	play_calm(&requests, &calm);
	for (uint64_t n = 1; n <= requests; n += sim_stride()) {
		struct sim_plan plan = sweep_plan();
		char fault[64];

		snprintf(
		    fault, sizeof(fault), "%s@#%llu", account_kinds[_i], (unsigned long long)n);
		plan.world.faults[0] = fault;
		plan.world.faults_count = 1;
		play_as_if_calm(&plan, fault, &calm);
	}
}
END_TEST

static const struct {
	const char *name;
	struct spoiler spoiler;
} spoilers[] = {
    {"an expired token", {.code = "ExpiredToken"}},
    {"a clock that is wrong", {.code = "RequestExpired"}},
    {"a reply that is too long", {.transport = TMF_ERR_LIMIT}},
    {"an empty reply", {.body = ""}},
    {"a page of a proxy", {.body = "<html><body>Log in</body></html>"}},
    {"XML with a DTD", {.body = "<!DOCTYPE a [<!ENTITY b \"c\">]><DescribeInstancesResponse>&b;"
				"</DescribeInstancesResponse>"}},
};

START_TEST(each_call_meets_each_fault_of_the_way)
{
	struct effects calm;
	uint64_t requests;

	play_calm(&requests, &calm);
	for (uint64_t n = 1; n <= requests; n += sim_stride()) {
		struct sim_plan plan = sweep_plan();
		struct spoiler spoiler = spoilers[_i].spoiler;
		struct sim_result result;
		char what[96];

		spoiler.at = n;
		plan.spoil = spoil;
		plan.spoil_arg = &spoiler;
		snprintf(what, sizeof(what), "%s at call %llu", spoilers[_i].name,
		    (unsigned long long)n);
		play(&plan, what, &result);
		sim_result_fini(&result);
	}
}
END_TEST

static const struct sim_disk_fault disk_faults[] = {
    {.code = SQLITE_FULL, .lasting = false},
    {.code = SQLITE_FULL, .lasting = true},
    {.code = SQLITE_IOERR_WRITE, .lasting = true},
    {.code = SQLITE_READONLY, .lasting = true},
};

/* Changes of files are fewer than points, so the last ones change nothing any more: that is no
 * harm. */
START_TEST(each_change_of_the_store_fails_once)
{
	struct sim_plan plan = sweep_plan();
	struct sim_result calm;
	struct tmf_err err = {0};

	ck_assert_msg(sim_play(&plan, &calm, &err) == 0, "%s", tmf_err_text(&err));
	for (uint64_t n = 1; n <= calm.points; n += sim_stride()) {
		struct sim_result result;
		char what[64];

		plan.processes[0].disk = disk_faults[_i];
		plan.processes[0].disk.change = (int)n;
		snprintf(what, sizeof(what), "code %d at change %llu", disk_faults[_i].code,
		    (unsigned long long)n);
		play(&plan, what, &result);
		sim_result_fini(&result);
	}
	sim_result_fini(&calm);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sim_faults");
	TCase *tcase = tcase_create("sweep");

	tcase_add_loop_test(tcase, each_call_meets_each_fault_of_the_account, 0,
	    sizeof(account_kinds) / sizeof(account_kinds[0]));
	tcase_add_loop_test(tcase, each_call_meets_each_fault_of_the_way, 0,
	    sizeof(spoilers) / sizeof(spoilers[0]));
	tcase_add_loop_test(tcase, each_change_of_the_store_fails_once, 0,
	    sizeof(disk_faults) / sizeof(disk_faults[0]));
	tcase_set_timeout(tcase, 3600);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
