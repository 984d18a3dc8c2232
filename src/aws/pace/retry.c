#include "aws/pace/retry.h"

#include <assert.h>
#include <curl/curl.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Codes that are worth a retry. Every other one is final unless its status says that the server
 * stumbled. */
static const struct {
	const char *code;
	enum retry_class retry;
} error_table[] = {
    {"RequestTimeout", RETRY_TRANSIENT},
    {"RequestTimeoutException", RETRY_TRANSIENT},
    {"PriorRequestNotComplete", RETRY_THROTTLING},
    {"InternalError", RETRY_TRANSIENT},
    {"InternalFailure", RETRY_TRANSIENT},
    {"ServiceUnavailable", RETRY_TRANSIENT},
    {"Unavailable", RETRY_TRANSIENT},
    {"ServerInternal", RETRY_TRANSIENT},
    {"RetryableError", RETRY_TRANSIENT},
    {"ConcurrentTagAccess", RETRY_TRANSIENT},
    {"IDPCommunicationError", RETRY_TRANSIENT},
    {"Throttling", RETRY_THROTTLING},
    {"ThrottlingException", RETRY_THROTTLING},
    {"ThrottledException", RETRY_THROTTLING},
    {"RequestThrottledException", RETRY_THROTTLING},
    {"RequestThrottled", RETRY_THROTTLING},
    {"TooManyRequestsException", RETRY_THROTTLING},
    {"ProvisionedThroughputExceededException", RETRY_THROTTLING},
    {"TransactionInProgressException", RETRY_THROTTLING},
    {"RequestLimitExceeded", RETRY_THROTTLING},
    {"BandwidthLimitExceeded", RETRY_THROTTLING},
    {"LimitExceededException", RETRY_THROTTLING},
    {"SlowDown", RETRY_THROTTLING},
    {"EC2ThrottledException", RETRY_THROTTLING},
    {"ActivityWorkerLimitExceeded", RETRY_THROTTLING},
    {"KmsThrottled", RETRY_THROTTLING},
    {"KmsThrottlingException", RETRY_THROTTLING},
    {"KMS.ThrottlingException", RETRY_THROTTLING},
    {"OverLimit", RETRY_THROTTLING},
    {"ExpiredToken", RETRY_CREDENTIALS},
    {"ExpiredTokenException", RETRY_CREDENTIALS},
    {"RequestExpired", RETRY_CREDENTIALS},
    {"RequestTimeTooSkewed", RETRY_CREDENTIALS},
    {"InvalidClientTokenId", RETRY_CREDENTIALS},
    {"UnrecognizedClientException", RETRY_CREDENTIALS},
};

/* "AWS was not able to validate the provided access credentials" comes with this status. EC2 has
 * the same code for an AMI that is not shared with the account, with another status. */
#define CODE_AUTH_FAILURE   "AuthFailure"
#define STATUS_UNAUTHORIZED 401

/* These come with the status 500, and are an answer even so: AWS has no room for what is asked. */
static const char *const capacity_codes[] = {
    "InsufficientInstanceCapacity",
    "InsufficientHostCapacity",
    "InsufficientReservedInstanceCapacity",
    "InsufficientCapacity",
    "InsufficientAddressCapacity",
    "InsufficientVolumeCapacity",
};

static const int transient_statuses[] = {500, 502, 503, 504};

/* EC2 spells these in several ways: its list of codes, the wire, and one with a slip. */
static const char *const not_found_codes[] = {
    "InvalidInstanceID.NotFound",
    "InvalidNetworkInterfaceID.NotFound",
    "InvalidNetworkInterfaceId.NotFound",
    "InvalidTrafficMirrorTargetId.NotFound",
    "InvalidTrafficMirrorTargetNotFound",
    "InvalidTrafficMirrorTargetNoFound",
    "InvalidTrafficMirrorSessionId.NotFound",
    "InvalidTrafficMirrorSessionNotFound",
    "InvalidTrafficMirrorFilterId.NotFound",
    "InvalidTrafficMirrorFilterNotFound",
    "InvalidTrafficMirrorFilterRuleId.NotFound",
    "InvalidTrafficMirrorFilterRuleNotFound",
    "InvalidNetworkLoadBalancerArn.NotFound",
    "NetworkLoadBalancerNotFoundException",
};

/* See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and the retry
 * specification of the SDKs. */
static enum retry_class
retry_classify_code(const char *code)
{
	for (size_t i = 0; i < sizeof(error_table) / sizeof(error_table[0]); i++)
		if (strcmp(code, error_table[i].code) == 0)
			return error_table[i].retry;
	return RETRY_NEVER;
}

/* The code goes before the status, since EC2 throttles under 503 as well. */
enum retry_class
retry_classify(const struct tmf_err *err)
{
	enum retry_class by_code;

	/* TMF_ERR_LIMIT: a reply that was too long, which AWS does not send; the call may have had
	 * its effect. */
	if (err->code == TMF_ERR_TRANSPORT || err->code == TMF_ERR_REPLY ||
	    err->code == TMF_ERR_LIMIT)
		return RETRY_TRANSIENT;
	if (err->code == TMF_ERR_EXPIRED)
		return RETRY_CREDENTIALS;
	if (err->code != TMF_ERR_SERVICE)
		return RETRY_NEVER;
	if (err->http_status == STATUS_UNAUTHORIZED && strcmp(err->name, CODE_AUTH_FAILURE) == 0)
		return RETRY_CREDENTIALS;
	by_code = retry_classify_code(err->name);
	if (by_code != RETRY_NEVER)
		return by_code;
	for (size_t i = 0; i < sizeof(capacity_codes) / sizeof(capacity_codes[0]); i++)
		if (tmf_err_is(err, capacity_codes[i]))
			return RETRY_NEVER;
	for (size_t i = 0; i < sizeof(transient_statuses) / sizeof(transient_statuses[0]); i++)
		if (err->http_status == transient_statuses[i])
			return RETRY_TRANSIENT;
	return RETRY_NEVER;
}

bool
aws_error_is_throttling(const char *code)
{
	return retry_classify_code(code) == RETRY_THROTTLING;
}

/* Such an error of a delete means that there is nothing left to delete. */
bool
aws_error_is_not_found(const char *code)
{
	for (size_t i = 0; i < sizeof(not_found_codes) / sizeof(not_found_codes[0]); i++)
		if (strcmp(code, not_found_codes[i]) == 0)
			return true;
	return false;
}

/* Full jitter: all delays up to the longest are as likely, so that clients that failed together do
 * not come back together. See:
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
int64_t
retry_delay_ms(struct rng *rng, int attempt, double max_ms)
{
	assert(attempt >= 1);
	double cap_ms = fmin(RETRY_DELAY_BASE_MS * ldexp(1.0, attempt - 1), max_ms);

	return (int64_t)(rng_unit(rng) * cap_ms);
}

/* -1: absent or malformed. */
static int64_t
retry_header_number(const char *text, int64_t most)
{
	int64_t value = 0;

	if (text == NULL || *text == '\0')
		return -1;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value < most ? value * 10 + (*text - '0') : most;
	return *text == '\0' ? (value < most ? value : most) : -1;
}

/* Bounded, so that a broken proxy cannot stop a run for a year. */
int64_t
retry_after_ms(int64_t delay_ms, const char *x_amz_retry_after, const char *retry_after)
{
	int64_t wanted_ms = retry_header_number(x_amz_retry_after, delay_ms + RETRY_AFTER_MORE_MS);

	if (wanted_ms < 0)
		wanted_ms =
		    retry_header_number(retry_after, (int64_t)RETRY_DELAY_MAX_MS / 1000) * 1000;
	return wanted_ms > delay_ms ? wanted_ms : delay_ms;
}

/* Example: 500 tokens pay for 100 retries at 5; in an outage the rest of the calls fail at once
 * instead of ten attempts later. */
bool
retry_quota_take(struct retry_quota *quota, int cost)
{
	if (quota->tokens < cost)
		return false;
	quota->tokens -= cost;
	assert(quota->tokens >= 0);
	return true;
}

/* A long time without errors must not pay for an endless number of retries later. */
void
retry_quota_give(struct retry_quota *quota, int tokens)
{
	quota->tokens += tokens;
	if (quota->tokens > RETRY_QUOTA_MAX)
		quota->tokens = RETRY_QUOTA_MAX;
}

/* AuthFailure and SignatureDoesNotMatch have other causes too, so that the Date header must
 * agree. */
bool
retry_may_be_skew(const char *code)
{
	static const char *const codes[] = {"RequestExpired", "RequestTimeTooSkewed",
	    "RequestInTheFuture", "SignatureDoesNotMatch", "InvalidSignatureException",
	    CODE_AUTH_FAILURE};

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(code, codes[i]) == 0)
			return true;
	return false;
}

/* RFC 9110: "Sun, 06 Nov 1994 08:49:37 GMT" */
bool
retry_skew_of(const char *date, int64_t wall_ms, int64_t *ret_skew_ms)
{
	time_t at = date != NULL ? curl_getdate(date, NULL) : -1;
	int64_t skew_ms;

	if (at < 0)
		return false;
	skew_ms = (int64_t)at * 1000 - wall_ms;
	if (llabs(skew_ms) < RETRY_SKEW_LEAST_MS)
		return false;
	*ret_skew_ms = skew_ms;
	return true;
}
