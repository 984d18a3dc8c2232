#ifndef TMFLOW_ASL_COMPILE_COMPILE_ERRORS_H
#define TMFLOW_ASL_COMPILE_COMPILE_ERRORS_H

#include "asl/compile/compiler.h"

/* The retriers or the catchers of a state. */
struct handlers {
	json_t *list;
	enum asl_state_type type; /* of the state */
	bool catches;
};

/* Warns of error names in entry number at that cannot come, or that never reach this entry. */
void compile_check_errors(struct compiler *compiler, const struct handlers *handlers, size_t at);

#endif
