#include "aws/arn.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/config_keys.h"
#include "mirror/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const config_list_names[CONFIG_KINDS + 1] = {
    [RULE_TAGS] = "tags", [RULE_SUBNETS] = "subnets", [RULE_VPCS] = "vpcs", NULL};

/* A value of the wrong kind is a fault and then an empty list, so that the other lists' faults are
 * found in the same run. */
static void
config_read_list(struct config_reader *reader, struct mirror_config *config, enum rule_kind kind)
{
	const json_t *list = json_object_get(config->root, config_list_names[kind]);
	size_t mark = config_enter(reader, config_list_names[kind]);

	if (config_given(list) && !json_is_array(list))
		config_invalid(reader, "%s must be a list of rules", config_list_names[kind]);
	for (size_t i = 0; i < json_array_size(list) && config->count < CONFIG_RULES_MAX; i++) {
		struct config_rule_slot *slot = &config->slots[config->count++];
		size_t list_mark = config_enter_index(reader, i);

		slot->rule.kind = kind;
		slot->rule.index = i;
		config_read_rule(reader, json_array_get(list, i), kind, slot);
		config_leave(reader, list_mark);
	}
	config_leave(reader, mark);
}

/* Before anything is read: the slots are one array that never moves, since rules are handed out by
 * pointer. */
static size_t
config_count_rules(const json_t *root)
{
	size_t count = 0;

	for (size_t kind = 0; kind < CONFIG_KINDS; kind++)
		count += json_array_size(json_object_get(root, config_list_names[kind]));
	return count;
}

/* Rules over the limit are not read, so that a hostile file costs no more memory than the largest
 * honest one. EC2 knows some 5 VPCs and 200 subnets each in a region by default. */
static void
config_read_rules(struct config_reader *reader, struct mirror_config *config)
{
	size_t count = config_count_rules(config->root);

	if (count > CONFIG_RULES_MAX)
		config_invalid(
		    reader, "there are %zu rules, but %u are the most", count, CONFIG_RULES_MAX);
	assert(config->slots == NULL);
	config->slots =
	    mem_zalloc(count < CONFIG_RULES_MAX ? count : CONFIG_RULES_MAX, sizeof(*config->slots));
	for (size_t kind = 0; kind < CONFIG_KINDS; kind++)
		config_read_list(reader, config, (enum rule_kind)kind);
	if (count == 0)
		config_invalid(
		    reader, "at least one rule is required, under vpcs, subnets or tags");
}

/* Names end up in outcomes and in tasks' inputs: each must mean one rule. Given names and made ones
 * are compared alike: a rule named "tags[0]" by hand collides with the first rule of tags where
 * that has no name. */
static void
config_check_names(struct config_reader *reader, const struct mirror_config *config)
{
	json_t *seen = json_object();

	for (size_t i = 0; i < config->count; i++) {
		const struct config_rule *rule = &config->slots[i].rule;
		size_t mark = reader->pointer.len;

		if (rule->name != NULL && json_object_get(seen, rule->name) != NULL) {
			config_enter(reader, config_list_names[rule->kind]);
			config_enter_index(reader, rule->index);
			config_enter(reader, "name");
			config_invalid(
			    reader, "the name \"%s\" is taken by another rule", rule->name);
			config_leave(reader, mark);
		}
		if (rule->name != NULL)
			json_object_set_new(seen, rule->name, json_true());
	}
	json_decref(seen);
}

/* What a second rule of the kind could repeat. Tags are not unique: two rules may share one. */
static const char *
config_place(const struct config_rule *rule)
{
	return rule->kind == RULE_VPCS ? rule->vpc_id : rule->subnet_id;
}

/* What a second rule of the kind has to differ in, to take anything. With matching: all it has a
 * session of its own where filter or target differ. malloc'ed; NULL: nothing. */
static char *
config_place_key(const struct config_rule *rule)
{
	const char *place = config_place(rule);

	if (place == NULL || rule->matching == MATCHING_FIRST)
		return mem_strdup(place);
	return mem_printf("%s %s %s %s", place, rule->filter_id != NULL ? rule->filter_id : "",
	    rule->target_id != NULL ? rule->target_id : "",
	    rule->target_subnet_id != NULL ? rule->target_subnet_id : "");
}

/* A second rule for the same VPC or subnet is never reached, unless a hook says otherwise. */
static void
config_check_places(struct config_reader *reader, const struct mirror_config *config)
{
	json_t *seen = json_object(); /* key: name of the rule that comes first */

	for (size_t i = 0; i < config->count; i++) {
		const struct config_rule *rule = &config->slots[i].rule;
		char *key = config_place_key(rule);
		const char *first = key != NULL ? jsonx_get_string(seen, key) : NULL;
		size_t mark = config_enter(reader, config_list_names[rule->kind]);

		config_enter_index(reader, rule->index);
		if (first != NULL)
			config_warn(reader, CONFIG_UNREACHED,
			    rule->matching == MATCHING_FIRST
				? "%s is taken by the rule %s, which is tried before"
				: "%s is mirrored by the rule %s, which is tried before, with the "
				  "same filter to the same target",
			    config_place(rule), first);
		else if (key != NULL)
			jsonx_put_string(seen, key, rule->name);
		config_leave(reader, mark);
		free(key);
	}
	json_decref(seen);
}

/* The object under key, its keys checked; NULL when it is not given or no mapping. */
static json_t *
config_read_section(struct config_reader *reader, const struct mirror_config *config,
    const char *key, const struct config_key *keys)
{
	json_t *section = json_object_get(config->root, key);

	if (!config_given(section))
		return NULL;
	if (json_is_object(section)) {
		config_check_table(reader, section, keys, 0);
		return section;
	}
	config_invalid(reader, "%s must be a mapping", key);
	return NULL;
}

/* The seed's template has every key with a placeholder: what is not given must not be taken for a
 * value. */
static json_t *
config_member(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return config_given(value) ? value : NULL;
}

/* The values stay in the document, since exclusion looks each instance up by them; only their form
 * is checked here. */
static void
config_read_exclude(struct config_reader *reader, struct mirror_config *config)
{
	size_t mark = config_enter(reader, "exclude");
	json_t *exclude = config_read_section(reader, config, "exclude", config_exclude_keys);
	struct config_tag *tags = NULL;
	const char **ids = NULL;
	size_t count;
	size_t inner;

	config->exclude_tags = config_member(exclude, "tags");
	inner = config_enter(reader, "tags");
	if (config->exclude_tags != NULL)
		config_read_tags(reader, "tags", config->exclude_tags, &tags, &count);
	config_leave(reader, inner);
	config->exclude_ids = config_member(exclude, "instanceIds");
	inner = config_enter(reader, "instanceIds");
	if (config->exclude_ids != NULL) {
		ids = mem_zalloc(json_array_size(config->exclude_ids), sizeof(*ids));
		config_read_ids(reader, "instanceIds", config->exclude_ids, "i-", ids,
		    CONFIG_RULES_MAX, &count);
	}
	config_leave(reader, inner);
	config_leave(reader, mark);
	free(tags);
	free(ids);
}

/* GuardDuty gives severities with a fraction, such as 8.5. */
static bool
config_is_severity(const json_t *value)
{
	return json_is_number(value) && json_number_value(value) >= 0 &&
	       json_number_value(value) <= CONFIG_SEVERITY_MAX;
}

static bool
config_is_text_list(const json_t *value)
{
	json_t *text;
	size_t i;

	json_array_foreach (value, i, text)
		if (!json_is_string(text))
			return false;
	return json_is_array(value);
}

/* Only the beginning: the account may be a placeholder, and accounts_reach checks the rest when it
 * is filled in. */
static bool
config_is_arn(const json_t *value)
{
	return json_is_string(value) && strncmp(json_string_value(value), "arn:", 4) == 0;
}

/* What counts as missing is left out, as in every list. */
static bool
config_is_account_list(const json_t *value)
{
	char id[ARN_ACCOUNT_DIGITS + 1];
	json_t *account;
	size_t i;

	json_array_foreach (value, i, account)
		if (config_given(account) && !arn_account_of(account, id))
			return false;
	return json_is_array(value);
}

/* By form: only those that the keys of these sections have. */
static const struct {
	bool (*is_good)(const json_t *value);
	const char *words;
} config_forms[] = {
    [FORM_NUMBER] = {config_is_severity, "a number from 0 to 10"},
    [FORM_TEXTS] = {config_is_text_list, "a list of strings"},
    [FORM_ARN] = {config_is_arn, "an ARN: \"arn:...\""},
    [FORM_ACCOUNTS] = {config_is_account_list, "a list of account ids of twelve digits"},
};

/* Checks the values of a section whose keys all have one of `forms`. NULL when it is not given.
 * Table and form make one function of what would be a function for each key. */
static json_t *
config_read_values(struct config_reader *reader, const struct mirror_config *config,
    const char *name, const struct config_key *keys)
{
	size_t mark = config_enter(reader, name);
	json_t *section = config_read_section(reader, config, name, keys);

	for (; keys->name != NULL; keys++) {
		const json_t *value = json_object_get(section, keys->name);
		size_t inner = config_enter(reader, keys->name);

		assert(config_forms[keys->form].is_good != NULL);
		if (config_given(value) && !config_forms[keys->form].is_good(value))
			config_invalid(
			    reader, "%s must be %s", keys->name, config_forms[keys->form].words);
		config_leave(reader, inner);
	}
	config_leave(reader, mark);
	return section;
}

/* Without minSeverity every finding counts: 0 is below GuardDuty's scale, which begins at 1. A
 * list of accounts that is empty lets none in, since a list that is meant to keep others out must
 * not open the door by what it lacks. */
static void
config_read_guardduty(struct config_reader *reader, struct mirror_config *config)
{
	const json_t *section =
	    config_read_values(reader, config, "guardduty", config_guardduty_keys);
	const json_t *accounts = json_object_get(section, "accounts");

	config->guardduty = (struct config_guardduty){
	    .min_severity = json_number_value(config_member(section, "minSeverity")),
	    .types = config_member(section, "types"),
	    .role_arn = json_string_value(config_member(section, "roleArn")),
	    .accounts = json_is_array(accounts) ? accounts : NULL,
	};
}

static void
config_read_types(struct config_reader *reader, struct mirror_config *config)
{
	const json_t *section =
	    config_read_values(reader, config, "instanceTypes", config_types_keys);

	config->unmirrorable = config_member(section, "unmirrorable");
	config->mirrorable = config_member(section, "mirrorable");
}

static bool
config_is_state(const json_t *value)
{
	for (const char *const *state = config_state_choices; *state != NULL; state++)
		if (json_is_string(value) && strcmp(json_string_value(value), *state) == 0)
			return true;
	return false;
}

/* An empty list is refused: it would mirror nothing, and call every session unwanted. */
static void
config_read_states(struct config_reader *reader, struct mirror_config *config)
{
	json_t *states = json_object_get(config->root, "instanceStates");
	size_t mark = config_enter(reader, "instanceStates");
	bool good = json_array_size(states) > 0;
	json_t *state;
	size_t i;

	json_array_foreach (states, i, state)
		good = good && config_is_state(state);
	if (good)
		config->states = states;
	else if (config_given(states) || json_is_array(states))
		config_invalid(reader, "instanceStates must be a list of pending, running, "
				       "stopping and stopped, or some of them");
	config_leave(reader, mark);
}

/* Only the path is read. Whether the file loads is for the run to say, since it depends on the
 * folder that the run starts in. */
static void
config_read_hook(struct config_reader *reader, struct mirror_config *config)
{
	const json_t *hook = json_object_get(config->root, "hook");
	size_t mark = config_enter(reader, "hook");

	if (config_given(hook))
		config_read_text(reader, "hook", hook, &config->hook);
	config_leave(reader, mark);
}

/* Without a name of its own the file's stands for it, less the last ending: prod.eu.yaml and
 * prod.us.yaml are two configurations. */
static char *
config_name_of_file(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	const char *dot = strrchr(base, '.');

	if (base[0] == '\0' || strcmp(base, "-") == 0)
		return mem_strdup("stdin");
	return dot == NULL || dot == base ? mem_strdup(base)
					  : mem_strndup(base, (size_t)(dot - base));
}

static void
config_read_matching(struct config_reader *reader, struct mirror_config *config)
{
	const json_t *value = json_object_get(config->root, "matching");
	size_t mark = config_enter(reader, "matching");
	unsigned choice = MATCHING_FIRST;

	if (config_given(value))
		config_read_choice(reader, "matching", value, config_matching_choices, &choice);
	config->matching = (enum rule_matching)choice;
	for (size_t i = 0; i < config->count; i++)
		config->slots[i].rule.matching = config->matching;
	config_leave(reader, mark);
}

/* Each rule bears it, since whatever is made is made for a rule. */
static void
config_read_own_name(struct config_reader *reader, struct mirror_config *config, const char *path)
{
	const json_t *value = json_object_get(config->root, "name");
	size_t mark = config_enter(reader, "name");
	const char *name = NULL;

	if (config_given(value))
		config_read_name(reader, value, &name);
	config_leave(reader, mark);
	config->name = name != NULL ? mem_strdup(name) : config_name_of_file(path);
	for (size_t i = 0; i < config->count; i++)
		config->slots[i].rule.configuration = config->name;
}

/* An account that is mistyped would be reported as foreign, and one that is left out as well. */
static void
config_read_trusted(struct config_reader *reader, struct mirror_config *config)
{
	const json_t *trusted = json_object_get(config->root, "trustedAccounts");
	size_t mark = config_enter(reader, "trustedAccounts");

	if (config_given(trusted) && !config_forms[FORM_ACCOUNTS].is_good(trusted))
		config_invalid(
		    reader, "trustedAccounts must be %s", config_forms[FORM_ACCOUNTS].words);
	config->trusted = json_is_array(trusted) ? trusted : NULL;
	config_leave(reader, mark);
}

/* False where absent. */
static bool
config_read_switch(
    struct config_reader *reader, const struct mirror_config *config, const char *key)
{
	const json_t *value = json_object_get(config->root, key);
	size_t mark = config_enter(reader, key);

	if (config_given(value) && !json_is_boolean(value))
		config_invalid(reader, "%s must be true or false", key);
	config_leave(reader, mark);
	return json_is_true(value);
}

/* All checks run, whatever the ones before found: a file with five faults is mended in one round. A
 * mapping is asked for first because every check looks up keys. An empty file passes as an empty
 * mapping, and fails for having no rule, which is the more useful message. */
struct mirror_config *
mirror_config_load(const struct doc *doc, struct diag_list *diags)
{
	struct config_reader reader = {.diags = diags};
	struct mirror_config *config = mem_zalloc(1, sizeof(*config));
	json_t *root = doc_root(doc);

	if (json_is_object(root) || !config_given(root)) {
		config->root = json_is_object(root) ? json_incref(root) : json_object();
		config_check_table(&reader, config->root, config_root_keys, 0);
		config_read_rules(&reader, config);
		config_read_own_name(&reader, config, doc_name(doc));
		config_read_matching(&reader, config);
		config_check_names(&reader, config);
		config_check_places(&reader, config);
		config_read_exclude(&reader, config);
		config_check_reach(&reader, config);
		config_read_guardduty(&reader, config);
		config_read_types(&reader, config);
		config_read_states(&reader, config);
		config_read_hook(&reader, config);
		config->prune = config_read_switch(&reader, config, "prune");
		config->trusts_tags = config_read_switch(&reader, config, "trustTags");
		config_read_trusted(&reader, config);
	} else {
		config_invalid(
		    &reader, "a configuration must be a mapping with vpcs, subnets or tags");
	}
	buf_fini(&reader.pointer);
	if (diags->errors == 0)
		return config;
	mirror_config_free(config);
	return NULL;
}

void
mirror_config_free(struct mirror_config *config)
{
	if (config == NULL)
		return;
	for (size_t i = 0; i < config->count; i++)
		free(config->slots[i].tags);
	free(config->slots);
	free(config->name);
	json_decref(config->root);
	free(config);
}

/* By what it lacks: a configuration with a misspelt `vpcs` must still be checked as one, and a
 * workflow always has these two keys. */
bool
mirror_config_is_one(const struct doc *doc)
{
	const json_t *root = doc_root(doc);

	return json_object_get(root, "StartAt") == NULL && json_object_get(root, "States") == NULL;
}
