#include "cli/color.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The eight colours that each terminal has; how they look is the user's own choice. */
static const char *const color_sequences[] = {
    [COLOR_NONE] = "",
    [COLOR_GOOD] = "\033[32m",
    [COLOR_WARN] = "\033[33m",
    [COLOR_BAD] = "\033[31m",
    [COLOR_LIVE] = "\033[36m",
    [COLOR_FAINT] = "\033[2m",
};

/* The process has one standard output and one standard error: so is this. */
static struct {
	bool out;
	bool err;
} color_wanted;

/* See: https://no-color.org: any value but the empty one. */
static bool
color_suits(int fd)
{
	const char *none = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return (none == NULL || none[0] == '\0') && term != NULL && term[0] != '\0' &&
	       strcmp(term, "dumb") != 0 && isatty(fd);
}

int
cli_color_setup(const char *when, struct tmf_err *err)
{
	if (when == NULL || strcmp(when, "auto") == 0) {
		color_wanted.out = color_suits(STDOUT_FILENO);
		color_wanted.err = color_suits(STDERR_FILENO);
		return 0;
	}
	if (strcmp(when, "always") != 0 && strcmp(when, "never") != 0)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--color takes auto, always or never, not \"%s\"", when);
	color_wanted.out = color_wanted.err = strcmp(when, "always") == 0;
	return 0;
}

static bool
color_is_on(const FILE *out)
{
	return out == stdout ? color_wanted.out : out == stderr && color_wanted.err;
}

const char *
cli_color_on(FILE *out, enum cli_color color)
{
	assert(color < sizeof(color_sequences) / sizeof(color_sequences[0]));
	return color_is_on(out) ? color_sequences[color] : "";
}

const char *
cli_color_off(FILE *out, enum cli_color color)
{
	return color != COLOR_NONE && color_is_on(out) ? "\033[0m" : "";
}

enum cli_color
cli_color_of_state(enum run_state_kind kind)
{
	static const enum cli_color colors[RUN_STATE_COUNT] = {
	    [RUN_STATE_RUNNING] = COLOR_LIVE,
	    [RUN_STATE_SUCCEEDED] = COLOR_GOOD,
	    [RUN_STATE_FAILED] = COLOR_BAD,
	    [RUN_STATE_TIMED_OUT] = COLOR_BAD,
	    [RUN_STATE_INTERRUPTED] = COLOR_WARN,
	    [RUN_STATE_KILLED] = COLOR_WARN,
	    [RUN_STATE_PLANNED] = COLOR_LIVE,
	};

	assert(kind < RUN_STATE_COUNT);
	return colors[kind];
}

/* What went well has no colour of its own: of a thousand lines those that matter stand out. */
enum cli_color
cli_color_of_outcome(enum outcome_kind kind)
{
	if (kind == OUTCOME_FAILED)
		return COLOR_BAD;
	return kind == OUTCOME_CONFLICT || kind == OUTCOME_SHADOWED || kind == OUTCOME_UNWANTED
		   ? COLOR_WARN
		   : COLOR_NONE;
}

void
cli_print_diags(struct diag_list *diags)
{
	const struct diag_colors colors = {
	    .error = cli_color_on(stderr, COLOR_BAD),
	    .warning = cli_color_on(stderr, COLOR_WARN),
	    .end = cli_color_off(stderr, COLOR_BAD),
	};

	diag_print_colored(diags, &colors, stderr);
}
