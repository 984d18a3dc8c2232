/* Messages of a queue: the first byte chooses between the body of one, and the whole reply to a
 * receive. */
#include "base/jsonx.h"
#include "base/log.h"
#include "jobs_fixture.h"
#include "serve/listener.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VISIBILITY_SECONDS 30
#define RECEIVE_FIELD	   "MaxNumberOfMessages"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct queue {
	struct jobs_fixture *fixture;
	struct listener *listener;
	struct buf reply;
	bool given;
	bool over;
};

static void
answer(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct queue *queue = arg;
	bool receives = memmem(request->body.p, request->body.len, RECEIVE_FIELD,
			    strlen(RECEIVE_FIELD)) != NULL;

	*ret_status = 200;
	if (receives && !queue->given)
		buf_add_str(ret_body, buf_str(&queue->reply));
	else
		buf_add_cstr(ret_body, "{}");
	if (receives && queue->given)
		listener_drain(queue->listener);
	queue->given = queue->given || receives;
}

static void
over(void *arg, struct tmf_err *fault)
{
	struct queue *queue = arg;

	tmf_err_fini(fault);
	queue->over = true;
	tmf_loop_stop(queue->fixture->loop);
}

static void
make_reply(struct buf *reply, const uint8_t *data, size_t size)
{
	json_t *body = (data[0] & 1) != 0 ? json_stringn((const char *)data + 1, size - 1) : NULL;
	json_t *whole;

	if (body == NULL) {
		buf_add_str(reply, (struct str){(const char *)data + 1, size - 1});
		return;
	}
	whole = json_pack("{s:[{s:s,s:s,s:o}]}", "Messages", "MessageId", "m", "ReceiptHandle", "h",
	    "Body", body);
	jsonx_write(whole, reply);
	json_decref(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jobs_fixture f;
	struct queue queue = {.fixture = &f};
	const struct listener_stats *stats;

	if (size == 0)
		return 0;
	if (f.loop == NULL) {
		log_setup(LOG_ERROR, LOG_JSON, fopen("/dev/null", "we"));
		jobs_fixture_init(&f);
	}
	make_reply(&queue.reply, data, size);
	jobs_fixture_begin(
	    &f, &(struct scripted_opts){.answer = answer, .answer_arg = &queue}, "sqs");
	queue.listener = listener_new(&(struct listener_opts){.loop = f.loop,
	    .jobs = f.jobs,
	    .sqs = f.client,
	    .queue_url = "https://sqs.us-east-1.amazonaws.com/123456789012/q",
	    .routes = f.routes,
	    .receivers = 1,
	    .concurrency = LISTENER_CONCURRENCY_DEFAULT,
	    .visibility_seconds = VISIBILITY_SECONDS,
	    .over = over,
	    .arg = &queue});
	/* Whatever comes is over at last; of what ran, each message ended in one way. */
	if (jobs_fixture_run(&f) && !queue.over)
		abort();
	stats = listener_stats(queue.listener);
	if (stats->done + stats->ignored + stats->failed + stats->unreadable + stats->duplicates >
	    stats->received)
		abort();
	listener_free(queue.listener);
	jobs_fixture_end(&f);
	buf_fini(&queue.reply);
	return 0;
}
