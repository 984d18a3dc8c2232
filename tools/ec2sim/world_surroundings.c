#include "world_internal.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * What stands between a source and its target: network ACLs, route tables, regions. One ACL and one
 * table a VPC, which let everything pass and lead from each VPC to each other one, so that a
 * generated world is one in which mirroring works. Worlds in which it does not are made of answers
 * (world_answers.c). Nothing here can be changed by a call.
 */

static uint64_t
surroundings_end(const struct sim_world *w)
{
	return w->opts.vpcs;
}

static bool
load_surrounding(const struct sim_world *w, uint64_t n, void *ret_object)
{
	*(uint64_t *)ret_object = n;
	return n < w->opts.vpcs;
}

static void
offer_vpc(struct match *m, const void *object)
{
	match_id(m, ID_VPC, *(const uint64_t *)object);
}

static void
offer_subnets(struct match *m, const void *object)
{
	uint64_t vpc = *(const uint64_t *)object;

	for (unsigned subnet = 0; subnet < subnets_count(m->w); subnet++)
		if (vpc_of_subnet(m->w, subnet) == vpc)
			match_id(m, ID_SUBNET, subnet);
}

static void
write_vpc_id(struct sim_call *c, uint64_t vpc)
{
	char id[SIM_ID_BYTES];

	id_write(c->w, ID_VPC, vpc, id);
	xml_text(c->out, "vpcId", id);
}

/* Each subnet of the VPC, as associationSet has it. */
static void
write_associations(struct sim_call *c, uint64_t vpc)
{
	char id[SIM_ID_BYTES];

	for (unsigned subnet = 0; subnet < subnets_count(c->w); subnet++) {
		if (vpc_of_subnet(c->w, subnet) != vpc)
			continue;
		id_write(c->w, ID_SUBNET, subnet, id);
		xml_open(c->out, "item");
		xml_text(c->out, "subnetId", id);
		xml_close(c->out, "item");
	}
}

/* ---- network ACLs ---- */

static void
write_entry(struct sim_call *c, unsigned number, const char *action, bool egress)
{
	xml_open(c->out, "item");
	xml_int(c->out, "ruleNumber", number);
	xml_text(c->out, "protocol", "-1");
	xml_text(c->out, "ruleAction", action);
	xml_text(c->out, "egress", egress ? "true" : "false");
	xml_text(c->out, "cidrBlock", "0.0.0.0/0");
	xml_close(c->out, "item");
}

static void
write_acl(struct sim_call *c, const void *object, void *state)
{
	uint64_t vpc = *(const uint64_t *)object;

	(void)state;
	xml_open(c->out, "item");
	buf_printf(c->out, "<networkAclId>acl-0%016llx</networkAclId>",
	    (unsigned long long)world_hash(c->w, 8, vpc));
	write_vpc_id(c, vpc);
	xml_text(c->out, "default", "true");
	xml_open(c->out, "entrySet");
	for (int egress = 0; egress < 2; egress++) {
		write_entry(c, 100, "allow", egress != 0);
		write_entry(c, 32767, "deny", egress != 0);
	}
	xml_close(c->out, "entrySet");
	xml_open(c->out, "associationSet");
	write_associations(c, vpc);
	xml_close(c->out, "associationSet");
	xml_close(c->out, "item");
}

static const struct describe_filter acl_filters[] = {
    {"association.subnet-id", offer_subnets},
    {"vpc-id", offer_vpc},
    {NULL, NULL},
};

static const struct describe describe_acls = {
    .set = "networkAclSet",
    .stale = STALE_OTHER,
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(uint64_t),
    .filters = acl_filters,
    .end = surroundings_end,
    .load = load_surrounding,
    .write = write_acl,
};

int
op_describe_acls(struct sim_call *c)
{
	return describe_run(c, &describe_acls);
}

/* ---- route tables ---- */

static void
write_route(struct sim_call *c, uint64_t to, const char *element, const char *id)
{
	xml_open(c->out, "item");
	buf_printf(
	    c->out, "<destinationCidrBlock>10.%u.0.0/16</destinationCidrBlock>", (unsigned)to);
	xml_text(c->out, element, id);
	xml_text(c->out, "state", "active");
	xml_close(c->out, "item");
}

/* A peering connection has one id, from whichever side it is seen. */
static void
write_peering(struct sim_call *c, uint64_t from, uint64_t to)
{
	uint64_t low = from < to ? from : to;
	uint64_t high = from < to ? to : from;
	char id[SIM_ID_BYTES];

	snprintf(id, sizeof(id), "pcx-0%016llx",
	    (unsigned long long)world_hash(c->w, 9, low * SIM_VPCS_MAX + high));
	write_route(c, to, "vpcPeeringConnectionId", id);
}

static void
write_route_table(struct sim_call *c, const void *object, void *state)
{
	uint64_t vpc = *(const uint64_t *)object;

	(void)state;
	xml_open(c->out, "item");
	buf_printf(c->out, "<routeTableId>rtb-0%016llx</routeTableId>",
	    (unsigned long long)world_hash(c->w, 10, vpc));
	write_vpc_id(c, vpc);
	xml_open(c->out, "routeSet");
	write_route(c, vpc, "gatewayId", "local");
	for (uint64_t other = 0; other < c->w->opts.vpcs; other++)
		if (other != vpc)
			write_peering(c, vpc, other);
	xml_close(c->out, "routeSet");
	xml_open(c->out, "associationSet");
	xml_open(c->out, "item");
	xml_text(c->out, "main", "true");
	xml_close(c->out, "item");
	xml_close(c->out, "associationSet");
	xml_close(c->out, "item");
}

static const struct describe_filter route_table_filters[] = {
    {"vpc-id", offer_vpc},
    {NULL, NULL},
};

static const struct describe describe_route_tables = {
    .set = "routeTableSet",
    .stale = STALE_OTHER,
    .min = 5,
    .max = 100,
    .object_bytes = sizeof(uint64_t),
    .filters = route_table_filters,
    .end = surroundings_end,
    .load = load_surrounding,
    .write = write_route_table,
};

int
op_describe_route_tables(struct sim_call *c)
{
	return describe_run(c, &describe_route_tables);
}

/* ---- regions ---- */

/* True where no regions are asked for by name, or this one is. */
static bool
is_asked_region(const struct sim_call *c, const char *name)
{
	struct str *names;
	size_t count = params_list(&c->params, "RegionName", &names);
	bool asked = count == 0;

	for (size_t i = 0; i < count; i++)
		asked = asked || str_is(names[i], name);
	free(names);
	return asked;
}

static void
write_region(struct sim_call *c, const char *name, const char *status)
{
	if (!is_asked_region(c, name))
		return;
	xml_open(c->out, "item");
	xml_text(c->out, "regionName", name);
	buf_printf(c->out, "<regionEndpoint>ec2.%s.amazonaws.com</regionEndpoint>", name);
	xml_text(c->out, "optInStatus", status);
	xml_close(c->out, "item");
}

/* Those of the realm that the account has enabled. */
static void
write_realm_regions(struct sim_call *c)
{
	const char *name;

	for (size_t i = 0; (name = realm_region(c->w->realm, i)) != NULL; i++)
		if (realm_region_enabled(c->w->realm, c->w->account, name))
			write_region(c, name, "opt-in-not-required");
}

/* Where no regions were given: the world's own, and others that an account may use. */
int
op_describe_regions(struct sim_call *c)
{
	static const char *const others[] = {"us-east-1", "us-west-2", "eu-west-1"};

	if (call_dry_run(c) < 0)
		return -1;
	xml_open(c->out, "regionInfo");
	if (realm_region(c->w->realm, 0) != NULL) {
		write_realm_regions(c);
		xml_close(c->out, "regionInfo");
		return 0;
	}
	write_region(c, c->w->opts.region, "opt-in-not-required");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!str_is(str_of(c->w->opts.region), others[i]))
			write_region(c, others[i], "opt-in-not-required");
	xml_close(c->out, "regionInfo");
	return 0;
}
