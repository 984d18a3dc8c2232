#include "aws/pace/retry.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/targets/target_facts.h"
#include "mirror/targets/target_steps.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * One creation: untag what is full or dead, launch, attach, done. A permanent failure after the
 * launch uses up the generation and terminates the instance. Whatever happens in between, the
 * next creation of the generation asks with the same tokens and so continues where this one
 * stopped.
 *
 * A launch is known to the store, on the disk, before AWS is asked for it, and until it is a
 * target's or its instance is terminated. So what a crash leaves behind is found again: by the
 * next creation of that generation, which continues with it, or at the end of a run by
 * target_leftovers.c, which settles it here. Such a launch becomes the subnet's target like any
 * other. Only where the subnet has one by then it is taken back: the target is made even so and
 * then deleted, which AWS refuses while anybody mirrors to it, and the instance terminated after
 * that. So no instance is terminated that another process, which is given the same instance for
 * the same token, is just putting to use.
 */

#define GENERATIONS_TRIED_MAX 20 /* whose instances turn out to be terminated */

/* The stages, as they happen. Each asks AWS for one thing, or waits; _done is what follows. */
static void creation_untag(struct creation *creation);
static void creation_launch(struct creation *creation);
static void creation_resume(struct creation *creation);
static void creation_attach_launched(struct creation *creation);
static void creation_attach(struct creation *creation);
static void creation_lookup(struct creation *creation);

/* --- lists --- */

struct target_creations *
target_creations_new(struct mirror_targets *targets)
{
	struct target_creations *creations = mem_zalloc(1, sizeof(*creations));

	creations->targets = targets;
	creations->asked = json_object();
	return creations;
}

void
target_creations_free(struct target_creations *creations)
{
	while (creations->first != NULL)
		creation_remove(creations->first);
	target_failures_fini(&creations->failures);
	json_decref(creations->asked);
	json_decref(creations->places);
	free(creations);
}

static struct creation *
creations_find(const struct target_creations *creations, const char *subnet_id)
{
	struct creation *creation = creations->first;

	while (creation != NULL && strcmp(creation->subnet_id, subnet_id) != 0)
		creation = creation->next;
	return creation;
}

/* --- this run's launches --- */

/* Before AWS is asked, so that neither a crash nor a lost reply hides that this run launched it. */
static int
creation_note_launch(struct creation *creation, struct tmf_err *err)
{
	json_t *places = creations_places(creation->in, err);
	char place[TARGET_PLACE_BYTES];

	if (places == NULL)
		return -1;
	target_place(creation->subnet_id, creation_generation(creation), place);
	assert(creation->token[0] != '\0');
	json_object_set_new(places, place, json_true());
	json_object_set_new(creation->in->asked, creation->token, json_true());
	return creation_keep_launch(creation, err);
}

/* --- the launch --- */

/* What is asked of AWS for it. Borrows. */
static struct target_order
creation_order(const struct creation *creation)
{
	return (struct target_order){
	    .subnet_id = creation->subnet_id,
	    .generation = creation_generation(creation),
	    .image_id = jsonx_get_string(creation->launch, "ImageId"),
	    .instance_type = jsonx_get_string(creation->launch, "InstanceType"),
	    .group_ids = json_object_get(creation->launch, "SecurityGroupIds"),
	    .configuration = jsonx_get_string(creation->launch, "Configuration"),
	};
}

/* A copy of the rule's members, not the rule: a launch is continued with what it was asked with,
 * even when the configuration says something else by then. */
static json_t *
creation_new_launch(const struct creation *creation, int generation)
{
	const struct config_rule *rule = creation->rule;
	json_t *launch = json_object();
	json_t *groups = json_array();

	for (size_t i = 0; i < rule->target_security_group_count; i++)
		json_array_append_new(groups, json_string(rule->target_security_group_ids[i]));
	jsonx_put_string(launch, "SubnetId", creation->subnet_id);
	json_object_set_new(launch, "Generation", json_integer(generation));
	jsonx_put_string(launch, "ImageId", rule->target_instance_ami);
	jsonx_put_string(launch, "InstanceType", rule->target_instance_type);
	json_object_set_new(launch, "SecurityGroupIds", groups);
	jsonx_put_string(launch, "Configuration", rule->configuration);
	return launch;
}

static void
creation_forget_instance(struct creation *creation)
{
	json_object_del(creation->launch, "InstanceId");
	json_object_del(creation->launch, "NetworkInterfaceId");
}

/* --- untag --- */

static void
creation_untag_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const struct inventory *inventory = targets_inventory(creation->in->targets);
	struct target *spent = inventory_find(inventory, creation->untagging);

	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		creation_fail(creation, err);
		return;
	}
	if (spent != NULL)
		spent->tagged = false;
	creation_untag(creation);
}

/* So that no other process is sent to a target that is full or dead. */
static void
creation_untag(struct creation *creation)
{
	struct target *spent =
	    inventory_spent_tagged(targets_inventory(creation->in->targets), creation->subnet_id);

	free(creation->untagging);
	creation->untagging = spent != NULL ? mem_strdup(spent->id) : NULL;
	if (spent != NULL)
		creation_await(creation,
		    target_order_untag(creation_client(creation), spent->id, creation->subnet_id),
		    creation_untag_done);
	else
		creation_launch(creation);
}

/* --- launch --- */

/* The generation's instance is gone: on to the next, where a target is wanted. */
static void
creation_next_generation(struct creation *creation, struct tmf_err *err)
{
	struct tmf_err store_err = {0};

	if (targets_burn(creation->in->targets, creation->subnet_id, creation_generation(creation),
		&store_err) < 0 ||
	    creation_drop_launch(creation, &store_err) < 0)
		creation_fail(creation, &store_err);
	else if (creation->rule == NULL)
		creation_done(creation, NULL, false);
	else if (++creation->tries == GENERATIONS_TRIED_MAX)
		creation_fail(creation, err);
	else
		creation_launch(creation);
	tmf_err_fini(&store_err);
}

/* AWS would have answered with the instance if it had launched one for this token; only a caller
 * that is not authorized does not learn that. */
static bool
creation_launched_nothing(const struct tmf_err *err)
{
	return err->code == TMF_ERR_SERVICE &&
	       ((creation_error_is_permanent(err) && err->http_status != 401 &&
		    err->http_status != 403) ||
		   tmf_err_is(err, ERROR_CAPACITY));
}

static void
creation_launch_refused(struct creation *creation, struct tmf_err *err)
{
	bool nothing_there = creation_launched_nothing(err);
	struct tmf_err store_err = {0};

	if (tmf_err_is(err, ERROR_PARAMETER_MISMATCH))
		tmf_err_prefix(err,
		    "generation %d of subnet %s was launched with other parameters before",
		    creation_generation(creation), creation->subnet_id);
	if (nothing_there && creation_drop_launch(creation, &store_err) < 0)
		creation_fail(creation, &store_err);
	else if (nothing_there && creation->rule == NULL)
		creation_done(creation, NULL, false);
	else if (nothing_there && creation->earlier && ++creation->tries < GENERATIONS_TRIED_MAX)
		creation_launch(creation); /* as the rule is now */
	else
		creation_fail(creation, err);
	tmf_err_fini(&store_err);
}

static void
creation_launch_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const json_t *instance = json_array_get(jsonx_get_array(reply, "Instances"), 0);
	const char *instance_id = jsonx_get_string(instance, "InstanceId");
	const char *interface_id =
	    jsonx_get_string(instance_primary_interface(instance), "NetworkInterfaceId");

	if (instance_is_over(instance))
		tmf_err_set_name(err, TMF_ERR_SERVICE, ERROR_INSTANCE_TERMINATED,
		    "instance %s was terminated", instance_id);
	else if (reply != NULL && (instance_id == NULL || interface_id == NULL))
		tmf_err_set(
		    err, TMF_ERR_REPLY, "RunInstances' reply names no instance with an interface");
	if (tmf_err_is(err, ERROR_INSTANCE_TERMINATED)) {
		creation_next_generation(creation, err);
		return;
	}
	if (tmf_err_isset(err)) {
		creation_launch_refused(creation, err);
		return;
	}
	jsonx_put_string(creation->launch, "InstanceId", instance_id);
	jsonx_put_string(creation->launch, "NetworkInterfaceId", interface_id);
	json_object_set_new(creation->launch, "WallMs", json_integer(creation_wall_ms(creation)));
	if (creation_keep_launch(creation, err) < 0)
		creation_fail(creation, err);
	else
		creation_attach_launched(creation);
}

/* The commit stands, but only a sync brings it onto the disk. A launch is the one request whose
 * loss costs money for good: an instance that no store knows. */
static void
creation_launch_noted(struct creation *creation)
{
	const struct target_order order = creation_order(creation);
	struct tmf_err err = {0};

	if (store_sync(creation_account(creation)->store, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_await(creation, target_order_launch(creation_client(creation), &order),
		    creation_launch_done);
	tmf_err_fini(&err);
}

static void
creation_launch_note(struct creation *creation)
{
	struct tmf_err err = {0};

	jsonx_put_string(creation->launch, "Owner", creation_account(creation)->owner);
	if (creation_note_launch(creation, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_after_commit(creation, creation_launch_noted);
	tmf_err_fini(&err);
}

/* An earlier instance, as it is now. One that was launched a moment ago may not be listed yet;
 * one that should be is looked for by its client token. */
static void
creation_resume_found(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const json_t *instance = json_array_get(jsonx_get_array(reply, "Instances"), 0);
	int64_t launched_wall_ms = json_integer_value(json_object_get(creation->launch, "WallMs"));
	bool is_old = creation_wall_ms(creation) - launched_wall_ms > TARGET_FACT_SETTLED_MS;

	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		creation_fail(creation, err);
	} else if (instance_is_over(instance)) {
		tmf_err_set_name(err, TMF_ERR_SERVICE, ERROR_INSTANCE_TERMINATED,
		    "instance %s was terminated", creation_instance(creation));
		creation_next_generation(creation, err);
	} else if (instance == NULL && is_old) {
		creation_forget_instance(creation);
		creation_launch_note(creation);
	} else {
		creation_attach_launched(creation);
	}
}

/* Continues with the instance, once AWS has named it. */
static void
creation_resume(struct creation *creation)
{
	json_t *ids;

	if (creation_interface(creation) == NULL) {
		creation_launch_note(creation);
		return;
	}
	ids = json_array();
	json_array_append_new(ids, json_string(creation_instance(creation)));
	creation_await(creation,
	    ec2_describe_instances(creation_client(creation), &(struct ec2_describe){.ids = ids}),
	    creation_resume_found);
	json_decref(ids);
}

/* Takes up what was asked for earlier for this generation, even if the rule asks for another
 * instance by now. Returns 1, 0 if there is nothing, -1. */
static int
creation_take_up(struct creation *creation, int generation, struct tmf_err *err)
{
	json_t *launches = target_fact_launches(creation_account(creation), err);
	const char *token;
	json_t *earlier;
	int found = 0;

	if (launches == NULL)
		return -1;
	json_object_foreach (launches, token, earlier) {
		const char *subnet_id = jsonx_get_string(earlier, "SubnetId");

		if (subnet_id == NULL || strcmp(subnet_id, creation->subnet_id) != 0 ||
		    json_integer_value(json_object_get(earlier, "Generation")) != generation ||
		    json_is_true(json_object_get(earlier, "Ending")) ||
		    strlen(token) >= sizeof(creation->token))
			continue;
		creation->launch = json_incref(earlier);
		memcpy(creation->token, token, strlen(token) + 1);
		found = 1;
		break;
	}
	json_decref(launches);
	return found;
}

static void
creation_launch(struct creation *creation)
{
	const struct inventory *inventory = targets_inventory(creation->in->targets);
	int generation = inventory_generation(inventory, creation->subnet_id) + 1;
	struct target_order order;
	struct tmf_err err = {0};
	int taken;

	assert(creation->call == NULL && generation > 0);
	json_decref(creation->launch);
	creation->launch = NULL;
	taken = creation_take_up(creation, generation, &err);
	creation->earlier = taken > 0;
	if (taken < 0) {
		creation_fail(creation, &err);
		tmf_err_fini(&err);
		return;
	}
	if (!creation->earlier) {
		creation->launch = creation_new_launch(creation, generation);
		order = creation_order(creation);
		target_order_token(&order, creation->token);
	}
	creation_resume(creation);
}

/* --- attach --- */

/* The target was not there before. What nobody waits for is taken down where the subnet has
 * another. */
static void
creation_attach_made(struct creation *creation, const char *target_id)
{
	const struct target *other = inventory_current_beside(
	    targets_inventory(creation->in->targets), creation->subnet_id, target_id);

	if (creation->rule == NULL && other != NULL)
		creation_take_down(creation, target_id, other->id);
	else
		creation_succeed(creation, target_id);
}

/* True where a look for the interface's target ends the creation: it is there, or could not be
 * looked for. */
static bool
creation_lookup_ends(struct creation *creation, const json_t *reply, struct tmf_err *err)
{
	const char *target_id = creation_first_target(reply);

	if (reply == NULL)
		creation_fail(creation, err);
	else if (target_id != NULL)
		creation_succeed(creation, target_id);
	return reply == NULL || target_id != NULL;
}

static void
creation_lookup_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	if (creation_lookup_ends(creation, reply, err) ||
	    creation_settle_wait(creation, creation_lookup))
		return;
	tmf_err_set(err, TMF_ERR_REPLY,
	    "interface %s is in use by a mirror target that AWS does not list",
	    creation_interface(creation));
	creation_fail(creation, err);
}

static void
creation_lookup(struct creation *creation)
{
	creation_await(creation,
	    target_order_look_up(creation_client(creation), creation_interface(creation)),
	    creation_lookup_done);
}

static void
creation_attach_done(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const char *target_id = jsonx_get_string(
	    json_object_get(reply, "TrafficMirrorTarget"), "TrafficMirrorTargetId");

	if (target_id != NULL) {
		creation_attach_made(creation, target_id);
		return;
	}
	if (reply != NULL)
		tmf_err_set(
		    err, TMF_ERR_REPLY, "CreateTrafficMirrorTarget's reply names no target");
	if (tmf_err_is(err, ERROR_INTERFACE_IS_TARGET)) {
		creation_lookup(creation);
		return;
	}
	/* The instance may be new, or gone: somebody else has taken it back. */
	if (err->code == TMF_ERR_SERVICE && aws_error_is_not_found(err->name) &&
	    creation_settle_wait(creation, creation_resume))
		return;
	if (tmf_err_is(err, ERROR_PARAMETER_MISMATCH))
		tmf_err_prefix(err, "interface %s was made a target with other parameters before",
		    creation_interface(creation));
	if (creation_error_is_permanent(err))
		creation_roll_back(creation, err);
	else
		creation_fail(creation, err);
}

static void
creation_attach(struct creation *creation)
{
	const struct target_order order = creation_order(creation);

	creation_await(creation,
	    target_order_attach(creation_client(creation), &order, creation_interface(creation)),
	    creation_attach_done);
}

/* What was left behind may have become somebody's target since. */
static void
creation_attach_checked(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	if (!creation_lookup_ends(creation, reply, err))
		creation_attach(creation);
}

/* A creation for a rule asks straight away, and learns of a rival from the refusal. A leftover
 * looks first: its target may have been made before the crash. */
static void
creation_attach_launched(struct creation *creation)
{
	if (creation->rule != NULL)
		creation_attach(creation);
	else
		creation_await(creation,
		    target_order_look_up(creation_client(creation), creation_interface(creation)),
		    creation_attach_checked);
}

/* --- from outside --- */

/* What a rule wants while a launch that was left behind is being settled: first the one, then
 * the other. */
struct joining {
	struct target_creations *creations;
	const struct config_rule *rule;
	char *subnet_id;
	bool joined;
};

static void
joining_free(void *frame)
{
	struct joining *joining = frame;

	free(joining->subnet_id);
	free(joining);
}

/* The subnet may have a target by now. However the leftover ended, it does not answer the caller
 * that wants a target. */
static struct tmf_call *
joining_settled(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct joining *joining = frame;
	struct mirror_targets *targets = joining->creations->targets;
	const struct target_request request = {
	    .rule = joining->rule, .subnet_id = joining->subnet_id};
	const struct target *current;

	if (joining->joined) {
		*ret_result = tmf_call_take_result(over);
		if (*ret_result == NULL)
			tmf_err_move(err, &over->err);
		return NULL;
	}
	joining->joined = true;
	current = inventory_current(targets_inventory(targets), joining->subnet_id);
	if (current == NULL)
		return target_creations_join(joining->creations, &request);
	*ret_result = json_object();
	jsonx_put_string(*ret_result, "TargetId", current->id);
	json_object_set_new(*ret_result, "Created", json_false());
	return NULL;
}

static struct tmf_call *
creations_join_after_leftover(struct creation *leftover, const struct config_rule *rule)
{
	struct target_creations *creations = leftover->in;
	struct joining *joining = mem_zalloc(1, sizeof(*joining));

	assert(leftover->rule == NULL);
	joining->creations = creations;
	joining->rule = rule;
	joining->subnet_id = mem_strdup(leftover->subnet_id);
	return tmf_call_sequence(waiters_add(&leftover->waiters, creations_loop(creations)),
	    joining_settled, joining, joining_free);
}

struct tmf_call *
target_creations_join(struct target_creations *creations, const struct target_request *request)
{
	const char *subnet = targets_subnet(request->rule, request->subnet_id);
	struct creation *creation = creations_find(creations, subnet);
	const struct tmf_err *failure = target_failures_find(
	    &creations->failures, subnet, request->rule, creations_mono_ms(creations));
	struct tmf_call *call;
	struct tmf_err err = {0};

	if (creation != NULL && creation->rule == NULL)
		return creations_join_after_leftover(creation, request->rule);
	if (creation != NULL)
		return waiters_add(&creation->waiters, creations_loop(creations));
	if (failure != NULL) {
		tmf_err_copy(&err, failure);
		return tmf_call_of_err(creations_loop(creations), &err);
	}
	creation = creation_new(creations, subnet);
	creation->rule = request->rule;
	call = waiters_add(&creation->waiters, creations_loop(creations));
	creation_untag(creation);
	return call;
}

struct tmf_call *
target_creations_wait(struct target_creations *creations)
{
	return creations->first != NULL
		   ? waiters_add(&creations->first->waiters, creations_loop(creations))
		   : NULL;
}

bool
target_creations_asked(const struct target_creations *creations, const char *token)
{
	return json_object_get(creations->asked, token) != NULL;
}

struct tmf_call *
target_creations_settle(struct target_creations *creations, const char *token, json_t *launch)
{
	const char *subnet_id = jsonx_get_string(launch, "SubnetId");
	struct creation *creation = creations_find(creations, subnet_id);
	struct tmf_call *call;

	/* Another run of this process may have begun one meanwhile: it continues with the
	 * launch, or a later settling does. */
	if (creation != NULL)
		return waiters_add(&creation->waiters, creations_loop(creations));
	creation = creation_new(creations, subnet_id);
	call = waiters_add(&creation->waiters, creations_loop(creations));
	assert(strlen(token) < sizeof(creation->token));
	memcpy(creation->token, token, strlen(token) + 1);
	creation->launch = json_incref(launch);
	creation->earlier = true;
	if (json_is_true(json_object_get(launch, "Ending")))
		creation_go_on_ending(creation);
	else
		creation_resume(creation);
	return call;
}
