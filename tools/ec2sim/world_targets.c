#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [TARGET_INTERFACE] = "network-interface",
    [TARGET_NLB] = "network-load-balancer",
    [TARGET_GWLBE] = "gateway-load-balancer-endpoint",
};

#define TARGETS_MAX 1000000u

static struct target *
add_target(struct sim_world *w)
{
	if ((w->targets_count & (w->targets_count - 1)) == 0)
		w->targets = mem_resize(w->targets,
		    w->targets_count == 0 ? 1 : w->targets_count * 2, sizeof(w->targets[0]));
	memset(&w->targets[w->targets_count], 0, sizeof(w->targets[0]));
	return &w->targets[w->targets_count++];
}

void
targets_given(struct sim_world *w)
{
	for (unsigned i = 0; i < SIM_GIVEN_TARGETS; i++) {
		struct target *t = add_target(w);

		t->type = TARGET_NLB;
		t->endpoint = mem_printf(
		    "arn:aws:elasticloadbalancing:%s:%s:loadbalancer/net/given-%u/%016llx",
		    w->opts.region, w->opts.account_id, i, (unsigned long long)world_hash(w, 4, i));
		t->description = mem_printf("given %u", i);
		t->created = stamp_old(w);
		t->tags.changed = stamp_old(w);
	}
	if (w->opts.gateway) {
		struct target *t = add_target(w);

		t->type = TARGET_GWLBE;
		t->endpoint = members_endpoint_id(w);
		t->created = stamp_old(w);
		t->tags.changed = stamp_old(w);
	}
}

unsigned
target_sources_max(const struct sim_world *w, const struct target *t)
{
	struct instance holder;

	if (t->type != TARGET_INTERFACE ||
	    !instance_load(w, t->interface / INTERFACES_MAX, LOOK_TRUE, &holder))
		return 0;
	return type_sources_max(holder.type);
}

/* ---- DescribeTrafficMirrorTargets ---- */

struct target_view {
	uint64_t n;
	const struct target *target;
	struct tags tags;
};

static uint64_t
targets_end(const struct sim_world *w)
{
	return w->targets_count;
}

static bool
load_target(const struct sim_world *w, uint64_t n, void *ret_object)
{
	struct target_view *v = ret_object;

	if (n >= w->targets_count)
		return false;
	v->n = n;
	v->target = &w->targets[n];
	if (!stamp_settled(w, STALE_TARGETS, &v->target->created))
		return false;
	if (v->target->deleted && stamp_settled(w, STALE_TARGETS, &v->target->deletion))
		return false;
	v->tags = tags_slot_look(w, &v->target->tags, STALE_TARGETS, LOOK_SEEN);
	return true;
}

static struct tags
target_tags(const void *object)
{
	return ((const struct target_view *)object)->tags;
}

static void
offer_description(struct match *m, const void *object)
{
	match_text(m, ((const struct target_view *)object)->target->description);
}

static void
offer_interface(struct match *m, const void *object)
{
	const struct target_view *v = object;

	if (v->target->type == TARGET_INTERFACE)
		match_id(m, ID_INTERFACE, v->target->interface);
}

static void
offer_balancer(struct match *m, const void *object)
{
	const struct target_view *v = object;

	if (v->target->type == TARGET_NLB)
		match_text(m, v->target->endpoint);
}

static void
offer_owner(struct match *m, const void *object)
{
	(void)object;
	match_text(m, m->w->opts.account_id);
}

static void
offer_id(struct match *m, const void *object)
{
	match_id(m, ID_TARGET, ((const struct target_view *)object)->n);
}

static const struct describe_filter target_filters[] = {
    {"description", offer_description},
    {"network-interface-id", offer_interface},
    {"network-load-balancer-arn", offer_balancer},
    {"owner-id", offer_owner},
    {"traffic-mirror-target-id", offer_id},
    {NULL, NULL},
};

static void
write_target(struct sim_call *c, uint64_t n, const struct tags *tags, const char *element)
{
	const struct target *t = &c->w->targets[n];
	char id[SIM_ID_BYTES];

	xml_open(c->out, element);
	id_write(c->w, ID_TARGET, n, id);
	xml_text(c->out, "trafficMirrorTargetId", id);
	if (t->type == TARGET_INTERFACE) {
		id_write(c->w, ID_INTERFACE, t->interface, id);
		xml_text(c->out, "networkInterfaceId", id);
	} else {
		xml_text(c->out,
		    t->type == TARGET_NLB ? "networkLoadBalancerArn"
					  : "gatewayLoadBalancerEndpointId",
		    t->endpoint);
	}
	xml_text(c->out, "type", type_names[t->type]);
	if (t->description != NULL)
		xml_text(c->out, "description", t->description);
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	tags_write_xml(c->out, tags);
	xml_close(c->out, element);
}

static void
write_listed(struct sim_call *c, const void *object, void *state)
{
	const struct target_view *v = object;

	(void)state;
	write_target(c, v->n, &v->tags, "item");
}

static const struct describe describe_targets = {
    .set = "trafficMirrorTargetSet",
    .id_param = "TrafficMirrorTargetId",
    .id_kind = ID_TARGET,
    .stale = STALE_TARGETS,
    .not_found = "InvalidTrafficMirrorTargetId.NotFound",
    .malformed = "InvalidTrafficMirrorTargetId.Malformed",
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct target_view),
    .filters = target_filters,
    .end = targets_end,
    .load = load_target,
    .tags = target_tags,
    .write = write_listed,
};

int
op_describe_targets(struct sim_call *c)
{
	return describe_run(c, &describe_targets);
}

/* ---- CreateTrafficMirrorTarget ---- */

static int
check_interface(struct sim_call *c, struct str id, uint64_t *ret_interface)
{
	int len = (int)(id.len < 100 ? id.len : 100);
	struct instance holder;
	uint64_t other;
	bool formed;

	if (!id_read(c->w, ID_INTERFACE, id, ret_interface, &formed) ||
	    !interface_load(c->w, *ret_interface, LOOK_TRUE, &holder))
		return call_fail(c, 400,
		    formed ? "InvalidNetworkInterfaceID.NotFound"
			   : "InvalidNetworkInterfaceId.Malformed",
		    "The networkInterface ID '%.*s' does not exist", len, id.p);
	if (idmap_get(&c->w->target_of_interface, *ret_interface, &other))
		return call_fail(c, 400, "InterfaceInUseByTrafficMirrorTarget",
		    "%.*s is in use by a traffic mirror target.", len, id.p);
	if (sessions_first(c->w, *ret_interface) != 0)
		return call_fail(c, 400, "InterfaceInUseByTrafficMirrorSession",
		    "%.*s is in use by a traffic mirror session.", len, id.p);
	return 0;
}

static int
check_balancer(struct sim_call *c, struct str arn)
{
	char *text = mem_strndup(arn.p, arn.len);
	bool formed = strncmp(text, "arn:aws", 7) == 0 &&
		      strstr(text, ":elasticloadbalancing:") != NULL &&
		      strstr(text, ":loadbalancer/net/") != NULL;

	free(text);
	if (!formed)
		return call_fail(c, 400, "InvalidNetworkLoadBalancerArn.Malformed",
		    "Invalid ARN: %.*s", (int)(arn.len < 200 ? arn.len : 200), arn.p);
	for (size_t i = 0; i < c->w->targets_count; i++) {
		const struct target *t = &c->w->targets[i];

		if (!t->deleted && t->type == TARGET_NLB && str_is(arn, t->endpoint))
			return call_fail(c, 400, "NlbInUseByTrafficMirrorTargetException",
			    "%.*s is in use by a traffic mirror target.",
			    (int)(arn.len < 200 ? arn.len : 200), arn.p);
	}
	return 0;
}

/* What the new target points at. */
struct pointing {
	enum target_type type;
	struct str id;
	uint64_t interface;
};

static int
read_pointing(struct sim_call *c, struct pointing *p)
{
	struct str given[] = {
	    [TARGET_INTERFACE] = params_get(&c->params, "NetworkInterfaceId"),
	    [TARGET_NLB] = params_get(&c->params, "NetworkLoadBalancerArn"),
	    [TARGET_GWLBE] = params_get(&c->params, "GatewayLoadBalancerEndpointId"),
	};
	unsigned count = 0;

	for (size_t type = 0; type < sizeof(given) / sizeof(given[0]); type++) {
		if (given[type].len == 0)
			continue;
		count++;
		p->type = (enum target_type)type;
		p->id = given[type];
	}
	if (count == 0)
		return call_fail_missing(c, "NetworkInterfaceId or NetworkLoadBalancerArn");
	if (count > 1)
		return call_fail(c, 400, "InvalidParameterCombination",
		    "Exactly one of network interface, load balancer and endpoint must be given.");
	if (p->type == TARGET_GWLBE && !str_starts(p->id, "vpce-"))
		return call_fail(
		    c, 400, "InvalidParameterValue", "Invalid GatewayLoadBalancerEndpointId");
	return 0;
}

static int
create_target(struct sim_call *c, const struct pointing *p, uint64_t *ret_n)
{
	struct str description = params_get(&c->params, "Description");
	struct tags_slot tags = {0};
	struct target *t;

	if (c->w->targets_count == TARGETS_MAX)
		return call_fail(
		    c, 400, "TrafficMirrorTargetLimitExceeded", "Too many traffic mirror targets");
	if (tags_from_params(c, "traffic-mirror-target", &tags) < 0)
		return -1;
	t = add_target(c->w);
	t->type = p->type;
	t->interface = p->interface;
	t->endpoint = p->type == TARGET_INTERFACE ? NULL : mem_strndup(p->id.p, p->id.len);
	t->description = description.p != NULL ? mem_strndup(description.p, description.len) : NULL;
	t->creator = c->creator;
	t->created = stamp_now(c->w, STALE_TARGETS);
	t->tags = tags;
	*ret_n = c->w->targets_count - 1;
	if (p->type == TARGET_INTERFACE)
		idmap_set(&c->w->target_of_interface, p->interface, *ret_n);
	c->w->targets_created++;
	token_keep(c, *ret_n);
	return 0;
}

int
op_create_target(struct sim_call *c)
{
	struct pointing p = {.interface = 0};
	struct tags tags;
	uint64_t n;
	int used;

	if (read_pointing(c, &p) < 0)
		return -1;
	used = token_find(c, &n);
	if (used < 0)
		return -1;
	if (used == 0 || (c->w->targets[n].deleted && !c->w->opts.replay_deleted)) {
		if (p.type == TARGET_INTERFACE && check_interface(c, p.id, &p.interface) < 0)
			return -1;
		if (p.type == TARGET_NLB && check_balancer(c, p.id) < 0)
			return -1;
		if (call_dry_run(c) < 0 || create_target(c, &p, &n) < 0)
			return -1;
	}
	tags = tags_slot_look(c->w, &c->w->targets[n].tags, STALE_TARGETS, LOOK_TRUE);
	write_target(c, n, &tags, "trafficMirrorTarget");
	xml_str(c->out, "clientToken", params_get(&c->params, "ClientToken"));
	return 0;
}

/* ---- DeleteTrafficMirrorTarget ---- */

int
op_delete_target(struct sim_call *c)
{
	struct sim_world *w = c->w;
	struct str id;
	struct target *t;
	uint64_t n;
	bool formed;

	if (call_need(c, "TrafficMirrorTargetId", &id) < 0)
		return -1;
	if (!id_read(w, ID_TARGET, id, &n, &formed) || n >= w->targets_count ||
	    w->targets[n].deleted)
		return call_fail(c, 400, "InvalidTrafficMirrorTargetId.NotFound",
		    "The trafficMirrorTarget ID '%.*s' does not exist",
		    (int)(id.len < 100 ? id.len : 100), id.p);
	t = &w->targets[n];
	if (t->sessions > 0)
		return call_fail(c, 400, "TrafficMirrorTargetInUseException",
		    "%.*s is in use by %u traffic mirror sessions.", (int)id.len, id.p,
		    (unsigned)t->sessions);
	if (call_dry_run(c) < 0)
		return -1;
	t->deleted = true;
	t->deletion = stamp_now(w, STALE_TARGETS);
	if (t->type == TARGET_INTERFACE)
		idmap_remove(&w->target_of_interface, t->interface);
	w->targets_deleted++;
	xml_str(c->out, "trafficMirrorTargetId", id);
	return 0;
}
