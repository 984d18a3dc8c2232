#include "world_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

/* VPCs, subnets, security groups, interfaces, filters and the image: what stands around the
 * instances. Nothing here can be made or deleted. */

/* A VPC, a subnet or a filter: a number and its tags. */
struct place {
	uint64_t n;
	struct tags tags;
	char text[INSTANCE_TAGS_BYTES];
};

static bool
load_place(
    const struct sim_world *w, enum id_kind kind, uint64_t n, uint64_t end, struct place *ret)
{
	ret->n = n;
	if (n >= end)
		return false;
	ret->tags = tags_of(w, kind, n, ret->text);
	return true;
}

static struct tags
place_tags(const void *object)
{
	return ((const struct place *)object)->tags;
}

static void
write_place_id(struct sim_call *c, const char *name, enum id_kind kind, uint64_t n)
{
	char id[SIM_ID_BYTES];

	id_write(c->w, kind, n, id);
	xml_text(c->out, name, id);
}

static void
offer_owner(struct match *m, const void *object)
{
	(void)object;
	match_text(m, m->w->opts.account_id);
}

static void
offer_available(struct match *m, const void *object)
{
	(void)object;
	match_text(m, "available");
}

/* ---- VPCs ---- */

static uint64_t
vpcs_end(const struct sim_world *w)
{
	return w->opts.vpcs;
}

static bool
load_vpc(const struct sim_world *w, uint64_t n, void *ret_object)
{
	return load_place(w, ID_VPC, n, w->opts.vpcs, ret_object);
}

static void
offer_vpc(struct match *m, const void *object)
{
	match_id(m, ID_VPC, ((const struct place *)object)->n);
}

static void
write_vpc(struct sim_call *c, const void *object, void *state)
{
	const struct place *p = object;

	(void)state;
	xml_open(c->out, "item");
	write_place_id(c, "vpcId", ID_VPC, p->n);
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	xml_text(c->out, "state", "available");
	buf_printf(c->out, "<cidrBlock>10.%u.0.0/16</cidrBlock>", (unsigned)p->n);
	xml_text(c->out, "instanceTenancy", "default");
	xml_text(c->out, "isDefault", "false");
	tags_write_xml(c->out, &p->tags);
	xml_close(c->out, "item");
}

static const struct describe_filter vpc_filters[] = {
    {"owner-id", offer_owner},
    {"state", offer_available},
    {"vpc-id", offer_vpc},
    {NULL, NULL},
};

static const struct describe describe_vpcs = {
    .set = "vpcSet",
    .id_param = "VpcId",
    .id_kind = ID_VPC,
    .stale = STALE_OTHER,
    .not_found = "InvalidVpcID.NotFound",
    .malformed = "InvalidVpcID.Malformed",
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct place),
    .filters = vpc_filters,
    .end = vpcs_end,
    .load = load_vpc,
    .tags = place_tags,
    .write = write_vpc,
};

int
op_describe_vpcs(struct sim_call *c)
{
	return describe_run(c, &describe_vpcs);
}

/* ---- subnets ---- */

static uint64_t
subnets_end(const struct sim_world *w)
{
	return subnets_count(w);
}

static bool
load_subnet(const struct sim_world *w, uint64_t n, void *ret_object)
{
	return load_place(w, ID_SUBNET, n, subnets_count(w), ret_object);
}

static void
offer_subnet(struct match *m, const void *object)
{
	match_id(m, ID_SUBNET, ((const struct place *)object)->n);
}

static void
offer_subnet_vpc(struct match *m, const void *object)
{
	match_id(m, ID_VPC, vpc_of_subnet(m->w, (unsigned)((const struct place *)object)->n));
}

static void
offer_subnet_zone(struct match *m, const void *object)
{
	char zone[ZONE_BYTES];

	zone_of_subnet(m->w, (unsigned)((const struct place *)object)->n, zone);
	match_text(m, zone);
}

static void
write_subnet(struct sim_call *c, const void *object, void *state)
{
	const struct place *p = object;
	unsigned vpc = vpc_of_subnet(c->w, (unsigned)p->n);
	char zone[ZONE_BYTES], id[SIM_ID_BYTES];

	(void)state;
	zone_of_subnet(c->w, (unsigned)p->n, zone);
	id_write(c->w, ID_SUBNET, p->n, id);
	xml_open(c->out, "item");
	xml_text(c->out, "subnetId", id);
	buf_printf(c->out, "<subnetArn>arn:aws:ec2:%s:%s:subnet/%s</subnetArn>", c->w->opts.region,
	    c->w->opts.account_id, id);
	xml_text(c->out, "state", "available");
	write_place_id(c, "vpcId", ID_VPC, vpc);
	buf_printf(c->out, "<cidrBlock>10.%u.%u.0/24</cidrBlock>", vpc,
	    (unsigned)p->n % c->w->opts.subnets_per_vpc);
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	xml_int(c->out, "availableIpAddressCount", 200);
	xml_text(c->out, "availabilityZone", zone);
	xml_text(c->out, "defaultForAz", "false");
	xml_text(c->out, "mapPublicIpOnLaunch", "false");
	xml_text(c->out, "ipv6Native", "false");
	tags_write_xml(c->out, &p->tags);
	xml_close(c->out, "item");
}

static const struct describe_filter subnet_filters[] = {
    {"availability-zone", offer_subnet_zone},
    {"owner-id", offer_owner},
    {"state", offer_available},
    {"subnet-id", offer_subnet},
    {"vpc-id", offer_subnet_vpc},
    {NULL, NULL},
};

static const struct describe describe_subnets = {
    .set = "subnetSet",
    .id_param = "SubnetId",
    .id_kind = ID_SUBNET,
    .stale = STALE_OTHER,
    .not_found = "InvalidSubnetID.NotFound",
    .malformed = "InvalidSubnetID.Malformed",
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct place),
    .filters = subnet_filters,
    .end = subnets_end,
    .load = load_subnet,
    .tags = place_tags,
    .write = write_subnet,
};

int
op_describe_subnets(struct sim_call *c)
{
	return describe_run(c, &describe_subnets);
}

/* ---- security groups ---- */

static bool
load_group(const struct sim_world *w, uint64_t n, void *ret_object)
{
	return load_place(w, ID_GROUP, n, w->opts.vpcs, ret_object);
}

static void
offer_group(struct match *m, const void *object)
{
	match_id(m, ID_GROUP, ((const struct place *)object)->n);
}

/* Ports are named of a single protocol only: those of mirrored packets. */
static void
write_permission(struct sim_call *c, const char *protocol, const char *range)
{
	xml_open(c->out, "item");
	xml_text(c->out, "ipProtocol", protocol);
	if (protocol[0] != '-') {
		xml_int(c->out, "fromPort", 4789);
		xml_int(c->out, "toPort", 4789);
	}
	xml_open(c->out, "ipRanges");
	xml_open(c->out, "item");
	xml_text(c->out, "cidrIp", range);
	xml_close(c->out, "item");
	xml_close(c->out, "ipRanges");
	xml_close(c->out, "item");
}

/* One a VPC, with the VPC's number. */
static void
write_group(struct sim_call *c, const void *object, void *state)
{
	const struct place *p = object;

	(void)state;
	xml_open(c->out, "item");
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	write_place_id(c, "groupId", ID_GROUP, p->n);
	xml_text(c->out, "groupName", "targets");
	xml_text(c->out, "groupDescription", "of mirror targets");
	write_place_id(c, "vpcId", ID_VPC, p->n);
	xml_open(c->out, "ipPermissions");
	write_permission(c, "udp", "10.0.0.0/8");
	xml_close(c->out, "ipPermissions");
	xml_open(c->out, "ipPermissionsEgress");
	write_permission(c, "-1", "0.0.0.0/0");
	xml_close(c->out, "ipPermissionsEgress");
	tags_write_xml(c->out, &p->tags);
	xml_close(c->out, "item");
}

static const struct describe_filter group_filters[] = {
    {"group-id", offer_group},
    {"owner-id", offer_owner},
    {"vpc-id", offer_vpc},
    {NULL, NULL},
};

static const struct describe describe_groups = {
    .set = "securityGroupInfo",
    .id_param = "GroupId",
    .id_kind = ID_GROUP,
    .stale = STALE_OTHER,
    .not_found = "InvalidGroup.NotFound",
    .malformed = "InvalidGroupId.Malformed",
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct place),
    .filters = group_filters,
    .end = vpcs_end,
    .load = load_group,
    .tags = place_tags,
    .write = write_group,
};

int
op_describe_groups(struct sim_call *c)
{
	return describe_run(c, &describe_groups);
}

/* ---- the one image ---- */

static uint64_t
images_end(const struct sim_world *w)
{
	(void)w;
	return 1;
}

static bool
load_image(const struct sim_world *w, uint64_t n, void *ret_object)
{
	*(uint64_t *)ret_object = n;
	return n < images_end(w);
}

static void
offer_image(struct match *m, const void *object)
{
	(void)object;
	match_text(m, world_image_id);
}

static void
write_image(struct sim_call *c, const void *object, void *state)
{
	(void)object;
	(void)state;
	xml_open(c->out, "item");
	xml_text(c->out, "imageId", world_image_id);
	xml_text(c->out, "imageState", "available");
	xml_text(c->out, "imageOwnerId", c->w->opts.account_id);
	xml_text(c->out, "architecture", "x86_64");
	xml_close(c->out, "item");
}

static const struct describe_filter image_filters[] = {
    {"image-id", offer_image},
    {"owner-id", offer_owner},
    {"state", offer_available},
    {NULL, NULL},
};

static const struct describe describe_images = {
    .set = "imagesSet",
    .stale = STALE_OTHER,
    .min = 1,
    .max = 1000,
    .object_bytes = sizeof(uint64_t),
    .filters = image_filters,
    .end = images_end,
    .load = load_image,
    .write = write_image,
};

int
op_describe_images(struct sim_call *c)
{
	return describe_run(c, &describe_images);
}

/* ---- filters ---- */

static uint64_t
filters_end(const struct sim_world *w)
{
	(void)w;
	return SIM_GIVEN_FILTERS;
}

static bool
load_filter(const struct sim_world *w, uint64_t n, void *ret_object)
{
	return load_place(w, ID_FILTER, n, SIM_GIVEN_FILTERS, ret_object);
}

static void
offer_filter(struct match *m, const void *object)
{
	match_id(m, ID_FILTER, ((const struct place *)object)->n);
}

/* What the given filters accept, by their number. */
enum { FILTER_EVERYTHING, FILTER_EVERYTHING_TOO, FILTER_WEB, FILTER_NOTHING };
_Static_assert(FILTER_NOTHING == SIM_GIVEN_FILTERS - 1, "each given filter has its rules");

static const char *const filter_descriptions[] = {
    [FILTER_EVERYTHING] = "everything",
    [FILTER_EVERYTHING_TOO] = "everything",
    [FILTER_WEB] = "web",
    [FILTER_NOTHING] = "nothing",
};

static void
offer_filter_description(struct match *m, const void *object)
{
	match_text(m, filter_descriptions[((const struct place *)object)->n]);
}

static void
write_rule(struct sim_call *c, const char *direction, unsigned number, bool web)
{
	xml_open(c->out, "item");
	xml_text(c->out, "trafficDirection", direction);
	xml_int(c->out, "ruleNumber", number);
	xml_text(c->out, "ruleAction", "accept");
	if (web) {
		xml_int(c->out, "protocol", 6);
		xml_open(c->out, "destinationPortRange");
		xml_int(c->out, "fromPort", 443);
		xml_int(c->out, "toPort", 443);
		xml_close(c->out, "destinationPortRange");
	}
	xml_text(c->out, "destinationCidrBlock", "0.0.0.0/0");
	xml_text(c->out, "sourceCidrBlock", "0.0.0.0/0");
	xml_close(c->out, "item");
}

static void
write_rules(struct sim_call *c, const char *set, const char *direction, uint64_t filter)
{
	xml_open(c->out, set);
	if (filter != FILTER_NOTHING)
		write_rule(c, direction, 100, filter == FILTER_WEB);
	xml_close(c->out, set);
}

static void
write_filter(struct sim_call *c, const void *object, void *state)
{
	const struct place *p = object;

	(void)state;
	xml_open(c->out, "item");
	write_place_id(c, "trafficMirrorFilterId", ID_FILTER, p->n);
	write_rules(c, "ingressFilterRuleSet", "ingress", p->n);
	write_rules(c, "egressFilterRuleSet", "egress", p->n);
	xml_empty(c->out, "networkServiceSet");
	xml_text(c->out, "description", filter_descriptions[p->n]);
	tags_write_xml(c->out, &p->tags);
	xml_close(c->out, "item");
}

static const struct describe_filter filter_filters[] = {
    {"description", offer_filter_description},
    {"traffic-mirror-filter-id", offer_filter},
    {NULL, NULL},
};

static const struct describe describe_filters = {
    .set = "trafficMirrorFilterSet",
    .id_param = "TrafficMirrorFilterId",
    .id_kind = ID_FILTER,
    .stale = STALE_OTHER,
    .not_found = "InvalidTrafficMirrorFilterId.NotFound",
    .malformed = "InvalidTrafficMirrorFilterId.Malformed",
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct place),
    .filters = filter_filters,
    .end = filters_end,
    .load = load_filter,
    .tags = place_tags,
    .write = write_filter,
};

int
op_describe_filters(struct sim_call *c)
{
	return describe_run(c, &describe_filters);
}

/* ---- interfaces ---- */

struct interface {
	uint64_t n;
	struct tags tags;
	struct instance holder;
};

static uint64_t
interfaces_end(const struct sim_world *w)
{
	return instances_end(w) * INTERFACES_MAX;
}

static bool
load_interface(const struct sim_world *w, uint64_t n, void *ret_object)
{
	struct interface *i = ret_object;
	const struct tags_slot *slot;

	i->n = n;
	if (!interface_load(w, n, LOOK_SEEN, &i->holder))
		return false;
	slot = tags_slot_find(w, ID_INTERFACE, n);
	i->tags =
	    slot != NULL ? tags_slot_look(w, slot, STALE_INSTANCES, LOOK_SEEN) : (struct tags){0};
	return true;
}

static struct tags
interface_tags(const void *object)
{
	return ((const struct interface *)object)->tags;
}

static void
offer_interface(struct match *m, const void *object)
{
	match_id(m, ID_INTERFACE, ((const struct interface *)object)->n);
}

static void
offer_holder(struct match *m, const void *object)
{
	match_id(m, ID_INSTANCE, ((const struct interface *)object)->holder.n);
}

static void
offer_device(struct match *m, const void *object)
{
	match_int(m, (int64_t)(((const struct interface *)object)->n % INTERFACES_MAX));
}

static void
offer_interface_subnet(struct match *m, const void *object)
{
	match_id(m, ID_SUBNET, ((const struct interface *)object)->holder.subnet);
}

static void
offer_interface_vpc(struct match *m, const void *object)
{
	match_id(m, ID_VPC, ((const struct interface *)object)->holder.vpc);
}

static void
offer_address_of(struct match *m, const struct interface *i, bool ipv6)
{
	char text[ADDRESS_BYTES];

	address_write(address_of(m->w, &i->holder, (unsigned)(i->n % INTERFACES_MAX)), ipv6, text);
	match_text(m, text);
}

static void
offer_address(struct match *m, const void *object)
{
	offer_address_of(m, object, false);
}

static void
offer_ipv6_address(struct match *m, const void *object)
{
	offer_address_of(m, object, true);
}

static void
offer_in_use(struct match *m, const void *object)
{
	(void)object;
	match_text(m, "in-use");
}

static void
offer_interface_type(struct match *m, const void *object)
{
	(void)object;
	match_text(m, "interface");
}

static const struct describe_filter interface_filters[] = {
    {"addresses.private-ip-address", offer_address},
    {"attachment.device-index", offer_device},
    {"attachment.instance-id", offer_holder},
    {"interface-type", offer_interface_type},
    {"ipv6-addresses.ipv6-address", offer_ipv6_address},
    {"network-interface-id", offer_interface},
    {"owner-id", offer_owner},
    {"status", offer_in_use},
    {"subnet-id", offer_interface_subnet},
    {"vpc-id", offer_interface_vpc},
    {NULL, NULL},
};

static bool
collect_interface(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t n;
	bool formed;

	if (id_read(w, ID_INTERFACE, value, &n, &formed))
		idmap_set(numbers, n, 0);
	return true;
}

static bool
collect_holder(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t n;
	bool formed;

	if (id_read(w, ID_INSTANCE, value, &n, &formed)) {
		for (unsigned device = 0; device < INTERFACES_MAX; device++)
			idmap_set(numbers, n * INTERFACES_MAX + device, 0);
	}
	return true;
}

static const struct describe_index interface_indexes[] = {
    {"network-interface-id", collect_interface},
    {"attachment.instance-id", collect_holder},
    {NULL, NULL},
};

static void
write_interface(struct sim_call *c, const void *object, void *state)
{
	const struct interface *i = object;
	char zone[ZONE_BYTES], when[CLOCK_ISO_BYTES];
	unsigned device = (unsigned)(i->n % INTERFACES_MAX);
	char address[ADDRESS_BYTES];

	(void)state;
	address_write(address_of(c->w, &i->holder, device), false, address);
	zone_of_subnet(c->w, i->holder.subnet, zone);
	clock_iso(i->holder.launch_ms, when);
	xml_open(c->out, "item");
	write_place_id(c, "networkInterfaceId", ID_INTERFACE, i->n);
	write_place_id(c, "subnetId", ID_SUBNET, i->holder.subnet);
	write_place_id(c, "vpcId", ID_VPC, i->holder.vpc);
	xml_text(c->out, "availabilityZone", zone);
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	xml_text(c->out, "interfaceType", "interface");
	xml_text(c->out, "requesterManaged", "false");
	xml_text(c->out, "status", "in-use");
	xml_text(c->out, "privateIpAddress", address);
	xml_open(c->out, "attachment");
	write_place_id(c, "attachmentId", ID_ATTACHMENT, i->n);
	write_place_id(c, "instanceId", ID_INSTANCE, i->holder.n);
	xml_text(c->out, "instanceOwnerId", c->w->opts.account_id);
	xml_int(c->out, "deviceIndex", device);
	xml_int(c->out, "networkCardIndex", 0);
	xml_text(c->out, "status", "attached");
	xml_text(c->out, "attachTime", when);
	xml_text(c->out, "deleteOnTermination", device == 0 ? "true" : "false");
	xml_close(c->out, "attachment");
	xml_open(c->out, "groupSet");
	xml_open(c->out, "item");
	write_place_id(c, "groupId", ID_GROUP, i->holder.vpc);
	xml_close(c->out, "item");
	xml_close(c->out, "groupSet");
	tags_write_xml(c->out, &i->tags);
	xml_close(c->out, "item");
}

static const struct describe describe_interfaces = {
    .set = "networkInterfaceSet",
    .id_param = "NetworkInterfaceId",
    .id_kind = ID_INTERFACE,
    .stale = STALE_INSTANCES,
    .not_found = "InvalidNetworkInterfaceID.NotFound",
    .malformed = "InvalidNetworkInterfaceId.Malformed",
    .ids_or_pages = true,
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct interface),
    .filters = interface_filters,
    .indexes = interface_indexes,
    .end = interfaces_end,
    .load = load_interface,
    .tags = interface_tags,
    .write = write_interface,
};

int
op_describe_interfaces(struct sim_call *c)
{
	return describe_run(c, &describe_interfaces);
}
