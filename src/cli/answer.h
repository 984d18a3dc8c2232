#ifndef TMFLOW_CLI_ANSWER_H
#define TMFLOW_CLI_ANSWER_H

#include "base/diag.h"
#include "cli/exit.h"
#include "cli/options.h"
#include "cli/print.h"
#include "tmflow/error.h"

/* How a subcommand says that it failed, and with which exit code. */

/*
 * Reports *err: "tmflow: text" on standard error, or "file:line:column: error: text" of a document
 * that cannot be read; with -o json also {"error", "cause", "diagnostics"?} on standard output,
 * unless that holds its document already.
 * Returns: the exit code of the fault's kind.
 */
int cli_fail(enum cli_output output, const struct tmf_err *err);

/* As cli_fail, and frees *err. */
int cli_fail_take(enum cli_output output, struct tmf_err *err);

/* As cli_fail_take where nothing was started. Returns: EXIT_INVALID, or EXIT_HELD. */
int cli_fail_begin(enum cli_output output, struct tmf_err *err);

/* As cli_fail for the faults of a document. Returns: EXIT_INVALID. */
int cli_fail_diags(enum cli_output output, struct diag_list *diags);

/* Writes an error as the line for a person. */
void cli_say(const struct tmf_err *err);

/* A document that is neither YAML nor JSON, in the shape of a diagnostic. New reference. */
json_t *cli_unreadable_diagnostic(const struct tmf_err *err);

/* Calls fn for each fault that is reported, until fn is NULL: Lambda wants to know it as well. */
void cli_on_fault(void (*fn)(void *arg, const char *error, const char *cause), void *arg);

#endif
