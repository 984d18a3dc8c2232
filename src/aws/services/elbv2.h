#ifndef TMFLOW_AWS_SERVICES_ELBV2_H
#define TMFLOW_AWS_SERVICES_ELBV2_H

#include "aws/client.h"

/*
 * Typed calls of Elastic Load Balancing (Query protocol, version 2015-12-01): what stands behind a
 * load balancer. See: https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/
 * Every pointer given is borrowed until the function returns. Results are JSON with
 * AWS's own member names. The client's service is "elasticloadbalancing".
 */

/* A page of the target groups of a load balancer of any kind; marker NULL: the first one.
 * {"TargetGroups": [{TargetGroupArn, TargetType: "instance", "ip", "alb" or "lambda", VpcId?,
 * Protocol, Port}], "NextMarker": string or null}.
 * Errors: LoadBalancerNotFound; AWS's.
 * See: API_DescribeTargetGroups.html there. */
struct tmf_call *elbv2_describe_target_groups(
    struct aws_client *elb, const char *load_balancer_arn, const char *marker);

/* All members of a target group: AWS has no pages here.
 * {"TargetHealthDescriptions": [{Target: {Id, AvailabilityZone?}, TargetHealth: {State: "healthy",
 * .., Reason?}}]}; Id is an instance's id, an
 * address or a load balancer's ARN, as the group's TargetType says. AvailabilityZone "all" is an
 * address outside of the group's VPC.
 * Errors: TargetGroupNotFound; AWS's.
 * See: API_DescribeTargetHealth.html there. */
struct tmf_call *elbv2_describe_target_health(struct aws_client *elb, const char *target_group_arn);

/* The load balancer itself: {"LoadBalancers": [{LoadBalancerArn, VpcId, Type, State: {Code:
 * "active", ..}, AvailabilityZones: [{ZoneName, SubnetId}], SecurityGroups: [id]}]}.
 * Errors: LoadBalancerNotFound; AWS's.
 * See: API_DescribeLoadBalancers.html there. */
struct tmf_call *
elbv2_describe_load_balancer(struct aws_client *elb, const char *load_balancer_arn);

/* {"Listeners": [{ListenerArn, Protocol: "UDP", .., Port, DefaultActions: [{TargetGroupArn}]}]}.
 * Errors: LoadBalancerNotFound; AWS's.
 * See: API_DescribeListeners.html there. */
struct tmf_call *elbv2_describe_listeners(struct aws_client *elb, const char *load_balancer_arn);

/* {"Attributes": [{Key: "load_balancing.cross_zone.enabled", .., Value}]}.
 * Errors: LoadBalancerNotFound; AWS's.
 * See: API_DescribeLoadBalancerAttributes.html there. */
struct tmf_call *elbv2_describe_attributes(struct aws_client *elb, const char *load_balancer_arn);

#endif
