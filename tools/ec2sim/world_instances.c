#include "world_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int code;
} states[STATE_COUNT] = {
    [STATE_PENDING] = {"pending", 0},
    [STATE_RUNNING] = {"running", 16},
    [STATE_SHUTTING_DOWN] = {"shutting-down", 32},
    [STATE_TERMINATED] = {"terminated", 48},
    [STATE_STOPPING] = {"stopping", 64},
    [STATE_STOPPED] = {"stopped", 80},
};

const char *
state_name(enum instance_state state)
{
	return states[state].name;
}

int
state_code(enum instance_state state)
{
	return states[state].code;
}

/* ---- one instance as XML ---- */

static void
write_id(
    const struct sim_world *w, struct buf *out, const char *name, enum id_kind kind, uint64_t n)
{
	char id[SIM_ID_BYTES];

	id_write(w, kind, n, id);
	xml_text(out, name, id);
}

static void
write_groups(const struct sim_world *w, struct buf *out, const struct instance *i)
{
	xml_open(out, "groupSet");
	xml_open(out, "item");
	write_id(w, out, "groupId", ID_GROUP, i->vpc);
	xml_text(out, "groupName", "default");
	xml_close(out, "item");
	xml_close(out, "groupSet");
}

static void
address_text(const struct sim_world *w, const struct instance *i, unsigned device, char out[16])
{
	uint32_t address = address_of(w, i, device);
	char *p = out;

	for (unsigned shift = 32; shift > 0; shift -= 8) {
		unsigned byte = address >> (shift - 8) & 255;

		if (byte >= 100)
			*p++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*p++ = (char)('0' + byte / 10 % 10);
		*p++ = (char)('0' + byte % 10);
		*p++ = shift > 8 ? '.' : '\0';
	}
}

static void
write_interface(const struct sim_world *w, struct buf *out, const struct instance *i,
    unsigned device, const char *when)
{
	uint64_t n = i->n * INTERFACES_MAX + device;
	char address[16];

	address_text(w, i, device, address);
	xml_open(out, "item");
	write_id(w, out, "networkInterfaceId", ID_INTERFACE, n);
	write_id(w, out, "subnetId", ID_SUBNET, i->subnet);
	write_id(w, out, "vpcId", ID_VPC, i->vpc);
	buf_add_str(out, STR("<description/>"));
	xml_text(out, "ownerId", w->opts.account_id);
	buf_add_str(out, STR("<status>in-use</status>"));
	xml_text(out, "privateIpAddress", address);
	buf_add_str(out, STR("<sourceDestCheck>true</sourceDestCheck>"));
	write_groups(w, out, i);
	xml_open(out, "attachment");
	write_id(w, out, "attachmentId", ID_ATTACHMENT, n);
	xml_int(out, "deviceIndex", device);
	buf_add_str(out, STR("<status>attached</status>"));
	xml_text(out, "attachTime", when);
	xml_text(out, "deleteOnTermination", device == 0 ? "true" : "false");
	buf_add_str(out, STR("<networkCardIndex>0</networkCardIndex></attachment>"
			     "<interfaceType>interface</interfaceType></item>"));
}

static void
write_network(
    const struct sim_world *w, struct buf *out, const struct instance *i, const char *when)
{
	char address[16];

	if (i->interfaces == 0) {
		xml_empty(out, "networkInterfaceSet");
		return;
	}
	address_text(w, i, 0, address);
	write_id(w, out, "subnetId", ID_SUBNET, i->subnet);
	write_id(w, out, "vpcId", ID_VPC, i->vpc);
	xml_text(out, "privateIpAddress", address);
	buf_add_str(out, STR("<sourceDestCheck>true</sourceDestCheck>"));
	write_groups(w, out, i);
	xml_open(out, "networkInterfaceSet");
	for (unsigned k = 0; k < i->interfaces; k++)
		write_interface(w, out, i, i->order[k], when);
	xml_close(out, "networkInterfaceSet");
}

static void
write_state(struct buf *out, const char *name, enum instance_state state)
{
	xml_open(out, name);
	xml_int(out, "code", states[state].code);
	xml_text(out, "name", states[state].name);
	xml_close(out, name);
}

/* What is the same of all instances is written as one text: pages are most of what a client
 * waits for. */
void
instance_write(const struct sim_world *w, struct buf *out, const struct instance *i)
{
	char when[CLOCK_ISO_BYTES], zone[ZONE_BYTES];

	clock_iso(i->launch_ms, when);
	zone_of_subnet(w, i->subnet, zone);
	xml_open(out, "item");
	write_id(w, out, "instanceId", ID_INSTANCE, i->n);
	xml_text(out, "imageId", i->image);
	write_state(out, "instanceState", i->state);
	buf_add_str(out, STR("<privateDnsName/><dnsName/>"));
	if (i->state == STATE_TERMINATED) {
		xml_text(out, "reason", "User initiated");
		xml_open(out, "stateReason");
		xml_text(out, "code", "Client.UserInitiatedShutdown");
		xml_text(out, "message", "Client.UserInitiatedShutdown: User initiated shutdown");
		xml_close(out, "stateReason");
	}
	xml_int(out, "amiLaunchIndex", i->launch_index);
	buf_add_str(out, STR("<productCodes/>"));
	xml_text(out, "instanceType", i->type);
	xml_text(out, "launchTime", when);
	xml_open(out, "placement");
	xml_text(out, "availabilityZone", zone);
	buf_add_str(
	    out, STR("<groupName/><tenancy>default</tenancy></placement>"
		     "<architecture>x86_64</architecture><rootDeviceType>ebs</rootDeviceType>"));
	xml_text(out, "clientToken", i->client_token);
	buf_add_str(
	    out, STR("<hypervisor>xen</hypervisor><virtualizationType>hvm</virtualizationType>"));
	write_network(w, out, i, when);
	tags_write_xml(out, &i->tags);
	xml_close(out, "item");
}

/* ---- DescribeInstances ---- */

static void
offer_image(struct match *m, const void *object)
{
	match_text(m, ((const struct instance *)object)->image);
}

static void
offer_id(struct match *m, const void *object)
{
	match_id(m, ID_INSTANCE, ((const struct instance *)object)->n);
}

static void
offer_state(struct match *m, const void *object)
{
	match_text(m, state_name(((const struct instance *)object)->state));
}

static void
offer_state_code(struct match *m, const void *object)
{
	match_int(m, state_code(((const struct instance *)object)->state));
}

static void
offer_type(struct match *m, const void *object)
{
	match_text(m, ((const struct instance *)object)->type);
}

static void
offer_token(struct match *m, const void *object)
{
	match_text(m, ((const struct instance *)object)->client_token);
}

static void
offer_interface(struct match *m, const void *object)
{
	const struct instance *i = object;

	for (unsigned k = 0; k < i->interfaces; k++)
		match_id(m, ID_INTERFACE, i->n * INTERFACES_MAX + k);
}

static void
offer_owner(struct match *m, const void *object)
{
	(void)object;
	match_text(m, m->w->opts.account_id);
}

static void
offer_reservation(struct match *m, const void *object)
{
	match_id(m, ID_RESERVATION, ((const struct instance *)object)->reservation);
}

static void
offer_subnet(struct match *m, const void *object)
{
	const struct instance *i = object;

	if (i->interfaces > 0)
		match_id(m, ID_SUBNET, i->subnet);
}

static void
offer_vpc(struct match *m, const void *object)
{
	const struct instance *i = object;

	if (i->interfaces > 0)
		match_id(m, ID_VPC, i->vpc);
}

static void
offer_zone(struct match *m, const void *object)
{
	char zone[ZONE_BYTES];

	zone_of_subnet(m->w, ((const struct instance *)object)->subnet, zone);
	match_text(m, zone);
}

static const struct describe_filter instance_filters[] = {
    {"availability-zone", offer_zone},
    {"client-token", offer_token},
    {"image-id", offer_image},
    {"instance-id", offer_id},
    {"instance-state-code", offer_state_code},
    {"instance-state-name", offer_state},
    {"instance-type", offer_type},
    {"network-interface.network-interface-id", offer_interface},
    {"network-interface.subnet-id", offer_subnet},
    {"network-interface.vpc-id", offer_vpc},
    {"owner-id", offer_owner},
    {"reservation-id", offer_reservation},
    {"subnet-id", offer_subnet},
    {"vpc-id", offer_vpc},
    {NULL, NULL},
};

static bool
collect_id(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t n;
	bool formed;

	if (id_read(w, ID_INSTANCE, value, &n, &formed))
		idmap_set(numbers, n, 0);
	return true;
}

static bool
collect_interface(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t n;
	bool formed;

	if (id_read(w, ID_INTERFACE, value, &n, &formed))
		idmap_set(numbers, n / INTERFACES_MAX, 0);
	return true;
}

static const struct describe_index instance_indexes[] = {
    {"instance-id", collect_id},
    {"network-interface.network-interface-id", collect_interface},
    {NULL, NULL},
};

static bool
load_seen(const struct sim_world *w, uint64_t n, void *ret_object)
{
	return instance_load(w, n, LOOK_SEEN, ret_object);
}

static struct tags
instance_tags(const void *object)
{
	return ((const struct instance *)object)->tags;
}

/* The reservation that is open in the list. */
struct reservation_state {
	bool open;
	uint64_t number;
};
_Static_assert(sizeof(struct reservation_state) <= DESCRIBE_STATE_BYTES, "the describe's room");

static void
finish_reservation(struct sim_call *c, void *state)
{
	struct reservation_state *r = state;

	if (r->open) {
		xml_close(c->out, "instancesSet");
		xml_close(c->out, "item");
	}
	r->open = false;
}

static void
write_listed(struct sim_call *c, const void *object, void *state)
{
	const struct instance *i = object;
	struct reservation_state *r = state;

	if (!r->open || r->number != i->reservation) {
		finish_reservation(c, state);
		xml_open(c->out, "item");
		write_id(c->w, c->out, "reservationId", ID_RESERVATION, i->reservation);
		xml_text(c->out, "ownerId", c->w->opts.account_id);
		xml_empty(c->out, "groupSet");
		xml_open(c->out, "instancesSet");
		*r = (struct reservation_state){.open = true, .number = i->reservation};
	}
	instance_write(c->w, c->out, i);
}

static const struct describe describe_instances = {
    .set = "reservationSet",
    .id_param = "InstanceId",
    .id_kind = ID_INSTANCE,
    .stale = STALE_INSTANCES,
    .not_found = "InvalidInstanceID.NotFound",
    .malformed = "InvalidInstanceID.Malformed",
    .ids_or_pages = true,
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct instance),
    .filters = instance_filters,
    .indexes = instance_indexes,
    .end = instances_end,
    .load = load_seen,
    .tags = instance_tags,
    .write = write_listed,
    .finish = finish_reservation,
};

int
op_describe_instances(struct sim_call *c)
{
	return describe_run(c, &describe_instances);
}

/* ---- TerminateInstances ---- */

static void
note_ending(struct sim_world *w, uint64_t n, enum instance_state before, bool stopped)
{
	if ((w->endings_count & (w->endings_count - 1)) == 0)
		w->endings = mem_resize(w->endings,
		    w->endings_count == 0 ? 1 : w->endings_count * 2, sizeof(w->endings[0]));
	w->endings[w->endings_count] = (struct ending){
	    .before = before, .stopped = stopped, .ended = stamp_now(w, STALE_INSTANCES)};
	idmap_set(&w->ending_of, n, w->endings_count);
	w->endings_count++;
}

void
instance_end(struct sim_world *w, uint64_t n, enum instance_state before)
{
	for (unsigned device = 0; device < INTERFACES_MAX; device++) {
		uint64_t interface = n * INTERFACES_MAX + device;

		while (sessions_first(w, interface) != 0)
			session_end(w, sessions_first(w, interface) - 1);
	}
	note_ending(w, n, before, false);
}

static int
terminate_one(struct sim_call *c, uint64_t n)
{
	struct instance i;
	enum instance_state before;

	instance_load(c->w, n, LOOK_TRUE, &i);
	before = i.state;
	if (before != STATE_TERMINATED)
		instance_end(c->w, n, before);
	xml_open(c->out, "item");
	write_id(c->w, c->out, "instanceId", ID_INSTANCE, n);
	write_state(c->out, "currentState",
	    before == STATE_TERMINATED ? STATE_TERMINATED : STATE_SHUTTING_DOWN);
	write_state(c->out, "previousState", before);
	xml_close(c->out, "item");
	return 0;
}

#define TERMINATE_MAX 1000u

int
op_terminate_instances(struct sim_call *c)
{
	struct str *ids;
	size_t count = params_list(&c->params, "InstanceId", &ids);
	uint64_t numbers[TERMINATE_MAX];
	int result = 0;

	if (count == 0)
		result = call_fail_missing(c, "InstanceId");
	else if (count > TERMINATE_MAX)
		result = call_fail(
		    c, 400, "InvalidParameterValue", "More than %u instances", TERMINATE_MAX);
	for (size_t k = 0; k < count && result == 0; k++) {
		bool formed;
		bool found = id_read(c->w, ID_INSTANCE, ids[k], &numbers[k], &formed) &&
			     numbers[k] < instances_end(c->w);

		if (!found)
			result = call_fail(c, 400,
			    formed ? "InvalidInstanceID.NotFound" : "InvalidInstanceID.Malformed",
			    "The instance ID '%.*s' does not exist",
			    (int)(ids[k].len < 100 ? ids[k].len : 100), ids[k].p);
	}
	if (result == 0)
		result = call_dry_run(c);
	if (result == 0) {
		xml_open(c->out, "instancesSet");
		for (size_t k = 0; k < count; k++)
			terminate_one(c, numbers[k]);
		xml_close(c->out, "instancesSet");
	}
	free(ids);
	return result;
}

static int
find_by_text(
    struct sim_world *world, const char *instance_id, struct instance *ret, struct tmf_err *err)
{
	uint64_t n;
	bool formed;

	if (id_read(world, ID_INSTANCE, str_of(instance_id), &n, &formed) &&
	    instance_load(world, n, LOOK_TRUE, ret))
		return 0;
	return tmf_err_set(err, TMF_ERR_NOT_FOUND, "no instance %s", instance_id);
}

int
world_terminate(
    struct sim_world *world, const char *instance_id, int64_t now_wall_ms, struct tmf_err *err)
{
	struct instance i = {.state = STATE_TERMINATED};

	world->now_wall_ms = now_wall_ms;
	if (find_by_text(world, instance_id, &i, err) < 0)
		return -1;
	if (i.state != STATE_TERMINATED)
		instance_end(world, i.n, i.state);
	return 0;
}

int
world_stop(
    struct sim_world *world, const char *instance_id, int64_t now_wall_ms, struct tmf_err *err)
{
	struct instance i = {.state = STATE_TERMINATED};

	world->now_wall_ms = now_wall_ms;
	if (find_by_text(world, instance_id, &i, err) < 0)
		return -1;
	if (i.state != STATE_RUNNING && i.state != STATE_STOPPED)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "instance %s is %s", instance_id, state_name(i.state));
	if (i.state == STATE_RUNNING)
		note_ending(world, i.n, i.state, true);
	return 0;
}
