#ifndef TMFLOW_CLI_MANUAL_H
#define TMFLOW_CLI_MANUAL_H

#include "cli/options.h"

#include <stdio.h>

/* Writes the manual page of a subcommand, tmflow-NAME(1), out of its row and the option table. */
void cli_manual(const struct subcommand *command, FILE *out);

#endif
