#ifndef TMFLOW_ASL_COMPILE_COMPILE_H
#define TMFLOW_ASL_COMPILE_COMPILE_H

#include "asl/state/machine.h"

#include <stdbool.h>

/* What the compiler may ask about the Resource of a Task, without knowing the engine. */
struct asl_resources {
	/*
	 * Adds faults of this Task's Resource (and constant Parameters fields) to diags.
	 * NULL: every resource is accepted. pointer is the state's.
	 */
	void (*check)(void *arg, const struct asl_state *state, json_t *definition,
	    const char *pointer, struct diag_list *diags);
	void *arg;
	/* Whether Tasks that run on AWS only are warned of: in one warning for all of them. */
	bool warns_remote;
	const json_t *mocked; /* its keys: the states that are mocked; borrowed; NULL: none */
};

/*
 * Compiles and checks doc, which may be freed afterwards. resources may be NULL.
 * Returns: a new machine, NULL if there was an error.
 * Effects: every fault goes to diags, warnings too.
 */
struct asl_machine *
asl_compile(const struct doc *doc, const struct asl_resources *resources, struct diag_list *diags);

#endif
