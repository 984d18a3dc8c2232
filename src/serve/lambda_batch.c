#include "serve/lambda_internal.h"

#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A batch of SQS messages, whose failures are reported one by one: only these come again. */

#define EVENT_SOURCE "aws:sqs"
#define FIFO_ENDING  ".fifo"

enum item_state { ITEM_WAITING, ITEM_RUNNING, ITEM_DONE, ITEM_FAILED };

struct batch_item {
	struct invocation *invocation;
	const char *id;	  /* borrowed from the payload */
	const char *body; /* likewise; NULL: none */
	struct job *job;
	enum item_state state;
};

struct batch {
	struct batch_item *items;
	size_t count;
	size_t next; /* the first that waits */
	size_t running;
	bool fifo; /* one at a time; a failure fails all that follow */
	bool stopped;
};

/* Lambda takes a batch from one event source, so that the first record speaks for all. */
static bool
batch_accepts(const json_t *payload)
{
	const json_t *records = jsonx_get_array(payload, "Records");
	const char *source = jsonx_get_string(json_array_get(records, 0), "eventSource");

	return source != NULL && strcmp(source, EVENT_SOURCE) == 0;
}

/*
 * SQS demands that the name of a FIFO queue ends with ".fifo", and no other name may. Example:
 * "arn:aws:sqs:eu-west-1:123456789012:launches.fifo".
 */
static bool
batch_is_fifo(const json_t *payload)
{
	const char *arn = jsonx_get_string(
	    json_array_get(jsonx_get_array(payload, "Records"), 0), "eventSourceARN");
	size_t len = arn != NULL ? strlen(arn) : 0;
	size_t ending = sizeof(FIFO_ENDING) - 1;

	return len > ending && strcmp(arn + len - ending, FIFO_ENDING) == 0;
}

/* {"batchItemFailures": [{"itemIdentifier"}]}: what is not done. */
static void
batch_respond(struct invocation *invocation)
{
	struct batch *batch = invocation->state;
	json_t *failures = json_array();
	json_t *response = json_object();

	assert(batch->next <= batch->count);
	for (size_t i = 0; i < batch->count; i++)
		if (batch->items[i].state != ITEM_DONE)
			json_array_append_new(
			    failures, json_pack("{s:s}", "itemIdentifier", batch->items[i].id));
	json_object_set_new(response, "batchItemFailures", failures);
	invocation_respond(invocation, response);
}

/*
 * In a FIFO queue the order is kept only if nothing behind a failed message is done: the rest of
 * the batch waits and is reported as failed with it. See:
 * https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
static void
batch_item_over(struct batch_item *item, const struct tmf_err *why)
{
	struct batch *batch = item->invocation->state;

	item->state = tmf_err_isset(why) ? ITEM_FAILED : ITEM_DONE;
	if (!tmf_err_isset(why))
		return;
	log_event(LOG_WARN, "lambda.message", LOG_STR("message", item->id), LOG_ERR(why));
	batch->stopped = batch->stopped || batch->fifo;
}

static void batch_continue(struct invocation *invocation);

static void
batch_job_over(void *arg, struct job_end *end)
{
	struct batch_item *item = arg;
	struct batch *batch = item->invocation->state;

	assert(item->state == ITEM_RUNNING);
	assert(batch->running > 0);
	item->job = NULL;
	batch->running--;
	event_judge(end);
	batch_item_over(item, &end->err);
	batch_continue(item->invocation);
}

/*
 * A message that cannot be read fails alone. An event without a workflow is done, or it would
 * come again until the dead-letter queue takes it.
 */
static void
batch_start_item(struct batch_item *item)
{
	const struct lambda_opts *opts = item->invocation->opts;
	struct batch *batch = item->invocation->state;
	const struct workflow *workflow = NULL;
	struct tmf_err err = {0};
	json_t *event = event_of_body(str_of(item->body != NULL ? item->body : ""), &err);

	assert(item->state == ITEM_WAITING);
	assert(item->job == NULL);
	if (event != NULL)
		event_workflow(opts->jobs, &opts->routes, event, &workflow, &err);
	if (workflow != NULL) {
		item->state = ITEM_RUNNING;
		batch->running++;
		item->job = job_start_workflow(opts->jobs, workflow, event, batch_job_over, item);
	} else {
		batch_item_over(item, &err);
	}
	json_decref(event);
	tmf_err_fini(&err);
}

/*
 * Items that fail at once do not count as running, so that the loop goes on to the next one. The
 * response is due when nothing runs: then all is over, or a FIFO batch has stopped.
 */
static void
batch_continue(struct invocation *invocation)
{
	struct batch *batch = invocation->state;
	size_t limit = batch->fifo ? 1 : LAMBDA_BATCH_CONCURRENCY;

	while (!batch->stopped && batch->next < batch->count && batch->running < limit)
		batch_start_item(&batch->items[batch->next++]);
	if (batch->running == 0)
		batch_respond(invocation);
}

static void
batch_start(struct invocation *invocation)
{
	json_t *records = jsonx_get_array(invocation->payload, "Records");
	struct batch *batch = mem_zalloc(1, sizeof(*batch));
	json_t *record;
	size_t i;

	batch->count = json_array_size(records);
	batch->items = mem_zalloc(batch->count, sizeof(batch->items[0]));
	batch->fifo = batch_is_fifo(invocation->payload);
	json_array_foreach (records, i, record) {
		const char *id = jsonx_get_string(record, "messageId");

		batch->items[i].invocation = invocation;
		batch->items[i].id = id != NULL ? id : "";
		batch->items[i].body = jsonx_get_string(record, "body");
	}
	invocation->state = batch;
	batch_continue(invocation);
}

static void
batch_cancel_jobs(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		job_cancel(batch->items[i].job);
		batch->items[i].job = NULL;
	}
}

/*
 * What is done is reported as done. If the response did not come in time, Lambda would take the
 * whole batch as failed and SQS would deliver all of it again.
 */
static void
batch_deadline(struct invocation *invocation)
{
	batch_cancel_jobs(invocation->state);
	batch_respond(invocation);
}

static void
batch_free(struct invocation *invocation)
{
	struct batch *batch = invocation->state;

	if (batch == NULL)
		return;
	batch_cancel_jobs(batch);
	free(batch->items);
	free(batch);
	invocation->state = NULL;
}

const struct invocation_kind invocation_batch = {
    .name = "batch",
    .accepts = batch_accepts,
    .start = batch_start,
    .deadline = batch_deadline,
    .free_state = batch_free,
    .margin_ms = LAMBDA_MARGIN_MS,
};
