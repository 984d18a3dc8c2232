#include "mirror/targets/target_rooms.h"

#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance_types.h"
#include "mirror/targets/target_facts.h"

#include <assert.h>
#include <stdlib.h>

struct target_rooms {
	struct target_listing *list;
	struct target_lives *lives;
	/* {target: {interface: place}}: 0 where AWS listed its session; else when it took its place
	 * here, in monotonic ms, and negative once its session was made. */
	json_t *sources;
	unsigned counted; /* of which reading of the inventory; 0: of none */
	struct waiters waiters;
	struct tmf_call *call; /* under way; NULL while nobody waits */
	unsigned counting;     /* as counted, of the count under way */
	json_t *ids;	       /* of targets to be counted */
	size_t asked;	       /* of them */
	json_t *coming;	       /* takes the place of sources at the end of the count */
};

struct target_rooms *
target_rooms_new(struct target_listing *list, struct target_lives *lives)
{
	struct target_rooms *rooms = mem_zalloc(1, sizeof(*rooms));

	rooms->list = list;
	rooms->lives = lives;
	rooms->sources = json_object();
	return rooms;
}

static void
target_rooms_drop_count(struct target_rooms *rooms)
{
	json_decref(rooms->ids);
	json_decref(rooms->coming);
	rooms->ids = rooms->coming = NULL;
}

void
target_rooms_free(struct target_rooms *rooms)
{
	tmf_call_cancel(rooms->call);
	waiters_fini(&rooms->waiters);
	target_rooms_drop_count(rooms);
	json_decref(rooms->sources);
	free(rooms);
}

/* --- counting --- */

static int64_t
target_rooms_mono_ms(const struct target_rooms *rooms)
{
	struct tmf_clock *clock = tmf_loop_clock(rooms->list->account->loop);

	return clock->mono_ms(clock);
}

static void
target_room_add(json_t *sources, const char *target_id, const char *interface_id, int64_t place)
{
	json_t *room = json_object_get(sources, target_id);

	assert(target_id != NULL && interface_id != NULL);
	if (room == NULL) {
		room = json_object();
		json_object_set_new(sources, target_id, room);
	}
	if (json_object_get(room, interface_id) == NULL)
		json_object_set_new(room, interface_id, json_integer(place));
}

/* AWS may not list yet what this process has asked for just now: such places stay taken. */
static void
target_rooms_keep_new(struct target_rooms *rooms)
{
	int64_t now_mono_ms = target_rooms_mono_ms(rooms);
	const char *target_id;
	const char *interface_id;
	json_t *room;
	json_t *taken;

	json_object_foreach (rooms->sources, target_id, room)
		json_object_foreach (room, interface_id, taken) {
			int64_t place = json_integer_value(taken);

			if (place != 0 &&
			    now_mono_ms - (place > 0 ? place : -place) < TARGET_FACT_SETTLED_MS)
				target_room_add(rooms->coming, target_id, interface_id, place);
		}
}

static void
target_rooms_end(struct target_rooms *rooms, const struct tmf_err *err)
{
	json_t *result;

	if (tmf_err_isset(err)) {
		target_rooms_drop_count(rooms);
		waiters_fail(&rooms->waiters, err);
		return;
	}
	assert(rooms->call == NULL && rooms->coming != NULL && rooms->counting > 0);
	target_rooms_keep_new(rooms);
	json_decref(rooms->sources);
	rooms->sources = json_incref(rooms->coming);
	rooms->counted = rooms->counting;
	target_rooms_drop_count(rooms);
	result = json_object();
	waiters_complete(&rooms->waiters, result);
	json_decref(result);
}

/* Sessions of all kinds count, those too that tmflow did not make: AWS counts them as well. An
 * interface is one source however many sessions it has. A page that is read again says the same
 * again. */
static enum ec2_page_next
target_rooms_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct target_rooms *rooms = arg;
	json_t *session;
	size_t i;

	(void)err;
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorSessions"), i, session) {
		const char *target_id = jsonx_get_string(session, "TrafficMirrorTargetId");
		const char *interface_id = jsonx_get_string(session, "NetworkInterfaceId");

		if (target_id != NULL && interface_id != NULL)
			target_room_add(rooms->coming, target_id, interface_id, 0);
	}
	return EC2_PAGE_MORE;
}

static void target_rooms_ask(struct target_rooms *rooms);

static void
target_rooms_asked(void *arg, struct tmf_call *call)
{
	struct target_rooms *rooms = arg;
	json_t *result = tmf_call_take_result(call);

	rooms->call = NULL;
	if (result != NULL && rooms->asked < json_array_size(rooms->ids))
		target_rooms_ask(rooms);
	else
		target_rooms_end(rooms, &call->err);
	json_decref(result);
}

static void
target_rooms_ask(struct target_rooms *rooms)
{
	json_t *values = json_array();
	json_t *filters = describe_filter("traffic-mirror-target-id", values);

	while (json_array_size(values) < EC2_FILTER_VALUES_MAX &&
	       rooms->asked < json_array_size(rooms->ids))
		json_array_append(values, json_array_get(rooms->ids, rooms->asked++));
	assert(
	    json_array_size(values) > 0); /* without a filter AWS would list the whole account's */
	rooms->call = ec2_pages(rooms->list->account->ec2, &(struct ec2_pages){
							       .list = &ec2_list_sessions,
							       .filters = filters,
							       .on_page = target_rooms_page,
							       .arg = rooms,
							   });
	tmf_call_on_done(rooms->call, target_rooms_asked, rooms);
	json_decref(filters);
}

/* What is full or dead gets no more sources, and is not counted. */
static void
target_rooms_begin(void *arg, struct tmf_call *call)
{
	struct target_rooms *rooms = arg;
	const struct inventory *inventory = &rooms->list->inventory;
	json_t *result = tmf_call_take_result(call);

	rooms->call = NULL;
	if (result == NULL) {
		target_rooms_end(rooms, &call->err);
		return;
	}
	json_decref(result);
	rooms->counting = rooms->list->times;
	rooms->asked = 0;
	rooms->ids = json_array();
	rooms->coming = json_object();
	for (size_t i = 0; i < inventory->count; i++) {
		const struct target *target = inventory->at[i];

		if (target->interface_id != NULL && !target->full && !target->dead)
			json_array_append_new(rooms->ids, json_string(target->id));
	}
	if (json_array_size(rooms->ids) > 0)
		target_rooms_ask(rooms);
	else
		target_rooms_end(rooms, &call->err);
}

struct tmf_call *
target_rooms_load(struct target_rooms *rooms)
{
	struct tmf_loop *loop = rooms->list->account->loop;
	struct tmf_call *call;

	if (rooms->call == NULL && rooms->counted == rooms->list->times &&
	    target_listing_is_fresh(rooms->list))
		return tmf_call_of_result(loop, json_object());
	call = waiters_add(&rooms->waiters, loop);
	if (rooms->call == NULL) {
		rooms->call = target_lives_load(rooms->lives);
		tmf_call_on_done(rooms->call, target_rooms_begin, rooms);
	}
	return call;
}

/* --- places --- */

/* What was made, and is not listed with its type yet, takes the least. */
unsigned
target_rooms_max(const struct target *target)
{
	if (target->sources_max > 0)
		return target->sources_max;
	return target->made && target->interface_id != NULL ? SOURCES_MAX : 0;
}

static bool
target_room_has(const struct target_rooms *rooms, const char *target_id, const char *interface_id)
{
	return interface_id != NULL &&
	       json_object_get(json_object_get(rooms->sources, target_id), interface_id) != NULL;
}

static bool
target_room_is_left(const struct target_rooms *rooms, const struct target *target)
{
	unsigned max = target_rooms_max(target);

	return max == 0 || json_object_size(json_object_get(rooms->sources, target->id)) < max;
}

/* Nothing is noted of a target without a limit, so that its sources take no memory. */
static void
target_room_take(struct target_rooms *rooms, const struct target *target, const char *interface_id)
{
	int64_t now_mono_ms = target_rooms_mono_ms(rooms);

	if (interface_id != NULL && target_rooms_max(target) > 0)
		target_room_add(
		    rooms->sources, target->id, interface_id, now_mono_ms > 0 ? now_mono_ms : 1);
}

/* A full target that was made is left to AWS's word: its sources are not counted, and a source
 * that has its session there may come to change it. */
bool
target_rooms_enter(struct target_rooms *rooms, const char *target_id, const char *interface_id)
{
	const struct target *target = inventory_find(&rooms->list->inventory, target_id);

	assert(interface_id != NULL);
	if (target == NULL || target_room_has(rooms, target_id, interface_id) ||
	    (target->made && target->full))
		return true;
	if (target->full || !target_room_is_left(rooms, target))
		return false;
	target_room_take(rooms, target, interface_id);
	return true;
}

void
target_rooms_settle(
    struct target_rooms *rooms, const char *target_id, const char *interface_id, bool used)
{
	json_t *room = json_object_get(rooms->sources, target_id);
	int64_t place = json_integer_value(json_object_get(room, interface_id));

	if (place > 0 && used)
		json_object_set_new(room, interface_id, json_integer(-place));
	else if (place > 0)
		json_object_del(room, interface_id);
}

bool
target_rooms_is_awaited(const struct target_rooms *rooms, const char *target_id)
{
	const char *interface_id;
	json_t *place;

	json_object_foreach (json_object_get(rooms->sources, target_id), interface_id, place)
		if (json_integer_value(place) > 0)
			return true;
	return false;
}

/*
 * No place is left, and no one is only kept: closed, so that it loses its tag like a full one.
 * After a crash a target without its tag counts as full, and a place that was only kept is lost.
 */
static bool
target_room_is_used_up(const struct target_rooms *rooms, const struct target *target)
{
	return !target_room_is_left(rooms, target) && !target_rooms_is_awaited(rooms, target->id);
}

const struct target *
target_rooms_choose(struct target_rooms *rooms, const char *subnet_id, const char *interface_id)
{
	const struct inventory *inventory = &rooms->list->inventory;
	struct target *chosen = NULL;
	json_t *index;
	size_t i;

	json_array_foreach (json_object_get(inventory->by_subnet, subnet_id), i, index) {
		struct target *target = inventory->at[json_integer_value(index)];

		if (!target->proved || target->full || target->dead)
			continue;
		if (target_room_has(rooms, target->id, interface_id))
			return target;
		target->closed = target_room_is_used_up(rooms, target);
		if (target_room_is_left(rooms, target) &&
		    (chosen == NULL || target->generation > chosen->generation))
			chosen = target;
	}
	if (chosen != NULL)
		target_room_take(rooms, chosen, interface_id);
	return chosen;
}
