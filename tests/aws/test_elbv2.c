/* The typed calls of Elastic Load Balancing: what is sent, and what comes of AWS's answers. */
#include "aws/services/elbv2.h"
#include "aws_fixture.h"
#include "base/jsonx.h"

#include "run_suite.h"

#include <check.h>

#define NAMESPACE "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"

static void
elb_fixture_init(struct aws_fixture *f, const struct scripted_reply *replies)
{
	aws_fixture_init(f, &(struct scripted_opts){.replies = replies, .replies_count = 1}, 1);
	aws_fixture_service(f, "elasticloadbalancing");
}

/* The last page has no marker, and callers see null. */
START_TEST(target_groups)
{
	static const struct scripted_reply page = {"DescribeTargetGroups", 200,
	    "<DescribeTargetGroupsResponse xmlns=\"" NAMESPACE "\"><DescribeTargetGroupsResult>"
	    "<TargetGroups><member><TargetGroupArn>arn:1</TargetGroupArn><Port>4789</Port>"
	    "<VpcId>vpc-1</VpcId><TargetType>ip</TargetType></member></TargetGroups>"
	    "<NextMarker>m</NextMarker></DescribeTargetGroupsResult></"
	    "DescribeTargetGroupsResponse>"};
	static const struct scripted_reply last = {"DescribeTargetGroups", 200,
	    "<DescribeTargetGroupsResponse xmlns=\"" NAMESPACE "\"><DescribeTargetGroupsResult>"
	    "<TargetGroups/></DescribeTargetGroupsResult></DescribeTargetGroupsResponse>"};
	struct aws_fixture f;
	const json_t *group;

	elb_fixture_init(&f, &page);
	aws_fixture_run(&f, elbv2_describe_target_groups(f.client, "arn:lb/1", NULL));
	ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->body,
	    "Action=DescribeTargetGroups&Version=2015-12-01&LoadBalancerArn=arn%3Alb%2F1"
	    "&PageSize=400");
	group = json_array_get(json_object_get(f.result, "TargetGroups"), 0);
	ck_assert_str_eq(jsonx_get_string(group, "TargetGroupArn"), "arn:1");
	ck_assert_str_eq(jsonx_get_string(group, "TargetType"), "ip");
	ck_assert_str_eq(jsonx_get_string(group, "VpcId"), "vpc-1");
	ck_assert_str_eq(jsonx_get_string(f.result, "NextMarker"), "m");
	aws_fixture_fini(&f);

	elb_fixture_init(&f, &last);
	aws_fixture_run(&f, elbv2_describe_target_groups(f.client, "arn:lb/1", "m"));
	ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->body,
	    "Action=DescribeTargetGroups&Version=2015-12-01&LoadBalancerArn=arn%3Alb%2F1"
	    "&PageSize=400&Marker=m");
	ck_assert_uint_eq(json_array_size(json_object_get(f.result, "TargetGroups")), 0);
	ck_assert(json_is_null(json_object_get(f.result, "NextMarker")));
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(target_health)
{
	static const struct scripted_reply reply = {"DescribeTargetHealth", 200,
	    "<DescribeTargetHealthResponse xmlns=\"" NAMESPACE "\"><DescribeTargetHealthResult>"
	    "<TargetHealthDescriptions><member><Target><Id>10.0.0.1</Id><Port>4789</Port>"
	    "<AvailabilityZone>all</AvailabilityZone></Target><TargetHealth><State>unhealthy</"
	    "State>"
	    "</TargetHealth></member></TargetHealthDescriptions></DescribeTargetHealthResult>"
	    "</DescribeTargetHealthResponse>"};
	struct aws_fixture f;
	const json_t *target;

	elb_fixture_init(&f, &reply);
	aws_fixture_run(&f, elbv2_describe_target_health(f.client, "arn:tg"));
	ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->body,
	    "Action=DescribeTargetHealth&Version=2015-12-01&TargetGroupArn=arn%3Atg");
	target = json_object_get(
	    json_array_get(json_object_get(f.result, "TargetHealthDescriptions"), 0), "Target");
	ck_assert_str_eq(jsonx_get_string(target, "Id"), "10.0.0.1");
	ck_assert_str_eq(jsonx_get_string(target, "AvailabilityZone"), "all");
	aws_fixture_fini(&f);
}
END_TEST

START_TEST(refusal)
{
	static const struct scripted_reply reply = {"DescribeTargetGroups", 400,
	    "<ErrorResponse xmlns=\"" NAMESPACE "\"><Error><Type>Sender</Type>"
	    "<Code>LoadBalancerNotFound</Code><Message>One or more load balancers not "
	    "found</Message>"
	    "</Error><RequestId>r</RequestId></ErrorResponse>"};
	struct aws_fixture f;

	elb_fixture_init(&f, &reply);
	aws_fixture_run(&f, elbv2_describe_target_groups(f.client, "arn:lb", NULL));
	ck_assert(tmf_err_is(&f.err, "LoadBalancerNotFound"));
	aws_fixture_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("elbv2");
	TCase *tests = tcase_create("elbv2");

	tcase_add_test(tests, target_groups);
	tcase_add_test(tests, target_health);
	tcase_add_test(tests, refusal);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
