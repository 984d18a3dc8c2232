/* Both JSON services read alike: the client is that of Step Functions. */
#include "aws/services/sfn.h"
#include "aws/services/sqs.h"
#include "fuzz_reply.h"

#define OPERATIONS 3

const char *const fuzz_service = "states";

struct tmf_call *
fuzz_start(struct aws_client *client, unsigned which)
{
	const struct sqs_receive receive = {.queue_url = "https://sqs.us-east-1.amazonaws.com/1/q",
	    .messages_max = SQS_MESSAGES_MAX};

	if (which % OPERATIONS == 0)
		return sfn_get_activity_task(
		    client, "arn:aws:states:us-east-1:123456789012:activity:a", "fuzz");
	if (which % OPERATIONS == 1)
		return sqs_receive_message(client, &receive);
	return sfn_send_task_heartbeat(client, "token");
}
