#ifndef TMFLOW_AWS_PACE_PACER_H
#define TMFLOW_AWS_PACE_PACER_H

#include "aws/pace/waitline.h"
#include "tmflow/loop.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Keeps calls to EC2's request quota. AWS keeps a token bucket for each account, region and action;
 * its size and refill are not published, but for defaults. A pacer is one account and region;
 * for each action it learns the bucket from what is accepted and what is refused, and lets calls
 * go, first come first served, when the bucket should have a token for them. Where no call is
 * refused none is held back.
 *
 * What is known for certain, and what the estimates rest on: a refusal says that the bucket is
 * empty then. So between two refusals the calls that were accepted are the refill of that time (but
 * for one), unless the bucket overflowed; and calls accepted after a refusal were at most the
 * refill since.
 * See: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
 */
struct pacer;
struct pacer_bucket;

/* A call's place in the queue, in the caller's storage. Zeroed but for go. */
struct pacer_ticket {
	struct waiter waiter;			 /* first */
	void (*go)(struct pacer_ticket *ticket); /* from the loop: the call may be sent now */
	struct pacer_bucket *bucket;		 /* NULL: neither waiting nor sent */
	uint64_t reactions;			 /* of the bucket when this was sent */
};

enum pacer_answer {
	PACER_ACCEPTED, /* any reply but a refusal: it took a token */
	PACER_REFUSED,	/* throttled */
	PACER_UNKNOWN,	/* no reply */
};

/* One that learns the bucket of each action. */
struct pacer *pacer_new(struct tmf_loop *loop);

/* One that learns nothing about actions: all calls of a client share the rate of the SDKs' retry
 * mode "adaptive", see adaptive.h. Only tickets are to be used with it. */
struct pacer *pacer_new_adaptive(struct tmf_loop *loop);

/* No ticket may be out. NULL is fine. */
void pacer_free(struct pacer *pacer);

/* Returns true: send it now (go is not called). False: go comes later. again: it was refused
 * before, and goes in front of the others.
 * Borrows ticket until pacer_answer or pacer_withdraw; action ("CreateTags") is copied. */
bool pacer_ask(struct pacer *pacer, const char *action, struct pacer_ticket *ticket, bool again);

/* What became of a call that was sent. */
void pacer_answer(struct pacer_ticket *ticket, enum pacer_answer answer);

/* The call was given up, waiting or sent. Fine for a ticket that is neither. */
void pacer_withdraw(struct pacer_ticket *ticket);

/* What is known about an action's bucket. */
struct pacer_estimate {
	bool learnt; /* false: nothing was refused so far, and nothing is held back */
	bool guess;  /* the rate is still searched for, from above */
	double size;
	double rate_per_s;
	uint64_t waiting;
	uint64_t accepted;
	uint64_t refused;
};
/* False where the action was never asked for. */
bool
pacer_estimate(const struct pacer *pacer, const char *action, struct pacer_estimate *ret_estimate);

/* What was learnt, for a resumed run, as {ACTION: {"size", "rate", "tokens", "asOf"}}, with
 * "searching": true where the rate is still a high guess, and "learnt": false where nothing was
 * refused so far but much was asked for. A new reference. Units: asOf in wall ms. */
json_t *pacer_export(struct pacer *pacer);

/* Takes over what pacer_export gave, perhaps long ago. What is not of that form is ignored: it is
 * only a hint. Borrows state. */
void pacer_import(struct pacer *pacer, const json_t *state);

#endif
