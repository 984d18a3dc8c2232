#ifndef TMFLOW_AWS_SERVICES_SQS_H
#define TMFLOW_AWS_SERVICES_SQS_H

#include "aws/client.h"

/*
 * Typed SQS calls for a consumer (JSON 1.0), over a client of "sqs". The queue's URL is a
 * parameter: requests go to the service's endpoint.
 * See: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/ Every pointer given
 * is borrowed until the function returns.
 */

#define SQS_MESSAGES_MAX	   10 /* of one ReceiveMessage */
#define SQS_WAIT_SECONDS_MAX	   20
#define SQS_VISIBILITY_SECONDS_MAX 43200 /* twelve hours, from the receive on */

struct sqs_receive {
	const char *queue_url;
	int messages_max;	/* 1 to SQS_MESSAGES_MAX */
	int wait_seconds;	/* long poll; 0 to SQS_WAIT_SECONDS_MAX */
	int visibility_seconds; /* how long others do not see what came */
};

/* {"Messages": [{MessageId, ReceiptHandle, MD5OfBody, Body, Attributes: {ApproximateReceiveCount,
 * SentTimestamp}}]}; empty when none came. */
struct tmf_call *sqs_receive_message(struct aws_client *sqs, const struct sqs_receive *receive);

/* {}. receipt_handle must be that of the latest receive: an older one "succeeds" without effect. */
struct tmf_call *
sqs_delete_message(struct aws_client *sqs, const char *queue_url, const char *receipt_handle);

/* {}. Hides the message for so long from now on; 0 gives it to the next who asks. */
struct tmf_call *sqs_change_visibility(
    struct aws_client *sqs, const char *queue_url, const char *receipt_handle, int seconds);

/* True if there is no such queue, in the older and the newer spelling. */
bool sqs_queue_is_missing(const struct tmf_err *err);

/* True if the receipt no longer stands for a message in flight: it was deleted, or became visible
 * again. */
bool sqs_receipt_is_over(const struct tmf_err *err);

#endif
