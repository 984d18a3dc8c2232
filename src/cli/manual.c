#include "cli/manual.h"

#include "cli/help.h"

#include <ctype.h>
#include <string.h>

static const char *const manual_groups[] = {
#define X(id, title) title,
    CLI_OPTION_GROUPS(X)
#undef X
};

/* As text of mdoc(7): a line that begins with a dot would be a macro, a backslash an escape. */
static void
manual_text(const char *text, size_t len, FILE *out)
{
	if (len > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", out);
		else
			fputc(text[i], out);
	}
	fputc('\n', out);
}

static void
manual_options(const struct subcommand *command, int group, FILE *out)
{
	bool begun = false;

	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct cli_option_row *row = &cli_options[i];
		struct buf help = {0};

		if (!(command->options & CLI_OPTION_BIT(i)) || (int)row->group != group)
			continue;
		if (!begun)
			fprintf(out, ".Ss %s\n.Bl -tag -width Ds\n", manual_groups[group]);
		begun = true;
		if (row->letter != 0)
			fprintf(out, ".It Fl %c , -%s", row->letter, row->name);
		else
			fprintf(out, ".It Fl -%s", row->name);
		fprintf(out, "%s%s\n", row->arg != NULL ? " Ar " : "",
		    row->arg != NULL ? row->arg : "");
		cli_option_help(command, (enum cli_option)i, &help);
		manual_text(buf_cstr(&help), help.len, out);
		buf_fini(&help);
	}
	if (begun)
		fputs(".El\n", out);
}

void
cli_manual(const struct subcommand *command, FILE *out)
{
	const char *example = command->examples;

	fputs(".Dd $Mdocdate$\n.Dt TMFLOW-", out);
	for (const char *c = command->name; *c != '\0'; c++)
		fputc(toupper((unsigned char)*c), out);
	fprintf(out, " 1\n.Os\n.Sh NAME\n.Nm tmflow-%s\n.Nd %s\n.Sh SYNOPSIS\n.Nm tmflow %s\n",
	    command->name, command->summary, command->name);
	if (command->args[0] != '\0')
		fprintf(out, ".Ar %s\n", command->args);
	fputs(".Op Ar options\n.Sh DESCRIPTION\n", out);
	fprintf(out,
	    "See\n.Xr tmflow 1\nfor what it does, for files, environment and exit status.\n"
	    ".Sh OPTIONS\n");
	for (int group = 0; group < OPTION_GROUP_COUNT; group++)
		manual_options(command, group, out);
	fputs(".Sh EXAMPLES\n", out);
	while (*example != '\0') {
		size_t len = strcspn(example, "\n");

		fputs(".Dl $ ", out);
		manual_text(example, len, out);
		example += len + (example[len] == '\n');
	}
	fputs(".Sh SEE ALSO\n.Xr tmflow 1\n", out);
}
