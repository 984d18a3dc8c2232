#ifndef TMFLOW_AWS_SERVICES_STS_H
#define TMFLOW_AWS_SERVICES_STS_H

#include "aws/client.h"

/*
 * Typed calls of the Security Token Service (Query protocol, version 2011-06-15). See:
 * https://docs.aws.amazon.com/STS/latest/APIReference/ Every pointer given is borrowed until the
 * function returns. Results are JSON with AWS's own member names.
 */

#define STS_DURATION_SECONDS_MIN   900
#define STS_DURATION_SECONDS_MAX   43200
#define STS_SESSION_NAME_BYTES_MAX 64

/* NULL or 0: not sent. */
struct sts_assume_role {
	const char *role_arn;
	const char *role_session_name; /* 2 to 64 characters of letters, digits and _+=,.@- */
	int duration_seconds;
	const char *external_id;
	const char *serial_number; /* of the MFA device; goes with token_code */
	const char *token_code;
	json_t *tags;		     /* [{Key, Value}] */
	json_t *transitive_tag_keys; /* [".."] */
	json_t *policy_arns;	     /* [".."]: the session may do no more than these */
};
/* {"Credentials": {AccessKeyId, SecretAccessKey, SessionToken, Expiration}, "AssumedRoleUser":
 * {AssumedRoleId, Arn}, "PackedPolicySize"?} */
struct tmf_call *sts_assume_role(struct aws_client *sts, const struct sts_assume_role *role);

struct sts_web_identity {
	const char *role_arn;
	const char *role_session_name;
	const char *web_identity_token;
	int duration_seconds;
};
/* Sent unsigned: the client needs no credentials. {"Credentials": .., "AssumedRoleUser": ..,
 * "SubjectFromWebIdentityToken", "Provider", "Audience"} */
struct tmf_call *
sts_assume_role_with_web_identity(struct aws_client *sts, const struct sts_web_identity *identity);

/* Who the keys belong to: {"UserId", "Account", "Arn"} */
struct tmf_call *sts_get_caller_identity(struct aws_client *sts);

/* Whether STS takes it as the name of a session. */
bool sts_session_name_is_valid(const char *name);

#endif
