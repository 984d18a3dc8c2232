#include "cli/cli.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How an option's value gets into struct cli_opts. */
struct option_row {
	const char *name;
	char letter;
	const char *arg; /* NULL: a flag */
	const char *help;
};

static const struct option_row options[] = {
#define X(id, name, letter, arg, help) {name, letter, arg, help},
    CLI_OPTIONS(X)
#undef X
};
_Static_assert(OPTION_COUNT <= 64, "one bit an option");

static const char **
option_text(struct cli_opts *opts, enum cli_option option)
{
	const char **const fields[OPTION_COUNT] = {
	    [OPTION_INPUT] = &opts->input,
	    [OPTION_CONFIG] = &opts->config,
	    [OPTION_HOOK] = &opts->hook,
	    [OPTION_REGION] = &opts->region,
	    [OPTION_PROFILE] = &opts->profile,
	    [OPTION_ASSUME_ROLE] = &opts->assume_role,
	    [OPTION_EXTERNAL_ID] = &opts->external_id,
	    [OPTION_ACCOUNT] = &opts->account,
	    [OPTION_ACCOUNTS] = &opts->accounts,
	    [OPTION_ENDPOINT_URL] = &opts->endpoint_url,
	    [OPTION_RUN_ID] = &opts->run_id,
	    [OPTION_STATE_DIR] = &opts->state_dir,
	    [OPTION_STATUS] = &opts->status,
	    [OPTION_SINCE] = &opts->since,
	    [OPTION_MOCK] = &opts->mock,
	    [OPTION_INSPECTION_LEVEL] = &opts->inspection_level,
	    [OPTION_VARIABLES] = &opts->variables,
	    [OPTION_FORMAT] = &opts->format,
	    [OPTION_RUN] = &opts->run,
	    [OPTION_LAMBDA_ARN] = &opts->lambda_arn,
	    [OPTION_WORKFLOWS] = &opts->workflows,
	    [OPTION_POLLERS] = &opts->pollers,
	    [OPTION_CONCURRENCY] = &opts->concurrency,
	    [OPTION_HEARTBEAT] = &opts->heartbeat,
	    [OPTION_HEALTH_FILE] = &opts->health_file,
	    [OPTION_QUEUE_URL] = &opts->queue_url,
	    [OPTION_VISIBILITY] = &opts->visibility,
	    [OPTION_ON_LAUNCH] = &opts->on_launch,
	    [OPTION_ON_GUARDDUTY] = &opts->on_guardduty,
	    [OPTION_LOG_LEVEL] = &opts->log_level,
	    [OPTION_LOG_FORMAT] = &opts->log_format,
	};
	return fields[option];
}

static bool *
option_flag(struct cli_opts *opts, enum cli_option option)
{
	bool *const fields[OPTION_COUNT] = {
	    [OPTION_IAM_POLICY] = &opts->iam_policy,
	    [OPTION_DISTRIBUTED] = &opts->distributed,
	    [OPTION_NO_CHECKPOINT] = &opts->no_checkpoint,
	    [OPTION_YES] = &opts->yes,
	    [OPTION_DRY_RUN] = &opts->dry_run,
	    [OPTION_EXECUTE] = &opts->execute,
	    [OPTION_DETAILED_EXITCODE] = &opts->detailed_exitcode,
	    [OPTION_FAILED] = &opts->failed,
	    [OPTION_RETRY_FAILED] = &opts->retry_failed,
	    [OPTION_OUTCOMES] = &opts->outcomes,
	    [OPTION_HISTORY] = &opts->history,
	    [OPTION_QUIET] = &opts->quiet,
	    [OPTION_DEBUG_HTTP] = &opts->debug_http,
	    [OPTION_HELP] = &opts->help,
	};
	return fields[option];
}

static int
output_parse(const char *value, enum cli_output *ret_output, struct tmf_err *err)
{
	static const char *const names[] = {"text", "json", "jsonl"};

	assert(value != NULL);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		*ret_output = (enum cli_output)i;
		return 0;
	}
	return tmf_err_set(err, TMF_ERR_INVALID, "-o takes text, json or jsonl, not \"%s\"", value);
}

bool
cli_wants_json(int argc, char **argv)
{
	for (int i = 1; i < argc && argv[i] != NULL; i++) {
		const char *value = NULL;

		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0)
			value = i + 1 < argc ? argv[i + 1] : NULL;
		else if (strncmp(argv[i], "--output=", 9) == 0)
			value = argv[i] + 9;
		else if (strncmp(argv[i], "-o", 2) == 0)
			value = argv[i] + 2;
		if (value != NULL && strncmp(value, "json", 4) == 0)
			return true;
	}
	return false;
}

static int
unknown_option(const struct subcommand *command, const char *word, struct tmf_err *err)
{
	const char *known[OPTION_COUNT + 1] = {NULL};
	size_t count = 0;
	size_t name_len = strcspn(word + 2, "=");

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (command->options & (1ull << i))
			known[count++] = options[i].name;
	const char *near = strncmp(word, "--", 2) == 0
			       ? str_nearest((struct str){word + 2, name_len}, known)
			       : NULL;
	if (near != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "unknown option %s (did you mean --%s?)", word, near);
	return tmf_err_set(err, TMF_ERR_INVALID, "unknown option %s (tmflow %s --help lists them)",
	    word, command->name);
}

/* Finds the option that word names among those of the command; *ret_value is the text behind = or the letter, or NULL. */
static int
option_find(const struct subcommand *command, const char *word, const char **ret_value)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &options[i];
		size_t len = strlen(row->name);

		if (!(command->options & (1ull << i)))
			continue;
		if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, row->name, len) == 0 &&
		    (word[2 + len] == '\0' || word[2 + len] == '=')) {
			*ret_value = word[2 + len] == '=' ? word + 3 + len : NULL;
			return (int)i;
		}
		if (row->letter != 0 && word[0] == '-' && word[1] == row->letter) {
			*ret_value = word[2] != '\0' ? word + 2 : NULL;
			return (int)i;
		}
	}
	return -1;
}

/* Options that may be given several times. */
static struct cli_list *
option_list(struct cli_opts *opts, enum cli_option option)
{
	return option == OPTION_ACTIVITY_ARN ? &opts->activity_arns : NULL;
}

static int
list_add(struct cli_list *list, const char *name, const char *value, struct tmf_err *err)
{
	if (list->count == CLI_LIST_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s is given more than %d times", name, CLI_LIST_MAX);
	list->at[list->count++] = value;
	return 0;
}

static int
option_set(struct cli_opts *opts, enum cli_option option, const char *value, struct tmf_err *err)
{
	const char **text = option_text(opts, option);
	struct cli_list *list = option_list(opts, option);

	if (option == OPTION_OUTPUT)
		return output_parse(value, &opts->output, err);
	if (list != NULL)
		return list_add(list, options[option].name, value, err);
	if (text == NULL) {
		*option_flag(opts, option) = true;
		return 0;
	}
	if (*text != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s is given twice", options[option].name);
	*text = value;
	return 0;
}

/* Takes one word (and the next, if it is the value). Returns how many words, or -1. */
static int
option_take(const struct subcommand *command, int words, char **argv, struct cli_opts *opts,
    struct tmf_err *err)
{
	const char *value = NULL;
	int option = option_find(command, argv[0], &value);
	int used = 1;

	if (option < 0)
		return unknown_option(command, argv[0], err);
	if (options[option].arg == NULL && value != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s takes no value", options[option].name);
	if (options[option].arg != NULL && value == NULL) {
		if (words < 2)
			return tmf_err_set(err, TMF_ERR_INVALID, "--%s wants a value: %s",
			    options[option].name, options[option].arg);
		value = argv[1];
		used = 2;
	}
	return option_set(opts, (enum cli_option)option, value, err) < 0 ? -1 : used;
}

static int
check_argument_count(const struct subcommand *command, int count, struct tmf_err *err)
{
	if (count >= command->args_min && (command->args_max < 0 || count <= command->args_max))
		return 0;
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "%s: usage: tmflow %s %s [options] (tmflow %s --help)",
	    count < command->args_min ? "an argument is missing" : "too many arguments",
	    command->name, command->args, command->name);
}

int
cli_options_parse(const struct subcommand *command, int argc, char **argv,
    struct cli_opts *ret_opts, struct tmf_err *err)
{
	struct cli_opts opts = {.args = argv + 1};
	bool options_over = false;

	for (int i = 1; i < argc;) {
		if (!options_over && strcmp(argv[i], "--") == 0) {
			options_over = true;
			i++;
		} else if (options_over || argv[i][0] != '-' || argv[i][1] == '\0') {
			opts.args[opts.arg_count++] = argv[i++];
		} else {
			int used = option_take(command, argc - i, argv + i, &opts, err);

			if (used < 0)
				return -1;
			i += used;
		}
	}
	if (!opts.help && check_argument_count(command, opts.arg_count, err) < 0)
		return -1;
	opts.activity_arn = opts.activity_arns.at[0];
	*ret_opts = opts;
	return 0;
}

int
cli_number_parse(const struct cli_number *number, long *ret_value, struct tmf_err *err)
{
	const char *text = number->text;
	char *end = NULL;
	long value = text != NULL ? strtol(text, &end, 10) : number->fallback;

	if (text != NULL &&
	    (end == text || *end != '\0' || value < number->min || value > number->max))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "%s takes a number from %ld to %ld, not \"%s\"", number->option, number->min,
		    number->max, text);
	*ret_value = value;
	return 0;
}

void
cli_help(FILE *out)
{
	fputs("tmflow runs declarative workflows that mirror the traffic of EC2 instances.\n\n"
	      "usage: tmflow SUBCOMMAND [arguments] [options]\n\n",
	    out);
	for (const struct subcommand *c = cli_subcommands; c->name != NULL; c++)
		fprintf(out, "  %-9s %-11s %s\n", c->name, c->args, c->summary);
	fputs("\n`tmflow SUBCOMMAND --help` tells a subcommand's options. A RUN-ID may be a unique "
	      "prefix of\n"
	      "one, or @latest. Exit codes: 0 done; 1 the run failed; 2 wrong usage or input, "
	      "nothing was\n"
	      "started; 3 interrupted, can be resumed; 4 held by another process; 5 done, but some "
	      "instances\n"
	      "failed; 6 there is something to change (only with --dry-run --detailed-exitcode).\n",
	    out);
}

void
cli_help_subcommand(const struct subcommand *command, FILE *out)
{
	fprintf(out, "usage: tmflow %s %s%s[options]\n\n%s\n\n", command->name, command->args,
	    command->args[0] != '\0' ? " " : "", command->summary);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &options[i];
		char left[64];
		char letter[8] = "    ";

		if (!(command->options & (1ull << i)))
			continue;
		if (row->letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		snprintf(left, sizeof(left), "%s--%s %s", letter, row->name,
		    row->arg != NULL ? row->arg : "");
		fprintf(out, "  %-28s %s\n", left, row->help);
	}
}
