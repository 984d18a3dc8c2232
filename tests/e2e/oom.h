#ifndef TMFLOW_TESTS_OOM_H
#define TMFLOW_TESTS_OOM_H

#include <stdbool.h>
#include <stdint.h>

/* What the files of the injector share. oom.c says what it does, oom_forks.c how it forks. */

enum oom_way { OOM_AT, OOM_FROM, OOM_WAYS };

/* Where an allocation comes from. */
struct oom_place {
	long n;		/* of all allocations */
	uint64_t stack; /* the sum of its return addresses */
	long nth;	/* of those with that stack, from 1 */
};

/* Begins to tell classes apart, into the file path. Ends the process where it cannot. */
void oom_forks_begin(const char *path);

/* Forks for each way. Returns whether this is a child, whose allocation must fail in *ret_way. */
bool oom_forks_try(const struct oom_place *place, enum oom_way *ret_way);

#endif
