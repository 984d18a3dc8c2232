#include "aws/services/sqs.h"

#include "aws/services/operation.h"
#include "base/jsonx.h"

#include <assert.h>

#define RECEIVE_TIMEOUT_MS ((SQS_WAIT_SECONDS_MAX + 10LL) * 1000) /* the long poll, and the way */

static json_t *
sqs_params_of_queue(const char *queue_url)
{
	json_t *params = json_object();

	assert(queue_url != NULL);
	jsonx_put_string(params, "QueueUrl", queue_url);
	return params;
}

/* A reply without messages has no such member. */
static json_t *
sqs_with_messages(json_t *reply)
{
	if (jsonx_get_array(reply, "Messages") == NULL)
		json_object_set_new(reply, "Messages", json_array());
	return reply;
}

/* See:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html.
 * The service answers a long poll after WaitTimeSeconds at the latest, so that the timeout must be
 * longer. */
struct tmf_call *
sqs_receive_message(struct aws_client *sqs, const struct sqs_receive *receive)
{
	static const struct aws_operation operation = {
	    .name = "ReceiveMessage",
	    .convert = sqs_with_messages,
	    .total_timeout_ms = RECEIVE_TIMEOUT_MS,
	};
	json_t *params = sqs_params_of_queue(receive->queue_url);

	assert(receive->messages_max >= 1 && receive->messages_max <= SQS_MESSAGES_MAX);
	assert(receive->wait_seconds >= 0 && receive->wait_seconds <= SQS_WAIT_SECONDS_MAX);
	json_object_set_new(params, "MaxNumberOfMessages", json_integer(receive->messages_max));
	json_object_set_new(params, "WaitTimeSeconds", json_integer(receive->wait_seconds));
	json_object_set_new(params, "VisibilityTimeout", json_integer(receive->visibility_seconds));
	json_object_set_new(params, "MessageSystemAttributeNames",
	    json_pack("[s, s]", "ApproximateReceiveCount", "SentTimestamp"));
	return aws_json_call(sqs, &operation, params);
}

/* Deleting what is deleted succeeds, so that a retry needs no care. */
struct tmf_call *
sqs_delete_message(struct aws_client *sqs, const char *queue_url, const char *receipt_handle)
{
	static const struct aws_operation operation = {.name = "DeleteMessage"};
	json_t *params = sqs_params_of_queue(queue_url);

	jsonx_put_string(params, "ReceiptHandle", receipt_handle);
	return aws_json_call(sqs, &operation, params);
}

struct tmf_call *
sqs_change_visibility(
    struct aws_client *sqs, const char *queue_url, const char *receipt_handle, int seconds)
{
	static const struct aws_operation operation = {.name = "ChangeMessageVisibility"};
	json_t *params = sqs_params_of_queue(queue_url);

	assert(seconds >= 0 && seconds <= SQS_VISIBILITY_SECONDS_MAX);
	jsonx_put_string(params, "ReceiptHandle", receipt_handle);
	json_object_set_new(params, "VisibilityTimeout", json_integer(seconds));
	return aws_json_call(sqs, &operation, params);
}

static bool
sqs_is_one_of(const struct tmf_err *err, const char *const *codes)
{
	for (; *codes != NULL; codes++)
		if (tmf_err_is(err, *codes))
			return true;
	return false;
}

/* The older name is what comes with x-amzn-query-error, see service.c. */
bool
sqs_queue_is_missing(const struct tmf_err *err)
{
	static const char *const codes[] = {
	    "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", NULL};

	return sqs_is_one_of(err, codes);
}

/* A receipt handle ends with the visibility of its message: another consumer has it then, or it was
 * deleted. See:
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html */
bool
sqs_receipt_is_over(const struct tmf_err *err)
{
	static const char *const codes[] = {"ReceiptHandleIsInvalid", "MessageNotInflight",
	    "AWS.SimpleQueueService.MessageNotInflight", NULL};

	return sqs_is_one_of(err, codes);
}
