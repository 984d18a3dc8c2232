#ifndef TMFLOW_ASL_COMPILE_COMPILE_DISTRIBUTED_H
#define TMFLOW_ASL_COMPILE_COMPILE_DISTRIBUTED_H

#include "asl/compile/compile_field.h"

/* The fields of a distributed Map, each into the state. What runs on Step Functions only is a
 * warning, and is kept in the state for the run that enters it. */
field_compile_fn compile_reader;
field_compile_fn compile_batcher;
field_compile_fn compile_writer;

/* Label of a Map. */
field_compile_fn compile_label;

#endif
