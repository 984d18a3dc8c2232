#ifndef TMFLOW_AWS_CLIENT_INTERNAL_H
#define TMFLOW_AWS_CLIENT_INTERNAL_H

#include "aws/client.h"
#include "aws/pace/retry.h"
#include "aws/service.h"
#include "aws/wire/endpoint.h"
#include "aws/wire/sigv4.h"

/* Limits of one attempt. */
#define AWS_CONNECT_TIMEOUT_MS 5000
#define AWS_TOTAL_TIMEOUT_MS   30000
#define AWS_REPLY_BYTES_MAX    (32u << 20)

/* Where nothing of AWS was ever reached, a wrong name or certificate is not worth more attempts. */
#define AWS_UNREACHED_ATTEMPTS_MAX 3

/* Replies whose ids are kept, to notice one that comes twice: more than all connections hold. */
#define AWS_REQUEST_IDS_KEPT 128

/* What the calls of one service in one region share. client.c makes it, client_call.c works with
 * it. */
struct aws_client {
	/* What it works with: borrowed, and outlives it. */
	struct tmf_loop *loop;
	struct http_transport *transport;
	struct credentials_provider *credentials; /* NULL: only unsigned operations */
	struct rng *rng;

	/* Where it asks, and in which words. */
	const struct aws_service *service;
	struct endpoint endpoint;
	char *region; /* as it was asked for */
	bool has_custom_endpoint;
	char *scope;	      /* see aws_client_scope */
	int64_t seen_skew_ms; /* see aws_client_seen_skew_ms */
	char *user_agent;     /* NULL: the transport's */
	char *place;	      /* the same for people: "us-east-1 (123456789012)" */

	/* How often it asks. */
	struct pacer *pacer;	 /* whom each attempt asks first; NULL: none */
	struct pacer *own_pacer; /* the same where this client owns it (mode adaptive), else NULL */
	const struct retry_mode *retry_mode;
	int attempts_max;
	struct retry_quota quota; /* pays for retries */

	/* What it keeps from call to call. */
	struct sigv4_key key;	       /* of today */
	struct sigv4_result signature; /* its buffers */
	int64_t skew_ms; /* by how much AWS's clock is ahead of ours: a reply showed it, and another
			    call succeeded with it */
	bool reached;	 /* AWS has answered something */
	uint64_t
	    request_ids[AWS_REQUEST_IDS_KEPT]; /* digests of the last replies' ids, in a ring */
	size_t request_id_next;

	/* What became of its requests. */
	struct aws_stats stats;
	json_t *tally;
	struct histogram durations; /* of attempts that were answered */
	uint64_t unanswered;	    /* attempts in a row that had no reply */
	struct buf trouble;	    /* see aws_client_trouble */
};

#endif
