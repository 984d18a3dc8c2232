#include "sim_test.h"

#include "base/mem.h"

#include <jansson.h>
#include <string.h>

/* The report, and the comparison with what a configuration asks for. */

static json_t *
ask(struct sim *sim, const char *method, const char *path, const char *body)
{
	json_t *answer;

	ck_assert_msg(
	    sim_control(sim, method, path, body) == 200, "%s", buf_cstr(&sim->reply.body));
	answer = json_loads(buf_cstr(&sim->reply.body), 0, NULL);
	ck_assert_ptr_nonnull(answer);
	return answer;
}

/* A number at a/b. */
static json_int_t
number(const json_t *object, const char *a, const char *b)
{
	return json_integer_value(json_object_get(json_object_get(object, a), b));
}

START_TEST(the_report_counts)
{
	struct sim_opts opts = sim_test_opts(20);
	struct sim_ids ids;
	struct sim sim;
	json_t *report;

	opts.plain = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	sim_expect(
	    &sim, NULL, SIM_SESSION "&ClientToken=a", ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(
	    &sim, NULL, SIM_SESSION "&ClientToken=a", ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(&sim, "InvalidAction", "Action=X");
	report = ask(&sim, "GET", "/_sim/report?sessions=1", "");
	ck_assert(json_is_true(json_object_get(report, "ok")));
	ck_assert_int_eq(number(report, "sessions", "live"), 1);
	ck_assert_int_eq(number(report, "sessions", "created"), 1);
	ck_assert_int_eq(
	    number(json_object_get(report, "actions"), "CreateTrafficMirrorSession", "calls"), 2);
	ck_assert_int_eq(
	    number(json_object_get(report, "actions"), "CreateTrafficMirrorSession", "replayed"),
	    1);
	ck_assert_int_eq(json_integer_value(json_object_get(report, "unknownActions")), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(
			      json_object_get(report, "sessionsByInterface"), ids.interface[0])),
	    1);
	json_decref(report);
	sim_stop(&sim);
}
END_TEST

START_TEST(sessions_that_are_moved_while_their_target_lives)
{
	struct sim_opts opts = sim_test_opts(20);
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES], session[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;
	json_t *report;

	opts.plain = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	sim_make_target(&sim, &ids, "m5.large", target, instance);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, session);
	sim_expect(&sim, NULL,
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&TrafficMirrorTargetId=%s",
	    session, target);
	sim_expect(&sim, NULL, "Action=TerminateInstances&InstanceId.1=%s", instance);
	sim_expect(&sim, NULL,
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&TrafficMirrorTargetId=%s",
	    session, ids.target);
	report = ask(&sim, "GET", "/_sim/report", "");
	ck_assert_int_eq(number(report, "sessions", "moved"), 1);
	json_decref(report);
	sim_stop(&sim);
}
END_TEST

START_TEST(duplicates_orphans_and_idle_targets_are_not_ok)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES], session[SIM_TEXT_BYTES];
	struct sim_opts opts = sim_test_opts(20);
	struct sim_ids ids;
	struct sim sim;
	json_t *report;

	opts.plain = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	sim_make_target(&sim, &ids, "t3.large", target, instance);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	report = ask(&sim, "GET", "/_sim/report", "");
	ck_assert(json_is_false(json_object_get(report, "ok")));
	ck_assert_int_eq(number(report, "instances", "launchedIdle"), 1);
	json_decref(report);
	/* Once used is used. */
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[1], target, ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, session);
	sim_expect(
	    &sim, NULL, "Action=DeleteTrafficMirrorSession&TrafficMirrorSessionId=%s", session);
	report = ask(&sim, "GET", "/_sim/report", "");
	ck_assert(json_is_true(json_object_get(report, "ok")));
	ck_assert_int_eq(number(report, "instances", "launchedIdle"), 0);
	ck_assert_int_eq(number(report, "instances", "launchedBehindTarget"), 1);
	json_decref(report);

	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 2);
	sim_expect(&sim, NULL, "Action=DeleteTrafficMirrorTarget&TrafficMirrorTargetId=%s", target);
	report = ask(&sim, "GET", "/_sim/report", "");
	ck_assert(json_is_false(json_object_get(report, "ok")));
	ck_assert_uint_eq(json_array_size(json_object_get(report, "reasons")), 2);
	ck_assert_uint_eq(json_array_size(json_object_get(report, "duplicates")), 1);
	ck_assert_int_eq(number(report, "instances", "launchedBehindTarget"), 0);
	json_decref(report);
	sim_stop(&sim);
}
END_TEST

/* One rule for everything that is tagged n=1; instance 0 bears it. */
static void
tag_rule(struct sim *sim, const struct sim_ids *ids, struct buf *config)
{
	char id[SIM_ID_BYTES];

	world_instance_id(sim->world, 0, id);
	sim_expect(sim, NULL, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=n&Tag.1.Value=1", id);
	buf_printf(config,
	    "tags:\n- tagList: [{Key: x, Value: y}, {Key: n, Value: \"1\"}]\n  filterId: %s\n  "
	    "targetId: %s\n",
	    ids->filter, ids->target);
}

START_TEST(expected_finds_each_kind_of_fault)
{
	struct sim_opts opts = sim_test_opts(20);
	struct buf config = {0};
	struct sim_ids ids;
	struct sim sim;
	json_t *answer;

	opts.plain = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	tag_rule(&sim, &ids, &config);
	answer = ask(&sim, "POST", "/_sim/expected", buf_cstr(&config));
	ck_assert(json_is_false(json_object_get(answer, "ok")));
	ck_assert_int_eq(number(answer, "counts", "missing"), 1);
	ck_assert_str_eq(
	    json_string_value(json_object_get(
		json_array_get(json_object_get(answer, "missing"), 0), "networkInterfaceId")),
	    ids.interface[0]);
	json_decref(answer);

	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	answer = ask(&sim, "POST", "/_sim/expected", buf_cstr(&config));
	ck_assert(json_is_true(json_object_get(answer, "ok")));
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "expectedSessions")), 1);
	json_decref(answer);

	sim_expect(
	    &sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 2); /* twice */
	sim_expect(
	    &sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.other_filter, 3); /* extra */
	sim_expect(
	    &sim, NULL, SIM_SESSION, ids.interface[1], ids.target, ids.filter, 1); /* extra */
	answer = ask(&sim, "POST", "/_sim/expected", buf_cstr(&config));
	ck_assert_int_eq(number(answer, "counts", "duplicates"), 1);
	ck_assert_int_eq(number(answer, "counts", "extra"), 2);
	ck_assert_int_eq(number(answer, "counts", "missing"), 0);
	json_decref(answer);
	buf_fini(&config);
	sim_stop(&sim);
}
END_TEST

START_TEST(expected_knows_the_primary_interface)
{
	struct sim_opts opts = sim_test_opts(200);
	struct sim sim;
	struct sim_ids ids;
	struct buf config = {0};
	char instance[SIM_TEXT_BYTES], second[SIM_ID_BYTES];
	json_t *answer;
	uint64_t n = 0;

	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	do {
		world_interface_id(sim.world, n++, 1, second);
	} while (sim_call(&sim, SIM_SESSION, second, ids.target, ids.filter, 1) != 200);
	sim_expect(&sim, NULL, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", second);
	sim_text(&sim, "instanceId", 0, instance);
	sim_expect(
	    &sim, NULL, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=n&Tag.1.Value=1", instance);
	buf_printf(&config,
	    "tags:\n- tagList: [{Key: n, Value: \"1\"}]\n  filterId: %s\n  targetId: %s\n",
	    ids.filter, ids.target);
	answer = ask(&sim, "POST", "/_sim/expected", buf_cstr(&config));
	ck_assert_int_eq(
	    number(answer, "counts", "wrongInterface") + number(answer, "counts", "extra"), 1);
	ck_assert_int_eq(
	    number(answer, "counts", "missing"), number(answer, "counts", "wrongInterface"));
	json_decref(answer);
	buf_add_cstr(&config, "  interfaces: all\n");
	answer = ask(&sim, "POST", "/_sim/expected", buf_cstr(&config));
	ck_assert_int_eq(number(answer, "counts", "wrongInterface"), 0);
	json_decref(answer);
	buf_fini(&config);
	sim_stop(&sim);
}
END_TEST

/* Mirrors all of a one-subnet world as its own configuration asks for. */
START_TEST(expected_accepts_created_targets)
{
	char targets[2][SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES];
	struct sim_opts opts = sim_test_opts(15);
	struct buf config = {0};
	struct sim_ids ids;
	struct sim sim;
	json_t *answer;

	opts.plain = true;
	opts.vpcs = 1;
	opts.subnets_per_vpc = 1;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	world_config(sim.world, SIM_SCENARIO_ALL, &config);
	ck_assert_ptr_null(strstr(buf_cstr(&config), "tagList"));
	for (int i = 0; i < 15; i++) {
		if (i % 10 == 0)
			sim_make_target(&sim, &ids, "t3.large", targets[i / 10], instance);
		sim_expect(&sim, NULL, SIM_SESSION, ids.interface[i], targets[i / 10],
		    ids.other_filter, 100);
	}
	answer = ask(&sim, "POST", "/_sim/expected", buf_cstr(&config));
	ck_assert_msg(json_is_true(json_object_get(answer, "ok")), "%s", buf_cstr(&sim.reply.body));
	ck_assert_int_eq(json_integer_value(json_object_get(answer, "expectedSessions")), 15);
	ck_assert_int_eq(number(answer, "instances", "targetInstance"), 2);
	json_decref(answer);
	buf_fini(&config);
	sim_stop(&sim);
}
END_TEST

/* Of what stands behind the target of a rule nothing is a source; the targets of no rule do not
 * count. */
START_TEST(members_of_targets_are_no_sources)
{
	static const char config[] = "vpcs:\n  - {vpcId: %s, filterId: %s, targetId: "
				     "%s}\nsubnets:\n  - {subnetId: subnet-0, "
				     "filterId: %s, targetId: %s}\n";
	struct sim_opts opts = sim_test_opts(60);
	struct sim_ids ids;
	struct sim sim;
	json_t *report;
	char vpc[SIM_ID_BYTES], gateway[SIM_ID_BYTES];
	char *text;

	opts.plain = true;
	opts.vpcs = 1;
	opts.members = 2;
	opts.gateway = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	world_vpc_id(sim.world, 0, vpc);
	world_given_target_id(sim.world, SIM_GATEWAY_TARGET, gateway);
	text = mem_printf(config, vpc, ids.filter, ids.target, ids.filter, ids.target);
	report = ask(&sim, "POST", "/_sim/expected", text);
	free(text);
	ck_assert_int_eq(number(report, "instances", "targetMember"), 6);
	ck_assert_int_eq(json_integer_value(json_object_get(report, "expectedSessions")), 54);
	json_decref(report);
	text = mem_printf(config, vpc, ids.filter, ids.target, ids.filter, gateway);
	report = ask(&sim, "POST", "/_sim/expected", text);
	free(text);
	ck_assert_int_eq(number(report, "instances", "targetMember"), 8);
	json_decref(report);

	/* Instance 0 stands behind the first target, instance 3 behind the second. */
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[3], ids.target, ids.filter, 1);
	report = ask(&sim, "GET", "/_sim/report", "");
	ck_assert(json_is_true(json_object_get(report, "ok")));
	json_decref(report);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	report = ask(&sim, "GET", "/_sim/report", "");
	ck_assert(json_is_false(json_object_get(report, "ok")));
	json_decref(report);
	sim_stop(&sim);
}
END_TEST

START_TEST(wrong_configurations_are_refused)
{
	struct sim_opts opts = sim_test_opts(15);
	struct sim sim;

	sim_start(&sim, &opts);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/expected", "vpcs: ["), 400);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/expected", "vpcs: []"), 400);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/expected", ""), 400);
	ck_assert_int_eq(sim_control(&sim, "GET", "/_sim/nothing", ""), 404);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/instances/i-0/terminate", ""), 404);
	sim_stop(&sim);
}
END_TEST

SIM_MAIN("ec2sim report", the_report_counts, sessions_that_are_moved_while_their_target_lives,
    duplicates_orphans_and_idle_targets_are_not_ok, expected_finds_each_kind_of_fault,
    expected_knows_the_primary_interface, expected_accepts_created_targets,
    members_of_targets_are_no_sources, wrong_configurations_are_refused)
