#ifndef TMFLOW_ASL_COMPILE_COMPILE_CHOICE_H
#define TMFLOW_ASL_COMPILE_COMPILE_CHOICE_H

#include "asl/compile/compile_field.h"

/* The rules of a Choice state, which is the base. */
field_compile_fn compile_choices;

#endif
