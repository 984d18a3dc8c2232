#include "cli/help.h"

#include <assert.h>
#include <string.h>

#define TEXT_COLUMN    30 /* where the right column begins */
#define LEFT_BYTES_MAX 64

static const char *const group_titles[] = {
    [GROUP_RUN] = "Run workflows",
    [GROUP_CHECK] = "Check and clean up",
    [GROUP_WRITE] = "Write workflows",
    [GROUP_SERVE] = "Serve Step Functions, EventBridge and Lambda",
};
_Static_assert(sizeof(group_titles) / sizeof(group_titles[0]) == GROUP_COUNT, "a title each");

static const char *const option_group_titles[] = {
#define X(id, title) title,
    CLI_OPTION_GROUPS(X)
#undef X
};

/*
 * Writes a left part and a text, wrapped between words within the right column, for example
 *
 *       --detailed-exitcode     with --dry-run: exit with 6 if there is something
 *                               to change
 */
static void
help_entry(FILE *out, const char *left, const char *text)
{
	const size_t room = HELP_COLUMNS - TEXT_COLUMN;
	int column = fprintf(out, "%s", left);

	/* A left part that reaches into the right column has a line of its own. */
	if (column > TEXT_COLUMN - 2) {
		fputc('\n', out);
		column = 0;
	}
	while (*text != '\0') {
		size_t len = strlen(text);

		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
			assert(len > 0 && "a word of help is longer than its column");
		}
		fprintf(out, "%*s%.*s\n", TEXT_COLUMN - column, "", (int)len, text);
		text += len + strspn(text + len, " ");
		column = 0;
	}
}

/*
 * The exit codes are part of the help, because scripts depend on them. They are those of enum
 * cli_exit.
 */
void
cli_help(const struct subcommand *commands, FILE *out)
{
	fputs("usage: tmflow SUBCOMMAND [arguments] [options]\n\n"
	      "Runs declarative workflows that mirror the traffic of EC2 instances.\n",
	    out);
	for (int group = 0; group < GROUP_COUNT; group++) {
		fprintf(out, "\n%s\n", group_titles[group]);
		for (const struct subcommand *c = commands; c->name != NULL; c++) {
			char left[LEFT_BYTES_MAX];

			if ((int)c->group != group)
				continue;
			snprintf(left, sizeof(left), "  %s %s", c->name, c->args);
			help_entry(out, left, c->summary);
		}
	}
	fputs("\nExit codes\n"
	      "  0  succeeded\n"
	      "  1  the run failed\n"
	      "  2  wrong usage or invalid files: nothing was started\n"
	      "  3  interrupted: can be resumed\n"
	      "  4  the run is held by another process\n"
	      "  5  the run succeeded, but some instances failed\n"
	      "  6  with --dry-run --detailed-exitcode: there is something to change\n"
	      "  7  coverage --min: below it; audit --fail-on: a finding of that severity\n"
	      "\n`tmflow SUBCOMMAND --help` describes a subcommand with its options.\n"
	      "A RUN-ID may be a unique prefix of one, or @latest.\n",
	    out);
}

/*
 * An option without a letter is set in by the width of one, so that the long names stand in one
 * column.
 */
static void
help_options(const struct subcommand *command, int group, FILE *out)
{
	bool titled = false;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct cli_option_row *row = &cli_options[i];
		struct buf help = {0};
		char left[LEFT_BYTES_MAX];
		char letter[8] = "    ";

		if ((command->options & CLI_OPTION_BIT(i)) == 0 || (int)row->group != group)
			continue;
		if (!titled)
			fprintf(out, "\n%s\n", option_group_titles[group]);
		titled = true;
		if (row->letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", row->letter);
		snprintf(left, sizeof(left), "  %s--%s %s", letter, row->name,
		    row->arg != NULL ? row->arg : "");
		cli_option_help(command, (enum cli_option)i, &help);
		help_entry(out, left, buf_cstr(&help));
		buf_fini(&help);
	}
}

/* Each example is set behind a prompt, so that it is clear where a command begins. */
void
cli_help_subcommand(const struct subcommand *command, FILE *out)
{
	const char *example = command->examples;

	fprintf(out, "usage: tmflow %s %s%s[options]\n\n%s\n", command->name, command->args,
	    command->args[0] != '\0' ? " " : "", command->summary);
	for (int group = 0; group < OPTION_GROUP_COUNT; group++)
		help_options(command, group, out);
	fputs("\nExamples\n", out);
	while (*example != '\0') {
		size_t len = strcspn(example, "\n");

		fprintf(out, "  $ %.*s\n", (int)len, example);
		example += len + (example[len] == '\n');
	}
}

/* --- what an option means to a subcommand --- */

/* What an option means to some subcommands, where that is not what its row says of all of them. */
static const struct {
	enum cli_option option;
	const char *subcommands; /* with a blank on both sides of each */
	const char *help;
} option_help_of[] = {
    {OPTION_INPUT, " eval ", "the document, YAML or JSON; - is standard input"},
    {OPTION_INPUT, " test-state ", "the state's input, YAML or JSON; - is standard input"},
    {OPTION_CONFIG, " export ", "with --iam-policy: narrow it to what this configuration names"},
    {OPTION_CONFIG, " run reconcile audit coverage doctor ",
	"what to mirror; default config/REGION.yaml; {region} and {account} stand for those of "
	"each "
	"place"},
    {OPTION_MOCK, " run ",
	"answer Tasks from this mock configuration file of Step Functions Local"},
    {OPTION_MOCK, " test-state ",
	"the Task's result, {\"result\": ...}, or its error, {\"errorOutput\": {\"error\": ..., "
	"\"cause\": ...}}, or a file with either"},
    {OPTION_OUTPUT_FILE, " show ", "with -o html: write the page to this file"},
    {OPTION_OUTPUT_FILE, " init ",
	"the new configuration; default config/REGION.yaml; - is standard output"},
    {OPTION_RUN, " graph ", "color the states by what this run did"},
    {OPTION_RUN, " coverage ", "count the outcomes of this run, without asking AWS"},
    {OPTION_ACTIVITY_ARN, " worker ",
	"Step Functions activity that gives out the tasks; may be repeated"},
    {OPTION_POLLERS, " worker ", "open polls of each activity at a time; default 10"},
    {OPTION_POLLERS, " listen ", "open receives at a time while few messages come; default 1"},
    {OPTION_CONCURRENCY, " worker ", "polls and tasks in progress at a time; default 40"},
    {OPTION_CONCURRENCY, " listen ", "messages in progress at a time; default 1000"},
    {OPTION_HEALTH_FILE, " reconcile ", "file that is touched every 5 s while rounds succeed"},
    {OPTION_NO_CHECKPOINT, " worker listen ",
	"keep nothing: outcomes of tasks and messages cannot be shown later"},
    {OPTION_NO_CHECKPOINT, " reconcile ", "keep nothing: rounds cannot be shown later"},
    {OPTION_HISTORY, " run resume reconcile ", "keep the run's events, for show --history"},
    {OPTION_HISTORY, " show ", "list the run's events, where it kept them"},
    {OPTION_REGION, " run reconcile audit coverage doctor ",
	"AWS region, default as in the AWS CLI; several, with commas"},
    {OPTION_REGION, " export ", "with --iam-policy: allow it in this region only"},
    {OPTION_ORGANIZATION, " export ",
	"with --iam-policy: the policy of the role in each account of an organization"},
    {OPTION_ASSUME_ROLE, " export ",
	"with --organization: also the policy of the keys that assume this role"},
    {OPTION_ASSUME_ROLE, " run reconcile audit coverage doctor ",
	"role to assume with the credentials found; {account} in it stands for the account"},
};

/* The forms that the subcommand has; of one that is not known yet, those of all. */
static void
option_help_outputs(const struct subcommand *command, struct buf *out)
{
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		const char *name = cli_output_name(command, (enum cli_output)i);

		if (name != NULL)
			buf_printf(out, "%s%s", i == 0 ? "" : ", ", name);
		if (i == OUTPUT_TEXT)
			buf_add_cstr(out, " (default)");
	}
}

static bool
option_help_is_for(const char *subcommands, const char *name)
{
	const char *found = strstr(subcommands, name);

	return found != NULL && found[-1] == ' ' && found[strlen(name)] == ' ';
}

void
cli_option_help(const struct subcommand *command, enum cli_option option, struct buf *out)
{
	assert(option < OPTION_COUNT);
	if (option == OPTION_OUTPUT) {
		option_help_outputs(command, out);
		return;
	}
	for (size_t i = 0; command != NULL && i < sizeof(option_help_of) / sizeof(*option_help_of);
	     i++) {
		if (option_help_of[i].option != option ||
		    !option_help_is_for(option_help_of[i].subcommands, command->name))
			continue;
		buf_add_cstr(out, option_help_of[i].help);
		return;
	}
	buf_add_cstr(out, cli_options[option].help);
}
