#include "world_internal.h"

#include <stdlib.h>

/*
 * The given Network Load Balancers themselves: active in every zone of the first VPC, with a UDP
 * listener for mirrored packets, and across zones.
 */

static int
check_given(struct sim_call *c, struct str arn)
{
	for (size_t i = 0; i < c->w->targets_count; i++) {
		const struct target *t = &c->w->targets[i];

		if (!t->deleted && t->type == TARGET_NLB && str_is(arn, t->endpoint))
			return 0;
	}
	return call_fail(c, 400, "LoadBalancerNotFound", "One or more load balancers not found");
}

static void
write_zones(struct sim_call *c)
{
	char zone[ZONE_BYTES], id[SIM_ID_BYTES];

	xml_open(c->out, "AvailabilityZones");
	for (unsigned subnet = 0; subnet < subnets_count(c->w); subnet++) {
		if (vpc_of_subnet(c->w, subnet) != 0)
			continue;
		zone_of_subnet(c->w, subnet, zone);
		id_write(c->w, ID_SUBNET, subnet, id);
		xml_open(c->out, "member");
		xml_text(c->out, "ZoneName", zone);
		xml_text(c->out, "SubnetId", id);
		xml_close(c->out, "member");
	}
	xml_close(c->out, "AvailabilityZones");
}

int
op_describe_load_balancers(struct sim_call *c)
{
	struct str arn = params_get(&c->params, "LoadBalancerArns.member.1");
	char vpc[SIM_ID_BYTES];

	if (check_given(c, arn) < 0)
		return -1;
	id_write(c->w, ID_VPC, 0, vpc);
	xml_open(c->out, "DescribeLoadBalancersResult");
	xml_open(c->out, "LoadBalancers");
	xml_open(c->out, "member");
	xml_str(c->out, "LoadBalancerArn", arn);
	xml_text(c->out, "Scheme", "internal");
	xml_text(c->out, "VpcId", vpc);
	xml_text(c->out, "Type", "network");
	xml_open(c->out, "State");
	xml_text(c->out, "Code", "active");
	xml_close(c->out, "State");
	write_zones(c);
	xml_close(c->out, "member");
	xml_close(c->out, "LoadBalancers");
	query_close_result(c, "DescribeLoadBalancersResult");
	return 0;
}

int
op_describe_listeners(struct sim_call *c)
{
	struct str arn;

	if (call_need(c, "LoadBalancerArn", &arn) < 0 || check_given(c, arn) < 0)
		return -1;
	xml_open(c->out, "DescribeListenersResult");
	xml_open(c->out, "Listeners");
	xml_open(c->out, "member");
	buf_printf(c->out, "<ListenerArn>%.*s/listener</ListenerArn>", (int)arn.len, arn.p);
	xml_str(c->out, "LoadBalancerArn", arn);
	xml_text(c->out, "Protocol", "UDP");
	xml_int(c->out, "Port", 4789);
	xml_close(c->out, "member");
	xml_close(c->out, "Listeners");
	query_close_result(c, "DescribeListenersResult");
	return 0;
}

int
op_describe_balancer_attributes(struct sim_call *c)
{
	struct str arn;

	if (call_need(c, "LoadBalancerArn", &arn) < 0 || check_given(c, arn) < 0)
		return -1;
	xml_open(c->out, "DescribeLoadBalancerAttributesResult");
	xml_open(c->out, "Attributes");
	xml_open(c->out, "member");
	xml_text(c->out, "Key", "load_balancing.cross_zone.enabled");
	xml_text(c->out, "Value", "true");
	xml_close(c->out, "member");
	xml_close(c->out, "Attributes");
	query_close_result(c, "DescribeLoadBalancerAttributesResult");
	return 0;
}
