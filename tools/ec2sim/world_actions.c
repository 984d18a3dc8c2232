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
static const char *const params_describe_images[] = {
    "IncludeDeprecated", "IncludeDisabled", PAGED, NULL};
static const char *const params_describe_groups[] = {"GroupId.", PAGED, NULL};
static const char *const params_paged[] = {PAGED, NULL};
static const char *const params_target_groups[] = {
    "LoadBalancerArn", "TargetGroupArns.", "PageSize", "Marker", NULL};
static const char *const params_balancers[] = {"LoadBalancerArns.", "PageSize", "Marker", NULL};
static const char *const params_listeners[] = {"LoadBalancerArn", "PageSize", "Marker", NULL};
static const char *const params_balancer[] = {"LoadBalancerArn", NULL};
static const char *const params_regions[] = {"AllRegions", "RegionName.", "Filter.", NULL};
static const char *const params_target_health[] = {"TargetGroupArn", NULL};
static const char *const params_none[] = {NULL};
static const char *const params_assume_role[] = {"RoleArn", "RoleSessionName", "DurationSeconds",
    "ExternalId", "Policy", "PolicyArns.", "Tags.", "TransitiveTagKeys.", "SourceIdentity", NULL};

const struct sim_service_facts world_services[SERVICE_COUNT] = {
    [SERVICE_EC2] = {"ec2", "2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/"},
    [SERVICE_STS] = {"sts", "2011-06-15", "https://sts.amazonaws.com/doc/2011-06-15/"},
    [SERVICE_ELB] = {"elasticloadbalancing", "2015-12-01",
	"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"},
    [SERVICE_CLOUDTRAIL] = {"cloudtrail", NULL, NULL},
    [SERVICE_ORGANIZATIONS] = {"organizations", NULL, NULL},
    [SERVICE_EVENTS] = {"events", NULL, NULL},
    [SERVICE_RAM] = {"ram", NULL, NULL},
};

const struct sim_action world_actions[] = {
    {"DescribeInstances", op_describe_instances, params_describe_instances, BUCKET_DESCRIBE,
	SERVICE_EC2},
    {"DescribeNetworkInterfaces", op_describe_interfaces, params_describe_interfaces,
	BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeVpcs", op_describe_vpcs, params_describe_vpcs, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeSubnets", op_describe_subnets, params_describe_subnets, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeTags", op_describe_tags, params_paged, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeTrafficMirrorFilters", op_describe_filters, params_describe_filters, BUCKET_DESCRIBE,
	SERVICE_EC2},
    {"DescribeTrafficMirrorTargets", op_describe_targets, params_describe_targets, BUCKET_DESCRIBE,
	SERVICE_EC2},
    {"DescribeTrafficMirrorSessions", op_describe_sessions, params_describe_sessions,
	BUCKET_DESCRIBE, SERVICE_EC2},
    {"CreateTrafficMirrorTarget", op_create_target, params_create_target, BUCKET_MUTATE,
	SERVICE_EC2},
    {"CreateTrafficMirrorSession", op_create_session, params_create_session, BUCKET_MUTATE,
	SERVICE_EC2},
    {"ModifyTrafficMirrorSession", op_modify_session, params_modify_session, BUCKET_MUTATE,
	SERVICE_EC2},
    {"DeleteTrafficMirrorSession", op_delete_session, params_delete_session, BUCKET_MUTATE,
	SERVICE_EC2},
    {"DeleteTrafficMirrorTarget", op_delete_target, params_delete_target, BUCKET_MUTATE,
	SERVICE_EC2},
    {"RunInstances", op_run_instances, params_run, BUCKET_RUN, SERVICE_EC2},
    {"TerminateInstances", op_terminate_instances, params_terminate, BUCKET_TERMINATE, SERVICE_EC2},
    {"CreateTags", op_create_tags, params_tags, BUCKET_TAGS, SERVICE_EC2},
    {"DeleteTags", op_delete_tags, params_tags, BUCKET_TAGS, SERVICE_EC2},
    {"DescribeImages", op_describe_images, params_describe_images, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeSecurityGroups", op_describe_groups, params_describe_groups, BUCKET_DESCRIBE,
	SERVICE_EC2},
    {"DescribeVpcEndpoints", op_describe_endpoints, params_paged, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeVpcEndpointServiceConfigurations", op_describe_services, params_paged,
	BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeTargetGroups", op_describe_target_groups, params_target_groups, BUCKET_NONE,
	SERVICE_ELB},
    {"DescribeTargetHealth", op_describe_target_health, params_target_health, BUCKET_NONE,
	SERVICE_ELB},
    {"DescribeNetworkAcls", op_describe_acls, params_paged, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeRouteTables", op_describe_route_tables, params_paged, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeRegions", op_describe_regions, params_regions, BUCKET_DESCRIBE, SERVICE_EC2},
    {"DescribeLoadBalancers", op_describe_load_balancers, params_balancers, BUCKET_NONE,
	SERVICE_ELB},
    {"DescribeListeners", op_describe_listeners, params_listeners, BUCKET_NONE, SERVICE_ELB},
    {"DescribeLoadBalancerAttributes", op_describe_balancer_attributes, params_balancer,
	BUCKET_NONE, SERVICE_ELB},
    {"LookupEvents", op_lookup_events, params_none, BUCKET_NONE, SERVICE_CLOUDTRAIL},
    {"ListAccounts", op_list_accounts, params_none, BUCKET_NONE, SERVICE_ORGANIZATIONS},
    {"ListAccountsForParent", op_list_accounts_of, params_none, BUCKET_NONE, SERVICE_ORGANIZATIONS},
    {"ListOrganizationalUnitsForParent", op_list_units_of, params_none, BUCKET_NONE,
	SERVICE_ORGANIZATIONS},
    {"ListResources", op_list_shared_resources, params_none, BUCKET_NONE, SERVICE_RAM},
    {"ListPrincipals", op_list_share_principals, params_none, BUCKET_NONE, SERVICE_RAM},
    {"ListRules", op_list_event_rules, params_none, BUCKET_NONE, SERVICE_EVENTS},
    {"AssumeRole", op_assume_role, params_assume_role, BUCKET_NONE, SERVICE_STS},
    {"GetCallerIdentity", op_get_caller_identity, params_none, BUCKET_NONE, SERVICE_STS},
};

const size_t world_actions_count = sizeof(world_actions) / sizeof(world_actions[0]);
_Static_assert(
    sizeof(world_actions) / sizeof(world_actions[0]) <= SIM_ACTIONS_MAX, "room for the statistics");

void
world_print_operations(const struct sim_sink *sink)
{
	struct buf out = {0};

	for (size_t i = 0; i < world_actions_count; i++)
		buf_printf(&out, "%s %s\n", world_services[world_actions[i].service].name,
		    world_actions[i].name);
	sink->write(sink->arg, buf_str(&out));
	buf_fini(&out);
}
