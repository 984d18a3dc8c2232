#include "mirror/destroy/destroy.h"

#include "aws/pace/retry.h"
#include "aws/services/pager.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/destroy/destroy_known.h"
#include "mirror/session.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/waiters.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * A pass lists everything, adds what this store knows to have made just now, then deletes kind
 * by kind. What was in use makes another pass after a while: sessions that another store knows
 * and a describe did not show yet turn up in it. A target that a session of somebody else's uses
 * is not touched, nor its instance: AWS refuses to delete it only where that session is in the
 * same account.
 */

/* Deletions at once: they wait for the account's quota, not for each other. */
#define WINDOW		  10u
#define PASSES_MAX	  8    /* with the waits below some three minutes */
#define PASS_DELAY_MS	  2000 /* doubles */
#define PASS_DELAY_MAX_MS 30000

enum kind { KIND_SESSIONS, KIND_TARGETS, KIND_INSTANCES, KIND_COUNT };

struct deletion {
	struct destroy *in;
	struct tmf_call *call; /* NULL: free */
	const json_t *item;
};

struct destroy {
	struct account *account;
	struct waiters waiters;
	bool removing;
	json_t *items[KIND_COUNT];   /* [item] of this pass */
	json_t *listed[KIND_COUNT];  /* {id: true} of what AWS lists, in this pass */
	json_t *unlisted;	     /* {id: true} of items that only the store knows */
	json_t *removed[KIND_COUNT]; /* {id: true} of all passes */
	json_t *failed;		     /* {id: {kind, id, error, cause}} of this pass */
	json_t *kept_interfaces; /* {interface: true} of targets that stay: their instances stay */
	json_t *strangers;	 /* {target: session} of sessions that are not ours */
	enum kind listing;
	struct tmf_call *asking;
	enum kind deleting;
	size_t next;
	struct deletion window[WINDOW];
	bool in_use;
	int passes;
	struct tmf_timer timer; /* the next pass */
};

static void destroy_list(struct destroy *destroy);
static void destroy_delete_more(struct destroy *destroy);
static void destroy_pass_again(struct tmf_timer *timer);

/* --- what is listed, and how it is deleted --- */

/* Items rather than AWS's resources are kept: what only the store knows has the same form then, and
 * the report shows them as they are. */
static json_t *
destroy_session_item(const json_t *session)
{
	json_t *item = json_object();

	jsonx_put_string(item, "sessionId", jsonx_get_string(session, "TrafficMirrorSessionId"));
	jsonx_put_string(
	    item, "networkInterfaceId", jsonx_get_string(session, "NetworkInterfaceId"));
	jsonx_put_string(item, "targetId", jsonx_get_string(session, "TrafficMirrorTargetId"));
	return item;
}

/* Without the tag, which somebody may have taken off, no generation is used up. */
static void
destroy_put_place(json_t *item, const char *subnet_id, const json_t *resource)
{
	const char *generation = tag_value(resource, TAG_GENERATION);

	jsonx_put_string(item, "subnetId", subnet_id);
	if (generation != NULL)
		json_object_set_new(item, "generation", json_integer(strtol(generation, NULL, 10)));
}

/* By TAG_OUR_SUBNET, which stays on a full target. */
static json_t *
destroy_target_item(const json_t *target)
{
	json_t *item = json_object();

	jsonx_put_string(item, "targetId", jsonx_get_string(target, "TrafficMirrorTargetId"));
	jsonx_put_string(
	    item, "networkInterfaceId", jsonx_get_string(target, "NetworkInterfaceId"));
	destroy_put_place(item, tag_value(target, TAG_OUR_SUBNET), target);
	return item;
}

static json_t *
destroy_instance_item(const json_t *instance)
{
	json_t *item = json_object();

	jsonx_put_string(item, "instanceId", jsonx_get_string(instance, "InstanceId"));
	jsonx_put_string(item, "networkInterfaceId",
	    jsonx_get_string(instance_primary_interface(instance), "NetworkInterfaceId"));
	destroy_put_place(item, tag_value(instance, TAG_TARGET_OF), instance);
	return item;
}

/* Only instances have a documented filter for tags: the mirror resources are all listed, and their
 * tags compared here. New reference, or NULL. */
static json_t *
destroy_filters(enum kind kind)
{
	json_t *values;

	if (kind != KIND_INSTANCES)
		return NULL;
	values = json_array();
	json_array_append_new(values, json_string(TAG_TOOL_VALUE));
	return describe_filter("tag:" TAG_TOOL, values);
}

/* The table wants one id a call. EC2 takes many in one request, but one that is protected then
 * saves others from it. */
static struct tmf_call *
destroy_terminate(struct aws_client *ec2, const char *id)
{
	json_t *ids = json_array();
	struct tmf_call *call;

	json_array_append_new(ids, json_string(id));
	call = ec2_terminate_instances(ec2, ids);
	json_decref(ids);
	return call;
}

static const struct {
	const char *name;
	const char *list_name; /* in the describe's reply */
	const char *id_name;
	const struct ec2_list *list;
	json_t *(*item_of)(const json_t *resource);
	struct tmf_call *(*delete)(struct aws_client *ec2, const char *id);
} kinds[KIND_COUNT] = {
    [KIND_SESSIONS] = {"sessions", "TrafficMirrorSessions", "sessionId", &ec2_list_sessions,
	destroy_session_item, ec2_delete_session},
    [KIND_TARGETS] = {"targets", "TrafficMirrorTargets", "targetId", &ec2_list_targets,
	destroy_target_item, ec2_delete_target},
    [KIND_INSTANCES] = {"instances", "Instances", "instanceId", &ec2_list_instances,
	destroy_instance_item, destroy_terminate},
};

/* Instances first: they show which account this is. */
static const enum kind listing_order[KIND_COUNT] = {KIND_INSTANCES, KIND_TARGETS, KIND_SESSIONS};

/* --- life --- */

static struct tmf_loop *
destroy_loop(const struct destroy *destroy)
{
	return destroy->account->loop;
}

struct destroy *
destroy_new(struct account *account)
{
	struct destroy *destroy = mem_zalloc(1, sizeof(*destroy));

	destroy->account = account;
	destroy->timer.fire = destroy_pass_again;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		destroy->removed[kind] = json_object();
	return destroy;
}

static void
destroy_pass_forget(struct destroy *destroy)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		json_decref(destroy->items[kind]);
		json_decref(destroy->listed[kind]);
		destroy->items[kind] = destroy->listed[kind] = NULL;
	}
	json_decref(destroy->failed);
	json_decref(destroy->unlisted);
	destroy->unlisted = NULL;
	json_decref(destroy->kept_interfaces);
	json_decref(destroy->strangers);
	destroy->failed = destroy->kept_interfaces = destroy->strangers = NULL;
}

/* Cancelling leaves what AWS was asked for undone or done: a later destroy finds out. */
void
destroy_free(struct destroy *destroy)
{
	if (destroy == NULL)
		return;
	tmf_call_cancel(destroy->asking);
	for (size_t i = 0; i < WINDOW; i++)
		tmf_call_cancel(destroy->window[i].call);
	tmf_loop_timer_disarm(destroy_loop(destroy), &destroy->timer);
	waiters_fini(&destroy->waiters);
	destroy_pass_forget(destroy);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		json_decref(destroy->removed[kind]);
	free(destroy);
}

/* --- the end --- */

static json_t *
destroy_keys(json_t *set)
{
	json_t *keys = json_array();
	const char *key;
	json_t *value;

	json_object_foreach (set, key, value)
		json_array_append_new(keys, json_string(key));
	return keys;
}

static json_t *
destroy_values(json_t *object)
{
	json_t *values = json_array();
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value)
		json_array_append(values, value);
	return values;
}

/* `kept` comes from the same set as `failed` of a removal: in a pass that deletes nothing, only
 * targets that a stranger's session uses have got into it. */
static void
destroy_report_found(struct destroy *destroy)
{
	json_t *result = json_object();

	for (int kind = 0; kind < KIND_COUNT; kind++)
		json_object_set(result, kinds[kind].name, destroy->items[kind]);
	json_object_set_new(result, "kept", destroy_values(destroy->failed));
	waiters_complete(&destroy->waiters, result);
	json_decref(result);
}

/* What failed is the last pass's: a target that was in use in the first and deleted in the third
 * did not fail. */
static void
destroy_report_removed(struct destroy *destroy)
{
	json_t *result = json_object();
	json_t *removed = json_object();

	for (int kind = 0; kind < KIND_COUNT; kind++)
		json_object_set_new(
		    removed, kinds[kind].name, destroy_keys(destroy->removed[kind]));
	json_object_set_new(result, "removed", removed);
	json_object_set_new(result, "failed", destroy_values(destroy->failed));
	waiters_complete(&destroy->waiters, result);
	json_decref(result);
}

/* Another pass only where a target was in use. Any other refusal, such as a missing permission,
 * would be the same a minute later. */
static void
destroy_pass_end(struct destroy *destroy)
{
	struct tmf_clock *clock = tmf_loop_clock(destroy_loop(destroy));
	/* PASSES_MAX bounds the shift: 2, 4, 8, 16, then 30 s each. */
	int64_t delay_ms = (int64_t)PASS_DELAY_MS << destroy->passes;

	if (!destroy->in_use || ++destroy->passes == PASSES_MAX) {
		destroy_report_removed(destroy);
		return;
	}
	if (delay_ms > PASS_DELAY_MAX_MS)
		delay_ms = PASS_DELAY_MAX_MS;
	tmf_loop_timer_arm(
	    destroy_loop(destroy), &destroy->timer, clock->mono_ms(clock) + delay_ms);
}

/* --- deleting --- */

/* By id, so that an item that is refused twice in a pass is reported once. */
static void
destroy_item_failed(
    struct destroy *destroy, enum kind kind, const json_t *item, const struct tmf_err *err)
{
	const char *id = jsonx_get_string(item, kinds[kind].id_name);
	json_t *failure = json_object();

	jsonx_put_string(failure, "kind", kinds[kind].name);
	jsonx_put_string(failure, "id", id);
	jsonx_put_string(failure, "error", err->name);
	jsonx_put_string(failure, "cause", tmf_err_text(err));
	json_object_set_new(destroy->failed, id, failure);
}

/* A target that stays keeps its instance. */
static void
destroy_keep_instance(struct destroy *destroy, const json_t *item)
{
	const char *interface = jsonx_get_string(item, "networkInterfaceId");

	if (destroy->deleting == KIND_TARGETS && interface != NULL)
		json_object_set_new(destroy->kept_interfaces, interface, json_true());
}

/* Every refusal keeps the instance, not only a target in use: a target whose instance is gone loses
 * traffic without a word. */
static void
destroy_delete_refused(struct destroy *destroy, const json_t *item, const struct tmf_err *err)
{
	if (error_is_target_in_use(err))
		destroy->in_use = true;
	destroy_item_failed(destroy, destroy->deleting, item, err);
	destroy_keep_instance(destroy, item);
}

static void
destroy_delete_done(void *arg, struct tmf_call *call)
{
	struct deletion *deletion = arg;
	struct destroy *destroy = deletion->in;
	enum kind kind = destroy->deleting;
	const char *id = jsonx_get_string(deletion->item, kinds[kind].id_name);
	json_t *reply = tmf_call_take_result(call);

	assert(deletion->call == call);
	deletion->call = NULL;
	if (reply != NULL || aws_error_is_not_found(call->err.name)) {
		/* Of what is on no list, only AWS could know that it was there. */
		if (reply != NULL || json_object_get(destroy->unlisted, id) == NULL)
			json_object_set_new(destroy->removed[kind], id, json_true());
		log_event(LOG_INFO, "destroy.removed", LOG_STR("kind", kinds[kind].name),
		    LOG_STR("id", id));
	} else {
		destroy_delete_refused(destroy, deletion->item, &call->err);
	}
	json_decref(reply);
	destroy_delete_more(destroy);
}

/* The token of a terminated instance is refused for a day, and describes may show a deleted target
 * for a while: so the generation is used up, and the target full. An item without a subnet is of
 * nothing that a later creation could take up. */
static int
destroy_note_gone(struct destroy *destroy, const json_t *item, struct tmf_err *err)
{
	int generation = (int)json_integer_value(json_object_get(item, "generation"));
	const struct target gone = {
	    .id = (char *)jsonx_get_string(item, "targetId"),
	    .interface_id = (char *)jsonx_get_string(item, "networkInterfaceId"),
	    .subnet_id = (char *)jsonx_get_string(item, "subnetId"),
	    .made = true,
	    .full = true,
	    .generation = generation,
	};

	if (gone.subnet_id == NULL)
		return 0;
	if (gone.id != NULL && target_fact_put(destroy->account, &gone, err) < 0)
		return -1;
	return target_fact_note_generation(destroy->account, gone.subnet_id, generation, err);
}

static bool
destroy_item_stays(const struct destroy *destroy, const json_t *item)
{
	const char *interface = jsonx_get_string(item, "networkInterfaceId");

	return destroy->deleting == KIND_INSTANCES && interface != NULL &&
	       json_object_get(destroy->kept_interfaces, interface) != NULL;
}

/* Also says whether nothing is under way, since both follow from one walk over a short array. */
static struct deletion *
destroy_free_slot(struct destroy *destroy, bool *ret_idle)
{
	struct deletion *found = NULL;

	*ret_idle = true;
	for (size_t i = 0; i < WINDOW; i++) {
		if (destroy->window[i].call == NULL)
			found = &destroy->window[i];
		else
			*ret_idle = false;
	}
	return found;
}

/* What a later run must know is in the store before AWS is asked. */
static int
destroy_delete_note(struct destroy *destroy, const json_t *item, struct tmf_err *err)
{
	int ret = 0;

	if (destroy->deleting != KIND_SESSIONS)
		ret = destroy_note_gone(destroy, item, err);
	else if (destroy->next == 1) /* the first one */
		ret = sessions_note_destroyed(destroy->account, err);
	return ret < 0 ? -1 : store_commit(destroy->account->store, err);
}

/* item is borrowed from this pass's items, which outlive every deletion of the pass. */
static int
destroy_delete_start(
    struct destroy *destroy, struct deletion *slot, const json_t *item, struct tmf_err *err)
{
	enum kind kind = destroy->deleting;

	if (destroy_delete_note(destroy, item, err) < 0)
		return -1;
	/* Sessions, then targets, then instances: no target may lose its instance first. */
	assert(slot->call == NULL && kind < KIND_COUNT);
	slot->in = destroy;
	slot->item = item;
	slot->call =
	    kinds[kind].delete(destroy->account->ec2, jsonx_get_string(item, kinds[kind].id_name));
	tmf_call_on_done(slot->call, destroy_delete_done, slot);
	return 0;
}

/* Keeps the window full; goes on to the next kind when the last of one is over. The next kind
 * starts only when no deletion is under way. That costs one round trip a kind, and is what keeps
 * the order of sessions, targets and instances. */
static void
destroy_delete_more(struct destroy *destroy)
{
	const json_t *items = destroy->items[destroy->deleting];
	struct deletion *slot;
	struct tmf_err err = {0};
	bool idle;

	while ((slot = destroy_free_slot(destroy, &idle)) != NULL &&
	       destroy->next < json_array_size(items)) {
		const json_t *item = json_array_get(items, destroy->next++);

		if (destroy_item_stays(destroy, item) ||
		    destroy_delete_start(destroy, slot, item, &err) == 0)
			continue;
		waiters_fail(&destroy->waiters, &err);
		tmf_err_fini(&err);
		return;
	}
	if (!idle)
		return;
	destroy->next = 0;
	if (destroy->deleting + 1 == KIND_COUNT) {
		destroy_pass_end(destroy);
		return;
	}
	assert(destroy->removing);
	destroy->deleting++;
	destroy_delete_more(destroy);
}

/* --- listing --- */

/* By the tag, and by the owner where AWS gives one: a target that another account shares with this
 * one is listed here too, and may bear the same tag. */
static bool
destroy_is_ours(const struct destroy *destroy, const json_t *resource)
{
	const char *tool = tag_value(resource, TAG_TOOL);
	const char *owner = jsonx_get_string(resource, "OwnerId");
	const char *account_id = destroy->account->id;

	return tool != NULL && strcmp(tool, TAG_TOOL_VALUE) == 0 &&
	       (owner == NULL || account_id[0] == '\0' || strcmp(owner, account_id) == 0);
}

/* What an earlier pass removed may be listed for a while. item is taken. */
static void
destroy_add_item(struct destroy *destroy, enum kind kind, json_t *item)
{
	const char *id = jsonx_get_string(item, kinds[kind].id_name);

	bool again =
	    json_object_get(destroy->listed[kind], id) != NULL; /* the list was restarted */

	json_object_set_new(destroy->listed[kind], id, json_true());
	if (!again && json_object_get(destroy->removed[kind], id) == NULL)
		json_array_append(destroy->items[kind], item);
	json_decref(item);
}

/* A target that is not ours keeps its instance even if that bears our tags: somebody has put it to
 * use. The same goes for a stranger's session, whose target stays. */
static void
destroy_list_note(struct destroy *destroy, const json_t *resource)
{
	enum kind kind = listing_order[destroy->listing];
	const char *interface = jsonx_get_string(resource, "NetworkInterfaceId");

	if (destroy_is_ours(destroy, resource) &&
	    (kind != KIND_INSTANCES ||
		(tag_value(resource, TAG_TARGET_OF) != NULL && !instance_is_over(resource))))
		destroy_add_item(destroy, kind, kinds[kind].item_of(resource));
	else if (kind == KIND_TARGETS && interface != NULL)
		json_object_set_new(destroy->kept_interfaces, interface, json_true());
	else if (kind == KIND_SESSIONS)
		jsonx_put_string(destroy->strangers,
		    jsonx_get_string(resource, "TrafficMirrorTargetId"),
		    jsonx_get_string(resource, "TrafficMirrorSessionId"));
}

/* Adds what this store has made and AWS does not list yet. After the listings, so that what AWS
 * lists is taken as AWS describes it. */
static int
destroy_add_known(struct destroy *destroy, struct tmf_err *err)
{
	json_t *known = destroy_known(destroy->account, err);

	if (known == NULL)
		return -1;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		json_t *items = json_object_get(known, kinds[kind].name);
		const char *id;
		json_t *item;

		json_object_foreach (items, id, item) {
			if (json_object_get(destroy->listed[kind], id) != NULL)
				continue;
			json_object_set_new(destroy->unlisted, id, json_true());
			destroy_add_item(destroy, (enum kind)kind, json_incref(item));
		}
	}
	json_decref(known);
	return 0;
}

/* Somebody else's session uses it: target and instance stay. */
static void
destroy_keep_used_targets(struct destroy *destroy)
{
	json_t *left = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (destroy->items[KIND_TARGETS], i, item) {
		const char *interface = jsonx_get_string(item, "networkInterfaceId");
		const char *session =
		    jsonx_get_string(destroy->strangers, jsonx_get_string(item, "targetId"));
		struct tmf_err err = {0};

		if (session == NULL) {
			json_array_append(left, item);
			continue;
		}
		tmf_err_set_name(&err, TMF_ERR_SERVICE, "TrafficMirrorTargetInUse",
		    "session %s, which is not tmflow's, still uses it", session);
		destroy_item_failed(destroy, KIND_TARGETS, item, &err);
		tmf_err_fini(&err);
		if (interface != NULL)
			json_object_set_new(destroy->kept_interfaces, interface, json_true());
	}
	assert(json_array_size(left) <= json_array_size(destroy->items[KIND_TARGETS]));
	json_decref(destroy->items[KIND_TARGETS]);
	destroy->items[KIND_TARGETS] = left;
}

/* Once more for what was listed: the instances came before the targets that keep them.
 * destroy_item_stays asks again while deleting, when refusals may have added to the set. */
static void
destroy_keep_instances(struct destroy *destroy)
{
	json_t *left = json_array();
	json_t *item;
	size_t i;

	json_array_foreach (destroy->items[KIND_INSTANCES], i, item) {
		const char *interface = jsonx_get_string(item, "networkInterfaceId");

		if (interface == NULL ||
		    json_object_get(destroy->kept_interfaces, interface) == NULL)
			json_array_append(left, item);
	}
	json_decref(destroy->items[KIND_INSTANCES]);
	destroy->items[KIND_INSTANCES] = left;
}

/* Everything of this kind is there: on to the next, or to what is to be done. */
static void
destroy_list_next(struct destroy *destroy)
{
	struct tmf_err err = {0};

	if (++destroy->listing < KIND_COUNT) {
		destroy_list(destroy);
		return;
	}
	if (destroy_add_known(destroy, &err) < 0) {
		waiters_fail(&destroy->waiters, &err);
		tmf_err_fini(&err);
		return;
	}
	destroy_keep_used_targets(destroy);
	destroy_keep_instances(destroy);
	if (destroy->removing)
		destroy_delete_more(destroy);
	else
		destroy_report_found(destroy);
}

/* No instance of ours shows which account this is; any other will do. */
static enum ec2_page_next
destroy_account_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct destroy *destroy = arg;

	(void)err;
	account_note_id(destroy->account, reply);
	return destroy->account->id[0] != '\0' ? EC2_PAGE_ENOUGH : EC2_PAGE_MORE;
}

static void
destroy_account_done(void *arg, struct tmf_call *call)
{
	struct destroy *destroy = arg;
	json_t *result = tmf_call_take_result(call);

	destroy->asking = NULL;
	if (result != NULL)
		destroy_list_next(destroy);
	else
		waiters_fail(&destroy->waiters, &call->err);
	json_decref(result);
}

/* Any state and any tag: a single listed instance is enough, and most accounts have one. */
static void
destroy_account_ask(struct destroy *destroy)
{
	destroy->asking = ec2_pages(destroy->account->ec2,
	    &(struct ec2_pages){
		.list = &ec2_list_instances, .on_page = destroy_account_page, .arg = destroy});
	tmf_call_on_done(destroy->asking, destroy_account_done, destroy);
}

/* Every page may name the account: instances come first, and account_note_id takes no harm from
 * other replies. */
static enum ec2_page_next
destroy_list_page(void *arg, json_t *reply, struct tmf_err *err)
{
	struct destroy *destroy = arg;
	json_t *resource;
	size_t i;

	(void)err;
	account_note_id(destroy->account, reply);
	json_array_foreach (
	    jsonx_get_array(reply, kinds[listing_order[destroy->listing]].list_name), i, resource)
		destroy_list_note(destroy, resource);
	return EC2_PAGE_MORE;
}

static void
destroy_list_done(void *arg, struct tmf_call *call)
{
	struct destroy *destroy = arg;
	json_t *result = tmf_call_take_result(call);

	destroy->asking = NULL;
	if (result == NULL)
		waiters_fail(&destroy->waiters, &call->err);
	else if (listing_order[destroy->listing] == KIND_INSTANCES &&
		 destroy->account->id[0] == '\0')
		destroy_account_ask(destroy);
	else
		destroy_list_next(destroy);
	json_decref(result);
}

/* A list that is cut off fails the pass: a session of somebody else's that it left out would cost
 * them their target. */
static void
destroy_list(struct destroy *destroy)
{
	enum kind kind = listing_order[destroy->listing];
	json_t *filters = destroy_filters(kind);

	destroy->asking =
	    ec2_pages(destroy->account->ec2, &(struct ec2_pages){.list = kinds[kind].list,
						 .filters = filters,
						 .on_page = destroy_list_page,
						 .arg = destroy});
	tmf_call_on_done(destroy->asking, destroy_list_done, destroy);
	json_decref(filters);
}

/* Each pass lists everything again. What the pass before left behind would not be enough: a session
 * that was not listed then is the usual reason for another pass. */
static void
destroy_pass_start(struct destroy *destroy)
{
	assert(destroy->asking == NULL);
	destroy_pass_forget(destroy);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		destroy->items[kind] = json_array();
		destroy->listed[kind] = json_object();
	}
	destroy->failed = json_object();
	destroy->unlisted = json_object();
	destroy->kept_interfaces = json_object();
	destroy->strangers = json_object();
	destroy->listing = 0;
	destroy->deleting = KIND_SESSIONS;
	destroy->next = 0;
	destroy->in_use = false;
	destroy_list(destroy);
}

static void
destroy_pass_again(struct tmf_timer *timer)
{
	destroy_pass_start((struct destroy *)((char *)timer - offsetof(struct destroy, timer)));
}

struct tmf_call *
destroy_find(struct destroy *destroy)
{
	destroy->removing = false;
	destroy_pass_start(destroy);
	return waiters_add(&destroy->waiters, destroy_loop(destroy));
}

struct tmf_call *
destroy_remove(struct destroy *destroy)
{
	destroy->removing = true;
	destroy->passes = 0;
	destroy_pass_start(destroy);
	return waiters_add(&destroy->waiters, destroy_loop(destroy));
}
