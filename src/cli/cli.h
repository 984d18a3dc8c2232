#ifndef TMFLOW_CLI_CLI_H
#define TMFLOW_CLI_CLI_H

#include "asl/state/machine.h"
#include "base/buf.h"
#include "base/diag.h"
#include "store/store.h"
#include "tmflow/action.h"
#include "tmflow/error.h"
#include "tmflow/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the subcommands share: options, exit codes, the two ways to answer. */

/* DESIGN.md section 6. */
enum cli_exit {
	EXIT_OK = 0,
	EXIT_RUN_FAILED = 1,
	EXIT_INVALID = 2,
	EXIT_INTERRUPTED = 3,
	EXIT_HELD = 4,
	EXIT_SOME_FAILED = 5,
	EXIT_CHANGES = 6,
};

enum cli_output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_JSONL };

#define CLI_LIST_MAX 32

/* The values of an option that may be given several times. */
struct cli_list {
	const char *at[CLI_LIST_MAX];
	size_t count;
};

/* Values of all options; which of them a subcommand takes stands in its row of the table. */
struct cli_opts {
	enum cli_output output;
	const char *input;
	const char *config;
	const char *hook;
	const char *region;
	const char *profile;
	const char *assume_role;
	const char *external_id;
	const char *account;
	const char *accounts;
	const char *endpoint_url;
	const char *run_id;
	const char *state_dir;
	const char *status;
	const char *since;
	const char *activity_arn; /* the first of them */
	struct cli_list activity_arns;
	const char *lambda_arn;
	const char *workflows;
	const char *pollers;
	const char *concurrency;
	const char *heartbeat;
	const char *health_file;
	const char *queue_url;
	const char *visibility;
	const char *on_launch;
	const char *on_guardduty;
	const char *log_level;
	const char *log_format;
	const char *format;
	const char *run;
	const char *mock;
	const char *inspection_level;
	const char *variables;
	bool iam_policy;
	bool distributed;
	bool no_checkpoint;
	bool failed;
	bool retry_failed;
	bool dry_run;
	bool execute; /* of test-state */
	bool detailed_exitcode;
	bool yes;
	bool outcomes;
	bool history;
	bool quiet;
	bool debug_http;
	bool help;
	char **args;
	int arg_count;
};

/* One bit an option, so that a subcommand can name its set. */
#define CLI_OPTIONS(X)                                                                             \
	X(OUTPUT, "output", 'o', "FORMAT", "text, json or (lists) jsonl; default text")            \
	X(INPUT, "input", 0, "FILE", "the workflow's input, YAML or JSON; - is standard input")    \
	X(CONFIG, "config", 0, "FILE", "what to mirror; default config/REGION.yaml")               \
	X(HOOK, "hook", 0, "FILE", "Lua hook; default the configuration's")                        \
	X(REGION, "region", 0, "REGION",                                                           \
	    "AWS region (run: several, with commas); default as the AWS CLI's")                    \
	X(ACCOUNT, "account", 0, "IDS",                                                            \
	    "accounts, with commas: each by --assume-role with {account} in it")                   \
	X(ACCOUNTS, "accounts", 0, "FILE", "a file of accounts with their roles and regions")      \
	X(PROFILE, "profile", 0, "NAME", "profile of the shared AWS files")                        \
	X(ASSUME_ROLE, "assume-role", 0, "ARN",                                                    \
	    "work as this role; what else was found assumes it")                                   \
	X(EXTERNAL_ID, "external-id", 0, "ID", "what the role to assume asks for")                 \
	X(ENDPOINT_URL, "endpoint-url", 0, "URL", "another EC2 end point, such as ec2sim's")       \
	X(DEBUG_HTTP, "debug-http", 0, NULL,                                                       \
	    "tell requests and replies on stderr, without secrets")                                \
	X(RUN_ID, "run-id", 0, "ID", "the new run's id; default a made one that sorts by time")    \
	X(NO_CHECKPOINT, "no-checkpoint", 0, NULL, "keep nothing: such a run cannot be resumed")   \
	X(DRY_RUN, "dry-run", 0, NULL, "change nothing: tell what a run would do")                 \
	X(EXECUTE, "execute", 0, NULL,                                                             \
	    "let the action change AWS; without it, changes are made to a copy only")              \
	X(DETAILED_EXITCODE, "detailed-exitcode", 0, NULL,                                         \
	    "with --dry-run: exit with 6 if there is something to change")                         \
	X(STATE_DIR, "state-dir", 0, "DIR", "where runs are kept; default ~/.local/state/tmflow")  \
	X(STATUS, "status", 0, "STATUS", "only runs of this status")                               \
	X(SINCE, "since", 0, "TIME",                                                               \
	    "only runs since then: 2026-01-15, 2026-01-15T12:00:00Z, 36h")                         \
	X(RETRY_FAILED, "retry-failed", 0, NULL,                                                   \
	    "do again exactly what failed in a run that is over")                                  \
	X(FAILED, "failed", 0, NULL, "list the instances that failed")                             \
	X(OUTCOMES, "outcomes", 0, NULL, "list the outcome of every instance")                     \
	X(HISTORY, "history", 0, NULL, "the events: kept by run and resume, listed by show")       \
	X(ACTIVITY_ARN, "activity-arn", 0, "ARN", "the Step Functions activity of the workers")    \
	X(LAMBDA_ARN, "lambda-arn", 0, "ARN", "the Lambda function that runs tmflow")              \
	X(WORKFLOWS, "workflows", 0, "DIR",                                                        \
	    "where tasks find workflows by name; default workflows")                               \
	X(POLLERS, "pollers", 0, "N", "requests for work that are open at a time")                 \
	X(CONCURRENCY, "concurrency", 0, "N", "what is under way at a time; default 40")           \
	X(HEARTBEAT, "heartbeat", 0, "SECONDS",                                                    \
	    "between signs of life; default 20, a third of HeartbeatSeconds is right")             \
	X(HEALTH_FILE, "health-file", 0, "FILE", "touched every 5 s while requests are answered")  \
	X(QUEUE_URL, "queue-url", 0, "URL", "the SQS queue of EventBridge events")                 \
	X(VISIBILITY, "visibility", 0, "SECONDS",                                                  \
	    "how long a message is others' no sight, extended while its run lasts; default 120")   \
	X(ON_LAUNCH, "on-launch", 0, "FILE", "workflow for launches; default on-launch.yaml")      \
	X(ON_GUARDDUTY, "on-guardduty", 0, "FILE",                                                 \
	    "workflow for findings; default on-guardduty.yaml")                                    \
	X(IAM_POLICY, "iam-policy", 0, NULL, "the policy that the workflow's actions need")        \
	X(DISTRIBUTED, "distributed", 0, NULL,                                                     \
	    "Maps run their items as executions of their own, for long backfills")                 \
	X(FORMAT, "format", 0, "FORMAT", "dot (default), mermaid, or svg (drawn by Graphviz)")     \
	X(RUN, "run", 0, "RUN-ID", "colour the states by what this run did")                       \
	X(MOCK, "mock", 0, "JSON",                                                                 \
	    "{\"result\": ...} or {\"errorOutput\": {\"error\", \"cause\"}} of the Task; or a "    \
	    "file")                                                                                \
	X(INSPECTION_LEVEL, "inspection-level", 0, "LEVEL", "INFO (default), DEBUG or TRACE")      \
	X(VARIABLES, "variables", 0, "JSON", "the variables that the state sees; or a file")       \
	X(YES, "yes", 'y', NULL, "remove what would be removed")                                   \
	X(QUIET, "quiet", 'q', NULL, "no progress")                                                \
	X(LOG_LEVEL, "log-level", 0, "LEVEL", "debug, info, warn (default) or error")              \
	X(LOG_FORMAT, "log-format", 0, "FORMAT", "logfmt (default) or json")                       \
	X(HELP, "help", 'h', NULL, "this text")

enum cli_option {
#define X(id, name, letter, arg, help) OPTION_##id,
	CLI_OPTIONS(X)
#undef X
	    OPTION_COUNT
};
#define OPTION_BIT(id) (1ull << OPTION_##id)

struct subcommand {
	const char *name;
	const char *args;    /* "WORKFLOW", as help shows it */
	const char *summary; /* one line */
	int args_min;
	int args_max; /* -1: any number */
	unsigned long long options;
	int (*run)(const struct cli_opts *opts);
};

#define CLI_SUBCOMMANDS_MAX 32

/* The table of subcommands, in the order in which help lists them; ends with a row without name. */
extern const struct subcommand cli_subcommands[];
const struct subcommand *cli_subcommand_find(const char *name);

int cmd_run(const struct cli_opts *opts);
int cmd_resume(const struct cli_opts *opts);
int cmd_runs(const struct cli_opts *opts);
int cmd_show(const struct cli_opts *opts);
int cmd_validate(const struct cli_opts *opts);
int cmd_actions(const struct cli_opts *opts);
int cmd_test_state(const struct cli_opts *opts);
int cmd_graph(const struct cli_opts *opts);
int cmd_export(const struct cli_opts *opts);
int cmd_worker(const struct cli_opts *opts);
int cmd_explain(const struct cli_opts *opts);
int cmd_destroy(const struct cli_opts *opts);
int cmd_listen(const struct cli_opts *opts);
int cmd_lambda(const struct cli_opts *opts);

/* Parses what follows the subcommand's name. Errors: TMF_ERR_INVALID with the nearest option as hint. */
int cli_options_parse(const struct subcommand *command, int argc, char **argv,
    struct cli_opts *ret_opts, struct tmf_err *err);

/* The whole number that an option was given; fallback where text is NULL. Errors: TMF_ERR_INVALID naming the option and its bounds. */
struct cli_number {
	const char *option; /* "--pollers" */
	const char *text;
	long min;
	long max;
	long fallback;
};
int cli_number_parse(const struct cli_number *number, long *ret_value, struct tmf_err *err);
void cli_help(FILE *out);
void cli_help_subcommand(const struct subcommand *command, FILE *out);

/* True if -o json or -o jsonl stands among the words, for faults that come before the options are parsed. */
bool cli_wants_json(int argc, char **argv);

/* No core file of this process nor of its children: it would hold keys. */
void cli_forbid_core(void);

/* No set-user-id program gives this process or its children other rights. For what serves others: a person's credential_process may be such a program. */
void cli_forbid_privileges(void);

/* A pipe whose reader is gone fails the write, and ends nothing. */
void cli_ignore_sigpipe(void);

/* --- answers --- */

/* As fprintf, but what a terminal would obey (or take for a line end) in the text of a %s is escaped; NULL is "-". Of conversions d, u, c, f and s,
 * with widths, precisions, l and z. Nothing of src/cli writes the text of others in another way. */
void cli_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True once a JSON document stands (or has begun) on standard output, which is to hold one. */
bool cli_has_answered(void);

/* For what writes a document piece by piece: it begins now. */
void cli_answer_begins(void);

/* Writes one JSON document and a newline to standard output. In it, and in the other two, what a terminal would obey is written as \uNNNN. */
void cli_print_json(const json_t *document);

/* The same as one line. Takes value. */
void cli_print_json_line(json_t *value);

/* The same without a newline. */
void cli_put_json(FILE *out, const json_t *value);

/* Text of several lines: what a terminal would obey is escaped but for the line ends. */
void cli_put_lines(FILE *out, const char *text);

/* Says *err: "tmflow: text" on standard error (or, of a document that cannot be read, "file:line:column: error: text"), and with -o json
 * {"error", "cause", "diagnostics"?} on standard output. Returns the exit code that the fault means. */
int cli_fail(enum cli_output output, const struct tmf_err *err);

/* As cli_fail, and frees *err. */
int cli_fail_take(enum cli_output output, struct tmf_err *err);

/* The same where nothing was started: exit code 2, or 4 where another process holds the run. */
int cli_fail_begin(enum cli_output output, struct tmf_err *err);

/* Has each fault that is said told to fn as well, until fn is NULL: a function's runtime passes it on. */
void cli_on_fault(void (*fn)(void *arg, const char *error, const char *cause), void *arg);

/* Says the faults of a document: lines on standard error, and with -o json {"error", "cause", "diagnostics"}. Returns EXIT_INVALID. */
int cli_fail_diags(enum cli_output output, struct diag_list *diags);

/* A document that is not even YAML or JSON, in the shape of a diagnostic. New reference. */
json_t *cli_unreadable_diagnostic(const struct tmf_err *err);

/* Writes an error as the line for a person. */
void cli_say(const struct tmf_err *err);

/* --- loading --- */

/* Compiles a workflow for running here. On failure says why and returns NULL. */
struct asl_machine *
cli_load_workflow(const struct doc *doc, struct tmf_registry *registry, enum cli_output output);

/* The same, and reads the Lua files that it names: *ret_scripts is a new reference, see scripts.h. */
struct asl_machine *cli_load_scripted_workflow(const struct doc *doc, struct tmf_registry *registry,
    enum cli_output output, json_t **ret_scripts);

/* Reads and compiles the workflow of a file, as it would run here; with its scripts where ret_scripts is not NULL. On failure says why, with exit code 2, and returns NULL. */
struct asl_machine *cli_read_workflow(
    const char *path, struct tmf_registry *registry, enum cli_output output, json_t **ret_scripts);

/* Calls caught for each SIGINT, SIGTERM and SIGHUP, from the loop. */
int cli_watch_signals(
    struct tmf_loop *loop, void (*caught)(void *arg, int signo), void *arg, struct tmf_err *err);

/* Opens the store of the options; on failure says why and returns NULL. */
struct store *cli_open_store(const struct cli_opts *opts, int *ret_exit);

/* A new run's id (that of the options, or one made with rng), start and lease, which the caller releases; NULL with *err filled where they cannot be had. */
struct store_lease *cli_name_run(const struct cli_opts *opts, struct rng *rng, struct store *store,
    struct store_run *run, struct tmf_err *err);

#endif
