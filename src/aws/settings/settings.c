#include "aws/settings/settings.h"

#include "aws/settings/shared_files.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ATTEMPTS_MAX 100

#define IMDS_URL_IPV4		 "http://169.254.169.254"
#define IMDS_URL_IPV6		 "http://[fd00:ec2::254]"
#define IMDS_TIMEOUT_MS		 1000
#define IMDS_TIMEOUT_SECONDS_MAX 60

/* Where settings are looked for: variables, then the profile in both files. */
struct lookup {
	const struct aws_env *env;
	const struct shared_files *files;
	const char *profile;
};

enum setting {
	SETTING_REGION,
	SETTING_CA_BUNDLE,
	SETTING_FIPS,
	SETTING_DUAL_STACK,
	SETTING_IGNORE_ENDPOINTS,
	SETTING_RETRY_MODE,
	SETTING_MAX_ATTEMPTS,
	SETTING_STS_MODE,
	SETTING_IMDS_DISABLED,
	SETTING_IMDS_V1_DISABLED,
	SETTING_IMDS_ENDPOINT,
	SETTING_IMDS_MODE,
	SETTING_IMDS_TIMEOUT,
	SETTING_IMDS_ATTEMPTS,
	SETTING_COUNT
};

/* The variables, and the key in the profile (NULL: none). last_variable is looked at when neither
 * has the setting. AWS_DEFAULT_REGION is the CLI's own; REQUESTS_CA_BUNDLE comes by way of its
 * HTTP library. */
static const struct setting_names {
	const char *variable;
	const char *older_variable;
	const char *key;
	const char *last_variable;
	const char *fallback; /* what counts where it is set nowhere, for people; NULL: nothing */
} setting_names[SETTING_COUNT] = {
    [SETTING_REGION] = {"AWS_REGION", "AWS_DEFAULT_REGION", "region", NULL, NULL},
    [SETTING_CA_BUNDLE] = {"AWS_CA_BUNDLE", NULL, "ca_bundle", "REQUESTS_CA_BUNDLE",
	"the system's"},
    [SETTING_FIPS] = {"AWS_USE_FIPS_ENDPOINT", NULL, "use_fips_endpoint", NULL, "false"},
    [SETTING_DUAL_STACK] = {"AWS_USE_DUALSTACK_ENDPOINT", NULL, "use_dualstack_endpoint", NULL,
	"false"},
    [SETTING_IGNORE_ENDPOINTS] = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", NULL,
	"ignore_configured_endpoint_urls", NULL, "false"},
    [SETTING_RETRY_MODE] = {"AWS_RETRY_MODE", NULL, "retry_mode", NULL,
	"standard, but ten attempts"},
    [SETTING_MAX_ATTEMPTS] = {"AWS_MAX_ATTEMPTS", NULL, "max_attempts", NULL, "the mode's"},
    [SETTING_STS_MODE] = {"AWS_STS_REGIONAL_ENDPOINTS", NULL, "sts_regional_endpoints", NULL,
	"regional"},
    [SETTING_IMDS_DISABLED] = {"AWS_EC2_METADATA_DISABLED", NULL, NULL, NULL, "false"},
    [SETTING_IMDS_V1_DISABLED] = {"AWS_EC2_METADATA_V1_DISABLED", NULL, "ec2_metadata_v1_disabled",
	NULL, "false"},
    [SETTING_IMDS_ENDPOINT] = {"AWS_EC2_METADATA_SERVICE_ENDPOINT", NULL,
	"ec2_metadata_service_endpoint", NULL, IMDS_URL_IPV4},
    [SETTING_IMDS_MODE] = {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", NULL,
	"ec2_metadata_service_endpoint_mode", NULL, "IPv4"},
    [SETTING_IMDS_TIMEOUT] = {"AWS_METADATA_SERVICE_TIMEOUT", NULL, "metadata_service_timeout",
	NULL, "1"},
    [SETTING_IMDS_ATTEMPTS] = {"AWS_METADATA_SERVICE_NUM_ATTEMPTS", NULL,
	"metadata_service_num_attempts", NULL, "1"},
};

/* As botocore: anything but true is false. */
static bool
setting_is_true(const char *text)
{
	return text != NULL && strcasecmp(text, "true") == 0;
}

/* A value, and where it stands (malloc'ed; ret_where may be NULL): of a variable, or of a key of
 * the profile's. NULL for a name that is NULL. An empty variable counts as one that is not set, see
 * aws_env_get. */
static const char *
setting_of_variable(const struct lookup *lookup, const char *name, char **ret_where)
{
	const char *value = name != NULL ? aws_env_get(lookup->env, name) : NULL;

	if (value != NULL && ret_where != NULL)
		*ret_where = mem_strdup(name);
	return value;
}

static const char *
setting_of_profile(const struct lookup *lookup, const char *key, char **ret_where)
{
	const char *value =
	    key != NULL ? shared_files_get(lookup->files, lookup->profile, key) : NULL;

	if (value != NULL && ret_where != NULL)
		*ret_where = shared_files_where(lookup->files, lookup->profile, key);
	return value;
}

/* *ret_where is not set where the result is NULL. */
static const char *
setting_find(const struct lookup *lookup, enum setting setting, char **ret_where)
{
	const struct setting_names *names = &setting_names[setting];
	const char *value;

	assert(setting < SETTING_COUNT && names->variable != NULL);
	value = setting_of_variable(lookup, names->variable, ret_where);

	if (value == NULL)
		value = setting_of_variable(lookup, names->older_variable, ret_where);
	if (value == NULL)
		value = setting_of_profile(lookup, names->key, ret_where);
	if (value == NULL)
		value = setting_of_variable(lookup, names->last_variable, ret_where);
	return value;
}

static const char *
setting_look_up(const struct lookup *lookup, enum setting setting)
{
	return setting_find(lookup, setting, NULL);
}

/* A service's endpoint: variable of the service, variable of all, the profile's services
 * section, the profile. Example: for Step Functions AWS_ENDPOINT_URL_SFN, then AWS_ENDPOINT_URL,
 * then endpoint_url below sfn in the services section, then the profile's own endpoint_url. The
 * services section stands in the config file only. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
static const char *
setting_endpoint(const struct lookup *lookup, const struct aws_service *service, char **ret_where)
{
	const char *services = setting_of_profile(lookup, "services", NULL);
	char *variable = mem_printf("AWS_ENDPOINT_URL_%s", service->env_suffix);
	char *key = mem_printf("%s.endpoint_url", service->env_suffix);
	const char *url = setting_of_variable(lookup, variable, ret_where);

	for (char *p = key; *p != '.'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	if (url == NULL)
		url = setting_of_variable(lookup, "AWS_ENDPOINT_URL", ret_where);
	if (url == NULL && services != NULL) {
		url = config_file_get_in(lookup->files->config, "services", services, key);
		if (url != NULL && ret_where != NULL)
			*ret_where = mem_printf("[services %s]", services);
	}
	if (url == NULL)
		url = setting_of_profile(lookup, "endpoint_url", ret_where);
	free(variable);
	free(key);
	return url;
}

/* The switch is for who inherits an environment with test endpoints in it. The settings then
 * have no endpoint, and each service's own address is used. */
static void
settings_set_endpoints(const struct lookup *lookup, struct aws_settings *settings)
{
	if (setting_is_true(setting_look_up(lookup, SETTING_IGNORE_ENDPOINTS)))
		return;
	for (size_t i = 0; i < AWS_SERVICES_MAX; i++)
		settings->endpoints[i] =
		    mem_strdup(setting_endpoint(lookup, aws_service_at(i), NULL));
}

/* An invalid value: says where it stands. */
static int
setting_refuse(
    const struct lookup *lookup, enum setting setting, const char *must_be, struct tmf_err *err)
{
	const struct setting_names *names = &setting_names[setting];
	char *where = NULL;
	const char *value = setting_find(lookup, setting, &where);

	assert(value != NULL && where != NULL);
	if (strcmp(where, names->variable) == 0)
		tmf_err_set(
		    err, TMF_ERR_CONFIG, "%s must be %s, not \"%s\"", where, must_be, value);
	else
		tmf_err_set(err, TMF_ERR_CONFIG, "%s: %s must be %s, not \"%s\"", where, names->key,
		    must_be, value);
	free(where);
	return -1;
}

/* A number from 1 to max; absent: *ret_number stays. Not strtol's rest: "3 attempts" is an error. A
 * wrong number is refused, not replaced by the default: the user would not notice. */
static int
setting_number(const struct lookup *lookup, enum setting setting, int max, int *ret_number,
    struct tmf_err *err)
{
	const char *text = setting_look_up(lookup, setting);
	char must_be[64];
	char *end;
	long number;

	if (text == NULL)
		return 0;
	number = strtol(text, &end, 10);
	if (*end != '\0' || number < 1 || number > max) {
		snprintf(must_be, sizeof(must_be), "a number from 1 to %d", max);
		return setting_refuse(lookup, setting, must_be, err);
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
	const char *url = setting_look_up(lookup, SETTING_IMDS_ENDPOINT);
	const char *mode = setting_look_up(lookup, SETTING_IMDS_MODE);
	size_t len;

	if (mode != NULL && strcasecmp(mode, "IPv4") != 0 && strcasecmp(mode, "IPv6") != 0)
		return setting_refuse(lookup, SETTING_IMDS_MODE, "IPv4 or IPv6", err);
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
	int seconds = IMDS_TIMEOUT_MS / 1000;

	imds->attempts_max = 1;
	if (setting_number(lookup, SETTING_IMDS_TIMEOUT, IMDS_TIMEOUT_SECONDS_MAX, &seconds, err) <
		0 ||
	    setting_number(lookup, SETTING_IMDS_ATTEMPTS, ATTEMPTS_MAX, &imds->attempts_max, err) <
		0)
		return -1;
	imds->timeout_ms = (int64_t)seconds * 1000;
	imds->disabled = setting_is_true(setting_look_up(lookup, SETTING_IMDS_DISABLED));
	imds->v1_disabled = setting_is_true(setting_look_up(lookup, SETTING_IMDS_V1_DISABLED));
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
	const char *mode = setting_look_up(lookup, SETTING_STS_MODE);

	settings->sts_global = mode != NULL && strcasecmp(mode, "legacy") == 0;
	if (mode == NULL || settings->sts_global || strcasecmp(mode, "regional") == 0)
		return 0;
	return setting_refuse(lookup, SETTING_STS_MODE, "regional or legacy", err);
}

/* An unknown mode is an error: the AWS CLI refuses it as well. 0 attempts stand for those of the
 * mode. */
static int
settings_set_retries(
    const struct lookup *lookup, struct aws_settings *settings, struct tmf_err *err)
{
	const char *mode = setting_look_up(lookup, SETTING_RETRY_MODE);

	settings->retry_mode = mode != NULL ? retry_mode_find(mode) : NULL;
	if (mode != NULL && settings->retry_mode == NULL)
		return setting_refuse(
		    lookup, SETTING_RETRY_MODE, "legacy, standard or adaptive", err);
	return setting_number(
	    lookup, SETTING_MAX_ATTEMPTS, ATTEMPTS_MAX, &settings->attempts_max, err);
}

static int
settings_fill(const struct lookup *lookup, const char *flag_region, struct aws_settings *settings,
    struct tmf_err *err)
{
	settings->profile = mem_strdup(lookup->profile);
	settings->region =
	    mem_strdup(flag_region != NULL ? flag_region : setting_look_up(lookup, SETTING_REGION));
	settings->ca_bundle = mem_strdup(setting_look_up(lookup, SETTING_CA_BUNDLE));
	settings->use_fips = setting_is_true(setting_look_up(lookup, SETTING_FIPS));
	settings->use_dual_stack = setting_is_true(setting_look_up(lookup, SETTING_DUAL_STACK));
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
		ret = shared_files_fault_missing(&files, lookup.profile, TMF_ERR_CONFIG, err);
	else
		ret = settings_fill(&lookup, flag_region, &settings, err);
	shared_files_free(&files);
	if (ret == 0)
		*ret_settings = settings;
	else
		aws_settings_fini(&settings);
	return ret;
}

/* --- for people --- */

static void
settings_list_add(
    json_t *list, const char *name, const char *value, const char *fallback, const char *source)
{
	json_t *row = json_object();

	jsonx_put_string(row, "name", name);
	jsonx_put_string_or_null(row, "value", value != NULL ? value : fallback);
	if (value == NULL)
		source = fallback != NULL ? "default" : "not set";
	jsonx_put_string(row, "source", source);
	json_array_append_new(list, row);
}

static void
settings_list_profile(const struct lookup *lookup, const char *flag_profile, json_t *list)
{
	const char *source = flag_profile != NULL ? "--profile" : "AWS_PROFILE";

	if (flag_profile == NULL && aws_env_get(lookup->env, "AWS_DEFAULT_PROFILE") != NULL)
		source = "AWS_DEFAULT_PROFILE";
	if (flag_profile == NULL && strcmp(source, "AWS_PROFILE") == 0 &&
	    aws_env_get(lookup->env, source) == NULL)
		settings_list_add(list, "profile", NULL, lookup->profile, NULL);
	else
		settings_list_add(list, "profile", lookup->profile, NULL, source);
}

/* Only those that somebody has set: each service has an address of its own. */
static void
settings_list_endpoints(const struct lookup *lookup, json_t *list)
{
	if (setting_is_true(setting_look_up(lookup, SETTING_IGNORE_ENDPOINTS)))
		return;
	for (size_t i = 0; i < AWS_SERVICES_MAX; i++) {
		const struct aws_service *service = aws_service_at(i);
		char *name = mem_printf("endpoint_url of %s", service->signing_name);
		char *where = NULL;
		const char *url = setting_endpoint(lookup, service, &where);

		if (url != NULL)
			settings_list_add(list, name, url, NULL, where);
		free(where);
		free(name);
	}
}

json_t *
aws_settings_list(const struct aws_env *env, const char *flag_region, const char *flag_profile,
    struct tmf_err *err)
{
	struct shared_files files;
	bool named;
	const struct lookup lookup = {env, &files, profile_name(env, flag_profile, &named)};
	json_t *list;

	if (shared_files_read(env, &files, err) < 0)
		return NULL;
	list = json_array();
	settings_list_profile(&lookup, flag_profile, list);
	for (int i = 0; i < SETTING_COUNT; i++) {
		const struct setting_names *names = &setting_names[i];
		char *where = NULL;
		const char *value = setting_find(&lookup, (enum setting)i, &where);
		const char *flag = i == SETTING_REGION ? flag_region : NULL;

		settings_list_add(list, names->key != NULL ? names->key : names->variable,
		    flag != NULL ? flag : value, names->fallback,
		    flag != NULL ? "--region" : where);
		free(where);
	}
	settings_list_endpoints(&lookup, list);
	shared_files_free(&files);
	return list;
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
