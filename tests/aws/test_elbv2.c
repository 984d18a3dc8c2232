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
	ck_assert_str_eq(
	    jsonx_get_string(
		json_object_get(
		    json_array_get(json_object_get(f.result, "TargetHealthDescriptions"), 0),
		    "TargetHealth"),
		"State"),
	    "unhealthy");
	aws_fixture_fini(&f);
}
END_TEST

/* The load balancer, its listeners and attributes: one request each, and what is used of it. */
START_TEST(load_balancer)
{
	static const struct scripted_reply replies[] = {
	    {"DescribeLoadBalancers", 200,
		"<DescribeLoadBalancersResponse xmlns=\"" NAMESPACE "\">"
		"<DescribeLoadBalancersResult><LoadBalancers><member><VpcId>vpc-1</VpcId>"
		"<State><Code>active</Code></State><AvailabilityZones><member><ZoneName>z</"
		"ZoneName>"
		"</member></AvailabilityZones><SecurityGroups><member>sg-1</member></"
		"SecurityGroups>"
		"</member></LoadBalancers></DescribeLoadBalancersResult>"
		"</DescribeLoadBalancersResponse>"},
	    {"DescribeListeners", 200,
		"<DescribeListenersResponse xmlns=\"" NAMESPACE "\"><DescribeListenersResult>"
		"<Listeners><member><Port>4789</Port><Protocol>UDP</Protocol></member></Listeners>"
		"</DescribeListenersResult></DescribeListenersResponse>"},
	    {"DescribeLoadBalancerAttributes", 200,
		"<DescribeLoadBalancerAttributesResponse xmlns=\"" NAMESPACE "\">"
		"<DescribeLoadBalancerAttributesResult><Attributes><member><Key>k</Key><Value>v"
		"</Value></member></Attributes></DescribeLoadBalancerAttributesResult>"
		"</DescribeLoadBalancerAttributesResponse>"},
	};
	static const char *const wanted[] = {
	    ("{\"LoadBalancers\":[{\"VpcId\":\"vpc-1\",\"State\":{\"Code\":\"active\"},"
	     "\"AvailabilityZones\":[{\"ZoneName\":\"z\"}],\"SecurityGroups\":[\"sg-1\"]}]}"),
	    "{\"Listeners\":[{\"Port\":4789,\"Protocol\":\"UDP\",\"DefaultActions\":[]}]}",
	    "{\"Attributes\":[{\"Key\":\"k\",\"Value\":\"v\"}]}",
	};
	static const char *const bodies[] = {
	    "Action=DescribeLoadBalancers&Version=2015-12-01&LoadBalancerArns.member.1=arn%3Alb",
	    "Action=DescribeListeners&Version=2015-12-01&LoadBalancerArn=arn%3Alb&PageSize=400",
	    "Action=DescribeLoadBalancerAttributes&Version=2015-12-01&LoadBalancerArn=arn%3Alb",
	};

	for (size_t i = 0; i < 3; i++) {
		struct aws_fixture f;
		json_t *value = jsonx_parse(str_of(wanted[i]), NULL);

		elb_fixture_init(&f, &replies[i]);
		aws_fixture_run(&f, i == 0   ? elbv2_describe_load_balancer(f.client, "arn:lb")
				    : i == 1 ? elbv2_describe_listeners(f.client, "arn:lb")
					     : elbv2_describe_attributes(f.client, "arn:lb"));
		ck_assert_str_eq(scripted_transport_request(f.scripted, 0)->body, bodies[i]);
		ck_assert_msg(jsonx_same(value, f.result), "%s", replies[i].operation);
		json_decref(value);
		aws_fixture_fini(&f);
	}
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
	tcase_add_test(tests, load_balancer);
	tcase_add_test(tests, refusal);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
