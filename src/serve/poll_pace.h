#ifndef TMFLOW_SERVE_POLL_PACE_H
#define TMFLOW_SERVE_POLL_PACE_H

#include "base/rng.h"
#include "serve/warnings.h"
#include "tmflow/loop.h"

/*
 * When the next long poll may be opened, and when another would be in vain: what worker and
 * listener share. A service holds a poll until there is something, so one is opened as soon as one
 * has ended; after a failure only after a pause, which doubles with each further failure, and one
 * poll alone until one succeeds.
 */

#define POLL_PAUSE_MIN_MS 1000	/* after the first failure; the half of it at least, by chance */
#define POLL_PAUSE_MAX_MS 60000 /* a message or task waits no longer for a service that is back */

/* An answer without anything in it is a failure where it came sooner: AWS holds a poll for 20 or 60
 * seconds, and a service that answers at once would be asked thousands of times a second. */
#define POLL_HELD_LEAST_MS 500

/* Refusals in a row that asking again cannot change (AccessDenied, a wrong endpoint that answers
 * 400): the process ends then. About two minutes, which a new policy may take to be known. */
#define POLL_REFUSALS_MAX 8

/* All is borrowed. */
struct poll_pace_opts {
	struct tmf_loop *loop;
	struct rng *rng;
	const char *event; /* of the warnings: "worker.poll" */
	const char *kind;  /* what is polled, for them: "activity" */
	const char *name;  /* its ARN or URL */
	/* True for a fault that one answer is enough for: what is polled does not exist. */
	bool (*is_final)(const struct tmf_err *err);
	void (*resume)(void *arg); /* the pause is over. From the loop */
	void *arg;
};

/* The rest is the pace's own. Lives in its owner. */
struct poll_pace {
	struct poll_pace_opts opts;
	struct tmf_timer pause; /* armed: no poll is opened until then */
	unsigned failures;	/* in a row */
	unsigned refusals;	/* in a row, of those */
	unsigned round;		/* counts the failures; see struct poll_ticket */
	struct warnings warnings;
};

/* What an open poll knows of its start. Polls that were open together and fail together are one
 * failure: their round is over with the first of them. */
struct poll_ticket {
	int64_t start_mono_ms;
	unsigned round;
};

/* Starts without a pause. */
void poll_pace_init(struct poll_pace *pace, const struct poll_pace_opts *opts);

/* Drops a pause: resume is not called any more. Logs what was counted. */
void poll_pace_fini(struct poll_pace *pace);

/* True if a poll may be opened now, beside `open` others. */
bool poll_pace_allows(const struct poll_pace *pace, unsigned open);

/* For a poll that is opened now. */
struct poll_ticket poll_pace_start(const struct poll_pace *pace);

/* A poll was answered. brought: with a message or a task. */
void poll_pace_answered(struct poll_pace *pace, const struct poll_ticket *ticket, bool brought);

/* A poll failed with err. Returns false where another one has no point: err then names what was
 * polled, and is the fault to end with; TMF_ERR_CONFIG where that does not exist. */
bool
poll_pace_failed(struct poll_pace *pace, const struct poll_ticket *ticket, struct tmf_err *err);

#endif
