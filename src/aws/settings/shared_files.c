#include "aws/settings/shared_files.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* See: https://docs.aws.amazon.com/sdkref/latest/guide/file-location.html. Without HOME there is
 * no default place, as in a container with an empty environment. An argument that is named wins
 * even where nothing is at that path: the default file is not read instead. */
static char *
shared_files_path(const struct aws_env *env, const char *variable, const char *name)
{
	const char *given = aws_env_get(env, variable);
	const char *home = aws_env_get(env, "HOME");

	if (given != NULL)
		return mem_strdup(given);
	return home != NULL ? mem_printf("%s/.aws/%s", home, name) : NULL;
}

/* Takes path; NULL, like a path where nothing is, makes an empty file: who has no files has no
 * profile. */
static struct config_file *
shared_files_read_one(char *path, enum config_file_kind kind, struct tmf_err *err)
{
	struct config_file *file = path != NULL
				       ? config_file_read(path, kind, err)
				       : config_file_parse("", (struct str){"", 0}, kind, err);

	free(path);
	return file;
}

/* Both files or neither: a fault in one of them is an error, not a reason to use the other
 * alone. */
int
shared_files_read(const struct aws_env *env, struct shared_files *ret_files, struct tmf_err *err)
{
	struct shared_files files = {0};

	files.config = shared_files_read_one(
	    shared_files_path(env, "AWS_CONFIG_FILE", "config"), CONFIG_FILE_CONFIG, err);
	if (files.config != NULL)
		files.credentials = shared_files_read_one(
		    shared_files_path(env, "AWS_SHARED_CREDENTIALS_FILE", "credentials"),
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

/* Keys and roles may stand in either file; the AWS CLI merges both in this order. */
const char *
shared_files_get(const struct shared_files *files, const char *profile, const char *key)
{
	const char *value = config_file_get(files->credentials, profile, key);

	return value != NULL ? value : config_file_get(files->config, profile, key);
}

/* The same order as shared_files_get, so that an error names the line whose value was used. */
char *
shared_files_where(const struct shared_files *files, const char *profile, const char *key)
{
	char *where = config_file_where(files->credentials, profile, key);

	return where != NULL ? where : config_file_where(files->config, profile, key);
}

/* A profile that has only keys stands in the credentials file alone. */
bool
shared_files_have(const struct shared_files *files, const char *profile)
{
	return config_file_has_profile(files->config, profile) ||
	       config_file_has_profile(files->credentials, profile);
}

struct profile_names {
	const char *but;
	struct buf *out;
	const struct config_file *listed; /* its profiles are in the list already; NULL: none */
	int count;
};

static void
profile_names_add(void *arg, const char *profile)
{
	struct profile_names *names = arg;

	if (strcmp(profile, names->but) == 0 ||
	    (names->listed != NULL && config_file_has_profile(names->listed, profile)) ||
	    ++names->count > PROFILES_NAMED_MAX)
		return;
	buf_printf(names->out, "%s%s", names->count > 1 ? ", " : "", profile);
}

void
shared_files_list(const struct shared_files *files, const char *but, struct buf *out)
{
	struct profile_names names = {.but = but, .out = out};

	config_file_each_profile(files->config, profile_names_add, &names);
	names.listed = files->config;
	config_file_each_profile(files->credentials, profile_names_add, &names);
	if (names.count > PROFILES_NAMED_MAX)
		buf_printf(out, " and %d more", names.count - PROFILES_NAMED_MAX);
}

int
shared_files_fault_missing(const struct shared_files *files, const char *profile,
    enum tmf_err_code code, struct tmf_err *err)
{
	struct buf names = {0};

	shared_files_list(files, profile, &names);
	tmf_err_set(err, code,
	    names.len > 0
		? "the profile \"%s\" is in neither of the shared AWS files, which have %s"
		: "the profile \"%s\" is in neither of the shared AWS files",
	    profile, buf_cstr(&names));
	buf_fini(&names);
	return -1;
}

/* AWS_DEFAULT_PROFILE is the older name, and goes first, as with boto3. Whether somebody named the
 * profile decides if its absence is an error. */
const char *
profile_name(const struct aws_env *env, const char *flag_profile, bool *ret_named)
{
	const char *name = flag_profile;

	if (name == NULL)
		name = aws_env_get(env, "AWS_DEFAULT_PROFILE");
	if (name == NULL)
		name = aws_env_get(env, "AWS_PROFILE");

	*ret_named = name != NULL;
	return name != NULL ? name : "default";
}
