#include "aws/services/pager.h"

#include "mirror_fixture.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* parse-event, check-account and record. */

#define ACCOUNT "123456789012"

static struct fixture fixture;
static struct process process;

static void
open_world(uint64_t instances, double empty_pages)
{
	struct sim_opts opts;

	sim_opts_default(&opts);
	opts.instances = instances;
	opts.plain = true;
	opts.vpcs = 1;
	opts.subnets_per_vpc = 1;
	opts.empty_pages = empty_pages;
	fixture_init(&fixture, &opts);
	process_init(&process, &fixture, &(struct process_opts){0});
}

static void
setup(void)
{
	open_world(10, 0);
}

static void
teardown(void)
{
	process_fini(&process);
	fixture_fini(&fixture);
}

static void
reopen(const char *config)
{
	process_fini(&process);
	process_init(&process, &fixture, &(struct process_opts){.config = config});
}

static json_t *
relaxed(const char *text)
{
	struct tmf_err err = {0};
	struct buf json = {0};
	json_t *value;

	for (; *text != '\0'; text++)
		buf_add_char(&json, *text == '\'' ? '"' : *text);
	value = jsonx_parse(buf_str(&json), &err);
	ck_assert_msg(value != NULL, "%s: %s", buf_cstr(&json), tmf_err_text(&err));
	buf_fini(&json);
	return value;
}

static void
ck_assert_json(const json_t *got, const char *wanted_text)
{
	json_t *wanted = relaxed(wanted_text);
	char *text = got != NULL ? jsonx_text(got) : strdup("nothing");

	ck_assert_msg(jsonx_same(got, wanted), "wanted %s, got %s", wanted_text, text);
	free(text);
	json_decref(wanted);
}

/* --- parse-event --- */

#define STATE_CHANGE(detail)                                                                       \
	"{'source': 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification', "          \
	"'account': '" ACCOUNT "', 'region': 'us-east-1', 'detail': " detail "}"
#define FINDING(rest)                                                                              \
	"{'source': 'aws.guardduty', 'detail-type': 'GuardDuty Finding', 'account': '" ACCOUNT     \
	"', 'region': 'us-east-1', 'detail': {'type': 'Recon:EC2/Portscan', 'severity': 5, " rest  \
	"}}"
#define ON_INSTANCE(details)                                                                       \
	"'resource': {'resourceType': 'Instance', 'instanceDetails': {'instanceId': 'i-1'" details \
	"}}"

static const struct {
	const char *event;
	const char *kind;
	const char *reason; /* a part of it */
	const char *instances;
} events[] = {
    {STATE_CHANGE("{'instance-id': 'i-1', 'state': 'running'}"), "launch", "i-1 is running",
	"[{'InstanceId': 'i-1', 'State': 'running', 'Tags': [], 'NetworkInterfaces': []}]"},
    {STATE_CHANGE("{'instance-id': 'i-1', 'state': 'pending'}"), "ignored", "i-1 is pending",
	"[{'InstanceId': 'i-1', 'State': 'pending', 'Tags': [], 'NetworkInterfaces': []}]"},
    {"{'detail-type': 'EC2 Instance State-change Notification', 'source': 'com.example', "
     "'detail': {'instance-id': 'i-1', 'state': 'running'}}",
	"ignored", "State-change", "[]"},
    {"{'detail-type': 'Scheduled Event', 'source': 'aws.events', 'detail': {}}", "ignored",
	"Scheduled Event", "[]"},
    {"{}", "ignored", "no detail-type", "[]"},
    {FINDING(ON_INSTANCE("")), "guardduty", "Recon:EC2/Portscan on instance i-1",
	"[{'InstanceId': 'i-1', 'Tags': [], 'NetworkInterfaces': []}]"},
    {FINDING(ON_INSTANCE(
	 ", 'instanceType': 't3.large', 'instanceState': 'running', 'tags': [{'key': 'a', "
	 "'value': 'b'}, {'key': 'c', 'value': null}], 'networkInterfaces': "
	 "[{'networkInterfaceId': 'eni-1', 'subnetId': 'subnet-1', 'vpcId': 'vpc-1'}, "
	 "{'networkInterfaceId': 'eni-2', 'subnetId': 'subnet-2', 'vpcId': 'vpc-1'}]")),
	"guardduty", "i-1",
	"[{'InstanceId': 'i-1', 'InstanceType': 't3.large', 'State': 'running', 'Tags': [{'Key': "
	"'a', 'Value': 'b'}, {'Key': 'c', 'Value': ''}], 'VpcId': 'vpc-1', 'NetworkInterfaces': "
	"[{'NetworkInterfaceId': 'eni-1', 'SubnetId': 'subnet-1', 'VpcId': 'vpc-1'}, "
	"{'NetworkInterfaceId': 'eni-2', 'SubnetId': 'subnet-2', 'VpcId': 'vpc-1'}]}]"},
    {FINDING(ON_INSTANCE(", 'tags': null, 'networkInterfaces': [{'networkInterfaceId': 'eni-1', "
			 "'subnetId': 'subnet-1', 'vpcId': 'vpc-1'}]")),
	"guardduty", "i-1",
	"[{'InstanceId': 'i-1', 'Tags': [], 'VpcId': 'vpc-1', 'SubnetId': 'subnet-1', "
	"'NetworkInterfaces': [{'NetworkInterfaceId': 'eni-1', 'SubnetId': 'subnet-1', 'VpcId': "
	"'vpc-1'}]}]"},
    {FINDING("'resource': {'resourceType': 'AccessKey', 'instanceDetails': {'instanceId': "
	     "'i-1'}}"),
	"ignored", "AccessKey", "[]"},
    {FINDING(
	 "'resource': {'resourceType': 'EKSCluster', 'instanceDetails': {'instanceId': 'i-1'}}"),
	"guardduty", "on instance i-1",
	"[{'InstanceId': 'i-1', 'Tags': [], 'NetworkInterfaces': []}]"},
    {FINDING("'resource': {'resourceType': 'Container', 'instanceDetails': {'instanceId': 'i-1'}}"),
	"guardduty", "on instance i-1",
	"[{'InstanceId': 'i-1', 'Tags': [], 'NetworkInterfaces': []}]"},
    {FINDING("'resource': {'resourceType': 'ECSCluster', 'instanceDetails': null}"), "ignored",
	"no instance: its resource is of type ECSCluster", "[]"},
    {FINDING("'resource': {'resourceType': 'S3Bucket', 'instanceDetails': {'instanceId': 'i-1'}}"),
	"ignored", "S3Bucket, not on an instance", "[]"},
    {FINDING("'resource': {'resourceType': 'Instance'}"), "ignored", "no instance", "[]"},
    {FINDING("'resource': null"), "ignored", "unknown", "[]"},
    {FINDING(ON_INSTANCE("") ", 'service': {'additionalInfo': {'sample': true}}"), "ignored",
	"sample", "[{'InstanceId': 'i-1', 'Tags': [], 'NetworkInterfaces': []}]"},
    {FINDING(ON_INSTANCE("") ", 'service': {'additionalInfo': {'value': 'no JSON'}}"), "guardduty",
	"i-1", "[{'InstanceId': 'i-1', 'Tags': [], 'NetworkInterfaces': []}]"},
};

START_TEST(test_events)
{
	const json_t *result = process_run(&process, "parse-event", relaxed(events[_i].event));

	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	ck_assert_str_eq(jsonx_get_string(result, "Kind"), events[_i].kind);
	ck_assert_msg(strstr(jsonx_get_string(result, "Reason"), events[_i].reason) != NULL, "%s",
	    jsonx_get_string(result, "Reason"));
	ck_assert_json(json_object_get(result, "Instances"), events[_i].instances);
	ck_assert_uint_eq(json_array_size(json_object_get(result, "InstanceIds")),
	    json_array_size(json_object_get(result, "Instances")));
	ck_assert_uint_eq(process_calls(&process, ""), 0);
}
END_TEST

static const struct {
	const char *event;
	const char *named;
} bad_events[] = {
    {"[]", "must be an event"},
    {"'text'", "must be an event"},
    {STATE_CHANGE("7"), "detail"},
    {STATE_CHANGE("{'state': 'running'}"), "detail.instance-id"},
    {STATE_CHANGE("{'instance-id': 'eni-1', 'state': 'running'}"), "detail.instance-id"},
    {STATE_CHANGE("{'instance-id': 'i-1 or 1', 'state': 'running'}"), "detail.instance-id"},
    {STATE_CHANGE("{'instance-id': 'i-', 'state': 'running'}"), "detail.instance-id"},
    {STATE_CHANGE("{'instance-id': 'i-1', 'state': 16}"), "detail.state"},
    {"{'source': 'aws.guardduty', 'detail-type': 'GuardDuty Finding', 'detail': {}}",
	"detail.type"},
};

START_TEST(test_bad_events)
{
	ck_assert_ptr_null(process_run(&process, "parse-event", relaxed(bad_events[_i].event)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	ck_assert_msg(strstr(tmf_err_text(process_error(&process)), bad_events[_i].named) != NULL,
	    "%s", tmf_err_text(process_error(&process)));
}
END_TEST

/* --- attack sequences --- */

#define SEQUENCE(type, resources)                                                                  \
	"{'source': 'aws.guardduty', 'detail-type': 'GuardDuty Finding', 'account': '" ACCOUNT     \
	"', 'region': 'us-east-1', 'detail': {'type': 'AttackSequence:" type "', 'severity': 9, "  \
	"'resource': {'resourceType': 'AttackSequence'}, 'service': {'detection': {'sequence': "   \
	"{'resources': [" resources "]}}}}}"
#define UID(id) "'arn:aws:ec2:us-east-1:" ACCOUNT ":instance/" id "'"
#define HOST(id)                                                                                   \
	"{'uid': " UID(id) ", 'resourceType': 'EC2_INSTANCE', 'data': {'ec2Instance': "            \
			   "{'instanceType': 't3.large', 'instanceState': 'running'}}}"
#define GROUP(kind, uids) "{'uid': 'x', 'data': {'" kind "': {'ec2InstanceUids': [" uids "]}}}"

static const struct {
	const char *event;
	const char *ids; /* NULL: ignored */
} sequences[] = {
    {SEQUENCE("EC2/CompromisedInstanceGroup", HOST("i-1") ", " HOST("i-2") ", " HOST("i-1")),
	"['i-1', 'i-2']"},
    {SEQUENCE("EC2/CompromisedInstanceGroup",
	 GROUP("autoscalingAutoScalingGroup", UID("i-2") ", " UID("i-1")) ", " HOST("i-1")),
	"['i-2', 'i-1']"},
    {SEQUENCE("ECS/CompromisedCluster", GROUP("ecsCluster", UID("i-3"))), "['i-3']"},
    {SEQUENCE("EKS/CompromisedCluster", "{'uid': 'arn:aws:eks:us-east-1:" ACCOUNT
					":cluster/c', 'data': {'eksCluster': {}}}, " HOST("i-4")),
	"['i-4']"},
    /* Not in this account, not in this region, and not an instance. */
    {SEQUENCE("EC2/CompromisedInstanceGroup",
	 GROUP("ec2LaunchTemplate",
	     "'arn:aws:ec2:us-east-1:210987654321:instance/i-1', "
	     "'arn:aws:ec2:eu-west-1:" ACCOUNT ":instance/i-1', "
	     "'arn:aws:ec2:us-east-1:" ACCOUNT ":volume/vol-1', 'i-1', 7, " UID("i-"))),
	NULL},
    {SEQUENCE("EC2/CompromisedInstanceGroup", "null, 7, {'uid': null, 'data': []}"), NULL},
    {SEQUENCE("IAM/CompromisedCredentials", HOST("i-1")), NULL},
    {SEQUENCE("S3/CompromisedData", HOST("i-1")), NULL},
};

START_TEST(test_sequences)
{
	const json_t *result = process_run(&process, "parse-event", relaxed(sequences[_i].event));

	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	ck_assert_str_eq(
	    jsonx_get_string(result, "Kind"), sequences[_i].ids != NULL ? "guardduty" : "ignored");
	ck_assert_json(json_object_get(result, "InstanceIds"),
	    sequences[_i].ids != NULL ? sequences[_i].ids : "[]");
	if (sequences[_i].ids == NULL)
		ck_assert_ptr_nonnull(strstr(jsonx_get_string(result, "Reason"), "no instance"));
}
END_TEST

/* More than a describe takes: refused rather than cut off. */
START_TEST(test_sequence_of_too_many)
{
	json_t *event = relaxed(SEQUENCE("EC2/X", GROUP("ecsCluster", "")));
	json_t *uids = json_array();

	for (int i = 0; i < 1001; i++)
		json_array_append_new(
		    uids, json_sprintf("arn:aws:ec2:us-east-1:" ACCOUNT ":instance/i-%d", i));
	json_object_set_new(
	    json_array_get(
		jsonx_get_array(
		    jsonx_get_object(
			jsonx_get_object(
			    jsonx_get_object(jsonx_get_object(event, "detail"), "service"),
			    "detection"),
			"sequence"),
		    "resources"),
		0),
	    "data", jpack("{s:{s:o}}", "ecsCluster", "ec2InstanceUids", uids));
	ck_assert_ptr_null(process_run(&process, "parse-event", event));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	ck_assert_ptr_nonnull(strstr(tmf_err_text(process_error(&process)), "more than 1000"));
}
END_TEST

/* The configuration is that of one region. */
START_TEST(test_another_region)
{
	const json_t *result = process_run(
	    &process, "parse-event", relaxed(FINDING("'region': 'eu-west-1', " ON_INSTANCE(""))));

	ck_assert_str_eq(jsonx_get_string(result, "Kind"), "ignored");
	ck_assert_str_eq(jsonx_get_string(result, "Region"), "eu-west-1");
	ck_assert_str_eq(jsonx_get_string(result, "Reason"),
	    "the event is of another region: eu-west-1, not us-east-1");
}
END_TEST

/* The instance's account is in the finding; the envelope is that of the administrator who was
 * told. */
START_TEST(test_whose_finding)
{
	const json_t *result = process_run(&process, "parse-event",
	    relaxed(FINDING("'accountId': '210987654321', " ON_INSTANCE(""))));

	ck_assert_str_eq(jsonx_get_string(result, "AccountId"), "210987654321");
	result = process_run(&process, "parse-event",
	    relaxed(FINDING("'accountId': 12345678901, " ON_INSTANCE(""))));
	ck_assert_str_eq(jsonx_get_string(result, "AccountId"), "012345678901");
	result = process_run(&process, "parse-event", relaxed(FINDING(ON_INSTANCE(""))));
	ck_assert_str_eq(jsonx_get_string(result, "AccountId"), ACCOUNT);
	ck_assert_str_eq(jsonx_get_string(result, "Region"), "us-east-1");
	result = process_run(&process, "parse-event", relaxed("{}"));
	ck_assert(json_is_null(json_object_get(result, "AccountId")));
	ck_assert(json_is_null(json_object_get(result, "Region")));
}
END_TEST

static const struct {
	const char *guardduty;
	const char *reason; /* NULL: it counts */
} wishes[] = {
    {"{minSeverity: 5}", NULL},
    {"{minSeverity: 5.1}", "severity 5 is below guardduty.minSeverity, 5.1"},
    {"{types: ['Recon:EC2/Portscan']}", NULL},
    {"{types: ['Recon:EC2/Port']}", "Recon:EC2/Portscan"},
    {"{types: ['recon:ec2/portscan']}", "Recon:EC2/Portscan"},
    {"{types: ['Other:*', '*:EC2/*']}", NULL},
    {"{types: ['Recon:EC?/Port*']}", NULL},
    {"{types: ['<INSERT_VALUE>']}", NULL},
    {"{types: ['<INSERT_VALUE>', 'Other:*']}", "Recon:EC2/Portscan"},
    {"{types: []}", NULL},
};

START_TEST(test_findings_that_count)
{
	char config[512];
	const json_t *result;

	snprintf(config, sizeof(config),
	    "vpcs: [{vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}]\nguardduty: %s\n",
	    wishes[_i].guardduty);
	reopen(config);
	result = process_run(&process, "parse-event", relaxed(FINDING(ON_INSTANCE(""))));
	ck_assert_str_eq(
	    jsonx_get_string(result, "Kind"), wishes[_i].reason == NULL ? "guardduty" : "ignored");
	if (wishes[_i].reason != NULL)
		ck_assert_msg(strstr(jsonx_get_string(result, "Reason"), wishes[_i].reason) != NULL,
		    "%s", jsonx_get_string(result, "Reason"));
}
END_TEST

/* --- check-account --- */

static const json_t *
check(const char *account_id, const char *region)
{
	const json_t *result = process_run(&process, "check-account",
	    jpack("{s:s?, s:s?, s:[s]}", "AccountId", account_id, "Region", region, "InstanceIds",
		"i-1"));

	ck_assert_msg(result != NULL, "%s", tmf_err_text(process_error(&process)));
	return result;
}

static bool
is_foreign(const char *account_id, const char *region)
{
	const json_t *foreign = json_object_get(check(account_id, region), "Foreign");

	ck_assert(json_is_boolean(foreign));
	return json_is_true(foreign);
}

/* Any page of instances has told it. */
START_TEST(test_account_is_known_from_a_page)
{
	process_run(&process, "describe-page", jpack("{s:i}", "MaxResults", 5));
	process_forget_calls(&process);
	ck_assert_json(check(ACCOUNT, "us-east-1"),
	    "{'Foreign': false, 'Reason': null, 'AccountId': '" ACCOUNT
	    "', 'MemberAccountId': null, 'Region': 'us-east-1'}");
	ck_assert_str_eq(process_outcome(&process, "i-1"), "");
	ck_assert_json(check("210987654321", "us-east-1"),
	    "{'Foreign': true, 'Reason': 'account', 'AccountId': '" ACCOUNT
	    "', 'MemberAccountId': null, 'Region': 'us-east-1'}");
	ck_assert_str_eq(process_outcome(&process, "i-1"), "foreign-account: account");
	ck_assert_uint_eq(process_calls(&process, ""), 0);
}
END_TEST

START_TEST(test_account_is_asked_for_once)
{
	ck_assert(is_foreign("210987654321", NULL));
	ck_assert(!is_foreign(ACCOUNT, NULL));
	ck_assert_uint_eq(process_calls(&process, ""), 1);
	ck_assert(process_asked_with(&process, "DescribeInstances", "MaxResults=5"));
}
END_TEST

START_TEST(test_region_needs_no_call)
{
	ck_assert(is_foreign(ACCOUNT, "eu-west-1"));
	ck_assert_str_eq(process_outcome(&process, "i-1"), "foreign-account: region");
	ck_assert(!is_foreign(NULL, "us-east-1"));
	ck_assert(!is_foreign(NULL, NULL));
	ck_assert_uint_eq(process_calls(&process, ""), 0);
}
END_TEST

/* Pages may be empty although more follow. The account shows on a later one, and the event is
 * another's. */
START_TEST(test_account_behind_empty_pages)
{
	teardown();
	open_world(10, 0.9);
	ck_assert(is_foreign("210987654321", NULL));
	ck_assert_uint_gt(process_calls(&process, "DescribeInstances"), 3);
}
END_TEST

/* A list that does not end is an error, and no reason to take another account's instance for
 * ours. */
START_TEST(test_account_that_does_not_show)
{
	teardown();
	open_world(10, 0.999999);
	ck_assert_ptr_null(process_run(&process, "check-account",
	    jpack("{s:s, s:[s]}", "AccountId", "210987654321", "InstanceIds", "i-1")));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.Limit");
	ck_assert_uint_eq(process_calls(&process, "DescribeInstances"), EC2_PAGES_MAX);
}
END_TEST

/* --- member accounts --- */

#define MEMBER "210987654321"
#define ROLE   "arn:aws:iam::{account}:role/tmflow"

static json_t *
check_member(const char *region)
{
	return process_run(&process, "check-account",
	    jpack("{s:s, s:s?, s:[s], s:b}", "AccountId", MEMBER, "Region", region, "InstanceIds",
		"i-1", "Member", 1));
}

/* What guardduty says: a role of every account, of another one, none at all. */
static const struct {
	const char *guardduty;
	bool serves;
} roles[] = {
    {"{roleArn: '" ROLE "'}", true},
    {"{roleArn: 'arn:aws:iam::" MEMBER ":role/tmflow'}", true},
    {"{roleArn: 'arn:aws:iam::210987654322:role/tmflow'}", false},
    {"{roleArn: 'arn:aws:iam'}", false},
    {"{roleArn: '" ROLE "', accounts: ['" MEMBER "', '210987654322']}", true},
    {"{roleArn: '" ROLE "', accounts: ['210987654322']}", false},
    {"{roleArn: '" ROLE "', accounts: []}", false},
    {"{minSeverity: 1}", false},
};

static void
reopen_with(const char *guardduty)
{
	char config[512];

	snprintf(config, sizeof(config),
	    "vpcs: [{vpcId: vpc-1, filterId: tmf-1, targetId: tmt-1}]\nguardduty: %s\n", guardduty);
	reopen(config);
}

START_TEST(test_member_account_with_a_role)
{
	const json_t *result;

	reopen_with(roles[_i].guardduty);
	result = check_member("us-east-1");
	ck_assert_int_eq(json_is_true(json_object_get(result, "Foreign")), !roles[_i].serves);
	ck_assert_str_eq(
	    process_outcome(&process, "i-1"), roles[_i].serves ? "" : "foreign-account: account");
	if (roles[_i].serves)
		ck_assert_str_eq(jsonx_get_string(result, "MemberAccountId"), MEMBER);
	else
		ck_assert(json_is_null(json_object_get(result, "MemberAccountId")));
	ck_assert(is_foreign(MEMBER, "us-east-1")); /* Member is not said: a launch */
	ck_assert_uint_eq(json_array_size(process.roles), 0);
}
END_TEST

/* The configuration names filters, targets and subnets of its own region. */
START_TEST(test_member_account_in_another_region)
{
	reopen_with("{roleArn: '" ROLE "'}");
	ck_assert(json_is_true(json_object_get(check_member("eu-west-1"), "Foreign")));
	ck_assert_str_eq(process_outcome(&process, "i-1"), "foreign-account: region");
}
END_TEST

/* One client an account, with the role of that account; and what one knows of itself is not
 * taken for the other's. */
START_TEST(test_actions_in_a_member_account)
{
	reopen_with("{roleArn: '" ROLE "'}");
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_nonnull(process_run(&process, "describe-page",
		    jpack("{s:i, s:s}", "MaxResults", 5, "MemberAccountId", MEMBER)));
	ck_assert_ptr_nonnull(process_run(&process, "exclude-target-instances",
	    jpack("{s:[], s:s}", "Matched", "MemberAccountId", MEMBER)));
	ck_assert_uint_eq(json_array_size(process.roles), 1);
	ck_assert_str_eq(json_string_value(json_array_get(process.roles, 0)),
	    "arn:aws:iam::" MEMBER ":role/tmflow");
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 1);
	ck_assert_ptr_nonnull(process_run(&process, "exclude-target-instances",
	    jpack("{s:[], s:n}", "Matched", "MemberAccountId")));
	ck_assert_uint_eq(process_calls(&process, "DescribeTrafficMirrorTargets"), 2);
	ck_assert_uint_eq(json_array_size(process.roles), 1);
}
END_TEST

START_TEST(test_member_account_without_a_role)
{
	reopen_with("{minSeverity: 1}");
	ck_assert_ptr_null(process_run(&process, "describe-page",
	    jpack("{s:i, s:s}", "MaxResults", 5, "MemberAccountId", MEMBER)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.Config");
	reopen_with("{roleArn: '" ROLE "', accounts: ['210987654322']}");
	ck_assert_ptr_null(process_run(&process, "describe-page",
	    jpack("{s:i, s:s}", "MaxResults", 5, "MemberAccountId", MEMBER)));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.Config");
	reopen_with("{roleArn: '" ROLE "'}");
	ck_assert_ptr_null(process_run(&process, "describe-page",
	    jpack("{s:i, s:s}", "MaxResults", 5, "MemberAccountId", "1:role/other")));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.Config");
	ck_assert_uint_eq(process_calls(&process, ""), 0);
}
END_TEST

/* --- record --- */

START_TEST(test_record)
{
	static const char *const kinds[] = {"gone", "excluded", "ineligible", "foreign-account"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char wanted[64];

		ck_assert_ptr_nonnull(process_run(&process, "record",
		    jpack("{s:[s, s], s:s, s:s}", "InstanceIds", "i-1", "i-2", "Outcome", kinds[i],
			"Reason", "because")));
		snprintf(wanted, sizeof(wanted), "%s: because", kinds[i]);
		ck_assert_str_eq(process_outcome(&process, "i-1"), wanted);
		ck_assert_str_eq(process_outcome(&process, "i-2"), wanted);
	}
	ck_assert_ptr_null(process_run(
	    &process, "record", jpack("{s:[s], s:s}", "InstanceIds", "i-1", "Outcome", "created")));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
	ck_assert_ptr_null(process_run(
	    &process, "record", jpack("{s:[i], s:s}", "InstanceIds", 7, "Outcome", "gone")));
	ck_assert_str_eq(process_error(&process)->name, "TMFlow.InvalidInput");
}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *suite = suite_create("events");
	TCase *tcase;
	const TTest *const tests[] = {test_whose_finding, test_another_region,
	    test_sequence_of_too_many, test_account_is_known_from_a_page,
	    test_account_is_asked_for_once, test_region_needs_no_call,
	    test_account_behind_empty_pages, test_account_that_does_not_show, test_record,
	    test_member_account_in_another_region, test_actions_in_a_member_account,
	    test_member_account_without_a_role};

	tcase = suite_add_tests(
	    suite, "events", setup, teardown, tests, sizeof(tests) / sizeof(tests[0]));
	tcase_add_loop_test(tcase, test_events, 0, ROWS(events));
	tcase_add_loop_test(tcase, test_bad_events, 0, ROWS(bad_events));
	tcase_add_loop_test(tcase, test_sequences, 0, ROWS(sequences));
	tcase_add_loop_test(tcase, test_findings_that_count, 0, ROWS(wishes));
	tcase_add_loop_test(tcase, test_member_account_with_a_role, 0, ROWS(roles));
	return run_suite(suite);
}
