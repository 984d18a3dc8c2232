/* Where keys and settings come from, and what is said when there are none. */
#include "aws/keys/credentials_chain.h"
#include "aws/settings/config_file.h"
#include "base/mem.h"

#include "credentials_fixture.h"
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
	struct keys_fixture f;

	keys_init(&f, NULL);
	keys_env(&f, "AWS_ACCESS_KEY_ID", "AKID");
	keys_env(&f, "AWS_SECRET_ACCESS_KEY", SECRET);
	keys_env(&f, "AWS_SESSION_TOKEN", "tok");
	keys_get(&f);
	keys_expect(&f, "AKID", SECRET, "tok");
	keys_fini(&f);

	keys_init(&f, NULL);
	keys_env(&f, "AWS_SECRET_ACCESS_KEY", SECRET);
	keys_get(&f);
	ck_assert_ptr_null(strstr(tmf_err_text(&f.err), SECRET));
	keys_expect_fault(&f, "AWS_ACCESS_KEY_ID is not");
	keys_fini(&f);
}
END_TEST

/* What would break a header, or is no time, is refused without being repeated. */
START_TEST(malformed_keys)
{
	static const struct {
		const char *id, *secret, *token, *expiration, *fault;
	} cases[] = {
	    {"AKID", "a\nb", NULL, NULL, "the secret access key"},
	    {"AK ID", "s", NULL, NULL, "the access key id"},
	    {"AKID", "s", "t\r\nX-Evil: 1", NULL, "the session token"},
	    {"AKID", "s", "t", "tomorrow", "2026-01-15T12:00:00Z"},
	    {"AKID", "s", "t", "2026-01-15T11:59:59Z", "expired already"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keys_fixture f;

		keys_init(&f, NULL);
		keys_env(&f, "AWS_ACCESS_KEY_ID", cases[i].id);
		keys_env(&f, "AWS_SECRET_ACCESS_KEY", cases[i].secret);
		keys_env(&f, "AWS_SESSION_TOKEN", cases[i].token != NULL ? cases[i].token : "");
		keys_env(&f, "AWS_CREDENTIAL_EXPIRATION",
		    cases[i].expiration != NULL ? cases[i].expiration : "");
		keys_get(&f);
		ck_assert_ptr_null(strstr(tmf_err_text(&f.err), "Evil"));
		ck_assert_ptr_null(strstr(tmf_err_text(&f.err), "a\nb"));
		keys_expect_fault(&f, cases[i].fault);
		keys_fini(&f);
	}
}
END_TEST

static const char config_text[] =
    "[default]\nregion = eu-west-1\n"
    "[profile work]\naws_access_key_id=FROMCONFIG\naws_secret_access_key=x\n";
static const char credentials_text[] =
    "# a comment\n[default]\naws_access_key_id = DEFAULT ; of mine\n"
    "aws_secret_access_key = " SECRET "\n\n[work]\naws_access_key_id = FROMCREDENTIALS\n";

/* Asks for the keys of a profile: by flag, by variable, or the default one. */
static void
get_profile(struct keys_fixture *f, const char *flag, const char *variable)
{
	keys_init(f, NULL);
	f->opts.profile = flag;
	keys_file(f, "AWS_CONFIG_FILE", config_text);
	keys_file(f, "AWS_SHARED_CREDENTIALS_FILE", credentials_text);
	if (variable != NULL)
		keys_env(f, "AWS_PROFILE", variable);
	if (flag != NULL) { /* which goes before these */
		keys_env(f, "AWS_ACCESS_KEY_ID", "A");
		keys_env(f, "AWS_SECRET_ACCESS_KEY", "b");
	}
	keys_get(f);
}

START_TEST(from_the_shared_files)
{
	struct keys_fixture f;

	get_profile(&f, NULL, NULL);
	keys_expect(&f, "DEFAULT", SECRET, "");
	keys_fini(&f);
	get_profile(&f, NULL, "work"); /* the credentials file wins, key by key */
	keys_expect(&f, "FROMCREDENTIALS", "x", "");
	keys_fini(&f);
	get_profile(&f, "work", NULL);
	keys_expect(&f, "FROMCREDENTIALS", "x", "");
	keys_fini(&f);
}
END_TEST

/* What another program writes meanwhile is seen after AWS refused the old keys, not before. */
START_TEST(fresh_keys_after_a_refusal)
{
	struct keys_fixture f;
	const char *path;
	FILE *file;

	keys_init(&f, NULL);
	path = keys_file(&f, "AWS_SHARED_CREDENTIALS_FILE",
	    "[default]\naws_access_key_id=OLD\naws_secret_access_key=x\n");
	keys_get(&f);
	ck_assert_str_eq(f.id, "OLD");
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs("[default]\naws_access_key_id=NEW\naws_secret_access_key=y\naws_session_token=t\n",
	    file);
	fclose(file);
	keys_get(&f);
	ck_assert_str_eq(f.id, "OLD");
	unsigned old = f.serial;
	f.provider->refresh(f.provider, old);
	keys_get(&f);
	keys_expect(&f, "NEW", "y", "t");
	/* Another call that was signed with the old ones says so late: there are others by now. */
	unsigned fresh = f.serial;
	f.provider->refresh(f.provider, old);
	keys_get(&f);
	ck_assert_uint_eq(f.serial, fresh);
	keys_fini(&f);
}
END_TEST

/* A file that cannot be read is no empty file. */
START_TEST(unreadable_files)
{
	struct keys_fixture f;

	keys_init(&f, NULL);
	keys_open(&f);
	keys_env(&f, "AWS_SHARED_CREDENTIALS_FILE", "/tmp");
	keys_get(&f);
	ck_assert_int_eq(f.err.code, TMF_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err), "/tmp"));
	keys_fini(&f);
}
END_TEST

/* Quoted names, CRLF, comments, nested keys, a value with '=' in it, sections of other kinds. */
START_TEST(forms_of_the_shared_files)
{
	static const char text[] =
	    "; c\r\n[profile \"my team\"]\r\nregion=a ; c\r\nregion = b\r\n"
	    "url = http://h/?x=y#z\r\ns3 =\r\n  max = 10\r\n\r\n[plugins]\nx = y\n"
	    "[services dev]\nec2 =\n\tendpoint_url = http://e\n";
	struct tmf_err err = {0};
	struct config_file *file = config_file_parse("t", str_of(text), CONFIG_FILE_CONFIG, &err);

	ck_assert_msg(file != NULL, "%s", tmf_err_text(&err));
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
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "t:1: "));
	tmf_err_fini(&err);
}
END_TEST

/* Each place is named, with what it lacked. */
START_TEST(nothing_is_found)
{
	static const char *const parts[] = {"environment: AWS_ACCESS_KEY_ID",
	    "role of the profile: ", "web identity: ", "IAM Identity Center: ",
	    "shared credentials file: ", "credential process: ", "shared config file: ",
	    "container: ", "instance metadata: AWS_EC2_METADATA_DISABLED is true"};
	struct keys_fixture f;

	keys_init(&f, NULL);
	keys_env(&f, "HOME", "/nonexistent");
	keys_env(&f, "AWS_EC2_METADATA_DISABLED", "True");
	keys_get(&f);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		ck_assert_msg(strstr(tmf_err_text(&f.err), parts[i]) != NULL, "%s", parts[i]);
	keys_expect_fault(&f, "no AWS credentials were found");
	keys_fini(&f);
}
END_TEST

/* Where the keys may be: the names of other profiles, each once, not all of a thousand. */
START_TEST(profiles_are_named)
{
	struct keys_fixture f;
	struct aws_settings settings;
	struct tmf_err err = {0};
	struct buf many = {0};
	char *config = file_with(
	    "AWS_CONFIG_FILE", "[profile work]\nregion = a\n[profile test]\nregion = b\n");
	struct aws_env env = ENV(config);

	ck_assert_int_eq(aws_settings_load(&env, NULL, "wrok", &settings, &err), -1);
	ck_assert_str_eq(tmf_err_text(&err),
	    "the profile \"wrok\" is in neither of the shared AWS files, which have work, test");
	tmf_err_fini(&err);
	remove_file(config);

	keys_init(&f, NULL);
	keys_env(&f, "AWS_EC2_METADATA_DISABLED", "True");
	for (int i = 0; i < 12; i++)
		buf_printf(&many, "[profile p%d]\nregion = a\n", i);
	keys_file(&f, "AWS_CONFIG_FILE", buf_cstr(&many));
	keys_file(&f, "AWS_SHARED_CREDENTIALS_FILE", "[p1]\nx = y\n[q]\nx = y\n");
	keys_get(&f);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&f.err),
	    "files: p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 3 more (--profile or AWS_PROFILE"));
	keys_expect_fault(&f, "no AWS credentials were found");
	keys_fini(&f);
	buf_fini(&many);
}
END_TEST

START_TEST(malformed_files_name_the_line)
{
	char *config = file_with("AWS_CONFIG_FILE", "[default]\nregion eu-west-1\n");
	struct aws_settings settings;
	struct aws_env env = ENV(config);
	struct tmf_err err = {0};

	ck_assert_int_eq(aws_settings_load(&env, NULL, NULL, &settings, &err), -1);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), ":2: "));
	tmf_err_fini(&err);
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
	struct tmf_err err = {0};
	struct aws_env env = ENV(config);

	ck_assert_int_eq(aws_settings_load(&env, NULL, NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.region, "from-file");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "ec2"), "http://profile");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_DEFAULT_REGION=third", "AWS_ENDPOINT_URL=http://all");
	ck_assert_int_eq(aws_settings_load(&env, NULL, NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.region, "third");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "ec2"), "http://all");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_REGION=second", "AWS_DEFAULT_REGION=third",
	    "AWS_ENDPOINT_URL_EC2=http://ec2", "AWS_ENDPOINT_URL=http://all", "AWS_MAX_ATTEMPTS=4");
	ck_assert_int_eq(aws_settings_load(&env, "first", NULL, &settings, &err), 0);
	ck_assert_str_eq(settings.region, "first");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "ec2"), "http://ec2");
	ck_assert_int_eq(settings.attempts_max, 4);
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_PROFILE=s");
	ck_assert_int_eq(aws_settings_load(&env, NULL, NULL, &settings, &err), 0);
	ck_assert_str_eq(aws_settings_endpoint(&settings, "ec2"), "http://services");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true");
	ck_assert_int_eq(aws_settings_load(&env, NULL, NULL, &settings, &err), 0);
	ck_assert_ptr_null(aws_settings_endpoint(&settings, "ec2"));
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_MAX_ATTEMPTS=0");
	ck_assert_int_eq(aws_settings_load(&env, NULL, NULL, &settings, &err), -1);
	tmf_err_fini(&err);
	remove_file(config);
}
END_TEST

/* Each service has an endpoint of its own to be set; Step Functions goes by SFN. */
START_TEST(settings_of_each_service)
{
	char *config = file_with("AWS_CONFIG_FILE",
	    "[default]\nservices = dev\nuse_fips_endpoint = true\nsts_regional_endpoints = legacy\n"
	    "ca_bundle = /ca.pem\nendpoint_url = http://profile\n"
	    "[services dev]\nsfn =\n  endpoint_url = http://sfn\nsqs = \n  endpoint_url = "
	    "http://sqs\n");
	struct aws_env env = ENV(config, "AWS_ENDPOINT_URL_STS=http://sts",
	    "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2=http://elb");
	struct aws_settings settings;
	struct tmf_err err = {0};

	ck_assert_int_eq(aws_settings_load(&env, "us-east-1", NULL, &settings, &err), 0);
	ck_assert_str_eq(aws_settings_endpoint(&settings, "states"), "http://sfn");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "sqs"), "http://sqs");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "sts"), "http://sts");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "elasticloadbalancing"), "http://elb");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "ec2"), "http://profile");
	ck_assert(settings.use_fips && !settings.use_dual_stack && settings.sts_global);
	ck_assert_str_eq(settings.ca_bundle, "/ca.pem");
	aws_settings_set_endpoint(&settings, "ec2", "http://flag");
	ck_assert_str_eq(aws_settings_endpoint(&settings, "ec2"), "http://flag");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_USE_FIPS_ENDPOINT=false", "AWS_USE_DUALSTACK_ENDPOINT=TRUE",
	    "AWS_STS_REGIONAL_ENDPOINTS=regional", "AWS_CA_BUNDLE=/other.pem");
	ck_assert_int_eq(aws_settings_load(&env, "us-east-1", NULL, &settings, &err), 0);
	ck_assert(!settings.use_fips && settings.use_dual_stack && !settings.sts_global);
	ck_assert_str_eq(settings.ca_bundle, "/other.pem");
	aws_settings_fini(&settings);
	env = ENV(config, "AWS_STS_REGIONAL_ENDPOINTS=galactic");
	ck_assert_int_eq(aws_settings_load(&env, "us-east-1", NULL, &settings, &err), -1);
	ck_assert_ptr_nonnull(strstr(tmf_err_text(&err), "galactic"));
	tmf_err_fini(&err);
	remove_file(config);
}
END_TEST

/* --- how a retry mode is chosen --- */

/* What the settings say with one variable and one shared config file; either may be NULL. */
static int
load(const char *variable, const char *value, const char *text, struct aws_settings *ret_settings,
    struct tmf_err *err)
{
	char *config = file_with("AWS_CONFIG_FILE", text != NULL ? text : "");
	char *word = mem_printf(
	    "%s=%s", variable != NULL ? variable : "UNRELATED", value != NULL ? value : "");
	struct aws_env env = ENV(config, word);
	int ret = aws_settings_load(&env, "us-east-1", NULL, ret_settings, err);

	remove_file(config);
	free(word);
	return ret;
}

START_TEST(retry_mode_chosen)
{
	static const struct {
		const char *variable;
		const char *value;
		const char *line;
		const char *mode; /* NULL: nobody chose one */
		int attempts_max;
	} cases[] = {
	    {NULL, NULL, NULL, NULL, 0},
	    {"AWS_RETRY_MODE", "legacy", NULL, "legacy", 0},
	    {"AWS_RETRY_MODE", "standard", NULL, "standard", 0},
	    {"AWS_RETRY_MODE", "Adaptive", NULL, "adaptive", 0},
	    {NULL, NULL, "[default]\nretry_mode = adaptive\nmax_attempts = 7\n", "adaptive", 7},
	    {"AWS_RETRY_MODE", "legacy", "[default]\nretry_mode = adaptive\n", "legacy", 0},
	    {"AWS_MAX_ATTEMPTS", "2", "[default]\nmax_attempts = 7\n", NULL, 2},
	    {"AWS_RETRY_MODE", "", "[default]\nretry_mode = standard\n", "standard", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_settings settings;
		struct tmf_err err = {0};

		ck_assert_msg(
		    load(cases[i].variable, cases[i].value, cases[i].line, &settings, &err) == 0,
		    "%zu: %s", i, tmf_err_text(&err));
		if (cases[i].mode == NULL)
			ck_assert_ptr_null(settings.retry_mode);
		else
			ck_assert_str_eq(settings.retry_mode->name, cases[i].mode);
		ck_assert_int_eq(settings.attempts_max, cases[i].attempts_max);
		aws_settings_fini(&settings);
	}
}
END_TEST

/* What is no mode and no number is refused, and the message says where it stands. */
START_TEST(retry_mode_refused)
{
	static const struct {
		const char *variable;
		const char *value;
		const char *line;
		const char *text;
	} cases[] = {
	    {"AWS_RETRY_MODE", "eager", "[default]\nretry_mode = standard\n",
		"AWS_RETRY_MODE must be legacy, standard or adaptive, not \"eager\""},
	    {NULL, NULL, "[default]\nregion = x\nretry_mode = eager\n",
		":3: retry_mode must be legacy, standard or adaptive, not \"eager\""},
	    {"AWS_MAX_ATTEMPTS", "0", NULL,
		"AWS_MAX_ATTEMPTS must be a number from 1 to 100, not \"0\""},
	    {"AWS_MAX_ATTEMPTS", "many", NULL,
		"AWS_MAX_ATTEMPTS must be a number from 1 to 100, not \"many\""},
	    {NULL, NULL, "[default]\nmax_attempts = 101\n",
		":2: max_attempts must be a number from 1 to 100, not \"101\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aws_settings settings;
		struct tmf_err err = {0};

		ck_assert_int_eq(
		    load(cases[i].variable, cases[i].value, cases[i].line, &settings, &err), -1);
		ck_assert_int_eq(err.code, TMF_ERR_CONFIG);
		ck_assert_msg(
		    strstr(tmf_err_text(&err), cases[i].text) != NULL, "%s", tmf_err_text(&err));
		tmf_err_fini(&err);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("credentials");
	TCase *tests = tcase_create("credentials");

	tcase_add_test(tests, from_the_environment);
	tcase_add_test(tests, from_the_shared_files);
	tcase_add_test(tests, malformed_keys);
	tcase_add_test(tests, fresh_keys_after_a_refusal);
	tcase_add_test(tests, unreadable_files);
	tcase_add_test(tests, forms_of_the_shared_files);
	tcase_add_test(tests, nothing_is_found);
	tcase_add_test(tests, profiles_are_named);
	tcase_add_test(tests, malformed_files_name_the_line);
	tcase_add_test(tests, settings_in_order);
	tcase_add_test(tests, settings_of_each_service);
	tcase_add_test(tests, retry_mode_chosen);
	tcase_add_test(tests, retry_mode_refused);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
