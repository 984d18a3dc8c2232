#ifndef TMFLOW_SERVE_HEALTH_H
#define TMFLOW_SERVE_HEALTH_H

#include "tmflow/loop.h"

/* A file that is touched while all is well, for a supervisor to look at its time. */

#define HEALTH_TOUCH_MS 5000

struct health {
	struct tmf_loop *loop;
	const char *file; /* NULL: none. Borrowed */
	struct tmf_timer timer;
	bool failing; /* not touched meanwhile */
};

/* Touches the file now, then every HEALTH_TOUCH_MS unless failing is set. Borrows file. */
void health_start(struct health *health, struct tmf_loop *loop, const char *file);

/* Takes the file away: who is gone is not healthy. */
void health_stop(struct health *health);

#endif
