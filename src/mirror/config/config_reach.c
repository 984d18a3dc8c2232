#include "mirror/config/config_internal.h"

#include "base/jsonx.h"
#include "mirror/config/rules.h"

#include <string.h>

/*
 * Rules that take no instance, whatever the account has, and rules of which only one can have its
 * way. They are valid, and a hook may still use them; so these are warnings.
 */

static bool
tag_is_same(const struct config_tag *a, const struct config_tag *b)
{
	return strcmp(a->key, b->key) == 0 && strcmp(a->value, b->value) == 0;
}

static bool
rule_has_tag(const struct config_rule *rule, const struct config_tag *tag)
{
	for (size_t i = 0; i < rule->tag_count; i++)
		if (tag_is_same(&rule->tags[i], tag))
			return true;
	return false;
}

/* The first key that has to have two values at once; NULL: none. An instance has one of each. */
static const char *
rule_contradiction(const struct config_rule *rule)
{
	for (size_t i = 1; rule->tag_match == TAG_MATCH_ALL && i < rule->tag_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(rule->tags[i].key, rule->tags[j].key) == 0 &&
			    strcmp(rule->tags[i].value, rule->tags[j].value) != 0)
				return rule->tags[i].key;
	return NULL;
}

static bool
tag_is_excluded(const struct mirror_config *config, const struct config_tag *tag)
{
	const json_t *excluded;
	size_t i;

	json_array_foreach (config->exclude_tags, i, excluded) {
		const char *key = jsonx_get_string(excluded, "Key");
		const char *value = jsonx_get_string(excluded, "Value");

		if (key != NULL && strcmp(key, tag->key) == 0 &&
		    strcmp(value != NULL ? value : "", tag->value) == 0)
			return true;
	}
	return false;
}

/* With `any` each tag has to be excluded, with `all` one is enough. */
static bool
rule_is_excluded(const struct mirror_config *config, const struct config_rule *rule)
{
	size_t excluded = 0;

	for (size_t i = 0; i < rule->tag_count; i++)
		excluded += tag_is_excluded(config, &rule->tags[i]);
	return excluded > 0 && (rule->tag_match == TAG_MATCH_ALL || excluded == rule->tag_count);
}

/* Whether all that the later rule takes is taken by the earlier one: that takes any of its tags,
 * and the later one wants one of them in any case. */
static bool
rule_covers(const struct config_rule *earlier, const struct config_rule *later)
{
	size_t shared = 0;

	if (earlier->tag_match == TAG_MATCH_ALL && earlier->tag_count > 1)
		return false;
	for (size_t i = 0; i < later->tag_count; i++)
		shared += rule_has_tag(earlier, &later->tags[i]);
	return shared > 0 && (later->tag_match == TAG_MATCH_ALL || shared == later->tag_count);
}

/* With matching: all a rule before leaves its instances to the later ones, too. */
static const struct config_rule *
rule_before(const struct mirror_config *config, size_t index)
{
	const struct config_rule *rule = &config->slots[index].rule;

	for (size_t i = 0; rule->matching == MATCHING_FIRST && i < index; i++)
		if (config->slots[i].rule.kind == RULE_TAGS &&
		    rule_covers(&config->slots[i].rule, rule))
			return &config->slots[i].rule;
	return NULL;
}

/* True if some instance that one of the rules takes is surely taken by the other: by a tag that is
 * enough for both, or as one takes all of the other's. */
static bool
rule_meets(const struct config_rule *rule, const struct config_rule *other)
{
	bool any = (rule->tag_match == TAG_MATCH_ANY || rule->tag_count == 1) &&
		   (other->tag_match == TAG_MATCH_ANY || other->tag_count == 1);

	if (rule->kind != other->kind)
		return false;
	switch (rule->kind) {
	case RULE_VPCS:
		return strcmp(rule->vpc_id, other->vpc_id) == 0;
	case RULE_SUBNETS:
		return strcmp(rule->subnet_id, other->subnet_id) == 0;
	case RULE_TAGS:
		break;
	}
	for (size_t i = 0; any && i < rule->tag_count; i++)
		if (rule_has_tag(other, &rule->tags[i]))
			return true;
	return rule_covers(rule, other) || rule_covers(other, rule);
}

/* An earlier rule that asks for the same session number of the same interfaces; NULL: none. Two
 * with one filter and target share a session instead. */
static const struct config_rule *
rule_of_same_number(const struct mirror_config *config, size_t index)
{
	const struct config_rule *rule = &config->slots[index].rule;

	if (rule->matching == MATCHING_FIRST || rule->session_number == 0)
		return NULL;
	for (size_t i = 0; i < index; i++) {
		const struct config_rule *other = &config->slots[i].rule;

		if (other->session_number == rule->session_number && rule_meets(rule, other) &&
		    !rule_mirrors_alike(rule, other))
			return other;
	}
	return NULL;
}

static void
rule_check_number(struct config_reader *reader, const struct mirror_config *config, size_t index)
{
	const struct config_rule *other = rule_of_same_number(config, index);

	if (other != NULL)
		config_warn(reader, CONFIG_NUMBER_TWICE,
		    "the rule %s asks for the session number %d of the same interfaces: the later "
		    "one is in conflict",
		    other->name, other->session_number);
}

static void
rule_check_reach(struct config_reader *reader, const struct mirror_config *config, size_t index)
{
	const struct config_rule *rule = &config->slots[index].rule;
	const struct config_rule *before = rule_before(config, index);
	const char *key = rule_contradiction(rule);

	if (key != NULL)
		config_warn(reader, CONFIG_UNREACHED,
		    "the rule can never match: with tagMatch: all the tag %s must have two values",
		    key);
	else if (rule_is_excluded(config, rule))
		config_warn(reader, CONFIG_UNREACHED,
		    "exclude takes all instances of the rule: its tags are among exclude.tags");
	else if (before != NULL)
		config_warn(reader, CONFIG_UNREACHED,
		    "the rule %s, which is tried before, takes all instances of the rule",
		    before->name);
}

void
config_check_reach(struct config_reader *reader, const struct mirror_config *config)
{
	/* A tag that is invalid has no key or value. */
	for (size_t i = 0; reader->diags->errors == 0 && i < config->count; i++) {
		const struct config_rule *rule = &config->slots[i].rule;
		size_t mark;

		mark = config_enter(reader, config_list_names[rule->kind]);
		config_enter_index(reader, rule->index);
		if (rule->kind == RULE_TAGS)
			rule_check_reach(reader, config, i);
		rule_check_number(reader, config, i);
		config_leave(reader, mark);
	}
}
