#include "mirror/plan.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance_types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room in targets. What a target has already is asked of AWS once. */

#define SESSION_PAGES_MAX                                                                          \
	100 /* a target that is an interface has at most 100 sources, each with three sessions */

/* A source that wants into a target whose room is not known yet. */
struct entry {
	struct tmf_call call; /* first */
	struct entry *next;
	struct room *in; /* NULL once it was answered */
	char *interface_id;
	char *session_id; /* of ours, to modify; NULL: a new one */
};

struct room {
	struct room *next;
	struct plan *plan;
	char *target_id;
	const char *holder_id; /* the target's interface; NULL: it takes any number */
	json_t *sources;       /* {interface: true} */
	unsigned max;	       /* 0: any number */
	bool known;
	int pages;
	struct tmf_call *asking;
	struct entry *first; /* in the order of asking */
};

struct plan {
	struct mirror *mirror;
	struct room *rooms;
	json_t *drifts; /* {session: text} */
};

static void ask_sessions(struct room *room, const char *next_token);

struct plan *
plan_new(struct mirror *mirror)
{
	struct plan *plan = mem_zalloc(1, sizeof(*plan));

	plan->mirror = mirror;
	plan->drifts = json_object();
	return plan;
}

static void
room_free(struct room *room)
{
	tmf_call_cancel(room->asking);
	for (struct entry *entry = room->first; entry != NULL; entry = entry->next)
		entry->in = NULL;
	json_decref(room->sources);
	free(room->target_id);
	free(room);
}

void
plan_free(struct plan *plan)
{
	if (plan == NULL)
		return;
	while (plan->rooms != NULL) {
		struct room *room = plan->rooms;

		plan->rooms = room->next;
		room_free(room);
	}
	json_decref(plan->drifts);
	free(plan);
}

void
plan_note_drift(struct plan *plan, const char *session_id, const char *differences)
{
	json_object_set_new(plan->drifts, session_id, json_string(differences));
}

const char *
plan_drift(const struct plan *plan, const char *session_id)
{
	return jsonx_get_string(plan->drifts, session_id);
}

static struct tmf_loop *
loop_of(const struct plan *plan)
{
	return plan->mirror->opts.loop;
}

/* --- rooms --- */

static struct room *
add_room(struct plan *plan, const char *target_id)
{
	struct room *room = mem_zalloc(1, sizeof(*room));

	room->plan = plan;
	room->target_id = mem_strdup(target_id);
	room->sources = json_object();
	room->next = plan->rooms;
	plan->rooms = room;
	return room;
}

static struct room *
find_room(const struct plan *plan, const char *target_id)
{
	struct room *room = plan->rooms;

	while (room != NULL && strcmp(room->target_id, target_id) != 0)
		room = room->next;
	return room;
}

/* The answer to one source. A session that stays on its target takes no room. */
static void
answer(struct room *room, struct entry *entry)
{
	bool is_in = json_object_get(room->sources, entry->interface_id) != NULL;
	struct tmf_err err = {0};
	json_t *session;
	json_t *reply;

	entry->in = NULL;
	if (!is_in && room->max > 0 && json_object_size(room->sources) >= room->max) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE, ERROR_SOURCES_LIMIT,
		    "target %s takes no more than %u sources", room->target_id, room->max);
		tmf_call_complete_err(&entry->call, &err);
		return;
	}
	json_object_set_new(room->sources, entry->interface_id, json_true());
	session = json_object();
	jsonx_put_string(session, "TrafficMirrorSessionId", entry->session_id);
	reply = json_object();
	json_object_set_new(reply, "TrafficMirrorSession", session);
	tmf_call_complete(&entry->call, reply);
}

static void
answer_all(struct room *room)
{
	room->known = true;
	while (room->first != NULL) {
		struct entry *entry = room->first;

		room->first = entry->next;
		answer(room, entry);
	}
}

/* The room stays unknown: who asks next has it asked for again. */
static void
fail_all(struct room *room, const struct tmf_err *err)
{
	while (room->first != NULL) {
		struct entry *entry = room->first;
		struct tmf_err copy = {0};

		room->first = entry->next;
		entry->in = NULL;
		tmf_err_copy(&copy, err);
		tmf_call_complete_err(&entry->call, &copy);
	}
}

static void
instance_came(void *arg, struct tmf_call *call)
{
	struct room *room = arg;
	json_t *reply = tmf_call_take_result(call);
	const char *type;

	room->asking = NULL;
	if (reply == NULL) {
		fail_all(room, &call->err);
		return;
	}
	type = jsonx_get_string(
	    json_array_get(jsonx_get_array(reply, "Instances"), 0), "InstanceType");
	room->max = type != NULL ? instance_type_sources_max(type) : SOURCES_MAX;
	json_decref(reply);
	answer_all(room);
}

static json_t *
filter_of(const char *name, const char *value)
{
	json_t *values = json_array();

	json_array_append_new(values, json_string(value));
	return mirror_filter(name, values);
}

static void
ask_instance(struct room *room)
{
	json_t *filters = filter_of("network-interface.network-interface-id", room->holder_id);
	const struct ec2_describe describe = {
	    .filters = filters, .max_results = EC2_PAGE_RESULTS_MAX};

	room->asking = ec2_describe_instances(room->plan->mirror->opts.ec2, &describe);
	tmf_call_on_done(room->asking, instance_came, room);
	json_decref(filters);
}

static void
sessions_came(void *arg, struct tmf_call *call)
{
	struct room *room = arg;
	json_t *reply = tmf_call_take_result(call);
	const char *next_token;
	json_t *session;
	size_t i;

	room->asking = NULL;
	if (reply == NULL) {
		fail_all(room, &call->err);
		return;
	}
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *id = jsonx_get_string(session, "NetworkInterfaceId");

		if (id != NULL)
			json_object_set_new(room->sources, id, json_true());
	}
	next_token = jsonx_get_string(reply, "NextToken");
	if (next_token != NULL && ++room->pages < SESSION_PAGES_MAX)
		ask_sessions(room, next_token);
	else
		ask_instance(room);
	json_decref(reply);
}

static void
ask_sessions(struct room *room, const char *next_token)
{
	json_t *filters = filter_of("traffic-mirror-target-id", room->target_id);
	const struct ec2_describe describe = {
	    .filters = filters, .max_results = EC2_PAGE_RESULTS_MAX, .next_token = next_token};

	room->asking = ec2_describe_sessions(room->plan->mirror->opts.ec2, &describe);
	tmf_call_on_done(room->asking, sessions_came, room);
	json_decref(filters);
}

/* --- sessions --- */

static void
entry_cancel(struct tmf_call *call)
{
	struct entry *entry = (struct entry *)call;
	struct entry **at;

	if (entry->in == NULL)
		return;
	for (at = &entry->in->first; *at != entry; at = &(*at)->next)
		continue;
	*at = entry->next;
	entry->in = NULL;
}

static void
entry_free(struct tmf_call *call)
{
	struct entry *entry = (struct entry *)call;

	free(entry->interface_id);
	free(entry->session_id);
	free(entry);
}

static const struct tmf_call_ops entry_ops = {.cancel = entry_cancel, .free_call = entry_free};

static struct room *
room_of(struct plan *plan, const char *target_id)
{
	const struct inventory *inventory = targets_inventory(plan->mirror->targets);
	const struct target *target = inventory_find(inventory, target_id);
	struct room *room = find_room(plan, target_id);

	if (room != NULL)
		return room;
	room = add_room(plan, target_id);
	room->holder_id = target != NULL ? target->interface_id : NULL;
	room->known = room->holder_id == NULL;
	return room;
}

static void
enter(struct room *room, struct entry *entry)
{
	struct entry **at = &room->first;

	if (room->known) {
		answer(room, entry);
		return;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = entry;
	entry->in = room;
	if (room->asking == NULL) {
		room->pages = 0;
		ask_sessions(room, NULL);
	}
}

bool
plan_type_can_be_mirrored(const struct mirror *mirror, const char *type)
{
	switch (mirror_config_type(mirror->opts.config, type)) {
	case CONFIG_TYPE_MIRRORABLE:
		return true;
	case CONFIG_TYPE_UNMIRRORABLE:
		return false;
	case CONFIG_TYPE_UNKNOWN:
		break;
	}
	return instance_type_is_source(type);
}

struct tmf_call *
plan_session(struct plan *plan, const struct session_order *order, const char *instance_type)
{
	struct entry *entry;
	struct tmf_err err = {0};

	if (order->session_id == NULL && instance_type != NULL &&
	    !plan_type_can_be_mirrored(plan->mirror, instance_type)) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE, ERROR_TYPE,
		    "interfaces of instances of type %s cannot be mirrored", instance_type);
		return tmf_call_of_err(loop_of(plan), &err);
	}
	entry = mem_zalloc(1, sizeof(*entry));
	tmf_call_init(&entry->call, &entry_ops, loop_of(plan));
	entry->interface_id = mem_strdup(order->interface_id);
	entry->session_id = mem_strdup(order->session_id);
	enter(room_of(plan, order->target_id), entry);
	return &entry->call;
}

/* --- targets --- */

struct tmf_call *
plan_target(struct plan *plan, const struct target_request *request)
{
	struct mirror_targets *targets = plan->mirror->targets;
	const char *subnet = targets_subnet(request->rule, request->subnet_id);
	int generation = inventory_generation(targets_inventory(targets), subnet) + 1;
	char *id = mem_printf(MIRROR_NEW_TARGET_PREFIX "%s:%d", subnet, generation);
	struct room *room = add_room(plan, id);
	json_t *result = json_object();

	room->known = true;
	room->max = instance_type_sources_max(request->rule->target_instance_type);
	targets_plan(targets, &(struct target){
				  .id = id,
				  .subnet_id = (char *)subnet,
				  .made = true,
				  .tagged = true,
				  .generation = generation,
			      });
	jsonx_put_string(result, "TargetId", id);
	json_object_set_new(result, "Created", json_true());
	free(id);
	return tmf_call_of_result(loop_of(plan), result);
}
