#include "aws/keys/credentials_internal.h"
#include "aws/keys/key_request.h"
#include "aws/keys/token_cache.h"
#include "aws/wire/query.h"
#include "base/digest.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*
 * Keys of a role that IAM Identity Center assigns to a user. `aws sso login` signs in by a browser
 * and leaves a token; the token gets the role's keys from the portal (GetRoleCredentials). With an
 * sso_session the token is refreshed ahead of its end (CreateToken of the OIDC service), and the
 * new one is written back for the other tools. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html,
 * https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html,
 * https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
 */

#define REFRESH_AHEAD_MS (15LL * 60 * 1000)
#define TIMEOUT_MS	 10000
#define ATTEMPTS_MAX	 3
#define PAUSE_MS	 1000
#define SHA1_NAME	 "SHA-1" /* of the file names: the AWS tools' choice */

struct sso {
	const struct credentials_opts *opts;
	char *profile;
	char *session; /* NULL: the older form, whose token is not refreshed */
	char *start_url;
	char *region; /* of the identity centre, not of the work */
	char *account_id;
	char *role_name;
	char *path; /* of the token */
	json_t *token;
	bool refreshing; /* the request under way is for a token */
};

static void
sso_free(void *frame)
{
	struct sso *sso = frame;

	jsonx_wipe(sso->token);
	free(sso->profile);
	free(sso->session);
	free(sso->start_url);
	free(sso->region);
	free(sso->account_id);
	free(sso->role_name);
	free(sso->path);
	free(sso);
}

/* What the user can do about it is the same for each of these faults. */
static int
sso_fail_sign_in(const struct sso *sso, const char *why, struct tmf_err *err)
{
	return tmf_err_set(err, TMF_ERR_CREDENTIALS,
	    "%s: run `aws sso login --profile %s`, then try again", why, sso->profile);
}

/* --- what the files say --- */

/* The session's section goes with the profile's own keys; where both have one, they must agree, as
 * with the AWS CLI. */
static int
sso_take_key(struct sso *sso, const struct shared_files *files, const char *key, char **ret_value,
    struct tmf_err *err)
{
	const char *own = shared_files_get(files, sso->profile, key);
	const char *shared = sso->session != NULL ? config_file_get_in(files->config, "sso-session",
							sso->session, key)
						  : NULL;

	if (own != NULL && shared != NULL && strcmp(own, shared) != 0)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "%s of the profile \"%s\" and of its sso_session \"%s\" differ", key,
		    sso->profile, sso->session);
	*ret_value = mem_strdup(own != NULL ? own : shared);
	if (*ret_value != NULL)
		return 0;
	return tmf_err_set(err, TMF_ERR_CREDENTIALS, "the profile \"%s\" has no %s%s%s",
	    sso->profile, key, sso->session != NULL ? ", nor has its sso_session " : "",
	    sso->session != NULL ? sso->session : "");
}

/* The token's file is named by the session, or by the URL in the older form. */
static int
sso_find_token(struct sso *sso, struct tmf_err *err)
{
	const char *home = aws_env_get(&sso->opts->env, "HOME");
	const char *name = sso->session != NULL ? sso->session : sso->start_url;
	struct buf hex = {0};
	int ret;

	if (home == NULL)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "HOME is not set, so the sign-in of the profile \"%s\" cannot be found",
		    sso->profile);
	if (digest_named_hex(SHA1_NAME, str_of(name), &hex, err) < 0)
		return -1;
	sso->path = mem_printf("%s/.aws/sso/cache/%s.json", home, buf_cstr(&hex));
	buf_fini(&hex);
	ret = token_cache_read(sso->path, &sso->token, err);
	if (ret == 0)
		return sso_fail_sign_in(sso, "nobody is signed in", err);
	return ret < 0 ? -1 : 0;
}

static int
sso_configure(struct sso *sso, const struct shared_files *files, struct tmf_err *err)
{
	assert(sso->path == NULL && sso->token == NULL);
	sso->session = mem_strdup(shared_files_get(files, sso->profile, "sso_session"));
	if (sso_take_key(sso, files, "sso_start_url", &sso->start_url, err) < 0 ||
	    sso_take_key(sso, files, "sso_region", &sso->region, err) < 0 ||
	    sso_take_key(sso, files, "sso_account_id", &sso->account_id, err) < 0 ||
	    sso_take_key(sso, files, "sso_role_name", &sso->role_name, err) < 0)
		return -1;
	return sso_find_token(sso, err);
}

/* --- requests --- */

/* Borrows what request points to, but its url. NULL with *err. */
static struct tmf_call *
sso_send(const struct sso *sso, const char *service, const char *path, struct key_request *request,
    struct tmf_err *err)
{
	char *url = key_request_url(sso->opts, service, sso->region, path, err);
	struct tmf_call *call = NULL;

	if (url != NULL) {
		request->url = url;
		request->timeout_ms = TIMEOUT_MS;
		request->attempts_max = ATTEMPTS_MAX;
		request->pause_ms = PAUSE_MS;
		call = key_request_send(sso->opts, request);
	}
	free(url);
	return call;
}

static struct tmf_call *
sso_ask_keys(struct sso *sso, struct tmf_err *err)
{
	struct key_request request = {
	    .method = "GET",
	    .headers = {{"x-amz-sso_bearer_token", jsonx_get_string(sso->token, "accessToken")}},
	};
	struct buf path = {0};
	struct tmf_call *call;

	buf_add_cstr(&path, "federation/credentials?account_id=");
	query_encode(&path, str_of(sso->account_id));
	buf_add_cstr(&path, "&role_name=");
	query_encode(&path, str_of(sso->role_name));
	assert(sso->token != NULL);
	sso->refreshing = false;
	call = sso_send(sso, "awsssoportal", buf_cstr(&path), &request, err);
	buf_fini(&path);
	return call;
}

/* A token of the older form, or one whose registration has ended, lasts as long as it lasts. */
static bool
sso_can_refresh(const struct sso *sso)
{
	int64_t registered_until_ms;

	return sso->session != NULL && jsonx_get_string(sso->token, "refreshToken") != NULL &&
	       jsonx_get_string(sso->token, "clientId") != NULL &&
	       jsonx_get_string(sso->token, "clientSecret") != NULL &&
	       token_cache_time(sso->token, "registrationExpiresAt", &registered_until_ms) &&
	       registered_until_ms > credentials_wall_ms(sso->opts);
}

static struct tmf_call *
sso_ask_token(struct sso *sso, struct tmf_err *err)
{
	json_t *body = json_pack("{s:s}", "grantType", "refresh_token");
	struct key_request request = {
	    .method = "POST",
	    .headers = {{"Content-Type", "application/json"}},
	};
	struct tmf_call *call;
	char *text;

	jsonx_share_string(body, "clientId", sso->token, "clientId");
	jsonx_share_string(body, "clientSecret", sso->token, "clientSecret");
	jsonx_share_string(body, "refreshToken", sso->token, "refreshToken");
	text = jsonx_text(body);
	json_decref(body); /* not wiped: its strings are the token's */
	request.body = text;
	assert(sso_can_refresh(sso));
	sso->refreshing = true;
	call = sso_send(sso, "sso-oauth", "token", &request, err);
	mem_wipe(text, strlen(text));
	free(text);
	return call;
}

/* --- the token --- */

/* Goes on with the token as it is. NULL with *err. */
static struct tmf_call *
sso_use_token(struct sso *sso, struct tmf_err *err)
{
	int64_t expires_ms;

	if (jsonx_get_string(sso->token, "accessToken") == NULL ||
	    !token_cache_time(sso->token, "expiresAt", &expires_ms)) {
		sso_fail_sign_in(sso, "the sign-in that is on disk is damaged", err);
		return NULL;
	}
	if (expires_ms <= credentials_wall_ms(sso->opts)) {
		sso_fail_sign_in(sso, "the sign-in has expired", err);
		return NULL;
	}
	return sso_ask_keys(sso, err);
}

static struct tmf_call *
sso_begin(struct sso *sso, struct tmf_err *err)
{
	int64_t expires_ms;

	if (sso_can_refresh(sso) && token_cache_time(sso->token, "expiresAt", &expires_ms) &&
	    expires_ms - credentials_wall_ms(sso->opts) < REFRESH_AHEAD_MS)
		return sso_ask_token(sso, err);
	return sso_use_token(sso, err);
}

/* A refresh that fails does no harm while the token lasts: the next look tries again. That the new
 * token cannot be written is worth a warning, since the one on disk may be used up by now. */
static void
sso_take_token(struct sso *sso, const json_t *result)
{
	const char *body = result != NULL ? key_reply_body(result) : NULL;
	json_t *fresh = body != NULL && key_reply_status(result) == 200
			    ? jsonx_parse_last_wins(str_of(body), NULL)
			    : NULL;
	const json_t *seconds = json_object_get(fresh, "expiresIn");
	struct tmf_err err = {0};

	if (jsonx_get_string(fresh, "accessToken") == NULL || !json_is_integer(seconds)) {
		log_event(LOG_WARN, "aws.sso_not_refreshed", LOG_STR("profile", sso->profile),
		    LOG_INT("status", result != NULL ? key_reply_status(result) : 0));
		jsonx_wipe(fresh);
		return;
	}
	jsonx_share_string(sso->token, "accessToken", fresh, "accessToken");
	jsonx_share_string(sso->token, "refreshToken", fresh, "refreshToken");
	token_cache_set_time(sso->token, "expiresAt",
	    credentials_wall_ms(sso->opts) + json_integer_value(seconds) * 1000);
	json_decref(fresh); /* not wiped: its strings are the token's now */
	if (token_cache_write(sso->path, sso->token, &err) < 0)
		log_event(LOG_WARN, "aws.sso_not_kept", LOG_STR("cause", tmf_err_text(&err)));
	tmf_err_fini(&err);
}

/* --- the keys --- */

static void
sso_take_keys(const char *body, json_t **ret_result, struct tmf_err *err)
{
	json_t *reply = jsonx_parse_last_wins(str_of(body), NULL);
	const json_t *keys = json_object_get(reply, "roleCredentials");
	const json_t *expires_ms = json_object_get(keys, "expiration");

	if (credentials_answer_new("IAM Identity Center", jsonx_get_string(keys, "accessKeyId"),
		jsonx_get_string(keys, "secretAccessKey"), jsonx_get_string(keys, "sessionToken"),
		NULL, ret_result, err) == 0 &&
	    json_is_integer(expires_ms))
		json_object_set_new(
		    *ret_result, "ExpiresMs", json_integer(json_integer_value(expires_ms)));
	jsonx_wipe(reply);
}

/* 401: the token was revoked or has ended after all. 403: the user may sign in, but not be that. */
static void
sso_read_keys(const struct sso *sso, const json_t *result, json_t **ret_result, struct tmf_err *err)
{
	int status = key_reply_status(result);

	if (status == 200)
		sso_take_keys(key_reply_body(result), ret_result, err);
	else if (status == 401)
		sso_fail_sign_in(sso, "IAM Identity Center refuses the sign-in", err);
	else if (status == 403 || status == 404)
		tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "IAM Identity Center assigns no role %s in the account %s to the user who is "
		    "signed in (HTTP status %d)",
		    sso->role_name, sso->account_id, status);
	else
		tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "IAM Identity Center answers with HTTP status %d", status);
}

static struct tmf_call *
sso_answered(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct sso *sso = frame;
	json_t *result = tmf_call_take_result(over);
	struct tmf_call *next = NULL;

	if (sso->refreshing) {
		sso_take_token(sso, result);
		next = sso_use_token(sso, err);
	} else if (result == NULL) {
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s", tmf_err_text(&over->err));
	} else {
		sso_read_keys(sso, result, ret_result, err);
	}
	jsonx_wipe(result);
	return next;
}

/* A profile with an sso_session alone, for tools that need the token only, has no keys here. */
struct tmf_call *
credentials_look_sso(const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	struct shared_files files;
	struct tmf_err err = {0};
	struct tmf_call *first = NULL;
	struct sso *sso;

	(void)profile_only;
	if (shared_files_read(&opts->env, &files, &err) < 0)
		return tmf_call_of_err(opts->loop, &err);
	if (shared_files_get(&files, profile, "sso_account_id") == NULL &&
	    shared_files_get(&files, profile, "sso_role_name") == NULL) {
		shared_files_free(&files);
		return credentials_nothing(
		    opts->loop, "the profile \"%s\" has no sso_account_id", profile);
	}
	sso = mem_zalloc(1, sizeof(*sso));
	sso->opts = opts;
	sso->profile = mem_strdup(profile);
	if (sso_configure(sso, &files, &err) == 0)
		first = sso_begin(sso, &err);
	shared_files_free(&files);
	if (first != NULL)
		return tmf_call_sequence(first, sso_answered, sso, sso_free);
	sso_free(sso);
	return tmf_call_of_err(opts->loop, &err);
}
