#include "mirror/destroy/destroy_internal.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define PASSES_MAX	  8    /* with the waits below some three minutes */
#define PASS_DELAY_MS	  2000 /* doubles */
#define PASS_DELAY_MAX_MS 30000

static void destroy_pass_again(struct tmf_timer *timer);

/* --- life --- */

struct destroy *
destroy_new(struct account *account, bool trust_tags)
{
	struct destroy *destroy = mem_zalloc(1, sizeof(*destroy));

	destroy->account = account;
	destroy->trust_tags = trust_tags;
	destroy->timer.fire = destroy_pass_again;
	for (int kind = 0; kind < DESTROY_KINDS; kind++)
		destroy->removed[kind] = json_object();
	return destroy;
}

static void
destroy_pass_forget(struct destroy_pass *pass)
{
	for (int kind = 0; kind < DESTROY_KINDS; kind++) {
		json_decref(pass->items[kind]);
		json_decref(pass->listed[kind]);
	}
	json_decref(pass->unlisted);
	json_decref(pass->proved);
	json_decref(pass->tagged);
	json_decref(pass->kept_interfaces);
	json_decref(pass->strangers);
	json_decref(pass->failed);
	*pass = (struct destroy_pass){0};
}

void
destroy_free(struct destroy *destroy)
{
	if (destroy == NULL)
		return;
	tmf_call_cancel(destroy->stage);
	tmf_loop_timer_disarm(destroy->account->loop, &destroy->timer);
	waiters_fini(&destroy->waiters);
	destroy_pass_forget(&destroy->pass);
	for (int kind = 0; kind < DESTROY_KINDS; kind++)
		json_decref(destroy->removed[kind]);
	free(destroy);
}

/* --- reports --- */

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

	for (int kind = 0; kind < DESTROY_KINDS; kind++)
		json_object_set(result, destroy_kinds[kind].name, destroy->pass.items[kind]);
	json_object_set_new(result, "kept", destroy_values(destroy->pass.failed));
	json_object_set(result, "tagged", destroy->pass.tagged);
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

	for (int kind = 0; kind < DESTROY_KINDS; kind++)
		json_object_set_new(
		    removed, destroy_kinds[kind].name, destroy_keys(destroy->removed[kind]));
	json_object_set_new(result, "removed", removed);
	json_object_set_new(result, "failed", destroy_values(destroy->pass.failed));
	json_object_set(result, "tagged", destroy->pass.tagged);
	waiters_complete(&destroy->waiters, result);
	json_decref(result);
}

/* --- passes --- */

/* Another pass only where a target was in use. Any other refusal, such as a missing permission,
 * would be the same a minute later. */
static void
destroy_pass_deleted(void *arg, struct tmf_call *call)
{
	struct destroy *destroy = arg;
	struct tmf_clock *clock = tmf_loop_clock(destroy->account->loop);
	/* PASSES_MAX bounds the shift: 2, 4, 8, 16, then 30 s each. */
	int64_t delay_ms = (int64_t)PASS_DELAY_MS << destroy->passes;

	destroy->stage = NULL;
	if (tmf_err_isset(&call->err)) {
		waiters_fail(&destroy->waiters, &call->err);
	} else if (!destroy->pass.in_use || ++destroy->passes == PASSES_MAX) {
		destroy_report_removed(destroy);
	} else {
		if (delay_ms > PASS_DELAY_MAX_MS)
			delay_ms = PASS_DELAY_MAX_MS;
		tmf_loop_timer_arm(
		    destroy->account->loop, &destroy->timer, clock->mono_ms(clock) + delay_ms);
	}
}

static void
destroy_pass_listed(void *arg, struct tmf_call *call)
{
	struct destroy *destroy = arg;

	destroy->stage = NULL;
	if (tmf_err_isset(&call->err)) {
		waiters_fail(&destroy->waiters, &call->err);
	} else if (destroy->removing) {
		destroy->stage = destroy_delete(destroy);
		tmf_call_on_done(destroy->stage, destroy_pass_deleted, destroy);
	} else {
		destroy_report_found(destroy);
	}
}

/* Each pass lists everything again. What the pass before left behind would not be enough: a session
 * that was not listed then is the usual reason for another pass. */
static void
destroy_pass_start(struct destroy *destroy)
{
	struct destroy_pass *pass = &destroy->pass;

	assert(destroy->stage == NULL);
	destroy_pass_forget(pass);
	for (int kind = 0; kind < DESTROY_KINDS; kind++) {
		pass->items[kind] = json_array();
		pass->listed[kind] = json_object();
	}
	pass->unlisted = json_object();
	pass->proved = json_object();
	pass->tagged = json_array();
	pass->kept_interfaces = json_object();
	pass->strangers = json_object();
	pass->failed = json_object();
	destroy->stage = destroy_list(destroy);
	tmf_call_on_done(destroy->stage, destroy_pass_listed, destroy);
}

static void
destroy_pass_again(struct tmf_timer *timer)
{
	destroy_pass_start((struct destroy *)((char *)timer - offsetof(struct destroy, timer)));
}

static struct tmf_call *
destroy_begin(struct destroy *destroy, bool removing)
{
	destroy->removing = removing;
	destroy->passes = 0;
	destroy_pass_start(destroy);
	return waiters_add(&destroy->waiters, destroy->account->loop);
}

struct tmf_call *
destroy_find(struct destroy *destroy)
{
	return destroy_begin(destroy, false);
}

struct tmf_call *
destroy_remove(struct destroy *destroy)
{
	return destroy_begin(destroy, true);
}
