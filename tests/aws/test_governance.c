/* The typed calls of CloudTrail, Organizations and the Resource Access Manager, and EC2's dry runs:
 * what is sent, and where to. */
#include "aws/services/cloudtrail.h"
#include "aws/services/ec2.h"
#include "aws/services/operation.h"
#include "aws/services/organizations.h"
#include "aws/services/ram.h"
#include "aws_fixture.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>
#include <string.h>

static const struct scripted_reply any_reply = {NULL, 200, "{\"Some\":[1],\"NextToken\":\"t\"}"};

/* path: below the endpoint. */
static const struct {
	const char *service;
	const struct token_list *list;
	const char *of;
	const char *next_token;
	const char *target;
	const char *content_type;
	const char *path;
	const char *body;
} calls[] = {
    {"cloudtrail", &cloudtrail_events, "CreateTrafficMirrorSession", "n",
	"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
	"application/x-amz-json-1.1", "",
	"{\"LookupAttributes\":[{\"AttributeKey\":\"EventName\",\"AttributeValue\":"
	"\"CreateTrafficMirrorSession\"}],\"MaxResults\":50,"
	"\"NextToken\":\"n\"}"},
    {"cloudtrail", &cloudtrail_events, "X", NULL,
	"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
	"application/x-amz-json-1.1", "",
	"{\"LookupAttributes\":[{\"AttributeKey\":\"EventName\",\"AttributeValue\":\"X\"}],"
	"\"MaxResults\":50}"},
    {"organizations", &organizations_list_accounts, NULL, NULL,
	"AWSOrganizationsV20161128.ListAccounts", "application/x-amz-json-1.1", "", "{}"},
    {"organizations", &organizations_list_accounts_of, "ou-1", "n",
	"AWSOrganizationsV20161128.ListAccountsForParent", "application/x-amz-json-1.1", "",
	"{\"ParentId\":\"ou-1\",\"NextToken\":\"n\"}"},
    {"organizations", &organizations_list_units_of, "r-1", NULL,
	"AWSOrganizationsV20161128.ListOrganizationalUnitsForParent", "application/x-amz-json-1.1",
	"", "{\"ParentId\":\"r-1\"}"},
    {"ram", &ram_list_shared_targets, NULL, NULL, NULL, "application/json", "/listresources",
	"{\"resourceOwner\":\"SELF\",\"resourceType\":\"ec2:TrafficMirrorTarget\","
	"\"maxResults\":100}"},
    {"ram", &ram_list_target_principals, NULL, "n", NULL, "application/json", "/listprincipals",
	"{\"resourceOwner\":\"SELF\",\"resourceType\":\"ec2:TrafficMirrorTarget\","
	"\"maxResults\":100,\"nextToken\":\"n\"}"},
};

START_TEST(requests)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const struct scripted_request *request;
		const char *target;
		struct aws_fixture f;

		aws_fixture_init(
		    &f, &(struct scripted_opts){.replies = &any_reply, .replies_count = 1}, 1);
		aws_fixture_service(&f, calls[i].service);
		aws_fixture_run(&f, calls[i].list->ask(f.client, calls[i].of, calls[i].next_token));
		request = scripted_transport_request(f.scripted, 0);
		target = scripted_request_header(request, "X-Amz-Target");
		ck_assert_str_eq(request->body, calls[i].body);
		ck_assert_str_eq(
		    scripted_request_header(request, "Content-Type"), calls[i].content_type);
		ck_assert_str_eq(
		    target != NULL ? target : "-", calls[i].target != NULL ? calls[i].target : "-");
		ck_assert_str_eq(
		    request->url + strlen(request->url) - strlen(calls[i].path), calls[i].path);
		ck_assert_ptr_null(strstr(strstr(request->url, "://") + 3, "//"));
		ck_assert_str_eq(jsonx_get_string(f.result, "NextToken"), "t");
		aws_fixture_fini(&f);
	}
}
END_TEST

START_TEST(regions_of_organizations)
{
	ck_assert_str_eq(organizations_region("eu-west-1"), "us-east-1");
	ck_assert_str_eq(organizations_region("us-gov-east-1"), "us-gov-west-1");
	ck_assert_str_eq(organizations_region("cn-north-1"), "cn-northwest-1");
}
END_TEST

START_TEST(dry_run)
{
	static const struct scripted_reply reply = {"CreateTags", 412,
	    "<Response><Errors><Error><Code>DryRunOperation</Code><Message>m</Message></Error>"
	    "</Errors><RequestID>r</RequestID></Response>"};
	json_t *parameters = json_pack("{s:s}", "ResourceId.1", "tmt-1");
	struct aws_fixture f;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 1);
	aws_fixture_run(&f, ec2_dry_run(f.client, "CreateTags", parameters));
	ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->body,
	    "Action=CreateTags&Version=2016-11-15&ResourceId.1=tmt-1&DryRun=true");
	ck_assert(tmf_err_is(&f.err, "DryRunOperation"));
	ck_assert_int_eq((int)scripted_transport_sent(f.scripted), 1);
	aws_fixture_fini(&f);
	json_decref(parameters);
}
END_TEST

START_TEST(regions)
{
	static const struct scripted_reply reply = {"DescribeRegions", 200,
	    "<DescribeRegionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
	    "<regionInfo><item><regionName>eu-west-1</regionName><optInStatus>opted-in</"
	    "optInStatus>"
	    "</item></regionInfo></DescribeRegionsResponse>"};
	const json_t *region;
	struct aws_fixture f;

	aws_fixture_init(&f, &(struct scripted_opts){.replies = &reply, .replies_count = 1}, 1);
	aws_fixture_run(&f, ec2_describe_regions(f.client));
	region = json_array_get(jsonx_get_array(f.result, "Regions"), 0);
	ck_assert_str_eq(jsonx_get_string(region, "RegionName"), "eu-west-1");
	ck_assert_str_eq(jsonx_get_string(region, "OptInStatus"), "opted-in");
	aws_fixture_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("governance");
	TCase *tests = tcase_create("governance");

	tcase_add_test(tests, requests);
	tcase_add_test(tests, regions_of_organizations);
	tcase_add_test(tests, dry_run);
	tcase_add_test(tests, regions);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
