#include "sim_test.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* The generated world, pages and filters. */

/* Lists everything in pages; returns how many instances, and pages without any. */
static size_t
list_all(struct sim *sim, unsigned page, size_t *ret_empty, size_t *ret_calls)
{
	char token[SIM_TEXT_BYTES] = "";
	size_t found = 0;

	*ret_empty = 0;
	*ret_calls = 0;
	do {
		size_t here;

		sim_expect(sim, NULL, "Action=DescribeInstances&MaxResults=%u%s%s", page,
		    token[0] != '\0' ? "&NextToken=" : "", token);
		here = sim_count(sim, "<instanceId>");
		ck_assert_uint_le(here, page);
		found += here;
		*ret_empty += here == 0;
		sim_token(sim, token);
		ck_assert_uint_lt(++*ret_calls, 10000);
	} while (token[0] != '\0');
	return found;
}

START_TEST(every_instance_is_listed_once)
{
	struct sim_opts opts = sim_test_opts(1003);
	size_t empty, calls;
	struct sim sim;

	sim_start(&sim, &opts);
	ck_assert_uint_eq(list_all(&sim, 100, &empty, &calls), 1003);
	ck_assert_uint_eq(empty, 0);
	ck_assert_uint_eq(calls, 11);
	sim_stop(&sim);
}
END_TEST

START_TEST(empty_pages_carry_tokens)
{
	struct sim_opts opts = sim_test_opts(500);
	size_t empty, calls;
	struct sim sim;

	opts.empty_pages = 0.5;
	sim_start(&sim, &opts);
	ck_assert_uint_eq(list_all(&sim, 20, &empty, &calls), 500);
	ck_assert_uint_gt(empty, 5);
	sim_stop(&sim);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_bytes)
{
	struct sim_opts opts = sim_test_opts(200);
	struct sim one, two, other;

	sim_start(&one, &opts);
	sim_start(&two, &opts);
	opts.seed = 2;
	sim_start(&other, &opts);
	sim_expect(&one, NULL, "Action=DescribeInstances&MaxResults=50");
	sim_expect(&two, NULL, "Action=DescribeInstances&MaxResults=50");
	sim_expect(&other, NULL, "Action=DescribeInstances&MaxResults=50");
	ck_assert_str_eq(buf_cstr(&one.reply.body), buf_cstr(&two.reply.body));
	ck_assert_str_ne(buf_cstr(&one.reply.body), buf_cstr(&other.reply.body));
	sim_stop(&one);
	sim_stop(&two);
	sim_stop(&other);
}
END_TEST

START_TEST(the_world_is_awkward)
{
	struct sim_opts opts = sim_test_opts(1000);
	struct sim sim;
	json_t *world, *instance;
	size_t i, terminated = 0, shuffled = 0, many = 0, mirror = 0, unsupported = 0;

	sim_start(&sim, &opts);
	ck_assert_int_eq(sim_control(&sim, "GET", "/_sim/world", ""), 200);
	world = json_loads(buf_cstr(&sim.reply.body), 0, NULL);
	ck_assert_uint_eq(json_array_size(json_object_get(world, "Instances")), 1000);
	json_array_foreach (json_object_get(world, "Instances"), i, instance) {
		json_t *interfaces = json_object_get(instance, "NetworkInterfaces");
		const char *state = json_string_value(json_object_get(instance, "State"));
		const char *tag =
		    json_string_value(json_object_get(json_object_get(instance, "Tags"), "mirror"));

		if (strcmp(state, "terminated") == 0) {
			terminated++;
			ck_assert_uint_eq(json_array_size(interfaces), 0);
			ck_assert_ptr_null(json_object_get(instance, "VpcId"));
		}
		many += json_array_size(interfaces) > 1;
		shuffled += json_integer_value(
				json_object_get(json_array_get(interfaces, 0), "DeviceIndex")) > 0;
		mirror += tag != NULL && strcmp(tag, "yes") == 0;
		unsupported += strcmp(state, "running") == 0 &&
			       !json_is_true(json_object_get(instance, "Mirrorable"));
	}
	ck_assert_uint_gt(terminated, 30);
	ck_assert_uint_gt(many, 250);
	ck_assert_uint_gt(shuffled, 100);
	ck_assert(mirror > 230 && mirror < 370);
	ck_assert_uint_gt(unsupported, 20);
	json_decref(world);
	sim_stop(&sim);
}
END_TEST

START_TEST(a_million_instances_cost_no_memory)
{
	struct sim_opts opts = sim_test_opts(1000000);
	char id[SIM_ID_BYTES], text[SIM_TEXT_BYTES];
	struct sim sim;

	sim_start(&sim, &opts);
	world_instance_id(sim.world, 999999, id);
	sim_expect(&sim, NULL, "Action=DescribeInstances&InstanceId.1=%s", id);
	sim_text(&sim, "instanceId", 0, text);
	ck_assert_str_eq(text, id);
	world_instance_id(sim.world, 1000000, id);
	sim_expect(
	    &sim, "InvalidInstanceID.NotFound", "Action=DescribeInstances&InstanceId.1=%s", id);
	sim_stop(&sim);
}
END_TEST

START_TEST(page_sizes_have_bounds)
{
	struct sim_opts opts = sim_test_opts(50);
	char id[SIM_ID_BYTES];
	struct sim sim;

	sim_start(&sim, &opts);
	world_instance_id(sim.world, 0, id);
	sim_expect(&sim, "InvalidParameterValue", "Action=DescribeInstances&MaxResults=4");
	sim_expect(&sim, "InvalidParameterValue", "Action=DescribeInstances&MaxResults=1001");
	sim_expect(&sim, "InvalidParameterValue", "Action=DescribeInstances&MaxResults=5x");
	sim_expect(&sim, "InvalidParameterCombination",
	    "Action=DescribeInstances&MaxResults=5&InstanceId.1=%s", id);
	world_given_target_id(sim.world, 0, id);
	sim_expect(&sim, NULL,
	    "Action=DescribeTrafficMirrorTargets&MaxResults=5&TrafficMirrorTargetId.1=%s", id);
	sim_stop(&sim);
}
END_TEST

START_TEST(page_tokens_are_checked)
{
	struct sim_opts opts = sim_test_opts(100);
	char token[SIM_TEXT_BYTES];
	struct sim sim;

	opts.token_ttl = 2;
	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5");
	sim_token(&sim, token);
	sim_expect(&sim, "InvalidNextToken",
	    "Action=DescribeInstances&MaxResults=5&NextToken=%s&Filter.1.Name=vpc-id&Filter.1."
	    "Value.1=x",
	    token);
	sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5&NextToken=%s", token);
	sim_expect(
	    &sim, "InvalidNextToken", "Action=DescribeInstances&MaxResults=5&NextToken=%s", token);
	sim_expect(&sim, "InvalidNextToken",
	    "Action=DescribeInstances&MaxResults=5&NextToken=bm9uc2Vuc2U%%3D");
	sim_stop(&sim);
}
END_TEST

START_TEST(tokens_can_be_expired)
{
	struct sim_opts opts = sim_test_opts(100);
	char token[SIM_TEXT_BYTES];
	struct sim sim;

	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5");
	sim_token(&sim, token);
	sim_expect(&sim, NULL, "Action=DescribeInstances&MaxResults=5&NextToken=%s", token);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/expire-tokens", ""), 200);
	sim_expect(
	    &sim, "InvalidNextToken", "Action=DescribeInstances&MaxResults=5&NextToken=%s", token);
	sim_stop(&sim);
}
END_TEST

static size_t
count_matching(struct sim *sim, const char *filters)
{
	sim_expect(sim, NULL, "Action=DescribeInstances&%s", filters);
	return sim_count(sim, "<instanceId>");
}

START_TEST(filters_narrow)
{
	struct sim_opts opts = sim_test_opts(400);
	struct sim sim;
	size_t running, both, all = 400;

	sim_start(&sim, &opts);
	running =
	    count_matching(&sim, "Filter.1.Name=instance-state-name&Filter.1.Value.1=running");
	ck_assert(running > 250 && running < all);
	both = count_matching(&sim,
	    "Filter.1.Name=instance-state-name&Filter.1.Value.1=running&Filter.1.Value.2=stopped");
	ck_assert_uint_gt(both, running);
	ck_assert_uint_eq(
	    count_matching(&sim, "Filter.1.Name=instance-state-name&Filter.1.Value.1=*"), all);
	ck_assert_uint_eq(
	    count_matching(&sim, "Filter.7.Name=tag%3AName&Filter.7.Value.3=host-1?"), 11);
	ck_assert_uint_eq(
	    count_matching(&sim, "Filter.1.Name=tag:Name&Filter.1.Value.1=host-1%5C?"), 0);
	ck_assert_uint_eq(count_matching(&sim, "Filter.1.Name=tag:Name&Filter.1.Value.1=host-12&"
					       "Filter.2.Name=tag:Name&Filter.2.Value.1=host-13"),
	    0);
	ck_assert_uint_eq(count_matching(&sim, "Filter.1.Name=tag-key&Filter.1.Value.1=name"), 0);
	ck_assert_uint_eq(count_matching(&sim, "Filter.1.Name=tag-key&Filter.1.Value.1=Name"), all);
	sim_stop(&sim);
}
END_TEST

START_TEST(filters_have_limits)
{
	struct sim_opts opts = sim_test_opts(10);
	struct buf form = {0};
	struct sim sim;

	sim_start(&sim, &opts);
	sim_expect(&sim, "InvalidParameterValue",
	    "Action=DescribeInstances&Filter.1.Name=colour&Filter.1.Value.1=red");
	sim_expect(&sim, "InvalidParameterValue", "Action=DescribeInstances&Filter.1.Name=vpc-id");
	sim_expect(&sim, "UnknownParameter", "Action=DescribeInstances&Filter.1.Values.1=red");
	buf_add_cstr(&form, "Action=DescribeInstances&Filter.1.Name=vpc-id");
	for (unsigned i = 1; i <= 201; i++)
		buf_printf(&form, "&Filter.1.Value.%u=v", i);
	sim_expect(&sim, "FilterLimitExceeded", "%s", buf_cstr(&form));
	buf_reset(&form);
	buf_add_cstr(&form, "Action=DescribeInstances");
	for (unsigned i = 1; i <= 51; i++)
		buf_printf(&form, "&Filter.%u.Name=vpc-id&Filter.%u.Value.1=v", i, i);
	sim_expect(&sim, "FilterLimitExceeded", "%s", buf_cstr(&form));
	buf_fini(&form);
	sim_stop(&sim);
}
END_TEST

START_TEST(wrong_requests_are_told_apart)
{
	struct sim_opts opts = sim_test_opts(10);
	struct sim sim;

	sim_start(&sim, &opts);
	sim_expect(&sim, "InvalidAction", "Action=MakeCoffee");
	sim_expect(&sim, "MissingParameter", "Nothing=1");
	sim_expect(&sim, "UnknownParameter", "Action=DescribeInstances&InstanceIds.1=i-0");
	sim_expect(&sim, "MalformedQueryString", "Action=DescribeInstances&X=%%zz");
	sim_expect(
	    &sim, "InvalidInstanceID.Malformed", "Action=DescribeInstances&InstanceId.1=server");
	sim_expect(&sim, "DryRunOperation", "Action=DescribeInstances&DryRun=true");
	ck_assert_int_eq(sim.reply.status, 412);
	ck_assert_uint_eq(
	    sim_count(&sim, "<Response><Errors><Error><Code>DryRunOperation</Code>"), 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(interfaces_and_places)
{
	struct sim_opts opts = sim_test_opts(20);
	char id[SIM_ID_BYTES], instance[SIM_ID_BYTES], text[SIM_TEXT_BYTES];
	struct sim sim;

	opts.plain = true;
	sim_start(&sim, &opts);
	world_interface_id(sim.world, 3, 0, id);
	world_instance_id(sim.world, 3, instance);
	sim_expect(&sim, NULL, "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", id);
	sim_text(&sim, "instanceId", 0, text);
	ck_assert_str_eq(text, instance);
	sim_expect(&sim, NULL,
	    "Action=DescribeNetworkInterfaces&Filter.1.Name=attachment.instance-id&Filter.1.Value."
	    "1=%s",
	    instance);
	sim_text(&sim, "networkInterfaceId", 0, text);
	ck_assert_str_eq(text, id);
	world_interface_id(sim.world, 3, 1, id);
	sim_expect(&sim, "InvalidNetworkInterfaceID.NotFound",
	    "Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=%s", id);
	world_vpc_id(sim.world, 1, id);
	sim_expect(
	    &sim, NULL, "Action=DescribeSubnets&Filter.1.Name=vpc-id&Filter.1.Value.1=%s", id);
	ck_assert_uint_eq(sim_count(&sim, "<subnetId>"), 3);
	sim_expect(&sim, NULL, "Action=DescribeVpcs&MaxResults=5");
	ck_assert_uint_eq(sim_count(&sim, "<vpcId>"), 4);
	sim_expect(&sim, NULL, "Action=DescribeTrafficMirrorFilters");
	ck_assert_uint_eq(sim_count(&sim, "<trafficMirrorFilterId>"), SIM_GIVEN_FILTERS);
	sim_stop(&sim);
}
END_TEST

START_TEST(options_are_checked)
{
	struct sim_opts opts = sim_test_opts(10);
	struct tmf_err err = {0};

	opts.reservation_max = 0;
	ck_assert_ptr_null(world_new(&opts, &err));
	opts = sim_test_opts(10);
	opts.faults[opts.faults_count++] = "sneeze@0.5";
	ck_assert_ptr_null(world_new(&opts, &err));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "sneeze"));
	tmf_err_fini(&err);
}
END_TEST

static size_t
running_of_type(struct sim *sim, const char *type)
{
	sim_expect(sim, NULL,
	    "Action=DescribeInstances&MaxResults=1000&Filter.1.Name=instance-type&Filter.1.Value.1="
	    "%s",
	    type);
	return sim_count(sim, "<instanceId>");
}

START_TEST(a_share_of_types_cannot_be_mirrored)
{
	static const char *const unmirrorable[] = {
	    "t2.micro", "c7gn.large", "p5en.48xlarge", "m8g.large", "m6i.metal"};
	struct sim_opts opts = sim_test_opts(1000);
	struct sim sim;
	size_t count = 0;

	opts.unmirrorable_share = 0.2;
	sim_start(&sim, &opts);
	for (size_t i = 0; i < sizeof(unmirrorable) / sizeof(unmirrorable[0]); i++)
		count += running_of_type(&sim, unmirrorable[i]);
	ck_assert_msg(count > 140 && count < 260, "%zu", count);
	sim_stop(&sim);
}
END_TEST

START_TEST(a_stopped_instance_keeps_its_interface)
{
	struct sim_opts opts = sim_test_opts(40);
	char id[SIM_ID_BYTES], path[SIM_TEXT_BYTES], state[SIM_TEXT_BYTES];
	struct sim sim;

	opts.plain = true;
	sim_start(&sim, &opts);
	world_instance_id(sim.world, 7, id);
	snprintf(path, sizeof(path), "/_sim/instances/%s/stop", id);
	ck_assert_int_eq(sim_control(&sim, "POST", path, ""), 200);
	ck_assert_int_eq(sim_control(&sim, "POST", path, ""), 200); /* is stopped already */
	sim_expect(&sim, NULL, "Action=DescribeInstances&InstanceId.1=%s", id);
	sim_text(&sim, "name", 0, state);
	ck_assert_str_eq(state, "stopped");
	ck_assert_uint_eq(sim_count(&sim, "<networkInterfaceId>"), 1);
	snprintf(path, sizeof(path), "/_sim/instances/%s/terminate", id);
	ck_assert_int_eq(sim_control(&sim, "POST", path, ""), 200);
	snprintf(path, sizeof(path), "/_sim/instances/%s/stop", id);
	ck_assert_int_ne(sim_control(&sim, "POST", path, ""), 200);
	sim_stop(&sim);
}
END_TEST

SIM_MAIN("ec2sim world", every_instance_is_listed_once, empty_pages_carry_tokens,
    the_same_seed_gives_the_same_bytes, the_world_is_awkward, a_million_instances_cost_no_memory,
    page_sizes_have_bounds, page_tokens_are_checked, tokens_can_be_expired, filters_narrow,
    filters_have_limits, wrong_requests_are_told_apart, interfaces_and_places, options_are_checked,
    a_share_of_types_cannot_be_mirrored, a_stopped_instance_keeps_its_interface)
