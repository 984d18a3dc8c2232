/* Keys of somebody who has signed in by a browser: `aws sso login` and `aws login`. */
#include "aws/keys/dpop.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "credentials_fixture.h"
#include "run_suite.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SSO_FILE    "0ad374308c5a4e22f723adf10145eafad7c4031c.json" /* SHA-1 of my-sso */
#define LEGACY_FILE "13f9d35043871d073ab260e020f0ffde092cb14b.json" /* of the start URL */
#define START_URL   "https://d-92671207e4.awsapps.com/start"
#define HOME_FILES  8

#define SSO_CONFIG                                                                                 \
	"[profile work]\nsso_session = my-sso\nsso_account_id = 123456789011\n"                    \
	"sso_role_name = Net Admin\n"                                                              \
	"[sso-session my-sso]\nsso_region = eu-central-1\nsso_start_url = " START_URL "\n"
#define LEGACY_CONFIG                                                                              \
	"[profile work]\nsso_start_url = " START_URL "\nsso_region = us-west-2\n"                  \
	"sso_account_id = 123456789011\nsso_role_name = ReadOnly\n"

#define ROLE_KEYS                                                                                  \
	"{\"roleCredentials\":{\"accessKeyId\":\"ASIASSO\",\"secretAccessKey\":\"sec\","           \
	"\"sessionToken\":\"tok\",\"expiration\":1768482000000}}" /* 13:00 */
#define FRESH_TOKEN                                                                                \
	"{\"accessToken\":\"new-token\",\"expiresIn\":3600,\"refreshToken\":\"new-refresh\","      \
	"\"tokenType\":\"Bearer\"}"
#define REGISTRATION                                                                               \
	",\"clientId\":\"id\",\"clientSecret\":\"registered\",\"refreshToken\":\"old-refresh\""    \
	",\"registrationExpiresAt\":\"2026-03-01T00:00:00Z\",\"region\":\"eu-central-1\""

#define PORTAL "portal.sso.eu-central-1.amazonaws.com/federation/credentials?"
#define OIDC   "https://oidc.eu-central-1.amazonaws.com/token"

/* A home directory of the test's own. */
struct home {
	char path[32];
	char *files[HOME_FILES];
	size_t files_count;
};

static void
home_init(struct home *home, struct keys_fixture *f)
{
	*home = (struct home){.path = "/tmp/tmflow-home-XXXXXX"};
	ck_assert_ptr_nonnull(mkdtemp(home->path));
	keys_env(f, "HOME", home->path);
}

/* Writes a file, and the folders that it is in. */
static const char *
home_write(struct home *home, const char *name, const char *text)
{
	char *path = mem_printf("%s/%s", home->path, name);
	FILE *file;

	for (char *p = strchr(path + strlen(home->path) + 1, '/'); p != NULL;
	     p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0700);
		*p = '/';
	}
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	fclose(file);
	ck_assert_uint_lt(home->files_count, HOME_FILES);
	home->files[home->files_count++] = path;
	return path;
}

static void
home_fini(struct home *home)
{
	char *command = mem_printf("rm -r %s", home->path);

	ck_assert_int_eq(system(command), 0);
	for (size_t i = 0; i < home->files_count; i++)
		free(home->files[i]);
	free(command);
}

static json_t *
read_json(const char *path)
{
	struct tmf_err err = {0};
	struct buf text = {0};
	json_t *value;

	ck_assert_int_eq(file_read(path, 1u << 20, &text, NULL, &err), 0);
	value = jsonx_parse(buf_str(&text), &err);
	ck_assert_ptr_nonnull(value);
	buf_fini(&text);
	return value;
}

/* A token as the AWS CLI leaves it. */
static char *
token_text(const char *expires, const char *more)
{
	return mem_printf(
	    "{\"startUrl\":\"%s\",\"accessToken\":\"old-token\",\"expiresAt\":\"%s\"%s}", START_URL,
	    expires, more);
}

/* --- IAM Identity Center --- */

struct sso_case {
	const char *config;
	const char *token_file; /* NULL: nobody is signed in */
	const char *expires;
	const char *more;
	const struct route *routes;
	const char *fault; /* NULL: keys come */
	size_t sent;
};

#define KEYS_ROUTE                                                                                 \
	{                                                                                          \
		"GET", "/federation/credentials", 200, ROLE_KEYS, 0                                \
	}

static const struct route keys_only[] = {KEYS_ROUTE, {.method = NULL}};
static const struct route refreshed[] = {
    {"POST", OIDC, 200, FRESH_TOKEN, 1}, KEYS_ROUTE, {.method = NULL}};
static const struct route refresh_refused[] = {
    {"POST", OIDC, 400, "{\"error\":\"invalid_grant\"}", 0}, KEYS_ROUTE, {.method = NULL}};
static const struct route refused_401[] = {
    {"GET", "/federation", 401, "{\"message\":\"Session token not found or invalid\"}", 0},
    {.method = NULL}};
static const struct route refused_403[] = {
    {"GET", "/federation", 403, "{\"message\":\"No access\"}", 0}, {.method = NULL}};
static const struct route broken[] = {
    {"GET", "/federation", 200, "{\"roleCredentials\":{}}", 0}, {.method = NULL}};
static const struct route down[] = {{"GET", "/federation", 503, "", 0}, {.method = NULL}};

#define LATER "2026-01-15T20:00:00Z"
#define SOON  "2026-01-15T12:10:00Z" /* within the quarter of an hour before its end */
#define PAST  "2026-01-15T11:59:00Z"
#define HINT  "run `aws sso login --profile work`"

static const struct sso_case sso_cases[] = {
    {SSO_CONFIG, SSO_FILE, LATER, REGISTRATION, keys_only, NULL, 1},
    {SSO_CONFIG, SSO_FILE, SOON, REGISTRATION, refreshed, NULL, 2},
    {SSO_CONFIG, SSO_FILE, PAST, REGISTRATION, refreshed, NULL, 2},
    {SSO_CONFIG, SSO_FILE, SOON, REGISTRATION, refresh_refused, NULL, 2},
    {SSO_CONFIG, SSO_FILE, SOON, "", keys_only, NULL, 1},
    {LEGACY_CONFIG, LEGACY_FILE, LATER, "", keys_only, NULL, 1},
    {LEGACY_CONFIG, LEGACY_FILE, "2026-01-15T12:10:00UTC", REGISTRATION, keys_only, NULL, 1},
    {SSO_CONFIG, SSO_FILE, PAST, REGISTRATION, refresh_refused, HINT, 1},
    {SSO_CONFIG, SSO_FILE, PAST, "", keys_only, HINT, 0},
    {SSO_CONFIG, SSO_FILE, "yesterday", "", keys_only, HINT, 0},
    {SSO_CONFIG, NULL, NULL, NULL, keys_only, HINT, 0},
    {SSO_CONFIG, SSO_FILE, LATER, REGISTRATION, refused_401, HINT, 1},
    {SSO_CONFIG, SSO_FILE, LATER, REGISTRATION, refused_403,
	"no role Net Admin in the account 123456789011", 1},
    {SSO_CONFIG, SSO_FILE, LATER, REGISTRATION, broken, "the access key id is missing", 1},
    {SSO_CONFIG, SSO_FILE, LATER, REGISTRATION, down, "HTTP status 503", 3},
    {"[profile work]\nsso_session = gone\nsso_account_id = 1\nsso_role_name = r\n", NULL, NULL,
	NULL, keys_only, "has no sso_start_url, nor has its sso_session gone", 0},
    {SSO_CONFIG "sso_account_id = 2\n", NULL, NULL, NULL, keys_only, "differ", 0},
    {"[profile work]\nsso_role_name = r\n", NULL, NULL, NULL, keys_only, "has no sso_start_url", 0},
};

START_TEST(identity_center)
{
	const struct sso_case *tried = &sso_cases[_i];
	struct service service;
	struct keys_fixture f;
	struct home home;

	keys_init_service(&f, &service, tried->routes);
	home_init(&home, &f);
	home_write(&home, ".aws/config", tried->config);
	keys_env(&f, "AWS_PROFILE", "work");
	if (tried->token_file != NULL) {
		char *name = mem_printf(".aws/sso/cache/%s", tried->token_file);
		char *text = token_text(tried->expires, tried->more);

		home_write(&home, name, text);
		free(text);
		free(name);
	}
	keys_get(&f);
	if (tried->fault != NULL)
		keys_expect_fault(&f, tried->fault);
	else
		keys_expect(&f, "ASIASSO", "sec", "tok");
	ck_assert_uint_eq(keys_sent(&f), tried->sent);
	home_fini(&home);
	keys_fini(&f);
}
END_TEST

/* What is sent where, and what the other tools find afterwards. */
START_TEST(identity_center_requests)
{
	char *text = token_text(SOON, REGISTRATION);
	const struct scripted_request *request;
	struct service service;
	struct keys_fixture f;
	struct home home;
	struct stat st;
	const char *path;
	json_t *kept;

	keys_init_service(&f, &service, refreshed);
	home_init(&home, &f);
	home_write(&home, ".aws/config", SSO_CONFIG);
	path = home_write(&home, ".aws/sso/cache/" SSO_FILE, text);
	f.opts.profile = "work";
	keys_get(&f);
	keys_expect(&f, "ASIASSO", "sec", "tok");
	ck_assert(service.by_proxy);
	request = keys_request(&f, 0);
	ck_assert_str_eq(request->url, OIDC);
	ck_assert_str_eq(scripted_request_header(request, "Content-Type"), "application/json");
	ck_assert_ptr_nonnull(strstr(request->body, "\"grantType\":\"refresh_token\""));
	ck_assert_ptr_nonnull(strstr(request->body, "\"refreshToken\":\"old-refresh\""));
	ck_assert_ptr_nonnull(strstr(request->body, "\"clientSecret\":\"registered\""));
	request = keys_request(&f, 1);
	ck_assert_str_eq(
	    request->url, "https://" PORTAL "account_id=123456789011&role_name=Net%20Admin");
	ck_assert_str_eq(scripted_request_header(request, "x-amz-sso_bearer_token"), "new-token");
	kept = read_json(path);
	ck_assert_str_eq(jsonx_get_string(kept, "accessToken"), "new-token");
	ck_assert_str_eq(jsonx_get_string(kept, "refreshToken"), "new-refresh");
	ck_assert_str_eq(jsonx_get_string(kept, "expiresAt"), "2026-01-15T13:00:00Z");
	ck_assert_str_eq(jsonx_get_string(kept, "clientSecret"), "registered");
	ck_assert_str_eq(jsonx_get_string(kept, "startUrl"), START_URL);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	json_decref(kept);
	free(text);
	home_fini(&home);
	keys_fini(&f);
}
END_TEST

/* A role whose source is a profile that signs in, and an endpoint of the settings. */
START_TEST(identity_center_as_source)
{
	static const struct route routes[] = {
	    {"GET", "http://localhost:5000/portal/federation/credentials", 200, ROLE_KEYS, 0},
	    {"POST", "Action=AssumeRole", 200,
		"<AssumeRoleResponse><AssumeRoleResult><Credentials>"
		"<AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
		"<SessionToken>t</SessionToken><Expiration>2026-01-15T13:00:00Z</Expiration>"
		"</Credentials></AssumeRoleResult></AssumeRoleResponse>",
		0},
	    {.method = NULL},
	};
	char *text = token_text(LATER, REGISTRATION);
	struct service service;
	struct keys_fixture f;
	struct home home;

	keys_init_service(&f, &service, routes);
	home_init(&home, &f);
	home_write(&home, ".aws/config",
	    SSO_CONFIG "[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/x\n"
		       "source_profile = work\n");
	home_write(&home, ".aws/sso/cache/" SSO_FILE, text);
	keys_env(&f, "AWS_PROFILE", "admin");
	keys_env(&f, "AWS_ENDPOINT_URL_SSO", "http://localhost:5000/portal/");
	keys_get(&f);
	keys_expect(&f, "ASIAROLE", "s", "t");
	free(text);
	home_fini(&home);
	keys_fini(&f);
}
END_TEST

/* --- aws login --- */

#define LOGIN_SESSION "arn:aws:iam::123456789011:user/ana"
#define LOGIN_CONFIG  "[profile work]\nregion = eu-west-1\nlogin_session = " LOGIN_SESSION "\n"
#define SIGN_IN	      "https://us-east-2.signin.aws.amazon.com/v1/token"
#define LOGIN_FRESH                                                                                \
	"{\"accessToken\":{\"accessKeyId\":\"ASIANEW\",\"secretAccessKey\":\"s2\","                \
	"\"sessionToken\":\"t2\"},\"expiresIn\":900,\"refreshToken\":\"r2\","                      \
	"\"tokenType\":\"aws_sigv4\"}"

/* A key on P-256 in PEM, of the form in which the AWS CLI keeps it. The caller frees both. */
static char *
new_key(EVP_PKEY **ret_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	char *pem;
	long bytes;

	ck_assert_int_eq(
	    PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	bytes = BIO_get_mem_data(bio, &text);
	pem = mem_strndup(text, (size_t)bytes);
	BIO_free(bio);
	*ret_key = key;
	return pem;
}

static char *
login_path(void)
{
	char hex[DIGEST_SHA256_HEX_BYTES];

	digest_sha256_hex(str_of(LOGIN_SESSION), hex);
	return mem_printf("cache/%s.json", hex);
}

static const char *
login_write(struct home *home, const char *expires, const char *pem)
{
	json_t *token = json_pack("{s:{s:s, s:s, s:s, s:s, s:s}, s:s, s:s, s:s, s:s, s:s}",
	    "accessToken", "accessKeyId", "ASIAOLD", "secretAccessKey", "s1", "sessionToken", "t1",
	    "accountId", "123456789011", "expiresAt", expires, "refreshToken", "r1", "clientId",
	    "arn:aws:signin:::devtools/same-device", "dpopKey", pem, "tokenType", "aws_sigv4",
	    "signInRegion", "us-east-2");
	char *text = jsonx_text(token);
	char *name = login_path();
	const char *path = home_write(home, name, text);

	free(name);
	free(text);
	json_decref(token);
	return path;
}

static void
login_init(struct home *home, struct keys_fixture *f, struct service *service,
    const struct route *routes, const char *expires, const char *pem, const char **ret_path)
{
	char *folder;

	keys_init_service(f, service, routes);
	home_init(home, f);
	home_write(home, ".aws/config", LOGIN_CONFIG);
	*ret_path = login_write(home, expires, pem);
	folder = mem_printf("%s/cache", home->path);
	keys_env(f, "AWS_LOGIN_CACHE_DIRECTORY", folder);
	keys_env(f, "AWS_PROFILE", "work");
	free(folder);
}

static void
decode_base64url(struct str text, struct buf *out)
{
	struct tmf_err err = {0};
	struct buf plain = {0};

	buf_add_str(&plain, text);
	for (size_t i = 0; i < plain.len; i++)
		plain.p[i] = plain.p[i] == '-' ? '+' : plain.p[i] == '_' ? '/' : plain.p[i];
	ck_assert_int_eq(digest_base64_decode(buf_str(&plain), out, &err), 0);
	buf_fini(&plain);
}

/* The proof names the request, bears the public key, and is signed by the private one. */
static void
check_proof(const char *proof, EVP_PKEY *key)
{
	const char *dot = strchr(proof, '.');
	const char *last = strrchr(proof, '.');
	struct buf header = {0};
	struct buf claims = {0};
	struct buf halves = {0};
	ECDSA_SIG *pair = ECDSA_SIG_new();
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	json_t *value;
	int bytes;

	decode_base64url((struct str){proof, (size_t)(dot - proof)}, &header);
	decode_base64url((struct str){dot + 1, (size_t)(last - dot - 1)}, &claims);
	decode_base64url(str_of(last + 1), &halves);
	value = jsonx_parse(buf_str(&header), NULL);
	ck_assert_str_eq(jsonx_get_string(value, "typ"), "dpop+jwt");
	ck_assert_str_eq(jsonx_get_string(value, "alg"), "ES256");
	ck_assert_str_eq(jsonx_get_string(json_object_get(value, "jwk"), "crv"), "P-256");
	ck_assert_uint_eq(strlen(jsonx_get_string(json_object_get(value, "jwk"), "x")), 43);
	json_decref(value);
	value = jsonx_parse(buf_str(&claims), NULL);
	ck_assert_str_eq(jsonx_get_string(value, "htm"), "POST");
	ck_assert_str_eq(jsonx_get_string(value, "htu"), SIGN_IN);
	ck_assert_int_eq(json_integer_value(json_object_get(value, "iat")), KEYS_WALL_MS / 1000);
	json_decref(value);
	ck_assert_uint_eq(halves.len, 64);
	ECDSA_SIG_set0(pair, BN_bin2bn((unsigned char *)halves.p, 32, NULL),
	    BN_bin2bn((unsigned char *)halves.p + 32, 32, NULL));
	bytes = i2d_ECDSA_SIG(pair, &der);
	ck_assert_int_eq(EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key), 1);
	ck_assert_int_eq(EVP_DigestVerify(context, der, (size_t)bytes, (const unsigned char *)proof,
			     (size_t)(last - proof)),
	    1);
	OPENSSL_free(der);
	EVP_MD_CTX_free(context);
	ECDSA_SIG_free(pair);
	buf_fini(&header);
	buf_fini(&claims);
	buf_fini(&halves);
}

static const struct route login_refreshed[] = {
    {"POST", SIGN_IN, 200, LOGIN_FRESH, 0}, {.method = NULL}};

/* Keys that last go out without a request; others are refreshed, and written back. */
START_TEST(console)
{
	struct service service;
	struct keys_fixture f;
	struct home home;
	const char *path;
	EVP_PKEY *key;
	char *pem = new_key(&key);
	json_t *kept;

	login_init(&home, &f, &service, login_refreshed, "2026-01-15T12:14:00Z", pem, &path);
	keys_get(&f);
	keys_expect(&f, "ASIAOLD", "s1", "t1");
	ck_assert_uint_eq(keys_sent(&f), 0);
	home_fini(&home);
	keys_fini(&f);

	login_init(&home, &f, &service, login_refreshed, "2026-01-15T12:04:00Z", pem, &path);
	keys_get(&f);
	keys_expect(&f, "ASIANEW", "s2", "t2");
	ck_assert_ptr_nonnull(strstr(keys_request(&f, 0)->body, "\"refreshToken\":\"r1\""));
	check_proof(scripted_request_header(keys_request(&f, 0), "DPoP"), key);
	kept = read_json(path);
	ck_assert_str_eq(jsonx_get_string(kept, "refreshToken"), "r2");
	ck_assert_str_eq(
	    jsonx_get_string(json_object_get(kept, "accessToken"), "accessKeyId"), "ASIANEW");
	ck_assert_str_eq(jsonx_get_string(json_object_get(kept, "accessToken"), "expiresAt"),
	    "2026-01-15T12:15:00Z");
	ck_assert_str_eq(
	    jsonx_get_string(json_object_get(kept, "accessToken"), "accountId"), "123456789011");
	ck_assert_str_eq(jsonx_get_string(kept, "dpopKey"), pem);
	json_decref(kept);
	home_fini(&home);
	keys_fini(&f);
	EVP_PKEY_free(key);
	free(pem);
}
END_TEST

static const struct route login_expired[] = {
    {"POST", SIGN_IN, 401, "{\"error\":\"TOKEN_EXPIRED\",\"message\":\"m\"}", 0}, {.method = NULL}};
static const struct route login_denied[] = {
    {"POST", SIGN_IN, 403, "{\"error\":\"INSUFFICIENT_PERMISSIONS\",\"message\":\"m\"}", 0},
    {.method = NULL}};
static const struct route login_down[] = {{"POST", SIGN_IN, 500, "", 0}, {.method = NULL}};

static const struct {
	const struct route *routes;
	const char *expires;
	const char *fault; /* NULL: the old keys, which last */
} login_cases[] = {
    {login_expired, PAST, "run `aws login --profile work`"},
    {login_denied, PAST, "signin:CreateOAuth2Token"},
    {login_down, PAST, "HTTP status 500"},
    {login_expired, "2026-01-15T12:03:00Z", NULL},
};

START_TEST(console_faults)
{
	struct service service;
	struct keys_fixture f;
	struct home home;
	const char *path;
	EVP_PKEY *key;
	char *pem = new_key(&key);

	login_init(
	    &home, &f, &service, login_cases[_i].routes, login_cases[_i].expires, pem, &path);
	keys_get(&f);
	if (login_cases[_i].fault != NULL)
		keys_expect_fault(&f, login_cases[_i].fault);
	else
		keys_expect(&f, "ASIAOLD", "s1", "t1");
	home_fini(&home);
	keys_fini(&f);
	EVP_PKEY_free(key);
	free(pem);
}
END_TEST

START_TEST(console_files)
{
	struct service service;
	struct keys_fixture f;
	struct home home;
	const char *path;

	login_init(&home, &f, &service, login_refreshed, PAST, "no key", &path);
	keys_get(&f);
	keys_expect_fault(&f, "dpopKey is not a private key on P-256");
	unlink(path);
	f.provider->refresh(f.provider, f.serial);
	keys_get(&f);
	keys_expect_fault(&f, "nobody is signed in: run `aws login --profile work`");
	home_fini(&home);
	keys_fini(&f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sign_in");
	TCase *tests = tcase_create("sign_in");

	tcase_add_loop_test(tests, identity_center, 0, sizeof(sso_cases) / sizeof(sso_cases[0]));
	tcase_add_test(tests, identity_center_requests);
	tcase_add_test(tests, identity_center_as_source);
	tcase_add_test(tests, console);
	tcase_add_loop_test(tests, console_faults, 0, sizeof(login_cases) / sizeof(login_cases[0]));
	tcase_add_test(tests, console_files);
	suite_add_tcase(s, tests);
	return run_suite(s);
}
