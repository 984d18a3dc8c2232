#include "cli/commands/commands.h"

#include "asl/export/export.h"
#include "aws/arn.h"
#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/run/definition.h"
#include "cli/run/scripts.h"
#include "mirror/actions/actions.h"
#include "mirror/config/config.h"
#include "mirror/online_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_VERSION	   "2012-10-17" /* of the policy language */
#define POLICY_ACTIONS_MAX 256		/* of all native actions together; there are a dozen */

/*
 * What a worker asks of its activity, and what it says of a task, which only the task's token
 * names.
 */
static const char *const activity_actions[] = {"states:GetActivityTask"};
static const char *const task_actions[] = {
    "states:SendTaskFailure",
    "states:SendTaskHeartbeat",
    "states:SendTaskSuccess",
};

/* --- the policy --- */

struct iam_list {
	const char *at[POLICY_ACTIONS_MAX];
	size_t count;
};

/* In order, each once. */
static void
policy_add_action(struct iam_list *list, const char *action)
{
	size_t i = 0;

	while (i < list->count && strcmp(list->at[i], action) < 0)
		i++;
	if (i < list->count && strcmp(list->at[i], action) == 0)
		return;
	assert(list->count < POLICY_ACTIONS_MAX);
	memmove(&list->at[i + 1], &list->at[i], (list->count - i) * sizeof(list->at[0]));
	list->at[i] = action;
	list->count++;
}

/* Only the actions that the workflow uses, so that the policy grants no more than it needs. */
static void
policy_collect(
    struct iam_list *list, const struct asl_machine *machine, const struct tmf_registry *registry)
{
	bool needs_config = false;

	for (size_t i = 0; i < asl_machine_state_count(machine); i++) {
		const struct asl_state *state = asl_machine_state(machine, (unsigned)i);
		const struct tmf_action *action = NULL;

		if (state->type == ASL_TASK && state->u.task.action != NULL)
			action = tmf_registry_find(registry, state->u.task.action);
		if (action == NULL || action->iam_actions == NULL)
			continue;
		for (const char *const *iam = action->iam_actions; *iam != NULL; iam++)
			policy_add_action(list, *iam);
		needs_config = needs_config || action->needs_aws;
	}
	/* The start of a run or a worker looks up what the configuration names. */
	for (const char *const *iam = online_check_iam_actions; needs_config && *iam != NULL; iam++)
		policy_add_action(list, *iam);
}

/* Takes resource: an ARN, or a list of them. */
static void
policy_add_statement(
    json_t *statements, const char *sid, const char *const *actions, size_t count, json_t *resource)
{
	json_t *statement = json_object();
	json_t *list = json_array();

	jsonx_put_string(statement, "Sid", sid);
	jsonx_put_string(statement, "Effect", "Allow");
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(actions[i]));
	json_object_set_new(statement, "Action", list);
	json_object_set_new(statement, "Resource", resource);
	json_array_append_new(statements, statement);
}

static const char *const role_actions[] = {"sts:AssumeRole"};
#define ANY_ROLE "arn:*:iam::*:role/*"

/* True if some Task of the definition may take a role of another account. */
static bool
policy_takes_roles(const json_t *value)
{
	static const char prefix[] = "tmflow:";
	const char *resource = jsonx_get_string(value, "Resource");
	const json_t *arguments = json_object_get(value, "Arguments");
	const char *key;
	json_t *member;
	size_t i;

	if (arguments == NULL)
		arguments = json_object_get(value, "Parameters");
	if (resource != NULL && strncmp(resource, prefix, sizeof(prefix) - 1) == 0 &&
	    mirror_task_takes_roles(resource + sizeof(prefix) - 1, arguments))
		return true;
	json_object_foreach ((json_t *)value, key, member)
		if (policy_takes_roles(member))
			return true;
	json_array_foreach (value, i, member)
		if (policy_takes_roles(member))
			return true;
	return false;
}

static void
policy_add_role(json_t *resources, const char *template, const char *account_id)
{
	char *arn = arn_fill_in(template, account_id, "*");

	if (arn != NULL)
		json_array_append_new(resources, json_string(arn));
	free(arn);
}

/* As the configuration names it, in its accounts or in any; without a configuration any role that
 * lets us in. An empty list of accounts makes no statement. */
static void
policy_add_roles(json_t *statements, const struct mirror_config *config)
{
	const struct config_guardduty *guardduty =
	    config != NULL ? mirror_config_guardduty(config) : NULL;
	const char *template = guardduty != NULL ? guardduty->role_arn : ANY_ROLE;
	const json_t *accounts = guardduty != NULL ? guardduty->accounts : NULL;
	json_t *resources = json_array();
	char id[ARN_ACCOUNT_DIGITS + 1];
	json_t *account;
	size_t i;

	json_array_foreach (accounts, i, account)
		if (arn_account_of(account, id))
			policy_add_role(resources, template, id);
	if (accounts == NULL)
		policy_add_role(resources, template, "*");
	if (json_array_size(resources) > 0)
		policy_add_statement(statements, "TmflowRoles", role_actions,
		    sizeof(role_actions) / sizeof(role_actions[0]),
		    json_array_size(resources) == 1 ? json_incref(json_array_get(resources, 0))
						    : json_incref(resources));
	json_decref(resources);
}

/*
 * Of the EC2 actions, describes take no resource at all, and the others act on what does not
 * exist yet: hence "*" there.
 */
static json_t *
policy_document(const struct asl_machine *machine, const struct tmf_registry *registry,
    const struct mirror_config *config, const char *activity_arn)
{
	struct iam_list list = {.count = 0};
	json_t *document = json_object();
	json_t *statements = json_array();

	policy_collect(&list, machine, registry);
	jsonx_put_string(document, "Version", POLICY_VERSION);
	if (list.count > 0)
		policy_add_statement(
		    statements, "TmflowActions", list.at, list.count, json_string("*"));
	if (policy_takes_roles(asl_machine_json(machine)))
		policy_add_roles(statements, config);
	if (activity_arn != NULL) {
		policy_add_statement(statements, "TmflowActivity", activity_actions,
		    sizeof(activity_actions) / sizeof(activity_actions[0]),
		    json_string(activity_arn));
		policy_add_statement(statements, "TmflowTasks", task_actions,
		    sizeof(task_actions) / sizeof(task_actions[0]), json_string("*"));
	}
	json_object_set_new(document, "Statement", statements);
	return document;
}

/* --- the definition --- */

static json_t *
export_definition(const struct asl_machine *machine, const json_t *scripts,
    const struct cli_opts *opts, struct tmf_err *err)
{
	const bool activity = opts->activity_arn != NULL;
	const struct asl_export_opts how = {
	    .kind = activity ? ASL_EXPORT_ACTIVITY : ASL_EXPORT_FUNCTION,
	    .resource = activity ? opts->activity_arn : opts->lambda_arn,
	    .distributed = opts->distributed,
	};
	json_t *exported;

	if (opts->distributed && asl_export_check_distributed(machine, err) < 0)
		return NULL;
	exported = asl_export(machine, &how);
	exported = scripts_inline(exported, scripts);
	if (jsonx_text_fits(exported, ASL_EXPORT_BYTES_MAX))
		return exported;
	json_decref(exported);
	tmf_err_set(err, TMF_ERR_LIMIT,
	    "the definition is too long for Step Functions, which takes at most %u bytes of JSON",
	    ASL_EXPORT_BYTES_MAX);
	return NULL;
}

/*
 * The configuration of the policy, where one is given. Returns 0, or says why not and gives the
 * exit code.
 */
static int
export_read_config(const struct cli_opts *opts, struct mirror_config **ret_config)
{
	struct tmf_err err = {0};
	struct diag_list diags;
	struct doc *doc;

	*ret_config = NULL;
	if (opts->config == NULL)
		return EXIT_OK;
	doc = doc_read(opts->config, &err);
	if (doc == NULL)
		return cli_fail_take(opts->output, &err);
	diag_list_init(&diags, doc);
	*ret_config = mirror_config_load(doc, &diags);
	if (*ret_config == NULL)
		cli_fail_diags(opts->output, &diags);
	diag_list_fini(&diags);
	doc_free(doc);
	return *ret_config != NULL ? EXIT_OK : EXIT_INVALID;
}

/*
 * Faults of the command line are found before any file is read. A definition without an ARN would
 * have tasks that Step Functions cannot run.
 */
static int
export_check_options(const struct cli_opts *opts, struct tmf_err *err)
{
	struct arn arn = {0};

	if (opts->activity_arns.count > 1)
		return tmf_err_set(err, TMF_ERR_INVALID, "--activity-arn: given twice");
	if (opts->activity_arn != NULL && opts->lambda_arn != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "give --activity-arn or --lambda-arn, not both");
	if (opts->activity_arn == NULL && opts->lambda_arn == NULL && !opts->iam_policy)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "missing target of the tasks: give --activity-arn ARN or --lambda-arn ARN");
	if (opts->config != NULL && !opts->iam_policy)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--config: only with --iam-policy, definitions do not depend on it");
	if (opts->activity_arn != NULL && arn_parse_activity(opts->activity_arn, &arn, err) < 0)
		return tmf_err_prefix(err, "--activity-arn");
	if (opts->lambda_arn != NULL && arn_parse_function(opts->lambda_arn, &arn, err) < 0)
		return tmf_err_prefix(err, "--lambda-arn");
	return 0;
}

/* Writes one JSON document, whatever -o says: that is what the command is for. */
static int
export_write(
    const struct cli_opts *opts, struct tmf_registry *registry, const struct mirror_config *config)
{
	json_t *scripts = NULL;
	struct asl_machine *machine =
	    definition_read(opts->args[0], registry, opts->output, &scripts);
	struct tmf_err err = {0};
	json_t *document;

	if (machine == NULL)
		return EXIT_INVALID;
	document = opts->iam_policy ? policy_document(machine, registry, config, opts->activity_arn)
				    : export_definition(machine, scripts, opts, &err);
	if (document != NULL)
		cli_print_json(document);
	asl_machine_unref(machine);
	json_decref(document);
	json_decref(scripts);
	return document != NULL ? EXIT_OK : cli_fail_take(opts->output, &err);
}

int
cmd_export(const struct cli_opts *opts)
{
	struct tmf_registry *registry;
	struct mirror_config *config = NULL;
	struct tmf_err err = {0};
	int code;

	if (export_check_options(opts, &err) < 0)
		return cli_fail_take(opts->output, &err);
	code = export_read_config(opts, &config);
	if (code != EXIT_OK)
		return code;
	registry = tmf_registry_new();
	actions_register(registry, NULL);
	code = export_write(opts, registry, config);
	tmf_registry_free(registry);
	mirror_config_free(config);
	return code;
}
