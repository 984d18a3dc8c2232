#include "aws/services/ec2_internal.h"
#include "aws/wire/query.h"

#include <assert.h>

/* Shapes name only what is used: a page of 1,000 instances is some 5 MB of XML, and 0.5 MB of what
 * is wanted of it. */
static const struct xml_shape reservation_shape[] = {
    {"ownerId", "OwnerId", XML_STRING, NULL, NULL},
    {"instancesSet", "Instances", XML_LIST, ec2_instance_shape, ec2_instance_of},
    {.element = NULL},
};

/* Instances are converted one by one while the page comes in, see xml_convert_item. */
static const struct xml_shape describe_instances_shape[] = {
    {"reservationSet", "Reservations", XML_LIST, reservation_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape launch_reservation_shape[] = {
    {"ownerId", "OwnerId", XML_STRING, NULL, NULL},
    {"instancesSet", "Instances", XML_LIST, ec2_launch_shape, ec2_instance_of},
    {.element = NULL},
};

static const struct xml_shape describe_launches_shape[] = {
    {"reservationSet", "Reservations", XML_LIST, launch_reservation_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TrafficMirrorTarget.html */
const struct xml_shape ec2_target_shape[] = {
    {"trafficMirrorTargetId", "TrafficMirrorTargetId", XML_STRING, NULL, NULL},
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {"networkLoadBalancerArn", "NetworkLoadBalancerArn", XML_STRING, NULL, NULL},
    {"gatewayLoadBalancerEndpointId", "GatewayLoadBalancerEndpointId", XML_STRING, NULL, NULL},
    {"type", "Type", XML_STRING, NULL, NULL},
    {"description", "Description", XML_STRING, NULL, NULL},
    {"ownerId", "OwnerId", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},
    {.element = NULL},
};

/* A target has one of the three kinds of destination, and the others are absent. */
static const struct xml_shape describe_targets_shape[] = {
    {"trafficMirrorTargetSet", "TrafficMirrorTargets", XML_LIST, ec2_target_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TrafficMirrorSession.html */
static const struct xml_shape session_shape[] = {
    {"trafficMirrorSessionId", "TrafficMirrorSessionId", XML_STRING, NULL, NULL},
    {"trafficMirrorTargetId", "TrafficMirrorTargetId", XML_STRING, NULL, NULL},
    {"trafficMirrorFilterId", "TrafficMirrorFilterId", XML_STRING, NULL, NULL},
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {"ownerId", "OwnerId", XML_STRING, NULL, NULL},
    {"packetLength", "PacketLength", XML_INTEGER, NULL, NULL},
    {"sessionNumber", "SessionNumber", XML_INTEGER, NULL, NULL},
    {"virtualNetworkId", "VirtualNetworkId", XML_INTEGER, NULL, NULL},
    {"description", "Description", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_sessions_shape[] = {
    {"trafficMirrorSessionSet", "TrafficMirrorSessions", XML_LIST, session_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* Whose a session is, and of what. */
static const struct xml_shape session_tags_shape[] = {
    {"trafficMirrorSessionId", "TrafficMirrorSessionId", XML_STRING, NULL, NULL},
    {"trafficMirrorTargetId", "TrafficMirrorTargetId", XML_STRING, NULL, NULL},
    {"trafficMirrorFilterId", "TrafficMirrorFilterId", XML_STRING, NULL, NULL},
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_PAIRS, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_session_tags_shape[] = {
    {"trafficMirrorSessionSet", "TrafficMirrorSessions", XML_LIST, session_tags_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* --- who stands behind a load balancer --- */

static const struct xml_shape holder_shape[] = {
    {"instanceId", "InstanceId", XML_STRING, NULL, NULL},
    {"deviceIndex", "DeviceIndex", XML_INTEGER, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape address_shape[] = {
    {"privateIpAddress", "PrivateIpAddress", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape network_interface_shape[] = {
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {"availabilityZone", "AvailabilityZone", XML_STRING, NULL, NULL},
    {"status", "Status", XML_STRING, NULL, NULL},
    {"groupSet", "Groups", XML_LIST, ec2_group_shape, NULL},
    {"privateIpAddress", "PrivateIpAddress", XML_STRING, NULL, NULL},
    {"privateIpAddressesSet", "PrivateIpAddresses", XML_LIST, address_shape, NULL},
    {"attachment", "Attachment", XML_STRUCT, holder_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_interfaces_shape[] = {
    {"networkInterfaceSet", "NetworkInterfaces", XML_LIST, network_interface_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape endpoint_shape[] = {
    {"vpcEndpointId", "VpcEndpointId", XML_STRING, NULL, NULL},
    {"serviceName", "ServiceName", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_endpoints_shape[] = {
    {"vpcEndpointSet", "VpcEndpoints", XML_LIST, endpoint_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape service_shape[] = {
    {"serviceName", "ServiceName", XML_STRING, NULL, NULL},
    {"gatewayLoadBalancerArnSet", "GatewayLoadBalancerArns", XML_STRINGS, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_services_shape[] = {
    {"serviceConfigurationSet", "ServiceConfigurations", XML_LIST, service_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* --- the table --- */

const struct ec2_list ec2_list_instances = {
    .operation = "DescribeInstances",
    .ids_name = "InstanceId",
    .reply = describe_instances_shape,
    .convert = ec2_instances_of_reservations,
};
const struct ec2_list ec2_list_launches = {
    .operation = "DescribeInstances",
    .ids_name = "InstanceId",
    .reply = describe_launches_shape,
    .convert = ec2_instances_of_reservations,
};
const struct ec2_list ec2_list_targets = {
    .operation = "DescribeTrafficMirrorTargets",
    .ids_name = "TrafficMirrorTargetId",
    .reply = describe_targets_shape,
};
const struct ec2_list ec2_list_sessions = {
    .operation = "DescribeTrafficMirrorSessions",
    .ids_name = "TrafficMirrorSessionId",
    .reply = describe_sessions_shape,
};
const struct ec2_list ec2_list_session_tags = {
    .operation = "DescribeTrafficMirrorSessions",
    .ids_name = "TrafficMirrorSessionId",
    .reply = describe_session_tags_shape,
};
const struct ec2_list ec2_list_interfaces = {
    .operation = "DescribeNetworkInterfaces",
    .ids_name = "NetworkInterfaceId",
    .reply = describe_interfaces_shape,
};
const struct ec2_list ec2_list_endpoints = {
    .operation = "DescribeVpcEndpoints",
    .ids_name = "VpcEndpointId",
    .reply = describe_endpoints_shape,
};
const struct ec2_list ec2_list_endpoint_services = {
    .operation = "DescribeVpcEndpointServiceConfigurations",
    .ids_name = "ServiceId",
    .reply = describe_services_shape,
};

/* See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html. EC2 refuses
 * MaxResults together with ids, so that who asks by id leaves it 0. The names of ids differ by
 * operation: InstanceId.1, TrafficMirrorTargetId.1 and so on. */
struct tmf_call *
ec2_describe(
    struct aws_client *ec2, const struct ec2_list *list, const struct ec2_describe *describe)
{
	struct aws_operation operation = {
	    .name = list->operation,
	    .reply = list->reply,
	    .convert = list->convert != NULL ? list->convert : ec2_with_next_token,
	    .lists_all = describe->ids == NULL,
	    .has_token = describe->next_token != NULL,
	};
	struct buf *body = &operation.body;

	assert(describe->ids == NULL || json_array_size(describe->ids) > 0);
	assert(describe->max_results == 0 || (describe->max_results >= EC2_PAGE_RESULTS_MIN &&
						 describe->max_results <= EC2_PAGE_RESULTS_MAX));
	assert(json_array_size(describe->filters) <= EC2_FILTERS_MAX);
	query_begin(body, list->operation, EC2_VERSION);
	query_add_list(body, list->ids_name, describe->ids);
	if (list->flag != NULL)
		query_add(body, list->flag, "true");
	query_add_filters(body, describe->filters);
	if (describe->max_results > 0)
		query_add_int(body, "MaxResults", describe->max_results);
	query_add(body, "NextToken", describe->next_token);
	return aws_client_call(ec2, &operation);
}

struct tmf_call *
ec2_describe_instances(struct aws_client *ec2, const struct ec2_describe *describe)
{
	return ec2_describe(ec2, &ec2_list_instances, describe);
}

struct tmf_call *
ec2_describe_targets(struct aws_client *ec2, const struct ec2_describe *describe)
{
	return ec2_describe(ec2, &ec2_list_targets, describe);
}

struct tmf_call *
ec2_describe_sessions(struct aws_client *ec2, const struct ec2_describe *describe)
{
	return ec2_describe(ec2, &ec2_list_sessions, describe);
}
