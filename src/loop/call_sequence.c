#include "tmflow/call.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

/*
 * For what is one call to an action and several to AWS: sign in first, then ask; or ask page after
 * page. The frame holds what a step needs of those before.
 */

struct sequence {
	struct tmf_call call;	  /* first */
	struct tmf_call *pending; /* the present one; NULL once over */
	tmf_call_step_fn *step;
	void *frame;
	void (*free_frame)(void *frame);
};

/* Only the present call is at work; those before are freed, those after not made. */
static void
sequence_cancel(struct tmf_call *call)
{
	struct sequence *sequence = (struct sequence *)call;

	tmf_call_cancel(sequence->pending);
	sequence->pending = NULL;
}

static void
sequence_free(struct tmf_call *call)
{
	struct sequence *sequence = (struct sequence *)call;

	if (sequence->free_frame != NULL)
		sequence->free_frame(sequence->frame);
	free(sequence);
}

static const struct tmf_call_ops sequence_ops = {
    .cancel = sequence_cancel, .free_call = sequence_free};

static void sequence_step_over(void *arg, struct tmf_call *over);

/* The whole goes by the name of the part that is under way. */
static void
sequence_await(struct sequence *sequence)
{
	sequence->call.name = sequence->pending->name;
	tmf_call_on_done(sequence->pending, sequence_step_over, sequence);
}

/* A step gives exactly one of a next call, a result and an error: to give none would leave the
 * waiter waiting for ever. */
static void
sequence_step_over(void *arg, struct tmf_call *over)
{
	struct sequence *sequence = arg;
	json_t *result = NULL;
	struct tmf_err err = {0};

	sequence->pending = sequence->step(sequence->frame, over, &result, &err);
	assert((sequence->pending != NULL) + (result != NULL) + tmf_err_isset(&err) == 1);
	if (sequence->pending != NULL)
		sequence_await(sequence);
	else if (result != NULL)
		tmf_call_complete(&sequence->call, result);
	else
		tmf_call_complete_err(&sequence->call, &err);
}

struct tmf_call *
tmf_call_sequence(
    struct tmf_call *first, tmf_call_step_fn *step, void *frame, void (*free_frame)(void *frame))
{
	struct sequence *sequence = mem_zalloc(1, sizeof(*sequence));

	assert(first != NULL && step != NULL);
	tmf_call_init(&sequence->call, &sequence_ops, first->loop);
	sequence->pending = first;
	sequence->step = step;
	sequence->frame = frame;
	sequence->free_frame = free_frame;
	sequence_await(sequence);
	return &sequence->call;
}
