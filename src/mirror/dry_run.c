#include "mirror/dry_run.h"

#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance_types.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Room in targets. A target takes 10 sources, or 100 on the largest types. What it has already is
 * asked of AWS once, when the first source wants into it; those that come meanwhile wait in order,
 * so that the same fleet makes the same plan each time. From then on this process counts by itself.
 * Example: with 8 of 10 places taken, the third new source is refused with AWS's own error, and the
 * workflow asks ensure-target for the next generation, "new:subnet-1:2".
 */

/* A source that wants into a target whose room is not known yet. */
struct dry_source {
	struct tmf_call call; /* first */
	struct dry_source *next;
	struct dry_room *in; /* NULL once it was answered */
	char *interface_id;
	char *session_id; /* of ours, to modify; NULL: a new one */
};

struct dry_room {
	struct dry_room *next;
	struct account *account;
	char *target_id;
	const char *holder_id; /* the target's interface; NULL: it takes any number */
	json_t *sources;       /* {interface: true} */
	unsigned max;	       /* 0: any number */
	bool known;
	struct tmf_call *asking;
	struct dry_source *first; /* in the order of asking */
};

struct dry_run {
	const struct mirror_config *config;
	struct dry_room *rooms; /* of all accounts: the ids of targets are unique */
	json_t *drifts;		/* {session: text} */
};

struct dry_run *
dry_run_new(const struct mirror_config *config)
{
	struct dry_run *dry_run = mem_zalloc(1, sizeof(*dry_run));

	dry_run->config = config;
	dry_run->drifts = json_object();
	return dry_run;
}

/* Sources that still wait are let go: their calls are their holders' to cancel. */
static void
dry_room_free(struct dry_room *room)
{
	tmf_call_cancel(room->asking);
	for (struct dry_source *source = room->first; source != NULL; source = source->next)
		source->in = NULL;
	json_decref(room->sources);
	free(room->target_id);
	free(room);
}

void
dry_run_free(struct dry_run *dry_run)
{
	if (dry_run == NULL)
		return;
	while (dry_run->rooms != NULL) {
		struct dry_room *room = dry_run->rooms;

		dry_run->rooms = room->next;
		dry_room_free(room);
	}
	json_decref(dry_run->drifts);
	free(dry_run);
}

/* Kept here rather than in the workflow's data, which must be the same in a dry run and in a
 * run. */
void
dry_run_note_drift(struct dry_run *dry_run, const char *session_id, const char *differences)
{
	assert(session_id != NULL);
	json_object_set_new(dry_run->drifts, session_id, json_string(differences));
}

const char *
dry_run_drift(const struct dry_run *dry_run, const char *session_id)
{
	return jsonx_get_string(dry_run->drifts, session_id);
}

/* --- rooms --- */

static struct dry_room *
dry_room_add(struct dry_run *dry_run, struct account *account, const char *target_id)
{
	struct dry_room *room = mem_zalloc(1, sizeof(*room));

	room->account = account;
	room->target_id = mem_strdup(target_id);
	room->sources = json_object();
	room->next = dry_run->rooms;
	dry_run->rooms = room;
	return room;
}

/* A list is enough: a run has a target for each subnet and some hundred sources. */
static struct dry_room *
dry_room_find(const struct dry_run *dry_run, const char *target_id)
{
	struct dry_room *room = dry_run->rooms;

	while (room != NULL && strcmp(room->target_id, target_id) != 0)
		room = room->next;
	return room;
}

/* The answer to one source. A session that stays on its target takes no more room there: AWS counts
 * sources, not sessions. */
static void
dry_room_answer(struct dry_room *room, struct dry_source *source)
{
	bool is_in = json_object_get(room->sources, source->interface_id) != NULL;
	struct tmf_err err = {0};
	json_t *session;
	json_t *reply;

	assert(room->known);
	source->in = NULL;
	if (!is_in && room->max > 0 && json_object_size(room->sources) >= room->max) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE, ERROR_SOURCES_LIMIT,
		    "target %s takes no more than %u sources", room->target_id, room->max);
		tmf_call_complete_err(&source->call, &err);
		return;
	}
	json_object_set_new(room->sources, source->interface_id, json_true());
	session = json_object();
	jsonx_put_string(session, "TrafficMirrorSessionId", source->session_id);
	reply = json_object();
	json_object_set_new(reply, "TrafficMirrorSession", session);
	tmf_call_complete(&source->call, reply);
}

/* First come, first served: with one place left, the same source gets it in each dry run. */
static void
dry_room_answer_all(struct dry_room *room)
{
	assert(!room->known && room->asking == NULL);
	room->known = true;
	while (room->first != NULL) {
		struct dry_source *source = room->first;

		room->first = source->next;
		dry_room_answer(room, source);
	}
}

/* The room stays unknown: the next source asks again. */
static void
dry_room_fail_all(struct dry_room *room, const struct tmf_err *err)
{
	while (room->first != NULL) {
		struct dry_source *source = room->first;
		struct tmf_err copy = {0};

		room->first = source->next;
		source->in = NULL;
		tmf_err_copy(&copy, err);
		tmf_call_complete_err(&source->call, &copy);
	}
}

static json_t *
dry_room_filter(const char *name, const char *value)
{
	json_t *values = json_array();

	json_array_append_new(values, json_string(value));
	return describe_filter(name, values);
}

/* The filter is the target's own interface, so there is one instance at most. */
static enum ec2_page_next
dry_room_instance_page_came(void *arg, json_t *reply, struct tmf_err *err)
{
	struct dry_room *room = arg;
	const char *type = jsonx_get_string(
	    json_array_get(jsonx_get_array(reply, "Instances"), 0), "InstanceType");

	(void)err;
	if (type == NULL)
		return EC2_PAGE_MORE;
	room->max = instance_type_sources_max(type);
	return EC2_PAGE_ENOUGH;
}

static void
dry_room_instance_came(void *arg, struct tmf_call *call)
{
	struct dry_room *room = arg;

	room->asking = NULL;
	if (tmf_err_isset(&call->err))
		dry_room_fail_all(room, &call->err);
	else
		dry_room_answer_all(room);
}

/* The limit goes by the type of the instance behind the target. Where that is not listed, the
 * target takes the least. */
static void
dry_room_ask_instance(struct dry_room *room)
{
	json_t *filters =
	    dry_room_filter("network-interface.network-interface-id", room->holder_id);

	assert(room->holder_id != NULL && room->asking == NULL);
	room->max = SOURCES_MAX;
	room->asking = ec2_pages(room->account->ec2, &(struct ec2_pages){
							 .list = &ec2_list_instances,
							 .filters = filters,
							 .on_page = dry_room_instance_page_came,
							 .arg = room,
						     });
	tmf_call_on_done(room->asking, dry_room_instance_came, room);
	json_decref(filters);
}

/* Interfaces in a set, since an interface may have up to three sessions to one target and is one
 * source. */
static enum ec2_page_next
dry_room_page_came(void *arg, json_t *reply, struct tmf_err *err)
{
	struct dry_room *room = arg;
	json_t *session;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *id = jsonx_get_string(session, "NetworkInterfaceId");

		if (id != NULL)
			json_object_set_new(room->sources, id, json_true());
	}
	return EC2_PAGE_MORE;
}

/* Sessions first, then the instance: one after the other is simple, and happens once a target. */
static void
dry_room_sessions_came(void *arg, struct tmf_call *call)
{
	struct dry_room *room = arg;

	room->asking = NULL;
	if (tmf_err_isset(&call->err))
		dry_room_fail_all(room, &call->err);
	else
		dry_room_ask_instance(room);
}

/* Sessions of all kinds count, those too that tmflow did not make: AWS counts them as well. */
static void
dry_room_ask_sessions(struct dry_room *room)
{
	json_t *filters = dry_room_filter("traffic-mirror-target-id", room->target_id);

	assert(room->asking == NULL && !room->known);
	room->asking = ec2_pages(room->account->ec2, &(struct ec2_pages){
							 .list = &ec2_list_sessions,
							 .filters = filters,
							 .on_page = dry_room_page_came,
							 .arg = room,
						     });
	tmf_call_on_done(room->asking, dry_room_sessions_came, room);
	json_decref(filters);
}

/* --- sessions --- */

/* A source that was answered is on no list, and its room may be gone. */
static void
dry_source_cancel(struct tmf_call *call)
{
	struct dry_source *source = (struct dry_source *)call;
	struct dry_source **at;

	if (source->in == NULL)
		return;
	for (at = &source->in->first; *at != source; at = &(*at)->next)
		continue;
	*at = source->next;
	source->in = NULL;
}

static void
dry_source_free(struct tmf_call *call)
{
	struct dry_source *source = (struct dry_source *)call;

	free(source->interface_id);
	free(source->session_id);
	free(source);
}

static const struct tmf_call_ops dry_source_ops = {
    .cancel = dry_source_cancel, .free_call = dry_source_free};

/* A target that is not an interface takes any number: the limit is one of instances, and a
 * load balancer spreads its load. Nothing is asked for it. */
static struct dry_room *
dry_room_of(struct dry_run *dry_run, struct account *account, const char *target_id)
{
	const struct target *target =
	    inventory_find(targets_inventory(account->targets), target_id);
	struct dry_room *room = dry_room_find(dry_run, target_id);

	if (room != NULL)
		return room;
	room = dry_room_add(dry_run, account, target_id);
	room->holder_id = target != NULL ? target->interface_id : NULL;
	room->known = room->holder_id == NULL;
	return room;
}

/* At the end of the list, and only the first one asks. */
static void
dry_room_enter(struct dry_room *room, struct dry_source *source)
{
	struct dry_source **at = &room->first;

	if (room->known) {
		dry_room_answer(room, source);
		return;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = source;
	source->in = room;
	if (room->asking == NULL)
		dry_room_ask_sessions(room);
}

struct tmf_call *
dry_run_session(struct dry_run *dry_run, struct account *account, const struct session_order *order,
    const char *instance_type)
{
	struct dry_source *source;
	struct tmf_err err = {0};

	/* What a run would make is in the inventory only, and a second listing would lose it. */
	assert(account->dry_run && account->fresh_ms == 0);
	/* A session that exists proves that its interface can be mirrored, whatever the list
	 * says. */
	if (order->session_id == NULL && instance_type != NULL &&
	    !mirror_config_type_is_source(dry_run->config, instance_type)) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE, ERROR_TYPE,
		    "interfaces of instances of type %s cannot be mirrored", instance_type);
		return tmf_call_of_err(account->loop, &err);
	}
	source = mem_zalloc(1, sizeof(*source));
	tmf_call_init(&source->call, &dry_source_ops, account->loop);
	source->interface_id = mem_strdup(order->interface_id);
	source->session_id = mem_strdup(order->session_id);
	dry_room_enter(dry_room_of(dry_run, account, order->target_id), source);
	return &source->call;
}

/* --- targets --- */

/* The generation after the highest that is known, as a run would take it. The room of the new
 * target is known at once: it is empty, and the rule says which type it has. */
struct tmf_call *
dry_run_target(
    struct dry_run *dry_run, struct account *account, const struct target_request *request)
{
	const char *subnet = target_subnet(request->rule, request->subnet_id);
	int generation = inventory_generation(targets_inventory(account->targets), subnet) + 1;
	char *id = mem_printf(DRY_RUN_TARGET_PREFIX "%s:%d", subnet, generation);
	struct dry_room *room = dry_room_add(dry_run, account, id);
	json_t *result = json_object();

	assert(account->dry_run && request->rule->target_id == NULL);
	room->known = true;
	room->max = instance_type_sources_max(request->rule->target_instance_type);
	targets_plan(account->targets, &(struct target){
					   .id = id,
					   .subnet_id = (char *)subnet,
					   .made = true,
					   .tagged = true,
					   .generation = generation,
				       });
	jsonx_put_string(result, "TargetId", id);
	json_object_set_new(result, "Created", json_true());
	free(id);
	return tmf_call_of_result(account->loop, result);
}
