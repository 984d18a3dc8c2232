#include "mirror/config/rules.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/hook.h"
#include "mirror/config/instance.h"
#include "mirror/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ranked_rule {
	const struct config_rule *rule;
	double priority;
	size_t index; /* in the configuration's order: the order among equals */
	json_t *json; /* what the hook sees; NULL without one */
};

struct rules {
	struct hook *hook; /* NULL: none */
	struct ranked_rule *ranked;
	size_t count;
};

static const double default_priorities[] = {
    [RULE_TAGS] = RULE_PRIORITY_TAGS,
    [RULE_SUBNETS] = RULE_PRIORITY_SUBNETS,
    [RULE_VPCS] = RULE_PRIORITY_VPCS,
};

/* qsort is not stable: the place in the file decides among equals, also when a hook gives several
 * rules one priority. */
static int
rules_compare(const void *left, const void *right)
{
	const struct ranked_rule *a = left;
	const struct ranked_rule *b = right;

	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

/* The rule's JSON is built once here, since a hook gets it for each of a page's instances. */
static int
rules_rank(struct rules *rules, size_t index, const struct config_rule *rule, struct tmf_err *err)
{
	struct ranked_rule *ranked = &rules->ranked[index];

	assert(index < rules->count);
	*ranked = (struct ranked_rule){
	    .rule = rule, .priority = default_priorities[rule->kind], .index = index};
	if (rules->hook == NULL)
		return 0;
	ranked->json = hook_rule_json(rule);
	return hook_priority(rules->hook, ranked->json, &ranked->priority, err);
}

/* Sorted once for the run: a priority is the rule's alone, and does not depend on an instance. */
struct rules *
rules_new(const struct mirror_config *config, struct script *script, struct tmf_err *err)
{
	struct rules *rules = mem_zalloc(1, sizeof(*rules));

	rules->count = mirror_config_rule_count(config);
	rules->ranked = mem_zalloc(rules->count, sizeof(*rules->ranked));
	rules->hook = script != NULL ? hook_new(script) : NULL;
	for (size_t i = 0; i < rules->count; i++) {
		if (rules_rank(rules, i, mirror_config_rule(config, i), err) < 0) {
			rules_free(rules);
			return NULL;
		}
	}
	assert(rules->count > 0);
	qsort(rules->ranked, rules->count, sizeof(*rules->ranked), rules_compare);
	return rules;
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	for (size_t i = 0; i < rules->count; i++)
		json_decref(rules->ranked[i].json);
	free(rules->ranked);
	hook_free(rules->hook);
	free(rules);
}

/* Key and value are compared with case, as EC2 does. */
static bool
rule_bears_tag(const json_t *instance, const struct config_tag *wanted)
{
	const char *value = tag_value(instance, wanted->key);

	return value != NULL && strcmp(value, wanted->value) == 0;
}

/* By default one tag of the list is enough, as in the seed application. */
static bool
rule_tags_match(const struct config_rule *rule, const json_t *instance)
{
	size_t found = 0;

	for (size_t i = 0; i < rule->tag_count; i++)
		found += rule_bears_tag(instance, &rule->tags[i]);
	return rule->tag_match == TAG_MATCH_ALL ? found == rule->tag_count : found > 0;
}

/* A rule of subnets compares the instance's own subnet, which is that of its primary interface. A
 * second interface in another subnet does not make it match. */
bool
rule_matches(const struct config_rule *rule, const json_t *instance)
{
	switch (rule->kind) {
	case RULE_TAGS:
		return rule_tags_match(rule, instance);
	case RULE_SUBNETS:
		return instance_member_is(instance, "SubnetId", rule->subnet_id);
	case RULE_VPCS:
		return instance_member_is(instance, "VpcId", rule->vpc_id);
	}
	return false;
}

/* Without a hook every instance is eligible: what AWS cannot mirror is not known before it is
 * asked. */
int
rules_eligible(const struct rules *rules, json_t *instance, bool *ret_eligible, json_t **ret_reason,
    struct tmf_err *err)
{
	assert(ret_reason != NULL);
	*ret_eligible = true;
	if (rules->hook == NULL)
		return 0;
	return hook_eligible(rules->hook, instance, ret_eligible, ret_reason, err);
}

size_t
rules_count(const struct rules *rules)
{
	return rules->count;
}

/* The hook is asked first, and the rule itself only where the hook leaves it the answer. */
int
rules_try(const struct rules *rules, size_t index, json_t *instance, struct rule_answer *ret_answer,
    struct tmf_err *err)
{
	const struct ranked_rule *ranked = &rules->ranked[index];
	enum hook_answer answer = HOOK_DEFAULT;

	assert(index < rules->count && ranked->rule != NULL);
	if (rules->hook != NULL &&
	    hook_match(rules->hook, instance, ranked->json, &answer, err) < 0)
		return -1;
	*ret_answer = (struct rule_answer){
	    .rule = ranked->rule,
	    .by_hook = answer != HOOK_DEFAULT,
	    .takes =
		answer == HOOK_DEFAULT ? rule_matches(ranked->rule, instance) : answer == HOOK_YES,
	};
	return 0;
}

/* Whether an earlier rule gives the instance that session already, on its primary interface or,
 * with whole, on all that the rule takes. Only asked with matching: all, and most configurations
 * have a filter and target for each rule. */
static int
rules_repeats(const struct rules *rules, size_t index, json_t *instance, bool whole,
    bool *ret_repeats, struct tmf_err *err)
{
	const struct config_rule *rule = rules->ranked[index].rule;
	struct rule_answer answer;

	*ret_repeats = false;
	for (size_t i = 0; i < index && !*ret_repeats; i++) {
		const struct config_rule *earlier = rules->ranked[i].rule;

		if (!rule_mirrors_alike(earlier, rule) ||
		    (whole && earlier->interfaces < rule->interfaces))
			continue;
		if (rules_try(rules, i, instance, &answer, err) < 0)
			return -1;
		*ret_repeats = answer.takes;
	}
	return 0;
}

/* Where the first that matches wins, the hook is not asked about the others. So a hook with a side
 * effect would see only part of the pairs, which is one more reason for it to have none. */
int
rules_find(const struct rules *rules, json_t *instance, const struct config_rule *after,
    const struct config_rule **ret_rule, struct tmf_err *err)
{
	struct rule_answer answer;
	bool repeats;
	size_t i = 0;

	*ret_rule = NULL;
	if (after != NULL && after->matching == MATCHING_FIRST)
		return 0;
	while (after != NULL && rules->ranked[i++].rule != after)
		assert(i < rules->count);
	for (; i < rules->count && *ret_rule == NULL; i++) {
		if (rules_try(rules, i, instance, &answer, err) < 0)
			return -1;
		if (!answer.takes)
			continue;
		if (rules_repeats(rules, i, instance, true, &repeats, err) < 0)
			return -1;
		if (!repeats)
			*ret_rule = answer.rule;
	}
	return 0;
}

/* What an earlier rule mirrors alike on every interface rules_find has left out. So an earlier one
 * is looked for only where the two differ in this: at the primary interface of a rule for all. */
int
rules_take_interface(const struct rules *rules, json_t *instance, const struct config_rule *rule,
    const json_t *interface, bool *ret_takes, struct tmf_err *err)
{
	bool is_primary = interface == instance_primary_interface(instance);
	bool repeats;
	size_t i = 0;

	*ret_takes = is_primary || rule->interfaces == RULE_INTERFACES_ALL;
	if (!is_primary || rule->interfaces != RULE_INTERFACES_ALL ||
	    rule->matching == MATCHING_FIRST)
		return 0;
	while (rules->ranked[i].rule != rule)
		i++;
	assert(i < rules->count);
	if (rules_repeats(rules, i, instance, false, &repeats, err) < 0)
		return -1;
	*ret_takes = !repeats;
	return 0;
}

int
rules_want_interface(const struct rules *rules, json_t *instance, const json_t *interface,
    bool *ret_wants, struct tmf_err *err)
{
	const struct config_rule *rule = NULL;

	*ret_wants = false;
	do {
		if (rules_find(rules, instance, rule, &rule, err) < 0 ||
		    (rule != NULL &&
			rules_take_interface(rules, instance, rule, interface, ret_wants, err) < 0))
			return -1;
	} while (rule != NULL && !*ret_wants);
	return 0;
}

/* --- explaining --- */

/* All tags are said, those too that were not needed: the reader wants to know why a later rule got
 * the instance. */
static void
rule_explain_tags(const struct config_rule *rule, const json_t *instance, struct buf *out)
{
	for (size_t i = 0; i < rule->tag_count; i++) {
		const struct config_tag *wanted = &rule->tags[i];
		const char *value = tag_value(instance, wanted->key);

		if (i > 0)
			buf_add_cstr(out, rule->tag_match == TAG_MATCH_ALL ? " and " : " or ");
		/* Three cases, as an instance without the tag is mended in another way than one
		 * with the wrong value. */
		if (value == NULL)
			buf_printf(out, "no tag %s=%s", wanted->key, wanted->value);
		else if (strcmp(value, wanted->value) == 0)
			buf_printf(out, "tag %s=%s", wanted->key, wanted->value);
		else
			buf_printf(
			    out, "tag %s is \"%s\", not \"%s\"", wanted->key, value, wanted->value);
	}
}

static void
rule_explain_member(
    const json_t *instance, const char *key, const char *wanted, const char *what, struct buf *out)
{
	const char *value = jsonx_get_string(instance, key);

	if (value == NULL)
		buf_printf(out, "it has no %s", what);
	else if (strcmp(value, wanted) == 0)
		buf_printf(out, "its %s is %s", what, wanted);
	else
		buf_printf(out, "its %s is %s, not %s", what, value, wanted);
}

/* Says what the rule by itself finds, although a hook may have answered in its place: the
 * difference is what somebody who writes a hook wants to see. */
void
rule_explain(const struct config_rule *rule, const json_t *instance, struct buf *out)
{
	switch (rule->kind) {
	case RULE_TAGS:
		rule_explain_tags(rule, instance, out);
		break;
	case RULE_SUBNETS:
		rule_explain_member(instance, "SubnetId", rule->subnet_id, "subnet", out);
		break;
	case RULE_VPCS:
		rule_explain_member(instance, "VpcId", rule->vpc_id, "VPC", out);
		break;
	}
}
