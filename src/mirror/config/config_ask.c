/* What a loaded configuration says. config.c reads it. */
#include "mirror/config/config_internal.h"

#include "aws/arn.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/instance.h"
#include "mirror/config/instance_types.h"
#include "mirror/names.h"

#include <assert.h>
#include <fnmatch.h>
#include <string.h>

const char *
mirror_config_name(const struct mirror_config *config)
{
	return config->name;
}

bool
mirror_config_matches_all(const struct mirror_config *config)
{
	return config->matching == MATCHING_ALL;
}

size_t
mirror_config_rule_count(const struct mirror_config *config)
{
	return config->count;
}

const struct config_rule *
mirror_config_rule(const struct mirror_config *config, size_t index)
{
	assert(index < config->count);
	return &config->slots[index].rule;
}

/* A walk over all rules. A map would pay only from some hundred rules on, where a page already
 * looks each instance up in all of them. */
const struct config_rule *
mirror_config_rule_named(const struct mirror_config *config, const char *name)
{
	assert(name != NULL);
	for (size_t i = 0; i < config->count; i++)
		if (strcmp(config->slots[i].rule.name, name) == 0)
			return &config->slots[i].rule;
	return NULL;
}

char *
mirror_config_rule_pointer(const struct config_rule *rule)
{
	return mem_printf("/%s/%zu", config_list_names[rule->kind], rule->index);
}

static bool
rule_text_is(const char *text, const char *other)
{
	return text != NULL && other != NULL ? strcmp(text, other) == 0 : text == other;
}

bool
rule_mirrors_alike(const struct config_rule *rule, const struct config_rule *other)
{
	return rule_text_is(rule->filter_id, other->filter_id) &&
	       rule_text_is(rule->target_id, other->target_id) &&
	       rule_text_is(rule->target_subnet_id, other->target_subnet_id);
}

/* Keys and values are compared with case, as EC2 does. */
static bool
config_bears_tag(const json_t *instance, const json_t *wanted)
{
	const char *value = tag_value(instance, jsonx_get_string(wanted, "Key"));

	return value != NULL && strcmp(value, jsonx_get_string(wanted, "Value")) == 0;
}

/* The forms are not checked again: config_read_exclude has done so. */
bool
mirror_config_excludes(const struct mirror_config *config, const json_t *instance)
{
	const char *id = jsonx_get_string(instance, "InstanceId");
	json_t *wanted;
	size_t i;

	json_array_foreach (config->exclude_tags, i, wanted)
		if (config_bears_tag(instance, wanted))
			return true;
	json_array_foreach (config->exclude_ids, i, wanted)
		if (id != NULL && config_given(wanted) &&
		    strcmp(json_string_value(wanted), id) == 0)
			return true;
	return false;
}

/* A state that AWS does not list cannot be refused. */
const char *
mirror_config_refused_state(const struct mirror_config *config, const json_t *instance)
{
	const char *state = jsonx_get_string(instance, "State");
	json_t *wanted;
	size_t i;

	if (instance_is_over(instance))
		return "terminated";
	if (config->states == NULL || state == NULL)
		return NULL;
	json_array_foreach (config->states, i, wanted)
		if (strcmp(json_string_value(wanted), state) == 0)
			return NULL;
	return state;
}

const struct config_guardduty *
mirror_config_guardduty(const struct mirror_config *config)
{
	return &config->guardduty;
}

/* True if text fits one of the patterns. FNM_NOESCAPE: a backslash is in no type, and in YAML it
 * would have to be written twice. */
static bool
config_fits(const json_t *patterns, const char *text)
{
	json_t *pattern;
	size_t i;

	json_array_foreach (patterns, i, pattern)
		if (config_given(pattern) &&
		    fnmatch(json_string_value(pattern), text, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

/* No list means all types. An empty list means none, as it is written. */
bool
config_guardduty_wants_type(const struct config_guardduty *guardduty, const char *type)
{
	return guardduty->types == NULL || config_fits(guardduty->types, type);
}

/* True if the list, or NULL, names the account. */
static bool
config_names_account(const json_t *accounts, const char *account_id)
{
	char id[ARN_ACCOUNT_DIGITS + 1];
	json_t *account;
	size_t i;

	json_array_foreach (accounts, i, account)
		if (arn_account_of(account, id) && strcmp(id, account_id) == 0)
			return true;
	return false;
}

bool
config_guardduty_has_account(const struct config_guardduty *guardduty, const char *account_id)
{
	return guardduty->accounts == NULL || config_names_account(guardduty->accounts, account_id);
}

bool
mirror_config_trusts(const struct mirror_config *config, const char *account_id)
{
	return config_names_account(config->trusted, account_id);
}

enum config_type_verdict
mirror_config_type(const struct mirror_config *config, const char *type)
{
	if (config_fits(config->unmirrorable, type))
		return CONFIG_TYPE_UNMIRRORABLE;
	return config_fits(config->mirrorable, type) ? CONFIG_TYPE_MIRRORABLE : CONFIG_TYPE_UNKNOWN;
}

/* Not by the list of sources, which may be too old to know a type that works. */
bool
mirror_config_type_is_dead(const struct mirror_config *config, const char *type)
{
	enum config_type_verdict verdict = mirror_config_type(config, type);

	return verdict == CONFIG_TYPE_UNMIRRORABLE ||
	       (verdict == CONFIG_TYPE_UNKNOWN && instance_type_is_never_source(type));
}

/* AWS adds types more often than tmflow is released: the configuration goes first. */
bool
mirror_config_type_is_source(const struct mirror_config *config, const char *type)
{
	switch (mirror_config_type(config, type)) {
	case CONFIG_TYPE_MIRRORABLE:
		return true;
	case CONFIG_TYPE_UNMIRRORABLE:
		return false;
	case CONFIG_TYPE_UNKNOWN:
		break;
	}
	return instance_type_is_source(type);
}

const char *
mirror_config_hook(const struct mirror_config *config)
{
	return config->hook;
}

bool
mirror_config_trusts_tags(const struct mirror_config *config)
{
	return config->trusts_tags;
}

bool
mirror_config_prune(const struct mirror_config *config)
{
	return config->prune;
}
