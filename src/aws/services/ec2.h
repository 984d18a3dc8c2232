#ifndef TMFLOW_AWS_SERVICES_EC2_H
#define TMFLOW_AWS_SERVICES_EC2_H

#include "aws/client.h"

/*
 * Typed EC2 calls (Query protocol, version 2016-11-15). See:
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/ Every pointer given is borrowed until the
 * function returns. Results are JSON with AWS's own member names. A client_token that is NULL is
 * derived from all of the request: the same request has the same token, in every process.
 */

#define EC2_FILTER_VALUES_MAX	   200 /* AWS: values of one filter in a request */
#define EC2_FILTERS_MAX		   50
#define EC2_PAGE_RESULTS_MIN	   5
#define EC2_PAGE_RESULTS_MAX	   1000
#define EC2_CLIENT_TOKEN_BYTES_MAX 64

struct ec2_describe {
	const char *next_token; /* NULL: first page */
	int max_results;	/* 0: not sent */
	json_t *filters;	/* [{"Name": .., "Values": [..]}] or NULL */
	/* [".."] or NULL; an empty array is a programmer's mistake: it would mean "all". */
	json_t *ids;
};

/* {"Instances": [Instance], "OwnerId"?: the account, "NextToken": string or null}; reservations are
 * flattened. EC2 lists only the caller's instances, so the first reservation's owner is that of
 * all. Instance is {InstanceId, InstanceType, State: "running",
 * VpcId?, SubnetId?, AvailabilityZone?, Tags: [{Key, Value}], NetworkInterfaces:
 * [{NetworkInterfaceId, DeviceIndex, SubnetId, VpcId}]} with interfaces sorted by device index. */
struct tmf_call *
ec2_describe_instances(struct aws_client *ec2, const struct ec2_describe *describe);

/* {"TrafficMirrorTargets": [{TrafficMirrorTargetId, NetworkInterfaceId?, NetworkLoadBalancerArn?,
 * GatewayLoadBalancerEndpointId?, Type, OwnerId, Description?, Tags}], "NextToken"} */
struct tmf_call *ec2_describe_targets(struct aws_client *ec2, const struct ec2_describe *describe);

/* {"TrafficMirrorSessions": [{TrafficMirrorSessionId, TrafficMirrorTargetId, TrafficMirrorFilterId,
 * NetworkInterfaceId, OwnerId, PacketLength?, SessionNumber, VirtualNetworkId?, Description?,
 * Tags}], "NextToken"} */
struct tmf_call *ec2_describe_sessions(struct aws_client *ec2, const struct ec2_describe *describe);

/* What can be listed: see pager.h, which reads a whole list. Its reply is {MEMBER: [..],
 * "NextToken"}, with the members of a resource that are used. */
struct ec2_list {
	const char *operation; /* "DescribeTrafficMirrorSessions" */
	const char *ids_name;  /* of its parameter with ids, without number */
	const char *flag;      /* a parameter that is always true; NULL: none */
	const struct xml_shape *reply;
	json_t *(*convert)(json_t *reply); /* NULL: only NextToken is settled */
};
extern const struct ec2_list ec2_list_instances;
/* Instances, each also with ImageId, ClientToken, LaunchTime, and the Groups of its interfaces. */
extern const struct ec2_list ec2_list_launches;
extern const struct ec2_list ec2_list_targets;
extern const struct ec2_list ec2_list_sessions;
/* The same with the ids and the tags only, these as an object: for long pages. */
extern const struct ec2_list ec2_list_session_tags;
/* TrafficMirrorFilters: [{TrafficMirrorFilterId, IngressFilterRules, EgressFilterRules:
 * [{RuleNumber, RuleAction, Protocol?: IANA's number, SourceCidrBlock, DestinationCidrBlock,
 * SourcePortRange?, DestinationPortRange?: {FromPort, ToPort}}], Description?, Tags}] */
extern const struct ec2_list ec2_list_filters;
/* Images: [{ImageId, State, Architecture}] */
extern const struct ec2_list ec2_list_images;
/* SecurityGroups: [{GroupId, VpcId, IpPermissions, IpPermissionsEgress: [{IpProtocol, FromPort?,
 * ToPort?, IpRanges: [{CidrIp}], UserIdGroupPairs: [{GroupId}], PrefixListIds}]}] */
extern const struct ec2_list ec2_list_security_groups;
/* Subnets: [{SubnetId, VpcId, AvailabilityZone, CidrBlock, Tags}] */
extern const struct ec2_list ec2_list_subnets;
/* Vpcs: [{VpcId, CidrBlock, Tags}] */
extern const struct ec2_list ec2_list_vpcs;
/* NetworkAcls: [{NetworkAclId, VpcId, Entries: [{RuleNumber, Protocol: "17" or "-1", RuleAction,
 * Egress, CidrBlock?, PortRange?: {From, To}}], Associations: [{SubnetId}]}] */
extern const struct ec2_list ec2_list_network_acls;
/* RouteTables: [{RouteTableId, VpcId, Routes: [{DestinationCidrBlock?, State, GatewayId?,
 * VpcPeeringConnectionId?, TransitGatewayId?, NatGatewayId?, NetworkInterfaceId?}], Associations:
 * [{SubnetId?, Main}]}] */
extern const struct ec2_list ec2_list_route_tables;
/* NetworkInterfaces: [{NetworkInterfaceId, VpcId, SubnetId, AvailabilityZone, Status, Groups:
 * [{GroupId}], PrivateIpAddress, PrivateIpAddresses: [{PrivateIpAddress}], Attachment:
 * {InstanceId, DeviceIndex}}]; one that is not attached has no Attachment. */
extern const struct ec2_list ec2_list_interfaces;
extern const struct ec2_list ec2_list_endpoints; /* VpcEndpoints: [{VpcEndpointId, ServiceName}] */
/* ServiceConfigurations: [{ServiceName, GatewayLoadBalancerArns: [".."]}]: the caller's only */
extern const struct ec2_list ec2_list_endpoint_services;

/* One page of a list, in its form. */
struct tmf_call *ec2_describe(
    struct aws_client *ec2, const struct ec2_list *list, const struct ec2_describe *describe);

/* {"Regions": [{RegionName, OptInStatus}]}: those that the account may use. */
struct tmf_call *ec2_describe_regions(struct aws_client *ec2);

/*
 * Asks whether a call would be allowed, and changes nothing: the operation of that name, with
 * parameters ({name on the wire: string}) and DryRun. It never succeeds.
 * Errors: DryRunOperation: it would be allowed; UnauthorizedOperation: it would not; any other:
 * AWS looked no further than that.
 * See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
 */
struct tmf_call *
ec2_dry_run(struct aws_client *ec2, const char *operation_name, const json_t *parameters);

struct ec2_create_target {
	const char *network_interface_id; /* or */
	const char *network_load_balancer_arn;
	const char *description;
	json_t *tags; /* [{Key, Value}] or NULL */
	const char *client_token;
};
/* {"TrafficMirrorTarget": {...}} */
struct tmf_call *ec2_create_target(struct aws_client *ec2, const struct ec2_create_target *create);

struct ec2_session_spec {
	const char *session_id; /* for modify only */
	const char *network_interface_id;
	const char *target_id;
	const char *filter_id;
	int session_number;	/* 0: as it is, for modify only */
	int virtual_network_id; /* -1: AWS chooses */
	int packet_length;	/* 0: whole packet */
	const char *description;
	json_t *tags;
	const char *client_token; /* of a create */
	/* Goes into a derived token: the same request has another token when it changes. */
	int64_t token_epoch;
};
/* {"TrafficMirrorSession": {...}}: its id, interface, target and filter. */
struct tmf_call *ec2_create_session(struct aws_client *ec2, const struct ec2_session_spec *spec);

/* What a modification sets back to AWS's default; a spec that gives it sets it instead. */
#define EC2_REMOVE_PACKET_LENGTH      1u
#define EC2_REMOVE_VIRTUAL_NETWORK_ID 2u

/* Sets target, filter and number, packet length and VNI where they are given, and removes
 * (RemoveField) what `removed` names. The reply is that of a create. */
struct tmf_call *
ec2_modify_session(struct aws_client *ec2, const struct ec2_session_spec *spec, unsigned removed);
struct tmf_call *ec2_delete_session(struct aws_client *ec2, const char *session_id);
struct tmf_call *ec2_delete_target(struct aws_client *ec2, const char *target_id);

struct ec2_run_instances {
	const char *image_id;
	const char *instance_type;
	const char *subnet_id;
	json_t *security_group_ids; /* [".."] */
	json_t *tags;		    /* put on the instance and on its interface */
	const char *client_token;
};
/* One instance. {"Instances": [Instance]} */
struct tmf_call *ec2_run_instances(struct aws_client *ec2, const struct ec2_run_instances *run);

/* {"TerminatingInstances": [{InstanceId, CurrentState, PreviousState}]} */
struct tmf_call *ec2_terminate_instances(struct aws_client *ec2, json_t *instance_ids);

/* {"Return": true} */
struct tmf_call *ec2_create_tags(struct aws_client *ec2, json_t *resource_ids, json_t *tags);
/* A tag with Value is deleted only if the value is equal. */
struct tmf_call *ec2_delete_tags(struct aws_client *ec2, json_t *resource_ids, json_t *tags);

#endif
