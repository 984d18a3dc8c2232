/* The typed calls: what each sends, to the last parameter. */
#include "aws/wire/query.h"
#include "aws_fixture.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "ec2_by_name.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_FILE TEST_SHARED_DIR "/aws/golden-requests.json"
#define PROTOCOL_FILE TEST_SHARED_DIR "/aws/protocol-ec2.json"

#define REQUESTS_COMPARED   24 /* of 27; three use members that we do not offer, see cannot_ask */
#define SIGNATURES_COMPARED 15 /* at least: those whose bodies are the same to the byte */

/* --- form bodies --- */

static int
hex_of(char c)
{
	return c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
}

static json_t *
decoded(const char *text, size_t len)
{
	struct buf out = {0};
	json_t *value;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '%' && i + 2 < len) {
			buf_add_char(&out, (char)(hex_of(text[i + 1]) * 16 + hex_of(text[i + 2])));
			i += 2;
		} else {
			buf_add_char(&out, text[i] == '+' ? ' ' : text[i]);
		}
	}
	value = json_stringn(out.len > 0 ? out.p : "", out.len);
	buf_fini(&out);
	return value;
}

/* New object of a body's pairs; a name that comes twice is a fault. */
static json_t *
form_of(const char *body)
{
	json_t *form = json_object();

	while (*body != '\0') {
		size_t len = strcspn(body, "&");
		size_t name_len = strcspn(body, "=");
		json_t *name = decoded(body, name_len);

		ck_assert_uint_lt(name_len, len);
		ck_assert_ptr_null(json_object_get(form, json_string_value(name)));
		json_object_set_new(form, json_string_value(name),
		    decoded(body + name_len + 1, len - name_len - 1));
		json_decref(name);
		body += len + (body[len] == '&');
	}
	return form;
}

/* Any reply that ends the call: a final error. */
static void
fixture_refusing(struct aws_fixture *f)
{
	static const struct scripted_reply refusal[] = {
	    {NULL, 400, "<Response><Errors><Error><Code>No</Code></Error></Errors></Response>"}};

	aws_fixture_init(f, &(struct scripted_opts){.replies = refusal, .replies_count = 1}, 1);
}

/* --- our own requests --- */

static const struct {
	const char *operation;
	const char *params;
	const char *body; /* behind Action and Version */
} requests[] = {
    {"DescribeInstances", "{'MaxResults': 5, 'NextToken': 'a+/= b'}",
	"&MaxResults=5&NextToken=a%2B%2F%3D%20b"},
    {"DescribeInstances", "{'InstanceIds': ['i-1', 'i-2']}", "&InstanceId.1=i-1&InstanceId.2=i-2"},
    {"DescribeInstances",
	"{'MaxResults': 1000, 'Filters': [{'Name': 'tag:a&b', 'Values': ['x', '\xc3\xa9*']},"
	" {'Name': 'vpc-id', 'Values': ['vpc-1']}]}",
	"&Filter.1.Name=tag%3Aa%26b&Filter.1.Value.1=x&Filter.1.Value.2=%C3%A9%2A"
	"&Filter.2.Name=vpc-id&Filter.2.Value.1=vpc-1&MaxResults=1000"},
    {"DescribeTrafficMirrorTargets", "{'TrafficMirrorTargetIds': ['tmt-1']}",
	"&TrafficMirrorTargetId.1=tmt-1"},
    {"DescribeTrafficMirrorSessions", "{'TrafficMirrorSessionIds': ['tms-1']}",
	"&TrafficMirrorSessionId.1=tms-1"},
    {"DescribeImages",
	"{'MaxResults': 1000, 'Filters': [{'Name': 'image-id', 'Values': ['ami-1', 'ami-2']}]}",
	"&IncludeDeprecated=true&Filter.1.Name=image-id&Filter.1.Value.1=ami-1"
	"&Filter.1.Value.2=ami-2&MaxResults=1000"},
    {"DescribeSecurityGroups", "{'GroupIds': ['sg-1']}", "&GroupId.1=sg-1"},
    {"DescribeVpcEndpointServiceConfigurations", "{'MaxResults': 5}", "&MaxResults=5"},
    {"CreateTrafficMirrorTarget",
	"{'NetworkInterfaceId': 'eni-1', 'Description': 'd', 'ClientToken': 't', "
	"'TagSpecifications':"
	" [{'Tags': [{'Key': 'k', 'Value': 'v'}, {'Key': 'e', 'Value': ''}]}]}",
	"&NetworkInterfaceId=eni-1&Description=d"
	"&TagSpecification.1.ResourceType=traffic-mirror-target&TagSpecification.1.Tag.1.Key=k"
	"&TagSpecification.1.Tag.1.Value=v&TagSpecification.1.Tag.2.Key=e"
	"&TagSpecification.1.Tag.2.Value=&ClientToken=t"},
    {"CreateTrafficMirrorSession",
	"{'NetworkInterfaceId': 'eni-1', 'TrafficMirrorTargetId': 'tmt-1', "
	"'TrafficMirrorFilterId': 'tmf-1', 'SessionNumber': 100, 'ClientToken': 'token+/=',"
	" 'TagSpecifications': [{'Tags': [{'Key': 'tmflow:tool', 'Value': 'tmflow'}]}]}",
	"&NetworkInterfaceId=eni-1&TrafficMirrorTargetId=tmt-1"
	"&TrafficMirrorFilterId=tmf-1&SessionNumber=100&TagSpecification.1.ResourceType="
	"traffic-mirror-session&TagSpecification.1.Tag.1.Key=tmflow%3Atool"
	"&TagSpecification.1.Tag.1.Value=tmflow&ClientToken=token%2B%2F%3D"},
    {"CreateTrafficMirrorSession",
	"{'NetworkInterfaceId': 'eni-1', 'TrafficMirrorTargetId': 'tmt-1', "
	"'TrafficMirrorFilterId': 'tmf-1', 'SessionNumber': 1, 'VirtualNetworkId': 0, "
	"'PacketLength': 64, 'ClientToken': 't'}",
	"&NetworkInterfaceId=eni-1&TrafficMirrorTargetId=tmt-1&TrafficMirrorFilterId=tmf-1"
	"&PacketLength=64&SessionNumber=1&VirtualNetworkId=0&ClientToken=t"},
    {"ModifyTrafficMirrorSession",
	"{'TrafficMirrorSessionId': 'tms-1', 'TrafficMirrorTargetId': 'tmt-1', "
	"'TrafficMirrorFilterId': 'tmf-1', 'SessionNumber': 2, 'RemoveUnset': true}",
	"&TrafficMirrorSessionId=tms-1&TrafficMirrorTargetId=tmt-1&TrafficMirrorFilterId=tmf-1"
	"&SessionNumber=2&RemoveField.1=packet-length&RemoveField.2=virtual-network-id"},
    {"ModifyTrafficMirrorSession",
	"{'TrafficMirrorSessionId': 'tms-1', 'TrafficMirrorTargetId': 'tmt-1', "
	"'TrafficMirrorFilterId': 'tmf-1', 'SessionNumber': 2, 'PacketLength': 64, "
	"'RemoveUnset': true}",
	"&TrafficMirrorSessionId=tms-1&TrafficMirrorTargetId=tmt-1&TrafficMirrorFilterId=tmf-1"
	"&PacketLength=64&SessionNumber=2&RemoveField.1=virtual-network-id"},
    {"ModifyTrafficMirrorSession",
	"{'TrafficMirrorSessionId': 'tms-1', 'TrafficMirrorTargetId': 'tmt-1', "
	"'TrafficMirrorFilterId': 'tmf-1', 'SessionNumber': 2}",
	"&TrafficMirrorSessionId=tms-1&TrafficMirrorTargetId=tmt-1&TrafficMirrorFilterId=tmf-1"
	"&SessionNumber=2"},
    {"DeleteTrafficMirrorSession", "{'TrafficMirrorSessionId': 'tms-1'}",
	"&TrafficMirrorSessionId=tms-1"},
    {"DeleteTrafficMirrorTarget", "{'TrafficMirrorTargetId': 'tmt-1'}",
	"&TrafficMirrorTargetId=tmt-1"},
    {"RunInstances",
	"{'ImageId': 'ami-1', 'InstanceType': 't3.micro', 'SubnetId': 'subnet-1', "
	"'SecurityGroupIds': ['sg-1', 'sg-2'], 'ClientToken': 't', 'TagSpecifications':"
	" [{'Tags': [{'Key': 'k', 'Value': 'v'}]}]}",
	"&ImageId=ami-1&InstanceType=t3.micro&MinCount=1&MaxCount=1&SubnetId=subnet-1"
	"&SecurityGroupId.1=sg-1&SecurityGroupId.2=sg-2&TagSpecification.1.ResourceType=instance"
	"&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v"
	"&TagSpecification.2.ResourceType=network-interface&TagSpecification.2.Tag.1.Key=k"
	"&TagSpecification.2.Tag.1.Value=v&ClientToken=t"},
    {"TerminateInstances", "{'InstanceIds': ['i-1']}", "&InstanceId.1=i-1"},
    {"CreateTags", "{'Resources': ['tmt-1', 'i-1'], 'Tags': [{'Key': 'a', 'Value': ''}]}",
	"&ResourceId.1=tmt-1&ResourceId.2=i-1&Tag.1.Key=a&Tag.1.Value="},
    {"DeleteTags", "{'Resources': ['tmt-1'], 'Tags': [{'Key': 'any'}, {'Key': 'a', 'Value': 'v'}]}",
	"&ResourceId.1=tmt-1&Tag.1.Key=any&Tag.2.Key=a&Tag.2.Value=v"},
};

START_TEST(own_requests)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		json_t *params = relaxed_json(requests[i].params);
		char *wanted = mem_printf(
		    "Action=%s&Version=2016-11-15%s", requests[i].operation, requests[i].body);
		struct aws_fixture f;

		fixture_refusing(&f);
		aws_fixture_run(&f, ec2_by_name_start(f.client, requests[i].operation, params));
		ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->body, wanted);
		ck_assert_str_eq(scripted_request_header(
				     scripted_transport_request(f.scripted, 0), "Content-Type"),
		    "application/x-www-form-urlencoded; charset=utf-8");
		aws_fixture_fini(&f);
		free(wanted);
		json_decref(params);
	}
}
END_TEST

/* --- derived tokens --- */

/* The token that a create without one is sent with. malloc'ed. */
static char *
token_sent(const struct ec2_session_spec *spec)
{
	struct aws_fixture f;
	json_t *form;
	char *token;

	fixture_refusing(&f);
	aws_fixture_run(&f, ec2_create_session(f.client, spec));
	form = form_of(scripted_transport_request(f.scripted, 0)->body);
	token = mem_strdup(jsonx_get_string(form, "ClientToken"));
	ck_assert_ptr_nonnull(token);
	json_decref(form);
	aws_fixture_fini(&f);
	return token;
}

static void
expect_other_token(const char *token, const struct ec2_session_spec *spec)
{
	char *other = token_sent(spec);

	ck_assert_str_ne(other, token);
	free(other);
}

/* The same request has the same token, in every client; another one has another. */
START_TEST(tokens_say_what_is_asked_for)
{
	json_t *tags = relaxed_json("[{'Key': 'k', 'Value': 'v'}]");
	const struct ec2_session_spec spec = {
	    .network_interface_id = "eni-1",
	    .target_id = "tmt-1",
	    .filter_id = "tmf-1",
	    .session_number = 100,
	    .virtual_network_id = -1,
	    .tags = tags,
	};
	struct ec2_session_spec other = spec;
	char *token = token_sent(&spec);
	char *again = token_sent(&spec);

	ck_assert_str_eq(token, again);
	ck_assert_uint_eq(strlen(token), EC2_CLIENT_TOKEN_BYTES_MAX);
	other.network_interface_id = "eni-2";
	expect_other_token(token, &other);
	other = spec;
	other.session_number = 101;
	expect_other_token(token, &other);
	other = spec;
	other.tags = NULL;
	expect_other_token(token, &other);
	other = spec;
	other.token_epoch = 1;
	expect_other_token(token, &other);
	json_decref(tags);
	free(token);
	free(again);
}
END_TEST

/* --- botocore's requests --- */

/* Members of a golden request that no typed call of ours has. */
static const char *
cannot_ask(const json_t *params)
{
	static const char *const unknown[] = {
	    "GatewayLoadBalancerEndpointId", "RemoveFields", "NetworkInterfaces"};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		if (json_object_get(params, unknown[i]) != NULL)
			return unknown[i];
	return NULL;
}

/* What we mean to send otherwise: a dry run is never asked for, an interface bears its
 * instance's tags. */
static void
allow_differences(const char *operation, json_t *wanted, json_t *got)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_del(wanted, "DryRun");
	if (strcmp(operation, "RunInstances") != 0)
		return;
	json_object_foreach_safe (got, next, name, value)
		if (strncmp(name, "TagSpecification.2.", strlen("TagSpecification.2.")) == 0)
			json_object_del(got, name);
}

static json_t *
golden_form(const json_t *golden)
{
	json_t *form = json_object();
	json_t *pair;
	size_t i;

	json_array_foreach (json_object_get(golden, "form"), i, pair)
		json_object_set(
		    form, json_string_value(json_array_get(pair, 0)), json_array_get(pair, 1));
	return form;
}

/* Returns 1 if the body was the same to the byte, and so the signature had to be too. */
static int
compare_request(struct aws_fixture *f, const json_t *golden)
{
	const struct scripted_request *sent = scripted_transport_request(f->scripted, 0);
	const char *operation = jsonx_get_string(golden, "operation");
	json_t *wanted = golden_form(golden);
	json_t *got = form_of(sent->body);
	int same_body = strcmp(sent->body, jsonx_get_string(golden, "body")) == 0;

	allow_differences(operation, wanted, got);
	expect_same_json(wanted, got, jsonx_get_string(golden, "note"));
	ck_assert_str_eq(sent->url, jsonx_get_string(golden, "url"));
	if (same_body)
		ck_assert_str_eq(scripted_request_header(sent, "Authorization"),
		    jsonx_get_string(json_object_get(golden, "headers"), "Authorization"));
	json_decref(wanted);
	json_decref(got);
	return same_body;
}

START_TEST(golden_requests)
{
	struct doc *doc;
	json_t *list = shared_list_read(REQUESTS_FILE, "requests", &doc);
	json_t *golden;
	size_t i;
	int compared = 0;
	int signatures = 0;

	if (list == NULL)
		return;
	json_array_foreach (list, i, golden) {
		const json_t *params = json_object_get(golden, "params");
		const json_t *keys = json_object_get(json_object_get(doc_root(doc), "credentials"),
		    jsonx_get_string(golden, "credentials"));
		struct aws_fixture f;
		struct tmf_call *call;

		if (strcmp(jsonx_get_string(golden, "service"), "ec2") != 0 ||
		    cannot_ask(params) != NULL)
			continue;
		fixture_refusing(&f);
		aws_fixture_set_token(&f, jsonx_get_string(keys, "sessionToken"));
		call = ec2_by_name_start(f.client, jsonx_get_string(golden, "operation"), params);
		if (call != NULL) {
			aws_fixture_run(&f, call);
			signatures += compare_request(&f, golden);
			compared++;
		}
		aws_fixture_fini(&f);
	}
	printf("%d golden requests, %d with their signatures\n", compared, signatures);
	ck_assert_int_eq(compared, REQUESTS_COMPARED);
	ck_assert_int_ge(signatures, SIGNATURES_COMPARED);
	doc_free(doc);
}
END_TEST

/* --- botocore's protocol cases: lists of the query --- */

static const struct {
	const char *id;
	const char *param;
	const char *name; /* on the wire */
} list_cases[] = {
    {"Ec2EmptyQueryLists", "ListArg", "ListArg"},
    {"Ec2ListArgWithXmlNameMember", "ListArgWithXmlNameMember", "ListArgWithXmlNameMember"},
    {"Ec2ListMemberWithXmlName", "ListArgWithXmlName", "Hi"},
};

static int
compare_list_case(const json_t *protocol_case)
{
	for (size_t i = 0; i < sizeof(list_cases) / sizeof(list_cases[0]); i++) {
		const char *wanted_body;
		struct buf body = {0};
		json_t *wanted;
		json_t *got;

		if (jsonx_get_string(protocol_case, "id") == NULL ||
		    strcmp(jsonx_get_string(protocol_case, "id"), list_cases[i].id) != 0)
			continue;
		wanted_body =
		    jsonx_get_string(json_object_get(protocol_case, "serialized"), "body");
		query_begin(&body, "QueryLists", "2020-01-08");
		query_add_list(&body, list_cases[i].name,
		    json_object_get(json_object_get(protocol_case, "params"), list_cases[i].param));
		wanted = form_of(wanted_body);
		got = form_of(buf_cstr(&body));
		expect_same_json(wanted, got, list_cases[i].id);
		json_decref(wanted);
		json_decref(got);
		buf_fini(&body);
		return 1;
	}
	return 0;
}

START_TEST(protocol_lists)
{
	struct doc *doc;
	json_t *suites = shared_list_read(PROTOCOL_FILE, "input", &doc);
	json_t *suite;
	json_t *protocol_case;
	size_t i;
	size_t k;
	int compared = 0;

	if (suites == NULL)
		return;
	json_array_foreach (suites, i, suite)
		json_array_foreach (json_object_get(suite, "cases"), k, protocol_case)
			compared += compare_list_case(protocol_case);
	ck_assert_int_eq(compared, (int)(sizeof(list_cases) / sizeof(list_cases[0])));
	doc_free(doc);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ec2 requests");
	TCase *tests = tcase_create("ec2 requests");

	tcase_add_test(tests, own_requests);
	tcase_add_test(tests, tokens_say_what_is_asked_for);
	tcase_add_test(tests, golden_requests);
	tcase_add_test(tests, protocol_lists);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
