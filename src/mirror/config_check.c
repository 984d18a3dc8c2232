#include "config_internal.h"
#include "tmflow/base/mem.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The keys of a rule: one row each. */

#define IN(kind) (1u << (kind))
#define IN_ALL	 (IN(RULE_TAGS) | IN(RULE_SUBNETS) | IN(RULE_VPCS))

enum key_form { FORM_TEXT, FORM_ID, FORM_IDS, FORM_TAGS, FORM_CHOICE, FORM_INT };

/* Keys that make a launched target; with targetId none may stand. */
enum key_role { ROLE_OTHER, ROLE_NEEDED, ROLE_LAUNCH, ROLE_LAUNCH_OPTIONAL };

struct rule_key {
	const char *name;
	unsigned in; /* lists */
	enum key_form form;
	enum key_role role;
	size_t offset;	    /* in struct config_rule */
	const char *prefix; /* of an id */
	struct config_range range;
	const char *const *choices;
	const char *zero_word; /* a word that stands for 0 */
};

static const char *const tag_match_choices[] = {
    [TAG_MATCH_ANY] = "any", [TAG_MATCH_ALL] = "all", NULL};
static const char *const interfaces_choices[] = {
    [RULE_INTERFACES_PRIMARY] = "primary", [RULE_INTERFACES_ALL] = "all", NULL};
_Static_assert(sizeof(enum tag_match) == sizeof(unsigned), "choices are stored as unsigned");
_Static_assert(sizeof(enum rule_interfaces) == sizeof(unsigned), "choices are stored as unsigned");

#define AT(member) .offset = offsetof(struct config_rule, member)

static const struct rule_key rule_keys[] = {
    {"name", IN_ALL, FORM_TEXT, ROLE_OTHER, AT(name)},
    {"vpcId", IN(RULE_VPCS), FORM_ID, ROLE_NEEDED, AT(vpc_id), .prefix = "vpc-"},
    {"subnetId", IN(RULE_SUBNETS), FORM_ID, ROLE_NEEDED, AT(subnet_id), .prefix = "subnet-"},
    {"tagList", IN(RULE_TAGS), FORM_TAGS, ROLE_NEEDED, AT(tags)},
    {"tagMatch", IN(RULE_TAGS), FORM_CHOICE, ROLE_OTHER, AT(tag_match),
	.choices = tag_match_choices},
    {"filterId", IN_ALL, FORM_ID, ROLE_NEEDED, AT(filter_id), .prefix = "tmf-"},
    {"targetId", IN_ALL, FORM_ID, ROLE_OTHER, AT(target_id), .prefix = "tmt-"},
    {"targetInstanceType", IN_ALL, FORM_TEXT, ROLE_LAUNCH, AT(target_instance_type)},
    {"targetInstanceAmi", IN_ALL, FORM_ID, ROLE_LAUNCH, AT(target_instance_ami), .prefix = "ami-"},
    {"targetSecurityGroupIds", IN_ALL, FORM_IDS, ROLE_LAUNCH, AT(target_security_group_ids),
	.prefix = "sg-"},
    {"targetSubnetId", IN_ALL, FORM_ID, ROLE_LAUNCH_OPTIONAL, AT(target_subnet_id),
	.prefix = "subnet-"},
    {"sessionNumber", IN_ALL, FORM_INT, ROLE_OTHER, AT(session_number),
	.range = {1, CONFIG_SESSION_NUMBER_MAX}, .zero_word = "auto"},
    {"virtualNetworkId", IN_ALL, FORM_INT, ROLE_OTHER, AT(virtual_network_id),
	.range = {0, CONFIG_VNI_MAX}},
    {"packetLength", IN_ALL, FORM_INT, ROLE_OTHER, AT(packet_length),
	.range = {1, CONFIG_PACKET_LENGTH_MAX}},
    {"interfaces", IN_ALL, FORM_CHOICE, ROLE_OTHER, AT(interfaces), .choices = interfaces_choices},
};
#define RULE_KEYS (sizeof(rule_keys) / sizeof(rule_keys[0]))

static void
read_key(struct config_reader *reader, const struct rule_key *key, const json_t *value,
    struct config_rule_slot *slot)
{
	struct config_rule *rule = &slot->rule;
	void *place = (char *)rule + key->offset;

	switch (key->form) {
	case FORM_TEXT:
		config_read_text(reader, key->name, value, place);
		break;
	case FORM_ID:
		config_read_id(reader, key->name, value, key->prefix, place);
		break;
	case FORM_IDS:
		config_read_ids(reader, key->name, value, key->prefix, place,
		    CONFIG_NEW_TARGET_GROUPS_MAX, &rule->target_security_group_count);
		break;
	case FORM_TAGS:
		config_read_tags(reader, key->name, value, &slot->tags, &rule->tag_count);
		rule->tags = slot->tags;
		break;
	case FORM_CHOICE:
		config_read_choice(reader, key->name, value, key->choices, place);
		break;
	case FORM_INT:
		if (key->zero_word != NULL && json_is_string(value) &&
		    strcmp(json_string_value(value), key->zero_word) == 0)
			*(int *)place = 0;
		else
			config_read_int(reader, key->name, value, key->range, place);
		break;
	}
}

static void
check_rule_keys(struct config_reader *reader, const json_t *rule, enum rule_kind kind)
{
	const char *known[RULE_KEYS + 1];
	size_t count = 0;

	for (size_t i = 0; i < RULE_KEYS; i++)
		if ((rule_keys[i].in & IN(kind)) != 0)
			known[count++] = rule_keys[i].name;
	known[count] = NULL;
	config_check_keys(reader, rule, known);
}

/* Either a target is given, or all that it takes to launch one; never both. */
static void
check_target(struct config_reader *reader, const json_t *rule)
{
	bool has_target = config_given(json_object_get(rule, "targetId"));
	size_t launch_keys = 0;

	for (size_t i = 0; i < RULE_KEYS; i++)
		launch_keys += rule_keys[i].role >= ROLE_LAUNCH &&
			       config_given(json_object_get(rule, rule_keys[i].name));
	if (!has_target && launch_keys == 0) {
		config_missing(reader, "targetId",
		    "the rule has no target: give targetId, or targetInstanceType, "
		    "targetInstanceAmi and targetSecurityGroupIds to have one created");
		return;
	}
	for (size_t i = 0; i < RULE_KEYS; i++) {
		const struct rule_key *key = &rule_keys[i];
		bool given = config_given(json_object_get(rule, key->name));
		size_t mark = config_enter(reader, key->name);

		if (has_target && given && key->role >= ROLE_LAUNCH)
			config_invalid(reader,
			    "%s and targetId exclude each other: a target is either given or "
			    "created",
			    key->name);
		config_leave(reader, mark);
		if (!has_target && !given && key->role == ROLE_LAUNCH)
			config_missing(reader, key->name,
			    "%s is missing: a target that is created needs it", key->name);
	}
}

void
config_read_rule(struct config_reader *reader, const json_t *object, enum rule_kind kind,
    struct config_rule_slot *slot)
{
	struct config_rule *rule = &slot->rule;

	if (!json_is_object(object)) {
		config_invalid(reader, "a rule must be a mapping");
		return;
	}
	check_rule_keys(reader, object, kind);
	rule->session_number = CONFIG_SESSION_NUMBER_DEFAULT;
	rule->virtual_network_id = -1;
	for (size_t i = 0; i < RULE_KEYS; i++) {
		const struct rule_key *key = &rule_keys[i];
		const json_t *value = json_object_get(object, key->name);
		size_t mark;

		if ((key->in & IN(kind)) == 0)
			continue;
		if (!config_given(value)) {
			if (key->role == ROLE_NEEDED)
				config_missing(reader, key->name, "%s is missing", key->name);
			continue;
		}
		mark = config_enter(reader, key->name);
		read_key(reader, key, value, slot);
		config_leave(reader, mark);
	}
	check_target(reader, object);
	if (rule->name != NULL && strlen(rule->name) > CONFIG_NAME_BYTES_MAX) {
		size_t mark = config_enter(reader, "name");

		config_invalid(reader, "a name has at most %d characters", CONFIG_NAME_BYTES_MAX);
		config_leave(reader, mark);
	}
	if (rule->name == NULL) {
		snprintf(slot->made_name, sizeof(slot->made_name), "%s[%zu]",
		    config_list_names[kind], rule->index);
		rule->name = slot->made_name;
	}
}
