#include "aws/pace/pacer_internal.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* A little above the estimated refill, so that the bucket runs empty now and then: that is how a
 * change is noticed. With the headroom it sets the share of refusals: one in HEADROOM / OVERSPEED =
 * 133 calls, 0.75 %. */
#define OVERSPEED 0.015
/* Tokens left to the bucket after a refusal, against the jitter of network and timers. */
#define HEADROOM 2.0
/* Calls without a refusal after which the refill must have grown: then the overspeed doubles with
 * every RAMP_STEP_CALLS. */
#define RAMP_AFTER_CALLS 180
#define RAMP_STEP_CALLS	 20.0
#define RAMP_MAX	 2.0
/* While the refill is searched for: calls in flight, one more for each that is accepted. */
#define WINDOW_START 1
#define WINDOW_MAX   4096
/* The search ends at the latest with this refusal: each divides a guess that is too high by
 * three. */
#define SEARCH_REFUSALS_MAX 8
/* Refusals that come this often although the pace falls are not a bucket's. */
#define CHANCE_RATE_RATIO 0.7
#define CHANCE_FAST	  4
#define CHANCE_FAST_CALLS 12
#define CHANCE_SLOW_CALLS (60ull * PACER_ANCHORS)
/* So rare, they are. */
#define CONFIRM_REFUSALS 3
#define CONFIRM_CALLS	 300
/* Calls for which refusals are then taken for chance, and refusals after which that proves
 * wrong. */
#define DEAF_CALLS_START 200
#define DEAF_CALLS_MAX	 1600
#define DEAF_REFUSED_MAX 10
/* The first guess of a refill is the published one times this: it comes down within a few refusals,
 * since each shows a limit. */
#define GUESS_FACTOR 64
/* The search is over once this many calls went between two refusals. */
#define FOUND_CALLS 30

/* Waiting for a reply, which says sooner how to go on. */
#define WAIT_MAX_MS 60000

/* Of the published refill: other users of the account may take much of it, but less than this is
 * hardly true. */
#define LEAST_SHARE 0.25
/* Of what was proved by asking in vain. */
#define LEAST_SHARE_TRUSTED 0.01
#define RATE_MAX_PER_S	    1e6
#define SIZE_MAX_CALLS	    1e6

static double
model_clamp(double value, double least, double most)
{
	return fmax(least, fmin(value, most));
}

/* Published for the account and the region:
 * https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html */
struct pacer_shape
pacer_prior(const char *action)
{
	/* The first that fits: a whole name, or how it begins. */
	static const struct {
		const char *name;
		bool whole;
		struct pacer_shape shape;
	} priors[] = {
	    {"RunInstances", true, {5, 2}}, {"StartInstances", true, {5, 2}},
	    {"TerminateInstances", true, {100, 5}}, {"CreateTags", true, {100, 10}},
	    {"DeleteTags", true, {100, 10}}, {"Describe", false, {100, 20}},
	    {"Get", false, {100, 20}}, {"List", false, {100, 20}}, {"Search", false, {100, 20}},
	    {"", false, {50, 5}}, /* what changes something */
	};
	size_t i = 0;

	while (strncmp(
		   action, priors[i].name, strlen(priors[i].name) + (priors[i].whole ? 1 : 0)) != 0)
		i++;
	return priors[i].shape;
}

void
pacer_model_init(struct pacer_model *model, struct pacer_shape prior, int64_t mono_ms)
{
	*model = (struct pacer_model){
	    .prior = prior,
	    .size = prior.size,
	    .rate_per_s = prior.rate_per_s,
	    .tokens = prior.size,
	    .mono_ms = mono_ms,
	    .searching = true,
	    .window = WINDOW_START,
	    .full_mono_ms = mono_ms,
	    .deaf_calls = DEAF_CALLS_START,
	};
}

static const struct pacer_anchor *
model_newest_anchor(const struct pacer_model *model)
{
	return &model->anchors[(model->reactions - 1) % PACER_ANCHORS];
}

/* Without a floor a burst of refusals by chance would bring the pace near to nothing. */
static double
model_least_per_s(const struct pacer_model *model)
{
	return model->prior.rate_per_s * (model->trusted ? LEAST_SHARE_TRUSTED : LEAST_SHARE);
}

/* A small bucket cannot spare as many tokens. */
static double
model_headroom(const struct pacer_model *model)
{
	return fmin(HEADROOM, model->size / 2.5);
}

static uint64_t
model_accepted_since_refusal(const struct pacer_model *model)
{
	return model->accepted -
	       (model->anchors_count > 0 ? model_newest_anchor(model)->accepted : 0);
}

/* Deaf: refusals are taken for chance until that many calls have been accepted. */
static bool
model_is_deaf(const struct pacer_model *model)
{
	return model->accepted < model->deaf_until_accepted;
}

/* By how much the pace exceeds the estimate. */
static double
model_overspeed(const struct pacer_model *model)
{
	uint64_t calls = model_accepted_since_refusal(model);

	if (!model->learnt || model_is_deaf(model))
		return 0;
	if (calls < RAMP_AFTER_CALLS)
		return OVERSPEED;
	return fmin(
	    OVERSPEED * exp2((double)(calls - RAMP_AFTER_CALLS) / RAMP_STEP_CALLS), RAMP_MAX);
}

static double
model_pace_per_s(const struct pacer_model *model)
{
	return model->rate_per_s * (1 + model_overspeed(model));
}

/* A full bucket is noted: what overflows says nothing about the refill. */
static void
model_refill(struct pacer_model *model, int64_t mono_ms)
{
	model->tokens += (double)(mono_ms - model->mono_ms) / 1000 * model_pace_per_s(model);
	model->mono_ms = mono_ms;
	if (model->tokens < model->size)
		return;
	model->tokens = model->size;
	model->full_mono_ms = mono_ms;
	model->full_accepted = model->accepted;
	model->was_full = true;
}

int64_t
pacer_model_wait_ms(struct pacer_model *model, int64_t mono_ms)
{
	double wait_s;
	bool room = model->in_flight < model->window;

	model_refill(model, mono_ms);
	wait_s = (1 - model->tokens) / model_pace_per_s(model);
	if (!model->learnt)
		return model->tokens >= 1 || room ? 0 : WAIT_MAX_MS;
	if (model->searching && !room)
		return WAIT_MAX_MS;
	return wait_s > 0 ? (int64_t)ceil(wait_s * 1000) : 0;
}

void
pacer_model_sent(struct pacer_model *model, int64_t mono_ms)
{
	model_refill(model, mono_ms);
	model->tokens -= 1;
	model->in_flight++;
}

static void
model_note_ramp(struct pacer_model *model, int64_t mono_ms)
{
	if (model->ramping || model_accepted_since_refusal(model) < RAMP_AFTER_CALLS)
		return;
	model->ramping = true;
	model->ramp_mono_ms = mono_ms;
	model->ramp_accepted = model->accepted;
}

void
pacer_model_accepted(struct pacer_model *model, uint64_t reactions, int64_t mono_ms)
{
	model_refill(model, mono_ms);
	model->in_flight -= model->in_flight > 0;
	model->accepted++;
	model->window += model->searching && model->window < WINDOW_MAX;
	if (!model->learnt)
		return;
	if (reactions != model->reactions)
		model->tokens -= 1; /* was written off when another was refused */
	model_note_ramp(model, mono_ms);
}

void
pacer_model_lost(struct pacer_model *model)
{
	model->in_flight -= model->in_flight > 0;
}

static void
model_add_anchor(struct pacer_model *model, int64_t mono_ms)
{
	model->anchors[model->reactions % PACER_ANCHORS] =
	    (struct pacer_anchor){mono_ms, model->accepted, model->rate_per_s};
	model->reactions++;
	model->anchors_count += model->anchors_count < PACER_ANCHORS;
	model->was_full = false;
	model->ramping = false;
}

/* Calls accepted since the bucket was last full, less what was refilled. */
static double
model_spent_since_full(const struct pacer_model *model, int64_t mono_ms)
{
	double seconds = (double)(mono_ms - model->full_mono_ms) / 1000;

	return (double)(model->accepted - model->full_accepted) - model->rate_per_s * seconds;
}

/* The first refusal. What went beyond the published size in that time is refill, or the bucket is
 * deeper: the next refusals show it. */
static void
model_learn_first(struct pacer_model *model, int64_t mono_ms)
{
	double calls = (double)(model->accepted - model->full_accepted);
	double seconds = fmax((double)(mono_ms - model->full_mono_ms), 1) / 1000;

	model->learnt = true;
	model->rate_per_s = model_clamp(
	    fmax((calls - model->prior.size) / seconds, model->prior.rate_per_s * GUESS_FACTOR),
	    model_least_per_s(model), RATE_MAX_PER_S);
	if (calls > model->prior.size)
		model->size = model_clamp(
		    model_spent_since_full(model, mono_ms), model->prior.size, SIZE_MAX_CALLS);
}

/* Between two refusals the refill was at most what was accepted and one. */
static double
model_most_by_evidence(const struct pacer_model *model, int64_t mono_ms)
{
	const struct pacer_anchor *anchor = model_newest_anchor(model);
	double seconds = fmax((double)(mono_ms - anchor->mono_ms), 1) / 1000;
	double most = (double)(model->accepted - anchor->accepted + 1) / seconds;

	if (model->ramping) {
		/* It may have overflowed before the pace was raised; since then it gave its content
		 * at most. */
		double calls = (double)(model->accepted - model->ramp_accepted + 1) - model->size;

		seconds = fmax((double)(mono_ms - model->ramp_mono_ms), 1) / 1000;
		most = fmax(most, calls / seconds);
	}
	return most;
}

static const struct pacer_anchor *
model_anchor_back(const struct pacer_model *model, uint64_t back)
{
	return &model->anchors[(model->reactions - back) % PACER_ANCHORS];
}

/* Whether over the last refusals so few calls went, and the estimate fell so far nevertheless. */
static bool
model_keeps_falling(
    const struct pacer_model *model, uint64_t refusals, uint64_t calls, double ratio)
{
	const struct pacer_anchor *then = model_anchor_back(model, refusals);

	return model->anchors_count >= refusals && model->accepted - then->accepted < calls &&
	       model->rate_per_s < ratio * then->rate_per_s;
}

/* Refusals that stay as frequent however slow the calls are do not come from a bucket: slowing down
 * further would not help. */
static bool
model_refused_by_chance(const struct pacer_model *model)
{
	if (model->searching || model->trusted ||
	    model->rate_per_s > CHANCE_RATE_RATIO * model->high_rate_per_s)
		return false;
	return model_keeps_falling(model, CHANCE_FAST, CHANCE_FAST_CALLS, 0.5) ||
	       model_keeps_falling(model, PACER_ANCHORS, CHANCE_SLOW_CALLS, 0.8);
}

static void
model_turn_deaf(struct pacer_model *model)
{
	model->low_rate_per_s = model->rate_per_s;
	model->rate_per_s = model->high_rate_per_s;
	model->deaf_calls_now = model->deaf_calls;
	model->deaf_until_accepted = model->accepted + model->deaf_calls_now;
	model->deaf_refused = 0;
	model->deaf_calls =
	    model->deaf_calls < DEAF_CALLS_MAX ? 2 * model->deaf_calls : DEAF_CALLS_MAX;
	model->anchors_count = 0;
}

/* Most calls are refused at the old pace: they were a bucket's refusals after all. */
static void
model_listen_again(struct pacer_model *model)
{
	uint64_t accepted = model->accepted + model->deaf_calls_now - model->deaf_until_accepted;

	if (++model->deaf_refused < DEAF_REFUSED_MAX + accepted)
		return;
	model->deaf_until_accepted = 0;
	model->rate_per_s = model->low_rate_per_s;
	model->trusted = true;
}

/* Refusals are as rare as they should be: the estimate holds. */
static void
model_confirm(struct pacer_model *model)
{
	if (model->searching && model->reactions >= SEARCH_REFUSALS_MAX)
		model->searching = false;
	if (model->anchors_count < CONFIRM_REFUSALS ||
	    model->accepted - model_anchor_back(model, CONFIRM_REFUSALS)->accepted <
		CONFIRM_CALLS) {
		model->high_rate_per_s = fmax(model->high_rate_per_s, model->rate_per_s);
		return;
	}
	model->high_rate_per_s = model->rate_per_s;
	model->trusted = false;
}

/* Refused though it should have filled up meanwhile: it holds less, or, if so few were accepted
 * that it cannot have overflowed, fills more slowly. That may also be another user's doing: it
 * counts from the second time on. */
static void
model_correct_after_full(struct pacer_model *model, int64_t mono_ms)
{
	double calls = (double)(model_accepted_since_refusal(model) + 1);

	if (model->anchors_count == 0)
		return;
	if (calls >= model->size)
		model->size = model_clamp(model_spent_since_full(model, mono_ms),
		    fmax(1, model->size / 2), SIZE_MAX_CALLS);
	else if (model->emptied++ > 0)
		model->rate_per_s = model_clamp(model_most_by_evidence(model, mono_ms),
		    model_least_per_s(model), model->rate_per_s);
}

static void
model_correct(struct pacer_model *model, int64_t mono_ms)
{
	double most_per_s;

	if (model->was_full) {
		model_correct_after_full(model, mono_ms);
		return;
	}
	model->emptied = 0;
	if (model->anchors_count == 0)
		return;
	most_per_s = model_most_by_evidence(model, mono_ms);
	if (model->ramping || most_per_s < model->rate_per_s)
		model->rate_per_s =
		    model_clamp(most_per_s, model_least_per_s(model), RATE_MAX_PER_S);
	model->searching &= model_accepted_since_refusal(model) < FOUND_CALLS;
}

void
pacer_model_refused(struct pacer_model *model, uint64_t reactions, int64_t mono_ms)
{
	bool searched = model->searching;

	model_refill(model, mono_ms);
	model->in_flight -= model->in_flight > 0;
	model->refused++;
	if (model_is_deaf(model)) {
		model_listen_again(model);
		return;
	}
	if (!model->learnt)
		model_learn_first(model, mono_ms);
	else if (reactions != model->reactions)
		return; /* sent before the pace was corrected */
	else
		model_correct(model, mono_ms);
	model_confirm(model);
	/* Found: from where the guesses fell does not measure what follows. Where the search was
	 * given up it is, as refusals may come by chance. */
	if (searched && !model->searching && model_accepted_since_refusal(model) >= FOUND_CALLS)
		model->anchors_count = 0;
	model_add_anchor(model, mono_ms);
	model->tokens = -model_headroom(model);
	model->window = WINDOW_START;
	if (model_refused_by_chance(model))
		model_turn_deaf(model);
}

void
pacer_model_save(struct pacer_model *model, int64_t mono_ms, struct pacer_record *ret_record)
{
	model_refill(model, mono_ms);
	*ret_record = (struct pacer_record){
	    .learnt = model->learnt,
	    .searching = model->searching,
	    .shape = {model->size, model->rate_per_s},
	    .tokens = model->tokens,
	};
}

void
pacer_model_restore(
    struct pacer_model *model, const struct pacer_record *record, int64_t away_ms, int64_t mono_ms)
{
	double refilled;

	model->learnt = record->learnt;
	model->searching = record->searching || !record->learnt;
	model->size = model_clamp(record->shape.size, 1, SIZE_MAX_CALLS);
	model->rate_per_s =
	    model_clamp(record->shape.rate_per_s, model_least_per_s(model), RATE_MAX_PER_S);
	refilled = (double)away_ms / 1000 * model->rate_per_s;
	model->tokens = model_clamp(record->tokens + refilled, -model->size, model->size);
	/* As long as the refill is a guess, and a high one, what came in by it is one too. */
	if (model->learnt && model->searching)
		model->tokens = fmin(model->tokens, 0);
	model->mono_ms = mono_ms;
	model->full_mono_ms = mono_ms;
	model->was_full = false;
}
