#include "mirror/destroy/destroy_known.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "mirror/session.h"
#include "mirror/targets/target_facts.h"

#include <assert.h>
#include <string.h>

/* A run that began earlier has made most of what it made long ago, and that is listed. */
#define RUN_AGE_MS (24LL * 60 * 60 * 1000)

/* --- sessions: from the ledgers of the last runs --- */

struct runs {
	struct account *account;
	json_t *sessions;
	int64_t now_wall_ms;
	struct tmf_err *err;
	int ret;
};

/* Only what the ledger has as created: an updated or present session is listed by AWS for long. */
static int
known_add_session(void *arg, const struct outcome *outcome)
{
	json_t *item;

	if (outcome->session_id == NULL)
		return 0;
	item = json_object();
	jsonx_put_string(item, "sessionId", outcome->session_id);
	jsonx_put_string(item, "networkInterfaceId", outcome->interface_id);
	jsonx_put_string(item, "targetId", outcome->target_id);
	assert(outcome->kind == OUTCOME_CREATED);
	json_object_set_new(arg, outcome->session_id, item);
	return 0;
}

/* Sessions of other regions are not to be asked for here. */
static bool
known_run_is_here(const struct runs *runs, const struct store_run *run)
{
	json_t *settings = run->settings != NULL ? jsonx_parse(str_of(run->settings), NULL) : NULL;
	const char *region = jsonx_get_string(settings, "region");
	bool is = region != NULL && strcmp(region, aws_client_region(runs->account->ec2)) == 0;

	json_decref(settings);
	return is;
}

/* A run that still goes on has no end: all that it made is taken. */
static int
known_add_run(void *arg, const struct store_run *run)
{
	struct runs *runs = arg;

	if (run->dry_run || !known_run_is_here(runs, run) ||
	    (run->stop_wall_ms != 0 &&
		runs->now_wall_ms - run->stop_wall_ms > TARGET_FACT_SETTLED_MS))
		return 0;
	runs->ret = store_outcomes_each(runs->account->store, run->id, OUTCOME_CREATED,
	    known_add_session, runs->sessions, runs->err);
	return runs->ret;
}

/* Parts are runs with ledgers of their own, and the listing of runs leaves them out. */
static int
known_add_run_and_parts(void *arg, const struct store_run *run)
{
	struct runs *runs = arg;
	const struct store_run_filter parts = {.status = -1, .parent = run->id};

	if (known_add_run(runs, run) < 0)
		return -1;
	runs->ret =
	    store_runs_each(runs->account->store, &parts, known_add_run, runs, runs->err) < 0
		? -1
		: runs->ret;
	return runs->ret;
}

/* What was made before the last destroy was seen by that, as far as it can be seen. The day of
 * RUN_AGE_MS is generous: only sessions of the last minutes can be missing in a describe. It bounds
 * the work on a store with the runs of years. */
static int
known_add_sessions(struct account *account, json_t *sessions, struct tmf_err *err)
{
	struct tmf_clock *clock = tmf_loop_clock(account->loop);
	struct runs runs = {.account = account,
	    .sessions = sessions,
	    .now_wall_ms = clock->wall_ms(clock),
	    .err = err};
	struct store_run_filter filter = {
	    .status = -1, .since_wall_ms = runs.now_wall_ms - RUN_AGE_MS};
	int64_t destroyed_wall_ms = 0;

	if (sessions_destroyed(account, &destroyed_wall_ms, err) < 0)
		return -1;
	if (filter.since_wall_ms <= destroyed_wall_ms)
		filter.since_wall_ms = destroyed_wall_ms + 1;
	if (store_runs_each(account->store, &filter, known_add_run_and_parts, &runs, err) < 0)
		return -1;
	return runs.ret;
}

/* --- targets and their instances: from the facts --- */

/* In the form of destroy.c's items, so that both are deleted alike. */
static json_t *
known_item(const char *id_name, const char *id, const json_t *fact)
{
	json_t *item = json_object();

	jsonx_put_string(item, id_name, id);
	jsonx_put_string(item, "networkInterfaceId", jsonx_get_string(fact, "NetworkInterfaceId"));
	jsonx_put_string(item, "subnetId", jsonx_get_string(fact, "SubnetId"));
	json_object_set(item, "generation", json_object_get(fact, "Generation"));
	return item;
}

/* Each fact may name two resources, the target and its instance: either may be listed without the
 * other. */
static int
known_add_targets(struct account *account, json_t *targets, json_t *instances, struct tmf_err *err)
{
	json_t *facts = target_facts_new(account, err);
	const char *id;
	json_t *fact;

	if (facts == NULL)
		return -1;
	json_object_foreach (facts, id, fact) {
		const char *instance_id = jsonx_get_string(fact, "InstanceId");

		json_object_set_new(targets, id, known_item("targetId", id, fact));
		if (instance_id != NULL)
			json_object_set_new(
			    instances, instance_id, known_item("instanceId", instance_id, fact));
	}
	json_decref(facts);
	return 0;
}

/* A launch that never became a target costs money even so. Without an instance's id, AWS has
 * not answered yet, and a later settling asks again with the same token. */
static int
known_add_launches(struct account *account, json_t *instances, struct tmf_err *err)
{
	json_t *launches = target_fact_launches(account, err);
	const char *token;
	json_t *launch;

	if (launches == NULL)
		return -1;
	json_object_foreach (launches, token, launch) {
		const char *id = jsonx_get_string(launch, "InstanceId");

		if (id != NULL)
			json_object_set_new(instances, id, known_item("instanceId", id, launch));
	}
	json_decref(launches);
	return 0;
}

json_t *
destroy_known(struct account *account, struct tmf_err *err)
{
	json_t *known = json_object();
	json_t *sessions = json_object();
	json_t *targets = json_object();
	json_t *instances = json_object();

	json_object_set_new(known, "sessions", sessions);
	json_object_set_new(known, "targets", targets);
	json_object_set_new(known, "instances", instances);
	if (known_add_sessions(account, sessions, err) == 0 &&
	    known_add_targets(account, targets, instances, err) == 0 &&
	    known_add_launches(account, instances, err) == 0)
		return known;
	json_decref(known);
	return NULL;
}
