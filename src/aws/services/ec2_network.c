#include "aws/services/ec2_internal.h"
#include "aws/wire/query.h"

#include <assert.h>

/* Lists of what stands around the instances: networks and what lets traffic through them, images,
 * regions; and asking whether a call would be allowed. */

/* --- traffic mirror filters --- */

static const struct xml_shape filter_ports_shape[] = {
    {"fromPort", "FromPort", XML_INTEGER, NULL, NULL},
    {"toPort", "ToPort", XML_INTEGER, NULL, NULL},
    {.element = NULL},
};

/* Protocol is a number of IANA's, absent for all. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TrafficMirrorFilterRule.html */
static const struct xml_shape filter_rule_shape[] = {
    {"ruleNumber", "RuleNumber", XML_INTEGER, NULL, NULL},
    {"ruleAction", "RuleAction", XML_STRING, NULL, NULL},
    {"protocol", "Protocol", XML_INTEGER, NULL, NULL},
    {"sourceCidrBlock", "SourceCidrBlock", XML_STRING, NULL, NULL},
    {"destinationCidrBlock", "DestinationCidrBlock", XML_STRING, NULL, NULL},
    {"sourcePortRange", "SourcePortRange", XML_STRUCT, filter_ports_shape, NULL},
    {"destinationPortRange", "DestinationPortRange", XML_STRUCT, filter_ports_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape filter_shape[] = {
    {"trafficMirrorFilterId", "TrafficMirrorFilterId", XML_STRING, NULL, NULL},
    {"ingressFilterRuleSet", "IngressFilterRules", XML_LIST, filter_rule_shape, NULL},
    {"egressFilterRuleSet", "EgressFilterRules", XML_LIST, filter_rule_shape, NULL},
    {"description", "Description", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_filters_shape[] = {
    {"trafficMirrorFilterSet", "TrafficMirrorFilters", XML_LIST, filter_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

const struct ec2_list ec2_list_filters = {
    .operation = "DescribeTrafficMirrorFilters",
    .ids_name = "TrafficMirrorFilterId",
    .reply = describe_filters_shape,
};

/* --- images --- */

static const struct xml_shape image_shape[] = {
    {"imageId", "ImageId", XML_STRING, NULL, NULL},
    {"imageState", "State", XML_STRING, NULL, NULL},
    {"architecture", "Architecture", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_images_shape[] = {
    {"imagesSet", "Images", XML_LIST, image_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* Deprecated images can be launched, and are listed on request only. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html */
const struct ec2_list ec2_list_images = {
    .operation = "DescribeImages",
    .ids_name = "ImageId",
    .flag = "IncludeDeprecated",
    .reply = describe_images_shape,
};

/* --- security groups --- */

const struct xml_shape ec2_group_shape[] = {
    {"groupId", "GroupId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape range_shape[] = {
    {"cidrIp", "CidrIp", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape prefix_list_shape[] = {
    {"prefixListId", "PrefixListId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* FromPort and ToPort are absent where the protocol is -1, all. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html */
static const struct xml_shape permission_shape[] = {
    {"ipProtocol", "IpProtocol", XML_STRING, NULL, NULL},
    {"fromPort", "FromPort", XML_INTEGER, NULL, NULL},
    {"toPort", "ToPort", XML_INTEGER, NULL, NULL},
    {"ipRanges", "IpRanges", XML_LIST, range_shape, NULL},
    {"groups", "UserIdGroupPairs", XML_LIST, ec2_group_shape, NULL},
    {"prefixListIds", "PrefixListIds", XML_LIST, prefix_list_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape security_group_shape[] = {
    {"groupId", "GroupId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"ipPermissions", "IpPermissions", XML_LIST, permission_shape, NULL},
    {"ipPermissionsEgress", "IpPermissionsEgress", XML_LIST, permission_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_groups_shape[] = {
    {"securityGroupInfo", "SecurityGroups", XML_LIST, security_group_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

const struct ec2_list ec2_list_security_groups = {
    .operation = "DescribeSecurityGroups",
    .ids_name = "GroupId",
    .reply = describe_groups_shape,
};

/* --- VPCs and subnets --- */

static const struct xml_shape subnet_shape[] = {
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"availabilityZone", "AvailabilityZone", XML_STRING, NULL, NULL},
    {"cidrBlock", "CidrBlock", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_subnets_shape[] = {
    {"subnetSet", "Subnets", XML_LIST, subnet_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

const struct ec2_list ec2_list_subnets = {
    .operation = "DescribeSubnets",
    .ids_name = "SubnetId",
    .reply = describe_subnets_shape,
};

static const struct xml_shape vpc_shape[] = {
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"cidrBlock", "CidrBlock", XML_STRING, NULL, NULL},
    {"tagSet", "Tags", XML_LIST, ec2_tag_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_vpcs_shape[] = {
    {"vpcSet", "Vpcs", XML_LIST, vpc_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

const struct ec2_list ec2_list_vpcs = {
    .operation = "DescribeVpcs",
    .ids_name = "VpcId",
    .reply = describe_vpcs_shape,
};

/* --- network ACLs --- */

static const struct xml_shape acl_ports_shape[] = {
    {"from", "From", XML_INTEGER, NULL, NULL},
    {"to", "To", XML_INTEGER, NULL, NULL},
    {.element = NULL},
};

/* Protocol is a number in text, "-1" for all. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html */
static const struct xml_shape acl_entry_shape[] = {
    {"ruleNumber", "RuleNumber", XML_INTEGER, NULL, NULL},
    {"protocol", "Protocol", XML_STRING, NULL, NULL},
    {"ruleAction", "RuleAction", XML_STRING, NULL, NULL},
    {"egress", "Egress", XML_BOOLEAN, NULL, NULL},
    {"cidrBlock", "CidrBlock", XML_STRING, NULL, NULL},
    {"portRange", "PortRange", XML_STRUCT, acl_ports_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape subnet_association_shape[] = {
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape acl_shape[] = {
    {"networkAclId", "NetworkAclId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"entrySet", "Entries", XML_LIST, acl_entry_shape, NULL},
    {"associationSet", "Associations", XML_LIST, subnet_association_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_acls_shape[] = {
    {"networkAclSet", "NetworkAcls", XML_LIST, acl_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

const struct ec2_list ec2_list_network_acls = {
    .operation = "DescribeNetworkAcls",
    .ids_name = "NetworkAclId",
    .reply = describe_acls_shape,
};

/* --- route tables --- */

/* What a route leads to is in one of several members. See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Route.html */
static const struct xml_shape route_shape[] = {
    {"destinationCidrBlock", "DestinationCidrBlock", XML_STRING, NULL, NULL},
    {"state", "State", XML_STRING, NULL, NULL},
    {"gatewayId", "GatewayId", XML_STRING, NULL, NULL},
    {"vpcPeeringConnectionId", "VpcPeeringConnectionId", XML_STRING, NULL, NULL},
    {"transitGatewayId", "TransitGatewayId", XML_STRING, NULL, NULL},
    {"natGatewayId", "NatGatewayId", XML_STRING, NULL, NULL},
    {"networkInterfaceId", "NetworkInterfaceId", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape route_association_shape[] = {
    {"subnetId", "SubnetId", XML_STRING, NULL, NULL},
    {"main", "Main", XML_BOOLEAN, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape route_table_shape[] = {
    {"routeTableId", "RouteTableId", XML_STRING, NULL, NULL},
    {"vpcId", "VpcId", XML_STRING, NULL, NULL},
    {"routeSet", "Routes", XML_LIST, route_shape, NULL},
    {"associationSet", "Associations", XML_LIST, route_association_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_route_tables_shape[] = {
    {"routeTableSet", "RouteTables", XML_LIST, route_table_shape, NULL},
    {"nextToken", "NextToken", XML_STRING, NULL, NULL},
    {.element = NULL},
};

const struct ec2_list ec2_list_route_tables = {
    .operation = "DescribeRouteTables",
    .ids_name = "RouteTableId",
    .reply = describe_route_tables_shape,
};

/* --- regions --- */

static const struct xml_shape region_shape[] = {
    {"regionName", "RegionName", XML_STRING, NULL, NULL},
    {"optInStatus", "OptInStatus", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape describe_regions_shape[] = {
    {"regionInfo", "Regions", XML_LIST, region_shape, NULL},
    {.element = NULL},
};

/* Has no pages: there are some dozens. Without AllRegions those that the account may use. */
struct tmf_call *
ec2_describe_regions(struct aws_client *ec2)
{
	struct aws_operation operation = {
	    .name = "DescribeRegions", .reply = describe_regions_shape};

	query_begin(&operation.body, operation.name, EC2_VERSION);
	return aws_client_call(ec2, &operation);
}

/* --- whether a call would be allowed --- */

/* AWS answers a dry run with an error in any case, so that no shape is needed. */
static const struct xml_shape no_shape[] = {{.element = NULL}};

struct tmf_call *
ec2_dry_run(struct aws_client *ec2, const char *operation_name, const json_t *parameters)
{
	struct aws_operation operation = {.name = operation_name, .reply = no_shape};
	const char *name;
	json_t *value;

	assert(operation_name != NULL);
	query_begin(&operation.body, operation_name, EC2_VERSION);
	json_object_foreach ((json_t *)parameters, name, value)
		query_add(&operation.body, name, json_string_value(value));
	query_add(&operation.body, "DryRun", "true");
	return aws_client_call(ec2, &operation);
}
