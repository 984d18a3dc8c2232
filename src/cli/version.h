#ifndef TMFLOW_CLI_VERSION_H
#define TMFLOW_CLI_VERSION_H

#include "cli/options.h"

/* Prints the version; as JSON also how this was built, and the libraries that it runs with. */
void cli_version(enum cli_output output);

#endif
