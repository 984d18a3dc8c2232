#ifndef TMFLOW_CLI_HELP_H
#define TMFLOW_CLI_HELP_H

#include "cli/options.h"

#include <stdio.h>

#define HELP_COLUMNS 80 /* no line is longer */

/* Writes the overview: the subcommands by group, and the exit codes. commands ends without name. */
void cli_help(const struct subcommand *commands, FILE *out);

/* Writes one subcommand's page: usage, its options by group, examples. */
void cli_help_subcommand(const struct subcommand *command, FILE *out);

#endif
