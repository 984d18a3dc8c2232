#include "sim_test.h"

#include <string.h>

/* Quota and faults on demand. */

START_TEST(describes_have_100_and_20_a_second)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.buckets = true;
	sim_start(&sim, &opts);
	for (unsigned i = 0; i < 100; i++)
		sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5");
	sim_expect(&sim, "RequestLimitExceeded", "Action=DescribeInstances&MaxResults=5");
	ck_assert_int_eq(sim.reply.status, 503);
	sim_expect(&sim, NULL, "Action=DescribeVpcs"); /* a bucket an operation */
	sim.now_wall_ms += 100;
	sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5");
	sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5");
	sim_expect(&sim, "RequestLimitExceeded", "Action=DescribeInstances&MaxResults=5");
	sim_stop(&sim);
}
END_TEST

static unsigned
calls_until_refused(struct sim *sim, const char *form)
{
	for (unsigned i = 0; i < 10000; i++) {
		sim_call(sim, "%s", form);
		if (strcmp(sim->reply.code, "RequestLimitExceeded") == 0)
			return i;
	}
	return 0;
}

START_TEST(each_operation_has_its_size)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.buckets = true;
	sim_start(&sim, &opts);
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=DescribeInstances"), 50);
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=CreateTrafficMirrorSession"), 50);
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=CreateTags"), 100);
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=RunInstances"), 5);
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=TerminateInstances"), 100);
	sim_stop(&sim);
}
END_TEST

START_TEST(launches_are_counted_by_instances_too)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.buckets = true;
	opts.bucket_size_scale = 0.4;
	sim_start(&sim, &opts);
	sim_expect(&sim, "RequestLimitExceeded", "Action=RunInstances&MinCount=1&MaxCount=401");
	sim_expect(&sim, "InvalidParameterValue", "Action=RunInstances&MinCount=1&MaxCount=400");
	sim_stop(&sim);
}
END_TEST

START_TEST(scales_multiply)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.buckets = true;
	opts.bucket_size_scale = 0.1;
	opts.bucket_scale = 50;
	sim_start(&sim, &opts);
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=CreateTrafficMirrorTarget"), 5);
	sim.now_wall_ms += 12; /* 12 ms at 250 a second: 3 */
	ck_assert_uint_eq(calls_until_refused(&sim, "Action=CreateTrafficMirrorTarget"), 3);
	sim_stop(&sim);
}
END_TEST

static void
set_faults(struct sim *sim, const char *json)
{
	int status = sim_control(sim, "POST", "/_sim/faults", json);

	ck_assert_msg(status == 200, "%s", buf_cstr(&sim->reply.body));
}

START_TEST(the_nth_call_is_struck)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.faults[opts.faults_count++] = "500:DescribeVpcs@#2";
	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	sim_expect(&sim, NULL, "Action=DescribeSubnets");
	sim_expect(&sim, "InternalError", "Action=DescribeVpcs");
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	sim_control(&sim, "POST", "/_sim/reset-counters", "");
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	sim_expect(&sim, "InternalError", "Action=DescribeVpcs");
	sim_stop(&sim);
}
END_TEST

/* A subnet without capacity, a filter that is missing: only calls that name the place are
 * refused. */
START_TEST(a_refusal_has_its_code_operation_and_place)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.faults[opts.faults_count++] = "refuse:InvalidVpcID.NotFound:DescribeSubnets:vpc-1@1";
	opts.faults[opts.faults_count++] = "refuse:UnauthorizedOperation:DescribeVpcs@1";
	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeSubnets");
	sim_expect(&sim, "InvalidVpcID.NotFound",
	    "Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1");
	sim_expect(
	    &sim, NULL, "Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-12");
	sim_expect(&sim, "UnauthorizedOperation", "Action=DescribeVpcs");
	ck_assert_int_eq(sim.reply.status, 403);
	sim_stop(&sim);
}
END_TEST

START_TEST(a_fault_may_last_from_a_call_on)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.faults[opts.faults_count++] = "refuse:RequestExpired@#3+";
	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	sim_expect(&sim, NULL, "Action=DescribeSubnets");
	sim_expect(&sim, "RequestExpired", "Action=DescribeVpcs");
	sim_expect(&sim, "RequestExpired", "Action=DescribeSubnets");
	sim_stop(&sim);
}
END_TEST

START_TEST(faults_by_chance_come_about_as_often)
{
	struct sim_opts opts = sim_test_opts(20);
	unsigned struck = 0;
	struct sim sim;

	opts.faults[opts.faults_count++] = "throttle@0.3";
	sim_start(&sim, &opts);
	for (unsigned i = 0; i < 1000; i++)
		struck += sim_call(&sim, "Action=DescribeVpcs") == 503;
	ck_assert(struck > 240 && struck < 360);
	sim_stop(&sim);
}
END_TEST

/* Whether a session stands after the one create that the fault strikes. */
static bool
survives(const char *fault, enum sim_wire wire)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim_ids ids;
	struct sim sim;
	char json[100];
	bool there;

	opts.plain = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	snprintf(json, sizeof(json), "{\"faults\": [\"%s:CreateTrafficMirrorSession@1\"]}", fault);
	set_faults(&sim, json);
	sim_call(&sim, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	ck_assert_int_eq(sim.reply.wire, wire);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorSessions");
	there = sim_count(&sim, "<trafficMirrorSessionId>") == 1;
	sim_stop(&sim);
	return there;
}

START_TEST(before_and_after_the_effect)
{
	ck_assert(!survives("throttle", SIM_WIRE_WHOLE));
	ck_assert(!survives("500", SIM_WIRE_WHOLE));
	ck_assert(!survives("503", SIM_WIRE_WHOLE));
	ck_assert(!survives("reset-before", SIM_WIRE_CLOSE));
	ck_assert(survives("reset-after", SIM_WIRE_CLOSE));
	ck_assert(survives("500-after", SIM_WIRE_WHOLE));
	ck_assert(survives("truncate", SIM_WIRE_TRUNCATE));
	ck_assert(survives("garbage", SIM_WIRE_WHOLE));
	ck_assert(survives("delay:5", SIM_WIRE_WHOLE));
}
END_TEST

START_TEST(replies_are_as_their_faults_say)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	sim_start(&sim, &opts);
	set_faults(&sim, "[\"garbage:DescribeVpcs@1\", \"delay:250:DescribeSubnets@1\", "
			 "\"500-after:DescribeInstances@1\"]");
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	ck_assert_uint_eq(sim_count(&sim, "</DescribeVpcsResponse>"), 0);
	sim_expect(&sim, NULL, "Action=DescribeSubnets");
	ck_assert_int_eq(sim.reply.delay_ms, 250);
	sim_expect(&sim, "InternalError", "Action=DescribeInstances&MaxResults=5");
	sim_stop(&sim);
}
END_TEST

START_TEST(bad_faults_leave_the_old_ones)
{
	static const char *const bad[] = {"refuse@1", "refuse:@1", "refuse:X:Y@1", "500@#2-", "500",
	    "500@2", "500@x", "500@#0", "600@0.1", "500:MakeCoffee@0.1", "delay@0.1",
	    "delay:x@0.1"};
	struct sim_opts opts = sim_test_opts(20);
	struct sim sim;

	opts.faults[opts.faults_count++] = "503@1";
	sim_start(&sim, &opts);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char json[100];

		snprintf(json, sizeof(json), "{\"faults\": [\"%s\"]}", bad[i]);
		ck_assert_msg(sim_control(&sim, "POST", "/_sim/faults", json) == 400, "%s", bad[i]);
	}
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/faults", "{\"faults\": 7}"), 400);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/faults", "nonsense"), 400);
	sim_expect(&sim, "Unavailable", "Action=DescribeVpcs");
	set_faults(&sim, "{\"faults\": []}");
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	sim_stop(&sim);
}
END_TEST

SIM_MAIN("ec2sim faults", describes_have_100_and_20_a_second, each_operation_has_its_size,
    launches_are_counted_by_instances_too, scales_multiply, the_nth_call_is_struck,
    a_refusal_has_its_code_operation_and_place, a_fault_may_last_from_a_call_on,
    faults_by_chance_come_about_as_often, before_and_after_the_effect,
    replies_are_as_their_faults_say, bad_faults_leave_the_old_ones)
