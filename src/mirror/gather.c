#include "mirror/gather.h"

#include "aws/services/pager.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

const struct gather_kind gather_instances = {
    .list = &ec2_list_instances,
    .filter = "instance-id",
    .member = "Instances",
    .id = "InstanceId",
    .wait_ms = GATHER_INSTANCES_MS,
};

const struct gather_kind gather_sessions = {
    .list = &ec2_list_sessions,
    .filter = "network-interface-id",
    .member = "TrafficMirrorSessions",
    .id = "NetworkInterfaceId",
    .wait_ms = GATHER_SESSIONS_MS,
};

/*
 * A batch is open, then asked, then over:
 *
 *   gather_join        puts an asker into the open batch, or opens one
 *   gather_close       asks AWS, once the wait is over or the batch is full
 *   gather_page_came   sorts what a page has by id
 *   gather_batch_came  gives each asker its part
 *
 * Several may be asked at a time, but one is open at most.
 */
struct gather {
	struct account *account;
	const struct gather_kind *kind;
	struct gather_batch *open; /* takes more ids; NULL: none does */
	struct tmf_timer wait;	   /* until it is asked */
	size_t live;		   /* batches, with those that AWS is being asked for */
};

/* One listing of AWS's, and who waits for it: at least one. */
struct gather_batch {
	struct gather *gather;
	struct gather_waiter *waiters;
	json_t *ids;	       /* {id: true}, EC2_FILTER_VALUES_MAX of them at most */
	json_t *found;	       /* {id: [resource]} */
	struct tmf_call *call; /* NULL while it is open */
};

struct gather_waiter {
	struct tmf_call call;	    /* first */
	struct gather_batch *batch; /* NULL once it is answered */
	struct gather_waiter *next;
	struct gather_waiter **at; /* what points to it in the batch */
	json_t *ids;
};

/* --- the answer --- */

/* Before and after AWS has answered. */
static void
gather_batch_free(struct gather_batch *batch)
{
	struct gather *gather = batch->gather;

	assert(batch->waiters == NULL && gather->live > 0);
	if (gather->open == batch) {
		gather->open = NULL;
		tmf_loop_timer_disarm(gather->account->loop, &gather->wait);
	}
	tmf_call_cancel(batch->call);
	json_decref(batch->ids);
	json_decref(batch->found);
	gather->live--;
	free(batch);
}

/* Out of the middle of the list too: an asker may be cancelled while the others wait on. */
static void
gather_waiter_leave(struct gather_waiter *waiter)
{
	assert(waiter->batch != NULL && *waiter->at == waiter);
	*waiter->at = waiter->next;
	if (waiter->next != NULL)
		waiter->next->at = waiter->at;
	waiter->batch = NULL;
}

/* Resources are shared with the other waiters, not copied. */
static json_t *
gather_part(const struct gather_waiter *waiter, const json_t *found)
{
	json_t *part = json_object();
	json_t *id;
	size_t i;

	json_array_foreach (waiter->ids, i, id) {
		json_t *resources = json_object_get(found, json_string_value(id));

		if (resources != NULL)
			json_object_set(part, json_string_value(id), resources);
	}
	return part;
}

/* Every waiter hears of an error: which of the ids it is about is not known. */
static void
gather_batch_came(void *arg, struct tmf_call *call)
{
	struct gather_batch *batch = arg;

	assert(batch->call == call && batch->gather->open != batch);
	batch->call = NULL;
	while (batch->waiters != NULL) {
		struct gather_waiter *waiter = batch->waiters;
		struct tmf_err err = {0};

		gather_waiter_leave(waiter);
		tmf_err_copy(&err, &call->err);
		if (tmf_err_isset(&err))
			tmf_call_complete_err(&waiter->call, &err);
		else
			tmf_call_complete(&waiter->call, gather_part(waiter, batch->found));
	}
	gather_batch_free(batch);
}

static enum ec2_page_next
gather_page_came(void *arg, json_t *reply, struct tmf_err *err)
{
	struct gather_batch *batch = arg;
	const struct gather_kind *kind = batch->gather->kind;
	json_t *resource;
	size_t i;

	(void)err;
	account_note_id(batch->gather->account, reply);
	json_array_foreach (jsonx_get_array(reply, kind->member), i, resource) {
		const char *id = jsonx_get_string(resource, kind->id);
		json_t *resources = id != NULL ? json_object_get(batch->found, id) : NULL;

		if (id != NULL && resources == NULL) {
			resources = json_array();
			json_object_set_new(batch->found, id, resources);
		}
		json_array_append(resources, resource);
	}
	return EC2_PAGE_MORE;
}

/* Without it a session that stands on two readings would be there twice. */
static void
gather_restarted(void *arg)
{
	struct gather_batch *batch = arg;

	json_object_clear(batch->found);
}

/* --- the question --- */

/* AWS is asked for what the open batch has. */
static void
gather_close(struct gather *gather)
{
	struct gather_batch *batch = gather->open;
	json_t *values = json_array();
	json_t *filters = describe_filter(gather->kind->filter, values);
	const char *id;
	json_t *value;

	assert(batch->waiters != NULL && json_object_size(batch->ids) > 0);
	gather->open = NULL;
	tmf_loop_timer_disarm(gather->account->loop, &gather->wait);
	json_object_foreach (batch->ids, id, value)
		json_array_append_new(values, json_string(id));
	batch->call = ec2_pages(gather->account->ec2, &(struct ec2_pages){
							  .list = gather->kind->list,
							  .filters = filters,
							  .on_page = gather_page_came,
							  .on_restart = gather_restarted,
							  .arg = batch,
						      });
	tmf_call_on_done(batch->call, gather_batch_came, batch);
	json_decref(filters);
}

static void
gather_wait_over(struct tmf_timer *timer)
{
	gather_close((struct gather *)((char *)timer - offsetof(struct gather, wait)));
}

/* The batch that takes count more ids. The wait begins with the first of them. */
static struct gather_batch *
gather_open(struct gather *gather, size_t count)
{
	struct tmf_loop *loop = gather->account->loop;
	struct gather_batch *batch = gather->open;

	if (batch != NULL && json_object_size(batch->ids) + count <= EC2_FILTER_VALUES_MAX)
		return batch;
	if (batch != NULL)
		gather_close(gather);
	batch = mem_zalloc(1, sizeof(*batch));
	batch->gather = gather;
	batch->ids = json_object();
	batch->found = json_object();
	gather->open = batch;
	gather->live++;
	tmf_loop_timer_arm(loop, &gather->wait,
	    tmf_loop_mono_ms(loop) + (gather->account->gathers ? gather->kind->wait_ms : 0));
	return batch;
}

/* The last that waits for a batch takes it along. */
static void
gather_waiter_cancel(struct tmf_call *call)
{
	struct gather_waiter *waiter = (struct gather_waiter *)call;
	struct gather_batch *batch = waiter->batch;

	if (batch == NULL)
		return;
	gather_waiter_leave(waiter);
	if (batch->waiters == NULL)
		gather_batch_free(batch);
}

static void
gather_waiter_free(struct tmf_call *call)
{
	struct gather_waiter *waiter = (struct gather_waiter *)call;

	assert(waiter->batch == NULL);
	json_decref(waiter->ids);
	free(waiter);
}

static const struct tmf_call_ops gather_waiter_ops = {
    .cancel = gather_waiter_cancel,
    .free_call = gather_waiter_free,
};

/* Takes ids: 1 to EC2_FILTER_VALUES_MAX. */
static struct tmf_call *
gather_join(struct gather *gather, json_t *ids)
{
	struct gather_batch *batch = gather_open(gather, json_array_size(ids));
	struct gather_waiter *waiter = mem_zalloc(1, sizeof(*waiter));
	json_t *id;
	size_t i;

	assert(json_array_size(ids) > 0 && json_array_size(ids) <= EC2_FILTER_VALUES_MAX);
	tmf_call_init(&waiter->call, &gather_waiter_ops, gather->account->loop);
	waiter->batch = batch;
	waiter->ids = ids;
	waiter->next = batch->waiters;
	waiter->at = &batch->waiters;
	if (waiter->next != NULL)
		waiter->next->at = &waiter->next;
	batch->waiters = waiter;
	json_array_foreach (ids, i, id)
		json_object_set_new(batch->ids, json_string_value(id), json_true());
	if (json_object_size(batch->ids) == EC2_FILTER_VALUES_MAX)
		gather_close(gather);
	return &waiter->call;
}

/* --- more ids than a filter takes --- */

struct gather_parts {
	struct gather *gather;
	json_t *ids;
	size_t asked; /* of them */
	json_t *found;
};

static void
gather_parts_free(void *frame)
{
	struct gather_parts *parts = frame;

	json_decref(parts->ids);
	json_decref(parts->found);
	free(parts);
}

static struct tmf_call *
gather_parts_next(struct gather_parts *parts)
{
	json_t *ids = json_array();

	while (json_array_size(ids) < EC2_FILTER_VALUES_MAX &&
	       parts->asked < json_array_size(parts->ids))
		json_array_append(ids, json_array_get(parts->ids, parts->asked++));
	return gather_join(parts->gather, ids);
}

/* One part after the other: they share one request quota, and a page of a run needs few. */
static struct tmf_call *
gather_parts_came(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct gather_parts *parts = frame;
	json_t *part = tmf_call_take_result(over);

	if (part == NULL) {
		tmf_err_move(err, &over->err);
		return NULL;
	}
	json_object_update(parts->found, part);
	json_decref(part);
	if (parts->asked < json_array_size(parts->ids))
		return gather_parts_next(parts);
	*ret_result = json_incref(parts->found);
	return NULL;
}

struct tmf_call *
gather_ask(struct gather *gather, const json_t *ids)
{
	struct gather_parts *parts;

	/* Without a filter AWS would list the whole account's. */
	if (json_array_size(ids) == 0)
		return tmf_call_of_result(gather->account->loop, json_object());
	parts = mem_zalloc(1, sizeof(*parts));
	parts->gather = gather;
	parts->ids = json_copy((json_t *)ids);
	parts->found = json_object();
	return tmf_call_sequence(
	    gather_parts_next(parts), gather_parts_came, parts, gather_parts_free);
}

struct gather *
gather_new(struct account *account, const struct gather_kind *kind)
{
	struct gather *gather = mem_zalloc(1, sizeof(*gather));

	assert(account->ec2 != NULL);
	gather->account = account;
	gather->kind = kind;
	gather->wait.fire = gather_wait_over;
	return gather;
}

void
gather_free(struct gather *gather)
{
	assert(gather == NULL || gather->live == 0);
	free(gather);
}
