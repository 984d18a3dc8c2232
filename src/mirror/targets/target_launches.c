#include "mirror/targets/target_launches.h"

#include "base/jsonx.h"
#include "mirror/targets/target_facts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

void
target_launches_init(struct target_launches *launches, struct account *account)
{
	*launches = (struct target_launches){.account = account, .asked = json_object()};
}

void
target_launches_fini(struct target_launches *launches)
{
	json_decref(launches->asked);
	json_decref(launches->places);
}

/* By place rather than by instance id: the place is noted before AWS is asked, so neither a crash
 * nor a lost reply hides that this run launched it. Read once: this process adds its own launches
 * to the set, and no other process launches in the name of this run while the lease is held. */
static json_t *
target_launches_places(struct target_launches *launches, struct tmf_err *err)
{
	if (launches->places == NULL)
		launches->places =
		    target_fact_places(launches->account, launches->account->owner, err);
	return launches->places;
}

int
target_launches_of_run(
    struct target_launches *launches, const char *subnet_id, int generation, struct tmf_err *err)
{
	const json_t *places = target_launches_places(launches, err);
	char place[TARGET_PLACE_BYTES];

	if (places == NULL)
		return -1;
	target_place(subnet_id, generation, place);
	return json_object_get(places, place) != NULL;
}

/* A copy of the rule's members, not the rule: a launch is continued with what it was asked with,
 * even when the configuration says something else by then. */
static json_t *
launch_new_fact(const struct target_request *request, int generation)
{
	const struct config_rule *rule = request->rule;
	json_t *fact = json_object();
	json_t *groups = json_array();

	for (size_t i = 0; i < rule->target_security_group_count; i++)
		json_array_append_new(groups, json_string(rule->target_security_group_ids[i]));
	jsonx_put_string(fact, "SubnetId", target_request_subnet(request));
	json_object_set_new(fact, "Generation", json_integer(generation));
	jsonx_put_string(fact, "ImageId", rule->target_instance_ami);
	jsonx_put_string(fact, "InstanceType", rule->target_instance_type);
	json_object_set_new(fact, "SecurityGroupIds", groups);
	jsonx_put_string(fact, "Configuration", rule->configuration);
	return fact;
}

int
target_launches_prepare(struct target_launches *launches, const struct target_request *request,
    int generation, struct launch *launch, struct tmf_err *err)
{
	json_t *facts = target_fact_launches(launches->account, err);
	struct target_order order;
	const char *token;
	json_t *fact;

	assert(generation > 0);
	json_decref(launch->fact);
	launch->fact = NULL;
	if (facts == NULL)
		return -1;
	json_object_foreach (facts, token, fact) {
		const char *subnet_id = jsonx_get_string(fact, "SubnetId");

		if (subnet_id == NULL || strcmp(subnet_id, target_request_subnet(request)) != 0 ||
		    json_integer_value(json_object_get(fact, "Generation")) != generation ||
		    json_is_true(json_object_get(fact, "Ending")) ||
		    strlen(token) >= sizeof(launch->token))
			continue;
		launch->fact = json_incref(fact);
		memcpy(launch->token, token, strlen(token) + 1);
		break;
	}
	json_decref(facts);
	launch->earlier = launch->fact != NULL;
	if (!launch->earlier) {
		launch->fact = launch_new_fact(request, generation);
		order = launch_order(launch);
		target_order_token(&order, launch->token);
	}
	return 0;
}

/* As an earlier process left it, with its token: asked with the same token, AWS gives the same
 * instance. */
void
target_launches_take_up(struct launch *launch, const char *token, json_t *fact)
{
	assert(launch->fact == NULL && strlen(token) < sizeof(launch->token));
	memcpy(launch->token, token, strlen(token) + 1);
	launch->fact = json_incref(fact);
	launch->earlier = true;
}

/* Under a key of its own that is not a client token: nothing is ever launched with it. */
void
target_launches_prepare_end(const struct target_launches *launches, const char *target_id,
    const json_t *fact, struct launch *launch)
{
	assert(launch->fact == NULL && strlen(target_id) + sizeof("end ") <= sizeof(launch->token));
	snprintf(launch->token, sizeof(launch->token), "end %s", target_id);
	launch->fact = json_object();
	jsonx_share_string(launch->fact, "SubnetId", fact, "SubnetId");
	jsonx_share_string(launch->fact, "InstanceId", fact, "InstanceId");
	jsonx_share_string(launch->fact, "NetworkInterfaceId", fact, "NetworkInterfaceId");
	json_object_set(launch->fact, "Generation", json_object_get(fact, "Generation"));
	jsonx_put_string(launch->fact, "Owner", launches->account->owner);
	launch->earlier = true;
}

int
target_launches_note(struct target_launches *launches, struct launch *launch, struct tmf_err *err)
{
	json_t *places = target_launches_places(launches, err);
	char place[TARGET_PLACE_BYTES];

	if (places == NULL)
		return -1;
	assert(launch->token[0] != '\0');
	target_place(jsonx_get_string(launch->fact, "SubnetId"), launch_generation(launch), place);
	json_object_set_new(places, place, json_true());
	json_object_set_new(launches->asked, launch->token, json_true());
	jsonx_put_string(launch->fact, "Owner", launches->account->owner);
	return target_launches_keep(launches, launch, err);
}

/* Each time the whole, so that the fact is never half of an old and half of a new state. */
int
target_launches_keep(
    const struct target_launches *launches, const struct launch *launch, struct tmf_err *err)
{
	return target_fact_put_launch(launches->account, launch->token, launch->fact, err);
}

int
target_launches_drop(
    const struct target_launches *launches, const struct launch *launch, struct tmf_err *err)
{
	return target_fact_drop_launch(launches->account, launch->token, err);
}

struct target_order
launch_order(const struct launch *launch)
{
	return (struct target_order){
	    .subnet_id = jsonx_get_string(launch->fact, "SubnetId"),
	    .generation = launch_generation(launch),
	    .image_id = jsonx_get_string(launch->fact, "ImageId"),
	    .instance_type = launch_instance_type(launch),
	    .group_ids = json_object_get(launch->fact, "SecurityGroupIds"),
	    .configuration = jsonx_get_string(launch->fact, "Configuration"),
	};
}

const char *
launch_instance_type(const struct launch *launch)
{
	return jsonx_get_string(launch->fact, "InstanceType");
}

const char *
launch_instance(const struct launch *launch)
{
	return jsonx_get_string(launch->fact, "InstanceId");
}

const char *
launch_interface(const struct launch *launch)
{
	return jsonx_get_string(launch->fact, "NetworkInterfaceId");
}

int
launch_generation(const struct launch *launch)
{
	return (int)json_integer_value(json_object_get(launch->fact, "Generation"));
}

int64_t
launch_wall_ms(const struct launch *launch)
{
	return json_integer_value(json_object_get(launch->fact, "WallMs"));
}

/* From here on a crash leaves an instance that is known by its id, and not only by the token that
 * it was asked for with. */
void
launch_name(
    struct launch *launch, const char *instance_id, const char *interface_id, int64_t wall_ms)
{
	assert(instance_id != NULL && interface_id != NULL);
	jsonx_put_string(launch->fact, "InstanceId", instance_id);
	jsonx_put_string(launch->fact, "NetworkInterfaceId", interface_id);
	json_object_set_new(launch->fact, "WallMs", json_integer(wall_ms));
}

/* AWS does not list the instance although it should by now: it is asked for again, by the same
 * token, which gives the same instance or says that it is gone. */
void
launch_unname(struct launch *launch)
{
	json_object_del(launch->fact, "InstanceId");
	json_object_del(launch->fact, "NetworkInterfaceId");
}

/* One way: a launch that ends is never continued. */
void
launch_end(struct launch *launch)
{
	assert(launch->fact != NULL && launch_instance(launch) != NULL);
	json_object_set_new(launch->fact, "Ending", json_true());
}

void
launch_end_target(struct launch *launch, const char *target_id, const char *instead_id)
{
	assert(instead_id == NULL || strcmp(target_id, instead_id) != 0);
	jsonx_put_string(launch->fact, "TargetId", target_id);
	jsonx_put_string(launch->fact, "InsteadId", instead_id);
}

bool
launch_is_ending(const struct launch *launch)
{
	return json_is_true(json_object_get(launch->fact, "Ending"));
}

const char *
launch_target(const struct launch *launch)
{
	return jsonx_get_string(launch->fact, "TargetId");
}

const char *
launch_instead(const struct launch *launch)
{
	return jsonx_get_string(launch->fact, "InsteadId");
}
