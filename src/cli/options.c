#include "cli/options.h"

#include "base/buf.h"
#include "base/doc/doc.h"
#include "base/jsonx.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option_row cli_options[OPTION_COUNT] = {
#define X(id, field, name, letter, group, arg, help)                                               \
	{name, letter, OPTION_GROUP_##group, arg, help, offsetof(struct cli_opts, field)},
    CLI_OPTIONS(X)
#undef X
};
_Static_assert(OPTION_COUNT <= 8 * sizeof(cli_option_set), "one bit an option");

const char *
cli_output_name(const struct subcommand *command, enum cli_output output)
{
	static const char *const names[OUTPUT_COUNT] = {
	    "text", "json", "jsonl", "html", "csv", "sarif"};
	unsigned all = OUTPUT_BIT(TEXT) | OUTPUT_BIT(JSON) | OUTPUT_BIT(JSONL);

	assert(output < OUTPUT_COUNT);
	if (command != NULL)
		all |= command->outputs;
	return (all & (1u << output)) != 0 ? names[output] : NULL;
}

static int
output_parse(const struct subcommand *command, const char *value, enum cli_output *ret_output,
    struct tmf_err *err)
{
	struct buf known = {0};

	assert(value != NULL);
	for (int i = 0; i < OUTPUT_COUNT; i++) {
		const char *name = cli_output_name(command, (enum cli_output)i);

		if (name == NULL)
			continue;
		if (strcmp(value, name) == 0) {
			buf_fini(&known);
			*ret_output = (enum cli_output)i;
			return 0;
		}
		buf_printf(&known, "%s%s", known.len > 0 ? ", " : "", name);
	}
	tmf_err_set(
	    err, TMF_ERR_INVALID, "-o takes one of %s, not \"%s\"", buf_cstr(&known), value);
	buf_fini(&known);
	return -1;
}

/*
 * Asked before the options are parsed: a fault in them must be printed in the form that the caller
 * can read. Both "-o json" and "-ojson" count, and jsonl too.
 */
enum cli_output
cli_output_wanted(int argc, char **argv)
{
	for (int i = 1; i < argc && argv[i] != NULL; i++) {
		const char *value = NULL;

		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0)
			value = i + 1 < argc ? argv[i + 1] : NULL;
		else if (strncmp(argv[i], "--output=", 9) == 0)
			value = argv[i] + 9;
		else if (strncmp(argv[i], "-o", 2) == 0)
			value = argv[i] + 2;
		if (value != NULL && strcmp(value, "jsonl") == 0)
			return OUTPUT_JSONL;
		if (value != NULL && strncmp(value, "json", 4) == 0)
			return OUTPUT_JSON;
	}
	return OUTPUT_TEXT;
}

/*
 * The nearest name is searched among the options of this subcommand, because a hint at an option
 * that it does not take would lead to the next error.
 */
static int
option_unknown(const struct subcommand *command, const char *word, struct tmf_err *err)
{
	const char *known[OPTION_COUNT + 1] = {NULL};
	size_t count = 0;
	size_t name_len = strcspn(word + 2, "=");

	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (command->options & CLI_OPTION_BIT(i))
			known[count++] = cli_options[i].name;
	const char *near = strncmp(word, "--", 2) == 0
			       ? str_nearest((struct str){word + 2, name_len}, known)
			       : NULL;
	if (near != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "unknown option %s (did you mean --%s?)", word, near);
	return tmf_err_set(err, TMF_ERR_INVALID, "unknown option %s (tmflow %s%s--help lists them)",
	    word, command->name, command->name[0] != '\0' ? " " : "");
}

/*
 * Returns the option that word names among those of the command, -1 if it names none.
 * *ret_value: the text behind = or the letter, as in --output=json and -ojson; or NULL.
 */
static int
option_find(const struct subcommand *command, const char *word, const char **ret_value)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct cli_option_row *row = &cli_options[i];
		size_t len = strlen(row->name);

		if (!(command->options & CLI_OPTION_BIT(i)))
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

/*
 * The bound is an error and not a cut: an activity that is silently dropped would never be polled.
 */
static int
option_list_add(struct cli_list *list, const char *name, const char *value, struct tmf_err *err)
{
	if (list->count == CLI_LIST_MAX)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s: given more than %d times", name, CLI_LIST_MAX);
	list->at[list->count++] = value;
	return 0;
}

static int
option_set(const struct subcommand *command, struct cli_opts *opts, enum cli_option option,
    const char *value, struct tmf_err *err)
{
	const struct cli_option_row *row = &cli_options[option];
	void *field = (char *)opts + row->field;

	assert((row->arg != NULL) == (value != NULL));
	if (option == OPTION_OUTPUT)
		return output_parse(command, value, &opts->output, err);
	if (option == OPTION_ACTIVITY_ARN)
		return option_list_add(&opts->activity_arns, row->name, value, err);
	if (option == OPTION_SET)
		return option_list_add(&opts->sets, row->name, value, err);
	if (row->arg == NULL) {
		*(bool *)field = true;
		return 0;
	}
	/* The last of two would silently win: a region, say, that was pasted twice. */
	if (*(const char **)field != NULL)
		return tmf_err_set(err, TMF_ERR_INVALID, "--%s: given twice", row->name);
	*(const char **)field = value;
	return 0;
}

/* Parses one word, and the next if that is the value. Returns the number of words, or -1. */
static int
option_take(const struct subcommand *command, int words, char **argv, struct cli_opts *opts,
    struct tmf_err *err)
{
	const char *value = NULL;
	int option = option_find(command, argv[0], &value);
	int used = 1;

	if (option < 0)
		return option_unknown(command, argv[0], err);
	if (cli_options[option].arg == NULL && value != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--%s: takes no value", cli_options[option].name);
	if (cli_options[option].arg != NULL && value == NULL) {
		if (words < 2)
			return tmf_err_set(err, TMF_ERR_INVALID, "--%s: missing value: %s",
			    cli_options[option].name, cli_options[option].arg);
		value = argv[1];
		used = 2;
	}
	return option_set(command, opts, (enum cli_option)option, value, err) < 0 ? -1 : used;
}

/*
 * Written here and not with getopt_long, because that accepts abbreviated names: a script with --re
 * would break once a second option begins so. Options and arguments may be mixed, "--" ends the
 * options, and "-" alone is an argument, as is usual for standard input.
 */
int
cli_options_parse(const struct subcommand *command, int argc, char **argv,
    struct cli_opts *ret_opts, struct tmf_err *err)
{
	/* Arguments are moved to the front of argv, over the words that have been parsed. */
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
	bool few = opts.arg_count < command->args_min;
	bool many = command->args_max >= 0 && opts.arg_count > command->args_max;

	if (!opts.help && (few || many))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "%s: usage: tmflow %s %s%s[options] (tmflow %s --help)",
		    few ? "missing argument" : "too many arguments", command->name, command->args,
		    command->args[0] != '\0' ? " " : "", command->name);
	opts.activity_arn = opts.activity_arns.at[0];
	*ret_opts = opts;
	return 0;
}

/* What stands for a subcommand. */
static bool
option_is_a_question(const char *word)
{
	return strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0 ||
	       strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int
cli_options_in_front(int argc, char **argv, struct tmf_err *err)
{
	const struct subcommand any = {.name = "", .options = ~(cli_option_set)0};
	int at = 1;

	while (at < argc && argv[at][0] == '-' && argv[at][1] != '\0' &&
	       !option_is_a_question(argv[at])) {
		struct cli_opts ignored = {0};
		int used = option_take(&any, argc - at, argv + at, &ignored, err);

		if (used < 0)
			return -1;
		at += used;
	}
	return at - 1;
}

/*
 * The whole text must be a number: strtol alone would read "10m" as 10. Overflow is out of bounds
 * as well, since strtol then returns LONG_MAX or LONG_MIN.
 */
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

json_t *
cli_read_value(const char *text, struct tmf_err *err)
{
	struct doc *doc;
	json_t *value;

	if (text[0] == '{' || text[0] == '[')
		return jsonx_parse(str_of(text), err);
	doc = doc_read(text, err);
	if (doc == NULL)
		return NULL;
	value = json_incref(doc_root(doc));
	doc_free(doc);
	return value;
}
