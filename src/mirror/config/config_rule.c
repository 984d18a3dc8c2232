#include "base/mem.h"
#include "mirror/config/config_keys.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Writes where the key's table says: key->offset within the rule. A switch over forms, since the
 * readers differ in what they need of the key. The forms at the end stand only in other tables;
 * naming them lets the compiler report a new form that was forgotten here. */
static void
config_rule_read_key(struct config_reader *reader, const struct config_key *key,
    const json_t *value, struct config_rule_slot *slot)
{
	struct config_rule *rule = &slot->rule;
	void *place = (char *)rule + key->offset;

	assert(key->offset < sizeof(*rule));
	switch (key->form) {
	case FORM_TEXT:
		config_read_text(reader, key->name, value, place);
		break;
	case FORM_NAME:
		config_read_name(reader, value, place);
		break;
	case FORM_ID:
		config_read_id(reader, key->name, value, key->prefix, place);
		break;
	/* The reader of lists counts as it goes, and this is the one list of ids that a rule
	 * has. */
	case FORM_IDS:
		config_read_ids(reader, key->name, value, key->prefix, place, key->count_max,
		    &rule->target_security_group_count);
		break;
	case FORM_TAGS:
		config_read_tags(reader, key->name, value, &slot->tags, &rule->tag_count);
		rule->tags = slot->tags;
		break;
	case FORM_CHOICE:
		config_read_choice(reader, key->name, value, key->choices, place);
		break;
	case FORM_INT:
		/* "auto" is 0 within, a number that the range does not allow to be written. */
		if (key->zero_word != NULL && json_is_string(value) &&
		    strcmp(json_string_value(value), key->zero_word) == 0)
			*(int *)place = 0;
		else
			config_read_int(reader, key->name, value, key->range, place);
		break;
	case FORM_TEXTS:
	case FORM_ARN:
	case FORM_ACCOUNTS:
	case FORM_NUMBER:
	case FORM_BOOLEAN:
	case FORM_RULES:
	case FORM_SECTION:
		assert(!"no key of a rule has this form");
	}
}

static bool
config_rule_has_target(const json_t *rule)
{
	return config_given(json_object_get(rule, "targetId"));
}

/* One warning for all of them, at the first. */
static void
config_rule_warn_ignored(struct config_reader *reader, const json_t *rule)
{
	size_t mark = reader->pointer.len;
	struct buf names = {0};

	for (const struct config_key *key = config_rule_keys; key->name != NULL; key++) {
		if (key->role < ROLE_LAUNCH || !config_given(json_object_get(rule, key->name)))
			continue;
		if (names.len == 0)
			config_enter(reader, key->name);
		buf_printf(&names, "%s%s", names.len > 0 ? ", " : "", key->name);
	}
	if (names.len > 0)
		config_warn(reader, CONFIG_IGNORED,
		    "keys are ignored, because the rule has a targetId: %s", buf_cstr(&names));
	config_leave(reader, mark);
	buf_fini(&names);
}

/* Either a target is given, or all that it takes to launch one. With both the given one counts, as
 * in the seed application, whose template has every key. Every missing key of a launch is reported,
 * not only the first, at the place where it belongs. */
static void
config_rule_check_target(struct config_reader *reader, const json_t *rule)
{
	size_t launch_keys = 0;

	if (config_rule_has_target(rule)) {
		config_rule_warn_ignored(reader, rule);
		return;
	}
	for (const struct config_key *key = config_rule_keys; key->name != NULL; key++)
		launch_keys +=
		    key->role >= ROLE_LAUNCH && config_given(json_object_get(rule, key->name));
	if (launch_keys == 0) {
		config_missing(reader, "targetId",
		    "the rule has no target: give targetId, or targetInstanceType, "
		    "targetInstanceAmi and targetSecurityGroupIds to have one created");
		return;
	}
	for (const struct config_key *key = config_rule_keys; key->name != NULL; key++)
		if (key->role == ROLE_LAUNCH && !config_given(json_object_get(rule, key->name)))
			config_missing(reader, key->name,
			    "%s is missing: a target that is created needs it", key->name);
}

/* The defaults come first, and a key that counts as missing leaves them. A rule that has faults is
 * read to its end: its name is needed by the checks of the whole file. */
void
config_read_rule(struct config_reader *reader, const json_t *object, enum rule_kind kind,
    struct config_rule_slot *slot)
{
	struct config_rule *rule = &slot->rule;

	if (!json_is_object(object)) {
		config_invalid(reader, "a rule must be a mapping");
		return;
	}
	config_check_table(reader, object, config_rule_keys, IN(kind));
	rule->virtual_network_id = -1;
	for (const struct config_key *key = config_rule_keys; key->name != NULL; key++) {
		const json_t *value = json_object_get(object, key->name);
		size_t mark;

		if ((key->in & IN(kind)) == 0)
			continue;
		if (key->role >= ROLE_LAUNCH && config_rule_has_target(object))
			continue;
		if (!config_given(value)) {
			if (key->role == ROLE_NEEDED)
				config_missing(reader, key->name, "%s is missing", key->name);
			continue;
		}
		mark = config_enter(reader, key->name);
		config_rule_read_key(reader, key, value, slot);
		config_leave(reader, mark);
	}
	config_rule_check_target(reader, object);
	/* Made up last: a name that was given but is not a string is NULL here as well. */
	if (rule->name == NULL) {
		snprintf(slot->made_name, sizeof(slot->made_name), "%s[%zu]",
		    config_list_names[kind], rule->index);
		rule->name = slot->made_name;
	}
}
