#include "mirror/mirror.h"

#include "base/file.h"
#include "base/mem.h"
#include "mirror/dry_run.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* The rules ask the hook for their priorities, so it loads first. */
static int
mirror_load_rules(struct mirror *mirror, const char *hook_source, struct tmf_err *err)
{
	if (hook_source != NULL) {
		mirror->hook = script_new(mirror->hook_name, str_of(hook_source), err);
		if (mirror->hook == NULL)
			return -1;
	}
	if (mirror->config == NULL)
		return 0;
	assert(mirror->rules == NULL);
	mirror->rules = rules_new(mirror->config, mirror->hook, err);
	return mirror->rules != NULL ? 0 : -1;
}

/* Hook's name and workflow are copied, since both end up in what outlives the options: messages of
 * the script, and tags. */
struct mirror *
mirror_new(const struct mirror_opts *opts, struct tmf_err *err)
{
	struct mirror *mirror = mem_zalloc(1, sizeof(*mirror));

	assert(opts->accounts != NULL && opts->run_id != NULL);
	mirror->accounts = opts->accounts;
	mirror->account = accounts_home(opts->accounts);
	mirror->config = opts->config;
	mirror->hook_name = mem_strdup(opts->hook_name != NULL ? opts->hook_name : "hook");
	mirror->run_id = mem_strdup(opts->run_id);
	mirror->workflow = file_stem(opts->workflow);
	mirror->scripts = json_incref(opts->scripts);
	mirror->shares_run = opts->shares_run;
	mirror->retry_failed = mirror->only_failed = opts->only_failed;
	mirror->prune = opts->prune || (opts->config != NULL && mirror_config_prune(opts->config));
	mirror->prune_limit = opts->prune_limit != NULL ? *opts->prune_limit : PRUNE_LIMIT_DEFAULT;
	mirror->session_tags = json_object();
	if (mirror->account->dry_run)
		mirror->dry_run = dry_run_new(opts->config);
	if (mirror_load_rules(mirror, opts->hook_source, err) == 0)
		return mirror;
	mirror_free(mirror);
	return NULL;
}

/* Rules borrow the hook's script, so they go first. */
void
mirror_free(struct mirror *mirror)
{
	if (mirror == NULL)
		return;
	dry_run_free(mirror->dry_run);
	rules_free(mirror->rules);
	script_free(mirror->hook);
	json_decref(mirror->session_tags);
	json_decref(mirror->scripts);
	free(mirror->run_id);
	free(mirror->workflow);
	free(mirror->hook_name);
	free(mirror);
}

/* The role for an account, or NULL where it is missing or the account is not listed. Without a
 * configuration AWS is not used, and so no other account. */
static const char *
mirror_role(const struct mirror *mirror, const char *account_id)
{
	const struct config_guardduty *guardduty =
	    mirror->config != NULL ? mirror_config_guardduty(mirror->config) : NULL;

	return guardduty != NULL && config_guardduty_has_account(guardduty, account_id)
		   ? guardduty->role_arn
		   : NULL;
}

void
mirror_set_last_round(struct mirror *mirror, bool last_round)
{
	if (last_round && !mirror->last_round)
		mirror->progress.failed = 0; /* all of it is tried again */
	mirror->last_round = last_round;
	mirror->only_failed = mirror->retry_failed || (last_round && !mirror->shares_run);
}

/* NULL is fine: an action without MemberAccountId works in the process's own account. */
struct account *
mirror_account(const struct mirror *mirror, const char *account_id, struct tmf_err *err)
{
	if (account_id == NULL)
		return mirror->account;
	return accounts_member(mirror->accounts, mirror_role(mirror, account_id), account_id, err);
}

/* Asks for nothing: whether the role can really be taken is found out by the first call with it. */
bool
mirror_reaches(const struct mirror *mirror, const char *account_id)
{
	return accounts_reach(mirror->accounts, mirror_role(mirror, account_id), account_id);
}

/* A role that is refused shows with the first call, as ever. */
struct account *
mirror_account_of(void *arg, const char *account_id)
{
	const struct mirror *mirror = arg;
	struct account *account;
	struct tmf_err err = {0};

	if (strcmp(mirror->account->id, account_id) == 0)
		return mirror->account;
	account =
	    mirror_reaches(mirror, account_id) ? mirror_account(mirror, account_id, &err) : NULL;
	tmf_err_fini(&err);
	return account;
}

/* A page creates up to 1,000 sessions of a few rules: the list is made once for each rule. */
json_t *
mirror_session_tags(struct mirror *mirror, const struct config_rule *rule)
{
	json_t *tags = json_object_get(mirror->session_tags, rule->name);

	if (tags != NULL)
		return tags;
	assert(rule->name != NULL);
	tags = json_array();
	tag_add(tags, TAG_TOOL, TAG_TOOL_VALUE);
	tag_add(tags, TAG_CONFIGURATION, rule->configuration);
	tag_add(tags, TAG_RULE, rule->name);
	tag_add(tags, TAG_WORKFLOW, mirror->workflow);
	json_object_set_new(mirror->session_tags, rule->name, tags);
	return tags;
}

/* Used before a run, when inputs are not known yet. `Member.$` is a path whose value only the run
 * has, and a Task without Parameters gets whatever the state before gave; so both may be true. */
bool
mirror_task_takes_roles(const char *action, const json_t *parameters)
{
	if (strcmp(action, "check-account") != 0)
		return false;
	return parameters == NULL || json_is_true(json_object_get(parameters, "Member")) ||
	       json_is_string(json_object_get(parameters, "Member")) || /* {% ... %} */
	       json_object_get(parameters, "Member.$") != NULL;
}

/* By the ending alone: no Lua source that returns a table ends in ".lua". */
bool
mirror_is_script_file(const char *script)
{
	static const char ending[] = ".lua";
	size_t len = strlen(script);

	return len >= sizeof(ending) - 1 &&
	       strcmp(script + len - (sizeof(ending) - 1), ending) == 0;
}
