#ifndef TMFLOW_CLI_RUN_SCRIPTS_H
#define TMFLOW_CLI_RUN_SCRIPTS_H

#include "asl/state/machine.h"
#include "base/diag.h"

/*
 * The Lua files that a workflow's tmflow:lua Tasks name by constants. They are recorded with a
 * run, since its resume goes by what was there at the start.
 */

/*
 * Reads the scripts of the workflow of the file path, and checks that each loads and has the
 * functions that constants name; likewise source that stands in the workflow itself. Faults go to
 * diags, with their places.
 * Returns: the files' sources by the names that the workflow gives them, an object, a new
 * reference.
 */
json_t *scripts_read(const struct asl_machine *machine, const char *path, struct diag_list *diags);

/*
 * An exported definition with the sources in place of the files' names: who does the tasks has no
 * such files. Takes exported, gives a new reference.
 */
json_t *scripts_inline(json_t *exported, const json_t *scripts);

#endif
