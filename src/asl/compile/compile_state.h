#ifndef TMFLOW_ASL_COMPILE_COMPILE_STATE_H
#define TMFLOW_ASL_COMPILE_COMPILE_STATE_H

#include "asl/compile/compile_field.h"

/* Fills state from json, which stands at compiler->pointer. */
void compile_state(struct compiler *compiler, struct asl_state *state, json_t *json);

/*
 * The one recursion of the language: a Parallel and a Map hold scopes, which hold states. The table
 * of a state's fields names these two, which are defined above it, in compile_scope.c. base is the
 * state.
 */
field_compile_fn compile_branches;
field_compile_fn compile_processor; /* ItemProcessor, or Iterator as it was called before */

#endif
