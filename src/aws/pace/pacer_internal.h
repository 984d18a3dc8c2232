#ifndef TMFLOW_AWS_PACE_PACER_INTERNAL_H
#define TMFLOW_AWS_PACE_PACER_INTERNAL_H

#include "aws/pace/pacer.h"

#define PACER_ANCHORS                                                                              \
	8 /* refusals remembered, to distinguish those of a bucket from those by chance */

/* A bucket of AWS's. */
struct pacer_shape {
	double size;
	double rate_per_s;
};

/* A moment at which the real bucket was known to be empty. */
struct pacer_anchor {
	int64_t mono_ms;
	uint64_t accepted; /* until then */
	double rate_per_s; /* estimate until then */
};

/* The estimate of one bucket. Pure: the time comes in with each call. */
struct pacer_model {
	bool learnt;		  /* a call was refused */
	struct pacer_shape prior; /* AWS's published default */
	double size;
	double rate_per_s;
	double tokens; /* as of mono_ms; below 0: to be made up for */
	int64_t mono_ms;

	uint64_t accepted; /* calls, ever */
	uint64_t refused;
	uint64_t in_flight;
	bool searching;	 /* the refill is hardly known: */
	uint64_t window; /* no more calls in flight than this */

	/* The last time when the model's bucket was full. */
	int64_t full_mono_ms;
	uint64_t full_accepted;
	unsigned emptied; /* times that it was refused then with hardly a call */
	bool was_full;	  /* since the last refusal: the real one may have overflowed */

	/* When the pace began to be raised for want of refusals. */
	int64_t ramp_mono_ms;
	uint64_t ramp_accepted;
	bool ramping;

	struct pacer_anchor anchors[PACER_ANCHORS]; /* ring; the newest at reactions - 1 */
	uint64_t anchors_count;			    /* valid ones, at most PACER_ANCHORS */
	uint64_t reactions;			    /* to refusals, ever */

	double high_rate_per_s; /* the last estimate that held, or what it grew to since */
	bool trusted;		/* refusals were shown to be the bucket's */

	/* Until this many are accepted refusals are taken for chance. */
	uint64_t deaf_until_accepted;
	uint64_t deaf_calls_now; /* how many that is */
	uint64_t deaf_calls;	 /* the next time */
	uint64_t deaf_refused;
	double low_rate_per_s; /* what they would have made of the estimate */
};

/* The published default for an action. */
struct pacer_shape pacer_prior(const char *action);

/* A full bucket of the published size and refill, of which nothing is known yet. */
void pacer_model_init(struct pacer_model *model, struct pacer_shape prior, int64_t mono_ms);

/* How long until a call may go; 0: now. */
int64_t pacer_model_wait_ms(struct pacer_model *model, int64_t mono_ms);

/* A call goes: takes its token. */
void pacer_model_sent(struct pacer_model *model, int64_t mono_ms);

/* What became of a call: accepted, throttled, or without a reply. reactions: the model's when it
 * was sent. */
void pacer_model_accepted(struct pacer_model *model, uint64_t reactions, int64_t mono_ms);
void pacer_model_refused(struct pacer_model *model, uint64_t reactions, int64_t mono_ms);
void pacer_model_lost(struct pacer_model *model);

/* What another process needs to go on. */
struct pacer_record {
	bool learnt;
	bool searching;
	struct pacer_shape shape;
	double tokens;
};
void pacer_model_save(struct pacer_model *model, int64_t mono_ms, struct pacer_record *ret_record);

/* Starts from what was known away_ms ago. */
void pacer_model_restore(
    struct pacer_model *model, const struct pacer_record *record, int64_t away_ms, int64_t mono_ms);

#endif
