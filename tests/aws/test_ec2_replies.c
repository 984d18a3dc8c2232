/* The typed calls: what comes of AWS's replies. */
#include "aws_fixture.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "ec2_by_name.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESPONSES_FILE	 TEST_SHARED_DIR "/aws/golden-responses.json"
#define REPLIES_COMPARED 21
#define ERRORS_COMPARED	 19

/* --- botocore's reading of replies --- */

/* Members that results have; others of AWS's are left out. */
static const char *const kept_members[] = {"NextToken", "TrafficMirrorTargets",
    "TrafficMirrorTarget", "TrafficMirrorTargetId", "NetworkInterfaceId", "NetworkLoadBalancerArn",
    "GatewayLoadBalancerEndpointId", "Type", "Description", "OwnerId", "Tags", "Key", "Value",
    "TrafficMirrorSessions", "TrafficMirrorSession", "TrafficMirrorSessionId",
    "TrafficMirrorFilterId", "PacketLength", "SessionNumber", "VirtualNetworkId",
    "TerminatingInstances", "ClientToken", "InstanceId", "CurrentState", "PreviousState", "Name",
    "Return"};

static bool
is_kept(const char *name)
{
	for (size_t i = 0; i < sizeof(kept_members) / sizeof(kept_members[0]); i++)
		if (strcmp(kept_members[i], name) == 0)
			return true;
	return false;
}

/* New value: a copy with the kept members only. */
static json_t *
kept_of(json_t *value)
{
	json_t *copy;
	json_t *member;
	const char *name;
	size_t i;

	if (json_is_array(value)) {
		copy = json_array();
		json_array_foreach (value, i, member)
			json_array_append_new(copy, kept_of(member));
		return copy;
	}
	if (!json_is_object(value))
		return json_incref(value);
	copy = json_object();
	json_object_foreach (value, name, member)
		if (is_kept(name))
			json_object_set_new(copy, name, kept_of(member));
	return copy;
}

static void
copy_members(json_t *to, const json_t *from, const char *const *names)
{
	for (; *names != NULL; names++)
		if (json_object_get(from, *names) != NULL)
			json_object_set(to, *names, json_object_get(from, *names));
}

/* [{GroupId}] of an interface. */
static json_t *
group_ids(const json_t *interface)
{
	static const char *const names[] = {"GroupId", NULL};
	json_t *groups = json_array();
	json_t *group;
	size_t i;

	json_array_foreach (json_object_get(interface, "Groups"), i, group) {
		json_t *copy = json_object();

		copy_members(copy, group, names);
		json_array_append_new(groups, copy);
	}
	return groups;
}

/* The interfaces whose device index is so; DESIGN's form. */
static void
append_interfaces(json_t *to, json_t *from, json_int_t device_index, bool launched)
{
	static const char *const names[] = {"NetworkInterfaceId", "SubnetId", "VpcId", NULL};
	json_t *interface;
	size_t i;

	json_array_foreach (from, i, interface) {
		json_t *index =
		    json_object_get(json_object_get(interface, "Attachment"), "DeviceIndex");
		json_t *copy;

		if (json_integer_value(index) != device_index)
			continue;
		copy = json_object();
		copy_members(copy, interface, names);
		json_object_set(copy, "DeviceIndex", index);
		if (launched)
			json_object_set_new(copy, "Groups", group_ids(interface));
		json_array_append_new(to, copy);
	}
}

static void
append_instances(json_t *to, json_t *from, bool launched)
{
	const char *const names[] = {"InstanceId", "InstanceType", "VpcId", "SubnetId", "Tags",
	    launched ? "ClientToken" : NULL, "ImageId", NULL};
	json_t *instance;
	size_t i;

	json_array_foreach (from, i, instance) {
		json_t *copy = json_object();
		json_t *interfaces = json_array();

		json_object_set_new(copy, "Tags", json_array());
		copy_members(copy, instance, names);
		json_object_set(
		    copy, "State", json_object_get(json_object_get(instance, "State"), "Name"));
		json_object_set(copy, "AvailabilityZone",
		    json_object_get(json_object_get(instance, "Placement"), "AvailabilityZone"));
		for (json_int_t index = 0; index < 8; index++)
			append_interfaces(interfaces,
			    json_object_get(instance, "NetworkInterfaces"), index, launched);
		json_object_set_new(copy, "NetworkInterfaces", interfaces);
		json_array_append_new(to, copy);
	}
}

/* New value: wanted with those members only that got has; an absent list is an empty one there. */
static json_t *
as_far_as(const json_t *wanted, json_t *got)
{
	json_t *copy;
	json_t *member;
	const char *name;
	size_t i;

	if (json_is_array(wanted) && json_is_array(got)) {
		copy = json_array();
		json_array_foreach (wanted, i, member)
			json_array_append_new(copy, as_far_as(member, json_array_get(got, i)));
		return copy;
	}
	if (!json_is_object(wanted) || !json_is_object(got))
		return json_incref((json_t *)wanted);
	copy = json_object();
	json_object_foreach (got, name, member) {
		const json_t *mine = json_object_get(wanted, name);

		if (mine != NULL)
			json_object_set_new(copy, name, as_far_as(mine, member));
		else if (json_is_array(member))
			json_object_set_new(copy, name, json_array());
	}
	return copy;
}

/* Of a session that was made, its id and what tells whose it is. */
static void
keep_made_session(json_t *result)
{
	static const char *const names[] = {"TrafficMirrorSessionId", "TrafficMirrorTargetId",
	    "TrafficMirrorFilterId", "NetworkInterfaceId", NULL};
	const json_t *session = json_object_get(result, "TrafficMirrorSession");
	json_t *made = json_object();

	copy_members(made, session, names);
	if (session != NULL)
		json_object_set(result, "TrafficMirrorSession", made);
	json_decref(made);
}

/* AWS's form of a result in ours. New. */
static json_t *
in_our_form(const char *operation, json_t *expected, json_t *got)
{
	json_t *instances = json_array();
	json_t *result;
	json_t *reservation;
	size_t i;

	json_array_foreach (json_object_get(expected, "Reservations"), i, reservation)
		append_instances(instances, json_object_get(reservation, "Instances"), false);
	append_instances(instances, json_object_get(expected, "Instances"), true);
	result = ec2_by_name_reads_a_part(operation) ? as_far_as(expected, got) : kept_of(expected);
	keep_made_session(result);
	if (strcmp(operation, "DescribeInstances") == 0 || strcmp(operation, "RunInstances") == 0) {
		json_object_del(result, "OwnerId"); /* of a reservation */
		json_object_set(result, "Instances", instances);
	}
	if (strcmp(operation, "DescribeInstances") == 0)
		json_object_set(result, "OwnerId",
		    json_object_get(
			json_array_get(json_object_get(expected, "Reservations"), 0), "OwnerId"));
	json_decref(instances);
	if (strncmp(operation, "Describe", strlen("Describe")) == 0 &&
	    (jsonx_get_string(result, "NextToken") == NULL ||
		jsonx_get_string(result, "NextToken")[0] == '\0'))
		json_object_set_new(result, "NextToken", json_null());
	if (strcmp(operation, "CreateTags") == 0 || strcmp(operation, "DeleteTags") == 0)
		json_object_set_new(result, "Return", json_true());
	return result;
}

static json_t *
any_params(void)
{
	return relaxed_json("{'InstanceIds': ['i-1'], 'Resources': ['i-1'],"
			    " 'Tags': [{'Key': 'k', 'Value': 'v'}]}");
}

static void
compare_error(const struct aws_fixture *f, const json_t *golden)
{
	const json_t *expected = json_object_get(golden, "expectedError");
	const char *code = jsonx_get_string(expected, "code");
	const char *id = jsonx_get_string(golden, "requestId");

	ck_assert_ptr_null(f->result);
	if (code == NULL) {
		/* No usable body: named by status, or broken. */
		ck_assert(f->err.name[0] != '\0');
		return;
	}
	aws_fixture_expect_refusal(f, code);
	ck_assert_str_eq(f->err.request_id, id);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f->err), jsonx_get_string(expected, "message")));
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f->err), id));
	ck_assert_int_eq(
	    f->err.http_status, json_integer_value(json_object_get(golden, "httpStatus")));
}

/* Feeds one golden reply to its operation, in pieces. Returns the fixture run, or false where
 * the operation is not ours. */
static bool
feed_reply(struct aws_fixture *f, const json_t *golden, size_t piece_bytes)
{
	const struct scripted_reply reply = {jsonx_get_string(golden, "operation"),
	    (int)json_integer_value(json_object_get(golden, "httpStatus")),
	    jsonx_get_string(golden, "body")};
	json_t *params = any_params();
	struct tmf_call *call;

	aws_fixture_init(f,
	    &(struct scripted_opts){
		.replies = &reply, .replies_count = 1, .piece_bytes = piece_bytes},
	    1);
	call = ec2_by_name_start(f->client, reply.operation, params);
	json_decref(params);
	if (call == NULL)
		return false;
	aws_fixture_run(f, call);
	return true;
}

/* Returns 1 for a result that was compared, 2 for an error, 0 where the operation is not ours. */
static int
compare_reply(const json_t *golden, size_t piece_bytes)
{
	const char *operation = jsonx_get_string(golden, "operation");
	json_t *expected = json_object_get(golden, "expected");
	struct aws_fixture f;
	int compared = 0;

	if (feed_reply(&f, golden, piece_bytes)) {
		compared = json_is_object(expected) ? 1 : 2;
		if (compared == 2) {
			compare_error(&f, golden);
		} else {
			json_t *wanted = in_our_form(operation, expected, f.result);

			ck_assert_msg(f.result != NULL, "%s: %s", jsonx_get_string(golden, "name"),
			    tmf_err_text(&f.err));
			/* botocore makes a date of it. */
			if (strcmp(operation, "RunInstances") == 0)
				json_object_del(
				    json_array_get(json_object_get(f.result, "Instances"), 0),
				    "LaunchTime");
			expect_same_json(wanted, f.result, jsonx_get_string(golden, "name"));
			json_decref(wanted);
		}
	}
	aws_fixture_fini(&f);
	return compared;
}

START_TEST(golden_replies)
{
	struct doc *doc;
	json_t *list = shared_list_read(RESPONSES_FILE, "responses", &doc);
	json_t *golden;
	size_t i;
	int counts[3] = {0};

	if (list == NULL)
		return;
	json_array_foreach (list, i, golden) {
		if (strcmp(jsonx_get_string(golden, "service"), "ec2") != 0)
			continue;
		compare_reply(golden, 1);
		counts[compare_reply(golden, 0)]++;
	}
	printf("%d golden results, %d golden errors\n", counts[1], counts[2]);
	ck_assert_int_eq(counts[1], REPLIES_COMPARED);
	ck_assert_int_eq(counts[2], ERRORS_COMPARED);
	doc_free(doc);
}
END_TEST

/* --- our own replies --- */

static const struct {
	const char *operation;
	const char *members; /* within the root */
	const char *wanted;
} replies[] = {
    {"DescribeInstances", "", "{'Instances': [], 'NextToken': null}"},
    {"DescribeInstances", "<reservationSet/><nextToken>t=</nextToken>",
	"{'Instances': [], 'NextToken': 't='}"},
    {"DescribeInstances",
	"<reservationSet><item><ownerId>123456789012</ownerId><instancesSet><item>"
	"<instanceId>i-1</instanceId><instanceState>"
	"<code>48</code><name>terminated</name></instanceState></item></instancesSet></item><item>"
	"<instancesSet><item><networkInterfaceSet><item><networkInterfaceId>eni-2</"
	"networkInterfaceId>"
	"<attachment><deviceIndex>1</deviceIndex></attachment></item><item>"
	"<attachment><networkCardIndex>0</networkCardIndex><deviceIndex>0</deviceIndex></"
	"attachment>"
	"<vpcId>vpc-1</vpcId><networkInterfaceId>eni-1</networkInterfaceId></item></"
	"networkInterfaceSet>"
	"<instanceId>i-2</instanceId><instanceState><code>16</code></instanceState></item></"
	"instancesSet></item></reservationSet><nextToken/>",
	"{'Instances': [{'InstanceId': 'i-1', 'State': 'terminated', 'Tags': [], "
	"'NetworkInterfaces': []}, {'InstanceId': 'i-2', 'Tags': [], 'NetworkInterfaces': "
	"[{'NetworkInterfaceId': 'eni-1', 'DeviceIndex': 0, 'VpcId': 'vpc-1'}, "
	"{'NetworkInterfaceId': 'eni-2', 'DeviceIndex': 1}]}], 'OwnerId': '123456789012', "
	"'NextToken': null}"},
    {"DescribeTrafficMirrorTargets", "<trafficMirrorTargetSet/>",
	"{'TrafficMirrorTargets': [], 'NextToken': null}"},
    {"DescribeTrafficMirrorFilters",
	"<trafficMirrorFilterSet><item><trafficMirrorFilterId>tmf-1</trafficMirrorFilterId></item>"
	"</trafficMirrorFilterSet>",
	"{'TrafficMirrorFilters': [{'TrafficMirrorFilterId': 'tmf-1', 'IngressFilterRules': [], "
	"'EgressFilterRules': [], 'Tags': []}], 'NextToken': null}"},
    {"DescribeImages", "<imagesSet><item><imageId>ami-1</imageId></item></imagesSet>",
	"{'Images': [{'ImageId': 'ami-1'}], 'NextToken': null}"},
    {"DescribeSecurityGroups",
	"<securityGroupInfo><item><groupId>sg-1</groupId></item></securityGroupInfo>",
	"{'SecurityGroups': [{'GroupId': 'sg-1', 'IpPermissions': [], 'IpPermissionsEgress': []}], "
	"'NextToken': null}"},
    {"DescribeSubnets", "<subnetSet><item><subnetId>subnet-1</subnetId></item></subnetSet>",
	"{'Subnets': [{'SubnetId': 'subnet-1', 'Tags': []}], 'NextToken': null}"},
    {"DescribeVpcs",
	"<vpcSet><item><vpcId>vpc-1</vpcId><tagSet><item><key>Name</key><value>v</value></item>"
	"</tagSet></item></vpcSet><nextToken>t</nextToken>",
	"{'Vpcs': [{'VpcId': 'vpc-1', 'Tags': [{'Key': 'Name', 'Value': 'v'}]}], "
	"'NextToken': 't'}"},
    {"DescribeNetworkInterfaces",
	"<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId><vpcId>vpc-1</"
	"vpcId>"
	"<privateIpAddress>10.0.0.1</"
	"privateIpAddress><privateIpAddressesSet><item><privateIpAddress>"
	"10.0.0.1</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>"
	"<attachment><instanceId>i-1</instanceId></attachment></item></networkInterfaceSet>",
	"{'NetworkInterfaces': [{'NetworkInterfaceId': 'eni-1', 'VpcId': 'vpc-1', "
	"'PrivateIpAddress': '10.0.0.1', 'PrivateIpAddresses': [{'PrivateIpAddress': '10.0.0.1'}], "
	"'Groups': [], 'Attachment': {'InstanceId': 'i-1'}}], 'NextToken': null}"},
    {"DescribeNetworkInterfaces",
	"<networkInterfaceSet><item><networkInterfaceId>eni-2</networkInterfaceId><subnetId>"
	"subnet-1</subnetId><availabilityZone>us-east-1a</availabilityZone><status>available</"
	"status><groupSet><item><groupId>sg-1</groupId><groupName>g</groupName></item></groupSet>"
	"</item></networkInterfaceSet>",
	"{'NetworkInterfaces': [{'NetworkInterfaceId': 'eni-2', 'SubnetId': 'subnet-1', "
	"'AvailabilityZone': 'us-east-1a', 'Status': 'available', 'Groups': [{'GroupId': 'sg-1'}], "
	"'PrivateIpAddresses': []}], 'NextToken': null}"},
    {"DescribeNetworkAcls",
	"<networkAclSet><item><networkAclId>acl-1</networkAclId><vpcId>vpc-1</vpcId><entrySet>"
	"<item><ruleNumber>90</ruleNumber><protocol>17</protocol><ruleAction>deny</ruleAction>"
	"<egress>false</egress><cidrBlock>10.0.0.0/8</cidrBlock><portRange><from>4789</from>"
	"<to>4790</to></portRange></item></entrySet><associationSet><item><subnetId>subnet-1</"
	"subnetId></item></associationSet></item></networkAclSet>",
	"{'NetworkAcls': [{'NetworkAclId': 'acl-1', 'VpcId': 'vpc-1', 'Entries': [{'RuleNumber': "
	"90, 'Protocol': '17', 'RuleAction': 'deny', 'Egress': false, 'CidrBlock': '10.0.0.0/8', "
	"'PortRange': {'From': 4789, 'To': 4790}}], 'Associations': [{'SubnetId': 'subnet-1'}]}], "
	"'NextToken': null}"},
    {"DescribeRouteTables",
	"<routeTableSet><item><routeTableId>rtb-1</routeTableId><vpcId>vpc-1</vpcId><routeSet>"
	"<item><destinationCidrBlock>10.1.0.0/16</destinationCidrBlock><vpcPeeringConnectionId>"
	"pcx-1</vpcPeeringConnectionId><state>blackhole</state></item></routeSet><associationSet>"
	"<item><main>true</main></item></associationSet></item></routeTableSet>",
	"{'RouteTables': [{'RouteTableId': 'rtb-1', 'VpcId': 'vpc-1', 'Routes': "
	"[{'DestinationCidrBlock': '10.1.0.0/16', 'VpcPeeringConnectionId': 'pcx-1', 'State': "
	"'blackhole'}], 'Associations': [{'Main': true}]}], 'NextToken': null}"},
    {"DescribeTrafficMirrorFilters",
	"<trafficMirrorFilterSet><item><trafficMirrorFilterId>tmf-1</trafficMirrorFilterId>"
	"<ingressFilterRuleSet><item><ruleNumber>1</ruleNumber><ruleAction>accept</ruleAction>"
	"<protocol>6</protocol><destinationPortRange><fromPort>80</fromPort><toPort>81</toPort>"
	"</destinationPortRange><sourceCidrBlock>10.0.0.0/8</sourceCidrBlock>"
	"<destinationCidrBlock>0.0.0.0/0</destinationCidrBlock></item></ingressFilterRuleSet>"
	"</item></trafficMirrorFilterSet>",
	"{'TrafficMirrorFilters': [{'TrafficMirrorFilterId': 'tmf-1', 'IngressFilterRules': "
	"[{'RuleNumber': 1, 'RuleAction': 'accept', 'Protocol': 6, 'SourceCidrBlock': "
	"'10.0.0.0/8', 'DestinationCidrBlock': '0.0.0.0/0', 'DestinationPortRange': {'FromPort': "
	"80, 'ToPort': 81}}], 'EgressFilterRules': [], 'Tags': []}], 'NextToken': null}"},
    {"DescribeSecurityGroups",
	"<securityGroupInfo><item><groupId>sg-1</groupId><vpcId>vpc-1</vpcId><ipPermissions><item>"
	"<ipProtocol>udp</ipProtocol><fromPort>4789</fromPort><toPort>4789</toPort><groups><item>"
	"<groupId>sg-2</groupId></item></groups><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item>"
	"</ipRanges></item></ipPermissions></item></securityGroupInfo>",
	"{'SecurityGroups': [{'GroupId': 'sg-1', 'VpcId': 'vpc-1', 'IpPermissions': "
	"[{'IpProtocol': 'udp', 'FromPort': 4789, 'ToPort': 4789, 'UserIdGroupPairs': [{'GroupId': "
	"'sg-2'}], 'IpRanges': [{'CidrIp': '10.0.0.0/8'}], 'PrefixListIds': []}], "
	"'IpPermissionsEgress': []}], 'NextToken': null}"},
    {"DescribeVpcEndpoints",
	"<vpcEndpointSet><item><vpcEndpointId>vpce-1</vpcEndpointId><serviceName>s</serviceName>"
	"</item></vpcEndpointSet>",
	"{'VpcEndpoints': [{'VpcEndpointId': 'vpce-1', 'ServiceName': 's'}], 'NextToken': null}"},
    {"DescribeVpcEndpointServiceConfigurations",
	"<serviceConfigurationSet><item><serviceName>s</serviceName><gatewayLoadBalancerArnSet>"
	"<item>arn:1</item></gatewayLoadBalancerArnSet></item></serviceConfigurationSet>",
	"{'ServiceConfigurations': [{'ServiceName': 's', 'GatewayLoadBalancerArns': ['arn:1']}], "
	"'NextToken': null}"},
    {"CreateTrafficMirrorSession",
	"<trafficMirrorSession><trafficMirrorSessionId>tms-1</trafficMirrorSessionId>"
	"<sessionNumber>7</sessionNumber></"
	"trafficMirrorSession><clientToken>11111111-2222-4333-8444-555555555555</clientToken>",
	"{'TrafficMirrorSession': {'TrafficMirrorSessionId': 'tms-1'}, "
	"'ClientToken': '11111111-2222-4333-8444-555555555555'}"},
    {"CreateTrafficMirrorTarget",
	"<trafficMirrorTarget><trafficMirrorTargetId>tmt-1</trafficMirrorTargetId></"
	"trafficMirrorTarget>",
	"{'TrafficMirrorTarget': {'TrafficMirrorTargetId': 'tmt-1', 'Tags': []}}"},
    {"RunInstances", "<instancesSet><item><instanceId>i-1</instanceId></item></instancesSet>",
	"{'Instances': [{'InstanceId': 'i-1', 'Tags': [], 'NetworkInterfaces': []}]}"},
    {"TerminateInstances",
	"<instancesSet><item><instanceId>i-1</instanceId><currentState><name>shutting-down</name>"
	"</currentState></item></instancesSet>",
	"{'TerminatingInstances': [{'InstanceId': 'i-1', 'CurrentState': {'Name': "
	"'shutting-down'}}]}"},
    {"DeleteTrafficMirrorTarget", "<trafficMirrorTargetId>tmt-1</trafficMirrorTargetId>",
	"{'TrafficMirrorTargetId': 'tmt-1'}"},
    {"CreateTags", "<return>true</return>", "{'Return': true}"},
};

START_TEST(own_replies)
{
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		char *body =
		    mem_printf("<%sResponse "
			       "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">%s</%sResponse>",
			replies[i].operation, replies[i].members, replies[i].operation);
		const struct scripted_reply reply = {replies[i].operation, 200, body};
		json_t *params = any_params();
		json_t *wanted = relaxed_json(replies[i].wanted);
		struct aws_fixture f;

		aws_fixture_init(
		    &f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 1);
		aws_fixture_run(&f, ec2_by_name_start(f.client, replies[i].operation, params));
		ck_assert_msg(
		    f.result != NULL, "%s: %s", replies[i].operation, tmf_err_text(&f.err));
		expect_same_json(wanted, f.result, replies[i].members);
		aws_fixture_fini(&f);
		json_decref(wanted);
		json_decref(params);
		free(body);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ec2 replies");
	TCase *tests = tcase_create("ec2 replies");

	tcase_add_test(tests, own_replies);
	tcase_add_test(tests, golden_replies);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
