#ifndef TMFLOW_AWS_SETTINGS_SETTINGS_H
#define TMFLOW_AWS_SETTINGS_SETTINGS_H

#include "aws/pace/retry_mode.h"
#include "aws/service.h"
#include "aws/settings/environment.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The instance's metadata. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html */
struct imds_settings {
	/* Without a slash at the end; the link-local address unless something else is set. */
	char *url;
	bool disabled;
	bool v1_disabled;
	int64_t timeout_ms;
	int attempts_max;
};

/* What environment and shared files say, the AWS CLI's way. */
struct aws_settings {
	char *profile; /* see profile_name() */
	char *region;  /* flag, AWS_REGION, AWS_DEFAULT_REGION, the profile's; NULL if none */
	char *endpoints[AWS_SERVICES_MAX];   /* see aws_settings_endpoint */
	char *ca_bundle;		     /* NULL: the system's */
	const struct retry_mode *retry_mode; /* NULL: nobody chose one */
	int attempts_max;		     /* 0: the mode's */
	bool use_fips;
	bool use_dual_stack;
	bool sts_global; /* sts_regional_endpoints = legacy */
	struct imds_settings imds;
};

/* Reads them. flag_* may be NULL.
 * Errors: TMF_ERR_CONFIG with file and line for a malformed file, an invalid value, or a named
 * profile that does not exist. */
int aws_settings_load(const struct aws_env *env, const char *flag_region, const char *flag_profile,
    struct aws_settings *ret_settings, struct tmf_err *err);

/* Each setting with its value and where that stands, as `aws configure list` shows them: a new
 * [{"name", "value": string or null, "source": a flag, a variable, "FILE:LINE", "default" or "not
 * set"}], or NULL. Values are not judged. flag_* may be NULL. Errors: TMF_ERR_CONFIG for a
 * malformed file. */
json_t *aws_settings_list(const struct aws_env *env, const char *flag_region,
    const char *flag_profile, struct tmf_err *err);

/* Frees what it holds, and empties it. */
void aws_settings_fini(struct aws_settings *settings);

/* A service's custom endpoint: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's
 * services section, the profile's. NULL: its own. service: its signing name, see
 * service.c. Borrowed. */
const char *aws_settings_endpoint(const struct aws_settings *settings, const char *service);

/* Sets a service's endpoint, as --endpoint-url does. */
void
aws_settings_set_endpoint(struct aws_settings *settings, const char *service, const char *endpoint);

#endif
