#ifndef TMFLOW_TESTS_AWS_FIXTURE_H
#define TMFLOW_TESTS_AWS_FIXTURE_H

#include "aws/services/ec2.h"
#include "base/clock.h"
#include "scripted_transport.h"

/* An EC2 client on a fake clock over a scripted transport, with keys of its own. */

#define FIXTURE_WALL_MS	   1768478400000 /* 2026-01-15T12:00:00Z */
#define FIXTURE_ACCESS_KEY "AKIDEXAMPLE"
#define FIXTURE_SECRET_KEY "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

/* Keys that a test sets; refreshes counts how often the client asked for others. */
struct fixture_keys {
	struct credentials_provider provider; /* first */
	struct credentials credentials;
	int refreshes;
};

struct aws_fixture {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct scripted_transport *scripted;
	struct rng rng;
	struct fixture_keys keys;
	int attempts_max;
	const char *service;
	const char *endpoint;		     /* of the next client; NULL: AWS's */
	const struct retry_mode *retry_mode; /* NULL: the default */
	struct pacer *pacer; /* of the next client; freed with the fixture. NULL: none */
	struct aws_client *client;
	json_t *result;
	struct tmf_err err;
	int completions;
};

/* script: loop is filled in. attempts_max 0: the default. */
void aws_fixture_init(struct aws_fixture *f, const struct scripted_opts *script, int attempts_max);
void aws_fixture_fini(struct aws_fixture *f);

/* Puts a client of another service in the place of EC2's. */
void aws_fixture_service(struct aws_fixture *f, const char *service);

/* Puts one of the same service with another retry mode in its place; NULL: the default. */
void aws_fixture_retry_mode(struct aws_fixture *f, const char *name);

/* Sets the session token that goes with the keys; NULL: none. */
void aws_fixture_set_token(struct aws_fixture *f, const char *token);

/* Runs the call to its end: result or err hold what came (those of an earlier call are dropped). */
void aws_fixture_run(struct aws_fixture *f, struct tmf_call *call);

/* Asserts that the error is AWS's own of that name: TMF_ERR_EXPIRED where another try with the same
 * keys cannot help, TMF_ERR_SERVICE otherwise. */
void aws_fixture_expect_refusal(const struct aws_fixture *f, const char *name);

/* Takes note of a completion, for tmf_call_on_done. arg: the fixture. */
void aws_fixture_completed(void *arg, struct tmf_call *call);

#endif
