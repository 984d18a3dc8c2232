#include "aws/keys/credentials_internal.h"
#include "aws/keys/dpop.h"
#include "aws/keys/key_request.h"
#include "aws/keys/token_cache.h"
#include "base/digest.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Keys of somebody who is signed in to the console: `aws login` leaves them on disk, with a
 * refresh token that is bound to a key beside it. They last 15 minutes; a refresh gets the next
 * ones, for up to twelve hours, and is written back for the other tools. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-login-credentials.html
 */

#define REFRESH_AHEAD_MS (5LL * 60 * 1000)
#define TIMEOUT_MS	 10000
#define ATTEMPTS_MAX	 3
#define PAUSE_MS	 1000

struct login {
	const struct credentials_opts *opts;
	char *profile;
	char *path; /* of the token */
	json_t *token;
};

static void
login_free(void *frame)
{
	struct login *login = frame;

	jsonx_wipe(login->token);
	free(login->profile);
	free(login->path);
	free(login);
}

static int
login_fail(const struct login *login, const char *why, struct tmf_err *err)
{
	return tmf_err_set(err, TMF_ERR_CREDENTIALS,
	    "%s: run `aws login --profile %s`, then try again", why, login->profile);
}

/* Reads what is on disk, and sees that all of it is there. */
static int
login_read(struct login *login, const char *session, struct tmf_err *err)
{
	static const char *const members[] = {"refreshToken", "clientId", "dpopKey"};
	const char *folder = aws_env_get(&login->opts->env, "AWS_LOGIN_CACHE_DIRECTORY");
	const char *home = aws_env_get(&login->opts->env, "HOME");
	char hex[DIGEST_SHA256_HEX_BYTES];
	bool whole = true;
	int ret;

	if (folder == NULL && home == NULL)
		return login_fail(login, "HOME is not set, so no sign-in can be found", err);
	digest_sha256_hex(str_of(session), hex);
	login->path = folder != NULL ? mem_printf("%s/%s.json", folder, hex)
				     : mem_printf("%s/.aws/login/cache/%s.json", home, hex);
	ret = token_cache_read(login->path, &login->token, err);
	if (ret == 0)
		return login_fail(login, "nobody is signed in", err);
	if (ret < 0)
		return -1;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		whole = whole && jsonx_get_string(login->token, members[i]) != NULL;
	if (!whole || json_object_get(login->token, "accessToken") == NULL)
		return login_fail(login, "the sign-in that is on disk is damaged", err);
	return 0;
}

/* The time that the keys have left; nothing where that is not known. */
static int64_t
login_left_ms(const struct login *login)
{
	int64_t expires_ms;

	assert(login->token != NULL);
	if (!token_cache_time(
		json_object_get(login->token, "accessToken"), "expiresAt", &expires_ms))
		return 0;
	return expires_ms - credentials_wall_ms(login->opts);
}

static int
login_take_keys(const struct login *login, json_t **ret_result, struct tmf_err *err)
{
	const json_t *keys = json_object_get(login->token, "accessToken");

	return credentials_answer_new("the sign-in", jsonx_get_string(keys, "accessKeyId"),
	    jsonx_get_string(keys, "secretAccessKey"), jsonx_get_string(keys, "sessionToken"),
	    jsonx_get_string(keys, "expiresAt"), ret_result, err);
}

/* --- refresh --- */

/* The region of the sign-in goes before that of the work; older tokens do not have it. */
static char *
login_url(const struct login *login, struct tmf_err *err)
{
	const char *region = jsonx_get_string(login->token, "signInRegion");

	if (region == NULL)
		region = login->opts->settings->region;
	if (region != NULL)
		return key_request_url(login->opts, "signin", region, "v1/token", err);
	tmf_err_set(err, TMF_ERR_CREDENTIALS,
	    "the profile \"%s\" needs a region to refresh its sign-in", login->profile);
	return NULL;
}

static struct tmf_call *
login_send(const struct login *login, const char *url, const char *proof)
{
	json_t *body = json_pack("{s:s}", "grantType", "refresh_token");
	struct key_request request = {
	    .method = "POST",
	    .url = url,
	    .headers = {{"Content-Type", "application/json"}, {"DPoP", proof}},
	    .timeout_ms = TIMEOUT_MS,
	    .attempts_max = ATTEMPTS_MAX,
	    .pause_ms = PAUSE_MS,
	};
	struct tmf_call *call;
	char *text;

	jsonx_share_string(body, "clientId", login->token, "clientId");
	jsonx_share_string(body, "refreshToken", login->token, "refreshToken");
	text = jsonx_text(body);
	json_decref(body); /* not wiped: its strings are the token's */
	request.body = text;
	call = key_request_send(login->opts, &request);
	mem_wipe(text, strlen(text));
	free(text);
	return call;
}

/* NULL with *err. */
static struct tmf_call *
login_refresh(const struct login *login, struct tmf_err *err)
{
	char *url = login_url(login, err);
	struct tmf_call *call = NULL;
	struct buf proof = {0};

	if (url != NULL &&
	    dpop_proof(jsonx_get_string(login->token, "dpopKey"), url,
		credentials_wall_ms(login->opts), login->opts->rng, &proof, err) == 0)
		call = login_send(login, url, buf_cstr(&proof));
	buf_fini(&proof);
	free(url);
	return call;
}

/* Puts fresh keys in the place of the old ones; false where the reply has none. */
static bool
login_take_token(struct login *login, const json_t *fresh)
{
	const json_t *keys = json_object_get(fresh, "accessToken");
	const json_t *seconds = json_object_get(fresh, "expiresIn");
	json_t *own;

	if (jsonx_get_string(keys, "accessKeyId") == NULL || !json_is_integer(seconds))
		return false;
	own = json_object();
	assert(json_is_object(login->token));
	jsonx_share_string(
	    own, "accountId", json_object_get(login->token, "accessToken"), "accountId");
	jsonx_share_string(own, "accessKeyId", keys, "accessKeyId");
	jsonx_share_string(own, "secretAccessKey", keys, "secretAccessKey");
	jsonx_share_string(own, "sessionToken", keys, "sessionToken");
	token_cache_set_time(own, "expiresAt",
	    credentials_wall_ms(login->opts) + json_integer_value(seconds) * 1000);
	json_object_set_new(login->token, "accessToken", own);
	jsonx_share_string(login->token, "refreshToken", fresh, "refreshToken");
	return true;
}

/* TOKEN_EXPIRED: twelve hours are over. USER_CREDENTIALS_CHANGED: the password is another one. Both
 * end the sign-in. */
static void
login_fail_refresh(const struct login *login, const json_t *result, const struct tmf_err *cause,
    struct tmf_err *err)
{
	json_t *body =
	    result != NULL ? jsonx_parse_last_wins(str_of(key_reply_body(result)), NULL) : NULL;
	const char *code = jsonx_get_string(body, "error");

	if (result == NULL)
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s", tmf_err_text(cause));
	else if (code != NULL && strcmp(code, "INSUFFICIENT_PERMISSIONS") == 0)
		tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "the user may not refresh the sign-in: AWS Sign-In asks for the permission "
		    "signin:CreateOAuth2Token");
	else if (key_reply_status(result) < 500)
		login_fail(login, "the sign-in has expired", err);
	else
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "AWS Sign-In answers with HTTP status %d",
		    key_reply_status(result));
	jsonx_wipe(body);
}

/* A refresh that fails does no harm while the keys last: the next look tries again. */
static struct tmf_call *
login_answered(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct login *login = frame;
	json_t *result = tmf_call_take_result(over);
	json_t *fresh = result != NULL && key_reply_status(result) == 200
			    ? jsonx_parse_last_wins(str_of(key_reply_body(result)), NULL)
			    : NULL;
	struct tmf_err kept = {0};

	if (login_take_token(login, fresh)) {
		if (token_cache_write(login->path, login->token, &kept) < 0)
			log_event(
			    LOG_WARN, "aws.login_not_kept", LOG_STR("cause", tmf_err_text(&kept)));
		login_take_keys(login, ret_result, err);
	} else if (login_left_ms(login) > 0) {
		log_event(LOG_WARN, "aws.login_not_refreshed", LOG_STR("profile", login->profile));
		login_take_keys(login, ret_result, err);
	} else {
		login_fail_refresh(login, result, &over->err, err);
	}
	tmf_err_fini(&kept);
	json_decref(fresh); /* not wiped: its strings are the token's now */
	jsonx_wipe(result);
	return NULL;
}

/* Keys that last go out as they are, without a request. NULL with *err. Takes login. */
static struct tmf_call *
login_begin(struct login *login, struct tmf_err *err)
{
	struct tmf_loop *loop = login->opts->loop;
	struct tmf_call *refresh = NULL;
	json_t *answer = NULL;

	if (login_left_ms(login) <= REFRESH_AHEAD_MS)
		refresh = login_refresh(login, err);
	else
		login_take_keys(login, &answer, err);
	if (refresh != NULL)
		return tmf_call_sequence(refresh, login_answered, login, login_free);
	login_free(login);
	return answer != NULL ? tmf_call_of_result(loop, answer) : NULL;
}

struct tmf_call *
credentials_look_login(const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct shared_files files;
	struct tmf_err err = {0};
	struct tmf_call *call = NULL;
	const char *session;

	(void)profile_only;
	if (shared_files_read(&opts->env, &files, &err) < 0)
		return tmf_call_of_err(opts->loop, &err);
	session = shared_files_get(&files, profile, "login_session");
	if (session == NULL) {
		call = credentials_nothing(
		    opts->loop, "the profile \"%s\" has no login_session", profile);
	} else {
		struct login *login = mem_zalloc(1, sizeof(*login));

		login->opts = opts;
		login->profile = mem_strdup(profile);
		if (login_read(login, session, &err) == 0)
			call = login_begin(login, &err);
		else
			login_free(login);
	}
	shared_files_free(&files);
	return call != NULL ? call : tmf_call_of_err(opts->loop, &err);
}
