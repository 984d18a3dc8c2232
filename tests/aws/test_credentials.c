/* Where keys and settings come from, and what is said when there are none. */
#include "tmflow/aws/config_file.h"
#include "tmflow/aws/credentials.h"
#include "tmflow/base/mem.h"

#include "run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECRET "verySecretValue/1"

/* An environment of NAME=value words, ending with NULL. */
static const char *
look_up(void *arg, const char *name)
{
	const char *const *words = arg;
	size_t len = strlen(name);

	for (; *words != NULL; words++)
		if (strncmp(*words, name, len) == 0 && (*words)[len] == '=')
			return *words + len + 1;
	return NULL;
}

#define ENV(...)                                                                                   \
	((struct aws_env){                                                                         \
	    .get = look_up, .arg = (void *)(uintptr_t)(const char *const[]){__VA_ARGS__, NULL}})

struct seen {
	char id[129];
	char secret[64];
	char token[64];
	struct err err;
	int calls;
};

static void
take(void *arg, const struct credentials *credentials, struct err *err)
{
	struct seen *seen = arg;

	seen->calls++;
	if (credentials == NULL) {
		err_move(&seen->err, err);
		return;
	}
	snprintf(seen->id, sizeof(seen->id), "%s", credentials->access_key_id);
	snprintf(seen->secret, sizeof(seen->secret), "%s",
	    secret_reveal(&credentials->secret_access_key));
	snprintf(
	    seen->token, sizeof(seen->token), "%s", secret_reveal(&credentials->session_token));
}

static struct seen
find(struct aws_env env, const char *flag_profile)
{
	struct credentials_provider *provider = credentials_chain_new(&env, flag_profile, NULL);
	struct seen seen = {.calls = 0};

	provider->get(provider, take, &seen);
	ck_assert_int_eq(seen.calls, 1);
	credentials_provider_free(provider);
	return seen;
}

/* Writes text to a file of its own; "AWS_CONFIG_FILE=path" comes back. */
static char *
file_with(const char *variable, const char *text)
{
	char path[] = "/tmp/tmflow-aws-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return mem_printf("%s=%s", variable, path);
}

static void
remove_file(char *word)
{
	unlink(strchr(word, '=') + 1);
	free(word);
}

START_TEST(from_the_environment)
{
	struct seen seen = find(
	    ENV("AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=" SECRET, "AWS_SESSION_TOKEN=tok"),
	    NULL);

	ck_assert_str_eq(seen.id, "AKID");
	ck_assert_str_eq(seen.secret, SECRET);
	ck_assert_str_eq(seen.token, "tok");
	seen = find(ENV("AWS_SECRET_ACCESS_KEY=" SECRET), NULL);
	ck_assert_int_eq(seen.err.code, ERR_CREDENTIALS);
	ck_assert_ptr_nonnull(strstr(err_text(&seen.err), "AWS_ACCESS_KEY_ID"));
	ck_assert_ptr_null(strstr(err_text(&seen.err), SECRET));
	err_fini(&seen.err);
}
END_TEST

START_TEST(from_the_shared_files)
{
	char *config = file_with("AWS_CONFIG_FILE",
	    "[default]\nregion = eu-west-1\n[profile "
	    "work]\naws_access_key_id=FROMCONFIG\naws_secret_access_key=x\n"
	    "[profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = work\n");
	char *credentials = file_with("AWS_SHARED_CREDENTIALS_FILE",
	    "# a comment\n[default]\naws_access_key_id = DEFAULT ; of mine\naws_secret_access_key "
	    "= " SECRET "\n\n"
	    "[work]\naws_access_key_id = FROMCREDENTIALS\n");
	struct seen seen = find(ENV(config, credentials), NULL);

	ck_assert_str_eq(seen.id, "DEFAULT");
	ck_assert_str_eq(seen.secret, SECRET);
	seen = find(ENV(config, credentials, "AWS_PROFILE=work"), NULL);
	ck_assert_str_eq(seen.id, "FROMCREDENTIALS"); /* the credentials file wins, key by key */
	ck_assert_str_eq(seen.secret, "x");
	/* A profile named by flag goes before the environment. */
	seen = find(
	    ENV(config, credentials, "AWS_ACCESS_KEY_ID=A", "AWS_SECRET_ACCESS_KEY=b"), "work");
	ck_assert_str_eq(seen.id, "FROMCREDENTIALS");
	seen = find(ENV(config, credentials, "AWS_PROFILE=nobody"), NULL);
	ck_assert_ptr_nonnull(strstr(err_text(&seen.err), "nobody"));
	err_fini(&seen.err);
	seen = find(ENV(config, credentials, "AWS_PROFILE=role"), NULL);
	ck_assert_ptr_nonnull(strstr(err_text(&seen.err), "role_arn"));
	err_fini(&seen.err);
	remove_file(config);
	remove_file(credentials);
}
END_TEST

/* What another program writes meanwhile is seen after a refresh, not before. */
START_TEST(fresh_keys_after_a_refresh)
{
	char *credentials = file_with("AWS_SHARED_CREDENTIALS_FILE",
	    "[default]\naws_access_key_id=OLD\naws_secret_access_key=x\n");
	struct aws_env env = ENV(credentials);
	struct credentials_provider *provider = credentials_chain_new(&env, NULL, NULL);
	struct seen seen = {.calls = 0};
	FILE *file;

	provider->get(provider, take, &seen);
	ck_assert_str_eq(seen.id, "OLD");
	file = fopen(strchr(credentials, '=') + 1, "w");
	ck_assert_ptr_nonnull(file);
	fputs("[default]\naws_access_key_id=NEW\naws_secret_access_key=y\naws_session_token=t\n",
	    file);
	fclose(file);
	provider->get(provider, take, &seen);
	ck_assert_str_eq(seen.id, "OLD");
	provider->refresh(provider);
	provider->get(provider, take, &seen);
	ck_assert_str_eq(seen.id, "NEW");
	ck_assert_str_eq(seen.secret, "y");
	ck_assert_str_eq(seen.token, "t");
	credentials_provider_free(provider);
	remove_file(credentials);
}
END_TEST

/* Each kind of profile that needs the network or a program is named, and what to do instead. */
START_TEST(other_kinds_of_profile)
{
	static const char *const kinds[] = {"role_arn", "sso_session", "sso_start_url",
	    "credential_process", "web_identity_token_file"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char *text = mem_printf("[profile p]\n%s = x\n", kinds[i]);
		char *config = file_with("AWS_CONFIG_FILE", text);
		struct seen seen = find(ENV(config), "p");

		ck_assert_int_eq(seen.err.code, ERR_CREDENTIALS);
		ck_assert_ptr_nonnull(strstr(err_text(&seen.err), kinds[i]));
		ck_assert_ptr_nonnull(strstr(err_text(&seen.err), "aws_access_key_id"));
		err_fini(&seen.err);
		remove_file(config);
		free(text);
	}
}
END_TEST

/* Quoted names, CRLF, comments, nested keys, a value with '=' in it, sections of other kinds. */
START_TEST(forms_of_the_shared_files)
{
	static const char text[] =
	    "; c\r\n[profile \"my team\"]\r\nregion=a ; c\r\nregion = b\r\n"
	    "url = http://h/?x=y#z\r\ns3 =\r\n  max = 10\r\n\r\n[plugins]\nx = y\n"
	    "[services dev]\nec2 =\n\tendpoint_url = http://e\n";
	struct err err = {0};
	struct config_file *file = config_file_parse("t", str_of(text), CONFIG_FILE_CONFIG, &err);

	ck_assert_msg(file != NULL, "%s", err_text(&err));
	ck_assert(config_file_has_profile(file, "my team"));
	ck_assert(!config_file_has_profile(file, "plugins"));
	ck_assert_str_eq(config_file_get(file, "my team", "region"), "b");
	ck_assert_str_eq(config_file_get(file, "my team", "url"), "http://h/?x=y#z");
	ck_assert_str_eq(config_file_get(file, "my team", "s3.max"), "10");
	ck_assert_ptr_null(config_file_get(file, "my team", "s3"));
	ck_assert_str_eq(
	    config_file_get_in(file, "services", "dev", "ec2.endpoint_url"), "http://e");
	config_file_free(file);
	ck_assert_ptr_null(config_file_parse("t", STR("[profile x\n"), CONFIG_FILE_CONFIG, &err));
	ck_assert_ptr_nonnull(strstr(err_text(&err), "t:1: "));
	err_fini(&err);
}
END_TEST

START_TEST(nothing_is_found)
{
	struct seen seen = find(ENV("HOME=/nonexistent"), NULL);

	ck_assert_int_eq(seen.err.code, ERR_CREDENTIALS);
	ck_assert_ptr_nonnull(strstr(err_text(&seen.err), "environment: "));
	ck_assert_ptr_nonnull(strstr(err_text(&seen.err), "shared files: "));
	err_fini(&seen.err);
}
END_TEST

START_TEST(malformed_files_name_the_line)
{
	char *config = file_with("AWS_CONFIG_FILE", "[default]\nregion eu-west-1\n");
	struct aws_settings settings;
	struct aws_env env = ENV(config);
	struct err err = {0};

	ck_assert_int_eq(aws_settings_load(&env, "EC2", NULL, NULL, &settings, &err), -1);
	ck_assert_ptr_nonnull(strstr(err_text(&err), ":2: "));
	err_fini(&err);
	remove_file(config);
}
END_TEST

START_TEST(settings_in_order)
{
	char *config = file_with("AWS_CONFIG_FILE",
	    "[default]\nregion = from-file\nendpoint_url = http://profile\n[profile s]\nregion = "
	    "r\nservices = mine\n"
	    "[services mine]\nec2 =\n  endpoint_url = http://services\n");
	struct aws_settings settings;
	struct err err = {0};
	struct aws_env env = ENV(config);

	ck_assert_int_eq(aws_settings_load(&env, "EC2", NULL, NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.region, "from-file");
	ck_assert_str_eq(settings.endpoint, "http://profile");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_DEFAULT_REGION=third", "AWS_ENDPOINT_URL=http://all");
	ck_assert_int_eq(aws_settings_load(&env, "EC2", NULL, NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.region, "third");
	ck_assert_str_eq(settings.endpoint, "http://all");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_REGION=second", "AWS_DEFAULT_REGION=third",
	    "AWS_ENDPOINT_URL_EC2=http://ec2", "AWS_ENDPOINT_URL=http://all", "AWS_MAX_ATTEMPTS=4");
	ck_assert_int_eq(aws_settings_load(&env, "EC2", "first", NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.region, "first");
	ck_assert_str_eq(settings.endpoint, "http://ec2");
	ck_assert_int_eq(settings.attempts_max, 4);
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_PROFILE=s");
	ck_assert_int_eq(aws_settings_load(&env, "EC2", NULL, NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.endpoint, "http://services");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true");
	ck_assert_int_eq(aws_settings_load(&env, "EC2", NULL, NULL, &settings, &err), 0);
	ck_assert_ptr_null(settings.endpoint);
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_MAX_ATTEMPTS=0");
	ck_assert_int_eq(aws_settings_load(&env, "EC2", NULL, NULL, &settings, &err), -1);
	err_fini(&err);
	remove_file(config);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("credentials");
	TCase *tests = tcase_create("credentials");

	tcase_add_test(tests, from_the_environment);
	tcase_add_test(tests, from_the_shared_files);
	tcase_add_test(tests, fresh_keys_after_a_refresh);
	tcase_add_test(tests, other_kinds_of_profile);
	tcase_add_test(tests, forms_of_the_shared_files);
	tcase_add_test(tests, nothing_is_found);
	tcase_add_test(tests, malformed_files_name_the_line);
	tcase_add_test(tests, settings_in_order);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
