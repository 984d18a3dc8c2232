#ifndef TMFLOW_AWS_PACE_LIMITER_H
#define TMFLOW_AWS_PACE_LIMITER_H

#include "aws/pace/waitline.h"
#include "tmflow/loop.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * The rate limiter of the SDKs' retry mode "adaptive": a token for every attempt, from a bucket whose refill goes down when an attempt is throttled and grows
 * along a cubic curve while none is. It holds nothing back before the first throttled reply. One is for one client: a service of one account and region.
 * See: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */

/* The curve: flat around the rate at which the last attempt was throttled, steep before and after. Units: a second. */
struct limiter_cubic {
	double most_per_s; /* when it was throttled */
	double flat_at_s;  /* after that */
	double failed_at_s;
};
double limiter_cubic_grown(const struct limiter_cubic *cubic, double now_s);
/* The new rate. */
double limiter_cubic_throttled(struct limiter_cubic *cubic, double rate_per_s, double now_s);

/* Pure: the time comes in with each call. */
struct limiter_model {
	bool enabled; /* an attempt was throttled */
	struct limiter_cubic cubic;

	/* The bucket. */
	double fill_per_s;
	double capacity;
	double tokens; /* as of mono_ms */
	int64_t mono_ms;

	/* How often there were replies, in buckets of half a second. */
	double measured_per_s;
	double last_bucket_s;
	double count; /* since then */
};

void limiter_model_init(struct limiter_model *model, int64_t mono_ms);

/* How long until an attempt may go; 0: now. */
int64_t limiter_model_wait_ms(struct limiter_model *model, int64_t mono_ms);
void limiter_model_sent(struct limiter_model *model, int64_t mono_ms);

/* An attempt came to an end, whatever that was. */
void limiter_model_answered(struct limiter_model *model, bool throttled, int64_t mono_ms);

/* --- with who waits --- */

struct limiter;

/* An attempt's place in the line, in the caller's storage. Zeroed but for go. */
struct limiter_ticket {
	struct waiter waiter;			   /* first */
	void (*go)(struct limiter_ticket *ticket); /* from the loop: it may be sent now */
};

struct limiter *limiter_new(struct tmf_loop *loop);
/* No ticket may wait. NULL is fine. */
void limiter_free(struct limiter *limiter);

/* Returns true: send it now (go is not called). False: go comes later. Borrows ticket while it waits. */
bool limiter_ask(struct limiter *limiter, struct limiter_ticket *ticket);
/* Fine for a ticket that does not wait. */
void limiter_withdraw(struct limiter *limiter, struct limiter_ticket *ticket);
void limiter_answer(struct limiter *limiter, bool throttled);

#endif
