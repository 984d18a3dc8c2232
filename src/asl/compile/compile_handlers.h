#ifndef TMFLOW_ASL_COMPILE_COMPILE_HANDLERS_H
#define TMFLOW_ASL_COMPILE_COMPILE_HANDLERS_H

#include "asl/compile/compile_field.h"

/* The retriers and catchers of a state, which is the base. */
field_compile_fn compile_retry;
field_compile_fn compile_catch;

#endif
