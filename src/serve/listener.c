#include "serve/jobs_internal.h"
#include "serve/listener_internal.h"

#include "aws/services/sqs.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

/* An open ReceiveMessage. */
struct receive {
	struct receive *next;
	struct receive *prev;
	struct listener *listener;
	unsigned reserved;
	struct poll_ticket ticket;
	struct tmf_call *call;
};

/*
 * Gives the reserved slots back. A receive that brought fewer messages than it asked for thereby
 * makes room for the next one.
 */
static void
receive_free(struct receive *receive)
{
	struct listener *listener = receive->listener;

	assert(listener->open_receives > 0);
	assert(listener->reserved >= receive->reserved);
	if (receive->prev != NULL)
		receive->prev->next = receive->next;
	else
		listener->receives = receive->next;
	if (receive->next != NULL)
		receive->next->prev = receive->prev;
	listener->open_receives--;
	listener->reserved -= receive->reserved;
	free(receive);
}

/* One file stands for all that the process does: a supervisor looks at nothing else. */
static void
listener_judge_health(struct listener *listener)
{
	listener->health.failing = listener->polls_fail || listener->fails_beside;
}

/*
 * A queue that does not exist, or that is refused for good, is a fault of the configuration: the
 * listener then drains, and its runs may end. Only the first such fault is reported.
 */
static void
receive_failed(struct listener *listener, const struct poll_ticket *ticket, struct tmf_err *err)
{
	listener->polls_fail = true;
	listener_judge_health(listener);
	if (poll_pace_failed(&listener->pace, ticket, err) || tmf_err_isset(&listener->fault))
		return;
	tmf_err_move(&listener->fault, err);
	listener->draining = true;
	poll_pace_fini(&listener->pace);
}

/* A receive that came back full says that the queue has more: twice as many follow, until one comes
 * back with less. */
static void
receive_note_fill(struct listener *listener, size_t messages)
{
	unsigned most = listener->opts.receivers > LISTENER_RECEIVERS_STORM
			    ? listener->opts.receivers
			    : LISTENER_RECEIVERS_STORM;

	if (messages < SQS_MESSAGES_MAX)
		listener->receivers = listener->opts.receivers;
	else if (2 * listener->receivers <= most)
		listener->receivers *= 2;
	else
		listener->receivers = most;
}

static void
receive_answered(struct listener *listener, const struct poll_ticket *ticket, const json_t *result)
{
	const json_t *messages = json_object_get(result, "Messages");
	json_t *message;
	size_t i;

	listener->polls_fail = false;
	listener_judge_health(listener);
	receive_note_fill(listener, json_array_size(messages));
	if (!listener->draining)
		poll_pace_answered(&listener->pace, ticket, json_array_size(messages) > 0);
	json_array_foreach (messages, i, message)
		message_begin(listener, message);
}

static void
receive_done(void *arg, struct tmf_call *call)
{
	struct receive *receive = arg;
	struct listener *listener = receive->listener;
	json_t *result = tmf_call_take_result(call);

	if (result == NULL)
		receive_failed(listener, &receive->ticket, &call->err);
	else
		receive_answered(listener, &receive->ticket, result);
	json_decref(result);
	receive_free(receive); /* only now: what it brought had its slots */
	tmf_loop_post(listener->opts.loop, &listener->slot_free);
}

/*
 * Reserves as many slots as the receive may bring messages. Example: with concurrency 12 and 5
 * runs live, one receive asks for 7, and no second one is opened until it returns. SQS gives at
 * most 10 messages for each receive. Long polling of 20 seconds keeps an idle queue cheap: 3
 * requests a minute for each receiver.
 */
static void
receive_open(struct listener *listener, unsigned free_slots)
{
	struct receive *receive = mem_zalloc(1, sizeof(*receive));
	unsigned wanted = free_slots < SQS_MESSAGES_MAX ? free_slots : SQS_MESSAGES_MAX;

	assert(free_slots > 0 && !listener->draining);
	receive->listener = listener;
	receive->reserved = wanted;
	receive->ticket = poll_pace_start(&listener->pace);
	receive->next = listener->receives;
	if (listener->receives != NULL)
		listener->receives->prev = receive;
	listener->receives = receive;
	listener->open_receives++;
	listener->reserved += wanted;
	receive->call = sqs_receive_message(
	    listener->opts.sqs, &(struct sqs_receive){
				    .queue_url = listener->opts.queue_url,
				    .messages_max = (int)wanted,
				    .wait_seconds = SQS_WAIT_SECONDS_MAX,
				    .visibility_seconds = listener->opts.visibility_seconds,
				});
	tmf_call_on_done(receive->call, receive_done, receive);
}

/* Posted to the loop instead of called: who frees a slot may still hold a message or a receive that
 * `over` would let the owner free. */
static void
listener_fill_slots(struct tmf_task *task)
{
	struct listener *listener =
	    (struct listener *)((char *)task - offsetof(struct listener, slot_free));

	if (listener->draining) {
		if (listener->open_receives + listener->live_messages == 0)
			listener->opts.over(listener->opts.arg, &listener->fault);
		return;
	}
	while (listener->open_receives < listener->receivers &&
	       poll_pace_allows(&listener->pace, listener->open_receives) &&
	       listener->reserved + listener->live_messages < listener->opts.concurrency)
		receive_open(listener,
		    listener->opts.concurrency - listener->reserved - listener->live_messages);
}

static void
listener_resume(void *arg)
{
	struct listener *listener = arg;

	tmf_loop_post(listener->opts.loop, &listener->slot_free);
}

struct listener *
listener_new(const struct listener_opts *opts)
{
	struct listener *listener = mem_zalloc(1, sizeof(*listener));

	assert(opts->receivers >= 1 && opts->concurrency >= 1);
	assert(opts->visibility_seconds >= LISTENER_VISIBILITY_MIN);
	listener->opts = *opts;
	listener->receivers = opts->receivers;
	poll_pace_init(&listener->pace, &(struct poll_pace_opts){
					    .loop = opts->loop,
					    .rng = opts->jobs->opts.rng,
					    .event = "listener.receive",
					    .kind = "queue",
					    .name = opts->queue_url,
					    .is_final = sqs_queue_is_missing,
					    .resume = listener_resume,
					    .arg = listener,
					});
	listener->slot_free.run = listener_fill_slots;
	listener->warnings.loop = opts->loop;
	health_start(&listener->health, opts->loop, opts->health_file);
	tmf_loop_post(listener->opts.loop, &listener->slot_free);
	return listener;
}

void
listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	poll_pace_fini(&listener->pace);
	tmf_loop_unpost(listener->opts.loop, &listener->slot_free);
	health_stop(&listener->health);
	while (listener->receives != NULL) {
		struct receive *next = listener->receives->next;

		tmf_call_cancel(listener->receives->call);
		receive_free(listener->receives);
		listener->receives = next;
	}
	messages_free(listener);
	warnings_end(&listener->warnings);
	tmf_err_fini(&listener->fault);
	free(listener);
}

/*
 * Open receives are left to return: a message that SQS has handed out already would stay
 * invisible for its whole visibility timeout. It is given back instead (message_begin).
 */
void
listener_drain(struct listener *listener)
{
	listener->draining = true;
	poll_pace_fini(&listener->pace);
	tmf_loop_post(listener->opts.loop, &listener->slot_free);
}

void
listener_note_beside(struct listener *listener, bool failing)
{
	listener->fails_beside = failing;
	listener_judge_health(listener);
}

bool
listener_is_healthy(const struct listener *listener)
{
	return !listener->health.failing && !listener->draining;
}

const struct listener_stats *
listener_stats(const struct listener *listener)
{
	return &listener->stats;
}
