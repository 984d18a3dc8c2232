#ifndef TMFLOW_SERVE_LISTENER_H
#define TMFLOW_SERVE_LISTENER_H

#include "aws/client.h"
#include "loop/histogram.h"
#include "serve/events.h"

/*
 * EventBridge events from an SQS queue: each runs its workflow. A message is deleted only after
 * its run succeeded and no instance failed in it; others come again after their visibility
 * timeout, and the queue's redrive policy moves what never succeeds to its dead-letter queue.
 * Messages may come more than once, in any order.
 */

#define LISTENER_RECEIVERS_DEFAULT 1u
/* Receives that are open while the queue has more than one receive takes: what a storm brings comes
 * in within the time that lookups wait for company, see mirror/gather.h. */
#define LISTENER_RECEIVERS_STORM 16u
/* A run that waits for a quota of AWS's takes some 20 KiB, and those that begin together are
 * looked up together. */
#define LISTENER_CONCURRENCY_DEFAULT 1000u
#define LISTENER_CONCURRENCY_MAX     1000u
#define LISTENER_VISIBILITY_DEFAULT  120 /* s; extended at a third of it while a run lasts */
#define LISTENER_VISIBILITY_MIN	     10
#define LISTENER_VISIBILITY_MAX	     43200 /* AWS: twelve hours */

struct listener_opts {
	struct tmf_loop *loop;
	struct jobs *jobs;
	struct aws_client *sqs;
	const char *queue_url; /* borrowed while the listener lives */
	struct event_routes routes;
	unsigned receivers;   /* long polls open at a time; more in a storm */
	unsigned concurrency; /* messages under way, those included that open polls may bring */
	int visibility_seconds;
	const char *health_file; /* as the worker's; NULL: none. Borrowed */
	/*
	 * Nothing is under way any more, after listener_drain or for a fault: fault is then set.
	 * From the loop.
	 */
	void (*over)(void *arg, struct tmf_err *fault);
	void *arg;
};

struct listener_stats {
	uint64_t received;   /* duplicates included */
	uint64_t duplicates; /* of what was under way */
	uint64_t done;	     /* and deleted */
	uint64_t ignored;    /* deleted too: events that no workflow is for */
	uint64_t failed;     /* left to come again */
	uint64_t unreadable; /* left to the redrive policy */
	/* How long messages had been in the queue when they came: those that come again, too. */
	struct histogram ages;
};

struct listener;

/* Opens the first receives. Borrows what opts point to. */
struct listener *listener_new(const struct listener_opts *opts);

/* Cancels what is left. NULL is fine. */
void listener_free(struct listener *listener);

/*
 * Receives no more; runs end; what an open poll still brings goes back to the queue; then over is
 * called.
 */
void listener_drain(struct listener *listener);

/* False while polls or what is noted beside fail, and once it drains: no more work is taken. */
bool listener_is_healthy(const struct listener *listener);

/* What else the process does fails, or does no more: it is not healthy meanwhile. */
void listener_note_beside(struct listener *listener, bool failing);

/* Counts since the start. Borrowed. */
const struct listener_stats *listener_stats(const struct listener *listener);

#endif
