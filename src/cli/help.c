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
		help_entry(out, left, row->help);
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
