#ifndef TMFLOW_ASL_STATE_MACHINE_INTERNAL_H
#define TMFLOW_ASL_STATE_MACHINE_INTERNAL_H

#include "asl/state/arena.h"

#include "asl/state/machine.h"

/* Everything in it lives in the arena; strings and constants are the definition's. */
struct asl_machine {
	unsigned refs;
	struct arena arena;
	json_t *definition;
	json_t *names; /* name of a state to its index */
	struct asl_states *states;
	int64_t timeout_seconds;
	const char *unfilled;  /* the first number that is a placeholder: "${Wait}"; or NULL */
	struct asl_state **at; /* by index; heap, grows */
	size_t count;
	size_t capacity;
};

/* Empty, with one reference. */
struct asl_machine *machine_new(json_t *definition);

/* A zeroed state with the next free index. The first of a name is what asl_machine_find finds. */
struct asl_state *machine_add_state(struct asl_machine *machine, const char *name);

#endif
