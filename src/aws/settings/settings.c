#include "aws/settings/settings.h"

#include "aws/settings/shared_files.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ATTEMPTS_MAX 100

#define IMDS_URL_IPV4		 "http://169.254.169.254"
#define IMDS_URL_IPV6		 "http://[fd00:ec2::254]"
#define IMDS_TIMEOUT_MS		 1000
#define IMDS_TIMEOUT_SECONDS_MAX 60

/* Where a setting is looked for: the profile in both files, after a variable. */
struct lookup {
	const struct aws_env *env;
	const struct shared_files *files;
	const char *profile;
};

static const char *
setting_first_of(const char *a, const char *b)
{
	return a != NULL ? a : b;
}

/* As botocore: anything but true is false. */
static bool
setting_is_true(const char *text)
{
	return text != NULL && strcasecmp(text, "true") == 0;
}

/* variable or key may be NULL. An empty variable counts as one that is not set, see aws_env_get. */
static const char *
setting_look_up(const struct lookup *lookup, const char *variable, const char *key)
{
	const char *value = variable != NULL ? aws_env_get(lookup->env, variable) : NULL;

	if (value == NULL && key != NULL)
		value = shared_files_get(lookup->files, lookup->profile, key);
	return value;
}

/* A service's endpoint: variable of the service, variable of all, the profile's services
 * section, the profile. Example: for Step Functions AWS_ENDPOINT_URL_SFN, then AWS_ENDPOINT_URL,
 * then endpoint_url below sfn in the services section, then the profile's own endpoint_url. The
 * services section stands in the config file only. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
static const char *
setting_endpoint(const struct lookup *lookup, const struct aws_service *service)
{
	const char *services = setting_look_up(lookup, NULL, "services");
	char *variable = mem_printf("AWS_ENDPOINT_URL_%s", service->env_suffix);
	char *key = mem_printf("%s.endpoint_url", service->env_suffix);
	const char *url;

	for (char *p = key; *p != '.'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	url = setting_first_of(
	    aws_env_get(lookup->env, variable), aws_env_get(lookup->env, "AWS_ENDPOINT_URL"));
	if (url == NULL && services != NULL)
		url = config_file_get_in(lookup->files->config, "services", services, key);
	if (url == NULL)
		url = setting_look_up(lookup, NULL, "endpoint_url");
	free(variable);
	free(key);
	return url;
}

/* The switch is for who inherits an environment with test endpoints in it. The settings then
 * have no endpoint, and each service's own address is used. */
static void
settings_set_endpoints(const struct lookup *lookup, struct aws_settings *settings)
{
	if (setting_is_true(setting_look_up(
		lookup, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls")))
		return;
	for (size_t i = 0; i < AWS_SERVICES_MAX; i++)
		settings->endpoints[i] = mem_strdup(setting_endpoint(lookup, aws_service_at(i)));
}

/* An invalid value: says where it stands. The variable is named where it is set, since it went
 * before the files. */
static int
setting_refuse(const struct lookup *lookup, const char *variable, const char *key,
    const char *must_be, struct tmf_err *err)
{
	const char *value = setting_look_up(lookup, variable, key);
	char *where;

	if (variable != NULL && aws_env_get(lookup->env, variable) != NULL)
		return tmf_err_set(
		    err, TMF_ERR_CONFIG, "%s must be %s, not \"%s\"", variable, must_be, value);
	where = shared_files_where(lookup->files, lookup->profile, key);
	tmf_err_set(
	    err, TMF_ERR_CONFIG, "%s: %s must be %s, not \"%s\"", where, key, must_be, value);
	free(where);
	return -1;
}

/* A number from 1 on; absent: fallback. */
struct number_setting {
	const char *variable;
	const char *key;
	int max;
	int fallback;
};

/* Not strtol's rest: "3 attempts" is an error. A wrong number is refused, not replaced by the
 * fallback: the user would not notice. */
static int
setting_number(const struct lookup *lookup, const struct number_setting *setting, int *ret_number,
    struct tmf_err *err)
{
	const char *text = setting_look_up(lookup, setting->variable, setting->key);
	char must_be[64];
	char *end;
	long number;

	*ret_number = setting->fallback;
	if (text == NULL)
		return 0;
	number = strtol(text, &end, 10);
	if (*end != '\0' || number < 1 || number > setting->max) {
		snprintf(must_be, sizeof(must_be), "a number from 1 to %d", setting->max);
		return setting_refuse(lookup, setting->variable, setting->key, must_be, err);
	}
	*ret_number = (int)number;
	return 0;
}

/* Without a slash at its end. IPv6 instances have the service at a unique local address. The URL
 * goes before the mode, which only chooses between two addresses. A wrong mode is an error even
 * then. */
static int
settings_set_imds_url(const struct lookup *lookup, struct imds_settings *imds, struct tmf_err *err)
{
	const char *url = setting_look_up(
	    lookup, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
	const char *mode = setting_look_up(
	    lookup, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
	size_t len;

	if (mode != NULL && strcasecmp(mode, "IPv4") != 0 && strcasecmp(mode, "IPv6") != 0)
		return setting_refuse(lookup, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
		    "ec2_metadata_service_endpoint_mode", "IPv4 or IPv6", err);
	if (url == NULL)
		url = mode != NULL && strcasecmp(mode, "IPv6") == 0 ? IMDS_URL_IPV6 : IMDS_URL_IPV4;
	if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		return tmf_err_set(err, TMF_ERR_CONFIG,
		    "AWS_EC2_METADATA_SERVICE_ENDPOINT must begin with http:// or https://");
	len = strlen(url);
	while (url[len - 1] == '/')
		len--;
	imds->url = mem_strndup(url, len);
	return 0;
}

/* The timeout is in whole seconds there, and in milliseconds here. One attempt is the default,
 * as with botocore. */
static int
settings_set_imds(const struct lookup *lookup, struct imds_settings *imds, struct tmf_err *err)
{
	static const struct number_setting timeout = {"AWS_METADATA_SERVICE_TIMEOUT",
	    "metadata_service_timeout", IMDS_TIMEOUT_SECONDS_MAX, IMDS_TIMEOUT_MS / 1000};
	static const struct number_setting attempts = {
	    "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", ATTEMPTS_MAX, 1};
	int seconds;

	if (setting_number(lookup, &timeout, &seconds, err) < 0 ||
	    setting_number(lookup, &attempts, &imds->attempts_max, err) < 0)
		return -1;
	imds->timeout_ms = (int64_t)seconds * 1000;
	imds->disabled = setting_is_true(aws_env_get(lookup->env, "AWS_EC2_METADATA_DISABLED"));
	imds->v1_disabled = setting_is_true(
	    setting_look_up(lookup, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled"));
	return settings_set_imds_url(lookup, imds, err);
}

/* legacy was the default until 2025; who still sets it has firewalls that know the global
 * address only. Only regions that are older than their own STS address are led to the global
 * one, see endpoint_is_sts_global. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-sts-regionalized-endpoints.html */
static int
settings_set_sts_mode(
    const struct lookup *lookup, struct aws_settings *settings, struct tmf_err *err)
{
	const char *mode =
	    setting_look_up(lookup, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints");

	settings->sts_global = mode != NULL && strcasecmp(mode, "legacy") == 0;
	if (mode == NULL || settings->sts_global || strcasecmp(mode, "regional") == 0)
		return 0;
	return setting_refuse(lookup, "AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints",
	    "regional or legacy", err);
}

/* An unknown mode is an error: the AWS CLI refuses it as well. 0 attempts stand for those of the
 * mode. */
static int
settings_set_retries(
    const struct lookup *lookup, struct aws_settings *settings, struct tmf_err *err)
{
	static const struct number_setting attempts = {
	    "AWS_MAX_ATTEMPTS", "max_attempts", ATTEMPTS_MAX, 0};
	const char *mode = setting_look_up(lookup, "AWS_RETRY_MODE", "retry_mode");

	settings->retry_mode = mode != NULL ? retry_mode_find(mode) : NULL;
	if (mode != NULL && settings->retry_mode == NULL)
		return setting_refuse(
		    lookup, "AWS_RETRY_MODE", "retry_mode", "legacy, standard or adaptive", err);
	return setting_number(lookup, &attempts, &settings->attempts_max, err);
}

/* AWS_DEFAULT_REGION is the CLI's own and goes before the profile's region, but behind
 * AWS_REGION. The flag goes before all of them. */
static int
settings_fill(const struct lookup *lookup, const char *flag_region, struct aws_settings *settings,
    struct tmf_err *err)
{
	settings->profile = mem_strdup(lookup->profile);
	settings->region = mem_strdup(
	    setting_first_of(setting_first_of(flag_region, aws_env_get(lookup->env, "AWS_REGION")),
		setting_look_up(lookup, "AWS_DEFAULT_REGION", "region")));
	settings->ca_bundle =
	    mem_strdup(setting_first_of(setting_look_up(lookup, "AWS_CA_BUNDLE", "ca_bundle"),
		aws_env_get(lookup->env, "REQUESTS_CA_BUNDLE")));
	settings->use_fips =
	    setting_is_true(setting_look_up(lookup, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"));
	settings->use_dual_stack = setting_is_true(
	    setting_look_up(lookup, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint"));
	settings_set_endpoints(lookup, settings);
	if (settings_set_retries(lookup, settings, err) < 0 ||
	    settings_set_sts_mode(lookup, settings, err) < 0)
		return -1;
	return settings_set_imds(lookup, &settings->imds, err);
}

/* A profile that somebody named must exist; "default" need not. A typing error in a profile's
 * name would otherwise act with the default's keys. */
int
aws_settings_load(const struct aws_env *env, const char *flag_region, const char *flag_profile,
    struct aws_settings *ret_settings, struct tmf_err *err)
{
	struct shared_files files;
	struct aws_settings settings = {0};
	bool named;
	const struct lookup lookup = {env, &files, profile_name(env, flag_profile, &named)};
	int ret;

	if (shared_files_read(env, &files, err) < 0)
		return -1;
	if (named && !shared_files_have(&files, lookup.profile))
		ret = tmf_err_set(err, TMF_ERR_CONFIG,
		    "the profile \"%s\" is in neither of the shared AWS files", lookup.profile);
	else
		ret = settings_fill(&lookup, flag_region, &settings, err);
	shared_files_free(&files);
	if (ret == 0)
		*ret_settings = settings;
	else
		aws_settings_fini(&settings);
	return ret;
}

void
aws_settings_fini(struct aws_settings *settings)
{
	free(settings->profile);
	free(settings->region);
	for (size_t i = 0; i < AWS_SERVICES_MAX; i++)
		free(settings->endpoints[i]);
	free(settings->ca_bundle);
	free(settings->imds.url);
	*settings = (struct aws_settings){0};
}

const char *
aws_settings_endpoint(const struct aws_settings *settings, const char *service)
{
	return settings->endpoints[aws_service_index(service)];
}

/* A copy: the caller's text may go before the settings do. */
void
aws_settings_set_endpoint(struct aws_settings *settings, const char *service, const char *endpoint)
{
	char **at = &settings->endpoints[aws_service_index(service)];

	free(*at);
	*at = mem_strdup(endpoint);
}
