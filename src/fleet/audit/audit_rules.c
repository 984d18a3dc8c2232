#include "fleet/audit/audit_internal.h"

#include "base/jsonx.h"
#include "mirror/config/instance.h"
#include "mirror/ownership.h"
#include "mirror/session.h"

#include <string.h>

/*
 * What the configuration's rules ask of its sessions. The questions are those of a run: what a run
 * would modify or prune is found here as well, and nothing else. What misses a session is no
 * finding: coverage counts that.
 */

/* Why no rule wants the interface of a session that is there, or NULL. As tmflow:find-unwanted
 * asks: a hook that fails says nothing, and nothing is unwanted for that. */
static const char *
rules_unwanted(const struct mirror *mirror, json_t *instance, const json_t *interface)
{
	const struct config_rule *rule = NULL;
	const char *state = mirror_config_refused_state(mirror->config, instance);
	json_t *hook_reason = NULL;
	struct tmf_err fault = {0};
	bool eligible, wants = false;
	bool failed;

	if (state != NULL)
		return state;
	if (mirror_config_excludes(mirror->config, instance))
		return "excluded by the configuration";
	failed = rules_eligible(mirror->rules, instance, &eligible, &hook_reason, &fault) < 0 ||
		 (eligible && (rules_find(mirror->rules, instance, NULL, &rule, &fault) < 0 ||
				  rules_want_interface(
				      mirror->rules, instance, interface, &wants, &fault) < 0));
	json_decref(hook_reason);
	tmf_err_fini(&fault);
	if (failed)
		return NULL;
	if (!eligible)
		return "excluded by the hook";
	if (rule == NULL)
		return "no rule matches its instance";
	if (!wants)
		return "its rule wants the primary interface only";
	return NULL;
}

/* True if one of the rules that take the instance is served by the session. Else *ret_differences,
 * empty before, has what the first of them finds different. */
static bool
rules_serves(const struct mirror *mirror, json_t *instance, const json_t *session,
    struct buf *ret_differences)
{
	json_t *alone = json_pack("[O]", session);
	const struct config_rule *rule = NULL;
	struct tmf_err fault = {0};
	bool serves = false;

	while (!serves && rules_find(mirror->rules, instance, rule, &rule, &fault) == 0 &&
	       rule != NULL) {
		const struct session_question question = {
		    .targets = mirror->account->targets,
		    .rule = rule,
		    .subnet_id = jsonx_get_string(instance, "SubnetId"),
		    .interface_id = jsonx_get_string(session, "NetworkInterfaceId"),
		    .sessions = alone,
		};
		const json_t *judged;
		enum session_verdict verdict = session_judge(&question, &judged);

		serves = verdict == SESSION_PRESENT;
		if (verdict == SESSION_DRIFTED && ret_differences->len == 0)
			session_differences(&question, session, ret_differences);
	}
	/* A hook that fails says nothing. */
	serves = serves || tmf_err_isset(&fault);
	tmf_err_fini(&fault);
	json_decref(alone);
	return serves;
}

/* What is not attached, or was not listed, has its finding already or none at all. */
static void
rules_judge_session(struct audit *audit, const char *id, const json_t *session)
{
	const struct mirror *mirror = audit->opts.mirror;
	const char *interface_id = jsonx_get_string(session, "NetworkInterfaceId");
	json_t *instance = audit_holder(audit, interface_id);
	struct buf differences = {0};
	const char *reason;

	if (instance == NULL ||
	    session_owner(session, mirror_config_name(mirror->config)) != OWNER_OURS)
		return;
	reason = rules_unwanted(mirror, instance, instance_interface(instance, interface_id));
	if (reason != NULL)
		audit_find(audit, FINDING_UNWANTED_SESSION, SEVERITY_COUNT, id, "on %s of %s: %s",
		    interface_id, jsonx_get_string(instance, "InstanceId"), reason);
	else if (!rules_serves(mirror, instance, session, &differences) && differences.len > 0)
		audit_find(audit, FINDING_DRIFTED_SESSION, SEVERITY_COUNT, id, "%s",
		    buf_cstr(&differences));
	buf_fini(&differences);
}

void
audit_judge_rules(struct audit *audit)
{
	const char *id;
	json_t *session;

	if (audit->opts.mirror == NULL)
		return;
	json_object_foreach (audit->sessions, id, session)
		rules_judge_session(audit, id, session);
}
