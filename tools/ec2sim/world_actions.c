#include "world_internal.h"

/* What each operation takes. A name with a dot at its end is a prefix. */
#define PAGED "MaxResults", "NextToken", "Filter."

static const char *const params_describe_instances[] = {
    "InstanceId.", "IncludeManagedResources", PAGED, NULL};
static const char *const params_describe_interfaces[] = {
    "NetworkInterfaceId.", "IncludeManagedResources", PAGED, NULL};
static const char *const params_describe_vpcs[] = {"VpcId.", PAGED, NULL};
static const char *const params_describe_subnets[] = {"SubnetId.", PAGED, NULL};
static const char *const params_describe_filters[] = {"TrafficMirrorFilterId.", PAGED, NULL};
static const char *const params_describe_targets[] = {"TrafficMirrorTargetId.", PAGED, NULL};
static const char *const params_describe_sessions[] = {"TrafficMirrorSessionId.", PAGED, NULL};
static const char *const params_describe_tags[] = {PAGED, NULL};
static const char *const params_create_target[] = {"NetworkInterfaceId", "NetworkLoadBalancerArn",
    "GatewayLoadBalancerEndpointId", "Description", "TagSpecification.", "ClientToken", NULL};
static const char *const params_create_session[] = {"NetworkInterfaceId", "TrafficMirrorTargetId",
    "TrafficMirrorFilterId", "PacketLength", "SessionNumber", "VirtualNetworkId", "Description",
    "TagSpecification.", "ClientToken", NULL};
static const char *const params_modify_session[] = {"TrafficMirrorSessionId",
    "TrafficMirrorTargetId", "TrafficMirrorFilterId", "PacketLength", "SessionNumber",
    "VirtualNetworkId", "Description", "RemoveField.", NULL};
static const char *const params_delete_session[] = {"TrafficMirrorSessionId", NULL};
static const char *const params_delete_target[] = {"TrafficMirrorTargetId", NULL};
static const char *const params_run[] = {"ImageId", "InstanceType", "MinCount", "MaxCount",
    "SubnetId", "SecurityGroupId.", "SecurityGroup.", "NetworkInterface.", "TagSpecification.",
    "ClientToken", "UserData", "KeyName", "EbsOptimized", "IamInstanceProfile.", "MetadataOptions.",
    "Monitoring.", "Placement.", "BlockDeviceMapping.", "InstanceInitiatedShutdownBehavior",
    "DisableApiTermination", NULL};
static const char *const params_terminate[] = {"InstanceId.", "Force", "SkipOsShutdown", NULL};
static const char *const params_tags[] = {"ResourceId.", "Tag.", NULL};
static const char *const params_none[] = {NULL};
static const char *const params_assume_role[] = {"RoleArn", "RoleSessionName", "DurationSeconds",
    "ExternalId", "Policy", "PolicyArns.", "Tags.", "TransitiveTagKeys.", "SourceIdentity", NULL};

const struct sim_action world_actions[] = {
    {"DescribeInstances", op_describe_instances, params_describe_instances, BUCKET_DESCRIBE, false},
    {"DescribeNetworkInterfaces", op_describe_interfaces, params_describe_interfaces,
	BUCKET_DESCRIBE, false},
    {"DescribeVpcs", op_describe_vpcs, params_describe_vpcs, BUCKET_DESCRIBE, false},
    {"DescribeSubnets", op_describe_subnets, params_describe_subnets, BUCKET_DESCRIBE, false},
    {"DescribeTags", op_describe_tags, params_describe_tags, BUCKET_DESCRIBE, false},
    {"DescribeTrafficMirrorFilters", op_describe_filters, params_describe_filters, BUCKET_DESCRIBE,
	false},
    {"DescribeTrafficMirrorTargets", op_describe_targets, params_describe_targets, BUCKET_DESCRIBE,
	false},
    {"DescribeTrafficMirrorSessions", op_describe_sessions, params_describe_sessions,
	BUCKET_DESCRIBE, false},
    {"CreateTrafficMirrorTarget", op_create_target, params_create_target, BUCKET_MUTATE, false},
    {"CreateTrafficMirrorSession", op_create_session, params_create_session, BUCKET_MUTATE, false},
    {"ModifyTrafficMirrorSession", op_modify_session, params_modify_session, BUCKET_MUTATE, false},
    {"DeleteTrafficMirrorSession", op_delete_session, params_delete_session, BUCKET_MUTATE, false},
    {"DeleteTrafficMirrorTarget", op_delete_target, params_delete_target, BUCKET_MUTATE, false},
    {"RunInstances", op_run_instances, params_run, BUCKET_RUN, false},
    {"TerminateInstances", op_terminate_instances, params_terminate, BUCKET_TERMINATE, false},
    {"CreateTags", op_create_tags, params_tags, BUCKET_TAGS, false},
    {"DeleteTags", op_delete_tags, params_tags, BUCKET_TAGS, false},
    {"AssumeRole", op_assume_role, params_assume_role, BUCKET_NONE, true},
    {"GetCallerIdentity", op_get_caller_identity, params_none, BUCKET_NONE, true},
};

const size_t world_actions_count = sizeof(world_actions) / sizeof(world_actions[0]);
_Static_assert(
    sizeof(world_actions) / sizeof(world_actions[0]) <= SIM_ACTIONS_MAX, "room for the statistics");

void
world_print_operations(const struct sim_sink *sink)
{
	struct buf out = {0};

	for (size_t i = 0; i < world_actions_count; i++)
		buf_printf(
		    &out, "%s %s\n", world_actions[i].sts ? "sts" : "ec2", world_actions[i].name);
	sink->write(sink->arg, buf_str(&out));
	buf_fini(&out);
}
