#include "mirror/targets/targets.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/plan.h"
#include "mirror/targets/target_creation.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/target_leftovers.h"
#include "mirror/targets/target_lives.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Reading the inventory, and what is asked of it. */

#define LISTING_RESTARTS_MAX 3	  /* after a refused NextToken */
#define LISTING_PAGES_MAX    1000 /* AWS allows 10,000 targets; pages may be short or empty */

struct mirror_targets {
	struct mirror *mirror;
	struct inventory inventory;
	struct target_creations *creations;
	struct target_lives *lives;
	struct target_leftovers *leftovers;
	bool loaded;
	struct waiters loading;
	struct tmf_call *page; /* under way; NULL while nobody waits */
	int restarts;
	int pages;
};

static void ask_page(struct mirror_targets *targets, const char *token);

struct mirror_targets *
targets_new(struct mirror *mirror)
{
	struct mirror_targets *targets = mem_zalloc(1, sizeof(*targets));

	targets->mirror = mirror;
	inventory_init(&targets->inventory);
	targets->creations = target_creations_new(targets);
	targets->lives = target_lives_new(targets);
	targets->leftovers = target_leftovers_new(targets, targets->creations);
	return targets;
}

void
targets_free(struct mirror_targets *targets)
{
	if (targets == NULL)
		return;
	target_leftovers_free(targets->leftovers);
	target_lives_free(targets->lives);
	tmf_call_cancel(targets->page);
	waiters_fini(&targets->loading);
	target_creations_free(targets->creations);
	inventory_fini(&targets->inventory);
	free(targets);
}

/* --- reading --- */

static void
loading_failed(struct mirror_targets *targets, const struct tmf_err *err)
{
	waiters_fail(&targets->loading, err);
}

static void
loading_done(struct mirror_targets *targets)
{
	struct tmf_err err = {0};
	json_t *result;

	if (target_facts_merge(targets->mirror, &targets->inventory, &err) < 0) {
		loading_failed(targets, &err);
		tmf_err_fini(&err);
		return;
	}
	targets->loaded = true;
	result = json_object();
	waiters_complete(&targets->loading, result);
	json_decref(result);
}

bool
targets_refused_token(const struct tmf_err *err)
{
	return tmf_err_is(err, "InvalidNextToken") || tmf_err_is(err, "InvalidPaginationToken");
}

static void
page_came(void *arg, struct tmf_call *call)
{
	struct mirror_targets *targets = arg;
	json_t *reply = tmf_call_take_result(call);
	const char *token;
	json_t *listed;
	size_t i;

	targets->page = NULL;
	if (reply == NULL && targets_refused_token(&call->err) &&
	    targets->restarts++ < LISTING_RESTARTS_MAX) {
		ask_page(targets, NULL);
		return;
	}
	if (reply == NULL) {
		loading_failed(targets, &call->err);
		return;
	}
	json_array_foreach (jsonx_get_array(reply, "TrafficMirrorTargets"), i, listed)
		inventory_add_listed(&targets->inventory, listed);
	token = jsonx_get_string(reply, "NextToken");
	if (token != NULL && targets->pages < LISTING_PAGES_MAX)
		ask_page(targets, token);
	else
		loading_done(targets);
	json_decref(reply);
}

static void
ask_page(struct mirror_targets *targets, const char *token)
{
	const struct ec2_describe describe = {
	    .next_token = token, .max_results = EC2_PAGE_RESULTS_MAX};

	targets->pages++;
	targets->page = ec2_describe_targets(targets->mirror->opts.ec2, &describe);
	tmf_call_on_done(targets->page, page_came, targets);
}

struct tmf_call *
targets_load(struct mirror_targets *targets)
{
	struct tmf_call *call;

	if (targets->loaded)
		return tmf_call_of_result(targets->mirror->opts.loop, json_object());
	call = waiters_add(&targets->loading, targets->mirror->opts.loop);
	if (targets->page == NULL) {
		targets->restarts = 0;
		targets->pages = 0;
		ask_page(targets, NULL);
	}
	return call;
}

struct tmf_call *
targets_load_lives(struct mirror_targets *targets)
{
	return target_lives_load(targets->lives);
}

struct tmf_call *
targets_settle(struct mirror_targets *targets)
{
	return target_leftovers_settle(targets->leftovers);
}

int
targets_launched(struct mirror_targets *targets, const json_t *instance, struct tmf_err *err)
{
	const char *subnet_id = tag_value(instance, TAG_TARGET_OF);
	const char *generation = tag_value(instance, TAG_GENERATION);

	if (subnet_id == NULL || generation == NULL)
		return 0;
	return target_creations_launched(
	    targets->creations, subnet_id, (int)strtol(generation, NULL, 10), err);
}

/* --- asking --- */

struct mirror *
targets_mirror(const struct mirror_targets *targets)
{
	return targets->mirror;
}

const struct inventory *
targets_inventory(const struct mirror_targets *targets)
{
	assert(targets->loaded);
	return &targets->inventory;
}

const char *
targets_subnet(const struct config_rule *rule, const char *subnet_id)
{
	return rule->target_subnet_id != NULL ? rule->target_subnet_id : subnet_id;
}

bool
targets_allowed(const struct mirror_targets *targets, const struct config_rule *rule,
    const char *subnet_id, const char *target_id)
{
	const struct target *target;
	const char *wanted;

	if (rule->target_id != NULL)
		return strcmp(rule->target_id, target_id) == 0;
	target = inventory_find(targets_inventory(targets), target_id);
	if (target == NULL || !target->made || target->dead)
		return false;
	/* A target that the seed application found full does not tell its subnet any more. */
	wanted = targets_subnet(rule, subnet_id);
	return target->subnet_id == NULL ||
	       (wanted != NULL && strcmp(target->subnet_id, wanted) == 0);
}

const char *
targets_subnet_of(const struct mirror_targets *targets, const char *target_id)
{
	const struct target *target = inventory_find(&targets->inventory, target_id);

	return target != NULL ? target->subnet_id : NULL;
}

bool
targets_is_interface(const struct mirror_targets *targets, const char *target_id)
{
	const struct target *target =
	    target_id != NULL ? inventory_find(&targets->inventory, target_id) : NULL;

	return target != NULL && target->interface_id != NULL;
}

void
targets_plan(struct mirror_targets *targets, const struct target *target)
{
	inventory_add(&targets->inventory, target);
}

int
targets_note(struct mirror_targets *targets, const struct target *target, struct tmf_err *err)
{
	inventory_add(&targets->inventory, target);
	return target_fact_put(
	    targets->mirror, inventory_find(&targets->inventory, target->id), err);
}

int
targets_burn(
    struct mirror_targets *targets, const char *subnet_id, int generation, struct tmf_err *err)
{
	inventory_note_generation(&targets->inventory, subnet_id, generation);
	return target_fact_burn(
	    targets->mirror, subnet_id, inventory_generation(&targets->inventory, subnet_id), err);
}

static json_t *
result_of(const char *target_id, bool created)
{
	json_t *result = json_object();

	jsonx_put_string(result, "TargetId", target_id);
	json_object_set_new(result, "Created", json_boolean(created));
	return result;
}

/* Remembers that a target of the subnet takes no more. A target that is not known any more is one of ours that a stale describe left out. */
static int
note_full(struct mirror_targets *targets, const struct target_request *request, struct tmf_err *err)
{
	const char *subnet = targets_subnet(request->rule, request->subnet_id);
	const struct target *known = inventory_find(&targets->inventory, request->full_target_id);
	const struct target full = {
	    .id = (char *)request->full_target_id,
	    .subnet_id = (char *)subnet,
	    .made = true,
	    .full = true,
	    .tagged = true,
	};

	if (known != NULL && known->full)
		return 0;
	if (targets->mirror->plan != NULL) {
		targets_plan(targets, &full);
		return 0;
	}
	return targets_note(targets, &full, err);
}

struct tmf_call *
targets_ensure(struct mirror_targets *targets, const struct target_request *request)
{
	struct tmf_loop *loop = targets->mirror->opts.loop;
	const char *subnet = targets_subnet(request->rule, request->subnet_id);
	const struct target *current;
	struct tmf_err err = {0};

	assert(targets->loaded && request->rule->target_id == NULL);
	if (request->full_target_id != NULL && note_full(targets, request, &err) < 0)
		return tmf_call_of_err(loop, &err);
	current = inventory_current(&targets->inventory, subnet);
	if (current != NULL)
		return tmf_call_of_result(loop, result_of(current->id, false));
	if (targets->mirror->plan != NULL)
		return plan_target(targets->mirror->plan, request);
	return target_creations_join(targets->creations, request);
}
