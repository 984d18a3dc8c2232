#include "mirror/targets/target_steps.h"

#include "aws/pace/retry.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/targets/target_facts.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* A new interface may not be known everywhere yet (AWS: from 2 s up to some 5 min): 2, 4, 8, 16,
 * then 30 s each. */
#define SETTLE_WAITS_MAX    12
#define SETTLE_DELAY_MS	    2000
#define SETTLE_DELAY_MAX_MS 30000

struct mirror_targets *
creation_targets(const struct creation *creation)
{
	return creation->in->targets;
}

struct account *
creation_account(const struct creation *creation)
{
	return targets_account(creation->in->targets);
}

struct aws_client *
creation_client(const struct creation *creation)
{
	return creation_account(creation)->ec2;
}

struct tmf_loop *
creations_loop(const struct target_creations *creations)
{
	return targets_account(creations->targets)->loop;
}

int64_t
creations_mono_ms(const struct target_creations *creations)
{
	struct tmf_clock *clock = tmf_loop_clock(creations_loop(creations));

	return clock->mono_ms(clock);
}

int64_t
creation_wall_ms(const struct creation *creation)
{
	struct tmf_clock *clock = tmf_loop_clock(creations_loop(creation->in));

	return clock->wall_ms(clock);
}

/* The call goes first: its completion would step into what is freed here. */
static void
creation_free(struct creation *creation)
{
	tmf_call_cancel(creation->call);
	tmf_loop_timer_disarm(creations_loop(creation->in), &creation->timer);
	waiters_fini(&creation->waiters);
	tmf_err_fini(&creation->failure);
	json_decref(creation->launch);
	free(creation->untagging);
	free(creation->subnet_id);
	free(creation);
}

void
creation_remove(struct creation *creation)
{
	struct creation **at = &creation->in->first;

	assert(creation->in->first != NULL);
	while (*at != creation)
		at = &(*at)->next;
	*at = creation->next;
	creation_free(creation);
}

/* Read once: this process adds its own launches to the set, and no other process launches in the
 * name of this run while the lease is held. */
json_t *
creations_places(struct target_creations *creations, struct tmf_err *err)
{
	struct account *account = targets_account(creations->targets);

	if (creations->places == NULL)
		creations->places = target_fact_places(account, account->owner, err);
	return creations->places;
}

/* By place rather than by instance id: the place is noted before AWS is asked, so a crash before
 * the reply does not lose it. */
int
target_creations_launched(
    struct target_creations *creations, const char *subnet_id, int generation, struct tmf_err *err)
{
	const json_t *places = creations_places(creations, err);
	char place[TARGET_PLACE_BYTES];

	if (places == NULL)
		return -1;
	target_place(subnet_id, generation, place);
	return json_object_get(places, place) != NULL;
}

const char *
creation_instance(const struct creation *creation)
{
	return jsonx_get_string(creation->launch, "InstanceId");
}

const char *
creation_interface(const struct creation *creation)
{
	return jsonx_get_string(creation->launch, "NetworkInterfaceId");
}

int
creation_generation(const struct creation *creation)
{
	return (int)json_integer_value(json_object_get(creation->launch, "Generation"));
}

/* Each time the whole, so that the fact is never half of an old and half of a new state. */
int
creation_keep_launch(struct creation *creation, struct tmf_err *err)
{
	return target_fact_put_launch(
	    creation_account(creation), creation->token, creation->launch, err);
}

int
creation_drop_launch(struct creation *creation, struct tmf_err *err)
{
	return target_fact_drop_launch(creation_account(creation), creation->token, err);
}

/* Only what AWS itself answered counts. A lost connection or an invalid reply says nothing of the
 * request, which may have had its effect. */
bool
creation_error_is_permanent(const struct tmf_err *err)
{
	return err->code == TMF_ERR_SERVICE && retry_classify(err) == RETRY_NEVER;
}

/* Remembers the failure for the rule, so that the page's other items fail without another launch. A
 * leftover has no rule and nothing to protect: it is tried once a run anyway. err must not be a
 * part of the creation, which is freed here. */
void
creation_fail(struct creation *creation, const struct tmf_err *err)
{
	if (creation->rule != NULL && creation_error_is_permanent(err))
		target_failures_add(&creation->in->failures, creation->subnet_id, creation->rule,
		    err, creations_mono_ms(creation->in));
	log_event(LOG_WARN, "target.failed", LOG_STR("subnet", creation->subnet_id),
	    LOG_INT("generation", creation_generation(creation)),
	    LOG_STR("instance", creation_instance(creation)), LOG_STR("error", err->name),
	    LOG_STR("cause", tmf_err_text(err)));
	waiters_fail(&creation->waiters, err);
	creation_remove(creation);
}

/* The result is the same for all that wait, although only one of them began it: whether the target
 * is new is of interest to each. */
void
creation_done(struct creation *creation, const char *target_id, bool created)
{
	json_t *result = json_object();

	jsonx_put_string(result, "TargetId", target_id);
	json_object_set_new(result, "Created", json_boolean(created));
	waiters_complete(&creation->waiters, result);
	json_decref(result);
	creation_remove(creation);
}

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
	creation->step(creation, reply, &err);
	json_decref(reply);
	tmf_err_fini(&err);
}

void
creation_await(struct creation *creation, struct tmf_call *call,
    void (*step)(struct creation *creation, json_t *reply, struct tmf_err *err))
{
	/* One pending call a creation: a second would answer to the wrong step. */
	assert(creation->call == NULL && step != NULL);
	creation->call = call;
	creation->step = step;
	tmf_call_on_done(call, creation_call_over, creation);
}

static void
creation_waited(struct tmf_timer *timer)
{
	struct creation *creation =
	    (struct creation *)((char *)timer - offsetof(struct creation, timer));

	assert(creation->call == NULL && creation->after_wait != NULL);
	creation->after_wait(creation);
}

struct creation *
creation_new(struct target_creations *creations, const char *subnet_id)
{
	struct creation *creation = mem_zalloc(1, sizeof(*creation));

	creation->in = creations;
	creation->subnet_id = mem_strdup(subnet_id);
	creation->timer.fire = creation_waited;
	creation->next = creations->first;
	creations->first = creation;
	return creation;
}

/* The shift stops at 10, since waits has no bound of its own and the delay is cut off long
 * before. */
void
creation_pause(struct creation *creation, int waits, void (*after_wait)(struct creation *creation))
{
	int64_t delay_ms = (int64_t)SETTLE_DELAY_MS << (waits < 10 ? waits : 10);

	assert(waits >= 0 && creation->call == NULL);
	if (delay_ms > SETTLE_DELAY_MAX_MS)
		delay_ms = SETTLE_DELAY_MAX_MS;
	creation->after_wait = after_wait;
	tmf_loop_timer_arm(creations_loop(creation->in), &creation->timer,
	    creations_mono_ms(creation->in) + delay_ms);
}

/*
 * A timer of the next millisecond is not due in this turn, at the end of which the commit stands.
 * The store is committed at the end of a turn, once for all that was written in it, which is
 * what makes writing facts cheap. To wait for that is better than a commit here for each of many
 * creations.
 */
void
creation_after_commit(struct creation *creation, void (*after_wait)(struct creation *creation))
{
	assert(after_wait != NULL && creation->call == NULL);
	creation->after_wait = after_wait;
	tmf_loop_timer_arm(
	    creations_loop(creation->in), &creation->timer, creations_mono_ms(creation->in) + 1);
}

/* Waits for describes and interfaces to settle; false when that has been done for long enough. */
bool
creation_settle_wait(struct creation *creation, void (*after_wait)(struct creation *creation))
{
	assert(creation->waits <= SETTLE_WAITS_MAX);
	if (creation->waits == SETTLE_WAITS_MAX)
		return false;
	creation_pause(creation, creation->waits++, after_wait);
	return true;
}

/* `run` is set only where this run asked for the launch: a run that takes up the launch of an
 * earlier one did not make its instance. */
static int
creation_note_target(struct creation *creation, const char *target_id, struct tmf_err *err)
{
	struct target target = {
	    .made_wall_ms = creation_wall_ms(creation),
	    .id = (char *)target_id,
	    .interface_id = (char *)creation_interface(creation),
	    .instance_id = (char *)creation_instance(creation),
	    .subnet_id = creation->subnet_id,
	    .made = true,
	    .tagged = true,
	    .generation = creation_generation(creation),
	};
	int launched =
	    target_creations_launched(creation->in, target.subnet_id, target.generation, err);

	if (launched < 0)
		return -1;
	target.run = launched ? (char *)creation_account(creation)->owner : NULL;
	return targets_note(creation->in->targets, &target, err);
}

/* The target's fact is written before the launch's fact goes. Both are in one commit, but the order
 * matters where the second fails: then the launch is settled again, and finds the target. */
void
creation_succeed(struct creation *creation, const char *target_id)
{
	struct tmf_err err = {0};

	assert(target_id != NULL && creation->launch != NULL);
	if (creation_note_target(creation, target_id, &err) < 0 ||
	    creation_drop_launch(creation, &err) < 0) {
		creation_fail(creation, &err);
		tmf_err_fini(&err);
		return;
	}
	log_event(LOG_INFO, "target.created", LOG_STR("subnet", creation->subnet_id),
	    LOG_INT("generation", creation_generation(creation)), LOG_STR("target", target_id),
	    LOG_STR("instance", creation_instance(creation)));
	creation_done(creation, target_id, true);
}

/* Filters are by interface, and an interface has at most one target, so the first is the only
 * one. */
const char *
creation_first_target(const json_t *reply)
{
	return jsonx_get_string(json_array_get(jsonx_get_array(reply, "TrafficMirrorTargets"), 0),
	    "TrafficMirrorTargetId");
}
