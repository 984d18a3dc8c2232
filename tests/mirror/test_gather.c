/* Lookups that share a call: who waits how long, who gets what, and what becomes of the others
 * when one fails or goes. */
#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"
#include "mirror/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTANCES 230
#define STORM	  64

static struct fixture fixture;
static struct process process;

static void
open_process(bool gathers)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = INSTANCES;
	fixture_init(&fixture, &opts);
	process_init(&process, &fixture, &(struct process_opts){.gathers = gathers});
}

static void
setup(void)
{
	open_process(true);
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static const char *
instance_id(unsigned n)
{
	static char id[SIM_ID_BYTES];

	world_instance_id(fixture.world, n, id);
	return id;
}

static struct fixture_end *
describe(const char *id)
{
	return process_start(&process, "describe-page", jpack("{s:[s]}", "InstanceIds", id));
}

static void
check_has(const struct fixture_end *end, const char *id)
{
	const json_t *instances = json_object_get(end->result, "Instances");

	ck_assert_msg(end->result != NULL, "%s", tmf_err_text(&end->err));
	ck_assert_uint_eq(json_array_size(instances), 1);
	ck_assert_str_eq(jsonx_get_string(json_array_get(instances, 0), "InstanceId"), id);
}

START_TEST(a_storm_is_one_describe)
{
	struct fixture_end *ends[STORM];

	for (unsigned i = 0; i < STORM; i++)
		ends[i] = describe(instance_id(i));
	fixture_run(&fixture);
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 1);
	for (unsigned i = 0; i < STORM; i++)
		check_has(ends[i], instance_id(i));
}
END_TEST

/* As many as a filter takes go at once; the others when the wait of the first of them is over. */
START_TEST(a_full_batch_does_not_wait)
{
	struct fixture_end *first = describe(instance_id(0));

	for (unsigned i = 1; i < INSTANCES; i++)
		describe(instance_id(i));
	while (!first->over) {
		struct tmf_err err = {0};

		ck_assert_int_ge(tmf_loop_turn(fixture.loop, 0, &err), 0);
	}
	ck_assert_int_lt(tmf_loop_mono_ms(fixture.loop), GATHER_INSTANCES_MS);
	fixture_run(&fixture);
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 2);
	check_has(first, instance_id(0));
	check_has(&process.ends[INSTANCES - 1], instance_id(INSTANCES - 1));
}
END_TEST

/* One that is alone waits for company, and no longer than is said; what comes meanwhile shares
 * its call. */
START_TEST(the_wait_has_a_bound)
{
	struct fixture_end *alone = describe(instance_id(0));
	struct fixture_end *late;
	int64_t waited_ms;

	fixture_run(&fixture);
	waited_ms = tmf_loop_mono_ms(fixture.loop);
	ck_assert_int_ge(waited_ms, GATHER_INSTANCES_MS);
	ck_assert_int_le(waited_ms, GATHER_INSTANCES_MS + 3 * FIXTURE_LATENCY_MS);
	check_has(alone, instance_id(0));

	alone = describe(instance_id(1));
	fixture.clock.now_mono_ms += GATHER_INSTANCES_MS - 1;
	late = describe(instance_id(2));
	fixture_run(&fixture);
	check_has(alone, instance_id(1));
	check_has(late, instance_id(2));
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 2);
}
END_TEST

/* In a run nobody waits; what is asked in the same turn shares a call even so. */
START_TEST(a_run_does_not_wait)
{
	struct fixture_end *ends[2];

	teardown();
	open_process(false);
	ends[0] = describe(instance_id(0));
	ends[1] = describe(instance_id(1));
	fixture_run(&fixture);
	ck_assert_int_le(tmf_loop_mono_ms(fixture.loop), 3 * FIXTURE_LATENCY_MS);
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 1);
	check_has(ends[0], instance_id(0));
	check_has(ends[1], instance_id(1));
}
END_TEST

/* What is not listed concerns those alone who asked for it, and the same instance may be asked
 * for twice. */
START_TEST(an_instance_that_is_gone_concerns_its_asker)
{
	struct fixture_end *gone = describe("i-absent");
	struct fixture_end *first = describe(instance_id(7));
	struct fixture_end *second = describe(instance_id(7));

	fixture_run(&fixture);
	ck_assert_ptr_null(gone->result);
	ck_assert_str_eq(gone->err.name, "InvalidInstanceID.NotFound");
	check_has(first, instance_id(7));
	check_has(second, instance_id(7));
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 1);
}
END_TEST

START_TEST(an_error_concerns_all)
{
	struct fixture_end *ends[3];

	process_fault(&process, "DescribeInstances", "UnauthorizedOperation", 403, 1);
	for (unsigned i = 0; i < 3; i++)
		ends[i] = describe(instance_id(i));
	fixture_run(&fixture);
	for (unsigned i = 0; i < 3; i++)
		ck_assert_str_eq(ends[i]->err.name, "UnauthorizedOperation");
	ends[0] = describe(instance_id(0));
	fixture_run(&fixture);
	check_has(ends[0], instance_id(0));
}
END_TEST

static json_t *
ids_of(const char *id)
{
	return jpack("[s]", id);
}

static void
count_done(void *arg, struct tmf_call *call)
{
	ck_assert_uint_eq(json_object_size(call->result), 1);
	++*(unsigned *)arg;
}

/* Whoever goes takes nobody along; where all go, AWS is not asked, or is not listened to. */
START_TEST(a_waiter_that_goes)
{
	struct gather *gather = accounts_home(process.accounts)->instances;
	struct tmf_err err = {0};
	unsigned done = 0;

	for (int turns = 0; turns < 3; turns++) {
		json_t *ids = ids_of(instance_id(3));
		struct tmf_call *going = gather_ask(gather, ids);
		struct tmf_call *staying = turns == 0 ? gather_ask(gather, ids) : NULL;

		json_decref(ids);
		if (staying != NULL)
			tmf_call_on_done(staying, count_done, &done);
		if (turns == 2) /* the call is under way */
			for (size_t calls = process_calls(&process, "");
			     process_calls(&process, "") == calls;)
				ck_assert_int_ge(tmf_loop_turn(fixture.loop, 0, &err), 0);
		tmf_call_cancel(going);
		fixture_run(&fixture);
		ck_assert_uint_eq(done, 1);
	}
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 2);
}
END_TEST

/* More than a filter takes, by one asker. */
START_TEST(many_ids_of_one_asker)
{
	json_t *ids = json_array();
	json_t *page;

	for (unsigned i = 0; i < INSTANCES; i++)
		json_array_append_new(ids, json_string(instance_id(i)));
	page = process_run(&process, "describe-page", jpack("{s:o}", "InstanceIds", ids));
	ck_assert_uint_eq(json_array_size(json_object_get(page, "Instances")), INSTANCES);
	ck_assert_str_eq(
	    jsonx_get_string(json_array_get(json_object_get(page, "Instances"), 229), "InstanceId"),
	    instance_id(229));
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), 2);
}
END_TEST

/* Sessions are looked up by interface, and an interface may have several or none. */
START_TEST(sessions_by_interface)
{
	struct gather *gather = accounts_home(process.accounts)->sessions;
	json_t *ids[2] = {ids_of("eni-1"), ids_of("eni-2")};
	struct tmf_call *calls[2];

	for (unsigned i = 0; i < 2; i++)
		calls[i] = gather_ask(gather, ids[i]);
	for (unsigned i = 0; i < 2; i++) {
		tmf_call_on_done(calls[i], NULL, NULL);
		json_decref(ids[i]);
	}
	fixture_run(&fixture);
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorSessions"), 1);
	ck_assert(process_asked_with(&process, "DescribeTrafficMirrorSessions", "eni-2"));
	ck_assert_int_le(
	    tmf_loop_mono_ms(fixture.loop), GATHER_SESSIONS_MS + 3 * FIXTURE_LATENCY_MS);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("gather");
	TCase *tcase = tcase_create("gather");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_storm_is_one_describe);
	tcase_add_test(tcase, a_full_batch_does_not_wait);
	tcase_add_test(tcase, the_wait_has_a_bound);
	tcase_add_test(tcase, a_run_does_not_wait);
	tcase_add_test(tcase, an_instance_that_is_gone_concerns_its_asker);
	tcase_add_test(tcase, an_error_concerns_all);
	tcase_add_test(tcase, a_waiter_that_goes);
	tcase_add_test(tcase, many_ids_of_one_asker);
	tcase_add_test(tcase, sessions_by_interface);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
