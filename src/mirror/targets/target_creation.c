#include "mirror/targets/target_creation.h"

#include "aws/pace/retry.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/config/instance_types.h"
#include "mirror/targets/target_facts.h"
#include "mirror/waiters.h"

#include <assert.h>
#include <stddef.h>
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

/* A new interface may not be known everywhere yet (AWS: from 2 s up to some 5 min): 2, 4, 8, 16,
 * then 30 s each. */
#define SETTLE_WAITS_MAX    12
#define SETTLE_DELAY_MS	    2000
#define SETTLE_DELAY_MAX_MS 30000

/* Looks for a target of another process before the instance goes, with 2, 4 and 8 s between. */
#define ROLL_BACK_LOOKS_MAX 4

/* What a creation asks of AWS, one thing a step, in the order in which they happen. */
enum creation_step {
	CREATION_UNTAG,	 /* takes the tag off a target that is full or dead; as often as needed */
	CREATION_FIND,	 /* an instance that was launched earlier: is it still there? */
	CREATION_LAUNCH, /* RunInstances */
	CREATION_LOOK,	 /* a leftover: has its interface become a target meanwhile? */
	CREATION_ATTACH, /* CreateTrafficMirrorTarget */
	CREATION_RIVAL,	 /* the interface is a target already: which one? */
	CREATION_CHECK,	 /* before a rollback: has another process made a target of it? */
	CREATION_DELETE, /* the end of a launch that is not needed: first its target, */
	CREATION_TERMINATE, /* then its instance */
	CREATION_STEPS
};

struct creation;

/* Each step has its call, and what follows from the answer: a reply, or NULL and an error. */
struct creation_stage {
	const char *name; /* in log events */
	struct tmf_call *(*ask)(struct creation *creation);
	void (*answered)(struct creation *creation, json_t *reply, struct tmf_err *err);
};

static const struct creation_stage creation_stages[CREATION_STEPS];

struct creation {
	struct creation_opts opts;
	char *subnet_id;
	enum creation_step step; /* under way, or what comes when the timer fires */
	char *untagging;	 /* id of the full or dead one that is losing its tag */
	int tries;
	int waits;
	int looks; /* before a rollback */
	struct launch launch;
	struct tmf_err failure; /* why a rollback is under way */
	bool was_full;		/* its target, before it was noted as one that goes */
	struct waiters waiters;
	struct tmf_call *call;
	struct tmf_timer timer;
};

/* --- its end --- */

/* The call goes first: its completion would step into what is freed here. */
void
creation_free(struct creation *creation)
{
	tmf_call_cancel(creation->call);
	tmf_loop_timer_disarm(creation->opts.account->loop, &creation->timer);
	waiters_fini(&creation->waiters);
	tmf_err_fini(&creation->failure);
	json_decref(creation->launch.fact);
	free(creation->untagging);
	free(creation->subnet_id);
	free(creation);
}

/* err must not be a part of the creation, which is freed here. */
static void
creation_fail(struct creation *creation, const struct tmf_err *err)
{
	log_event(LOG_WARN, "target.failed", LOG_STR("subnet", creation->subnet_id),
	    LOG_INT("generation", launch_generation(&creation->launch)),
	    LOG_STR("step", creation_stages[creation->step].name),
	    LOG_STR("instance", launch_instance(&creation->launch)), LOG_ERR(err));
	creation->opts.on_end(creation->opts.arg, creation);
	waiters_fail(&creation->waiters, err);
	creation_free(creation);
}

/* The result is the same for all that wait, although only one of them began it: whether the target
 * is new is of interest to each. */
static void
creation_done(struct creation *creation, const char *target_id, bool created)
{
	json_t *result = json_object();

	jsonx_put_string(result, "TargetId", target_id);
	json_object_set_new(result, "Created", json_boolean(created));
	creation->opts.on_end(creation->opts.arg, creation);
	waiters_complete(&creation->waiters, result);
	json_decref(result);
	creation_free(creation);
}

/* The launch has the target. `run` is set only where this run asked for the launch: a run that
 * takes up the launch of an earlier one did not make its instance. The target's fact is written
 * before the launch's fact goes. Both are in one commit, but the order matters where the second
 * fails: then the launch is settled again, and finds the target. */
static void
creation_succeed(struct creation *creation, const char *target_id)
{
	struct account *account = creation->opts.account;
	struct target target = {
	    .made_wall_ms = target_facts_wall_ms(creation->opts.account),
	    .id = (char *)target_id,
	    .interface_id = (char *)launch_interface(&creation->launch),
	    .instance_id = (char *)launch_instance(&creation->launch),
	    .subnet_id = creation->subnet_id,
	    .made = true,
	    .tagged = true,
	    .idle_of = (char *)account->owner,
	    .generation = launch_generation(&creation->launch),
	    .sources_max = instance_type_sources_max(launch_instance_type(&creation->launch)),
	};
	struct tmf_err err = {0};
	int launched;

	assert(target_id != NULL && creation->launch.fact != NULL);
	launched = target_launches_of_run(
	    creation->opts.launches, target.subnet_id, target.generation, &err);
	if (launched > 0)
		target.run = (char *)account->owner;
	if (launched < 0 || target_note(account, creation->opts.inventory, &target, &err) < 0 ||
	    target_launches_drop(creation->opts.launches, &creation->launch, &err) < 0) {
		creation_fail(creation, &err);
		tmf_err_fini(&err);
		return;
	}
	log_event(LOG_INFO, "target.created", LOG_STR("subnet", creation->subnet_id),
	    LOG_INT("generation", launch_generation(&creation->launch)),
	    LOG_STR("target", target_id), LOG_STR("instance", launch_instance(&creation->launch)));
	creation_done(creation, target_id, true);
}

/* --- from step to step --- */

/* The error is moved out of the call before the step, because the step may end the creation, and
 * may begin the next call. Nothing of the creation is touched after the step for the same
 * reason. */
static void
creation_call_over(void *arg, struct tmf_call *call)
{
	struct creation *creation = arg;
	json_t *reply = tmf_call_take_result(call);
	struct tmf_err err = {0};

	creation->call = NULL;
	if (reply == NULL)
		tmf_err_move(&err, &call->err);
	creation_stages[creation->step].answered(creation, reply, &err);
	json_decref(reply);
	tmf_err_fini(&err);
}

/* One pending call a creation: a second would answer to the wrong step. */
static void
creation_enter(struct creation *creation, enum creation_step step)
{
	assert(creation->call == NULL && step < CREATION_STEPS);
	log_event(LOG_DEBUG, "target.step", LOG_STR("step", creation_stages[step].name),
	    LOG_STR("subnet", creation->subnet_id),
	    LOG_INT("generation", launch_generation(&creation->launch)),
	    LOG_STR("instance", launch_instance(&creation->launch)));
	creation->step = step;
	creation->call = creation_stages[step].ask(creation);
	tmf_call_on_done(creation->call, creation_call_over, creation);
}

static void
creation_waited(struct tmf_timer *timer)
{
	struct creation *creation =
	    (struct creation *)((char *)timer - offsetof(struct creation, timer));

	creation_enter(creation, creation->step);
}

static void
creation_enter_after_ms(struct creation *creation, enum creation_step step, int64_t delay_ms)
{
	struct tmf_loop *loop = creation->opts.account->loop;
	struct tmf_clock *clock = tmf_loop_clock(loop);

	assert(creation->call == NULL && delay_ms > 0);
	creation->step = step;
	tmf_loop_timer_arm(loop, &creation->timer, clock->mono_ms(clock) + delay_ms);
}

/*
 * Goes on once what this turn wrote to the store is committed, so that AWS is asked for nothing
 * that the store does not know. The store is committed at the end of a turn, once for all that was
 * written in it, which is what makes writing facts cheap. A timer of the next millisecond is not
 * due in this turn.
 */
static void
creation_enter_committed(struct creation *creation, enum creation_step step)
{
	creation_enter_after_ms(creation, step, 1);
}

/* After that many waits, each longer than the one before. The shift stops at 10, since waits has
 * no bound of its own and the delay is cut off long before. */
static void
creation_enter_later(struct creation *creation, enum creation_step step, int waits)
{
	int64_t delay_ms = (int64_t)SETTLE_DELAY_MS << (waits < 10 ? waits : 10);

	assert(waits >= 0);
	creation_enter_after_ms(
	    creation, step, delay_ms < SETTLE_DELAY_MAX_MS ? delay_ms : SETTLE_DELAY_MAX_MS);
}

/* Waits for describes and interfaces to settle; false when that has been done for long enough. */
static bool
creation_settle_wait(struct creation *creation, enum creation_step step)
{
	assert(creation->waits <= SETTLE_WAITS_MAX);
	if (creation->waits == SETTLE_WAITS_MAX)
		return false;
	creation_enter_later(creation, step, creation->waits++);
	return true;
}

/* --- untag --- */

static void creation_prepare(struct creation *creation);

/* So that no other process is sent to a target that is full, closed or dead. */
void
creation_start(struct creation *creation)
{
	struct target *spent =
	    inventory_spent_tagged(creation->opts.inventory, creation->subnet_id);

	free(creation->untagging);
	creation->untagging = spent != NULL ? mem_strdup(spent->id) : NULL;
	if (spent != NULL)
		creation_enter(creation, CREATION_UNTAG);
	else
		creation_prepare(creation);
}

static struct tmf_call *
creation_untag_ask(struct creation *creation)
{
	return target_order_untag(
	    creation->opts.account->ec2, creation->untagging, creation->subnet_id);
}

static void
creation_untag_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	struct target *spent = inventory_find(creation->opts.inventory, creation->untagging);

	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		creation_fail(creation, err);
		return;
	}
	if (spent != NULL)
		spent->tagged = false;
	creation_start(creation);
}

/* --- what to launch --- */

/* Continues with the instance that AWS has named, or asks for one. */
static void
creation_resume(struct creation *creation)
{
	struct tmf_err err = {0};

	if (launch_interface(&creation->launch) != NULL)
		creation_enter(creation, CREATION_FIND);
	else if (target_launches_note(creation->opts.launches, &creation->launch, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_enter_committed(creation, CREATION_LAUNCH);
	tmf_err_fini(&err);
}

static void
creation_prepare(struct creation *creation)
{
	const struct target_request request = {
	    .rule = creation->opts.rule, .subnet_id = creation->subnet_id};
	int generation = inventory_generation(creation->opts.inventory, creation->subnet_id) + 1;
	struct tmf_err err = {0};

	assert(creation->call == NULL && request.rule != NULL);
	if (target_launches_prepare(
		creation->opts.launches, &request, generation, &creation->launch, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_resume(creation);
	tmf_err_fini(&err);
}

/* The generation's instance is gone: on to the next, where a target is wanted. */
static void
creation_next_generation(struct creation *creation, const char *instance_id)
{
	struct tmf_err err = {0};

	if (target_burn(creation->opts.account, creation->opts.inventory, creation->subnet_id,
		launch_generation(&creation->launch), &err) < 0 ||
	    target_launches_drop(creation->opts.launches, &creation->launch, &err) < 0) {
		creation_fail(creation, &err);
	} else if (creation->opts.rule == NULL) {
		creation_done(creation, NULL, false);
	} else if (++creation->tries == GENERATIONS_TRIED_MAX) {
		tmf_err_set_name(&err, TMF_ERR_SERVICE, ERROR_INSTANCE_TERMINATED,
		    "instance %s was terminated", instance_id != NULL ? instance_id : "unknown");
		creation_fail(creation, &err);
	} else {
		creation_prepare(creation);
	}
	tmf_err_fini(&err);
}

/* --- find: an earlier instance, as it is now --- */

/* A creation for a rule asks straight away, and learns of a rival from the refusal. A leftover
 * looks first: its target may have been made before the crash. */
static void
creation_attach(struct creation *creation)
{
	creation_enter(creation, creation->opts.rule != NULL ? CREATION_ATTACH : CREATION_LOOK);
}

static struct tmf_call *
creation_find_ask(struct creation *creation)
{
	return target_order_find(creation->opts.account->ec2, launch_instance(&creation->launch));
}

/* One that was launched a moment ago may not be listed yet; one that should be is asked for again
 * by its client token. */
static void
creation_find_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const json_t *instance = json_array_get(jsonx_get_array(reply, "Instances"), 0);
	bool is_old =
	    target_facts_wall_ms(creation->opts.account) - launch_wall_ms(&creation->launch) >
	    TARGET_FACT_SETTLED_MS;

	if (reply == NULL && !aws_error_is_not_found(err->name)) {
		creation_fail(creation, err);
	} else if (instance_is_over(instance)) {
		creation_next_generation(creation, launch_instance(&creation->launch));
	} else if (instance == NULL && is_old) {
		launch_unname(&creation->launch);
		creation_resume(creation);
	} else {
		creation_attach(creation);
	}
}

/* --- launch --- */

/* The commit stands, but only a sync brings it onto the disk. A launch is the one request whose
 * loss costs money for good: an instance that no store knows. */
static struct tmf_call *
creation_launch_ask(struct creation *creation)
{
	const struct target_order order = launch_order(&creation->launch);
	struct tmf_err err = {0};

	if (store_sync(creation->opts.account->store, &err) < 0)
		return tmf_call_of_err(creation->opts.account->loop, &err);
	return target_order_launch(creation->opts.account->ec2, &order);
}

static void
creation_launch_refused(struct creation *creation, struct tmf_err *err)
{
	bool nothing_there = target_order_launched_nothing(err);
	struct tmf_err store_err = {0};

	if (tmf_err_is(err, ERROR_PARAMETER_MISMATCH))
		tmf_err_prefix(err,
		    "generation %d of subnet %s was launched with other parameters before",
		    launch_generation(&creation->launch), creation->subnet_id);
	if (nothing_there &&
	    target_launches_drop(creation->opts.launches, &creation->launch, &store_err) < 0)
		creation_fail(creation, &store_err);
	else if (nothing_there && creation->opts.rule == NULL)
		creation_done(creation, NULL, false);
	else if (nothing_there && creation->launch.earlier &&
		 ++creation->tries < GENERATIONS_TRIED_MAX)
		creation_prepare(creation); /* as the rule is now */
	else
		creation_fail(creation, err);
	tmf_err_fini(&store_err);
}

static void
creation_launch_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const json_t *instance = json_array_get(jsonx_get_array(reply, "Instances"), 0);
	const char *instance_id = jsonx_get_string(instance, "InstanceId");
	const char *interface_id =
	    jsonx_get_string(instance_primary_interface(instance), "NetworkInterfaceId");

	if (instance_is_over(instance) || tmf_err_is(err, ERROR_INSTANCE_TERMINATED)) {
		creation_next_generation(creation, instance_id);
		return;
	}
	if (reply != NULL && (instance_id == NULL || interface_id == NULL))
		tmf_err_set(
		    err, TMF_ERR_REPLY, "RunInstances' reply names no instance with an interface");
	if (tmf_err_isset(err)) {
		creation_launch_refused(creation, err);
		return;
	}
	launch_name(&creation->launch, instance_id, interface_id,
	    target_facts_wall_ms(creation->opts.account));
	if (target_launches_keep(creation->opts.launches, &creation->launch, err) < 0)
		creation_fail(creation, err);
	else
		creation_attach(creation);
}

/* --- attach --- */

static void creation_roll_back(struct creation *creation, struct tmf_err *err);
static void
creation_take_down(struct creation *creation, const char *target_id, const char *instead_id);

static struct tmf_call *
creation_look_ask(struct creation *creation)
{
	return target_order_look_up(
	    creation->opts.account->ec2, launch_interface(&creation->launch));
}

static void
creation_look_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const char *target_id = target_order_found(reply);

	if (reply == NULL)
		creation_fail(creation, err);
	else if (target_id != NULL)
		creation_succeed(creation, target_id);
	else
		creation_enter(creation, CREATION_ATTACH);
}

static struct tmf_call *
creation_attach_ask(struct creation *creation)
{
	const struct target_order order = launch_order(&creation->launch);

	return target_order_attach(
	    creation->opts.account->ec2, &order, launch_interface(&creation->launch));
}

/* What nobody waits for is taken down where the subnet has another. */
static void
creation_attached(struct creation *creation, const char *target_id)
{
	const struct target *other =
	    inventory_current_beside(creation->opts.inventory, creation->subnet_id, target_id);

	if (creation->opts.rule == NULL && other != NULL)
		creation_take_down(creation, target_id, other->id);
	else
		creation_succeed(creation, target_id);
}

static void
creation_attach_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const char *target_id = jsonx_get_string(
	    json_object_get(reply, "TrafficMirrorTarget"), "TrafficMirrorTargetId");

	if (target_id != NULL) {
		creation_attached(creation, target_id);
		return;
	}
	if (reply != NULL)
		tmf_err_set(
		    err, TMF_ERR_REPLY, "CreateTrafficMirrorTarget's reply names no target");
	if (tmf_err_is(err, ERROR_INTERFACE_IS_TARGET)) {
		creation_enter(creation, CREATION_RIVAL);
		return;
	}
	/* The instance may be new, or gone: somebody else has taken it back. */
	if (err->code == TMF_ERR_SERVICE && aws_error_is_not_found(err->name) &&
	    creation_settle_wait(creation, CREATION_FIND))
		return;
	if (tmf_err_is(err, ERROR_PARAMETER_MISMATCH))
		tmf_err_prefix(err, "interface %s was made a target with other parameters before",
		    launch_interface(&creation->launch));
	if (target_error_is_permanent(err))
		creation_roll_back(creation, err);
	else
		creation_fail(creation, err);
}

static void
creation_rival_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const char *target_id = target_order_found(reply);

	if (target_id != NULL) {
		creation_succeed(creation, target_id);
		return;
	}
	if (reply != NULL) {
		if (creation_settle_wait(creation, CREATION_RIVAL))
			return;
		tmf_err_set(err, TMF_ERR_REPLY,
		    "interface %s is in use by a mirror target that AWS does not list",
		    launch_interface(&creation->launch));
	}
	creation_fail(creation, err);
}

/*
 * --- how a launch is taken back ---
 *
 * The generation is used up first, and the store knows that the launch is ending: the process that
 * comes after a crash continues with that. A target goes before its instance, so that none is ever
 * without one. AWS refuses to delete a target that has sessions: then somebody needs it, and it
 * stays.
 */

/* What is left to do first, also after a crash. */
static enum creation_step
creation_first_of_end(const struct creation *creation)
{
	return launch_target(&creation->launch) != NULL ? CREATION_DELETE : CREATION_TERMINATE;
}

/* From here on the launch ends, whatever happens to this process. */
static void
creation_begin_end(struct creation *creation)
{
	struct tmf_err err = {0};

	launch_end(&creation->launch);
	if (target_burn(creation->opts.account, creation->opts.inventory, creation->subnet_id,
		launch_generation(&creation->launch), &err) < 0 ||
	    target_launches_keep(creation->opts.launches, &creation->launch, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_enter_committed(creation, creation_first_of_end(creation));
	tmf_err_fini(&err);
}

/* No target can be made of the launch, for good: ends with *err (moved) once the instance is
 * gone, or with the target that another process made of it. */
static void
creation_roll_back(struct creation *creation, struct tmf_err *err)
{
	assert(launch_interface(&creation->launch) != NULL && tmf_err_isset(err));
	tmf_err_move(&creation->failure, err);
	creation->looks = 0;
	creation_enter(creation, CREATION_CHECK);
}

/* Another process may have made a target of the same instance: then it is the subnet's.
 * Otherwise the generation is used up, and only then the instance goes. */
static void
creation_check_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	const char *target_id = target_order_found(reply);

	if (target_id != NULL) {
		creation_succeed(creation, target_id);
		return;
	}
	if (reply == NULL && !target_error_is_permanent(err)) {
		creation_fail(creation, err);
		return;
	}
	if (reply != NULL && ++creation->looks < ROLL_BACK_LOOKS_MAX)
		creation_enter_later(creation, CREATION_CHECK, creation->looks - 1);
	else
		creation_begin_end(creation);
}

/* The target that was made of the launch is not needed, since instead_id (NULL: none) serves the
 * subnet: ends with that one, once target and instance are gone. Described a while longer, the
 * target must not be taken for one that serves. */
static void
creation_take_down(struct creation *creation, const char *target_id, const char *instead_id)
{
	const struct target gone = {
	    .id = (char *)target_id,
	    .interface_id = (char *)launch_interface(&creation->launch),
	    .subnet_id = creation->subnet_id,
	    .made = true,
	    .generation = launch_generation(&creation->launch),
	};
	struct tmf_err err = {0};

	launch_end_target(&creation->launch, target_id, instead_id);
	if (target_note_gone(creation->opts.account, creation->opts.inventory, &gone,
		&creation->was_full, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_begin_end(creation);
	tmf_err_fini(&err);
}

/* A rollback ends with what went wrong first, not with how its cleaning up went: that is what the
 * operator can mend. */
static void
creation_end(struct creation *creation)
{
	struct tmf_err failure = {0};

	if (!tmf_err_isset(&creation->failure)) {
		creation_done(creation, launch_instead(&creation->launch), false);
		return;
	}
	tmf_err_move(&failure, &creation->failure);
	creation_fail(creation, &failure);
	tmf_err_fini(&failure);
}

static void
creation_end_forgetting(struct creation *creation)
{
	struct tmf_err err = {0};

	if (target_launches_drop(creation->opts.launches, &creation->launch, &err) < 0)
		creation_fail(creation, &err);
	else
		creation_end(creation);
	tmf_err_fini(&err);
}

static struct tmf_call *
creation_delete_ask(struct creation *creation)
{
	return ec2_delete_target(creation->opts.account->ec2, launch_target(&creation->launch));
}

/* A target in use has sessions of another process, which found it by its tag. It stays, and so does
 * its instance, and serves this process too; only the launch is over. */
static void
creation_delete_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	bool in_use = error_is_target_in_use(err);

	if (reply != NULL || aws_error_is_not_found(err->name)) {
		tmf_err_fini(err);
		if (target_note_deleted(creation->opts.account, creation->opts.inventory,
			launch_target(&creation->launch), err) < 0)
			creation_fail(creation, err);
		else
			creation_enter(creation, CREATION_TERMINATE);
		return;
	}
	if (in_use)
		tmf_err_fini(err);
	if (!in_use || target_note_kept(creation->opts.account, creation->opts.inventory,
			   launch_target(&creation->launch), creation->was_full, err) < 0)
		creation_fail(creation, err);
	else
		creation_end_forgetting(creation);
}

static struct tmf_call *
creation_terminate_ask(struct creation *creation)
{
	return target_order_terminate(
	    creation->opts.account->ec2, launch_instance(&creation->launch));
}

/* Where it fails, the launch stays in the store, so that a later run tries again to terminate the
 * instance. */
static void
creation_terminate_answered(struct creation *creation, json_t *reply, struct tmf_err *err)
{
	if (reply != NULL || aws_error_is_not_found(err->name)) {
		log_event(LOG_INFO, "target.launch_ended", LOG_STR("subnet", creation->subnet_id),
		    LOG_INT("generation", launch_generation(&creation->launch)),
		    LOG_STR("instance", launch_instance(&creation->launch)));
		creation_end_forgetting(creation);
	} else if (tmf_err_isset(&creation->failure)) {
		tmf_err_prefix(&creation->failure,
		    "instance %s, launched for a target, could not be terminated (%s); what "
		    "failed before that",
		    launch_instance(&creation->launch), err->name);
		creation_end(creation);
	} else {
		tmf_err_prefix(err, "instance %s, launched for a target, could not be terminated",
		    launch_instance(&creation->launch));
		creation_fail(creation, err);
	}
}

static const struct creation_stage creation_stages[CREATION_STEPS] = {
    [CREATION_UNTAG] = {"untag", creation_untag_ask, creation_untag_answered},
    [CREATION_FIND] = {"find", creation_find_ask, creation_find_answered},
    [CREATION_LAUNCH] = {"launch", creation_launch_ask, creation_launch_answered},
    [CREATION_LOOK] = {"look", creation_look_ask, creation_look_answered},
    [CREATION_ATTACH] = {"attach", creation_attach_ask, creation_attach_answered},
    [CREATION_RIVAL] = {"rival", creation_look_ask, creation_rival_answered},
    [CREATION_CHECK] = {"check", creation_look_ask, creation_check_answered},
    [CREATION_DELETE] = {"delete", creation_delete_ask, creation_delete_answered},
    [CREATION_TERMINATE] = {"terminate", creation_terminate_ask, creation_terminate_answered},
};

/* --- from outside --- */

struct creation *
creation_new(const struct creation_opts *opts)
{
	struct creation *creation = mem_zalloc(1, sizeof(*creation));

	assert(opts->subnet_id != NULL && opts->on_end != NULL);
	creation->opts = *opts;
	creation->opts.subnet_id = creation->subnet_id = mem_strdup(opts->subnet_id);
	creation->timer.fire = creation_waited;
	return creation;
}

void
creation_start_with(struct creation *creation, const char *token, json_t *launch)
{
	target_launches_take_up(&creation->launch, token, launch);
	if (launch_is_ending(&creation->launch))
		creation_enter(creation, creation_first_of_end(creation));
	else
		creation_resume(creation);
}

void
creation_start_end(struct creation *creation, const char *target_id, const json_t *fact)
{
	target_launches_prepare_end(creation->opts.launches, target_id, fact, &creation->launch);
	creation_take_down(creation, target_id, NULL);
}

struct tmf_call *
creation_wait(struct creation *creation)
{
	return waiters_add(&creation->waiters, creation->opts.account->loop);
}

const char *
creation_subnet(const struct creation *creation)
{
	return creation->subnet_id;
}

const struct config_rule *
creation_rule(const struct creation *creation)
{
	return creation->opts.rule;
}
