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

/*
 * The same from the file of opts->args[0], to try one of its states: with --set and --set-file, and
 * with all its numbers there. The file may hold a state alone, which then is one of a machine with
 * the states that it leads to. *ret_name: the state of opts->args[1]; of a state alone the file's
 * name without one; a new string. Exit code 2 and NULL, also without a name.
 */
struct asl_machine *definition_read_state(const struct cli_opts *opts,
    struct tmf_registry *registry, json_t **ret_scripts, char **ret_name);

/* The same from a file, as it is. */
struct asl_machine *definition_read(
    const char *path, struct tmf_registry *registry, enum cli_output output, json_t **ret_scripts);

#endif
