#ifndef TMFLOW_ASL_COMPILE_COMPILE_STATE_H
#define TMFLOW_ASL_COMPILE_COMPILE_STATE_H

#include "asl/compile/compile_field.h"

/* Fills state from json, which stands at compiler->pointer. */
void compile_state(struct compiler *compiler, struct asl_state *state, json_t *json);

/*
 * The one recursion of the language: a Parallel and a Map hold scopes, which hold states. These two are
 * known to the table of fields of a state, and defined in compile_scope.c above it. The base is the state.
 */
field_compile_fn compile_branches;
field_compile_fn compile_processor; /* ItemProcessor, or Iterator as it was called before */

#endif
