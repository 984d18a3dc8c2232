#include "cli/subcommands.h"

#include "cli/commands/commands.h"

#include <string.h>

/*
 * The options that each subcommand takes, so that a script can set the output and the log without
 * knowledge of the subcommand. An option outside a subcommand's set is an error, not ignored: a
 * --region without effect would make the operator believe that it had one.
 */
#define OPTIONS_COMMON                                                                             \
	(OPTION_BIT(OUTPUT) | OPTION_BIT(COLOR) | OPTION_BIT(LOG_LEVEL) | OPTION_BIT(LOG_FORMAT) | \
	    OPTION_BIT(HELP))
/* --state-dir belongs to those that read or write the record of runs. */
#define OPTIONS_STORE (OPTIONS_COMMON | OPTION_BIT(STATE_DIR))
/*
 * How AWS is reached, and as whom. The region is not part of it, because a resumed run has its
 * region from its record.
 */
#define OPTIONS_AWS                                                                                \
	(OPTION_BIT(PROFILE) | OPTION_BIT(ASSUME_ROLE) | OPTION_BIT(EXTERNAL_ID) |                 \
	    OPTION_BIT(MFA_TOKEN) | OPTION_BIT(ENDPOINT_URL) | OPTION_BIT(DEBUG_HTTP))
/* All accounts of an organization, and how far that is. */
#define OPTIONS_ORGANIZATION                                                                       \
	(OPTION_BIT(ORGANIZATION) | OPTION_BIT(UNIT) | OPTION_BIT(EXCLUDE) | OPTION_BIT(QUIET))
/* Of those that run until they are stopped. */
#define OPTIONS_SERVE                                                                              \
	(OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |                     \
	    OPTION_BIT(REGION) | OPTION_BIT(NO_CHECKPOINT) | OPTION_BIT(WORKFLOWS) |               \
	    OPTION_BIT(POLLERS) | OPTION_BIT(CONCURRENCY) | OPTION_BIT(HEALTH_FILE) |              \
	    OPTION_BIT(NO_ONLINE_CHECK) | OPTION_BIT(RETENTION) | OPTION_BIT(METRICS_LISTEN))

/*
 * The help lists them in this order within their groups. Examples are whole commands, so that they
 * can be pasted. args_max of -1 means any number.
 */
const struct subcommand cli_subcommands[] = {
    {
	.name = "run",
	.group = GROUP_RUN,
	.args = "WORKFLOW",
	.summary = "run a workflow from its start",
	.examples = "tmflow run workflows/backfill.yaml --region eu-west-1 --dry-run\n"
		    "tmflow run workflows/backfill.yaml --config config/eu-west-1.yaml",
	.args_min = 1,
	.args_max = 1,
	.options = OPTION_BIT(METRICS_FILE) | OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(INPUT) |
		   OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) | OPTION_BIT(REGION) |
		   OPTIONS_ORGANIZATION | OPTION_BIT(ACCOUNT) | OPTION_BIT(ACCOUNTS) |
		   OPTION_BIT(RUN_ID) | OPTION_BIT(NO_CHECKPOINT) | OPTION_BIT(HISTORY) |
		   OPTION_BIT(DRY_RUN) | OPTION_BIT(DETAILED_EXITCODE) |
		   OPTION_BIT(NO_ONLINE_CHECK) | OPTION_BIT(PRUNE) | OPTION_BIT(PRUNE_LIMIT) |
		   OPTION_BIT(TRUST_TAGS) | OPTION_BIT(SET) | OPTION_BIT(SET_FILE) |
		   OPTION_BIT(MOCK) | OPTION_BIT(TEST_CASE),
	.run = cmd_run,
    },
    {
	/*
	 * No --config, --hook, --region or --input: a resumed run takes them from its record, and
	 * must go on by the definition that it began with.
	 */
	.name = "resume",
	.group = GROUP_RUN,
	.args = "RUN-ID",
	.summary = "continue an interrupted or failed run, or retry what failed in it",
	.examples = "tmflow resume @latest\n"
		    "tmflow resume @latest --retry-failed",
	.args_min = 1,
	.args_max = 1,
	.options = OPTION_BIT(METRICS_FILE) | OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(HISTORY) |
		   OPTION_BIT(QUIET) | OPTION_BIT(RETRY_FAILED) | OPTION_BIT(PRUNE_LIMIT),
	.run = cmd_resume,
    },
    {
	.name = "runs",
	.group = GROUP_RUN,
	.args = "",
	.summary = "list the runs, newest first, or remove old ones",
	.examples = "tmflow runs --status failed --since 7d\n"
		    "tmflow runs --workflow backfill --limit 10\n"
		    "tmflow runs --prune --older-than 30d",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_STORE | OPTION_BIT(STATUS) | OPTION_BIT(SINCE) | OPTION_BIT(UNTIL) |
		   OPTION_BIT(WORKFLOW) | OPTION_BIT(LIMIT) | OPTION_BIT(PRUNE_RUNS) |
		   OPTION_BIT(OLDER_THAN),
	.run = cmd_runs,
    },
    {
	.name = "show",
	.group = GROUP_RUN,
	.args = "RUN-ID",
	.summary = "show a run and the outcomes of its instances",
	.examples = "tmflow show @latest\n"
		    "tmflow show @latest --follow\n"
		    "tmflow show @latest --failed -o jsonl\n"
		    "tmflow show @latest -o html --output-file run.html",
	.args_min = 1,
	.args_max = 1,
	.outputs = OUTPUT_BIT(HTML),
	.options = OPTIONS_STORE | OPTION_BIT(FOLLOW) | OPTION_BIT(FAILED) | OPTION_BIT(OUTCOMES) |
		   OPTION_BIT(HISTORY) | OPTION_BIT(CHILD) | OPTION_BIT(OUTPUT_FILE),
	.run = cmd_show,
    },
    {
	.name = "stop",
	.group = GROUP_RUN,
	.args = "RUN-ID",
	.summary = "interrupt a running run, so that it can be resumed",
	.examples = "tmflow stop @latest",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE,
	.run = cmd_stop,
    },
    {
	.name = "ui",
	.group = GROUP_RUN,
	.args = "",
	.summary = "show runs as a live page, read-only",
	.examples = "tmflow ui --open\ntmflow ui --listen 127.0.0.1:8080",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_STORE | OPTION_BIT(LISTEN) | OPTION_BIT(OPEN),
	.run = cmd_ui,
    },
    {
	.name = "init",
	.group = GROUP_CHECK,
	.args = "",
	.summary = "write a configuration with what the account has as choices",
	.examples = "tmflow init --region eu-west-1\n"
		    "tmflow init --profile production --output-file -",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_COMMON | OPTIONS_AWS | OPTION_BIT(REGION) | OPTION_BIT(OUTPUT_FILE) |
		   OPTION_BIT(FORCE),
	.run = cmd_init,
    },
    {
	/*
	 * No options of AWS: a file is checked without credentials, as in a commit hook or a CI
	 * job.
	 */
	.name = "validate",
	.group = GROUP_CHECK,
	.args = "FILE...",
	.summary = "check workflows, configurations and hooks",
	.examples = "tmflow validate workflows config\n"
		    "tmflow validate config/eu-west-1.yaml --online --region eu-west-1",
	.args_min = 1,
	.args_max = -1,
	.options = OPTIONS_COMMON | OPTIONS_AWS | OPTION_BIT(REGION) | OPTION_BIT(ONLINE) |
		   OPTION_BIT(HOOK) | OPTION_BIT(SET) | OPTION_BIT(SET_FILE),
	.run = cmd_validate,
    },
    {
	.name = "explain",
	.group = GROUP_CHECK,
	.args = "INSTANCE-ID",
	.summary = "show which rule applies to an instance and why",
	.examples = "tmflow explain i-0123456789abcdef0 --region eu-west-1",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |
		   OPTION_BIT(REGION),
	.run = cmd_explain,
    },
    {
	.name = "doctor",
	.group = GROUP_CHECK,
	.args = "[WORKFLOW]",
	.summary = "check that mirroring will work, before anything is changed",
	.examples = "tmflow doctor --region eu-west-1\n"
		    "tmflow doctor workflows/backfill.yaml --config config/eu-west-1.yaml -o json\n"
		    "tmflow doctor --organization --assume-role tmflow --region eu-west-1",
	.args_min = 0,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |
		   OPTION_BIT(REGION) | OPTION_BIT(ACCOUNT) | OPTION_BIT(ACCOUNTS) |
		   OPTIONS_ORGANIZATION,
	.run = cmd_doctor,
    },
    {
	.name = "audit",
	.group = GROUP_CHECK,
	.args = "",
	.summary = "find mirroring by others, and mirroring that is a risk or a waste",
	.examples = "tmflow audit --region eu-west-1\n"
		    "tmflow audit --accounts accounts.yaml --events --fail-on high -o sarif\n"
		    "tmflow audit --organization --assume-role tmflow-audit",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_COMMON | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |
		   OPTION_BIT(REGION) | OPTION_BIT(ACCOUNT) | OPTION_BIT(ACCOUNTS) |
		   OPTIONS_ORGANIZATION | OPTION_BIT(FAIL_ON) | OPTION_BIT(EVENTS) |
		   OPTION_BIT(SUPPRESS) | OPTION_BIT(PRICE) | OPTION_BIT(METRICS_FILE),
	.outputs = OUTPUT_BIT(CSV) | OUTPUT_BIT(SARIF),
	.run = cmd_audit,
    },
    {
	.name = "coverage",
	.group = GROUP_CHECK,
	.args = "",
	.summary = "show what share is mirrored, and why the rest is not",
	.examples = "tmflow coverage --region eu-west-1 --min 95\n"
		    "tmflow coverage --run @latest --by rule,type\n"
		    "tmflow coverage --accounts accounts.yaml -o html > coverage.html\n"
		    "tmflow coverage --organization --assume-role tmflow --by account",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_ORGANIZATION | OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) |
		   OPTION_BIT(HOOK) | OPTION_BIT(REGION) | OPTION_BIT(ACCOUNT) |
		   OPTION_BIT(ACCOUNTS) | OPTION_BIT(BY) | OPTION_BIT(MIN) | OPTION_BIT(RUN) |
		   OPTION_BIT(PRICE) | OPTION_BIT(METRICS_FILE),
	.outputs = OUTPUT_BIT(CSV) | OUTPUT_BIT(HTML),
	.run = cmd_coverage,
    },
    {
	.name = "store",
	.group = GROUP_CHECK,
	.args = "check",
	.summary = "check the state directory for damage",
	.examples = "tmflow store check",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE,
	.run = cmd_store,
    },
    {
	.name = "config",
	.group = GROUP_CHECK,
	.args = "",
	.summary = "show each setting and where it comes from",
	.examples = "tmflow config --profile production\n"
		    "tmflow config -o json",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) |
		   OPTION_BIT(REGION),
	.run = cmd_config,
    },
    {
	.name = "completion",
	.group = GROUP_CHECK,
	.args = "SHELL",
	.summary = "print what completes tmflow in bash, zsh or fish",
	.examples = "eval \"$(tmflow completion bash)\"\n"
		    "tmflow completion fish | source",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_COMMON,
	.run = cmd_completion,
    },
    {
	/* No --config: what tmflow made is found by its tags. */
	.name = "destroy",
	.group = GROUP_CHECK,
	.args = "",
	.summary = "list what tmflow made in a region, or remove it",
	.examples = "tmflow destroy --region eu-west-1\n"
		    "tmflow destroy --region eu-west-1 --yes",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(REGION) | OPTION_BIT(YES) |
		   OPTION_BIT(TRUST_TAGS),
	.run = cmd_destroy,
    },
    {
	.name = "actions",
	.group = GROUP_WRITE,
	.args = "[NAME]",
	.summary = "list the native actions with their fields",
	.examples = "tmflow actions\n"
		    "tmflow actions ensure-session",
	.args_min = 0,
	.args_max = 1,
	.options = OPTIONS_COMMON,
	.run = cmd_actions,
    },
    {
	.name = "eval",
	.group = GROUP_WRITE,
	.args = "[EXPRESSION]",
	.summary = "evaluate one JSONata or JSONPath expression",
	.examples = "tmflow eval '$sum(orders.(price * quantity))' --input orders.json\n"
		    "tmflow eval '$.a[0]' --input a.json --query-language jsonpath",
	.args_min = 0,
	.args_max = 1,
	.options = OPTIONS_COMMON | OPTION_BIT(INPUT) | OPTION_BIT(VARIABLES) |
		   OPTION_BIT(QUERY_LANGUAGE) | OPTION_BIT(STATES) | OPTION_BIT(BATCH),
	.run = cmd_eval,
    },
    {
	.name = "test-state",
	.group = GROUP_WRITE,
	.args = "FILE [STATE]",
	.summary = "run one state with an input and a mocked result",
	.examples = "tmflow test-state workflows/backfill.yaml DescribePage --mock page.json\n"
		    "tmflow test-state w.yaml Check --input '{\"n\": 3}' --inspection-level DEBUG",
	.args_min = 1,
	.args_max = 2,
	.options = OPTIONS_COMMON | OPTIONS_AWS | OPTION_BIT(INPUT) | OPTION_BIT(MOCK) |
		   OPTION_BIT(CONTEXT) | OPTION_BIT(STATE_CONFIGURATION) |
		   OPTION_BIT(INSPECTION_LEVEL) | OPTION_BIT(EXECUTE) | OPTION_BIT(VARIABLES) |
		   OPTION_BIT(CONFIG) | OPTION_BIT(HOOK) | OPTION_BIT(REGION) | OPTION_BIT(SET) |
		   OPTION_BIT(SET_FILE),
	.run = cmd_test_state,
    },
    {
	/* --state-dir serves --run only. A drawing without a run opens no store. */
	.name = "graph",
	.group = GROUP_WRITE,
	.args = "WORKFLOW",
	.summary = "draw a workflow, colored by what a run did",
	.examples = "tmflow graph workflows/backfill.yaml --format svg > backfill.svg\n"
		    "tmflow graph workflows/backfill.yaml --run @latest | dot -Tpng > run.png",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTION_BIT(FORMAT) | OPTION_BIT(RUN),
	.run = cmd_graph,
    },
    {
	.name = "export",
	.group = GROUP_WRITE,
	.args = "WORKFLOW",
	.summary = "write a workflow or its policy for Step Functions",
	.examples = "tmflow export workflows/backfill.yaml --lambda-arn ARN > backfill.asl.json\n"
		    "tmflow export workflows/backfill.yaml --iam-policy\n"
		    "tmflow export workflows/backfill.yaml --iam-policy --organization",
	.args_min = 1,
	.args_max = 1,
	.options = OPTIONS_COMMON | OPTION_BIT(ACTIVITY_ARN) | OPTION_BIT(LAMBDA_ARN) |
		   OPTION_BIT(IAM_POLICY) | OPTION_BIT(FOR) | OPTION_BIT(REGION) |
		   OPTION_BIT(DISTRIBUTED) | OPTION_BIT(CONFIG) | OPTION_BIT(ORGANIZATION) |
		   OPTION_BIT(ASSUME_ROLE),
	.run = cmd_export,
    },
    {
	.name = "worker",
	.group = GROUP_SERVE,
	.args = "",
	.summary = "run the tasks of Step Functions activities",
	.examples = "tmflow worker --activity-arn ARN --config config/us-east-1.yaml",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_SERVE | OPTION_BIT(ACTIVITY_ARN) | OPTION_BIT(HEARTBEAT),
	.run = cmd_worker,
    },
    {
	.name = "listen",
	.group = GROUP_SERVE,
	.args = "",
	.summary = "run workflows for EventBridge events from SQS",
	.examples = "tmflow listen --queue-url URL --config config/us-east-1.yaml\n"
		    "tmflow listen --queue-url URL --reconcile 15m --health-file /run/up",
	.args_min = 0,
	.args_max = 0,
	.options = OPTIONS_SERVE | OPTION_BIT(QUEUE_URL) | OPTION_BIT(VISIBILITY) |
		   OPTION_BIT(ON_LAUNCH) | OPTION_BIT(ON_GUARDDUTY) | OPTION_BIT(RECONCILE),
	.run = cmd_listen,
    },
    {
	/* No --run-id, --dry-run or --input: each round is a run of its own, and a real one. */
	.name = "reconcile",
	.group = GROUP_SERVE,
	.args = "[WORKFLOW]",
	.summary = "run the backfill again and again, on a schedule",
	.examples = "tmflow reconcile --every 15m --region eu-west-1\n"
		    "tmflow reconcile --every 1h --accounts accounts.yaml --retention 30d\n"
		    "tmflow reconcile --every 1h --organization --assume-role tmflow",
	.args_min = 0,
	.args_max = 1,
	.options = OPTIONS_STORE | OPTIONS_AWS | OPTION_BIT(EVERY) | OPTION_BIT(CONFIG) |
		   OPTION_BIT(HOOK) | OPTION_BIT(REGION) | OPTION_BIT(ACCOUNT) |
		   OPTION_BIT(ACCOUNTS) | OPTION_BIT(ORGANIZATION) | OPTION_BIT(UNIT) |
		   OPTION_BIT(EXCLUDE) | OPTION_BIT(NO_CHECKPOINT) | OPTION_BIT(HISTORY) |
		   OPTION_BIT(PRUNE) | OPTION_BIT(PRUNE_LIMIT) | OPTION_BIT(NO_ONLINE_CHECK) |
		   OPTION_BIT(HEALTH_FILE) | OPTION_BIT(RETENTION) | OPTION_BIT(SET) |
		   OPTION_BIT(SET_FILE) | OPTION_BIT(METRICS_LISTEN),
	.run = cmd_reconcile,
    },
    {
	/* A function has no command line: Lambda starts its runtime without arguments. */
	.name = "lambda",
	.group = GROUP_SERVE,
	.args = "",
	.summary = "run as an AWS Lambda custom runtime",
	.examples = "ln -s tmflow bootstrap    # in the zip file: tmflow runs as its own runtime",
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
