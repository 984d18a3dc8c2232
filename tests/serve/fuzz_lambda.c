/* What the runtime API of Lambda hands over: tasks, events, batches of messages, custom
 * resources. The first byte chooses the deadline. */
#include "base/log.h"
#include "jobs_fixture.h"
#include "serve/lambda.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEADLINE_NEAR_MS 1000
#define DEADLINE_FAR_MS	 900000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct runtime {
	struct jobs_fixture *fixture;
	struct str payload;
	bool given;
	int answers; /* of the invocation */
	bool over;
};

/* The runtime API, CloudFormation and Step Functions in one. */
static void
answer(void *arg, const struct http_request *request, int *ret_status, struct buf *ret_body)
{
	struct runtime *runtime = arg;

	if (strcmp(request->method, "GET") == 0) {
		*ret_status = runtime->given ? 500 : 200;
		if (!runtime->given)
			buf_add_str(ret_body, runtime->payload);
		runtime->given = true;
	} else if (strcmp(request->method, "POST") == 0 &&
		   strncmp(request->url, "http://api/", strlen("http://api/")) == 0) {
		runtime->answers++;
		*ret_status = 202;
	} else {
		*ret_status = 200;
		buf_add_cstr(ret_body, "{\"executionArn\": \"arn:aws:states:::execution:m:e\"}");
	}
}

static void
over(void *arg, struct tmf_err *fault)
{
	struct runtime *runtime = arg;

	tmf_err_fini(fault);
	runtime->over = true;
	tmf_loop_stop(runtime->fixture->loop);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jobs_fixture f;
	char deadline[24];
	const struct http_header headers[] = {{"Lambda-Runtime-Aws-Request-Id", "request"},
	    {"Lambda-Runtime-Deadline-Ms", deadline}, {NULL, NULL}};
	struct runtime runtime = {.fixture = &f};
	struct lambda *lambda;

	if (size == 0)
		return 0;
	if (f.loop == NULL) {
		log_setup(LOG_ERROR, LOG_JSON, fopen("/dev/null", "we"));
		jobs_fixture_init(&f);
	}
	runtime.payload = (struct str){(const char *)data + 1, size - 1};
	snprintf(deadline, sizeof(deadline), "%lld",
	    (long long)f.clock.now_wall_ms +
		((data[0] & 1) != 0 ? DEADLINE_NEAR_MS : DEADLINE_FAR_MS));
	jobs_fixture_begin(&f,
	    &(struct scripted_opts){.answer = answer, .answer_arg = &runtime, .headers = headers},
	    "states");
	lambda = lambda_new(&(struct lambda_opts){.loop = f.loop,
	    .transport = scripted_transport_http(f.scripted),
	    .api = "api",
	    .jobs = f.jobs,
	    .sfn = f.client,
	    .routes = f.routes,
	    .is_emulated = true,
	    .backfill = f.routes.on_launch,
	    .over = over,
	    .arg = &runtime});
	/* Each invocation is answered once, before the next is asked for. */
	if (jobs_fixture_run(&f) && (!runtime.over || runtime.answers != 1))
		abort();
	lambda_free(lambda);
	jobs_fixture_end(&f);
	return 0;
}
