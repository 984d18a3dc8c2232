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

/* What the calls of one service in one region share. client.c makes it, client_call.c and
 * client_retry.c work with it. */
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

/* One operation under way; client_call.c says through which stages. */
struct aws_call {
	struct tmf_call call; /* first */
	struct aws_client *client;
	struct aws_operation operation;
	char *target; /* X-Amz-Target, or NULL */
	char *path;   /* that is signed */
	char *query;  /* likewise; NULL: none */
	char *host;
	char *url;

	/* The present attempt. */
	int attempt; /* from 1 */
	struct pacer_ticket ticket;
	bool waits_for_keys;
	unsigned keys; /* the serial of those that it is signed with */
	int64_t sent_mono_ms;
	struct http_exchange *exchange; /* NULL: not sent, or over */
	struct aws_reader *reader;

	/* What earlier ones leave. */
	struct tmf_timer backoff; /* runs until the next attempt */
	bool refused;		  /* the last one was throttled */
	bool refreshed;		  /* fresh keys were asked for, and none were good yet */
	bool skew_known;	  /* a reply's Date corrected the clock, by: */
	int64_t skew_ms;	  /* in addition to the client's; one Date alone may be wrong */
	int retry_cost;		  /* what the last retry took from the quota; 0: no retry */
};

/* AWS's time: our clock, and what replies showed it to be off. */
int64_t aws_call_wall_ms(const struct aws_call *call);

/* Adds to an error without a reply what to look at, where nothing of AWS was ever reached; else it
 * becomes one that passes. */
void aws_call_name_trouble(const struct aws_call *call, struct tmf_err *err);

/* An attempt failed with *err: arms call->backoff for the next one, or ends the call. headers: NULL
 * where there was no reply. Takes what is in *err. */
void aws_call_failed(
    struct aws_call *call, struct tmf_err *err, const struct aws_reply_headers *headers);

#endif
