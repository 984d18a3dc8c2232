#ifndef TMFLOW_AWS_CLIENT_INTERNAL_H
#define TMFLOW_AWS_CLIENT_INTERNAL_H

#include "tmflow/aws/client.h"
#include "tmflow/aws/xml.h"

/* Limits of one attempt. */
#define AWS_CONNECT_TIMEOUT_MS 5000
#define AWS_TOTAL_TIMEOUT_MS   30000
#define AWS_REPLY_BYTES_MAX    (32u << 20)

/* One operation of the Query protocol. */
struct aws_operation {
	const char *name; /* for the log */
	struct buf body;  /* moved into the call: the same bytes go out at every attempt */
	const struct xml_shape *reply;
	/* Makes the result of the parsed reply: takes it, gives a new reference. NULL: the reply as it is. */
	json_t *(*convert)(json_t *reply);
};

struct call *aws_client_call(struct aws_client *client, struct aws_operation *operation);

#endif
