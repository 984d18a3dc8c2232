#ifndef TMFLOW_AWS_PACE_WAITLINE_H
#define TMFLOW_AWS_PACE_WAITLINE_H

#include <stdbool.h>
#include <stdint.h>

/* Who waits for the next token, first come first served. */

/* A place in the line, in the caller's storage. Zeroed: in none. */
struct waiter {
	struct waiter *next;
	struct waiter *prev;
	bool waiting;
};

struct waitline {
	struct waiter *first; /* borrowed; NULL: nobody waits */
	struct waiter *last;
	uint64_t count;
};

/* Takes a place at the end, or before all others. waiter must wait nowhere; borrowed until it
 * leaves. */
void waitline_join(struct waitline *line, struct waiter *waiter, bool in_front);
void waitline_leave(struct waitline *line, struct waiter *waiter);

#endif
