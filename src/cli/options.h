#ifndef TMFLOW_CLI_OPTIONS_H
#define TMFLOW_CLI_OPTIONS_H

#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The options of all subcommands: one table, from which they are parsed and help is printed. */

/* The first three are every subcommand's; its row says which of the others it has. */
enum cli_output {
	OUTPUT_TEXT,
	OUTPUT_JSON,
	OUTPUT_JSONL,
	OUTPUT_HTML,
	OUTPUT_CSV,
	OUTPUT_SARIF,
};
#define OUTPUT_COUNT 6

/* True for the forms in which a fault is a JSON document as well: a page or table of it would be
 * none. */
static inline bool
cli_output_is_json(enum cli_output output)
{
	return output == OUTPUT_JSON || output == OUTPUT_JSONL;
}

/* One bit a form, for the row of a subcommand. */
#define OUTPUT_BIT(id) (1u << OUTPUT_##id)

#define CLI_LIST_MAX 32

/* The values of an option that may be given several times. */
struct cli_list {
	const char *at[CLI_LIST_MAX];
	size_t count;
};

/* Values of all options; a subcommand's row says which of them it takes. */
struct cli_opts {
	enum cli_output output;
	const char *input;
	const char *config;
	const char *hook;
	const char *region;
	const char *profile;
	const char *assume_role;
	const char *external_id;
	const char *mfa_token;
	const char *account;
	const char *accounts;
	const char *unit;
	const char *exclude;
	const char *endpoint_url;
	const char *run_id;
	const char *prune_limit;
	const char *state_dir;
	const char *status;
	const char *since;
	const char *until;
	const char *workflow;
	const char *limit;
	const char *older_than;
	const char *retention;
	const char *every;
	const char *reconcile;
	const char *color;
	const char *activity_arn; /* the first of activity_arns */
	struct cli_list activity_arns;
	const char *lambda_arn;
	const char *workflows;
	const char *pollers;
	const char *concurrency;
	const char *heartbeat;
	const char *health_file;
	const char *listen;
	const char *queue_url;
	const char *visibility;
	const char *on_launch;
	const char *on_guardduty;
	const char *log_level;
	const char *log_format;
	const char *format;
	const char *run;
	const char *by;
	const char *min;
	const char *mock;
	const char *test_case;
	const char *set; /* the first of sets */
	struct cli_list sets;
	const char *set_file;
	const char *inspection_level;
	const char *context;
	const char *state_configuration;
	const char *variables;
	const char *query_language;
	const char *output_file;
	const char *child;
	const char *metrics_file;
	const char *metrics_listen;
	const char *fail_on;
	const char *for_command;
	const char *suppress;
	const char *price;
	bool events;
	bool organization;
	bool open;
	bool iam_policy;
	bool distributed;
	bool no_checkpoint;
	bool no_online_check;
	bool online;
	bool failed;
	bool retry_failed;
	bool dry_run;
	bool execute;
	bool prune;
	bool prune_runs;
	bool follow;
	bool trust_tags;
	bool batch;
	bool states;
	bool detailed_exitcode;
	bool yes;
	bool force;
	bool outcomes;
	bool history;
	bool quiet;
	bool debug_http;
	bool help;
	char **args;
	int arg_count;
};

/* How help groups the options of a subcommand. */
#define CLI_OPTION_GROUPS(X)                                                                       \
	X(WHAT, "What to do")                                                                      \
	X(WORK, "Sources of work, and how much at a time")                                         \
	X(RUNS, "Runs and the store")                                                              \
	X(AWS, "AWS")                                                                              \
	X(OUT, "Output")

/* X(id, field of struct cli_opts, name, letter or 0, group, argument or NULL for a flag, help) */
#define CLI_OPTIONS(X)                                                                             \
	X(INPUT, input, "input", 0, WHAT, "FILE",                                                  \
	    "the workflow's input, YAML or JSON; - is standard input")                             \
	X(CONFIG, config, "config", 0, WHAT, "FILE", "what to mirror; default config/REGION.yaml") \
	X(HOOK, hook, "hook", 0, WHAT, "FILE",                                                     \
	    "Lua hook; default the one that the configuration names")                              \
	X(DRY_RUN, dry_run, "dry-run", 0, WHAT, NULL, "change nothing: show what a run would do")  \
	X(DETAILED_EXITCODE, detailed_exitcode, "detailed-exitcode", 0, WHAT, NULL,                \
	    "with --dry-run: exit with 6 if there is something to change")                         \
	X(PRUNE, prune, "prune", 0, WHAT, NULL,                                                    \
	    "remove sessions of the configuration that no rule wants any more")                    \
	X(PRUNE_LIMIT, prune_limit, "prune-limit", 0, WHAT, "N|N%",                                \
	    "stop before removing more than N of them, or N percent; default 10 or 25%")           \
	X(RETRY_FAILED, retry_failed, "retry-failed", 0, WHAT, NULL,                               \
	    "repeat only what failed in a run that has ended")                                     \
	X(MOCK, mock, "mock", 0, WHAT, "FILE", "answers of Tasks, in AWS's place")                 \
	X(TEST_CASE, test_case, "test-case", 0, WHAT, "NAME",                                      \
	    "test case of the --mock file, or MACHINE#NAME; default the only one")                 \
	X(SET, set, "set", 0, WHAT, "NAME=VALUE",                                                  \
	    "value of the workflow's placeholder ${NAME}; may be repeated")                        \
	X(SET_FILE, set_file, "set-file", 0, WHAT, "FILE",                                         \
	    "file of placeholders with their values, YAML or JSON; --set overrides it")            \
	X(EXECUTE, execute, "execute", 0, WHAT, NULL,                                              \
	    "let the action change AWS; without it, changes are made to a copy only")              \
	X(VARIABLES, variables, "variables", 0, WHAT, "JSON",                                      \
	    "the variables that the state or expression sees; or a file with them")                \
	X(CONTEXT, context, "context", 0, WHAT, "JSON",                                            \
	    "the context object $$ that the state sees; or a file with it")                        \
	X(STATE_CONFIGURATION, state_configuration, "state-configuration", 0, WHAT, "JSON",        \
	    "with --mock: retrierRetryCount, mapIterationFailureCount, errorCausedByState")        \
	X(QUERY_LANGUAGE, query_language, "query-language", 0, WHAT, "LANGUAGE",                   \
	    "jsonata (default) or jsonpath")                                                       \
	X(STATES, states, "states", 0, WHAT, NULL,                                                 \
	    "as in a state of Step Functions: the input is $states.input, and what AWS refuses "   \
	    "is refused")                                                                          \
	X(BATCH, batch, "batch", 0, WHAT, NULL,                                                    \
	    "read an {\"id\", \"expr\", \"data\", \"variables\"} a line, write an answer a line")  \
	X(ONLINE, online, "online", 0, WHAT, NULL,                                                 \
	    "look up in AWS what configurations name: targets, filters, images, ...")              \
	X(NO_ONLINE_CHECK, no_online_check, "no-online-check", 0, WHAT, NULL,                      \
	    "start without looking up what the configuration names")                               \
	X(FAIL_ON, fail_on, "fail-on", 0, WHAT, "SEVERITY",                                        \
	    "exit with 7 if a finding is of this severity or above: low, medium, high, critical")  \
	X(EVENTS, events, "events", 0, WHAT, NULL,                                                 \
	    "look up in CloudTrail who created or changed a resource, and when")                   \
	X(SUPPRESS, suppress, "suppress", 0, WHAT, "FILE",                                         \
	    "accepted findings, each with a reason and an expiry date")                            \
	X(PRICE, price, "price", 0, WHAT, "AMOUNT|FILE",                                           \
	    "US dollars for a session and hour, or a file of prices; default an estimate")         \
	X(YES, yes, "yes", 'y', WHAT, NULL,                                                        \
	    "remove the resources; without it, they are only listed")                              \
	X(METRICS_FILE, metrics_file, "metrics-file", 0, WHAT, "FILE",                             \
	    "write the numbers at the end, as OpenMetrics text")                                   \
	X(OUTPUT_FILE, output_file, "output-file", 0, WHAT, "FILE",                                \
	    "file to write in place of standard output")                                           \
	X(FORCE, force, "force", 0, WHAT, NULL, "overwrite the file")                              \
	X(TRUST_TAGS, trust_tags, "trust-tags", 0, WHAT, NULL,                                     \
	    "take tmflow's tags for proof that tmflow made what bears them")                       \
	X(IAM_POLICY, iam_policy, "iam-policy", 0, WHAT, NULL,                                     \
	    "write the IAM policy that the workflow's actions need")                               \
	X(FOR, for_command, "for", 0, WHAT, "COMMAND",                                             \
	    "with --iam-policy: what run (default), reconcile, worker, listen, coverage, audit, "  \
	    "doctor or destroy needs")                                                             \
	X(DISTRIBUTED, distributed, "distributed", 0, WHAT, NULL,                                  \
	    "make Maps distributed: each item an execution of its own, for long backfills")        \
	X(FORMAT, format, "format", 0, WHAT, "FORMAT",                                             \
	    "dot (default), mermaid, or svg (drawn by Graphviz)")                                  \
	X(RUN, run, "run", 0, WHAT, "RUN-ID", "look at this run")                                  \
	X(BY, by, "by", 0, WHAT, "KEYS",                                                           \
	    "group by account, region, vpc (default), subnet, zone, type, rule, target, tag:KEY; " \
	    "several with commas")                                                                 \
	X(MIN, min, "min", 0, WHAT, "PERCENT", "exit with 7 if the coverage is below")             \
	X(ACTIVITY_ARN, activity_arn, "activity-arn", 0, WORK, "ARN",                              \
	    "Step Functions activity of the tasks")                                                \
	X(LAMBDA_ARN, lambda_arn, "lambda-arn", 0, WORK, "ARN",                                    \
	    "Lambda function that runs the tasks")                                                 \
	X(QUEUE_URL, queue_url, "queue-url", 0, WORK, "URL", "SQS queue with EventBridge events")  \
	X(WORKFLOWS, workflows, "workflows", 0, WORK, "DIR",                                       \
	    "directory of the workflows that tasks and events name; default workflows")            \
	X(ON_LAUNCH, on_launch, "on-launch", 0, WORK, "FILE",                                      \
	    "workflow for launched instances; default on-launch.yaml in --workflows")              \
	X(ON_GUARDDUTY, on_guardduty, "on-guardduty", 0, WORK, "FILE",                             \
	    "workflow for GuardDuty findings; default on-guardduty.yaml in --workflows")           \
	X(EVERY, every, "every", 0, WORK, "PERIOD",                                                \
	    "time between the starts of two rounds, a tenth more or less: 15m, 1h, 1d")            \
	X(RECONCILE, reconcile, "reconcile", 0, WORK, "PERIOD",                                    \
	    "also run the backfill, now and each 15m, 1h, 1d, a tenth more or less")               \
	X(POLLERS, pollers, "pollers", 0, WORK, "N", "open polls at a time")                       \
	X(CONCURRENCY, concurrency, "concurrency", 0, WORK, "N",                                   \
	    "polls, tasks or messages in progress at a time")                                      \
	X(HEARTBEAT, heartbeat, "heartbeat", 0, WORK, "SECONDS",                                   \
	    "between heartbeats, at most a third of HeartbeatSeconds; default 20")                 \
	X(VISIBILITY, visibility, "visibility", 0, WORK, "SECONDS",                                \
	    "seconds a received message stays hidden from other consumers, extended while its "    \
	    "run lasts; default 120")                                                              \
	X(LISTEN, listen, "listen", 0, WHAT, "HOST:PORT",                                          \
	    "address of the page, default 127.0.0.1 and a free port")                              \
	X(OPEN, open, "open", 0, WHAT, NULL, "open the page in the desktop's browser")             \
	X(HEALTH_FILE, health_file, "health-file", 0, WORK, "FILE",                                \
	    "file that is touched every 5 s while polls succeed")                                  \
	X(METRICS_LISTEN, metrics_listen, "metrics-listen", 0, WORK, "HOST:PORT",                  \
	    "address that serves /metrics for Prometheus and /healthz for a probe")                \
	X(RUN_ID, run_id, "run-id", 0, RUNS, "ID",                                                 \
	    "id of the new run; default a generated one that sorts by time")                       \
	X(NO_CHECKPOINT, no_checkpoint, "no-checkpoint", 0, RUNS, NULL,                            \
	    "keep nothing: the run cannot be resumed or shown later")                              \
	X(HISTORY, history, "history", 0, RUNS, NULL,                                              \
	    "the run's events, which are kept where they are asked for")                           \
	X(CHILD, child, "child", 0, RUNS, "NUMBER",                                                \
	    "with --history: only what happened in this child of a Map, counted from 0")           \
	X(FAILED, failed, "failed", 0, RUNS, NULL, "list the instances that failed")               \
	X(OUTCOMES, outcomes, "outcomes", 0, RUNS, NULL, "list the outcome of every instance")     \
	X(FOLLOW, follow, "follow", 0, RUNS, NULL,                                                 \
	    "a line for each change until the run is over; exits as it did")                       \
	X(STATUS, status, "status", 0, RUNS, "STATUS",                                             \
	    "only these: RUNNING, KILLED, INTERRUPTED, SUCCEEDED, FAILED, TIMED_OUT or PLANNED "   \
	    "(a dry run)")                                                                         \
	X(SINCE, since, "since", 0, RUNS, "TIME",                                                  \
	    "only runs started since then: 2026-01-15, 2026-01-15T12:00:00Z, 30m, 36h or 7d")      \
	X(UNTIL, until, "until", 0, RUNS, "TIME", "only runs started until then")                  \
	X(WORKFLOW, workflow, "workflow", 0, RUNS, "NAME", "only runs of this workflow")           \
	X(LIMIT, limit, "limit", 0, RUNS, "N", "only the newest N of them")                        \
	X(PRUNE_RUNS, prune_runs, "prune", 0, RUNS, NULL,                                          \
	    "remove the runs that are over and --older-than; those to resume only by --status")    \
	X(OLDER_THAN, older_than, "older-than", 0, RUNS, "AGE", "with --prune: 30d, 12h, 8w")      \
	X(RETENTION, retention, "retention", 0, RUNS, "AGE",                                       \
	    "remove runs that ended longer ago, at the start and each hour; default never")        \
	X(STATE_DIR, state_dir, "state-dir", 0, RUNS, "DIR",                                       \
	    "where runs are kept; default ~/.local/state/tmflow")                                  \
	X(REGION, region, "region", 0, AWS, "REGION", "AWS region; default as in the AWS CLI")     \
	X(ACCOUNT, account, "account", 0, AWS, "IDS",                                              \
	    "account ids, with commas; needs --assume-role with {account} in it")                  \
	X(ACCOUNTS, accounts, "accounts", 0, AWS, "FILE",                                          \
	    "file of accounts with their roles and regions")                                       \
	X(ORGANIZATION, organization, "organization", 0, AWS, NULL,                                \
	    "all active accounts of the organization, in the regions that each has enabled or "    \
	    "those of --region; --assume-role names the role of each account")                     \
	X(UNIT, unit, "unit", 0, AWS, "IDS",                                                       \
	    "with --organization: only accounts below these organizational units, with commas")    \
	X(EXCLUDE, exclude, "exclude", 0, AWS, "IDS",                                              \
	    "with --organization: without these accounts and those below these units")             \
	X(PROFILE, profile, "profile", 0, AWS, "NAME",                                             \
	    "profile in the shared AWS configuration files")                                       \
	X(ASSUME_ROLE, assume_role, "assume-role", 0, AWS, "ARN",                                  \
	    "role to assume with the credentials found")                                           \
	X(EXTERNAL_ID, external_id, "external-id", 0, AWS, "ID",                                   \
	    "external id that the role requires")                                                  \
	X(MFA_TOKEN, mfa_token, "mfa-token", 0, AWS, "CODE",                                       \
	    "code of the MFA device that the profile's role requires; else asked on the terminal") \
	X(ENDPOINT_URL, endpoint_url, "endpoint-url", 0, AWS, "URL",                               \
	    "another endpoint of EC2 and Elastic Load Balancing, such as a simulator's")           \
	X(DEBUG_HTTP, debug_http, "debug-http", 0, AWS, NULL,                                      \
	    "print requests and replies to standard error, without secrets")                       \
	X(OUTPUT, output, "output", 'o', OUT, "FORMAT",                                            \
	    "form of standard output; each subcommand has some of them")                           \
	X(INSPECTION_LEVEL, inspection_level, "inspection-level", 0, OUT, "LEVEL",                 \
	    "INFO (default), DEBUG or TRACE")                                                      \
	X(QUIET, quiet, "quiet", 'q', OUT, NULL, "no progress")                                    \
	X(COLOR, color, "color", 0, OUT, "WHEN",                                                   \
	    "auto (default: on a terminal, without NO_COLOR), always or never")                    \
	X(LOG_LEVEL, log_level, "log-level", 0, OUT, "LEVEL",                                      \
	    "debug, info, warn (default) or error")                                                \
	X(LOG_FORMAT, log_format, "log-format", 0, OUT, "FORMAT",                                  \
	    "logfmt (default), json, ecs: json with the names of Elastic Common Schema, or emf: "  \
	    "json with CloudWatch metrics among the lines")                                        \
	X(HELP, help, "help", 'h', OUT, NULL, "print this help")

enum cli_option {
#define X(id, field, name, letter, group, arg, help) OPTION_##id,
	CLI_OPTIONS(X)
#undef X
	    OPTION_COUNT
};

/* A set of options, one bit each: 64 were not enough. */
typedef unsigned __int128 cli_option_set;

/* One bit an option, so that a subcommand can name its set. */
#define OPTION_BIT(id) CLI_OPTION_BIT(OPTION_##id)

/* The same by its number. */
#define CLI_OPTION_BIT(number) ((cli_option_set)1 << (number))

enum cli_option_group {
#define X(id, title) OPTION_GROUP_##id,
	CLI_OPTION_GROUPS(X)
#undef X
	    OPTION_GROUP_COUNT
};

struct cli_option_row {
	const char *name;
	char letter; /* 0: none */
	enum cli_option_group group;
	const char *arg; /* NULL: a flag */
	const char *help;
	size_t field; /* offset of its value in struct cli_opts */
};

/* By enum cli_option. */
extern const struct cli_option_row cli_options[OPTION_COUNT];

/* What the overview of tmflow --help groups the subcommands by. */
enum subcommand_group { GROUP_RUN, GROUP_CHECK, GROUP_WRITE, GROUP_SERVE, GROUP_COUNT };

struct subcommand {
	const char *name;
	enum subcommand_group group;
	const char *args;     /* "WORKFLOW", as help shows it */
	const char *summary;  /* one line */
	const char *examples; /* one a line, as typed */
	int args_min;
	int args_max; /* -1: any number */
	cli_option_set options;
	unsigned outputs; /* OUTPUT_BIT of the forms beside text, json and jsonl */
	int (*run)(const struct cli_opts *opts);
};

/*
 * Parses what follows the subcommand's name: argv[0] is that name, and the last of argv is NULL.
 * Borrows argv. Errors: TMF_ERR_INVALID with the nearest option as hint.
 */
int cli_options_parse(const struct subcommand *command, int argc, char **argv,
    struct cli_opts *ret_opts, struct tmf_err *err);

/*
 * Counts the words of options that stand before the subcommand, as in `tmflow -o json runs`: any
 * option but --help and --version, since the subcommand says later which it takes. Returns: how
 * many words, 0 for none.
 * Errors: -1 with TMF_ERR_INVALID for an unknown option, or one whose value is missing.
 */
int cli_options_in_front(int argc, char **argv, struct tmf_err *err);

/* The number that an option was given. */
struct cli_number {
	const char *option; /* "--pollers" */
	const char *text;   /* NULL: not given */
	long min;
	long max;
	long fallback;
};

/* Parses it, or takes fallback. Errors: TMF_ERR_INVALID with option and bounds. */
int cli_number_parse(const struct cli_number *number, long *ret_value, struct tmf_err *err);

/* What the -o among the words asks for: for faults before the options are parsed. */
enum cli_output cli_output_wanted(int argc, char **argv);

/* "json", or NULL where the subcommand has no such form. command NULL: one that is not known yet.
 * Static. */
const char *cli_output_name(const struct subcommand *command, enum cli_output output);

/* The value of an option that takes a document: a file (- is standard input), or the JSON itself
 * where the text begins with { or [. Returns: a new reference, or NULL. Errors: TMF_ERR_INVALID. */
json_t *cli_read_value(const char *text, struct tmf_err *err);

#endif
