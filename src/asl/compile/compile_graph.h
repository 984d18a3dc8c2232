#ifndef TMFLOW_ASL_COMPILE_COMPILE_GRAPH_H
#define TMFLOW_ASL_COMPILE_COMPILE_GRAPH_H

#include "asl/compile/compiler.h"

/* Fills in every transition; targets that are not there are faults. */
void compile_graph_resolve(struct compiler *compiler);

/* Faults and warnings for each scope: states that cannot be reached, and an end that is missing. */
void compile_graph_check(struct compiler *compiler);

#endif
