#ifndef TMFLOW_CLI_HELP_H
#define TMFLOW_CLI_HELP_H

#include "base/buf.h"
#include "cli/options.h"

#include <stdio.h>

#define HELP_COLUMNS 80 /* no line is longer */

/* Writes the overview: the subcommands by group, and the exit codes. commands ends without name. */
void cli_help(const struct subcommand *commands, FILE *out);

/* Writes one subcommand's page: usage, its options by group, examples. */
void cli_help_subcommand(const struct subcommand *command, FILE *out);

/* Appends what an option means to a subcommand. NULL: one that is not known yet. */
void cli_option_help(const struct subcommand *command, enum cli_option option, struct buf *out);

#endif
