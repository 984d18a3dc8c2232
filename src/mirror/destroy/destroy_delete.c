#include "mirror/destroy/destroy_internal.h"

#include "aws/pace/retry.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/session.h"
#include "mirror/targets/target_facts.h"

#include <assert.h>
#include <stdlib.h>

/* Deletions at once: they wait for the account's quota, not for each other. */
#define WINDOW 10u

struct deletion {
	struct deletions *in;
	struct tmf_call *call; /* NULL: free */
	const json_t *item;    /* borrowed of the pass's items, which outlive it */
};

/* The deletions of a pass. */
struct deletions {
	struct tmf_call call; /* must be first */
	struct destroy *destroy;
	enum destroy_kind kind;
	size_t next; /* of the kind's items */
	struct deletion window[WINDOW];
};

static void destroy_delete_done(void *arg, struct tmf_call *call);

/* The token of a terminated instance is refused for a day, and describes may show a deleted target
 * for a while: so the generation is used up, and the target full. An item without a subnet is of
 * nothing that a later creation could take up. */
static int
destroy_note_gone(struct account *account, const json_t *item, struct tmf_err *err)
{
	int generation = (int)json_integer_value(json_object_get(item, "generation"));
	const struct target gone = {
	    .id = (char *)jsonx_get_string(item, "targetId"),
	    .interface_id = (char *)jsonx_get_string(item, "networkInterfaceId"),
	    .subnet_id = (char *)jsonx_get_string(item, "subnetId"),
	    .made = true,
	    .full = true,
	    .dead = true, /* nobody need find out, and warn of it */
	    .generation = generation,
	};

	if (gone.subnet_id == NULL)
		return 0;
	if (gone.id != NULL && target_fact_put(account, &gone, err) < 0)
		return -1;
	return target_fact_note_generation(account, gone.subnet_id, generation, err);
}

/* What a later run must know is in the store before AWS is asked. */
static int
destroy_delete_start(
    struct deletions *deletions, struct deletion *slot, const json_t *item, struct tmf_err *err)
{
	const struct destroy_kind_ops *ops = &destroy_kinds[deletions->kind];
	struct account *account = deletions->destroy->account;
	int ret = 0;

	if (deletions->kind != DESTROY_SESSIONS)
		ret = destroy_note_gone(account, item, err);
	else if (deletions->next == 1) /* the first one */
		ret = sessions_note_destroyed(account, err);
	if (ret < 0 || store_commit(account->store, err) < 0)
		return -1;
	slot->in = deletions;
	slot->item = item;
	slot->call = ops->delete (account->ec2, jsonx_get_string(item, ops->id_name));
	tmf_call_on_done(slot->call, destroy_delete_done, slot);
	return 0;
}

/* Also says whether nothing is under way, since both follow from one walk over a short array. */
static struct deletion *
destroy_free_slot(struct deletions *deletions, bool *ret_idle)
{
	struct deletion *found = NULL;

	*ret_idle = true;
	for (size_t i = 0; i < WINDOW; i++) {
		if (deletions->window[i].call == NULL)
			found = &deletions->window[i];
		else
			*ret_idle = false;
	}
	return found;
}

static void
destroy_delete_cancel(struct tmf_call *call)
{
	struct deletions *deletions = (struct deletions *)call;

	for (size_t i = 0; i < WINDOW; i++) {
		tmf_call_cancel(deletions->window[i].call);
		deletions->window[i].call = NULL;
	}
}

/* Keeps the window full. The next kind starts only when no deletion is under way: no target may
 * lose its instance first. That costs one round trip a kind. */
static void
destroy_delete_more(struct deletions *deletions)
{
	struct destroy *destroy = deletions->destroy;
	struct deletion *slot;
	struct tmf_err err = {0};
	bool idle = false;

	while (deletions->kind < DESTROY_KINDS) {
		const json_t *items = destroy->pass.items[deletions->kind];

		while ((slot = destroy_free_slot(deletions, &idle)) != NULL &&
		       deletions->next < json_array_size(items)) {
			const json_t *item = json_array_get(items, deletions->next++);

			/* Refusals of this pass may have added to what is kept. */
			if (deletions->kind == DESTROY_INSTANCES &&
			    destroy_interface_is_kept(destroy, item))
				continue;
			if (destroy_delete_start(deletions, slot, item, &err) < 0) {
				destroy_delete_cancel(&deletions->call);
				tmf_call_complete_err(&deletions->call, &err);
				return;
			}
		}
		if (!idle)
			return;
		deletions->next = 0;
		deletions->kind++;
	}
	tmf_call_complete(&deletions->call, json_object());
}

static void
destroy_delete_done(void *arg, struct tmf_call *call)
{
	struct deletion *deletion = arg;
	struct deletions *deletions = deletion->in;
	struct destroy *destroy = deletions->destroy;
	const struct destroy_kind_ops *ops = &destroy_kinds[deletions->kind];
	const char *id = jsonx_get_string(deletion->item, ops->id_name);
	json_t *reply = tmf_call_take_result(call);

	assert(deletion->call == call);
	deletion->call = NULL;
	if (reply != NULL || aws_error_is_not_found(call->err.name)) {
		/* Of what is on no list, only AWS could know that it was there. */
		if (reply != NULL || json_object_get(destroy->pass.unlisted, id) == NULL)
			json_object_set_new(destroy->removed[deletions->kind], id, json_true());
		log_event(
		    LOG_INFO, "destroy.removed", LOG_STR("kind", ops->name), LOG_STR("id", id));
	} else {
		destroy->pass.in_use = destroy->pass.in_use || error_is_target_in_use(&call->err);
		destroy_item_failed(destroy, deletions->kind, deletion->item, &call->err);
	}
	json_decref(reply);
	destroy_delete_more(deletions);
}

/* Cancelling leaves what AWS was asked for undone or done: a later destroy finds out. */
struct tmf_call *
destroy_delete(struct destroy *destroy)
{
	static const struct tmf_call_ops ops = {.cancel = destroy_delete_cancel};
	struct deletions *deletions = mem_zalloc(1, sizeof(*deletions));

	assert(destroy->removing);
	deletions->destroy = destroy;
	tmf_call_init(&deletions->call, &ops, destroy->account->loop);
	destroy_delete_more(deletions);
	return &deletions->call;
}
