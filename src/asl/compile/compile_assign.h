#ifndef TMFLOW_ASL_COMPILE_COMPILE_ASSIGN_H
#define TMFLOW_ASL_COMPILE_COMPILE_ASSIGN_H

#include "asl/compile/compile_field.h"

/* An Assign: a template, each of whose members is a variable of the current scope. */
field_compile_fn compile_assign;

/*
 * Faults for names that a scope and one around it assign: inner states read outer variables, and
 * cannot set them.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-scope
 */
void compile_check_variables(struct compiler *compiler);

#endif
