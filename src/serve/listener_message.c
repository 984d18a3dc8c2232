#include "serve/listener_internal.h"

#include "aws/services/sqs.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define MS		  1000
#define OLDER_HANDLES_MAX 16 /* more copies come again, and are found done */

/* A message from its receive to its deletion. Without a job it is being deleted, or given back. */
struct message {
	struct message *next;
	struct message *prev;
	struct listener *listener;
	char *id;
	char *handle;	   /* of the latest receive */
	bool handle_newer; /* than the one that its end was asked for with */
	bool done;	   /* is to be deleted */
	/* Handles of earlier receives that came while this one was under way; NULL: none. */
	json_t *older;
	struct job *job;
	struct tmf_timer extend; /* the visibility, again */
	struct tmf_call *extending;
	struct tmf_call *ending; /* DeleteMessage, or the visibility set to 0 */
};

/*
 * After a third of the visibility timeout: one extension may fail, and the
 * next one still comes in time. Example: 90 seconds are extended every 30.
 */
static int64_t
message_extend_at(const struct message *message)
{
	const struct listener_opts *opts = &message->listener->opts;
	struct tmf_clock *clock = tmf_loop_clock(opts->loop);

	return clock->mono_ms(clock) + (int64_t)opts->visibility_seconds * MS / 3;
}

static void
message_free(struct message *message)
{
	struct listener *listener = message->listener;

	assert(listener->live_messages > 0);
	job_cancel(message->job);
	tmf_call_cancel(message->extending);
	tmf_call_cancel(message->ending);
	tmf_loop_timer_disarm(listener->opts.loop, &message->extend);
	if (message->prev != NULL)
		message->prev->next = message->next;
	else
		listener->messages = message->next;
	if (message->next != NULL)
		message->next->prev = message->prev;
	listener->live_messages--;
	json_decref(message->older);
	free(message->id);
	free(message->handle);
	free(message);
}

void
messages_free(struct listener *listener)
{
	while (listener->messages != NULL) {
		struct message *next = listener->messages->next;

		message_free(listener->messages);
		listener->messages = next;
	}
}

static void
message_over(struct message *message)
{
	struct listener *listener = message->listener;

	message_free(message);
	tmf_loop_post(listener->opts.loop, &listener->slot_free);
}

/* --- the end --- */

static void message_delete(struct message *message);
static void message_give_back(struct message *message);

/* A second copy of a message may be a message of its own, which only its own handle deletes. */
static bool
message_take_older(struct message *message)
{
	size_t count = json_array_size(message->older);

	if (count == 0)
		return false;
	free(message->handle);
	message->handle = mem_strdup(json_string_value(json_array_get(message->older, count - 1)));
	json_array_remove(message->older, count - 1);
	return true;
}

/*
 * A newer handle that came while this call was under way makes it void: SQS accepts a deletion
 * by an old handle and may keep the message. The end is asked for again with the newer one.
 */
static void
message_ended(void *arg, struct tmf_call *call)
{
	struct message *message = arg;

	message->ending = NULL;
	if (tmf_err_isset(&call->err))
		log_event(
		    LOG_WARN, "message.kept", LOG_STR("message", message->id), LOG_ERR(&call->err));
	if (message->done && (message->handle_newer || message_take_older(message)))
		message_delete(message);
	else if (message->handle_newer)
		message_give_back(message);
	else
		message_over(message);
}

static void
message_delete(struct message *message)
{
	const struct listener_opts *opts = &message->listener->opts;

	assert(message->job == NULL);
	assert(message->ending == NULL);
	tmf_loop_timer_disarm(opts->loop, &message->extend);
	message->done = true;
	message->handle_newer = false;
	message->ending = sqs_delete_message(opts->sqs, opts->queue_url, message->handle);
	tmf_call_on_done(message->ending, message_ended, message);
}

/*
 * Visibility 0 makes the message visible at once, for another listener. It costs one of the
 * receives that the redrive policy counts.
 */
static void
message_give_back(struct message *message)
{
	const struct listener_opts *opts = &message->listener->opts;

	assert(message->ending == NULL);
	assert(!message->done);
	message->handle_newer = false;
	message->ending = sqs_change_visibility(opts->sqs, opts->queue_url, message->handle, 0);
	tmf_call_on_done(message->ending, message_ended, message);
}

/*
 * It becomes visible again when its time is over, and goes to the dead-letter queue after as many
 * receives as the queue's redrive policy says.
 */
static void
message_leave(struct message *message, const char *event, const struct tmf_err *why)
{
	log_event(LOG_WARN, event, LOG_STR("message", message->id), LOG_ERR(why));
	message_over(message);
}

/*
 * A failed run's message is not given back: its visibility timeout is the pause before the next
 * attempt.
 */
static void
message_job_over(void *arg, struct job_end *end)
{
	struct message *message = arg;
	struct listener_stats *stats = &message->listener->stats;

	message->job = NULL;
	event_judge(end);
	if (tmf_err_isset(&end->err)) {
		stats->failed++;
		message_leave(message, "event.failed", &end->err);
		return;
	}
	stats->done++;
	log_event(LOG_INFO, "event.done", LOG_STR("message", message->id));
	message_delete(message);
}

/* --- while it runs --- */

static void
message_extended(void *arg, struct tmf_call *call)
{
	struct message *message = arg;
	const struct tmf_err *err = &call->err;
	unsigned repeated;

	message->extending = NULL;
	if (!tmf_err_isset(err))
		return;
	if (warnings_due(&message->listener->warnings, "message.visibility", err, &repeated))
		log_event(LOG_WARN, "message.visibility", LOG_STR("message", message->id),
		    LOG_ERR(err), LOG_INT("repeated", repeated));
	/* The run goes on: what it does may be done twice. */
	if (sqs_receipt_is_over(err))
		tmf_loop_timer_disarm(message->listener->opts.loop, &message->extend);
}

static void
message_extend(struct tmf_timer *timer)
{
	struct message *message =
	    (struct message *)((char *)timer - offsetof(struct message, extend));
	const struct listener_opts *opts = &message->listener->opts;

	tmf_loop_timer_arm(opts->loop, &message->extend, message_extend_at(message));
	if (message->extending != NULL)
		return;
	message->extending = sqs_change_visibility(
	    opts->sqs, opts->queue_url, message->handle, opts->visibility_seconds);
	tmf_call_on_done(message->extending, message_extended, message);
}

/* --- the beginning --- */

static struct message *
message_find(const struct listener *listener, const char *id)
{
	for (struct message *m = listener->messages; m != NULL; m = m->next)
		if (strcmp(m->id, id) == 0)
			return m;
	return NULL;
}

static struct message *
message_new(struct listener *listener, const char *id, const char *handle)
{
	struct message *message = mem_zalloc(1, sizeof(*message));

	message->listener = listener;
	message->id = mem_strdup(id);
	message->handle = mem_strdup(handle);
	message->extend.fire = message_extend;
	message->next = listener->messages;
	if (listener->messages != NULL)
		listener->messages->prev = message;
	listener->messages = message;
	listener->live_messages++;
	return message;
}

/* AWS sends the time as text, in wall ms. A queue that does not say it counts for nothing. */
static void
message_note_age(struct listener *listener, const json_t *received)
{
	const char *sent =
	    jsonx_get_string(json_object_get(received, "Attributes"), "SentTimestamp");
	struct tmf_clock *clock = tmf_loop_clock(listener->opts.loop);
	char *end = NULL;
	long long sent_ms = sent != NULL ? strtoll(sent, &end, 10) : 0;

	if (sent_ms > 0 && *end == '\0')
		histogram_add(&listener->stats.ages, clock->wall_ms(clock) - sent_ms);
}

/* The same message once more: the handle of its latest receive is the one that deletes it. */
static void
message_note_duplicate(struct message *message, const char *handle)
{
	message->listener->stats.duplicates++;
	if (message->older == NULL)
		message->older = json_array();
	if (json_array_size(message->older) < OLDER_HANDLES_MAX)
		json_array_append_new(message->older, json_string(message->handle));
	free(message->handle);
	message->handle = mem_strdup(handle);
	message->handle_newer = message->ending != NULL;
}

/*
 * A body that was damaged on its way is not deleted, because the queue has the whole one. MD5 is
 * no protection here, only the checksum that SQS offers.
 */
static json_t *
message_event(const json_t *received, struct tmf_err *err)
{
	struct str body = str_of(jsonx_get_string(received, "Body"));
	const char *wanted = jsonx_get_string(received, "MD5OfBody");
	struct buf digest = {0};
	bool same = true;

	if (wanted != NULL && digest_named_hex("MD5", body, &digest, err) == 0)
		same = strcmp(buf_cstr(&digest), wanted) == 0;
	buf_fini(&digest);
	if (!same)
		tmf_err_set(err, TMF_ERR_REPLY, "the body does not match MD5OfBody");
	return tmf_err_isset(err) ? NULL : event_of_body(body, err);
}

static void
message_run(struct message *message, json_t *event)
{
	struct listener *listener = message->listener;
	const struct workflow *workflow;
	struct tmf_err err = {0};

	if (event_workflow(listener->opts.jobs, &listener->opts.routes, event, &workflow, &err) <
	    0) {
		listener->stats.failed++;
		message_leave(message, "event.failed", &err);
		tmf_err_fini(&err);
		return;
	}
	if (workflow == NULL) {
		log_event(LOG_INFO, "event.ignored", LOG_STR("message", message->id),
		    LOG_STR("detail_type", jsonx_get_string(event, "detail-type")));
		listener->stats.ignored++;
		message_delete(message);
		return;
	}
	log_event(LOG_DEBUG, "event.started", LOG_STR("message", message->id),
	    LOG_STR("detail_type", jsonx_get_string(event, "detail-type")));
	tmf_loop_timer_arm(listener->opts.loop, &message->extend, message_extend_at(message));
	message->job =
	    job_start_workflow(listener->opts.jobs, workflow, event, message_job_over, message);
}

/*
 * A message without an id, a handle or a body cannot be deleted or answered. SQS never sends
 * one.
 */
void
message_begin(struct listener *listener, const json_t *received)
{
	const char *id = jsonx_get_string(received, "MessageId");
	const char *handle = jsonx_get_string(received, "ReceiptHandle");
	struct message *message;
	struct tmf_err err = {0};
	json_t *event;

	listener->stats.received++;
	message_note_age(listener, received);
	if (id == NULL || handle == NULL || jsonx_get_string(received, "Body") == NULL)
		return;
	message = message_find(listener, id);
	if (message != NULL) {
		message_note_duplicate(message, handle);
		return;
	}
	message = message_new(listener, id, handle);
	if (listener->draining) {
		message_give_back(message);
		return;
	}
	event = message_event(received, &err);
	if (event != NULL) {
		message_run(message, event);
	} else {
		listener->stats.unreadable++;
		message_leave(message, "message.unreadable", &err);
	}
	json_decref(event);
	tmf_err_fini(&err);
}
