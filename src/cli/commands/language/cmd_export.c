#include "cli/commands/commands.h"

#include "asl/export/export.h"
#include "aws/arn.h"
#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/commands/language/policy.h"
#include "cli/run/definition.h"
#include "cli/run/scripts.h"
#include "mirror/actions/actions.h"
#include "mirror/config/config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

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

/* worker, listen and destroy have no --organization. */
static int
export_check_places(const struct cli_opts *opts, struct tmf_err *err)
{
	static const char *const takers[] = {"run", "reconcile", "coverage", "audit", "doctor"};
	const char *command = opts->for_command != NULL ? opts->for_command : "run";
	const bool arn = opts->assume_role != NULL && strncmp(opts->assume_role, "arn:", 4) == 0;
	bool takes = !opts->organization;

	if ((opts->organization || opts->assume_role != NULL) && !opts->iam_policy)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--organization and --assume-role: only with --iam-policy");
	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
		takes = takes || strcmp(command, takers[i]) == 0;
	if (!takes)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--organization: only --for run, reconcile, coverage, audit or doctor; %s "
		    "does not take it",
		    command);
	if (opts->assume_role != NULL && !arn && !opts->organization)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--assume-role: needs an ARN, such as arn:aws:iam::{account}:role/tmflow; a "
		    "name only with --organization");
	if (arn && opts->organization && strstr(opts->assume_role, "{account}") == NULL)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--assume-role: with --organization a name, or an ARN with {account} in it");
	return 0;
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
	if ((opts->for_command != NULL || opts->region != NULL) && !opts->iam_policy)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--for and --region: only with --iam-policy");
	if (opts->config != NULL && !opts->iam_policy)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--config: only with --iam-policy, definitions do not depend on it");
	if (opts->activity_arn != NULL && arn_parse_activity(opts->activity_arn, &arn, err) < 0)
		return tmf_err_prefix(err, "--activity-arn");
	if (opts->lambda_arn != NULL && arn_parse_function(opts->lambda_arn, &arn, err) < 0)
		return tmf_err_prefix(err, "--lambda-arn");
	return export_check_places(opts, err);
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
	const struct policy_opts policy = {
	    .registry = registry,
	    .machine = machine,
	    .config = config,
	    .region = opts->region,
	    .command = opts->for_command,
	    .activity_arn = opts->activity_arn,
	    .organization = opts->organization,
	    .assume_role = opts->assume_role,
	};

	document = opts->iam_policy ? policy_document(&policy, &err)
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
