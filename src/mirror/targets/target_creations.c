#include "mirror/targets/target_creations.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/targets/target_creation.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct target_creations {
	struct account *account;
	struct inventory *inventory;
	struct target_launches launches;
	struct creation **at; /* under way; a few, since one a subnet */
	size_t count;
	size_t room;
};

struct target_creations *
target_creations_new(struct account *account, struct inventory *inventory)
{
	struct target_creations *creations = mem_zalloc(1, sizeof(*creations));

	creations->account = account;
	creations->inventory = inventory;
	target_launches_init(&creations->launches, account);
	return creations;
}

void
target_creations_free(struct target_creations *creations)
{
	for (size_t i = 0; i < creations->count; i++)
		creation_free(creations->at[i]);
	free(creations->at);
	target_launches_fini(&creations->launches);
	free(creations);
}

/* The creation frees itself behind this. */
static void
creations_ended(void *arg, struct creation *creation)
{
	struct target_creations *creations = arg;
	size_t i = 0;

	while (i < creations->count && creations->at[i] != creation)
		i++;
	assert(i < creations->count);
	creations->count--;
	memmove(creations->at + i, creations->at + i + 1,
	    (creations->count - i) * sizeof(struct creation *));
}

/* One a subnet at most: two would launch two instances for the same sources. */
static struct creation *
creations_find(const struct target_creations *creations, const char *subnet_id)
{
	for (size_t i = 0; i < creations->count; i++)
		if (strcmp(creation_subnet(creations->at[i]), subnet_id) == 0)
			return creations->at[i];
	return NULL;
}

static struct creation *
creations_add(
    struct target_creations *creations, const char *subnet_id, const struct config_rule *rule)
{
	assert(creations_find(creations, subnet_id) == NULL);
	if (creations->count == creations->room) {
		creations->room = creations->room == 0 ? 8 : creations->room * 2;
		creations->at =
		    mem_resize(creations->at, creations->room, sizeof(struct creation *));
	}
	creations->at[creations->count++] = creation_new(&(struct creation_opts){
	    .account = creations->account,
	    .inventory = creations->inventory,
	    .launches = &creations->launches,
	    .rule = rule,
	    .subnet_id = subnet_id,
	    .on_end = creations_ended,
	    .arg = creations,
	});
	return creations->at[creations->count - 1];
}

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
	current = inventory_current(joining->creations->inventory, joining->subnet_id);
	if (current == NULL)
		return target_creations_join(joining->creations, &request);
	*ret_result = json_object();
	jsonx_put_string(*ret_result, "TargetId", current->id);
	json_object_set_new(*ret_result, "Created", json_false());
	return NULL;
}

static struct tmf_call *
creations_join_after_leftover(
    struct target_creations *creations, struct creation *leftover, const struct config_rule *rule)
{
	struct joining *joining = mem_zalloc(1, sizeof(*joining));

	assert(creation_rule(leftover) == NULL);
	joining->creations = creations;
	joining->rule = rule;
	joining->subnet_id = mem_strdup(creation_subnet(leftover));
	return tmf_call_sequence(creation_wait(leftover), joining_settled, joining, joining_free);
}

bool
target_creations_find(const struct target_creations *creations, const char *subnet_id)
{
	return creations_find(creations, subnet_id) != NULL;
}

/* A new creation for the subnet, which the caller starts; NULL where one is under way. Either way
 * *ret_call ends with it. The wait begins first, since what is started may end at once. */
static struct creation *
creations_begin(struct target_creations *creations, const char *subnet_id,
    const struct config_rule *rule, struct tmf_call **ret_call)
{
	struct creation *known = creations_find(creations, subnet_id);
	struct creation *creation =
	    known != NULL ? known : creations_add(creations, subnet_id, rule);

	*ret_call = creation_wait(creation);
	return known == NULL ? creation : NULL;
}

struct tmf_call *
target_creations_join(struct target_creations *creations, const struct target_request *request)
{
	const char *subnet_id = target_request_subnet(request);
	struct creation *creation = creations_find(creations, subnet_id);
	struct tmf_call *call;

	if (creation != NULL && creation_rule(creation) == NULL)
		return creations_join_after_leftover(creations, creation, request->rule);
	creation = creations_begin(creations, subnet_id, request->rule, &call);
	if (creation != NULL)
		creation_start(creation);
	return call;
}

int
target_creations_launched(
    struct target_creations *creations, const char *subnet_id, int generation, struct tmf_err *err)
{
	return target_launches_of_run(&creations->launches, subnet_id, generation, err);
}

struct tmf_call *
target_creations_wait(struct target_creations *creations)
{
	return creations->count > 0 ? creation_wait(creations->at[0]) : NULL;
}

bool
target_creations_asked(const struct target_creations *creations, const char *token)
{
	return json_object_get(creations->launches.asked, token) != NULL;
}

/* Another run of this process may have begun one meanwhile: it continues with the launch, or a
 * later settling does. */
struct tmf_call *
target_creations_settle(struct target_creations *creations, const char *token, json_t *launch)
{
	struct tmf_call *call;
	struct creation *creation =
	    creations_begin(creations, jsonx_get_string(launch, "SubnetId"), NULL, &call);

	if (creation != NULL)
		creation_start_with(creation, token, launch);
	return call;
}

/* A creation that is under way keeps its target: what is idle is taken back by a later run. */
struct tmf_call *
target_creations_take_back(
    struct target_creations *creations, const char *target_id, const json_t *fact)
{
	struct tmf_call *call;
	struct creation *creation =
	    creations_begin(creations, jsonx_get_string(fact, "SubnetId"), NULL, &call);

	if (creation != NULL)
		creation_start_end(creation, target_id, fact);
	return call;
}
