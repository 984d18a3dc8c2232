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
const struct xml_shape ec2_session_shape[] = {
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
    {"trafficMirrorSessionSet", "TrafficMirrorSessions", XML_LIST, ec2_session_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* The describes that have pages; one more to come is one more line here. */
const struct ec2_list ec2_list_instances = {"DescribeInstances", ec2_describe_instances};
const struct ec2_list ec2_list_targets = {"DescribeTrafficMirrorTargets", ec2_describe_targets};
const struct ec2_list ec2_list_sessions = {"DescribeTrafficMirrorSessions", ec2_describe_sessions};

/* Action, and what every describe takes. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html. EC2 refuses
 * MaxResults together with ids, so that who asks by id leaves it 0. */
static void
ec2_begin_describe(
    struct buf *body, const char *action, const char *ids_name, const struct ec2_describe *describe)
{
	assert(describe->ids == NULL || json_array_size(describe->ids) > 0);
	assert(describe->max_results == 0 || (describe->max_results >= EC2_PAGE_RESULTS_MIN &&
						 describe->max_results <= EC2_PAGE_RESULTS_MAX));
	assert(json_array_size(describe->filters) <= EC2_FILTERS_MAX);
	query_begin(body, action, EC2_VERSION);
	query_add_list(body, ids_name, describe->ids);
	query_add_filters(body, describe->filters);
	if (describe->max_results > 0)
		query_add_int(body, "MaxResults", describe->max_results);
	query_add(body, "NextToken", describe->next_token);
}

/* Reservations are folded into one list of instances. */
struct tmf_call *
ec2_describe_instances(struct aws_client *ec2, const struct ec2_describe *describe)
{
	struct aws_operation operation = {
	    .name = ec2_list_instances.operation,
	    .reply = describe_instances_shape,
	    .convert = ec2_instances_of_reservations,
	};

	ec2_begin_describe(&operation.body, operation.name, "InstanceId", describe);
	return aws_client_call(ec2, &operation);
}

/* The names of ids differ by operation: here TrafficMirrorTargetId.1 and so on. */
struct tmf_call *
ec2_describe_targets(struct aws_client *ec2, const struct ec2_describe *describe)
{
	struct aws_operation operation = {
	    .name = ec2_list_targets.operation,
	    .reply = describe_targets_shape,
	    .convert = ec2_with_next_token,
	};

	ec2_begin_describe(&operation.body, operation.name, "TrafficMirrorTargetId", describe);
	return aws_client_call(ec2, &operation);
}

/* Which sessions are meant is for the caller's filters to say, as with the other two. */
struct tmf_call *
ec2_describe_sessions(struct aws_client *ec2, const struct ec2_describe *describe)
{
	struct aws_operation operation = {
	    .name = ec2_list_sessions.operation,
	    .reply = describe_sessions_shape,
	    .convert = ec2_with_next_token,
	};

	ec2_begin_describe(&operation.body, operation.name, "TrafficMirrorSessionId", describe);
	return aws_client_call(ec2, &operation);
}
