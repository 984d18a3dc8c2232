#include "fuzz_reply.h"

#define OPERATIONS 3

const char *const fuzz_service = "ec2";

struct tmf_call *
fuzz_start(struct aws_client *client, unsigned which)
{
	const struct ec2_describe describe = {.max_results = 5};

	if (which % OPERATIONS == 0)
		return ec2_describe_instances(client, &describe);
	if (which % OPERATIONS == 1)
		return ec2_describe_sessions(client, &describe);
	return ec2_delete_target(client, "tmt-1");
}
