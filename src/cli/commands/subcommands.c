#include "cli/cli.h"

#include <string.h>

#define OPTIONS_COMMON                                                                             \
	(OPTION_BIT(OUTPUT) | OPTION_BIT(LOG_LEVEL) | OPTION_BIT(LOG_FORMAT) | OPTION_BIT(HELP))
#define OPTIONS_STORE (OPTIONS_COMMON | OPTION_BIT(STATE_DIR))
#define OPTIONS_AWS                                                                                \
	(OPTION_BIT(PROFILE) | OPTION_BIT(ASSUME_ROLE) | OPTION_BIT(EXTERNAL_ID) |                 \
	    OPTION_BIT(ENDPOINT_URL) | OPTION_BIT(DEBUG_HTTP))
/* Of those that stay and do what comes. */
#define OPTIONS_SERVE                                                                              \
	(OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |                     \
	    OPTION_BIT(REGION) | OPTION_BIT(NO_CHECKPOINT) | OPTION_BIT(WORKFLOWS) |               \
	    OPTION_BIT(POLLERS) | OPTION_BIT(CONCURRENCY) | OPTION_BIT(HEALTH_FILE))

const struct subcommand cli_subcommands[] = {
    {
	.name = "run",
	.args = "WORKFLOW",
	.summary = "run a workflow from its start",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(INPUT) | OPTION_BIT(CONFIG) |
		   OPTION_BIT(HOOK) | OPTION_BIT(REGION) | OPTION_BIT(ACCOUNT) |
		   OPTION_BIT(ACCOUNTS) | OPTION_BIT(RUN_ID) | OPTION_BIT(NO_CHECKPOINT) |
		   OPTION_BIT(HISTORY) | OPTION_BIT(QUIET) | OPTION_BIT(DRY_RUN) |
		   OPTION_BIT(DETAILED_EXITCODE),
	.run = cmd_run,
    },
    {
	.name = "resume",
	.args = "RUN-ID",
	.summary = "go on with a run that was interrupted or killed, or retry what failed",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(HISTORY) | OPTION_BIT(QUIET) |
		   OPTION_BIT(RETRY_FAILED),
	.run = cmd_resume,
    },
    {
	.name = "runs",
	.args = "",
	.summary = "list the runs, newest first",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_STORE | OPTION_BIT(STATUS) | OPTION_BIT(SINCE),
	.run = cmd_runs,
    },
    {
	.name = "show",
	.args = "RUN-ID",
	.summary = "show a run and what became of its instances",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTION_BIT(FAILED) | OPTION_BIT(OUTCOMES) | OPTION_BIT(HISTORY),
	.run = cmd_show,
    },
    {
	.name = "validate",
	.args = "FILE...",
	.summary = "check workflows and configurations",
	.args_min = 1,
	.args_max = -1,
	.options = OPTIONS_COMMON,
	.run = cmd_validate,
    },
    {
	.name = "explain",
	.args = "INSTANCE-ID",
	.summary = "which rule takes an instance, why the others do not, and its sessions",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |
		   OPTION_BIT(REGION),
	.run = cmd_explain,
    },
    {
	.name = "destroy",
	.args = "",
	.summary = "list what tmflow made in the region, and with --yes remove it",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(REGION) | OPTION_BIT(YES),
	.run = cmd_destroy,
    },
    {
	.name = "actions",
	.args = "[NAME]",
	.summary = "list the native actions with their fields",
	.args_min = 0,
	.args_max = 1,
	.options = OPTIONS_COMMON,
	.run = cmd_actions,
    },
    {
	.name = "test-state",
	.args = "WORKFLOW STATE",
	.summary = "try one state, with an input and perhaps a made-up result",
	.args_min = 2,
	.args_max = 2,
	.options = OPTIONS_COMMON | OPTIONS_AWS | OPTION_BIT(INPUT) | OPTION_BIT(MOCK) |
		   OPTION_BIT(INSPECTION_LEVEL) | OPTION_BIT(EXECUTE) | OPTION_BIT(VARIABLES) |
		   OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) | OPTION_BIT(REGION),
	.run = cmd_test_state,
    },
    {
	.name = "graph",
	.args = "WORKFLOW",
	.summary = "draw the workflow, coloured by a run where one is given",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTION_BIT(FORMAT) | OPTION_BIT(RUN),
	.run = cmd_graph,
    },
    {
	.name = "export",
	.args = "WORKFLOW",
	.summary = "the workflow for Step Functions, or the IAM policy that it needs",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_COMMON | OPTION_BIT(ACTIVITY_ARN) | OPTION_BIT(LAMBDA_ARN) |
		   OPTION_BIT(IAM_POLICY) | OPTION_BIT(DISTRIBUTED) | OPTION_BIT(CONFIG),
	.run = cmd_export,
    },
    {
	.name = "worker",
	.args = "",
	.summary = "do the tasks of Step Functions activities",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_SERVE | OPTION_BIT(ACTIVITY_ARN) | OPTION_BIT(HEARTBEAT),
	.run = cmd_worker,
    },
    {
	.name = "listen",
	.args = "",
	.summary = "run workflows for the EventBridge events of an SQS queue",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_SERVE | OPTION_BIT(QUEUE_URL) | OPTION_BIT(VISIBILITY) |
		   OPTION_BIT(ON_LAUNCH) | OPTION_BIT(ON_GUARDDUTY),
	.run = cmd_listen,
    },
    {
	.name = "lambda",
	.args = "",
	.summary = "be the runtime of an AWS Lambda function",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_COMMON | OPTION_BIT(DEBUG_HTTP),
	.run = cmd_lambda,
    },
    {.name = NULL},
};
_Static_assert(sizeof(cli_subcommands) / sizeof(cli_subcommands[0]) <= CLI_SUBCOMMANDS_MAX + 1,
    "raise CLI_SUBCOMMANDS_MAX");

const struct subcommand *
cli_subcommand_find(const char *name)
{
	for (const struct subcommand *c = cli_subcommands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}
