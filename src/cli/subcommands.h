#ifndef TMFLOW_CLI_SUBCOMMANDS_H
#define TMFLOW_CLI_SUBCOMMANDS_H

#include "cli/options.h"

#define CLI_SUBCOMMANDS_MAX 32

/* The subcommands, in the order in which help lists them; ends with a row without name. */
extern const struct subcommand cli_subcommands[];

/* Borrows; NULL for an unknown name. */
const struct subcommand *cli_subcommand_find(const char *name);

#endif
