#ifndef TMFLOW_MIRROR_CONFIG_RULES_H
#define TMFLOW_MIRROR_CONFIG_RULES_H

#include "mirror/config/config.h"
#include "mirror/names.h"
#include "script/script.h"

/*
 * Which rule takes an instance (JSON): tags before subnets before VPCs,
 * each in file order, the first that matches wins. A hook may order the rules and answer in their
 * place.
 */
struct rules;

/* Priorities of rules as long as no hook says otherwise: lower is tried first. */
#define RULE_PRIORITY_TAGS    100.0
#define RULE_PRIORITY_SUBNETS 200.0
#define RULE_PRIORITY_VPCS    300.0

/* config and hook (NULL: none) are borrowed. Asks the hook for every rule's priority. Errors:
 * TMF_ERR_HOOK. */
struct rules *
rules_new(const struct mirror_config *config, struct script *hook, struct tmf_err *err);
void rules_free(struct rules *rules);

/* What a rule asks of an instance, without a hook. Pure. */
bool rule_matches(const struct config_rule *rule, const json_t *instance);

/* Whether the hook lets the instance be mirrored. *ret_reason is a new reference (JSON null where
 * it gives none) when the answer is false.
 * Errors: TMF_ERR_HOOK. */
int rules_eligible(const struct rules *rules, json_t *instance, bool *ret_eligible,
    json_t **ret_reason, struct tmf_err *err);

/* The rule that takes the instance: the first after `after` (NULL: of all) in the order of trying
 * that matches. *ret_rule is NULL when none does. With matching: all the others take it as well,
 * one a filter and target: a second session of the same would mirror the same twice. Otherwise
 * the first is the only one. Errors: TMF_ERR_HOOK. */
int rules_find(const struct rules *rules, json_t *instance, const struct config_rule *after,
    const struct config_rule **ret_rule, struct tmf_err *err);

/* Whether a rule that rules_find gave takes this interface of the instance: its primary one, or
 * with `interfaces: all` each that an earlier rule does not mirror alike. Errors: as of
 * rules_find. */
int rules_take_interface(const struct rules *rules, json_t *instance,
    const struct config_rule *rule, const json_t *interface, bool *ret_takes, struct tmf_err *err);

/* Whether any of the rules that take the instance takes the interface. Errors: as of rules_find. */
int rules_want_interface(const struct rules *rules, json_t *instance, const json_t *interface,
    bool *ret_wants, struct tmf_err *err);

/* The rules in the order of trying, each by itself. */
struct rule_answer {
	const struct config_rule *rule;
	bool takes;
	bool by_hook; /* it answered in the rule's place */
};
size_t rules_count(const struct rules *rules);
/* Whether the index-th rule takes the instance. Errors: TMF_ERR_HOOK. */
int rules_try(const struct rules *rules, size_t index, json_t *instance,
    struct rule_answer *ret_answer, struct tmf_err *err);

/* Appends what a rule by itself finds at an instance: "subnet-1 is its subnet", or what differs. */
void rule_explain(const struct config_rule *rule, const json_t *instance, struct buf *out);

#endif
