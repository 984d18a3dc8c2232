#include "world_internal.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS_PER_INTERFACE 3u
#define SESSION_NUMBER_MAX     32766
#define VIRTUAL_NETWORK_MAX    16777215
#define PACKET_LENGTH_MAX      8500 /* for load balancers; and their default */
#define PACKET_LENGTH_ANY_MAX  9001
#define TARGET_LIST_MAX	       5000u /* a target with more sessions is searched in the whole table */

uint32_t
sessions_first(const struct sim_world *w, uint64_t interface)
{
	uint64_t first;

	return idmap_get(&w->sessions_of_interface, interface, &first) ? (uint32_t)first : 0;
}

/* ---- the two lists that a session is in ---- */

/* Whether another session of the same interface has the same target. */
static bool
shares_target(const struct sim_world *w, uint32_t index)
{
	const struct session *s = &w->sessions[index];

	for (uint32_t at = sessions_first(w, s->interface); at != 0;
	     at = w->sessions[at - 1].interface_next) {
		if (at - 1 != index && w->sessions[at - 1].now.target == s->now.target)
			return true;
	}
	return false;
}

static void
link_target(struct sim_world *w, uint32_t index)
{
	struct session *s = &w->sessions[index];
	struct target *t = &w->targets[s->now.target];

	s->target_prev = 0;
	s->target_next = t->session_first;
	if (t->session_first != 0)
		w->sessions[t->session_first - 1].target_prev = index + 1;
	t->session_first = index + 1;
	t->sessions++;
	t->used = true;
	if (!shares_target(w, index))
		t->sources++;
}

static void
unlink_target(struct sim_world *w, uint32_t index)
{
	struct session *s = &w->sessions[index];
	struct target *t = &w->targets[s->now.target];

	if (s->target_prev != 0)
		w->sessions[s->target_prev - 1].target_next = s->target_next;
	else
		t->session_first = s->target_next;
	if (s->target_next != 0)
		w->sessions[s->target_next - 1].target_prev = s->target_prev;
	t->sessions--;
	if (!shares_target(w, index))
		t->sources--;
}

static void
link_interface(struct sim_world *w, uint32_t index)
{
	struct session *s = &w->sessions[index];

	s->interface_next = sessions_first(w, s->interface);
	idmap_set(&w->sessions_of_interface, s->interface, index + 1);
}

static void
unlink_interface(struct sim_world *w, uint32_t index)
{
	struct session *s = &w->sessions[index];
	uint32_t at = sessions_first(w, s->interface);

	if (at == index + 1) {
		if (s->interface_next != 0)
			idmap_set(&w->sessions_of_interface, s->interface, s->interface_next);
		else
			idmap_remove(&w->sessions_of_interface, s->interface);
		return;
	}
	while (w->sessions[at - 1].interface_next != index + 1)
		at = w->sessions[at - 1].interface_next;
	w->sessions[at - 1].interface_next = s->interface_next;
}

void
session_end(struct sim_world *w, uint32_t index)
{
	struct session *s = &w->sessions[index];

	unlink_target(w, index);
	unlink_interface(w, index);
	s->deleted = true;
	s->deletion = stamp_now(w, STALE_SESSIONS);
	w->sessions_live--;
	w->sessions_deleted++;
}

/* ---- DescribeTrafficMirrorSessions ---- */

struct session_view {
	uint64_t n;
	const struct session *session;
	struct session_value value;
	struct tags tags;
};

static uint64_t
sessions_end(const struct sim_world *w)
{
	return w->sessions_count;
}

static bool
load_session(const struct sim_world *w, uint64_t n, void *ret_object)
{
	struct session_view *v = ret_object;
	const struct session *s;

	if (n >= w->sessions_count)
		return false;
	s = &w->sessions[n];
	if (!stamp_settled(w, STALE_SESSIONS, &s->created) ||
	    (s->deleted && stamp_settled(w, STALE_SESSIONS, &s->deletion)))
		return false;
	v->n = n;
	v->session = s;
	v->value = s->before != NULL && !stamp_settled(w, STALE_SESSIONS, &s->changed) ? *s->before
										       : s->now;
	v->tags = tags_slot_look(w, &s->tags, STALE_SESSIONS, LOOK_SEEN);
	return true;
}

static struct tags
session_tags(const void *object)
{
	return ((const struct session_view *)object)->tags;
}

static void
offer_description(struct match *m, const void *object)
{
	match_text(m, ((const struct session_view *)object)->session->description);
}

static void
offer_interface(struct match *m, const void *object)
{
	match_id(m, ID_INTERFACE, ((const struct session_view *)object)->session->interface);
}

static void
offer_owner(struct match *m, const void *object)
{
	(void)object;
	match_text(m, m->w->opts.account_id);
}

static void
offer_length(struct match *m, const void *object)
{
	const struct session_view *v = object;

	if (v->value.packet_length != 0)
		match_int(m, v->value.packet_length);
}

static void
offer_number(struct match *m, const void *object)
{
	match_int(m, ((const struct session_view *)object)->value.session_number);
}

static void
offer_filter(struct match *m, const void *object)
{
	match_id(m, ID_FILTER, ((const struct session_view *)object)->value.filter);
}

static void
offer_id(struct match *m, const void *object)
{
	match_id(m, ID_SESSION, ((const struct session_view *)object)->n);
}

static void
offer_target(struct match *m, const void *object)
{
	match_id(m, ID_TARGET, ((const struct session_view *)object)->value.target);
}

static void
offer_network(struct match *m, const void *object)
{
	match_int(m, ((const struct session_view *)object)->value.virtual_network_id);
}

static const struct describe_filter session_filters[] = {
    {"description", offer_description},
    {"network-interface-id", offer_interface},
    {"owner-id", offer_owner},
    {"packet-length", offer_length},
    {"session-number", offer_number},
    {"traffic-mirror-filter-id", offer_filter},
    {"traffic-mirror-session-id", offer_id},
    {"traffic-mirror-target-id", offer_target},
    {"virtual-network-id", offer_network},
    {NULL, NULL},
};

/* With staleness a deleted session is still listed but no more in the lists: then the whole
 * table is searched. */
static bool
lists_are_whole(const struct sim_world *w)
{
	return w->opts.stale_ms == 0 && w->opts.stale_calls == 0;
}

static bool
collect_interface(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t interface;
	bool formed;

	if (!lists_are_whole(w))
		return false;
	if (!id_read(w, ID_INTERFACE, value, &interface, &formed))
		return true;
	for (uint32_t at = sessions_first(w, interface); at != 0;
	     at = w->sessions[at - 1].interface_next)
		idmap_set(numbers, at - 1, 0);
	return true;
}

static bool
collect_target(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t n;
	bool formed;

	if (!lists_are_whole(w))
		return false;
	if (!id_read(w, ID_TARGET, value, &n, &formed) || n >= w->targets_count)
		return true;
	if (w->targets[n].sessions > TARGET_LIST_MAX)
		return false;
	for (uint32_t at = w->targets[n].session_first; at != 0;
	     at = w->sessions[at - 1].target_next)
		idmap_set(numbers, at - 1, 0);
	return true;
}

static bool
collect_id(const struct sim_world *w, struct str value, struct idmap *numbers)
{
	uint64_t n;
	bool formed;

	if (id_read(w, ID_SESSION, value, &n, &formed))
		idmap_set(numbers, n, 0);
	return true;
}

static const struct describe_index session_indexes[] = {
    {"traffic-mirror-session-id", collect_id},
    {"network-interface-id", collect_interface},
    {"traffic-mirror-target-id", collect_target},
    {NULL, NULL},
};

static void
write_id(struct sim_call *c, const char *name, enum id_kind kind, uint64_t n)
{
	char id[SIM_ID_BYTES];

	id_write(c->w, kind, n, id);
	xml_text(c->out, name, id);
}

static void
write_session(struct sim_call *c, const struct session_view *v, const char *element)
{
	xml_open(c->out, element);
	write_id(c, "trafficMirrorSessionId", ID_SESSION, v->n);
	write_id(c, "trafficMirrorTargetId", ID_TARGET, v->value.target);
	write_id(c, "trafficMirrorFilterId", ID_FILTER, v->value.filter);
	write_id(c, "networkInterfaceId", ID_INTERFACE, v->session->interface);
	xml_text(c->out, "ownerId", c->w->opts.account_id);
	if (v->value.packet_length != 0)
		xml_int(c->out, "packetLength", v->value.packet_length);
	xml_int(c->out, "sessionNumber", v->value.session_number);
	xml_int(c->out, "virtualNetworkId", v->value.virtual_network_id);
	if (v->session->description != NULL)
		xml_text(c->out, "description", v->session->description);
	tags_write_xml(c->out, &v->tags);
	xml_close(c->out, element);
}

static void
write_listed(struct sim_call *c, const void *object, void *state)
{
	(void)state;
	write_session(c, object, "item");
}

static const struct describe describe_sessions = {
    .set = "trafficMirrorSessionSet",
    .id_param = "TrafficMirrorSessionId",
    .id_kind = ID_SESSION,
    .stale = STALE_SESSIONS,
    .not_found = "InvalidTrafficMirrorSessionId.NotFound",
    .malformed = "InvalidTrafficMirrorSessionId.Malformed",
    .min = 5,
    .max = 1000,
    .object_bytes = sizeof(struct session_view),
    .filters = session_filters,
    .indexes = session_indexes,
    .end = sessions_end,
    .load = load_session,
    .tags = session_tags,
    .write = write_listed,
};

int
op_describe_sessions(struct sim_call *c)
{
	return describe_run(c, &describe_sessions);
}

static void
write_true(struct sim_call *c, uint64_t n)
{
	const struct session *s = &c->w->sessions[n];
	struct session_view v = {.n = n, .session = s, .value = s->now};

	v.tags = tags_slot_look(c->w, &s->tags, STALE_SESSIONS, LOOK_TRUE);
	write_session(c, &v, "trafficMirrorSession");
}

/* ---- what Create and Modify have in common ---- */

static int
read_target(struct sim_call *c, struct str id, uint32_t *ret_target)
{
	uint64_t n;
	bool formed;

	if (!id_read(c->w, ID_TARGET, id, &n, &formed) || n >= c->w->targets_count ||
	    c->w->targets[n].deleted)
		return call_fail(c, 400, "InvalidTrafficMirrorTargetId.NotFound",
		    "The trafficMirrorTarget ID '%.*s' does not exist",
		    (int)(id.len < 100 ? id.len : 100), id.p);
	*ret_target = (uint32_t)n;
	return 0;
}

static int
read_filter(struct sim_call *c, struct str id, uint64_t *ret_filter)
{
	bool formed;

	if (!id_read(c->w, ID_FILTER, id, ret_filter, &formed) || *ret_filter >= SIM_GIVEN_FILTERS)
		return call_fail(c, 400, "InvalidTrafficMirrorFilterId.NotFound",
		    "The trafficMirrorFilter ID '%.*s' does not exist",
		    (int)(id.len < 100 ? id.len : 100), id.p);
	return 0;
}

/* Reads the numbers that are given into value. */
static int
read_numbers(struct sim_call *c, struct session_value *value)
{
	int64_t number = 0, network = 0, length = 0;
	bool has_number, has_network, has_length;

	if (call_int(c, "SessionNumber", 1, SESSION_NUMBER_MAX, &number, &has_number) < 0 ||
	    call_int(c, "VirtualNetworkId", 0, VIRTUAL_NETWORK_MAX, &network, &has_network) < 0 ||
	    call_int(c, "PacketLength", 1, PACKET_LENGTH_ANY_MAX, &length, &has_length) < 0)
		return -1;
	if (has_number)
		value->session_number = (uint32_t)number;
	if (has_network)
		value->virtual_network_id = (uint32_t)network;
	if (has_length)
		value->packet_length = (uint32_t)length;
	return 0;
}

/* Checks what the target and the interface's other sessions allow. self: the session that is
 * modified, else UINT32_MAX. */
static int
check_value(
    struct sim_call *c, uint64_t interface, const struct session_value *value, uint32_t self)
{
	const struct sim_world *w = c->w;
	const struct target *t = &w->targets[value->target];
	unsigned max = target_sources_max(w, t);
	bool source_already = false;

	if (t->type == TARGET_NLB && value->packet_length > PACKET_LENGTH_MAX)
		return call_fail(c, 400, "InvalidParameterValue",
		    "PacketLength must be 1 to 8500 for a Network Load Balancer target");
	for (uint32_t at = sessions_first(w, interface); at != 0;
	     at = w->sessions[at - 1].interface_next) {
		const struct session *other = &w->sessions[at - 1];

		if (at - 1 == self)
			continue;
		source_already = source_already || other->now.target == value->target;
		if (other->now.session_number == value->session_number)
			return call_fail(c, 400, w->opts.session_number_error,
			    "Session number %u is already used on this network interface",
			    (unsigned)value->session_number);
	}
	if (self != UINT32_MAX && w->sessions[self].now.target == value->target)
		source_already = true;
	if (max > 0 && !source_already && t->sources >= max)
		return call_fail(c, 400, "TrafficMirrorSourcesPerTargetLimitExceeded",
		    "Sources per interface-target limit reached (%u)", (unsigned)t->sources + 1);
	return 0;
}

static uint32_t
default_length(const struct sim_world *w, uint32_t target)
{
	return w->targets[target].type == TARGET_NLB ? PACKET_LENGTH_MAX : 0;
}

/* A number that no other session without one of its own gets: an odd multiplier permutes 24
 * bits. */
static uint32_t
default_network(uint64_t n)
{
	return (uint32_t)((n * 0x9e3779b1u + 7159709u) & VIRTUAL_NETWORK_MAX);
}

/* ---- CreateTrafficMirrorSession ---- */

static int
check_source(struct sim_call *c, struct str id, uint64_t *ret_interface)
{
	const struct sim_world *w = c->w;
	int len = (int)(id.len < 100 ? id.len : 100);
	struct instance holder;
	uint64_t target;
	unsigned count = 0;
	bool formed;

	if (!id_read(w, ID_INTERFACE, id, ret_interface, &formed) ||
	    !interface_load(w, *ret_interface, LOOK_TRUE, &holder))
		return call_fail(c, 400,
		    formed ? "InvalidNetworkInterfaceID.NotFound"
			   : "InvalidNetworkInterfaceId.Malformed",
		    "The networkInterface ID '%.*s' does not exist", len, id.p);
	if (idmap_get(&w->target_of_interface, *ret_interface, &target))
		return call_fail(c, 400, "InterfaceInUseByTrafficMirrorTarget",
		    "%.*s is in use by a traffic mirror target.", len, id.p);
	if (!type_can_be_source(holder.type))
		return call_fail(c, 400, "NetworkInterfaceNotSupported",
		    "%.*s must be attached to a supported instance", len, id.p);
	for (uint32_t at = sessions_first(w, *ret_interface); at != 0;
	     at = w->sessions[at - 1].interface_next)
		count++;
	if (count >= SESSIONS_PER_INTERFACE)
		return call_fail(c, 400, "TrafficMirrorSessionsPerInterfaceLimitExceeded",
		    "Sessions per network interface limit reached (%u)", SESSIONS_PER_INTERFACE);
	if (w->opts.session_limit > 0 && w->sessions_live >= w->opts.session_limit)
		return call_fail(c, 400, "TrafficMirrorSessionLimitExceeded",
		    "Sessions per account limit reached (%llu)",
		    (unsigned long long)w->opts.session_limit);
	return 0;
}

static struct session *
add_session(struct sim_world *w)
{
	if ((w->sessions_count & (w->sessions_count - 1)) == 0)
		w->sessions = mem_resize(w->sessions,
		    w->sessions_count == 0 ? 1 : w->sessions_count * 2, sizeof(w->sessions[0]));
	memset(&w->sessions[w->sessions_count], 0, sizeof(w->sessions[0]));
	return &w->sessions[w->sessions_count++];
}

#define FOREIGN_NUMBER_LOW  10 /* below 100, the number that tmflow asks for: it takes all packets */
#define FOREIGN_NUMBER_HIGH 200 /* above: it gets what tmflow's session leaves */
#define DRAW_FOREIGN	    300

static void
give_session(struct sim_world *w, uint64_t interface, uint32_t session_number)
{
	struct session *s = add_session(w);
	uint32_t index = (uint32_t)(w->sessions_count - 1);

	s->interface = interface;
	s->now = (struct session_value){
	    .filter = 1, /* takes everything */
	    .target = SIM_GIVEN_TARGETS - 1,
	    .session_number = session_number,
	    .virtual_network_id = default_network(index),
	    .packet_length = default_length(w, SIM_GIVEN_TARGETS - 1),
	};
	s->description = mem_strdup("somebody else's");
	s->created = stamp_old(w);
	s->tags.changed = stamp_old(w);
	link_interface(w, index);
	link_target(w, index);
	w->sessions_live++;
}

void
sessions_given(struct sim_world *w)
{
	struct instance i;

	for (uint64_t n = 0; w->opts.foreign_share > 0 && n < w->opts.instances; n++) {
		double draw = world_chance(w, DRAW_FOREIGN, n);

		if (draw >= w->opts.foreign_share || !instance_load(w, n, LOOK_TRUE, &i) ||
		    i.interfaces == 0 || !type_can_be_source(i.type))
			continue;
		give_session(w, n * INTERFACES_MAX,
		    draw < w->opts.foreign_share / 2 ? FOREIGN_NUMBER_LOW : FOREIGN_NUMBER_HIGH);
	}
}

static int
create_session(
    struct sim_call *c, uint64_t interface, const struct session_value *value, uint64_t *ret_n)
{
	struct str description = params_get(&c->params, "Description");
	struct sim_world *w = c->w;
	struct tags_slot tags = {0};
	struct session *s;

	if (w->sessions_count >= UINT32_MAX - 1)
		return call_fail(c, 400, "TrafficMirrorSessionLimitExceeded", "Too many sessions");
	if (tags_from_params(c, "traffic-mirror-session", &tags) < 0)
		return -1;
	s = add_session(w);
	*ret_n = w->sessions_count - 1;
	s->interface = interface;
	s->now = *value;
	s->description = description.p != NULL ? mem_strndup(description.p, description.len) : NULL;
	s->creator = c->creator;
	s->created = stamp_now(w, STALE_SESSIONS);
	s->tags = tags;
	link_interface(w, (uint32_t)*ret_n);
	link_target(w, (uint32_t)*ret_n);
	w->sessions_live++;
	w->sessions_created++;
	w->creator_sessions[c->creator]++;
	token_keep(c, *ret_n);
	return 0;
}

static int
create_checked(struct sim_call *c, uint64_t *ret_n)
{
	struct session_value value = {.virtual_network_id = default_network(c->w->sessions_count)};
	struct str interface_id, target_id, filter_id, number;
	uint64_t interface;

	if (call_need(c, "NetworkInterfaceId", &interface_id) < 0 ||
	    call_need(c, "TrafficMirrorTargetId", &target_id) < 0 ||
	    call_need(c, "TrafficMirrorFilterId", &filter_id) < 0 ||
	    call_need(c, "SessionNumber", &number) < 0)
		return -1;
	if (read_numbers(c, &value) < 0 || read_filter(c, filter_id, &value.filter) < 0 ||
	    read_target(c, target_id, &value.target) < 0 ||
	    check_source(c, interface_id, &interface) < 0)
		return -1;
	if (value.packet_length == 0)
		value.packet_length = default_length(c->w, value.target);
	if (check_value(c, interface, &value, UINT32_MAX) < 0 || call_dry_run(c) < 0)
		return -1;
	return create_session(c, interface, &value, ret_n);
}

int
op_create_session(struct sim_call *c)
{
	uint64_t n;
	int used = token_find(c, &n);

	if (used < 0)
		return -1;
	if ((used == 0 || (c->w->sessions[n].deleted && !c->w->opts.replay_deleted)) &&
	    create_checked(c, &n) < 0)
		return -1;
	write_true(c, n);
	xml_str(c->out, "clientToken", params_get(&c->params, "ClientToken"));
	return 0;
}

/* ---- ModifyTrafficMirrorSession ---- */

static int
find_session(struct sim_call *c, struct str id, uint32_t *ret_index)
{
	uint64_t n;
	bool formed;

	if (!id_read(c->w, ID_SESSION, id, &n, &formed) || n >= c->w->sessions_count ||
	    c->w->sessions[n].deleted)
		return call_fail(c, 400, "InvalidTrafficMirrorSessionId.NotFound",
		    "The trafficMirrorSession ID '%.*s' does not exist",
		    (int)(id.len < 100 ? id.len : 100), id.p);
	*ret_index = (uint32_t)n;
	return 0;
}

static int
read_removals(
    struct sim_call *c, uint32_t index, struct session_value *value, bool *ret_description)
{
	struct str *fields;
	size_t count = params_list(&c->params, "RemoveField", &fields);
	int result = 0;

	*ret_description = false;
	for (size_t i = 0; i < count && result == 0; i++) {
		if (str_is(fields[i], "packet-length"))
			value->packet_length = default_length(c->w, value->target);
		else if (str_is(fields[i], "virtual-network-id"))
			value->virtual_network_id = default_network(index);
		else if (str_is(fields[i], "description"))
			*ret_description = true;
		else
			result = call_fail(
			    c, 400, "InvalidParameterValue", "Invalid value for RemoveField");
	}
	free(fields);
	return result;
}

/* Whether a change takes a session away from where its packets arrived. A target of an instance that
 * is terminated stays, and takes nothing; a repeated change changes nothing. */
static bool
moves_packets(
    const struct sim_world *w, const struct session_value *now, const struct session_value *value)
{
	const struct target *target = &w->targets[now->target];
	struct instance holder;

	return (now->target != value->target || now->filter != value->filter ||
		   now->session_number != value->session_number) &&
	       (target->type != TARGET_INTERFACE ||
		   interface_load(w, target->interface, LOOK_TRUE, &holder));
}

static void
modify(struct sim_call *c, uint32_t index, const struct session_value *value, bool drop_description)
{
	struct session *s = &c->w->sessions[index];
	struct str description = params_get(&c->params, "Description");

	/* A second change before the first is seen: describes go on showing what they showed. */
	if (s->before == NULL || stamp_settled(c->w, STALE_SESSIONS, &s->changed)) {
		s->before = mem_resize(s->before, 1, sizeof(*s->before));
		*s->before = s->now;
	}
	s->changed = stamp_now(c->w, STALE_SESSIONS);
	c->w->sessions_moved += moves_packets(c->w, &s->now, value);
	unlink_target(c->w, index);
	s->now = *value;
	link_target(c->w, index);
	if (drop_description || description.p != NULL) {
		free(s->description);
		s->description =
		    drop_description ? NULL : mem_strndup(description.p, description.len);
	}
}

int
op_modify_session(struct sim_call *c)
{
	struct str id, target = params_get(&c->params, "TrafficMirrorTargetId"),
		       filter = params_get(&c->params, "TrafficMirrorFilterId");
	struct session_value value;
	bool drop_description;
	uint32_t index = 0;

	if (call_need(c, "TrafficMirrorSessionId", &id) < 0 || find_session(c, id, &index) < 0)
		return -1;
	value = c->w->sessions[index].now;
	if ((target.len > 0 && read_target(c, target, &value.target) < 0) ||
	    (filter.len > 0 && read_filter(c, filter, &value.filter) < 0) ||
	    read_numbers(c, &value) < 0 || read_removals(c, index, &value, &drop_description) < 0 ||
	    check_value(c, c->w->sessions[index].interface, &value, index) < 0 ||
	    call_dry_run(c) < 0)
		return -1;
	modify(c, index, &value, drop_description);
	write_true(c, index);
	return 0;
}

/* ---- DeleteTrafficMirrorSession ---- */

int
op_delete_session(struct sim_call *c)
{
	struct str id;
	uint32_t index = 0;

	if (call_need(c, "TrafficMirrorSessionId", &id) < 0 || find_session(c, id, &index) < 0 ||
	    call_dry_run(c) < 0)
		return -1;
	c->w->sessions[index].deleter = c->creator;
	session_end(c->w, index);
	xml_str(c->out, "trafficMirrorSessionId", id);
	return 0;
}
