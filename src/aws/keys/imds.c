#include "aws/keys/imds.h"

#include "aws/keys/credentials_internal.h"
#include "aws/keys/key_request.h"
#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* See: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */

#define TOKEN_PATH	 "/latest/api/token"
#define TOKEN_TTL_HEADER "X-aws-ec2-metadata-token-ttl-seconds"
#define TOKEN_TTL	 "21600"
#define TOKEN_HEADER	 "X-aws-ec2-metadata-token"
#define TOKEN_BYTES_MAX	 1024
#define NAME_BYTES_MAX	 128 /* of a role: IAM's limit is 64 */
#define ROLES_PATH	 "/latest/meta-data/iam/security-credentials/"
#define REGION_PATH	 "/latest/meta-data/placement/region"

/* A dialogue with the service. At most five requests, without repeats: a token, the list of
 * roles and the keys, and once more a token and the path that was refused with the first one. */
struct imds {
	const struct credentials_opts *opts;
	char *path;
	bool follow;	   /* what comes next is a name to append */
	char *token;	   /* NULL: version 1 */
	bool token_wanted; /* the request under way is for one */
	bool token_renewed;
};

static void
imds_free(void *frame)
{
	struct imds *imds = frame;

	if (imds->token != NULL)
		mem_wipe(imds->token, strlen(imds->token));
	free(imds->token);
	free(imds->path);
	free(imds);
}

/* The limits are the settings' own, since a machine that is not an instance has nothing at this
 * address and would wait for nothing. */
static struct tmf_call *
imds_ask(const struct imds *imds, const char *method, const char *path, const char *header_name,
    const char *header_value)
{
	const struct imds_settings *settings = &imds->opts->settings->imds;
	char *url = mem_printf("%s%s", settings->url, path);
	const struct key_request request = {
	    .method = method,
	    .url = url,
	    .headers = {{header_name, header_value}},
	    .timeout_ms = settings->timeout_ms,
	    .attempts_max = settings->attempts_max,
	    .is_local = true,
	};
	struct tmf_call *call = key_request_send(imds->opts, &request);

	free(url);
	return call;
}

/* PUT, and a header of our own in it: what a proxy or a server that is tricked into fetching a
 * URL cannot send. That is what version 2 is for. The lifetime that is asked for, 6 hours, is
 * the longest that the service grants. */
static struct tmf_call *
imds_ask_token(struct imds *imds)
{
	imds->token_wanted = true;
	return imds_ask(imds, "PUT", TOKEN_PATH, TOKEN_TTL_HEADER, TOKEN_TTL);
}

/* Without a token this is version 1, the only version that some imitations of the service know. */
static struct tmf_call *
imds_ask_path(struct imds *imds)
{
	assert(imds->path[0] == '/');
	imds->token_wanted = false;
	return imds_ask(
	    imds, "GET", imds->path, imds->token != NULL ? TOKEN_HEADER : NULL, imds->token);
}

/* The error is one of credentials, so that a chain of providers can report it as such. */
static struct tmf_call *
imds_give_up(struct tmf_err *err, const char *text)
{
	tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s", text);
	return NULL;
}

/* A token is sent back in a header. Printable ASCII: it must not end the header line and begin
 * another. The bound is several times what the service sends. */
static bool
imds_is_token(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= TOKEN_BYTES_MAX;
}

/* status 0: no reply, which from within a container means that the token does not get that far.
 * 400 is a refusal for good. Anything else may be an old or imitated service without tokens. A
 * container is one network hop further away than its host, and a reply with the token has a hop
 * limit of 1 unless the instance's metadata options raise it. */
static struct tmf_call *
imds_token_came(struct imds *imds, int status, const char *body, struct tmf_err *err)
{
	if (status == 200 && imds_is_token(body)) {
		imds->token = mem_strdup(body);
		return imds_ask_path(imds);
	}
	if (status == 400 || status == 200)
		return imds_give_up(err, "the instance's metadata service refuses to give a token");
	if (imds->opts->settings->imds.v1_disabled)
		return imds_give_up(err,
		    "no token came from the instance's metadata service, and version 1 is disabled "
		    "(in a container, the instance's hop limit must be 2)");
	return imds_ask_path(imds);
}

/* The first line of a list, as a name that can stand in a path; "" if there is no such line. The
 * name is appended to a path: a slash or a question mark in it would ask for something else. An
 * empty one is treated like none at all by the caller. */
static struct str
imds_first_line(const char *body)
{
	struct str line = str_trim((struct str){body, strcspn(body, "\n")});

	for (size_t i = 0; i < line.len; i++)
		if (line.p[i] <= ' ' || line.p[i] > '~' || strchr("/?#%", line.p[i]) != NULL)
			return (struct str){"", 0};
	return line.len <= NAME_BYTES_MAX ? line : (struct str){"", 0};
}

/* The list has one name: an instance has one role at most. */
static struct tmf_call *
imds_follow(struct imds *imds, const char *body, struct tmf_err *err)
{
	struct str name = imds_first_line(body);
	char *path;

	if (name.len == 0)
		return imds_give_up(err, "the instance has no role");
	path = mem_printf("%s%.*s", imds->path, (int)name.len, name.p);
	free(imds->path);
	imds->path = path;
	imds->follow = false;
	return imds_ask_path(imds);
}

/* 401: the token has expired, which is possible between two requests; it is renewed once. A 404
 * to the list of roles means that the instance has no instance profile. */
static struct tmf_call *
imds_path_came(
    struct imds *imds, int status, json_t *result, json_t **ret_result, struct tmf_err *err)
{
	if (status == 401 && imds->token != NULL && !imds->token_renewed) {
		imds->token_renewed = true;
		free(imds->token);
		imds->token = NULL;
		return imds_ask_token(imds);
	}
	if (status == 0)
		return imds_give_up(err, "no instance metadata service answers here");
	if (status == 404 && imds->follow)
		return imds_give_up(err, "the instance has no role");
	if (status == 401)
		return imds_give_up(err,
		    "the instance's metadata service wants a token, but gives none here (in a "
		    "container, the instance's hop limit must be 2)");
	if (status != 200) {
		tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "the instance's metadata service answers with HTTP status %d", status);
		return NULL;
	}
	if (imds->follow)
		return imds_follow(imds, key_reply_body(result), err);
	*ret_result = json_incref(result);
	return NULL;
}

/* What came may hold keys or a token: it is wiped unless it is the result. */
static struct tmf_call *
imds_step(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	struct imds *imds = frame;
	json_t *result = tmf_call_take_result(over);
	int status = result != NULL ? key_reply_status(result) : 0;
	struct tmf_call *next;

	if (imds->token_wanted)
		next = imds_token_came(
		    imds, status, result != NULL ? key_reply_body(result) : "", err);
	else
		next = imds_path_came(imds, status, result, ret_result, err);
	if (*ret_result != NULL)
		json_decref(result);
	else
		jsonx_wipe(result);
	return next;
}

/* Version 2 with a token; version 1 where the service has no tokens, unless that is disabled. Ends
 * with {"Status": 200, "Body": string}, or with the error of no instance, which says what was
 * tried. follow: the reply to path is a name, and what is wanted stands at path with that name
 * behind it. Example: .../security-credentials/ lists "web", and the keys stand at
 * .../security-credentials/web. */
static struct tmf_call *
imds_get(const struct credentials_opts *opts, const char *path, bool follow)
{
	struct imds *imds = mem_zalloc(1, sizeof(*imds));

	imds->opts = opts;
	imds->path = mem_strdup(path);
	imds->follow = follow;
	return tmf_call_sequence(imds_ask_token(imds), imds_step, imds, imds_free);
}

/* A region becomes part of host names, and so it passes the same check as a role's name. */
static struct tmf_call *
imds_region_came(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	json_t *result = tmf_call_take_result(over);
	struct str region = result != NULL ? imds_first_line(key_reply_body(result)) : STR("");

	(void)frame;
	if (result == NULL)
		tmf_err_move(err, &over->err);
	else if (region.len == 0)
		tmf_err_set(err, TMF_ERR_CONFIG, "the instance's metadata service names no region");
	else
		*ret_result = json_pack("{s:s%}", "Region", region.p, region.len);
	json_decref(result);
	return NULL;
}

/* See: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html */
struct tmf_call *
imds_region(const struct credentials_opts *opts)
{
	struct tmf_err err = {0};

	if (opts->settings->imds.disabled) {
		tmf_err_set(&err, TMF_ERR_CONFIG, "AWS_EC2_METADATA_DISABLED is true");
		return tmf_call_of_err(opts->loop, &err);
	}
	return tmf_call_sequence(imds_get(opts, REGION_PATH, false), imds_region_came, NULL, NULL);
}

/* --- the keys of the instance's role --- */

/* Whatever is wrong here means that there is nothing: most machines are no instances. The keys are
 * used on while the service has none fresher. */
static struct tmf_call *
imds_keys_came(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	json_t *result = tmf_call_take_result(over);

	(void)frame;
	if (result == NULL)
		tmf_err_move(err, &over->err);
	else if (credentials_answer_parse("the instance's metadata service",
		     str_of(key_reply_body(result)), "Token", ret_result, err) == 0)
		json_object_set_new(*ret_result, "KeepOn", json_true());
	if (tmf_err_isset(err)) {
		struct tmf_err fault = {0};

		tmf_err_move(&fault, err);
		tmf_err_set_name(
		    err, TMF_ERR_CREDENTIALS, CREDENTIALS_NOTHING, "%s", tmf_err_text(&fault));
		tmf_err_fini(&fault);
	}
	jsonx_wipe(result);
	return NULL;
}

struct tmf_call *
credentials_look_imds(const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	(void)profile;
	(void)profile_only;
	if (opts->settings->imds.disabled)
		return credentials_nothing(opts->loop, "AWS_EC2_METADATA_DISABLED is true");
	return tmf_call_sequence(imds_get(opts, ROLES_PATH, true), imds_keys_came, NULL, NULL);
}
