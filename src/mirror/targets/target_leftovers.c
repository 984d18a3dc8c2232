#include "mirror/targets/target_leftovers.h"

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

/* An instance that is left runs, and costs, until the next run with this store, which may never
 * come. A call that fails where most do is not repeated by the client, whose quota is used up: so
 * all is tried again, after pauses that double to a minute: for five minutes. */
#define LEFTOVERS_ROUNDS_MAX   10
#define LEFTOVERS_AGAIN_MS     2000
#define LEFTOVERS_AGAIN_MAX_MS 60000

struct target_leftovers {
	struct account *account;
	struct target_creations *creations;
	struct target_lives *lives;
	const struct target_rooms *rooms;
	struct waiters waiters;
	struct tmf_call *call; /* under way; NULL while nobody waits */
	json_t *left;	       /* {token: launch} still to be settled */
	bool takes_back;       /* idle targets go afterwards */
	json_t *idle;	       /* {target: fact} of them */
	int rounds;	       /* of this settling, before the present one */
	bool again;	       /* something failed in this round that may pass */
	bool pausing;	       /* until the timer fires */
	struct tmf_timer timer;
};

static void leftovers_next(struct target_leftovers *leftovers);
static void leftovers_begin(struct target_leftovers *leftovers);

static void
leftovers_waited(struct tmf_timer *timer)
{
	struct target_leftovers *leftovers =
	    (struct target_leftovers *)((char *)timer - offsetof(struct target_leftovers, timer));

	leftovers->pausing = false;
	leftovers_begin(leftovers);
}

struct target_leftovers *
target_leftovers_new(struct account *account, struct target_creations *creations,
    struct target_rooms *rooms, struct target_lives *lives)
{
	struct target_leftovers *leftovers = mem_zalloc(1, sizeof(*leftovers));

	leftovers->account = account;
	leftovers->creations = creations;
	leftovers->rooms = rooms;
	leftovers->lives = lives;
	leftovers->timer.fire = leftovers_waited;
	return leftovers;
}

void
target_leftovers_free(struct target_leftovers *leftovers)
{
	tmf_call_cancel(leftovers->call);
	tmf_loop_timer_disarm(leftovers->account->loop, &leftovers->timer);
	waiters_fini(&leftovers->waiters);
	json_decref(leftovers->left);
	json_decref(leftovers->idle);
	free(leftovers);
}

/* Takes the end of a call: what failed in passing is tried again. Returns whether it succeeded. */
static bool
leftovers_take(struct target_leftovers *leftovers, struct tmf_call *call)
{
	json_t *result = tmf_call_take_result(call);
	bool succeeded = result != NULL;
	enum retry_class class = succeeded ? RETRY_NEVER : retry_classify(&call->err);

	leftovers->call = NULL;
	leftovers->again =
	    leftovers->again || class == RETRY_TRANSIENT || class == RETRY_THROTTLING;
	json_decref(result);
	return succeeded;
}

static void
leftovers_forget(struct target_leftovers *leftovers)
{
	json_decref(leftovers->left);
	json_decref(leftovers->idle);
	leftovers->left = leftovers->idle = NULL;
}

static void
leftovers_pause(struct target_leftovers *leftovers)
{
	struct tmf_loop *loop = leftovers->account->loop;
	struct tmf_clock *clock = tmf_loop_clock(loop);
	int64_t delay_ms = (int64_t)LEFTOVERS_AGAIN_MS << leftovers->rounds++;

	if (delay_ms > LEFTOVERS_AGAIN_MAX_MS)
		delay_ms = LEFTOVERS_AGAIN_MAX_MS;
	leftovers->again = false;
	leftovers->pausing = true;
	tmf_loop_timer_arm(loop, &leftovers->timer, clock->mono_ms(clock) + delay_ms);
}

/* Those that joined while the settling was under way end with it too: a launch of a later
 * date belongs to a creation that is still at it. */
static void
leftovers_end(struct target_leftovers *leftovers)
{
	json_t *result;

	leftovers_forget(leftovers);
	if (leftovers->again && leftovers->rounds < LEFTOVERS_ROUNDS_MAX - 1) {
		leftovers_pause(leftovers);
		return;
	}
	leftovers->again = leftovers->takes_back = false;
	leftovers->rounds = 0;
	result = json_object();
	waiters_complete(&leftovers->waiters, result);
	json_decref(result);
}

static void
leftovers_await(struct target_leftovers *leftovers, struct tmf_call *call,
    void (*came)(void *arg, struct tmf_call *call))
{
	assert(leftovers->call == NULL);
	leftovers->call = call;
	tmf_call_on_done(call, came, leftovers);
}

/* Its process is gone, as far as the store knows: nobody holds its lease. Taking the lease is the
 * only test that cannot be wrong: a process id may be used again, and an age says nothing of a
 * machine that slept. The lease goes back at once, since the run itself is not continued here. */
static bool
leftovers_owner_is_gone(const struct account *account, const char *owner)
{
	struct tmf_err err = {0};
	struct store_lease *lease = store_lease_take(account->store, owner, &err);
	bool abandoned = lease != NULL;

	store_lease_release(lease);
	tmf_err_fini(&err);
	return abandoned;
}

/* A launch of another living process is left alone, even if it looks stuck: that process may be
 * between RunInstances and CreateTrafficMirrorTarget at this very moment. What does not parse is
 * left alone too, because the store may have been written by a newer release. */
static bool
leftovers_are_ours(
    const struct target_leftovers *leftovers, const char *token, const json_t *launch)
{
	const struct account *account = leftovers->account;
	const char *owner = jsonx_get_string(launch, "Owner");

	if (jsonx_get_string(launch, "SubnetId") == NULL || owner == NULL ||
	    strlen(token) >= CLIENT_TOKEN_BYTES)
		return false;
	return target_creations_asked(leftovers->creations, token) ||
	       strcmp(owner, account->owner) == 0 || leftovers_owner_is_gone(account, owner);
}

/* The store is read again for each settling: a creation that ended meanwhile has taken its launch
 * out of it. */
static json_t *
leftovers_read(const struct target_leftovers *leftovers, struct tmf_err *err)
{
	json_t *launches = target_fact_launches(leftovers->account, err);
	json_t *left = json_object();
	const char *token;
	json_t *launch;

	if (launches == NULL) {
		json_decref(left);
		return NULL;
	}
	json_object_foreach (launches, token, launch)
		if (leftovers_are_ours(leftovers, token, launch))
			json_object_set(left, token, launch);
	json_decref(launches);
	return left;
}

/* A warning and no failure: the run itself did its work, and the store keeps the launch for the
 * next run. */
static void
leftovers_log(const json_t *launch, const struct tmf_err *err)
{
	log_event(LOG_WARN, "target.launch_left",
	    LOG_STR("subnet", jsonx_get_string(launch, "SubnetId")),
	    LOG_STR("instance", jsonx_get_string(launch, "InstanceId")), LOG_ERR(err));
}

static void
leftovers_settled(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;

	leftovers_take(leftovers, call); /* what could not be settled is logged already */
	leftovers_next(leftovers);
}

static void leftovers_begin_idle(struct target_leftovers *leftovers);

/* One after the other: there is hardly ever more than one. The launch comes off the list before it
 * is tried, so that one that cannot be settled is not tried for ever. */
static void
leftovers_next(struct target_leftovers *leftovers)
{
	void *iter = json_object_iter(leftovers->left);
	char *token;
	json_t *launch;

	assert(leftovers->left != NULL && leftovers->call == NULL);
	if (iter == NULL) {
		leftovers_begin_idle(leftovers);
		return;
	}
	token = mem_strdup(json_object_iter_key(iter));
	launch = json_incref(json_object_iter_value(iter));
	json_object_del(leftovers->left, token);
	leftovers_await(leftovers, target_creations_settle(leftovers->creations, token, launch),
	    leftovers_settled);
	json_decref(launch);
	free(token);
}

/* Without the inventory nobody can say whether the subnet has a target by now. Making one in spite
 * of that could leave two, so all of them wait for a later run. */
static void
leftovers_targets_read(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;
	const char *token;
	json_t *launch;

	if (leftovers_take(leftovers, call)) {
		leftovers_next(leftovers);
		return;
	}
	json_object_foreach (leftovers->left, token, launch)
		leftovers_log(launch, &call->err);
	leftovers_end(leftovers);
}

/* --- targets that nobody mirrors to --- */

static void leftovers_idle_next(struct target_leftovers *leftovers);

/* Of this run, or of one that is gone and will not take it back itself. */
static json_t *
leftovers_read_idle(const struct target_leftovers *leftovers, struct tmf_err *err)
{
	const struct account *account = leftovers->account;
	json_t *idle = target_facts_idle(leftovers->account, err);
	const char *target_id;
	json_t *fact;
	void *next;

	json_object_foreach_safe (idle, next, target_id, fact) {
		const char *of = jsonx_get_string(fact, "IdleOf");

		if (strcmp(of, account->owner) != 0 && !leftovers_owner_is_gone(account, of))
			json_object_del(idle, target_id);
	}
	return idle;
}

static void
leftovers_idle_over(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;

	leftovers_take(leftovers, call);
	leftovers_idle_next(leftovers);
}

/* A source that has a place there and no session yet is about to use it: another run of this
 * process began meanwhile, and takes it back in its turn. */
static void
leftovers_idle_next(struct target_leftovers *leftovers)
{
	const char *target_id;
	json_t *fact;
	void *next;

	assert(leftovers->idle != NULL && leftovers->call == NULL);
	json_object_foreach_safe (leftovers->idle, next, target_id, fact) {
		if (!target_rooms_is_awaited(leftovers->rooms, target_id))
			leftovers_await(leftovers,
			    target_creations_take_back(leftovers->creations, target_id, fact),
			    leftovers_idle_over);
		json_object_del(leftovers->idle, target_id);
		if (leftovers->call != NULL)
			return;
	}
	leftovers_end(leftovers);
}

static void
leftovers_idle_targets_read(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;

	if (!leftovers_take(leftovers, call))
		json_object_clear(leftovers->idle); /* the store still knows of them */
	leftovers_idle_next(leftovers);
}

/* After the launches: one of them may have become a target that is as idle. */
static void
leftovers_begin_idle(struct target_leftovers *leftovers)
{
	struct tmf_err err = {0};

	assert(leftovers->idle == NULL);
	if (!leftovers->takes_back) {
		leftovers_end(leftovers);
		return;
	}
	leftovers->idle = leftovers_read_idle(leftovers, &err);
	if (leftovers->idle == NULL) {
		leftovers_forget(leftovers);
		leftovers->takes_back = false;
		leftovers->rounds = 0;
		waiters_fail(&leftovers->waiters, &err);
	} else if (json_object_size(leftovers->idle) == 0) {
		leftovers_end(leftovers);
	} else {
		leftovers_await(
		    leftovers, target_lives_load(leftovers->lives), leftovers_idle_targets_read);
	}
	tmf_err_fini(&err);
}

/* --- */

/* How it ended does not matter here: a failed creation leaves its launch in the store, where it is
 * read next. */
static void
leftovers_creation_over(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;
	json_t *result = tmf_call_take_result(call);

	leftovers->call = NULL;
	json_decref(result);
	leftovers_begin(leftovers);
}

/* Creations under way come first, one after the other: each holds a launch that would otherwise
 * look like a leftover. */
static void
leftovers_begin(struct target_leftovers *leftovers)
{
	struct tmf_call *creation = target_creations_wait(leftovers->creations);
	struct tmf_err err = {0};

	if (creation != NULL) {
		leftovers_await(leftovers, creation, leftovers_creation_over);
		return;
	}
	leftovers->left = leftovers_read(leftovers, &err);
	if (leftovers->left == NULL) {
		leftovers->rounds = 0;
		waiters_fail(&leftovers->waiters, &err);
	} else if (json_object_size(leftovers->left) == 0) {
		leftovers_begin_idle(leftovers);
	} else {
		leftovers_await(
		    leftovers, target_lives_load(leftovers->lives), leftovers_targets_read);
	}
	tmf_err_fini(&err);
}

struct tmf_call *
target_leftovers_settle(struct target_leftovers *leftovers, bool takes_back)
{
	struct tmf_call *call = waiters_add(&leftovers->waiters, leftovers->account->loop);

	leftovers->takes_back = leftovers->takes_back || takes_back;
	if (leftovers->call == NULL && !leftovers->pausing)
		leftovers_begin(leftovers);
	return call;
}
