#include "tmflow/call.h"

#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

struct sequence {
	struct tmf_call call;	  /* first */
	struct tmf_call *pending; /* the present one; NULL once over */
	tmf_call_step_fn *step;
	void *frame;
	void (*free_frame)(void *frame);
};

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

static void
step_over(void *arg, struct tmf_call *over)
{
	struct sequence *sequence = arg;
	json_t *result = NULL;
	struct tmf_err err = {0};

	sequence->pending = sequence->step(sequence->frame, over, &result, &err);
	assert((sequence->pending != NULL) + (result != NULL) + tmf_err_isset(&err) == 1);
	if (sequence->pending != NULL)
		tmf_call_on_done(sequence->pending, step_over, sequence);
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

	tmf_call_init(&sequence->call, &sequence_ops, first->loop);
	sequence->pending = first;
	sequence->step = step;
	sequence->frame = frame;
	sequence->free_frame = free_frame;
	tmf_call_on_done(first, step_over, sequence);
	return &sequence->call;
}
