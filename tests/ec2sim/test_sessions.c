#include "sim_test.h"

#include <string.h>

/* Mirroring rules: limits, conflicts, client tokens, tags, staleness. */

static void
start_plain(struct sim *sim, struct sim_ids *ids, const struct sim_opts *changes)
{
	struct sim_opts opts = changes != NULL ? *changes : sim_test_opts(100);

	opts.plain = true;
	sim_start(sim, &opts);
	sim_ids(sim, ids);
}

START_TEST(a_session_is_created_shown_and_deleted)
{
	char id[SIM_TEXT_BYTES], text[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL,
	    SIM_SESSION "&Description=d%%26d&TagSpecification.1.ResourceType=traffic-mirror-"
			"session&TagSpecification.1.Tag.1.Key=k&"
			"TagSpecification.1.Tag.1.Value=",
	    ids.interface[0], ids.target, ids.filter, 7);
	sim_text(&sim, "trafficMirrorSessionId", 0, id);
	sim_text(&sim, "description", 0, text);
	ck_assert_str_eq(text, "d&amp;d");
	ck_assert_uint_eq(sim_count(&sim, "<item><key>k</key><value/></item>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "<packetLength>8500</packetLength>"), 1);
	sim_expect(&sim, NULL,
	    "Action=DescribeTrafficMirrorSessions&Filter.1.Name=network-interface-id&Filter.1."
	    "Value.1=%s",
	    ids.interface[0]);
	sim_text(&sim, "trafficMirrorSessionId", 0, text);
	ck_assert_str_eq(text, id);
	sim_expect(&sim, NULL,
	    "Action=DescribeTrafficMirrorSessions&MaxResults=5&Filter.1.Name=session-number&Filter."
	    "1.Value.1=7");
	ck_assert_uint_eq(sim_count(&sim, "<trafficMirrorSessionId>"), 1);
	sim_expect(&sim, NULL, "Action=DeleteTrafficMirrorSession&TrafficMirrorSessionId=%s", id);
	sim_expect(&sim, "InvalidTrafficMirrorSessionId.NotFound",
	    "Action=DeleteTrafficMirrorSession&TrafficMirrorSessionId=%s", id);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorSessions");
	ck_assert_uint_eq(sim_count(&sim, "<trafficMirrorSessionSet/>"), 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(three_sessions_an_interface_and_no_number_twice)
{
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(&sim, "InvalidParameterValue", SIM_SESSION, ids.interface[0], ids.target,
	    ids.other_filter, 1);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.other_filter, 2);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 32766);
	sim_expect(&sim, "TrafficMirrorSessionsPerInterfaceLimitExceeded", SIM_SESSION,
	    ids.interface[0], ids.target, ids.filter, 4);
	sim_expect(&sim, "InvalidParameterValue", SIM_SESSION, ids.interface[1], ids.target,
	    ids.filter, 0);
	sim_expect(&sim, "InvalidParameterValue", SIM_SESSION, ids.interface[1], ids.target,
	    ids.filter, 32767);
	sim_stop(&sim);
}
END_TEST

START_TEST(ten_sources_a_small_target)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_make_target(&sim, &ids, "t3.large", target, instance);
	for (int i = 0; i < 10; i++)
		sim_expect(&sim, NULL, SIM_SESSION, ids.interface[i], target, ids.filter, 1);
	sim_expect(&sim, "TrafficMirrorSourcesPerTargetLimitExceeded", SIM_SESSION,
	    ids.interface[10], target, ids.filter, 1);
	ck_assert_uint_eq(sim_count(&sim, "limit reached (11)"), 1);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[3], target, ids.other_filter,
	    2); /* a source already */
	sim_expect(&sim, "TrafficMirrorTargetInUseException",
	    "Action=DeleteTrafficMirrorTarget&TrafficMirrorTargetId=%s", target);
	sim_stop(&sim);
}
END_TEST

START_TEST(more_sources_a_large_target_and_any_a_balancer)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES];
	struct sim_opts opts = sim_test_opts(200);
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, &opts);
	sim_make_target(&sim, &ids, "c5.18xlarge", target, instance);
	for (unsigned i = 0; i < 101; i++) {
		char interface[SIM_ID_BYTES];

		world_interface_id(sim.world, i, 0, interface);
		sim_expect(&sim, i < 100 ? NULL : "TrafficMirrorSourcesPerTargetLimitExceeded",
		    SIM_SESSION, interface, target, ids.filter, 1);
		sim_expect(&sim, NULL, SIM_SESSION, interface, ids.target, ids.filter, 2);
	}
	sim_stop(&sim);
}
END_TEST

START_TEST(a_place_that_is_freed_can_be_taken)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES], first[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_make_target(&sim, &ids, "t3.large", target, instance);
	for (int i = 0; i < 10; i++) {
		sim_expect(&sim, NULL, SIM_SESSION, ids.interface[i], target, ids.filter, 1);
		if (i == 0)
			sim_text(&sim, "trafficMirrorSessionId", 0, first);
	}
	sim_expect(&sim, NULL,
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&TrafficMirrorTargetId=%s",
	    first, ids.target);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[10], target, ids.filter, 1);
	sim_expect(&sim, "TrafficMirrorSourcesPerTargetLimitExceeded",
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&TrafficMirrorTargetId=%s",
	    first, target);
	sim_stop(&sim);
}
END_TEST

START_TEST(modify_sets_and_removes)
{
	char id[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL, SIM_SESSION "&PacketLength=128&VirtualNetworkId=5&Description=x",
	    ids.interface[0], ids.target, ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, id);
	ck_assert_uint_eq(sim_count(&sim, "<virtualNetworkId>5</virtualNetworkId>"), 1);
	sim_expect(&sim, NULL,
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&SessionNumber=9&"
	    "TrafficMirrorFilterId=%s",
	    id, ids.other_filter);
	ck_assert_uint_eq(sim_count(&sim, "<sessionNumber>9</sessionNumber>"), 1);
	ck_assert_uint_eq(sim_count(&sim, ids.other_filter), 1);
	sim_expect(&sim, NULL,
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&RemoveField.1=packet-"
	    "length&RemoveField.2=description&RemoveField.3=virtual-network-id",
	    id);
	ck_assert_uint_eq(sim_count(&sim, "<description>"), 0);
	ck_assert_uint_eq(sim_count(&sim, "<packetLength>8500</packetLength>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "<virtualNetworkId>5</virtualNetworkId>"), 0);
	sim_expect(&sim, "InvalidParameterValue",
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&PacketLength=8501", id);
	sim_expect(&sim, "InvalidParameterValue",
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&RemoveField.1=colour", id);
	sim_stop(&sim);
}
END_TEST

START_TEST(a_target_is_no_source_and_a_source_no_target)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES], interface[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_make_target(&sim, &ids, "t3.large", target, instance);
	sim_expect(
	    &sim, NULL, "Action=DescribeTrafficMirrorTargets&TrafficMirrorTargetId.1=%s", target);
	sim_text(&sim, "networkInterfaceId", 0, interface);
	sim_expect(&sim, "InterfaceInUseByTrafficMirrorTarget", SIM_SESSION, interface, ids.target,
	    ids.filter, 1);
	sim_expect(&sim, "InterfaceInUseByTrafficMirrorTarget",
	    "Action=CreateTrafficMirrorTarget&NetworkInterfaceId=%s", interface);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(&sim, "InterfaceInUseByTrafficMirrorSession",
	    "Action=CreateTrafficMirrorTarget&NetworkInterfaceId=%s", ids.interface[0]);
	sim_expect(&sim, NULL, "Action=DeleteTrafficMirrorTarget&TrafficMirrorTargetId=%s", target);
	sim_expect(&sim, NULL, SIM_SESSION, interface, ids.target, ids.filter, 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(what_is_not_there_is_named)
{
	struct sim_opts opts = sim_test_opts(1000);
	char id[SIM_ID_BYTES], text[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	sim_expect(&sim, "InvalidTrafficMirrorFilterId.NotFound", SIM_SESSION, ids.interface[0],
	    ids.target, "tmf-00000000000000000", 1);
	sim_expect(&sim, "InvalidTrafficMirrorTargetId.NotFound", SIM_SESSION, ids.interface[0],
	    "tmt-00000000000000000", ids.filter, 1);
	sim_expect(&sim, "InvalidNetworkInterfaceID.NotFound", SIM_SESSION, "eni-00000000000000000",
	    ids.target, ids.filter, 1);
	sim_expect(&sim, "InvalidNetworkInterfaceId.Malformed", SIM_SESSION, "eni-x", ids.target,
	    ids.filter, 1);
	sim_expect(&sim, "MissingParameter",
	    "Action=CreateTrafficMirrorSession&NetworkInterfaceId=%s", ids.interface[0]);
	sim_expect(&sim, NULL,
	    "Action=DescribeInstances&MaxResults=5&Filter.1.Name=instance-type&Filter.1.Value.1=t2."
	    "micro&Filter.2.Name=instance-state-name&Filter.2.Value.1=running");
	sim_text(&sim, "networkInterfaceId", 0, text);
	sim_expect(
	    &sim, "NetworkInterfaceNotSupported", SIM_SESSION, text, ids.target, ids.filter, 1);
	world_terminate(
	    sim.world, (world_instance_id(sim.world, 5, id), id), sim.now_wall_ms, NULL);
	sim_expect(&sim, "InvalidNetworkInterfaceID.NotFound", SIM_SESSION, ids.interface[5],
	    ids.target, ids.filter, 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(one_thing_behind_a_target)
{
	char arn[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorTargets");
	sim_text(&sim, "networkLoadBalancerArn", 0, arn);
	sim_expect(&sim, "NlbInUseByTrafficMirrorTargetException",
	    "Action=CreateTrafficMirrorTarget&NetworkLoadBalancerArn=%s", arn);
	sim_expect(&sim, "InvalidNetworkLoadBalancerArn.Malformed",
	    "Action=CreateTrafficMirrorTarget&NetworkLoadBalancerArn=x");
	sim_expect(&sim, NULL, "Action=CreateTrafficMirrorTarget&NetworkLoadBalancerArn=%s2", arn);
	sim_expect(&sim, "InvalidParameterCombination",
	    "Action=CreateTrafficMirrorTarget&NetworkLoadBalancerArn=%s3&NetworkInterfaceId=%s",
	    arn, ids.interface[0]);
	sim_expect(&sim, "MissingParameter", "Action=CreateTrafficMirrorTarget&Description=d");
	sim_stop(&sim);
}
END_TEST

START_TEST(the_account_has_a_limit_if_asked)
{
	struct sim_opts opts = sim_test_opts(100);
	struct sim_ids ids;
	struct sim sim;

	opts.session_limit = 2;
	start_plain(&sim, &ids, &opts);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[1], ids.target, ids.filter, 1);
	sim_expect(&sim, "TrafficMirrorSessionLimitExceeded", SIM_SESSION, ids.interface[2],
	    ids.target, ids.filter, 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(ending_an_instance_ends_its_sessions)
{
	char id[SIM_ID_BYTES], path[100];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	for (int i = 1; i <= 3; i++)
		sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, i);
	world_instance_id(sim.world, 0, id);
	snprintf(path, sizeof(path), "/_sim/instances/%s/terminate", id);
	ck_assert_int_eq(sim_control(&sim, "POST", path, ""), 200);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorSessions&MaxResults=1000");
	ck_assert_uint_eq(sim_count(&sim, "<trafficMirrorSessionId>"), 0);
	sim_expect(&sim, NULL, "Action=DescribeInstances&InstanceId.1=%s", id);
	ck_assert_uint_eq(sim_count(&sim, "<name>terminated</name>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "<networkInterfaceSet/>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "<vpcId>"), 0);
	sim_stop(&sim);
}
END_TEST

/* ---- client tokens ---- */

START_TEST(the_same_token_makes_nothing_new)
{
	char first[SIM_TEXT_BYTES], second[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL, SIM_SESSION "&ClientToken=tok", ids.interface[0], ids.target,
	    ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, first);
	ck_assert_uint_eq(sim_count(&sim, "<clientToken>tok</clientToken>"), 1);
	sim_expect(&sim, NULL, "ClientToken=tok&" SIM_SESSION, ids.interface[0], ids.target,
	    ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, second);
	ck_assert_str_eq(first, second);
	sim_expect(&sim, "IdempotentParameterMismatch", SIM_SESSION "&ClientToken=tok",
	    ids.interface[0], ids.target, ids.filter, 2);
	sim_expect(&sim, "IdempotentParameterMismatch",
	    SIM_SESSION "&ClientToken=tok&TagSpecification.1.ResourceType=traffic-mirror-session&"
			"TagSpecification.1.Tag.1.Key=k",
	    ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(&sim, "InvalidParameterValue", SIM_SESSION "&ClientToken=%065d",
	    ids.interface[0], ids.target, ids.filter, 1, 0);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorSessions");
	ck_assert_uint_eq(sim_count(&sim, "<trafficMirrorSessionId>"), 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(a_refused_call_does_not_use_its_token_up)
{
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_expect(&sim, "InvalidParameterValue", SIM_SESSION "&ClientToken=tok", ids.interface[0],
	    ids.target, ids.filter, 1);
	sim_expect(&sim, NULL, SIM_SESSION "&ClientToken=tok", ids.interface[0], ids.target,
	    ids.filter, 2);
	sim_stop(&sim);
}
END_TEST

static void
replay_deleted(bool replay, bool expect_same)
{
	struct sim_opts opts = sim_test_opts(10);
	char first[SIM_TEXT_BYTES], second[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	opts.replay_deleted = replay;
	start_plain(&sim, &ids, &opts);
	sim_expect(&sim, NULL, SIM_SESSION "&ClientToken=tok", ids.interface[0], ids.target,
	    ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, first);
	sim_expect(
	    &sim, NULL, "Action=DeleteTrafficMirrorSession&TrafficMirrorSessionId=%s", first);
	sim_expect(&sim, NULL, SIM_SESSION "&ClientToken=tok", ids.interface[0], ids.target,
	    ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, second);
	ck_assert_int_eq(strcmp(first, second) == 0, expect_same);
	sim_stop(&sim);
}

START_TEST(a_token_of_a_deleted_session)
{
	replay_deleted(false, false);
	replay_deleted(true, true);
}
END_TEST

#define LAUNCH                                                                                     \
	"Action=RunInstances&ImageId=ami-0123456789abcdef0&InstanceType=%s&MinCount=1&MaxCount=%"  \
	"d&SubnetId=%s&SecurityGroupId.1=%s"

START_TEST(a_launch_and_its_token)
{
	char first[SIM_TEXT_BYTES], second[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_expect(&sim, NULL, LAUNCH "&ClientToken=r", "t3.large", 2, ids.subnet, ids.group);
	sim_text(&sim, "instanceId", 0, first);
	ck_assert_uint_eq(sim_count(&sim, "<instanceId>"), 2);
	ck_assert_uint_eq(sim_count(&sim, "<name>pending</name>"), 2);
	sim_expect(&sim, NULL, LAUNCH "&ClientToken=r", "t3.large", 2, ids.subnet, ids.group);
	sim_text(&sim, "instanceId", 0, second);
	ck_assert_str_eq(first, second);
	sim_expect(&sim, "IdempotentParameterMismatch", LAUNCH "&ClientToken=r", "m5.large", 2,
	    ids.subnet, ids.group);
	sim_expect(&sim, NULL, "Action=TerminateInstances&InstanceId.1=%s", first);
	ck_assert_uint_eq(sim_count(&sim, "<name>shutting-down</name>"), 1);
	sim_expect(&sim, "IdempotentInstanceTerminated", LAUNCH "&ClientToken=r", "t3.large", 2,
	    ids.subnet, ids.group);
	sim_stop(&sim);
}
END_TEST

START_TEST(launches_are_checked)
{
	char other[SIM_ID_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	world_security_group_id(sim.world, 1, other);
	sim_expect(&sim, "InvalidParameter", LAUNCH, "t3.large", 1, ids.subnet, other);
	sim_expect(&sim, "InvalidGroup.NotFound", LAUNCH, "t3.large", 1, ids.subnet, "sg-0");
	sim_expect(&sim, "InvalidSubnetID.NotFound", LAUNCH, "t3.large", 1, "subnet-0", ids.group);
	sim_expect(&sim, "InvalidParameterCombination", LAUNCH "&SecurityGroup.1=web", "t3.large",
	    1, ids.subnet, ids.group);
	sim_expect(&sim, "InvalidParameterValue", LAUNCH, "large", 1, ids.subnet, ids.group);
	sim_expect(&sim, "InvalidInstanceID.NotFound",
	    "Action=TerminateInstances&InstanceId.1=i-00000000000000000");
	sim_stop(&sim);
}
END_TEST

/* ---- tags ---- */

START_TEST(tags_are_set_replaced_and_taken_off)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES], id[SIM_ID_BYTES];
	struct sim_ids ids;
	struct sim sim;

	start_plain(&sim, &ids, NULL);
	sim_make_target(&sim, &ids, "t3.large", target, instance);
	world_instance_id(sim.world, 4, id);
	sim_expect(&sim, NULL,
	    "Action=CreateTags&ResourceId.1=%s&ResourceId.2=%s&Tag.1.Key=a&Tag.1.Value=1&Tag.2.Key="
	    "b",
	    target, id);
	sim_expect(
	    &sim, NULL, "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=a&Tag.1.Value=2", target);
	sim_expect(&sim, NULL, "Action=DescribeTags&Filter.1.Name=resource-id&Filter.1.Value.1=%s",
	    target);
	ck_assert_uint_eq(sim_count(&sim, "<key>a</key><value>2</value>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "<key>"), 3);
	sim_expect(&sim, NULL,
	    "Action=DeleteTags&ResourceId.1=%s&Tag.1.Key=TargetSubnetId&Tag.2.Key=a&Tag.2.Value=1",
	    target);
	sim_expect(&sim, NULL,
	    "Action=DescribeTrafficMirrorTargets&Filter.1.Name=tag:a&Filter.1.Value.1=2");
	ck_assert_uint_eq(sim_count(&sim, "<key>"), 2);
	sim_expect(&sim, NULL, "Action=DescribeInstances&InstanceId.1=%s", id);
	ck_assert_uint_eq(sim_count(&sim, "<key>Name</key><value>host-4</value>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "<key>b</key><value/>"), 1);
	sim_expect(&sim, "InvalidParameterValue",
	    "Action=CreateTags&ResourceId.1=%s&Tag.1.Key=aws:x", target);
	sim_expect(&sim, "InvalidTrafficMirrorTargetId.NotFound",
	    "Action=CreateTags&ResourceId.1=tmt-00000000000000000&Tag.1.Key=x");
	sim_expect(&sim, "InvalidID", "Action=CreateTags&ResourceId.1=thing&Tag.1.Key=x");
	sim_stop(&sim);
}
END_TEST

/* ---- eventual consistency ---- */

static size_t
targets_seen(struct sim *sim, const char *target)
{
	sim_expect(sim, NULL, "Action=DescribeTrafficMirrorTargets&MaxResults=1000");
	return sim_count(sim, target);
}

START_TEST(changes_are_seen_after_a_time)
{
	char target[SIM_TEXT_BYTES], instance[SIM_TEXT_BYTES];
	struct sim_opts opts = sim_test_opts(50);
	struct sim_ids ids;
	struct sim sim;

	opts.stale_ms = 1000;
	start_plain(&sim, &ids, &opts);
	sim_make_target(&sim, &ids, "t3.large", target, instance);
	ck_assert_uint_eq(targets_seen(&sim, target), 0);
	sim_expect(&sim, "InvalidInstanceID.NotFound", "Action=DescribeInstances&InstanceId.1=%s",
	    instance);
	sim.now_wall_ms += 1000;
	ck_assert_uint_eq(targets_seen(&sim, target), 1);
	sim_expect(&sim, NULL, "Action=DescribeInstances&InstanceId.1=%s", instance);
	sim_expect(
	    &sim, NULL, "Action=DeleteTags&ResourceId.1=%s&Tag.1.Key=TargetSubnetId", target);
	targets_seen(&sim, target);
	ck_assert_uint_eq(sim_count(&sim, "TargetSubnetId"), 1);
	sim.now_wall_ms += 1000;
	targets_seen(&sim, target);
	ck_assert_uint_eq(sim_count(&sim, "TargetSubnetId"), 0);
	sim_expect(&sim, NULL, "Action=DeleteTrafficMirrorTarget&TrafficMirrorTargetId=%s", target);
	ck_assert_uint_eq(targets_seen(&sim, target), 1);
	sim.now_wall_ms += 1000;
	ck_assert_uint_eq(targets_seen(&sim, target), 0);
	sim_stop(&sim);
}
END_TEST

START_TEST(changes_are_seen_after_some_calls)
{
	char id[SIM_TEXT_BYTES];
	struct sim_opts opts = sim_test_opts(50);
	struct sim_ids ids;
	struct sim sim;

	opts.stale_calls = 2;
	start_plain(&sim, &ids, &opts);
	ck_assert_uint_eq(targets_seen(&sim, ids.target), 1); /* what was given is old */
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, id);
	for (unsigned i = 0; i < 3; i++) {
		sim_expect(&sim, NULL,
		    "Action=DescribeTrafficMirrorSessions&Filter.1.Name=network-interface-id&"
		    "Filter.1.Value.1=%s",
		    ids.interface[0]);
		ck_assert_uint_eq(sim_count(&sim, id), i == 2);
	}
	sim_expect(&sim, NULL,
	    "Action=ModifyTrafficMirrorSession&TrafficMirrorSessionId=%s&SessionNumber=2", id);
	for (unsigned i = 0; i < 3; i++) {
		sim_expect(&sim, NULL,
		    "Action=DescribeTrafficMirrorSessions&TrafficMirrorSessionId.1=%s", id);
		ck_assert_uint_eq(sim_count(&sim, "<sessionNumber>2</sessionNumber>"), i == 2);
	}
	sim_stop(&sim);
}
END_TEST

START_TEST(somebody_else_mirrors_a_share)
{
	struct sim_opts opts = sim_test_opts(200);
	struct sim sim;
	size_t all;

	opts.plain = true;
	opts.foreign_share = 0.5;
	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorSessions&MaxResults=1000");
	all = sim_count(&sim, "<trafficMirrorSessionId>");
	ck_assert_msg(all > 70 && all < 130, "%zu", all);
	ck_assert_uint_eq(
	    sim_count(&sim, "<sessionNumber>10<") + sim_count(&sim, "<sessionNumber>200<"), all);
	ck_assert(sim_count(&sim, "<sessionNumber>10<") > all / 4);
	sim_control(&sim, "GET", "/_sim/report", "");
	ck_assert_ptr_nonnull(strstr(buf_cstr(&sim.reply.body), "\"ok\":true"));
	sim_stop(&sim);
}
END_TEST

SIM_MAIN("ec2sim sessions", a_session_is_created_shown_and_deleted,
    three_sessions_an_interface_and_no_number_twice, ten_sources_a_small_target,
    more_sources_a_large_target_and_any_a_balancer, a_place_that_is_freed_can_be_taken,
    modify_sets_and_removes, a_target_is_no_source_and_a_source_no_target,
    what_is_not_there_is_named, one_thing_behind_a_target, the_account_has_a_limit_if_asked,
    ending_an_instance_ends_its_sessions, the_same_token_makes_nothing_new,
    a_refused_call_does_not_use_its_token_up, a_token_of_a_deleted_session, a_launch_and_its_token,
    launches_are_checked, tags_are_set_replaced_and_taken_off, changes_are_seen_after_a_time,
    changes_are_seen_after_some_calls, somebody_else_mirrors_a_share)
