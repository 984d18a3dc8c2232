#include "world_internal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * What stands behind the given load balancer targets, and the calls of Elastic Load Balancing
 * (2015-12-01) and EC2 that lead there. Nothing of it can be changed. Behind given target 0 are a
 * target group of instances, one of addresses, and one with an Application Load Balancer that has a
 * group of instances; behind given target 1 one of instances; behind the gateway load balancer's
 * endpoint an endpoint service with a gateway load balancer and its appliances.
 */

#define MEMBERS_MAX 1000u

enum balancer { BALANCER_GIVEN_0, BALANCER_GIVEN_1, BALANCER_INNER, BALANCER_GATEWAY };

static const struct group {
	const char *name;
	const char *type;
	const char *protocol;
	enum balancer balancer;
	bool gateway;
	uint64_t target; /* whose sources the members receive from */
} groups[] = {
    {"instances", "instance", "UDP", BALANCER_GIVEN_0, false, 0},
    {"addresses", "ip", "UDP", BALANCER_GIVEN_0, false, 0},
    {"inner-instances", "instance", "HTTP", BALANCER_INNER, false, 0},
    {"others", "instance", "UDP", BALANCER_GIVEN_1, false, 1},
    {"appliances", "instance", "GENEVE", BALANCER_GATEWAY, true, SIM_GATEWAY_TARGET},
    {"inner", "alb", "TCP", BALANCER_GIVEN_0, false, 0}, /* its member is a load balancer */
};

#define GROUPS_COUNT	(sizeof(groups) / sizeof(groups[0]))
#define INSTANCE_GROUPS (GROUPS_COUNT - 1)

static bool
group_exists(const struct sim_world *w, size_t group)
{
	return w->opts.members > 0 && (!groups[group].gateway || w->opts.gateway);
}

/* Members are chosen among the running instances of the first VPC, in turn for each group. */
void
members_given(struct sim_world *w)
{
	uint64_t per_group = w->opts.members < MEMBERS_MAX ? w->opts.members : MEMBERS_MAX;
	size_t wanted = INSTANCE_GROUPS * per_group;
	struct instance i;

	w->members = mem_zalloc(wanted + 1, sizeof(w->members[0]));
	for (uint64_t n = 0; n < w->opts.instances && w->members_count < wanted; n++) {
		size_t group = w->members_count % INSTANCE_GROUPS;

		if (!instance_load(w, n, LOOK_TRUE, &i) || i.state != STATE_RUNNING || i.vpc != 0)
			continue;
		if (group_exists(w, group))
			idmap_set(&w->member_of, n, groups[group].target);
		w->members[w->members_count++] = n;
	}
}

bool
member_target(const struct sim_world *w, uint64_t instance, uint64_t *ret_target)
{
	return idmap_get(&w->member_of, instance, ret_target);
}

/* ---- names ---- */

char *
members_endpoint_id(const struct sim_world *w)
{
	return mem_printf("vpce-0%016llx", (unsigned long long)world_hash(w, 5, 0));
}

static char *
service_id(const struct sim_world *w)
{
	return mem_printf("vpce-svc-0%016llx", (unsigned long long)world_hash(w, 5, 1));
}

static char *
service_name(const struct sim_world *w)
{
	char *id = service_id(w);
	char *name = mem_printf("com.amazonaws.vpce.%s.%s", w->opts.region, id);

	free(id);
	return name;
}

static char *
balancer_arn(const struct sim_world *w, enum balancer balancer)
{
	bool gateway = balancer == BALANCER_GATEWAY;

	if (balancer == BALANCER_GIVEN_0 || balancer == BALANCER_GIVEN_1)
		return mem_strdup(w->targets[balancer].endpoint);
	return mem_printf("arn:aws:elasticloadbalancing:%s:%s:loadbalancer/%s/%016llx",
	    w->opts.region, w->opts.account_id, gateway ? "gwy/appliances" : "app/inner",
	    (unsigned long long)world_hash(w, 6, balancer));
}

static char *
group_arn(const struct sim_world *w, size_t group)
{
	return mem_printf("arn:aws:elasticloadbalancing:%s:%s:targetgroup/%s/%016llx",
	    w->opts.region, w->opts.account_id, groups[group].name,
	    (unsigned long long)world_hash(w, 7, group));
}

static void
write_owned(struct sim_call *c, const char *name, char *text)
{
	xml_text(c->out, name, text);
	free(text);
}

static bool
is_arn_of_balancer(const struct sim_world *w, enum balancer balancer, struct str arn)
{
	char *own = balancer_arn(w, balancer);
	bool is = str_is(arn, own);

	free(own);
	return is;
}

/* ---- DescribeTargetGroups ---- */

#define GROUPS_PER_PAGE_MAX 400

static void
write_group(struct sim_call *c, size_t group)
{
	char vpc[SIM_ID_BYTES];

	id_write(c->w, ID_VPC, 0, vpc);
	xml_open(c->out, "member");
	write_owned(c, "TargetGroupArn", group_arn(c->w, group));
	xml_text(c->out, "TargetGroupName", groups[group].name);
	xml_text(c->out, "Protocol", groups[group].protocol);
	xml_int(c->out, "Port", groups[group].gateway ? 6081 : 4789);
	xml_text(c->out, "VpcId", vpc);
	xml_open(c->out, "LoadBalancerArns");
	write_owned(c, "member", balancer_arn(c->w, groups[group].balancer));
	xml_close(c->out, "LoadBalancerArns");
	xml_text(c->out, "TargetType", groups[group].type);
	xml_close(c->out, "member");
}

/* A load balancer that was made a target by a call has no target groups. */
static int
check_known_balancer(struct sim_call *c, struct str arn)
{
	for (size_t i = 0; i < c->w->targets_count; i++) {
		const struct target *t = &c->w->targets[i];

		if (t->type == TARGET_NLB && str_is(arn, t->endpoint))
			return 0;
	}
	if (c->w->opts.members > 0 && (is_arn_of_balancer(c->w, BALANCER_INNER, arn) ||
					  is_arn_of_balancer(c->w, BALANCER_GATEWAY, arn)))
		return 0;
	return call_fail(c, 400, "LoadBalancerNotFound", "One or more load balancers not found");
}

/* The marker is the number of the group that the page begins with. */
int
op_describe_target_groups(struct sim_call *c)
{
	struct str arn = params_get(&c->params, "LoadBalancerArn");
	int64_t start = 0, size = GROUPS_PER_PAGE_MAX;
	size_t group, written = 0;
	bool set;

	if ((arn.len > 0 && check_known_balancer(c, arn) < 0) ||
	    call_int(c, "Marker", 0, (int64_t)GROUPS_COUNT, &start, &set) < 0 ||
	    call_int(c, "PageSize", 1, GROUPS_PER_PAGE_MAX, &size, &set) < 0)
		return -1;
	xml_open(c->out, "DescribeTargetGroupsResult");
	xml_open(c->out, "TargetGroups");
	for (group = (size_t)start; group < GROUPS_COUNT && written < (size_t)size; group++) {
		if (!group_exists(c->w, group) ||
		    (arn.len > 0 && !is_arn_of_balancer(c->w, groups[group].balancer, arn)))
			continue;
		write_group(c, group);
		written++;
	}
	xml_close(c->out, "TargetGroups");
	if (group < GROUPS_COUNT)
		xml_int(c->out, "NextMarker", (int64_t)group);
	query_close_result(c, "DescribeTargetGroupsResult");
	return 0;
}

/* ---- DescribeTargetHealth ---- */

static void
write_member(struct sim_call *c, const char *id)
{
	xml_open(c->out, "member");
	xml_open(c->out, "Target");
	xml_text(c->out, "Id", id);
	xml_int(c->out, "Port", 4789);
	xml_close(c->out, "Target");
	xml_open(c->out, "TargetHealth");
	xml_text(c->out, "State", "healthy");
	xml_close(c->out, "TargetHealth");
	xml_close(c->out, "member");
}

static void
write_instance_member(struct sim_call *c, size_t group, uint64_t n)
{
	char id[SIM_ID_BYTES > ADDRESS_BYTES ? SIM_ID_BYTES : ADDRESS_BYTES];
	struct instance i;

	id_write(c->w, ID_INSTANCE, n, id);
	if (strcmp(groups[group].type, "ip") == 0) {
		instance_load(c->w, n, LOOK_TRUE, &i);
		address_write(address_of(c->w, &i, 0), c->w->opts.ipv6, id);
	}
	write_member(c, id);
}

static bool
find_group(const struct sim_world *w, struct str arn, size_t *ret_group)
{
	for (size_t group = 0; group < GROUPS_COUNT; group++) {
		char *own = group_arn(w, group);
		bool is = group_exists(w, group) && str_is(arn, own);

		free(own);
		*ret_group = group;
		if (is)
			return true;
	}
	return false;
}

int
op_describe_target_health(struct sim_call *c)
{
	struct str arn;
	size_t group;

	if (call_need(c, "TargetGroupArn", &arn) < 0)
		return -1;
	if (!find_group(c->w, arn, &group))
		return call_fail(
		    c, 400, "TargetGroupNotFound", "One or more target groups not found");
	xml_open(c->out, "DescribeTargetHealthResult");
	xml_open(c->out, "TargetHealthDescriptions");
	if (group == INSTANCE_GROUPS) {
		char *inner = balancer_arn(c->w, BALANCER_INNER);

		write_member(c, inner);
		free(inner);
	}
	for (size_t i = group; i < c->w->members_count && group < INSTANCE_GROUPS;
	     i += INSTANCE_GROUPS)
		write_instance_member(c, group, c->w->members[i]);
	xml_close(c->out, "TargetHealthDescriptions");
	query_close_result(c, "DescribeTargetHealthResult");
	return 0;
}

/* ---- the endpoint and its service ---- */

static uint64_t
gateways_end(const struct sim_world *w)
{
	return w->opts.gateway ? 1 : 0;
}

static bool
load_gateway(const struct sim_world *w, uint64_t n, void *ret_object)
{
	*(uint64_t *)ret_object = n;
	return n < gateways_end(w);
}

static void
match_owned(struct match *m, char *text)
{
	match_text(m, text);
	free(text);
}

static void
offer_endpoint_id(struct match *m, const void *object)
{
	(void)object;
	match_owned(m, members_endpoint_id(m->w));
}

static void
offer_service_name(struct match *m, const void *object)
{
	(void)object;
	match_owned(m, service_name(m->w));
}

static void
offer_service_id(struct match *m, const void *object)
{
	(void)object;
	match_owned(m, service_id(m->w));
}

static void
write_endpoint(struct sim_call *c, const void *object, void *state)
{
	char vpc[SIM_ID_BYTES];

	(void)object;
	(void)state;
	id_write(c->w, ID_VPC, 0, vpc);
	xml_open(c->out, "item");
	write_owned(c, "vpcEndpointId", members_endpoint_id(c->w));
	xml_text(c->out, "vpcEndpointType", "GatewayLoadBalancer");
	xml_text(c->out, "vpcId", vpc);
	write_owned(c, "serviceName", service_name(c->w));
	xml_text(c->out, "state", "available");
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	xml_close(c->out, "item");
}

static void
write_service(struct sim_call *c, const void *object, void *state)
{
	(void)object;
	(void)state;
	xml_open(c->out, "item");
	write_owned(c, "serviceId", service_id(c->w));
	write_owned(c, "serviceName", service_name(c->w));
	xml_text(c->out, "serviceState", "Available");
	xml_open(c->out, "gatewayLoadBalancerArnSet");
	write_owned(c, "item", balancer_arn(c->w, BALANCER_GATEWAY));
	xml_close(c->out, "gatewayLoadBalancerArnSet");
	xml_close(c->out, "item");
}

static const struct describe_filter endpoint_filters[] = {
    {"service-name", offer_service_name},
    {"vpc-endpoint-id", offer_endpoint_id},
    {NULL, NULL},
};

static const struct describe describe_endpoints = {
    .set = "vpcEndpointSet",
    .stale = STALE_OTHER,
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(uint64_t),
    .filters = endpoint_filters,
    .end = gateways_end,
    .load = load_gateway,
    .write = write_endpoint,
};

static const struct describe_filter service_filters[] = {
    {"service-id", offer_service_id},
    {"service-name", offer_service_name},
    {NULL, NULL},
};

static const struct describe describe_services = {
    .set = "serviceConfigurationSet",
    .stale = STALE_OTHER,
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(uint64_t),
    .filters = service_filters,
    .end = gateways_end,
    .load = load_gateway,
    .write = write_service,
};

int
op_describe_endpoints(struct sim_call *c)
{
	return describe_run(c, &describe_endpoints);
}

int
op_describe_services(struct sim_call *c)
{
	return describe_run(c, &describe_services);
}
