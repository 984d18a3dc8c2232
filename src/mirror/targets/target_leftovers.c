#include "mirror/targets/target_leftovers.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "mirror/targets/target_facts.h"

#include <stdlib.h>
#include <string.h>

struct target_leftovers {
	struct mirror_targets *targets;
	struct target_creations *creations;
	struct waiters waiters;
	struct tmf_call *call; /* under way; NULL while nobody waits */
	json_t *left;	       /* {token: launch} still to be settled */
};

static void leftovers_next(struct target_leftovers *leftovers);

struct target_leftovers *
target_leftovers_new(struct mirror_targets *targets, struct target_creations *creations)
{
	struct target_leftovers *leftovers = mem_zalloc(1, sizeof(*leftovers));

	leftovers->targets = targets;
	leftovers->creations = creations;
	return leftovers;
}

void
target_leftovers_free(struct target_leftovers *leftovers)
{
	tmf_call_cancel(leftovers->call);
	waiters_fini(&leftovers->waiters);
	json_decref(leftovers->left);
	free(leftovers);
}

static void
leftovers_end(struct target_leftovers *leftovers)
{
	json_t *result = json_object();

	json_decref(leftovers->left);
	leftovers->left = NULL;
	waiters_complete(&leftovers->waiters, result);
	json_decref(result);
}

static void
leftovers_await(struct target_leftovers *leftovers, struct tmf_call *call,
    void (*came)(void *arg, struct tmf_call *call))
{
	leftovers->call = call;
	tmf_call_on_done(call, came, leftovers);
}

/* Its process is gone, as far as the store knows: nobody holds its lease. */
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

static bool
leftovers_are_ours(
    const struct target_leftovers *leftovers, const char *token, const json_t *launch)
{
	const struct account *account = targets_account(leftovers->targets);
	const char *owner = jsonx_get_string(launch, "Owner");

	if (jsonx_get_string(launch, "SubnetId") == NULL || owner == NULL ||
	    strlen(token) >= CLIENT_TOKEN_BYTES)
		return false;
	return target_creations_asked(leftovers->creations, token) ||
	       strcmp(owner, account->owner) == 0 || leftovers_owner_is_gone(account, owner);
}

static json_t *
leftovers_read(const struct target_leftovers *leftovers, struct tmf_err *err)
{
	json_t *launches = target_fact_launches(targets_account(leftovers->targets), err);
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

static void
leftovers_log(const json_t *launch, const struct tmf_err *err)
{
	log_event(LOG_WARN, "target.launch_left",
	    LOG_STR("subnet", jsonx_get_string(launch, "SubnetId")),
	    LOG_STR("instance", jsonx_get_string(launch, "InstanceId")),
	    LOG_STR("error", err->name), LOG_STR("cause", tmf_err_text(err)));
}

static void
leftovers_settled(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;
	json_t *result = tmf_call_take_result(call);

	leftovers->call = NULL;
	json_decref(result); /* what could not be settled is logged already, and a later run's */
	leftovers_next(leftovers);
}

/* One after the other: there is hardly ever more than one. */
static void
leftovers_next(struct target_leftovers *leftovers)
{
	void *iter = json_object_iter(leftovers->left);
	char *token;
	json_t *launch;

	if (iter == NULL) {
		leftovers_end(leftovers);
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

static void
leftovers_targets_read(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;
	json_t *result = tmf_call_take_result(call);
	const char *token;
	json_t *launch;

	leftovers->call = NULL;
	if (result != NULL) {
		json_decref(result);
		leftovers_next(leftovers);
		return;
	}
	json_object_foreach (leftovers->left, token, launch)
		leftovers_log(launch, &call->err);
	leftovers_end(leftovers);
}

static void leftovers_begin(struct target_leftovers *leftovers);

static void
leftovers_creation_over(void *arg, struct tmf_call *call)
{
	struct target_leftovers *leftovers = arg;
	json_t *result = tmf_call_take_result(call);

	leftovers->call = NULL;
	json_decref(result);
	leftovers_begin(leftovers);
}

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
	if (leftovers->left == NULL)
		waiters_fail(&leftovers->waiters, &err);
	else if (json_object_size(leftovers->left) == 0)
		leftovers_end(leftovers);
	else
		leftovers_await(
		    leftovers, targets_load_lives(leftovers->targets), leftovers_targets_read);
	tmf_err_fini(&err);
}

struct tmf_call *
target_leftovers_settle(struct target_leftovers *leftovers)
{
	struct tmf_call *call =
	    waiters_add(&leftovers->waiters, targets_account(leftovers->targets)->loop);

	if (leftovers->call == NULL)
		leftovers_begin(leftovers);
	return call;
}
