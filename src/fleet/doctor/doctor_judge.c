#include "fleet/doctor/doctor_internal.h"

#include "aws/client.h"
#include "aws/pace/retry.h"
#include "base/jsonx.h"
#include "fleet/cost/cost.h"
#include "mirror/config/instance_types.h"
#include "mirror/names.h"

#include <stdlib.h>
#include <string.h>

/* What of the caller, the account and its quotas stands in the way of a run. */

#define QUOTA_RESOURCES 10000 /* sessions, targets, filters; AWS does not raise it */
#define QUOTA_NEARLY	0.9
#define SKEW_FATAL_MS	(INT64_C(5) * 60 * 1000) /* AWS refuses signatures that are older */

static const char *
judge_word(const json_t *object, const char *key)
{
	const char *text = jsonx_get_string(object, key);

	return text != NULL ? text : "unknown";
}

/* --- the caller --- */

/* Returns false where nothing else could be asked. */
static bool
judge_identity(struct doctor *doctor)
{
	const json_t *refusal = json_object_get(doctor->refused, "sts:GetCallerIdentity");

	if (refusal == NULL) {
		doctor_check(doctor, "identity", DOCTOR_PASS, NULL, "%s in account %s",
		    doctor->caller != NULL ? doctor->caller : "the caller", doctor->account);
		return true;
	}
	doctor_check(doctor, "identity", DOCTOR_FAIL,
	    "check the keys (tmflow config shows where they come from), the role, and the network",
	    "%s: %s", judge_word(refusal, "error"), judge_word(refusal, "cause"));
	return false;
}

/* The host, and how it is reached: a proxy is named without what stands before its @. */
static void
judge_endpoint(struct doctor *doctor)
{
	const char *trouble = aws_client_trouble(doctor->opts.ec2);
	const char *proxy = getenv("HTTPS_PROXY");
	const char *at;

	if (proxy == NULL)
		proxy = getenv("https_proxy");
	at = proxy != NULL ? strrchr(proxy, '@') : NULL;
	if (trouble[0] != '\0')
		doctor_check(doctor, "endpoint", DOCTOR_FAIL,
		    "check the endpoint, HTTPS_PROXY and NO_PROXY, and AWS_CA_BUNDLE", "%s",
		    trouble);
	else
		doctor_check(doctor, "endpoint", DOCTOR_PASS, NULL, "%s answers%s%s",
		    strrchr(aws_client_scope(doctor->opts.ec2), ' ') + 1,
		    proxy != NULL && proxy[0] != '\0' ? ", HTTPS_PROXY is " : "",
		    at != NULL	    ? at + 1
		    : proxy != NULL ? proxy
				    : "");
}

static void
judge_clock(struct doctor *doctor)
{
	int64_t skew_ms = aws_client_seen_skew_ms(doctor->opts.ec2);
	long long seconds = (long long)(llabs(skew_ms) / 1000);

	if (skew_ms == 0)
		doctor_check(doctor, "clock", DOCTOR_PASS, NULL, "agrees with AWS's");
	else
		doctor_check(doctor, "clock",
		    llabs(skew_ms) < SKEW_FATAL_MS ? DOCTOR_WARN : DOCTOR_FAIL,
		    "set this machine's clock, by NTP", "%lld seconds %s AWS's", seconds,
		    skew_ms > 0 ? "behind" : "ahead of");
}

static void
judge_region(struct doctor *doctor)
{
	const json_t *region = json_object_get(doctor->regions, doctor->region);

	if (doctor_lacks(doctor, "region", "ec2:DescribeRegions"))
		return;
	if (region != NULL)
		doctor_check(doctor, "region", DOCTOR_PASS, NULL, "%s is enabled (%s)",
		    doctor->region, judge_word(region, "OptInStatus"));
	else
		doctor_check(doctor, "region", DOCTOR_FAIL,
		    "enable the region for the account, or give another one",
		    "%s is not one of the regions that the account may use", doctor->region);
}

/* --- permissions --- */

static bool
permission_is_denied(const char *error)
{
	return strcmp(error, "UnauthorizedOperation") == 0 ||
	       strncmp(error, "AccessDenied", strlen("AccessDenied")) == 0;
}

/* What the last steps asked for already is known from there. */
static const char *
permission_error(const struct doctor *doctor, const char *action)
{
	const char *error = jsonx_get_string(doctor->denied, action);
	const json_t *refusal = json_object_get(doctor->refused, action);

	if (refusal == NULL && strncmp(action, "elasticloadbalancing:", 21) == 0)
		refusal = json_object_get(doctor->refused, "elasticloadbalancing:Describe*");
	return error != NULL ? error : jsonx_get_string(refusal, "error");
}

/* AWS looks at the permission before it looks at anything else, so that any other lasting refusal
 * comes after it was granted: an id that does not exist, a target in use, a quota. */
static bool
permission_is_past(const char *error)
{
	struct tmf_err err = {0};
	bool lasts;

	tmf_err_set_name(&err, TMF_ERR_SERVICE, error, "of a dry run");
	lasts = strncmp(error, "TMFlow.", strlen("TMFlow.")) != 0 &&
		retry_classify(&err) == RETRY_NEVER;
	tmf_err_fini(&err);
	return lasts;
}

static void
judge_permission(struct doctor *doctor, const char *action)
{
	const char *error = permission_error(doctor, action);
	struct buf name = {0};

	buf_printf(&name, "permission:%s", action);
	if (error == NULL)
		doctor_check(doctor, buf_cstr(&name), DOCTOR_PASS, NULL,
		    "not denied where it was used; it has no dry run");
	else if (permission_is_denied(error))
		doctor_check(doctor, buf_cstr(&name), DOCTOR_FAIL,
		    "grant it: tmflow export WORKFLOW --iam-policy writes the whole policy",
		    "denied: %s", error);
	else if (strcmp(error, "DryRunOperation") == 0)
		doctor_check(doctor, buf_cstr(&name), DOCTOR_PASS, NULL, "allowed by a dry run");
	else if (permission_is_past(error))
		doctor_check(doctor, buf_cstr(&name), DOCTOR_PASS, NULL,
		    "not denied: the dry run ended with %s", error);
	else
		doctor_check(doctor, buf_cstr(&name), DOCTOR_WARN, "ask again later",
		    "not known: the dry run ended with %s", error);
	buf_fini(&name);
}

static void
judge_permissions(struct doctor *doctor)
{
	json_t *action;
	size_t i;

	json_array_foreach (doctor->opts.iam_actions, i, action)
		judge_permission(doctor, json_string_value(action));
}

/* --- quotas --- */

static void
doctor_judge_quota(struct doctor *doctor, const char *name, int64_t used, int64_t more)
{
	int64_t sum = used + more;

	if (sum > QUOTA_RESOURCES)
		doctor_check(doctor, name, DOCTOR_FAIL,
		    "delete what nobody needs (tmflow audit), or spread the sources over more "
		    "accounts",
		    "%lld of %d are used, and a run would create at most %lld", (long long)used,
		    QUOTA_RESOURCES, (long long)more);
	else
		doctor_check(doctor, name,
		    (double)sum >= QUOTA_NEARLY * QUOTA_RESOURCES ? DOCTOR_WARN : DOCTOR_PASS,
		    "delete what nobody needs (tmflow audit)",
		    "%lld of %d are used, and a run would create at most %lld", (long long)used,
		    QUOTA_RESOURCES, (long long)more);
}

/* Interfaces that rules take and have no session of this configuration. */
static int64_t
judge_creates(const struct doctor *doctor)
{
	int64_t ours = 0;
	const char *id;
	json_t *is_ours;

	json_object_foreach (doctor->sessions, id, is_ours)
		ours += json_is_true(is_ours);
	return doctor->wanted_count > ours ? doctor->wanted_count - ours : 0;
}

/* Targets that tmflow made for the subnet. */
static int64_t
judge_made_targets(const struct doctor *doctor, const char *subnet)
{
	int64_t count = 0;
	const char *id;
	json_t *target;

	json_object_foreach (doctor->targets, id, target) {
		const char *made_for = tag_value(target, TAG_OUR_SUBNET);

		count += made_for != NULL && strcmp(made_for, subnet) == 0;
	}
	return count;
}

/* As many as the subnets' sources need, by the type of the instances, less those that are there. */
static int64_t
judge_new_targets(const struct doctor *doctor)
{
	int64_t count = 0;
	const char *id;
	json_t *sum;

	json_object_foreach (doctor->wanted, id, sum) {
		int64_t sources = json_integer_value(json_object_get(sum, "count"));
		const struct config_rule *rule;
		int64_t sources_max;
		int64_t missing;

		if (strncmp(id, DOCTOR_NEW, strlen(DOCTOR_NEW)) != 0)
			continue;
		rule = mirror_config_rule_named(
		    doctor->opts.mirror->config, jsonx_get_string(sum, "rule"));
		sources_max = (int64_t)instance_type_sources_max(rule->target_instance_type);
		missing = (sources + sources_max - 1) / sources_max -
			  judge_made_targets(doctor, id + strlen(DOCTOR_NEW));
		count += missing > 0 ? missing : 0;
	}
	return count;
}

static void
judge_quotas(struct doctor *doctor)
{
	int64_t creates = judge_creates(doctor);
	struct buf text = {0};

	if (!doctor_lacks(doctor, "quota:sessions", "ec2:DescribeTrafficMirrorSessions"))
		doctor_judge_quota(
		    doctor, "quota:sessions", (int64_t)json_object_size(doctor->sessions), creates);
	if (!doctor_lacks(doctor, "quota:targets", "ec2:DescribeTrafficMirrorTargets"))
		doctor_judge_quota(doctor, "quota:targets",
		    (int64_t)json_object_size(doctor->targets), judge_new_targets(doctor));
	if (!doctor_lacks(doctor, "quota:filters", "ec2:DescribeTrafficMirrorFilters"))
		doctor_judge_quota(
		    doctor, "quota:filters", (int64_t)json_object_size(doctor->filters), 0);
	if (doctor->opts.mirror != NULL) {
		cost_time_text(creates, 0, 0, &text);
		doctor_check(doctor, "time", DOCTOR_PASS, NULL, "%s", buf_cstr(&text));
	}
	buf_fini(&text);
}

/* --- the deployment --- */

/* The rules of the shipped template are known by their descriptions. */
static bool
rule_is_ours(const json_t *rule)
{
	static const char *const descriptions[] = {
	    "Instances that are running now", "GuardDuty findings"};
	const char *description = jsonx_get_string(rule, "Description");

	for (size_t i = 0; i < sizeof(descriptions) / sizeof(descriptions[0]); i++)
		if (description != NULL && strcmp(description, descriptions[i]) == 0)
			return true;
	return false;
}

static void
judge_deployment(struct doctor *doctor)
{
	size_t found = 0;
	json_t *rule;
	size_t i;

	if (doctor->opts.events == NULL || doctor_lacks(doctor, "deployment", "events:ListRules"))
		return;
	json_array_foreach (doctor->rules, i, rule) {
		struct buf name = {0};

		if (!rule_is_ours(rule))
			continue;
		found++;
		buf_printf(&name, "deployment:%s", judge_word(rule, "Name"));
		if (strcmp(judge_word(rule, "State"), "ENABLED") == 0)
			doctor_check(doctor, buf_cstr(&name), DOCTOR_PASS, NULL, "enabled");
		else
			doctor_check(doctor, buf_cstr(&name), DOCTOR_WARN,
			    "enable the rule, or delete the deployment",
			    "the event rule is %s: nothing follows its events",
			    judge_word(rule, "State"));
		buf_fini(&name);
	}
	if (found == 0)
		doctor_check(
		    doctor, "deployment", DOCTOR_PASS, NULL, "no event rules of tmflow's here");
}

void
doctor_judge(struct doctor *doctor)
{
	bool known = judge_identity(doctor);

	judge_endpoint(doctor);
	if (!known)
		return;
	judge_clock(doctor);
	judge_region(doctor);
	judge_permissions(doctor);
	judge_quotas(doctor);
	if (doctor->opts.mirror != NULL)
		doctor_judge_targets(doctor);
	judge_deployment(doctor);
}
