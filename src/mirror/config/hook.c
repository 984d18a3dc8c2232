#include "mirror/config/hook.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct hook {
	struct script *script;
	bool has_priority;
	bool has_match;
	bool has_eligible;
};

/* Part of what hooks are written against, so kept apart from config_list_names, which may
 * change. */
static const char *const hook_kind_names[] = {
    [RULE_TAGS] = "tags", [RULE_SUBNETS] = "subnets", [RULE_VPCS] = "vpcs"};

/* Looked up once: a hook without `match` costs nothing for each of a million pairs. */
struct hook *
hook_new(struct script *script)
{
	struct hook *hook = mem_zalloc(1, sizeof(*hook));

	assert(script != NULL);
	hook->script = script;
	hook->has_priority = script_has(script, "priority");
	hook->has_match = script_has(script, "match");
	hook->has_eligible = script_has(script, "eligible");
	return hook;
}

/* The script stays: the run owns it, and frees it after the rules. */
void
hook_free(struct hook *hook)
{
	free(hook);
}

/* In PascalCase, as the instance is, so that a hook compares rule.VpcId with instance.VpcId. */
json_t *
hook_rule_json(const struct config_rule *rule)
{
	json_t *json = json_object();
	json_t *tags = json_array();

	jsonx_put_string(json, "Name", rule->name);
	jsonx_put_string(json, "Kind", hook_kind_names[rule->kind]);
	jsonx_put_string(json, "VpcId", rule->vpc_id);
	jsonx_put_string(json, "SubnetId", rule->subnet_id);
	jsonx_put_string(json, "FilterId", rule->filter_id);
	jsonx_put_string(json, "TargetId", rule->target_id);
	jsonx_put_string(json, "TargetSubnetId", rule->target_subnet_id);
	if (rule->session_number != 0)
		json_object_set_new(json, "SessionNumber", json_integer(rule->session_number));
	for (size_t i = 0; i < rule->tag_count; i++) {
		json_t *tag = json_object();

		jsonx_put_string(tag, "Key", rule->tags[i].key);
		jsonx_put_string(tag, "Value", rule->tags[i].value);
		json_array_append_new(tags, tag);
	}
	json_object_set_new(json, "Tags", tags);
	return json;
}

/* Says the kind and not the value: a table may be large, and the kind is what is wrong. */
static int
hook_wrong_answer(
    const char *function, const char *expected, const json_t *got, struct tmf_err *err)
{
	return tmf_err_set(err, TMF_ERR_HOOK,
	    "the hook's %s must return %s, but returned a value of kind %s", function, expected,
	    jsonx_kind(got));
}

/* NaN is refused by name: it compares with nothing, and a sort by it would give another order each
 * time. A script may return two values; the second has no meaning here. */
int
hook_priority(struct hook *hook, json_t *rule, double *ret_priority, struct tmf_err *err)
{
	json_t *results[SCRIPT_RESULTS_MAX];
	int ret = 0;

	if (!hook->has_priority)
		return 0;
	if (script_call(hook->script, "priority", &rule, 1, results, err) < 0)
		return -1;
	if (json_is_number(results[0]) && !isnan(json_number_value(results[0])))
		*ret_priority = json_number_value(results[0]);
	else if (!json_is_null(results[0]))
		ret = hook_wrong_answer("priority", "a number or nil", results[0], err);
	json_decref(results[0]);
	json_decref(results[1]);
	return ret;
}

/* nil is the default answer, so a hook says only what it has an opinion on. Anything else that is
 * not a boolean is a fault: a function that forgot its `return true` must not mirror less in
 * silence. */
int
hook_match(struct hook *hook, json_t *instance, json_t *rule, enum hook_answer *ret_answer,
    struct tmf_err *err)
{
	json_t *args[] = {instance, rule};
	json_t *results[SCRIPT_RESULTS_MAX];
	int ret = 0;

	assert(*ret_answer == HOOK_DEFAULT);
	if (!hook->has_match)
		return 0;
	if (script_call(hook->script, "match", args, 2, results, err) < 0)
		return -1;
	if (json_is_boolean(results[0]))
		*ret_answer = json_is_true(results[0]) ? HOOK_YES : HOOK_NO;
	else if (!json_is_null(results[0]))
		ret = hook_wrong_answer("match", "true, false or nil", results[0], err);
	json_decref(results[0]);
	json_decref(results[1]);
	return ret;
}

/* The second value is the reason, and counts only with false. Where it is not a string, the ledger
 * has none. */
int
hook_eligible(struct hook *hook, json_t *instance, bool *ret_eligible, json_t **ret_reason,
    struct tmf_err *err)
{
	json_t *results[SCRIPT_RESULTS_MAX];
	int ret = 0;

	if (!hook->has_eligible)
		return 0;
	if (script_call(hook->script, "eligible", &instance, 1, results, err) < 0)
		return -1;
	if (json_is_false(results[0])) {
		*ret_eligible = false;
		*ret_reason = json_incref(results[1]);
	} else if (!json_is_null(results[0]) && !json_is_true(results[0])) {
		ret = hook_wrong_answer("eligible", "true, false or nil", results[0], err);
	}
	json_decref(results[0]);
	json_decref(results[1]);
	return ret;
}
