#ifndef TMFLOW_AWS_CLIENT_H
#define TMFLOW_AWS_CLIENT_H

#include "aws/credentials.h"
#include "aws/pace/pacer.h"
#include "aws/pace/retry_mode.h"
#include "aws/settings/settings.h"
#include "aws/wire/protocol.h"
#include "base/buf.h"
#include "base/rng.h"
#include "loop/histogram.h"
#include "loop/http.h"
#include "tmflow/call.h"

/*
 * One AWS service in one region: paces, signs, sends, retries, parses. Every operation is a struct
 * tmf_call whose result is JSON in the form of the typed header (ec2.h); a failed one carries AWS's
 * own code as err.name and the request id.
 */

struct aws_client_opts {
	struct tmf_loop *loop;
	struct http_transport *transport;
	struct credentials_provider *credentials; /* borrowed; NULL: only unsigned operations */
	struct rng *rng;
	struct pacer
	    *pacer; /* of the account and region, shared by its clients; borrowed; or NULL */
	const char *service; /* signing name, see service.c: "ec2", "elasticloadbalancing" */
	const char *region;
	const char *owner;	/* which account it is, for aws_client_scope; NULL: unknown */
	const char *user_agent; /* copied; NULL: the transport's */
	const char *endpoint;	/* URL, or NULL: from service and region */
	bool use_fips;		/* neither of these together with a URL */
	bool use_dual_stack;
	bool sts_global; /* STS of the old regions is asked at its one global address */
	const struct retry_mode *retry_mode; /* NULL: retry_mode_default */
	int attempts_max;		     /* 0: the mode's */
};

/* Counters for the closing summary and progress. */
struct aws_stats {
	uint64_t requests; /* sent, retries included */
	uint64_t retries;
	uint64_t throttled; /* replies that said so */
	uint64_t failed;    /* calls that ended in an error */
};

struct aws_client;

/* What the settings say for a service; the rest is the caller's to fill in. Borrows settings. */
struct aws_client_opts aws_client_opts_of(const struct aws_settings *settings, const char *service);

/* Makes a client, which borrows what opts points at. Errors: TMF_ERR_CONFIG for a region or
 * endpoint that makes no URL. */
struct aws_client *aws_client_new(const struct aws_client_opts *opts, struct tmf_err *err);

/* No call may be under way. NULL is fine. */
void aws_client_free(struct aws_client *client);

/* Its counters. Borrowed. */
const struct aws_stats *aws_client_stats(const struct aws_client *client);

/* The same and more by operation, see tally.h. Borrowed. */
const json_t *aws_client_tally(const struct aws_client *client);

/* How long answers took, an attempt each, from sending on. Borrowed. */
const struct histogram *aws_client_durations(const struct aws_client *client);

/* The service's signing name. Static. */
const char *aws_client_service(const struct aws_client *client);

/* Why the last attempt had no reply at all, as "NAME: text"; "" when one came since. Borrowed until
 * the loop's next turn. */
const char *aws_client_trouble(const struct aws_client *client);

/* Starts an operation of the client's service: for the typed calls of services/. Moves
 * operation->body. */
struct tmf_call *aws_client_call(struct aws_client *client, struct aws_operation *operation);

/* By how much AWS's clock is ahead of this machine's, as the last reply showed it; 0 where that is
 * less than retries mind. */
int64_t aws_client_seen_skew_ms(const struct aws_client *client);

/* The loop that its calls run on. Borrowed. */
struct tmf_loop *aws_client_loop(const struct aws_client *client);

/* As given. Borrows. */
const char *aws_client_region(const struct aws_client *client);

/* "OWNER REGION HOST": what a fact about AWS holds for. */
const char *aws_client_scope(const struct aws_client *client);

#endif
