#include "credentials_internal.h"

#include "tmflow/base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ATTEMPTS_MAX 100

static char *
path_of(const struct aws_env *env, const char *variable, const char *name)
{
	const char *given = aws_env_get(env, variable);
	const char *home = aws_env_get(env, "HOME");

	if (given != NULL)
		return mem_strdup(given);
	return home != NULL ? mem_printf("%s/.aws/%s", home, name) : NULL;
}

static struct config_file *
read_or_empty(char *path, enum config_file_kind kind, struct err *err)
{
	struct config_file *file = path != NULL
				       ? config_file_read(path, kind, err)
				       : config_file_parse("", (struct str){"", 0}, kind, err);

	free(path);
	return file;
}

int
shared_files_read(const struct aws_env *env, struct shared_files *ret_files, struct err *err)
{
	struct shared_files files = {0};

	files.config =
	    read_or_empty(path_of(env, "AWS_CONFIG_FILE", "config"), CONFIG_FILE_CONFIG, err);
	if (files.config != NULL)
		files.credentials =
		    read_or_empty(path_of(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
			CONFIG_FILE_CREDENTIALS, err);
	if (files.credentials == NULL) {
		shared_files_free(&files);
		return -1;
	}
	*ret_files = files;
	return 0;
}

void
shared_files_free(struct shared_files *files)
{
	config_file_free(files->config);
	config_file_free(files->credentials);
	*files = (struct shared_files){0};
}

const char *
shared_files_get(const struct shared_files *files, const char *profile, const char *key)
{
	const char *value = config_file_get(files->credentials, profile, key);

	return value != NULL ? value : config_file_get(files->config, profile, key);
}

bool
shared_files_have(const struct shared_files *files, const char *profile)
{
	return config_file_has_profile(files->config, profile) ||
	       config_file_has_profile(files->credentials, profile);
}

const char *
profile_name(const struct aws_env *env, const char *flag_profile, bool *ret_named)
{
	const char *name = flag_profile != NULL ? flag_profile : aws_env_get(env, "AWS_PROFILE");

	*ret_named = name != NULL;
	return name != NULL ? name : "default";
}

static const char *
first_of(const char *a, const char *b)
{
	return a != NULL ? a : b;
}

static bool
is_true(const char *text)
{
	return text != NULL && strcasecmp(text, "true") == 0;
}

/* A service's end point: variable of the service, variable of all, the profile's services section, the profile. */
static const char *
configured_endpoint(const struct aws_env *env, const struct shared_files *files,
    const char *profile, const char *service_env)
{
	const char *services = shared_files_get(files, profile, "services");
	char *variable = mem_printf("AWS_ENDPOINT_URL_%s", service_env);
	char *key = mem_printf("%s.endpoint_url", service_env);
	const char *url;

	for (char *p = key; *p != '.'; p++)
		*p = (char)(*p >= 'A' && *p <= 'Z' ? *p - 'A' + 'a' : *p);
	url = first_of(aws_env_get(env, variable), aws_env_get(env, "AWS_ENDPOINT_URL"));
	if (url == NULL && services != NULL)
		url = config_file_get_in(files->config, "services", services, key);
	if (url == NULL)
		url = shared_files_get(files, profile, "endpoint_url");
	if (is_true(first_of(aws_env_get(env, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"),
		shared_files_get(files, profile, "ignore_configured_endpoint_urls"))))
		url = NULL;
	free(variable);
	free(key);
	return url;
}

static int
attempts_of(const char *text, int *ret_attempts, struct err *err)
{
	char *end;
	long attempts;

	*ret_attempts = 0;
	if (text == NULL)
		return 0;
	attempts = strtol(text, &end, 10);
	if (*end != '\0' || attempts < 1 || attempts > ATTEMPTS_MAX)
		return err_set(err, ERR_CONFIG,
		    "the number of attempts must be 1 to %d, not \"%s\" (AWS_MAX_ATTEMPTS)",
		    ATTEMPTS_MAX, text);
	*ret_attempts = (int)attempts;
	return 0;
}

int
aws_settings_load(const struct aws_env *env, const char *service_env, const char *flag_region,
    const char *flag_profile, struct aws_settings *ret_settings, struct err *err)
{
	struct shared_files files;
	struct aws_settings settings = {0};
	bool named;
	const char *profile = profile_name(env, flag_profile, &named);
	int ret = -1;

	if (shared_files_read(env, &files, err) < 0)
		return -1;
	if (named && !shared_files_have(&files, profile)) {
		err_set(err, ERR_CONFIG, "the profile \"%s\" is in neither of the shared AWS files",
		    profile);
		goto out;
	}
	if (attempts_of(first_of(aws_env_get(env, "AWS_MAX_ATTEMPTS"),
			    shared_files_get(&files, profile, "max_attempts")),
		&settings.attempts_max, err) < 0)
		goto out;
	settings.profile = mem_strdup(profile);
	settings.region = mem_strdup(first_of(first_of(flag_region, aws_env_get(env, "AWS_REGION")),
	    first_of(aws_env_get(env, "AWS_DEFAULT_REGION"),
		shared_files_get(&files, profile, "region"))));
	settings.endpoint = mem_strdup(configured_endpoint(env, &files, profile, service_env));
	settings.ca_bundle = mem_strdup(first_of(
	    aws_env_get(env, "AWS_CA_BUNDLE"), shared_files_get(&files, profile, "ca_bundle")));
	*ret_settings = settings;
	ret = 0;
out:
	shared_files_free(&files);
	return ret;
}

void
aws_settings_fini(struct aws_settings *settings)
{
	free(settings->profile);
	free(settings->region);
	free(settings->endpoint);
	free(settings->ca_bundle);
	*settings = (struct aws_settings){0};
}
