#ifndef TMFLOW_CLI_RUN_PLACEHOLDERS_H
#define TMFLOW_CLI_RUN_PLACEHOLDERS_H

#include "base/doc/doc.h"
#include "cli/options.h"

/*
 * Fills in the ${NAME}s of a workflow with the values of --set and --set-file, in doc itself; see
 * asl/compile/placeholder.h. Without these options nothing is done.
 * *ret_filled: something was filled in, so that the document's text is not what runs. NULL: --set
 * of a name that the workflow does not have is allowed, since another of several files may have it.
 * Returns: 0, -1. Errors: TMF_ERR_INVALID, naming the option.
 */
int placeholders_fill(
    const struct cli_opts *opts, struct doc *doc, bool *ret_filled, struct tmf_err *err);

#endif
