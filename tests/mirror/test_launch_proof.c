#include "mirror/targets/launch_proof.h"
#include "run_suite.h"

#include "base/jsonx.h"

#include <stdio.h>
#include <string.h>

/* A launch is proved by its client token, and by nothing that can be put on an instance later. */

static json_t *
tag(const char *key, const char *value)
{
	return json_pack("{s:s, s:s}", "Key", key, "Value", value);
}

/* An instance as ec2_list_launches gives it, launched for the order. */
static json_t *
launched(const struct target_order *order)
{
	char token[CLIENT_TOKEN_BYTES], generation[16];
	json_t *groups = json_array();
	json_t *tags = json_array();
	json_t *id;
	size_t i;

	target_order_token(order, token);
	snprintf(generation, sizeof(generation), "%d", order->generation);
	json_array_foreach (order->group_ids, i, id)
		json_array_append_new(groups, json_pack("{s:O}", "GroupId", id));
	json_array_append_new(tags, tag(TAG_TOOL, TAG_TOOL_VALUE));
	json_array_append_new(tags, tag(TAG_TARGET_OF, order->subnet_id));
	json_array_append_new(tags, tag(TAG_GENERATION, generation));
	if (order->configuration != NULL)
		json_array_append_new(tags, tag(TAG_CONFIGURATION, order->configuration));
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:[{s:i, s:s, s:o}]}", "InstanceId", "i-1",
	    "ClientToken", token, "SubnetId", order->subnet_id, "ImageId", order->image_id,
	    "InstanceType", order->instance_type, "Tags", tags, "NetworkInterfaces", "DeviceIndex",
	    0, "NetworkInterfaceId", "eni-1", "Groups", groups);
}

static json_t *
groups_of(const char *const *ids)
{
	json_t *groups = json_array();

	for (; *ids != NULL; ids++)
		json_array_append_new(groups, json_string(*ids));
	return groups;
}

static struct target_order
order_of(json_t *groups, const char *configuration)
{
	return (struct target_order){
	    .subnet_id = "subnet-1",
	    .generation = 3,
	    .image_id = "ami-1",
	    .instance_type = "c5.large",
	    .group_ids = groups,
	    .configuration = configuration,
	};
}

START_TEST(test_what_was_launched)
{
	json_t *groups = groups_of((const char *const[]){"sg-1", "sg-2", NULL});
	const char *const names[] = {"blue", NULL}; /* NULL: by the release before they had names */
	const struct target_order order = order_of(groups, names[_i]);
	json_t *instance = launched(&order);

	ck_assert(launch_is_proved(instance));
	json_decref(instance);
	json_decref(groups);
}
END_TEST

/* AWS lists the groups in an order of its own. */
START_TEST(test_any_order_of_groups)
{
	json_t *asked =
	    groups_of((const char *const[]){"sg-3", "sg-1", "sg-5", "sg-2", "sg-4", NULL});
	const struct target_order order = order_of(asked, "blue");
	json_t *instance = launched(&order);
	json_t *listed = json_pack("[{s:s}, {s:s}, {s:s}, {s:s}, {s:s}]", "GroupId", "sg-1",
	    "GroupId", "sg-2", "GroupId", "sg-3", "GroupId", "sg-4", "GroupId", "sg-5");

	json_object_set_new(
	    json_array_get(json_object_get(instance, "NetworkInterfaces"), 0), "Groups", listed);
	ck_assert(launch_is_proved(instance));
	json_array_remove(listed, 2);
	ck_assert(!launch_is_proved(instance));
	json_decref(instance);
	json_decref(asked);
}
END_TEST

/* Whoever may call ec2:CreateTags has all of the tags, and not the token. */
START_TEST(test_what_only_bears_the_tags)
{
	static const struct {
		const char *member;
		const char *value; /* NULL: absent */
	} changes[] = {
	    {"ClientToken", NULL},
	    {"ClientToken", ""},
	    {"ClientToken", "somebody-elses"},
	    {"InstanceType", "c5.xlarge"},
	    {"ImageId", "ami-2"},
	    {"SubnetId", "subnet-2"},
	    {"SubnetId", NULL},
	};
	json_t *groups = groups_of((const char *const[]){"sg-1", NULL});
	const struct target_order order = order_of(groups, "blue");
	json_t *instance = launched(&order);

	if (changes[_i].value != NULL)
		json_object_set_new(instance, changes[_i].member, json_string(changes[_i].value));
	else
		json_object_del(instance, changes[_i].member);
	ck_assert(!launch_is_proved(instance));
	json_decref(instance);
	json_decref(groups);
}
END_TEST

/* Tags that were changed or taken off prove nothing either: such an instance is left alone. */
START_TEST(test_tags_that_were_changed)
{
	static const char *const keys[] = {TAG_TARGET_OF, TAG_GENERATION, TAG_CONFIGURATION};
	json_t *groups = groups_of((const char *const[]){"sg-1", NULL});
	const struct target_order order = order_of(groups, "blue");
	json_t *instance = launched(&order);
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(instance, "Tags"), i, item)
		if (strcmp(jsonx_get_string(item, "Key"), keys[_i]) == 0)
			json_object_set_new(item, "Value", json_string("4"));
	ck_assert(!launch_is_proved(instance));
	json_decref(instance);
	json_decref(groups);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("launch_proof");
	TCase *tcase = tcase_create("launch_proof");

	tcase_add_loop_test(tcase, test_what_was_launched, 0, 2);
	tcase_add_test(tcase, test_any_order_of_groups);
	tcase_add_loop_test(tcase, test_what_only_bears_the_tags, 0, 7);
	tcase_add_loop_test(tcase, test_tags_that_were_changed, 0, 3);
	suite_add_tcase(suite, tcase);
	return run_suite(suite) == 0 ? 0 : 1;
}
