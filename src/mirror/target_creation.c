#include "target_creation_internal.h"
#include "target_facts_internal.h"
#include "target_requests_internal.h"
#include "tmflow/aws/retry.h"
#include "tmflow/base/json.h"
#include "tmflow/base/log.h"
#include "tmflow/base/mem.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/*
 * One creation: untag what is full or dead, launch, attach, done. A permanent failure after the launch uses up the generation and terminates the instance.
 * Whatever happens in between, the next creation of the generation asks with the same tokens and so goes on where this one stopped.
 */

#define GENERATIONS_TRIED_MAX 20 /* whose instances turn out to be terminated */

/* A new interface may not be known everywhere yet (AWS: from 2 s up to some 5 min): 2, 4, 8, 16, then 30 s each. */
#define SETTLE_WAITS_MAX    12
#define SETTLE_DELAY_MS	    2000
#define SETTLE_DELAY_MAX_MS 30000

/* Another process may have made a target of the same instance that is not listed yet: looked for before the instance goes, with 2, 4 and 8 s between. */
#define ROLL_BACK_LOOKS_MAX 4

struct creation {
	struct target_creations *in;
	struct creation *next;
	struct target_order order; /* subnet_id is owned */
	struct target *untagging;  /* the full or dead one that is losing its tag */
	int tries;
	int waits;
	int looks; /* before a roll-back */
	char *instance_id;
	char *interface_id;
	int64_t launched_wall_ms; /* of one that an earlier run launched */
	struct err failure;	  /* why a roll-back is under way */
	struct waiters waiters;
	struct call *call;
	void (*step)(struct creation *creation, json_t *reply, struct err *err);
	struct timer timer; /* then `after_wait` */
	void (*after_wait)(struct creation *creation);
};

struct failure {
	struct failure *next;
	char *subnet_id;
	const struct config_rule *rule;
	struct err err;
	int64_t until_mono_ms;
};

struct target_creations {
	struct mirror_targets *targets;
	struct creation *first;
	struct failure *failures;
};

static void launch(struct creation *creation);
static void attach(struct creation *creation);
static void look_up(struct creation *creation);

static struct aws_client *
client_of(const struct creation *creation)
{
	return targets_mirror(creation->in->targets)->opts.ec2;
}

static struct loop *
loop_of(const struct target_creations *creations)
{
	return targets_mirror(creations->targets)->opts.loop;
}

static int64_t
mono_ms(const struct target_creations *creations)
{
	struct clock *clock = loop_clock(loop_of(creations));

	return clock->mono_ms(clock);
}

/* --- lists --- */

static void
creation_free(struct creation *creation)
{
	call_cancel(creation->call);
	loop_timer_disarm(loop_of(creation->in), &creation->timer);
	waiters_fini(&creation->waiters);
	err_fini(&creation->failure);
	free((char *)creation->order.subnet_id);
	free(creation->instance_id);
	free(creation->interface_id);
	free(creation);
}

static void
creation_remove(struct creation *creation)
{
	struct creation **at = &creation->in->first;

	while (*at != creation)
		at = &(*at)->next;
	*at = creation->next;
	creation_free(creation);
}

static void
failure_free(struct failure *failure)
{
	err_fini(&failure->err);
	free(failure->subnet_id);
	free(failure);
}

struct target_creations *
target_creations_new(struct mirror_targets *targets)
{
	struct target_creations *creations = mem_zalloc(1, sizeof(*creations));

	creations->targets = targets;
	return creations;
}

void
target_creations_free(struct target_creations *creations)
{
	while (creations->first != NULL)
		creation_remove(creations->first);
	while (creations->failures != NULL) {
		struct failure *failure = creations->failures;

		creations->failures = failure->next;
		failure_free(failure);
	}
	free(creations);
}

static struct creation *
find_creation(const struct target_creations *creations, const char *subnet_id)
{
	struct creation *creation = creations->first;

	while (creation != NULL && strcmp(creation->order.subnet_id, subnet_id) != 0)
		creation = creation->next;
	return creation;
}

/* Drops what is past on the way. */
static const struct failure *
find_failure(
    struct target_creations *creations, const char *subnet_id, const struct config_rule *rule)
{
	struct failure **at = &creations->failures;

	while (*at != NULL) {
		struct failure *failure = *at;

		if (failure->until_mono_ms <= mono_ms(creations)) {
			*at = failure->next;
			failure_free(failure);
		} else if (failure->rule == rule && strcmp(failure->subnet_id, subnet_id) == 0) {
			return failure;
		} else {
			at = &failure->next;
		}
	}
	return NULL;
}

static void
remember_failure(const struct creation *creation, const struct err *err)
{
	struct target_creations *creations = creation->in;
	struct failure *failure = mem_zalloc(1, sizeof(*failure));

	failure->subnet_id = mem_strdup(creation->order.subnet_id);
	failure->rule = creation->order.rule;
	failure->until_mono_ms = mono_ms(creations) + TARGET_FAILURE_MS;
	err_copy(&failure->err, err);
	failure->next = creations->failures;
	creations->failures = failure;
}

/* --- steps --- */

static bool
is_permanent(const struct err *err)
{
	return err->code == ERR_SERVICE && retry_classify(err) == RETRY_NEVER;
}

/* Ends the creation for all that wait. */
static void
fail(struct creation *creation, const struct err *err)
{
	if (is_permanent(err))
		remember_failure(creation, err);
	log_event(LOG_WARN, "target.failed", LOG_STR("subnet", creation->order.subnet_id),
	    LOG_INT("generation", creation->order.generation), LOG_STR("error", err->name),
	    LOG_STR("cause", err_text(err)));
	waiters_fail(&creation->waiters, err);
	creation_remove(creation);
}

static void
call_over(void *arg, struct call *call)
{
	struct creation *creation = arg;
	json_t *reply = call_take_result(call);
	struct err err = {0};

	creation->call = NULL;
	if (reply == NULL)
		err_move(&err, &call->err);
	creation->step(creation, reply, &err);
	json_decref(reply);
	err_fini(&err);
}

/* Waits for call, then runs step with a reply, or with NULL and an error. */
static void
await(struct creation *creation, struct call *call,
    void (*step)(struct creation *creation, json_t *reply, struct err *err))
{
	creation->call = call;
	creation->step = step;
	call_on_done(call, call_over, creation);
}

static void
waited(struct timer *timer)
{
	struct creation *creation =
	    (struct creation *)((char *)timer - offsetof(struct creation, timer));

	creation->after_wait(creation);
}

/* Waits for the time after so many waits, then goes on. */
static void
pause_for(struct creation *creation, int waits, void (*after_wait)(struct creation *creation))
{
	int64_t delay_ms = (int64_t)SETTLE_DELAY_MS << (waits < 10 ? waits : 10);

	if (delay_ms > SETTLE_DELAY_MAX_MS)
		delay_ms = SETTLE_DELAY_MAX_MS;
	creation->after_wait = after_wait;
	loop_timer_arm(loop_of(creation->in), &creation->timer, mono_ms(creation->in) + delay_ms);
}

/* Waits for describes and interfaces to settle; false when that has been done for long enough. */
static bool
settle(struct creation *creation, void (*after_wait)(struct creation *creation))
{
	if (creation->waits == SETTLE_WAITS_MAX)
		return false;
	pause_for(creation, creation->waits++, after_wait);
	return true;
}

/* The launched instance is a target's, or the generation is used up. */
static int
forget_launch(const struct creation *creation, struct err *err)
{
	return target_fact_drop_launch(
	    targets_mirror(creation->in->targets), creation->order.subnet_id, err);
}

/* The target is there. */
static void
succeed(struct creation *creation, const char *target_id)
{
	struct clock *clock = loop_clock(loop_of(creation->in));
	const struct target target = {
	    .made_wall_ms = clock->wall_ms(clock),
	    .id = (char *)target_id,
	    .interface_id = creation->interface_id,
	    .subnet_id = (char *)creation->order.subnet_id,
	    .made = true,
	    .tagged = true,
	    .generation = creation->order.generation,
	};
	struct err err = {0};
	json_t *result;

	if (targets_note(creation->in->targets, &target, &err) < 0 ||
	    forget_launch(creation, &err) < 0) {
		fail(creation, &err);
		err_fini(&err);
		return;
	}
	log_event(LOG_INFO, "target.created", LOG_STR("subnet", creation->order.subnet_id),
	    LOG_INT("generation", creation->order.generation), LOG_STR("target", target_id),
	    LOG_STR("instance", creation->instance_id));
	result = json_object();
	json_put_string(result, "TargetId", target_id);
	json_object_set_new(result, "Created", json_true());
	waiters_complete(&creation->waiters, result);
	json_decref(result);
	creation_remove(creation);
}

/* --- roll-back --- */

static void
terminated(struct creation *creation, json_t *reply, struct err *err)
{
	if (reply == NULL && !aws_error_is_not_found(err->name))
		err_prefix(&creation->failure,
		    "instance %s, launched for a target, could not be terminated (%s); what "
		    "failed before that",
		    creation->instance_id, err->name);
	struct err failure = {0};

	err_move(&failure, &creation->failure);
	fail(creation, &failure);
	err_fini(&failure);
}

static const char *
first_target(const json_t *reply)
{
	return json_get_string(json_array_get(json_get_array(reply, "TrafficMirrorTargets"), 0),
	    "TrafficMirrorTargetId");
}

static void check_before_roll_back(struct creation *creation);

/* Another process may have made a target of the very instance: then it is the subnet's. Otherwise the generation is used up, and only then the instance goes. */
static void
checked_before_roll_back(struct creation *creation, json_t *reply, struct err *err)
{
	const char *target_id = first_target(reply);
	json_t *ids;

	if (target_id != NULL) {
		succeed(creation, target_id);
		return;
	}
	if (reply == NULL && !is_permanent(err)) {
		fail(creation, err);
		return;
	}
	if (reply != NULL && ++creation->looks < ROLL_BACK_LOOKS_MAX) {
		pause_for(creation, creation->looks - 1, check_before_roll_back);
		return;
	}
	err_fini(err);
	if (targets_burn(creation->in->targets, creation->order.subnet_id,
		creation->order.generation, err) < 0 ||
	    forget_launch(creation, err) < 0) {
		fail(creation, err);
		return;
	}
	ids = json_array();
	json_array_append_new(ids, json_string(creation->instance_id));
	await(creation, ec2_terminate_instances(client_of(creation), ids), terminated);
	json_decref(ids);
}

static void
check_before_roll_back(struct creation *creation)
{
	await(creation, target_order_look_up(client_of(creation), creation->interface_id),
	    checked_before_roll_back);
}

static void
roll_back(struct creation *creation, struct err *err)
{
	err_move(&creation->failure, err);
	creation->looks = 0;
	check_before_roll_back(creation);
}

/* --- attach --- */

static void
looked_up(struct creation *creation, json_t *reply, struct err *err)
{
	const char *target_id = first_target(reply);

	if (reply == NULL) {
		fail(creation, err);
	} else if (target_id != NULL) {
		succeed(creation, target_id);
	} else if (!settle(creation, look_up)) {
		err_set(err, ERR_REPLY,
		    "interface %s is in use by a mirror target that AWS does not list",
		    creation->interface_id);
		fail(creation, err);
	}
}

static void
look_up(struct creation *creation)
{
	await(
	    creation, target_order_look_up(client_of(creation), creation->interface_id), looked_up);
}

static void
attached(struct creation *creation, json_t *reply, struct err *err)
{
	const char *target_id =
	    json_get_string(json_object_get(reply, "TrafficMirrorTarget"), "TrafficMirrorTargetId");

	if (target_id != NULL) {
		succeed(creation, target_id);
		return;
	}
	if (reply != NULL)
		err_set(err, ERR_REPLY, "CreateTrafficMirrorTarget's reply names no target");
	if (err_is(err, ERROR_INTERFACE_IS_TARGET)) {
		look_up(creation);
		return;
	}
	if (err->code == ERR_SERVICE && aws_error_is_not_found(err->name) &&
	    settle(creation, attach))
		return;
	if (err_is(err, ERROR_PARAMETER_MISMATCH))
		err_prefix(err, "interface %s was made a target with other parameters before",
		    creation->interface_id);
	if (is_permanent(err))
		roll_back(creation, err);
	else
		fail(creation, err);
}

static void
attach(struct creation *creation)
{
	await(creation,
	    target_order_attach(client_of(creation), &creation->order, creation->interface_id),
	    attached);
}

/* --- launch --- */

static void
drop_instance(struct creation *creation)
{
	free(creation->instance_id);
	free(creation->interface_id);
	creation->instance_id = creation->interface_id = NULL;
}

/* The generation's instance is gone: on to the next. */
static void
next_generation(struct creation *creation, struct err *err)
{
	struct err store_err = {0};

	drop_instance(creation);
	if (targets_burn(creation->in->targets, creation->order.subnet_id,
		creation->order.generation, &store_err) < 0 ||
	    forget_launch(creation, &store_err) < 0)
		fail(creation, &store_err);
	else if (++creation->tries == GENERATIONS_TRIED_MAX)
		fail(creation, err);
	else
		launch(creation);
	err_fini(&store_err);
}

/* Should this run end before there is a target, the next one goes on with the instance, even if the rule asks for another one by then. */
static int
remember_launch(const struct creation *creation, struct err *err)
{
	return target_fact_put_launch(targets_mirror(creation->in->targets),
	    creation->order.subnet_id,
	    &(struct target_launch){
		.instance_id = creation->instance_id,
		.interface_id = creation->interface_id,
		.generation = creation->order.generation,
	    },
	    err);
}

static void
launched(struct creation *creation, json_t *reply, struct err *err)
{
	const json_t *instance = json_array_get(json_get_array(reply, "Instances"), 0);
	const char *instance_id = json_get_string(instance, "InstanceId");
	const char *interface_id =
	    json_get_string(instance_primary_interface(instance), "NetworkInterfaceId");

	if (instance_is_over(instance))
		err_set_name(err, ERR_SERVICE, ERROR_INSTANCE_TERMINATED,
		    "instance %s was terminated", instance_id);
	else if (reply != NULL && (instance_id == NULL || interface_id == NULL))
		err_set(err, ERR_REPLY, "RunInstances' reply names no instance with an interface");
	if (err_is(err, ERROR_INSTANCE_TERMINATED)) {
		next_generation(creation, err);
		return;
	}
	if (err_isset(err)) {
		if (err_is(err, ERROR_PARAMETER_MISMATCH))
			err_prefix(err,
			    "generation %d of subnet %s was launched with other parameters before",
			    creation->order.generation, creation->order.subnet_id);
		fail(creation, err);
		return;
	}
	creation->instance_id = mem_strdup(instance_id);
	creation->interface_id = mem_strdup(interface_id);
	if (remember_launch(creation, err) < 0)
		fail(creation, err);
	else
		attach(creation);
}

static void
run_instance(struct creation *creation)
{
	await(creation, target_order_launch(client_of(creation), &creation->order), launched);
}

/* An instance of an earlier run's, as it is now. One that was launched a moment ago may not be listed yet; of one that should be, the client token tells. */
static void
found_again(struct creation *creation, json_t *reply, struct err *err)
{
	struct clock *clock = loop_clock(loop_of(creation->in));
	const json_t *instance = json_array_get(json_get_array(reply, "Instances"), 0);
	bool is_old = clock->wall_ms(clock) - creation->launched_wall_ms > TARGET_FACT_SETTLED_MS;

	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		fail(creation, err);
	} else if (instance_is_over(instance)) {
		err_set_name(err, ERR_SERVICE, ERROR_INSTANCE_TERMINATED,
		    "instance %s was terminated", creation->instance_id);
		next_generation(creation, err);
	} else if (instance == NULL && is_old) {
		drop_instance(creation);
		run_instance(creation);
	} else {
		attach(creation);
	}
}

/* Goes on with what an earlier run launched for this generation. Returns 1, 0 if there is nothing, -1. */
static int
adopt(struct creation *creation, struct err *err)
{
	struct target_launch earlier;
	json_t *kept = NULL;
	json_t *ids;
	int found = target_fact_launch(
	    targets_mirror(creation->in->targets), creation->order.subnet_id, &kept, &earlier, err);

	if (found <= 0)
		return found;
	if (earlier.generation != creation->order.generation) {
		json_decref(kept);
		return forget_launch(creation, err);
	}
	creation->instance_id = mem_strdup(earlier.instance_id);
	creation->interface_id = mem_strdup(earlier.interface_id);
	creation->launched_wall_ms = earlier.wall_ms;
	json_decref(kept);
	ids = json_array();
	json_array_append_new(ids, json_string(creation->instance_id));
	await(creation,
	    ec2_describe_instances(client_of(creation), &(struct ec2_describe){.ids = ids}),
	    found_again);
	json_decref(ids);
	return 1;
}

static void
launch(struct creation *creation)
{
	const struct inventory *inventory = targets_inventory(creation->in->targets);
	struct err err = {0};
	int adopted;

	creation->order.generation = inventory_generation(inventory, creation->order.subnet_id) + 1;
	adopted = adopt(creation, &err);
	if (adopted == 0)
		run_instance(creation);
	else if (adopted < 0)
		fail(creation, &err);
	err_fini(&err);
}

/* --- untag --- */

static void untag(struct creation *creation);

static void
untagged(struct creation *creation, json_t *reply, struct err *err)
{
	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		fail(creation, err);
		return;
	}
	creation->untagging->tagged = false;
	untag(creation);
}

/* So that no other process is sent to a target that is full or dead. */
static void
untag(struct creation *creation)
{
	const char *subnet = creation->order.subnet_id;
	struct target *spent =
	    inventory_spent_tagged(targets_inventory(creation->in->targets), subnet);

	creation->untagging = spent;
	if (spent != NULL)
		await(
		    creation, target_order_untag(client_of(creation), spent->id, subnet), untagged);
	else
		launch(creation);
}

struct call *
target_creations_join(struct target_creations *creations, const struct target_request *request)
{
	const char *subnet = targets_subnet(request->rule, request->subnet_id);
	struct creation *creation = find_creation(creations, subnet);
	const struct failure *failure = find_failure(creations, subnet, request->rule);
	struct err err = {0};

	if (creation != NULL)
		return waiters_add(&creation->waiters, loop_of(creations));
	if (failure != NULL) {
		err_copy(&err, &failure->err);
		return call_of_err(loop_of(creations), &err);
	}
	creation = mem_zalloc(1, sizeof(*creation));
	creation->in = creations;
	creation->order.rule = request->rule;
	creation->order.subnet_id = mem_strdup(subnet);
	creation->timer.fire = waited;
	creation->next = creations->first;
	creations->first = creation;
	untag(creation);
	return waiters_add(&creation->waiters, loop_of(creations));
}
