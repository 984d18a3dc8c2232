#include "serve/listener_internal.h"

#include "aws/services/sqs.h"
#include "base/clock.h"
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

/*
 * A fault may pass, so that the listener pauses and asks again. A queue that does not exist is a
 * configuration fault: the listener then drains, and its runs may end. Only the first such fault
 * is reported.
 */
static void
receive_failed(struct listener *listener, struct tmf_err *err)
{
	struct tmf_clock *clock = tmf_loop_clock(listener->opts.loop);

	log_event(LOG_WARN, "listener.receive", LOG_STR("queue", listener->opts.queue_url),
	    LOG_STR("error", err->name), LOG_STR("cause", tmf_err_text(err)));
	listener->health.failing = true;
	if (sqs_queue_is_missing(err) && !tmf_err_isset(&listener->fault)) {
		tmf_err_prefix(err, "%s", listener->opts.queue_url);
		tmf_err_move(&listener->fault, err);
		listener->fault.code = TMF_ERR_CONFIG;
		listener->draining = true;
	}
	tmf_loop_timer_arm(
	    listener->opts.loop, &listener->pause, clock->mono_ms(clock) + LISTENER_PAUSE_MS);
}

static void
receive_done(void *arg, struct tmf_call *call)
{
	struct receive *receive = arg;
	struct listener *listener = receive->listener;
	json_t *result = tmf_call_take_result(call);
	json_t *message;
	size_t i;

	if (result == NULL)
		receive_failed(listener, &call->err);
	else
		listener->health.failing = false;
	json_array_foreach (json_object_get(result, "Messages"), i, message)
		message_begin(listener, message);
	json_decref(result);
	receive_free(receive); /* only now: what it brought had its slots */
	listener_next(listener);
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

static void
listener_report_over(struct tmf_task *task)
{
	struct listener *listener =
	    (struct listener *)((char *)task - offsetof(struct listener, over));

	assert(listener->draining);
	assert(listener->open_receives + listener->live_messages == 0);
	listener->opts.over(listener->opts.arg, &listener->fault);
}

/*
 * The end is posted to the loop instead of called, because the caller may still hold a message
 * or a receive that `over` would let the owner free.
 */
void
listener_next(struct listener *listener)
{
	if (listener->draining && listener->open_receives + listener->live_messages == 0)
		tmf_loop_post(listener->opts.loop, &listener->over);
	if (listener->draining || listener->pause.heap_index != 0)
		return;
	while (listener->open_receives < listener->opts.receivers &&
	       listener->reserved + listener->live_messages < listener->opts.concurrency)
		receive_open(listener,
		    listener->opts.concurrency - listener->reserved - listener->live_messages);
}

static void
listener_pause_over(struct tmf_timer *timer)
{
	listener_next((struct listener *)((char *)timer - offsetof(struct listener, pause)));
}

struct listener *
listener_new(const struct listener_opts *opts)
{
	struct listener *listener = mem_zalloc(1, sizeof(*listener));

	assert(opts->receivers >= 1 && opts->concurrency >= 1);
	assert(opts->visibility_seconds >= LISTENER_VISIBILITY_MIN);
	listener->opts = *opts;
	listener->pause.fire = listener_pause_over;
	listener->over.run = listener_report_over;
	health_start(&listener->health, opts->loop, opts->health_file);
	listener_next(listener);
	return listener;
}

void
listener_free(struct listener *listener)
{
	if (listener == NULL)
		return;
	tmf_loop_timer_disarm(listener->opts.loop, &listener->pause);
	tmf_loop_unpost(listener->opts.loop, &listener->over);
	health_stop(&listener->health);
	while (listener->receives != NULL) {
		struct receive *next = listener->receives->next;

		tmf_call_cancel(listener->receives->call);
		receive_free(listener->receives);
		listener->receives = next;
	}
	messages_free(listener);
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
	tmf_loop_timer_disarm(listener->opts.loop, &listener->pause);
	listener_next(listener);
}

const struct listener_stats *
listener_stats(const struct listener *listener)
{
	return &listener->stats;
}
