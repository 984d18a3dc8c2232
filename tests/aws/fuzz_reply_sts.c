#include "aws/services/sts.h"
#include "fuzz_reply.h"

#define OPERATIONS 3

const char *const fuzz_service = "sts";

struct tmf_call *
fuzz_start(struct aws_client *client, unsigned which)
{
	const struct sts_assume_role role = {
	    .role_arn = "arn:aws:iam::123456789012:role/r", .role_session_name = "fuzz"};
	const struct sts_web_identity identity = {.role_arn = "arn:aws:iam::123456789012:role/r",
	    .role_session_name = "fuzz",
	    .web_identity_token = "token"};

	if (which % OPERATIONS == 0)
		return sts_assume_role(client, &role);
	if (which % OPERATIONS == 1)
		return sts_assume_role_with_web_identity(client, &identity);
	return sts_get_caller_identity(client);
}
