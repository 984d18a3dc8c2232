#include "aws/pace/retry_mode.h"

#include "aws/pace/retry.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define SDK_ATTEMPTS	      3
#define LEGACY_ATTEMPTS	      5
#define LEGACY_BACKOFF_MAX_MS 86400000.0 /* it has no limit of its own; nobody waits for a day */

/* {name, attempts_max, delay_max_ms, legacy, has_quota, limits_rate, trusts_pacer}. Legacy has no
 * quota of retries and no rate: botocore added the quota with the standard mode and the rate
 * with the adaptive one. */
static const struct retry_mode modes[] = {
    {"legacy", LEGACY_ATTEMPTS, LEGACY_BACKOFF_MAX_MS, true, false, false, false},
    {"standard", SDK_ATTEMPTS, RETRY_DELAY_MAX_MS, false, true, false, false},
    {"adaptive", SDK_ATTEMPTS, RETRY_DELAY_MAX_MS, false, true, true, false},
};

/* Not among the modes: it is what no setting names, and so it cannot be chosen by a name. */
const struct retry_mode retry_mode_default = {
    "default", RETRY_ATTEMPTS_DEFAULT, RETRY_DELAY_MAX_MS, false, true, false, true};

/* Legacy mode's replies that are worth a retry. service NULL: any; code NULL: any. */
static const struct {
	const char *service;
	const char *code;
	int http_status;
} legacy_table[] = {
    {NULL, "Throttling", 400},
    {NULL, "ThrottlingException", 400},
    {NULL, "ThrottledException", 400},
    {NULL, "RequestThrottledException", 400},
    {NULL, "ProvisionedThroughputExceededException", 400},
    {NULL, NULL, 429},
    {NULL, NULL, 500},
    {NULL, NULL, 502},
    {NULL, NULL, 503},
    {NULL, NULL, 504},
    {NULL, NULL, 509},
    {"ec2", "RequestLimitExceeded", 503},
    {"ec2", "EC2ThrottledException", 503},
    {"sqs", "RequestThrottled", 403},
    {"sts", "IDPCommunicationError", 400},
};

/* NULL for an unknown name: only the caller knows which variable or line to blame. Upper case is
 * accepted, as AWS_RETRY_MODE=Standard occurs. */
const struct retry_mode *
retry_mode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcasecmp(name, modes[i].name) == 0)
			return &modes[i];
	return NULL;
}

static bool
legacy_matches(const char *wanted, const char *text)
{
	return wanted == NULL || strcmp(wanted, text) == 0;
}

/* As botocore's _retry.json has it: a pair of code and status, not either of both. Example:
 * RequestThrottled of SQS is retried under status 403, and not under 400. An error without a
 * reply of the service is judged by its class. */
static bool
legacy_retries(const char *service, const struct tmf_err *err)
{
	if (err->code != TMF_ERR_SERVICE)
		return retry_classify(err) == RETRY_TRANSIENT;
	for (size_t i = 0; i < sizeof(legacy_table) / sizeof(legacy_table[0]); i++)
		if (err->http_status == legacy_table[i].http_status &&
		    legacy_matches(legacy_table[i].service, service) &&
		    legacy_matches(legacy_table[i].code, err->name))
			return true;
	return false;
}

/* standard and adaptive retry the same errors. */
bool
retry_mode_retries(const struct retry_mode *mode, const char *service, const struct tmf_err *err)
{
	return mode->legacy ? legacy_retries(service, err) : retry_classify(err) != RETRY_NEVER;
}
