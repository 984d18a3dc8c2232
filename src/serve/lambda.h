#ifndef TMFLOW_SERVE_LAMBDA_H
#define TMFLOW_SERVE_LAMBDA_H

#include "aws/client.h"
#include "loop/http.h"
#include "serve/events.h"

/*
 * A custom runtime of AWS Lambda: asks for the next invocation, does what its payload is,
 * answers. Payloads: a task of Step Functions ({"action" or "workflow", "input"}), an EventBridge
 * event, a batch of SQS messages with such events, or a CloudFormation custom resource that
 * starts the backfill.
 * See: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */

/* Own work ends so long before the function's time is over, and says so. */
#define LAMBDA_MARGIN_MS 500
/* The same where CloudFormation gets its answer first, by a PUT with its retries. */
#define LAMBDA_RESOURCE_MARGIN_MS 8000
/* AWS's longest timeout: a deadline that is said to be farther is taken for this far. */
#define LAMBDA_TIMEOUT_MAX_MS	  900000
#define LAMBDA_RESPONSE_BYTES_MAX (6u << 20) /* Lambda's limit of a synchronous answer */
#define LAMBDA_BATCH_CONCURRENCY  1000u	     /* messages of a batch at a time */
#define LAMBDA_RESOURCE_BYTES_MAX 4096u	     /* of an answer to CloudFormation */
#define LAMBDA_RESOURCE_ID_CHARS  1024u	     /* of a PhysicalResourceId */

struct lambda_opts {
	struct tmf_loop *loop;
	struct http_transport *transport;
	const char *api; /* AWS_LAMBDA_RUNTIME_API: "host:port"; borrowed */
	struct jobs *jobs;
	struct aws_client *sfn; /* for custom resources with a StateMachineArn */
	struct event_routes routes;
	/* An emulator stands in AWS's place: ResponseURL may lead anywhere. */
	bool is_emulated;
	const char *backfill; /* the workflow that a custom resource without one starts: its file */
	/* An invocation is about to be answered, after which Lambda stops the process until the
	 * next one. May be NULL. */
	void (*answers)(void *arg);
	/* The runtime API does not answer as it should: the process is to end. From the loop. */
	void (*over)(void *arg, struct tmf_err *fault);
	void *arg;
};

struct lambda;

/* Asks for the first invocation. Borrows what opts point to. */
struct lambda *lambda_new(const struct lambda_opts *opts);

/* Cancels what is left. NULL is fine. */
void lambda_free(struct lambda *lambda);

/*
 * Reports to the runtime API that the process cannot start; runs the loop meanwhile.
 * Errors: TMF_ERR_TRANSPORT.
 */
int lambda_post_init_error(struct tmf_loop *loop, struct http_transport *transport, const char *api,
    const struct tmf_err *why, struct tmf_err *err);

#endif
