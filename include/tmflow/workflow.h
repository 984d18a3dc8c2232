#ifndef TMFLOW_WORKFLOW_H
#define TMFLOW_WORKFLOW_H

#include "tmflow/action.h"
#include "tmflow/error.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A workflow: a definition in the Amazon States Language, as YAML or JSON, compiled and checked as
 * a whole. It does not change once it is made, and any number of runs may use it.
 * See: https://states-language.net/
 */
struct tmf_workflow;

#define TMF_WORKFLOW_BYTES_MAX 16777216u /* of a definition's text: 16 MiB */

/* A definition that is in memory already. All borrowed. */
struct tmf_definition {
	const char *name; /* what messages call it, as a file name; also $$.StateMachine.Name */
	const char *text;
	size_t text_bytes;
};

/*
 * Compiles a definition. `Resource: tmflow:NAME` has to name an action of registry.
 * Returns: the workflow, to be freed with tmf_workflow_free; NULL if it has an error.
 * Takes: nothing. registry is borrowed for the call; its actions have to outlive the workflow.
 * ret_diagnostics (may be NULL) is set in both cases: to NULL where there is nothing to say, else
 * to a text to be freed with free(), with one line a fault: "NAME:LINE:COLUMN: error: MESSAGE
 * (HINT)".
 * Errors: TMF_ERR_INVALID with the first error's line and column; TMF_ERR_LIMIT.
 */
struct tmf_workflow *tmf_workflow_compile(const struct tmf_definition *definition,
    struct tmf_registry *registry, char **ret_diagnostics, struct tmf_err *err);

/*
 * The same for a file ("-" is standard input).
 * Errors: those of tmf_workflow_compile; TMF_ERR_SYSTEM if it cannot be read.
 */
struct tmf_workflow *tmf_workflow_read(
    const char *path, struct tmf_registry *registry, char **ret_diagnostics, struct tmf_err *err);

/* Frees the workflow. NULL is fine. Runs that use it are not affected. */
void tmf_workflow_free(struct tmf_workflow *workflow);

/* The name that it was compiled under. Returns: borrowed from the workflow. */
const char *tmf_workflow_name(const struct tmf_workflow *workflow);

/* How many states it has, those in Map and Parallel included. */
size_t tmf_workflow_state_count(const struct tmf_workflow *workflow);

#ifdef __cplusplus
}
#endif

#endif
