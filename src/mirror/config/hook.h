#ifndef TMFLOW_MIRROR_CONFIG_HOOK_H
#define TMFLOW_MIRROR_CONFIG_HOOK_H

#include "mirror/config/config.h"
#include "script/script.h"

/* The functions that a hook may have; what it leaves out keeps its default. See lua/README.md. */
struct hook;

enum hook_answer { HOOK_DEFAULT, HOOK_YES, HOOK_NO };

/* Borrows script. */
struct hook *hook_new(struct script *script);
void hook_free(struct hook *hook);

/* What a hook sees of a rule: {Name, Kind, VpcId?, SubnetId?, Tags?, FilterId, TargetId?, ...}. New
 * reference. */
json_t *hook_rule_json(const struct config_rule *rule);

/* Each leaves the out parameters as they are where the hook has no such function or answers nil.
 * Errors: TMF_ERR_HOOK. */
int hook_priority(struct hook *hook, json_t *rule, double *ret_priority, struct tmf_err *err);
int hook_match(struct hook *hook, json_t *instance, json_t *rule, enum hook_answer *ret_answer,
    struct tmf_err *err);
/* *ret_reason is a new reference when *ret_eligible became false. */
int hook_eligible(struct hook *hook, json_t *instance, bool *ret_eligible, json_t **ret_reason,
    struct tmf_err *err);

#endif
