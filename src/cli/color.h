#ifndef TMFLOW_CLI_COLOR_H
#define TMFLOW_CLI_COLOR_H

#include "base/diag.h"
#include "store/run_state.h"
#include "tmflow/error.h"

#include <stdio.h>

/*
 * Colour, on a terminal and where the reader wants it. It only repeats what the words say.
 * Text goes through cli_print, which escapes it: colours are written before and after.
 */

enum cli_color { COLOR_NONE, COLOR_GOOD, COLOR_WARN, COLOR_BAD, COLOR_LIVE, COLOR_FAINT };

/*
 * auto (also NULL): standard output or error has colour where it is a terminal that is not dumb,
 * and NO_COLOR is not set. always, never: whatever these say. Errors: TMF_ERR_INVALID.
 */
int cli_color_setup(const char *when, struct tmf_err *err);

/* The control sequence that begins a colour, and the one that ends it: "" where out has none. */
const char *cli_color_on(FILE *out, enum cli_color color);
const char *cli_color_off(FILE *out, enum cli_color color);

/* That of a run's state, and of an outcome. */
enum cli_color cli_color_of_state(enum run_state_kind kind);
enum cli_color cli_color_of_outcome(enum outcome_kind kind);

/* As diag_print to standard error, in colour. */
void cli_print_diags(struct diag_list *diags);

#endif
