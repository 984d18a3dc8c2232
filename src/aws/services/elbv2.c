#include "aws/services/elbv2.h"

#include "aws/services/operation.h"
#include "aws/wire/query.h"
#include "base/jsonx.h"

#define ELBV2_VERSION  "2015-12-01"
#define ELBV2_PAGE_MAX 400 /* AWS: target groups on a page */

static const struct xml_shape target_group_shape[] = {
    {"TargetGroupArn", "TargetGroupArn", XML_STRING, NULL, NULL},
    {"TargetType", "TargetType", XML_STRING, NULL, NULL},
    {"Protocol", "Protocol", XML_STRING, NULL, NULL},
    {"Port", "Port", XML_INTEGER, NULL, NULL},
    {"VpcId", "VpcId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape target_groups_shape[] = {
    {"TargetGroups", "TargetGroups", XML_LIST, target_group_shape, NULL},
    {"NextMarker", "NextMarker", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape target_groups_reply[] = {
    {"DescribeTargetGroupsResult", "Result", XML_STRUCT, target_groups_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape member_shape[] = {
    {"Id", "Id", XML_STRING, NULL, NULL},
    {"AvailabilityZone", "AvailabilityZone", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape state_shape[] = {
    {"State", "State", XML_STRING, NULL, NULL},
    {"Reason", "Reason", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape health_shape[] = {
    {"Target", "Target", XML_STRUCT, member_shape, NULL},
    {"TargetHealth", "TargetHealth", XML_STRUCT, state_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape target_health_shape[] = {
    {"TargetHealthDescriptions", "TargetHealthDescriptions", XML_LIST, health_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape target_health_reply[] = {
    {"DescribeTargetHealthResult", "Result", XML_STRUCT, target_health_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape zone_shape[] = {
    {"ZoneName", "ZoneName", XML_STRING, NULL, NULL},
    {"SubnetId", "SubnetId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape balancer_state_shape[] = {
    {"Code", "Code", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape balancer_shape[] = {
    {"LoadBalancerArn", "LoadBalancerArn", XML_STRING, NULL, NULL},
    {"VpcId", "VpcId", XML_STRING, NULL, NULL},
    {"Type", "Type", XML_STRING, NULL, NULL},
    {"State", "State", XML_STRUCT, balancer_state_shape, NULL},
    {"AvailabilityZones", "AvailabilityZones", XML_LIST, zone_shape, NULL},
    {"SecurityGroups", "SecurityGroups", XML_STRINGS, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape balancers_shape[] = {
    {"LoadBalancers", "LoadBalancers", XML_LIST, balancer_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape balancers_reply[] = {
    {"DescribeLoadBalancersResult", "Result", XML_STRUCT, balancers_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape listener_action_shape[] = {
    {"TargetGroupArn", "TargetGroupArn", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape listener_shape[] = {
    {"ListenerArn", "ListenerArn", XML_STRING, NULL, NULL},
    {"Protocol", "Protocol", XML_STRING, NULL, NULL},
    {"Port", "Port", XML_INTEGER, NULL, NULL},
    {"DefaultActions", "DefaultActions", XML_LIST, listener_action_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape listeners_shape[] = {
    {"Listeners", "Listeners", XML_LIST, listener_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape listeners_reply[] = {
    {"DescribeListenersResult", "Result", XML_STRUCT, listeners_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape attribute_shape[] = {
    {"Key", "Key", XML_STRING, NULL, NULL},
    {"Value", "Value", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape attributes_shape[] = {
    {"Attributes", "Attributes", XML_LIST, attribute_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape attributes_reply[] = {
    {"DescribeLoadBalancerAttributesResult", "Result", XML_STRUCT, attributes_shape, NULL},
    {.element = NULL},
};

/* As ec2_with_next_token does: callers then ask only for null. */
static json_t *
elbv2_with_next_marker(json_t *reply)
{
	json_t *result = query_operation_result(reply);
	const char *marker = jsonx_get_string(result, "NextMarker");

	if (marker == NULL || marker[0] == '\0')
		json_object_set_new(result, "NextMarker", json_null());
	return result;
}

/* The largest page: a load balancer rarely has more than a few groups. */
struct tmf_call *
elbv2_describe_target_groups(
    struct aws_client *elb, const char *load_balancer_arn, const char *marker)
{
	struct aws_operation operation = {.name = "DescribeTargetGroups",
	    .reply = target_groups_reply,
	    .convert = elbv2_with_next_marker};
	struct buf *body = &operation.body;

	query_begin(body, operation.name, ELBV2_VERSION);
	query_add(body, "LoadBalancerArn", load_balancer_arn);
	query_add_int(body, "PageSize", ELBV2_PAGE_MAX);
	query_add(body, "Marker", marker);
	return aws_client_call(elb, &operation);
}

/* Members that are being deregistered or fail their checks are listed too: they may still
 * receive. */
struct tmf_call *
elbv2_describe_target_health(struct aws_client *elb, const char *target_group_arn)
{
	struct aws_operation operation = {.name = "DescribeTargetHealth",
	    .reply = target_health_reply,
	    .convert = query_operation_result};

	query_begin(&operation.body, operation.name, ELBV2_VERSION);
	query_add(&operation.body, "TargetGroupArn", target_group_arn);
	return aws_client_call(elb, &operation);
}

struct tmf_call *
elbv2_describe_load_balancer(struct aws_client *elb, const char *load_balancer_arn)
{
	struct aws_operation operation = {.name = "DescribeLoadBalancers",
	    .reply = balancers_reply,
	    .convert = query_operation_result};

	query_begin(&operation.body, operation.name, ELBV2_VERSION);
	query_add(&operation.body, "LoadBalancerArns.member.1", load_balancer_arn);
	return aws_client_call(elb, &operation);
}

/* One page: a load balancer has 50 listeners at most, and a page has 400. */
struct tmf_call *
elbv2_describe_listeners(struct aws_client *elb, const char *load_balancer_arn)
{
	struct aws_operation operation = {.name = "DescribeListeners",
	    .reply = listeners_reply,
	    .convert = query_operation_result};

	query_begin(&operation.body, operation.name, ELBV2_VERSION);
	query_add(&operation.body, "LoadBalancerArn", load_balancer_arn);
	query_add_int(&operation.body, "PageSize", ELBV2_PAGE_MAX);
	return aws_client_call(elb, &operation);
}

struct tmf_call *
elbv2_describe_attributes(struct aws_client *elb, const char *load_balancer_arn)
{
	struct aws_operation operation = {.name = "DescribeLoadBalancerAttributes",
	    .reply = attributes_reply,
	    .convert = query_operation_result};

	query_begin(&operation.body, operation.name, ELBV2_VERSION);
	query_add(&operation.body, "LoadBalancerArn", load_balancer_arn);
	return aws_client_call(elb, &operation);
}
