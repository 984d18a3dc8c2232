#ifndef TMFLOW_SERVE_LAMBDA_INTERNAL_H
#define TMFLOW_SERVE_LAMBDA_INTERNAL_H

#include "serve/lambda.h"
#include "serve/web.h"

struct invocation;

/*
 * What a kind of payload is done by. Each invocation is answered exactly once: invocation_respond
 * or invocation_fail.
 */
struct invocation_kind {
	const char *name; /* for the log */
	bool (*accepts)(const json_t *payload);
	void (*start)(struct invocation *invocation);
	/* The function's time is nearly over: stops the work and answers. */
	void (*deadline)(struct invocation *invocation);
	/* Stops the work without an answer, and frees the state. */
	void (*free_state)(struct invocation *invocation);
	int64_t margin_ms;
};

extern const struct invocation_kind invocation_task;
extern const struct invocation_kind invocation_event;
extern const struct invocation_kind invocation_batch;
extern const struct invocation_kind invocation_resource;

struct invocation {
	struct lambda *lambda;
	const struct lambda_opts *opts;
	char *request_id;
	char *invocation_id; /* echoed; NULL: none came */
	json_t *payload;
	const struct invocation_kind *kind; /* NULL: no payload that is known */
	struct tmf_timer deadline;
	int64_t start_mono_ms;
	void *state; /* the kind's */
};

/* Takes response. */
void invocation_respond(struct invocation *invocation, json_t *response);
void invocation_fail(struct invocation *invocation, const struct tmf_err *why);

/* "TMFlow.Deadline" */
void invocation_deadline_error(struct tmf_err *err);

#endif
