#include "aws/services/sts.h"

#include "aws/client.h"
#include "aws/services/operation.h"
#include "aws/wire/query.h"

#include <stdio.h>
#include <string.h>

#define STS_VERSION "2011-06-15"

static const struct xml_shape credentials_shape[] = {
    {"AccessKeyId", "AccessKeyId", XML_STRING, NULL, NULL},
    {"SecretAccessKey", "SecretAccessKey", XML_STRING, NULL, NULL},
    {"SessionToken", "SessionToken", XML_STRING, NULL, NULL},
    {"Expiration", "Expiration", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape user_shape[] = {
    {"AssumedRoleId", "AssumedRoleId", XML_STRING, NULL, NULL},
    {"Arn", "Arn", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* PackedPolicySize is a percentage of what a session's policies and tags may take. */
static const struct xml_shape assume_role_shape[] = {
    {"Credentials", "Credentials", XML_STRUCT, credentials_shape, NULL},
    {"AssumedRoleUser", "AssumedRoleUser", XML_STRUCT, user_shape, NULL},
    {"PackedPolicySize", "PackedPolicySize", XML_INTEGER, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape web_identity_shape[] = {
    {"Credentials", "Credentials", XML_STRUCT, credentials_shape, NULL},
    {"AssumedRoleUser", "AssumedRoleUser", XML_STRUCT, user_shape, NULL},
    {"PackedPolicySize", "PackedPolicySize", XML_INTEGER, NULL, NULL},
    {"SubjectFromWebIdentityToken", "SubjectFromWebIdentityToken", XML_STRING, NULL, NULL},
    {"Provider", "Provider", XML_STRING, NULL, NULL},
    {"Audience", "Audience", XML_STRING, NULL, NULL},
    {.element = NULL},
};

static const struct xml_shape caller_shape[] = {
    {"UserId", "UserId", XML_STRING, NULL, NULL},
    {"Account", "Account", XML_STRING, NULL, NULL},
    {"Arn", "Arn", XML_STRING, NULL, NULL},
    {.element = NULL},
};

/* The Query protocol wraps a result in <OperationResult>. */
static const struct xml_shape assume_role_reply[] = {
    {"AssumeRoleResult", "Result", XML_STRUCT, assume_role_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape web_identity_reply[] = {
    {"AssumeRoleWithWebIdentityResult", "Result", XML_STRUCT, web_identity_shape, NULL},
    {.element = NULL},
};

static const struct xml_shape caller_reply[] = {
    {"GetCallerIdentityResult", "Result", XML_STRUCT, caller_shape, NULL},
    {.element = NULL},
};

/* Name.member.1.arn, as the shape PolicyDescriptorType has it. They narrow what the session may
 * do, and never widen it. */
static void
sts_add_policy_arns(struct buf *body, const json_t *arns)
{
	size_t count = json_array_size(arns);

	for (size_t i = 0; i < count; i++) {
		char name[64];

		snprintf(name, sizeof(name), "PolicyArns.member.%zu.arn", i + 1);
		query_add(body, name, json_string_value(json_array_get(arns, i)));
	}
}

/* See: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html. Lists of the
 * Query protocol are Name.member.N, not Name.N as with EC2. A duration of 0 is not sent: the
 * service's default, one hour, then holds. */
struct tmf_call *
sts_assume_role(struct aws_client *sts, const struct sts_assume_role *role)
{
	struct aws_operation operation = {
	    .name = "AssumeRole", .reply = assume_role_reply, .convert = query_operation_result};
	struct buf *body = &operation.body;

	query_begin(body, operation.name, STS_VERSION);
	query_add(body, "RoleArn", role->role_arn);
	query_add(body, "RoleSessionName", role->role_session_name);
	if (role->duration_seconds > 0)
		query_add_int(body, "DurationSeconds", role->duration_seconds);
	query_add(body, "ExternalId", role->external_id);
	query_add(body, "SerialNumber", role->serial_number);
	query_add(body, "TokenCode", role->token_code);
	query_add_tags(body, "Tags.member", role->tags);
	query_add_list(body, "TransitiveTagKeys.member", role->transitive_tag_keys);
	sts_add_policy_arns(body, role->policy_arns);
	return aws_client_call(sts, &operation);
}

/* Unsigned, since the token is what proves the caller: with keys there would be no need for it.
 * See: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
struct tmf_call *
sts_assume_role_with_web_identity(struct aws_client *sts, const struct sts_web_identity *identity)
{
	struct aws_operation operation = {.name = "AssumeRoleWithWebIdentity",
	    .reply = web_identity_reply,
	    .convert = query_operation_result,
	    .unsigned_request = true};
	struct buf *body = &operation.body;

	query_begin(body, operation.name, STS_VERSION);
	query_add(body, "RoleArn", identity->role_arn);
	query_add(body, "RoleSessionName", identity->role_session_name);
	query_add(body, "WebIdentityToken", identity->web_identity_token);
	if (identity->duration_seconds > 0)
		query_add_int(body, "DurationSeconds", identity->duration_seconds);
	return aws_client_call(sts, &operation);
}

/* Needs no permission: IAM cannot deny it, so that it can be asked with any keys. */
struct tmf_call *
sts_get_caller_identity(struct aws_client *sts)
{
	struct aws_operation operation = {
	    .name = "GetCallerIdentity", .reply = caller_reply, .convert = query_operation_result};

	query_begin(&operation.body, operation.name, STS_VERSION);
	return aws_client_call(sts, &operation);
}

/* Checked here, since STS answers with a regular expression that does not say which setting is
 * meant. */
bool
sts_session_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	return len >= 2 && len <= STS_SESSION_NAME_BYTES_MAX &&
	       strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-") == len;
}
