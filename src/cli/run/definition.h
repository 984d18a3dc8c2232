#ifndef TMFLOW_CLI_RUN_DEFINITION_H
#define TMFLOW_CLI_RUN_DEFINITION_H

#include "asl/state/machine.h"
#include "cli/options.h"
#include "tmflow/action.h"

/* Workflow definitions from files. */

/*
 * Compiles a workflow, with the actions of registry, for running here. mocked: the states that are
 * mocked, as keys; NULL: none. Warnings go to standard
 * error. ret_scripts: NULL, or the Lua files that it names are read: a new reference, see
 * scripts.h. On failure reports the faults, with exit code 2, and returns NULL.
 */
struct asl_machine *definition_compile(const struct doc *doc, struct tmf_registry *registry,
    enum cli_output output, const json_t *mocked, json_t **ret_scripts);

/* The same from the file of opts->args[0], for running: with --set and --set-file, and with all its
 * numbers there. */
struct asl_machine *definition_read_filled(
    const struct cli_opts *opts, struct tmf_registry *registry, json_t **ret_scripts);

/* The same from a file, as it is. */
struct asl_machine *definition_read(
    const char *path, struct tmf_registry *registry, enum cli_output output, json_t **ret_scripts);

#endif
