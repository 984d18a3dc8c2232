#include "sim_test.h"

#include <string.h>

/* What stands around the mirroring, and answers that are given. */

START_TEST(every_vpc_leads_to_every_other)
{
	struct sim_opts opts = sim_test_opts(10);
	struct sim sim;

	sim_start(&sim, &opts);
	sim_expect(&sim, NULL, "Action=DescribeRouteTables&MaxResults=50");
	ck_assert_uint_eq(sim_count(&sim, "<routeTableId>"), 4);
	ck_assert_uint_eq(sim_count(&sim, "<vpcPeeringConnectionId>"), 12);
	sim_expect(&sim, NULL, "Action=DescribeNetworkAcls&MaxResults=50");
	ck_assert_uint_eq(sim_count(&sim, "<networkAclId>"), 4);
	ck_assert_uint_eq(sim_count(&sim, "<subnetId>"), 12);
	sim_expect(&sim, NULL, "Action=DescribeRegions");
	ck_assert_uint_eq(sim_count(&sim, "<regionName>us-east-1<"), 1);
	sim_stop(&sim);
}
END_TEST

START_TEST(an_answer_stands_in_until_it_is_taken_back)
{
	struct sim_opts opts = sim_test_opts(10);
	struct sim sim;

	sim_start(&sim, &opts);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/answers?operation=DescribeVpcs",
			     "<vpcSet><item><vpcId>vpc-odd</vpcId></item></vpcSet>"),
	    200);
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	ck_assert_uint_eq(sim_count(&sim, "<vpcId>"), 1);
	ck_assert_uint_eq(sim_count(&sim, "</DescribeVpcsResponse>"), 1);
	sim_expect(&sim, "DryRunOperation", "Action=DescribeVpcs&DryRun=true");
	ck_assert_int_eq(
	    sim_control(&sim, "POST", "/_sim/answers?operation=DescribeVpcs", ""), 200);
	sim_expect(&sim, NULL, "Action=DescribeVpcs");
	ck_assert_uint_eq(sim_count(&sim, "<vpcId>"), 4);
	ck_assert_int_eq(sim_control(&sim, "POST", "/_sim/answers?operation=Nothing", "x"), 404);
	sim_stop(&sim);
}
END_TEST

/* A request to a service that speaks JSON. */
static void
ask_json(struct sim *sim, const char *target, const char *body)
{
	const struct sim_header header = {"X-Amz-Target", target};
	const struct sim_request request = {
	    .method = "POST",
	    .path = "/",
	    .headers = &header,
	    .headers_count = 1,
	    .body = {body, strlen(body)},
	    .now_wall_ms = sim->now_wall_ms,
	};

	sim_reply_fini(&sim->reply);
	sim->reply = world_handle(sim->world, &request);
}

START_TEST(cloudtrail_tells_who_made_and_deleted)
{
	struct sim_opts opts = sim_test_opts(40);
	char session[SIM_TEXT_BYTES];
	struct sim_ids ids;
	struct sim sim;

	opts.plain = true;
	sim_start(&sim, &opts);
	sim_ids(&sim, &ids);
	sim_expect(&sim, NULL, SIM_SESSION, ids.interface[0], ids.target, ids.filter, 1);
	sim_text(&sim, "trafficMirrorSessionId", 0, session);
	ask_json(&sim, "x.LookupEvents",
	    "{\"LookupAttributes\":[{\"AttributeValue\":\"CreateTrafficMirrorSession\"}]}");
	ck_assert_int_eq(sim.reply.status, 200);
	ck_assert_uint_eq(sim_count(&sim, session), 1);
	sim_expect(
	    &sim, NULL, "Action=DeleteTrafficMirrorSession&TrafficMirrorSessionId=%s", session);
	ask_json(&sim, "x.LookupEvents",
	    "{\"LookupAttributes\":[{\"AttributeValue\":\"DeleteTrafficMirrorSession\"}]}");
	ck_assert_uint_eq(sim_count(&sim, session), 1);
	ask_json(&sim, "x.LookupEvents",
	    "{\"LookupAttributes\":[{\"AttributeValue\":\"ModifyTrafficMirrorSession\"}]}");
	ck_assert_uint_eq(sim_count(&sim, session), 0);
	sim_stop(&sim);
}
END_TEST

START_TEST(organizations_lists_the_realm)
{
	struct sim_opts opts = sim_test_opts(5);
	struct sim sim;

	sim_start(&sim, &opts);
	ask_json(&sim, "x.ListAccounts", "{}");
	ck_assert_uint_eq(sim_count(&sim, "\"Status\":\"ACTIVE\""), 1);
	ask_json(&sim, "x.ListOrganizationalUnitsForParent", "{\"ParentId\":\"r-ex01\"}");
	ck_assert_uint_eq(sim_count(&sim, "ou-ex01-members1"), 1);
	ask_json(&sim, "x.ListAccountsForParent", "{\"ParentId\":\"ou-ex01-members1\"}");
	ck_assert_uint_eq(sim_count(&sim, "ACTIVE"), 0);
	ask_json(&sim, "x.ListAccountsForParent", "{\"ParentId\":\"ou-other\"}");
	ck_assert_int_eq(sim.reply.status, 400);
	ck_assert_uint_eq(sim_count(&sim, "ParentNotFoundException"), 1);
	sim_stop(&sim);
}
END_TEST

SIM_MAIN("surroundings", every_vpc_leads_to_every_other, an_answer_stands_in_until_it_is_taken_back,
    cloudtrail_tells_who_made_and_deleted, organizations_lists_the_realm)
