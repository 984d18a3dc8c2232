#ifndef TMFLOW_ASL_COMPILE_COMPILE_DISTRIBUTED_H
#define TMFLOW_ASL_COMPILE_COMPILE_DISTRIBUTED_H

#include "asl/compile/compile_field.h"

/* ItemReader, ItemBatcher, ResultWriter of a Map: checked, and the flag of the row is set. */
field_compile_fn compile_distributed;

/* Label of a Map: checked only. */
field_compile_fn compile_label;

#endif
