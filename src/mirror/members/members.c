#include "mirror/members/members.h"

#include "aws/arn.h"
#include "aws/pace/retry.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/members/question.h"
#include "mirror/targets/targets.h"
#include "mirror/waiters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Target groups, pages of them and batches of addresses of one lookup: AWS has at most 3,000 target
 * groups in a region by default. */
#define MEMBERS_QUESTIONS_MAX 10000

struct mirror_members {
	struct account *account;
	json_t *by_instance; /* {InstanceId: TargetId} */
	json_t *healthy;     /* {TargetId: bool}, see members_target_is_dead */
	bool loaded;
	int64_t loaded_mono_ms;

	/* The lookup under way: its results take the place of by_instance and healthy. */
	struct look look;
	struct waiters waiters;
	struct tmf_call *call; /* NULL: none is under way */
};

struct mirror_members *
members_new(struct account *account)
{
	struct mirror_members *members = mem_zalloc(1, sizeof(*members));

	members->account = account;
	members->by_instance = json_object();
	members->healthy = json_object();
	look_init(&members->look, account);
	return members;
}

void
members_free(struct mirror_members *members)
{
	if (members == NULL)
		return;
	tmf_call_cancel(members->call);
	waiters_fini(&members->waiters);
	look_fini(&members->look);
	json_decref(members->by_instance);
	json_decref(members->healthy);
	free(members);
}

const char *
members_target_of(const struct mirror_members *members, const char *instance_id)
{
	return jsonx_get_string(members->by_instance, instance_id);
}

bool
members_target_is_dead(const struct mirror_members *members, const char *target_id)
{
	return json_is_false(json_object_get(members->healthy, target_id));
}

/* --- the walk --- */

static void members_ask_next(struct mirror_members *members);

static int64_t
members_mono_ms(const struct mirror_members *members)
{
	struct tmf_clock *clock = tmf_loop_clock(members->account->loop);

	return clock->mono_ms(clock);
}

static void
members_settle(struct mirror_members *members)
{
	struct look *look = &members->look;
	json_t *result = json_object();

	assert(members->call == NULL && look->found != NULL);
	json_decref(members->by_instance);
	members->by_instance = json_incref(look->found);
	json_decref(members->healthy);
	members->healthy = json_incref(look->health);
	members->loaded = true;
	members->loaded_mono_ms = members_mono_ms(members);
	look_end(look);
	waiters_complete(&members->waiters, result);
	json_decref(result);
}

static void
members_fail(struct mirror_members *members, const struct tmf_err *err)
{
	assert(members->call == NULL);
	look_end(&members->look);
	waiters_fail(&members->waiters, err);
}

/* Passing errors fail the lookup, and the workflow's Retry asks again. All else would be the same
 * then: the run goes on without. That nobody answers counts as such for load balancers, since a
 * network may have an endpoint for EC2 alone, and an emulator no such service (501). */
static bool
members_go_on_without(const struct question *question, const struct tmf_err *err)
{
	if (question_is_of_elb(question) &&
	    (err->code == TMF_ERR_TRANSPORT || err->http_status == 501))
		return true;
	return err->code == TMF_ERR_SERVICE && retry_classify(err) == RETRY_NEVER;
}

static void
members_warn(
    struct mirror_members *members, const struct question *question, const struct tmf_err *err)
{
	const char *effect = "instances behind its load balancer may be mirrored, which is a loop";
	const char *operation = question_operation(question);

	if (look_warns(&members->look, operation))
		log_event(LOG_WARN, "members.unknown",
		    LOG_STR("target", look_balancer(&members->look, question)->target_id),
		    LOG_STR("needs", operation), LOG_ERR(err), LOG_STR("effect", effect));
}

static void
members_answered(void *arg, struct tmf_call *call)
{
	struct mirror_members *members = arg;
	const struct question *question = look_question(&members->look);
	json_t *reply = tmf_call_take_result(call);

	assert(members->call == call && question != NULL);
	members->call = NULL;
	if (reply == NULL && !members_go_on_without(question, &call->err)) {
		members_fail(members, &call->err);
		return;
	}
	if (reply == NULL) {
		members_warn(members, question, &call->err);
		question_leave(&members->look);
	} else {
		question_answer(&members->look, reply);
	}
	json_decref(reply);
	members->look.next++;
	members_ask_next(members);
}

static void
members_ask_next(struct mirror_members *members)
{
	struct tmf_err err = {0};

	if (look_question(&members->look) == NULL) {
		members_settle(members);
		return;
	}
	if (members->look.question_count > MEMBERS_QUESTIONS_MAX) {
		tmf_err_set(&err, TMF_ERR_LIMIT,
		    "load balancers of the configuration's targets: more than %d target groups",
		    MEMBERS_QUESTIONS_MAX);
		members_fail(members, &err);
		tmf_err_fini(&err);
		return;
	}
	members->call = question_ask(&members->look);
	tmf_call_on_done(members->call, members_answered, members);
}

/* --- which load balancers --- */

/* Fills in who asks about the target's load balancer: its owner, where that is another account. A
 * role of such an account is taken for what a rule names only. */
static void
members_fill_asker(struct mirror_members *members, const struct members_opts *opts,
    const struct target *target, struct balancer *balancer, bool by_rule)
{
	struct account *own = members->account;
	struct arn arn = {0};
	char *id = balancer->owner_id;

	if (arn_parse(target->destination, &arn, NULL) == 0 && arn.account.len < ACCOUNT_ID_BYTES)
		memcpy(id, arn.account.p, arn.account.len);
	else if (target->owner_id != NULL && strlen(target->owner_id) < ACCOUNT_ID_BYTES)
		memcpy(id, target->owner_id, strlen(target->owner_id));
	balancer->asker = own;
	if (id[0] != '\0' && own->id[0] != '\0' && strcmp(id, own->id) != 0)
		balancer->asker = by_rule ? opts->account_of(opts->arg, id) : NULL;
}

/* A target of a kind that has members, once. One that a rule names is looked up at once, others
 * only where there is a session to them: an account without such a session needs no permission
 * for it. */
static void
members_add_target(struct mirror_members *members, const struct members_opts *opts,
    const struct target *target, bool by_rule)
{
	struct look *look = &members->look;
	struct balancer *balancer;
	struct question *question;
	size_t of = look->balancer_count;

	assert(look->found != NULL && members->call == NULL);
	if (target == NULL || target->destination == NULL)
		return;
	balancer = look_add_balancer(look, target->id);
	if (balancer == NULL)
		return;
	members_fill_asker(members, opts, target, balancer, by_rule);
	if (balancer->asker != NULL && balancer->asker->elb == NULL)
		return;
	if (by_rule) {
		look_add_destination(look, of, target->destination);
	} else {
		question = look_add(look, QUESTION_USE, of, target->id);
		question->destination = mem_strdup(target->destination);
	}
}

/* The rules' first, so that their targets need no look at sessions. */
static void
members_add_targets(struct mirror_members *members, const struct members_opts *opts)
{
	const struct inventory *inventory = targets_inventory(members->account->targets);

	for (size_t i = 0; i < mirror_config_rule_count(opts->config); i++) {
		const char *target_id = mirror_config_rule(opts->config, i)->target_id;

		if (target_id != NULL)
			members_add_target(
			    members, opts, inventory_find(inventory, target_id), true);
	}
	for (size_t i = 0; i < inventory->count; i++)
		members_add_target(members, opts, inventory->at[i], false);
}

static bool
members_are_fresh(const struct mirror_members *members)
{
	int64_t fresh_ms = members->account->fresh_ms;

	if (!members->loaded || members->call != NULL)
		return false;
	return fresh_ms == 0 || members_mono_ms(members) - members->loaded_mono_ms <= fresh_ms;
}

struct tmf_call *
members_load(struct mirror_members *members, const struct members_opts *opts)
{
	struct tmf_loop *loop = members->account->loop;
	struct tmf_call *call;

	if (members_are_fresh(members))
		return tmf_call_of_result(loop, json_object());
	if (members->call != NULL)
		return waiters_add(&members->waiters, loop);
	look_begin(&members->look, mirror_config_name(opts->config));
	members_add_targets(members, opts);
	call = waiters_add(&members->waiters, loop);
	members_ask_next(members);
	return call;
}
