#include "mirror/destroy/destroy_internal.h"

#include "base/jsonx.h"
#include "mirror/config/instance.h"
#include "mirror/destroy/destroy_known.h"
#include "mirror/targets/launch_proof.h"

#include <assert.h>
#include <string.h>

/*
 * Who may go. Tags say what may be ours; a client token that only its launch could give, or this
 * store, says what is. What is only tagged is left to the person who reads of it, with --trust-
 * tags. A target that a session of somebody else's uses is not touched, nor its instance: AWS
 * refuses to delete it only where that session is in the same account.
 */

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
destroy_add_item(struct destroy *destroy, enum destroy_kind kind, json_t *item)
{
	const char *id = jsonx_get_string(item, destroy_kinds[kind].id_name);
	bool again = json_object_get(destroy->pass.listed[kind], id) != NULL; /* list restarted */

	json_object_set_new(destroy->pass.listed[kind], id, json_true());
	if (!again && json_object_get(destroy->removed[kind], id) == NULL)
		json_array_append(destroy->pass.items[kind], item);
	json_decref(item);
}

/* A target that is not ours keeps its instance even if that bears our tags: somebody has put it to
 * use. The same goes for a stranger's session, whose target stays. */
void
destroy_judge_resource(struct destroy *destroy, enum destroy_kind kind, const json_t *resource)
{
	const char *interface = jsonx_get_string(resource, "NetworkInterfaceId");

	if (destroy_is_ours(destroy, resource) &&
	    (kind != DESTROY_INSTANCES ||
		(tag_value(resource, TAG_TARGET_OF) != NULL && !instance_is_over(resource)))) {
		if (kind == DESTROY_INSTANCES && launch_is_proved(resource))
			json_object_set_new(destroy->pass.proved,
			    jsonx_get_string(resource, "InstanceId"), json_true());
		destroy_add_item(destroy, kind, destroy_kinds[kind].item_of(resource));
	} else if (kind == DESTROY_TARGETS && interface != NULL)
		json_object_set_new(destroy->pass.kept_interfaces, interface, json_true());
	else if (kind == DESTROY_SESSIONS)
		jsonx_put_string(destroy->pass.strangers,
		    jsonx_get_string(resource, "TrafficMirrorTargetId"),
		    jsonx_get_string(resource, "TrafficMirrorSessionId"));
}

/* Adds what this store has made and AWS does not list yet. After the listings, so that what AWS
 * lists is taken as AWS describes it. */
static void
destroy_add_known(struct destroy *destroy, json_t *known)
{
	for (int kind = 0; kind < DESTROY_KINDS; kind++) {
		json_t *items = json_object_get(known, destroy_kinds[kind].name);
		const char *id;
		json_t *item;

		json_object_foreach (items, id, item) {
			if (json_object_get(destroy->pass.listed[kind], id) != NULL)
				continue;
			json_object_set_new(destroy->pass.unlisted, id, json_true());
			destroy_add_item(destroy, (enum destroy_kind)kind, json_incref(item));
		}
	}
}

/* Takes the items of a kind that only bear our tags out of it, and keeps what depends on them.
 * proved: {interface: subnet} of proved instances, to which this adds or by which it goes. */
static void
destroy_keep_tagged(
    struct destroy *destroy, enum destroy_kind kind, const json_t *known, json_t *proved)
{
	const struct destroy_kind_ops *ops = &destroy_kinds[kind];
	json_t *items = destroy->pass.items[kind];
	size_t i = 0;

	while (i < json_array_size(items)) {
		json_t *item = json_array_get(items, i);
		const char *id = jsonx_get_string(item, ops->id_name);
		const char *interface = jsonx_get_string(item, "networkInterfaceId");
		const char *subnet = jsonx_get_string(item, "subnetId");
		const char *of = interface != NULL ? jsonx_get_string(proved, interface) : NULL;
		bool is = json_object_get(json_object_get(known, ops->name), id) != NULL ||
			  (kind == DESTROY_INSTANCES
				  ? json_object_get(destroy->pass.proved, id) != NULL
				  : of != NULL && subnet != NULL && strcmp(of, subnet) == 0);

		if (is) {
			if (kind == DESTROY_INSTANCES && interface != NULL)
				jsonx_put_string(proved, interface, subnet);
			i++;
			continue;
		}
		if (interface != NULL)
			json_object_set_new(destroy->pass.kept_interfaces, interface, json_true());
		jsonx_put_string(item, "kind", ops->name);
		json_array_append(destroy->pass.tagged, item);
		json_array_remove(items, i);
	}
}

bool
destroy_interface_is_kept(struct destroy *destroy, const json_t *item)
{
	const char *interface = jsonx_get_string(item, "networkInterfaceId");

	return interface != NULL &&
	       json_object_get(destroy->pass.kept_interfaces, interface) != NULL;
}

void
destroy_item_failed(
    struct destroy *destroy, enum destroy_kind kind, const json_t *item, const struct tmf_err *err)
{
	const char *id = jsonx_get_string(item, destroy_kinds[kind].id_name);
	const char *interface = jsonx_get_string(item, "networkInterfaceId");
	json_t *failure = json_object();

	jsonx_put_string(failure, "kind", destroy_kinds[kind].name);
	jsonx_put_string(failure, "id", id);
	jsonx_put_string(failure, "error", err->name);
	jsonx_put_string(failure, "cause", tmf_err_text(err));
	json_object_set_new(destroy->pass.failed, id, failure);
	/* A target that stays keeps its instance, whatever the refusal: a target whose instance is
	 * gone loses traffic without a word. */
	if (kind == DESTROY_TARGETS && interface != NULL)
		json_object_set_new(destroy->pass.kept_interfaces, interface, json_true());
}

/* A target that somebody else's session uses stays, which keeps its instance. */
static bool
destroy_target_stays(struct destroy *destroy, const json_t *item)
{
	const char *session =
	    jsonx_get_string(destroy->pass.strangers, jsonx_get_string(item, "targetId"));
	struct tmf_err err = {0};

	if (session == NULL)
		return false;
	tmf_err_set_name(&err, TMF_ERR_SERVICE, "TrafficMirrorTargetInUse",
	    "session %s, which is not tmflow's, still uses it", session);
	destroy_item_failed(destroy, DESTROY_TARGETS, item, &err);
	tmf_err_fini(&err);
	return true;
}

/* Takes what stays out of the items of a kind. */
static void
destroy_keep(struct destroy *destroy, enum destroy_kind kind,
    bool (*stays)(struct destroy *destroy, const json_t *item))
{
	json_t *items = destroy->pass.items[kind];
	size_t i = 0;

	while (i < json_array_size(items)) {
		if (stays(destroy, json_array_get(items, i)))
			json_array_remove(items, i);
		else
			i++;
	}
}

int
destroy_judge(struct destroy *destroy, struct tmf_err *err)
{
	json_t *known = destroy_known(destroy->account, err);

	if (known == NULL)
		return -1;
	destroy_add_known(destroy, known);
	if (!destroy->trust_tags) {
		json_t *proved = json_object();

		destroy_keep_tagged(destroy, DESTROY_INSTANCES, known, proved);
		destroy_keep_tagged(destroy, DESTROY_TARGETS, known, proved);
		json_decref(proved);
	}
	json_decref(known);
	destroy_keep(destroy, DESTROY_TARGETS, destroy_target_stays);
	/* The instances were listed before the targets that keep them. */
	destroy_keep(destroy, DESTROY_INSTANCES, destroy_interface_is_kept);
	return 0;
}
