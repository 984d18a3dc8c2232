#include "aws/keys/credentials_internal.h"
#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/timestamp.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SECRET_BYTES_MAX (16u << 10) /* a session token goes into a header; AWS's are some 1 KiB */
#define CODE_BYTES_MAX	 64

/* The strings are overwritten in place: jansson gives them out as const, but they are ours while
 * nobody else holds a reference. Members get a reference of their own for the walk, as each call
 * drops one. */
void
jsonx_wipe(json_t *value)
{
	const char *key;
	json_t *member;
	size_t i;

	if (json_is_string(value))
		mem_wipe((char *)(uintptr_t)json_string_value(value), json_string_length(value));
	json_array_foreach (value, i, member)
		jsonx_wipe(json_incref(member));
	json_object_foreach (value, key, member)
		jsonx_wipe(json_incref(member));
	json_decref(value);
}

/* Printable ASCII without blanks: it goes into a header. A line end in a token would begin a
 * header of somebody else's choice. */
static bool
answer_is_header_text(const char *text, size_t bytes_max)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= bytes_max;
}

/* No part stands in the text: a key pasted into the wrong variable would be in the log. */
static int
answer_check_part(
    const char *where, const char *part, const char *text, size_t bytes_max, struct tmf_err *err)
{
	if (text == NULL)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s: %s is missing", where, part);
	if (!answer_is_header_text(text, bytes_max))
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "%s: %s is empty, too long, or has characters that no key has", where, part);
	return 0;
}

/* Keys of every source pass through here, so that the checks stand in one place. Without an
 * expiration they count as lasting for ever. */
int
credentials_answer_new(const char *where, const char *access_key_id, const char *secret,
    const char *token, const char *expiration, json_t **ret_answer, struct tmf_err *err)
{
	struct credentials *sizes = NULL;
	struct timestamp expires;
	json_t *answer;

	if (answer_check_part(where, "the access key id", access_key_id,
		sizeof(sizes->access_key_id) - 1, err) < 0 ||
	    answer_check_part(where, "the secret access key", secret, SECRET_BYTES_MAX, err) < 0)
		return -1;
	if (token != NULL &&
	    answer_check_part(where, "the session token", token, SECRET_BYTES_MAX, err) < 0)
		return -1;
	if (expiration != NULL && !timestamp_parse(str_of(expiration), &expires))
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "%s: the expiration is not a time such as 2026-01-15T12:00:00Z", where);
	assert(strlen(access_key_id) < sizeof(sizes->access_key_id));
	answer = json_object();
	jsonx_put_string(answer, "AccessKeyId", access_key_id);
	jsonx_put_string(answer, "SecretAccessKey", secret);
	jsonx_put_string(answer, "SessionToken", token);
	if (expiration != NULL)
		json_object_set_new(answer, "ExpiresMs", json_integer(expires.seconds * 1000));
	*ret_answer = answer;
	return 0;
}

/* A code such as AssumeRoleUnauthorizedAccess may be said; anything else may be a secret in the
 * wrong place. */
static bool
answer_is_code(const char *text)
{
	size_t len = strlen(text);

	return len > 0 && len <= CODE_BYTES_MAX &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.") ==
		   len;
}

/* As the instance answers while its role is being attached: {"Code":
 * "AssumeRoleUnauthorizedAccess", ...}. The instance spells it Code, some others code. An answer
 * without a code is a success. */
static int
answer_check_code(const char *where, const json_t *object, struct tmf_err *err)
{
	const char *code = jsonx_get_string(object, "Code");

	if (code == NULL)
		code = jsonx_get_string(object, "code");
	if (code == NULL || strcmp(code, "Success") == 0)
		return 0;
	return tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s answers %s", where,
	    answer_is_code(code) ? code : "with an error");
}

/* Null counts as absent, as in the answers of some processes. The error names the member, and
 * not its value. */
static int
answer_check_kinds(
    const char *where, const json_t *object, const char *token_key, struct tmf_err *err)
{
	const char *const keys[] = {"AccessKeyId", "SecretAccessKey", token_key, "Expiration"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const json_t *value = json_object_get(object, keys[i]);

		if (value != NULL && !json_is_null(value) && !json_is_string(value))
			return tmf_err_set(
			    err, TMF_ERR_CREDENTIALS, "%s: %s is not a string", where, keys[i]);
	}
	return 0;
}

/* The container and the instance say Token, a process SessionToken. The text itself is never in
 * an error, as it may hold keys. */
int
credentials_answer_parse(const char *where, struct str text, const char *token_key,
    json_t **ret_answer, struct tmf_err *err)
{
	json_t *object = jsonx_parse(text, NULL);
	int ret = -1;

	if (!json_is_object(object))
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s: the answer is not a JSON object", where);
	else if (answer_check_code(where, object, err) == 0 &&
		 answer_check_kinds(where, object, token_key, err) == 0)
		ret = credentials_answer_new(where, jsonx_get_string(object, "AccessKeyId"),
		    jsonx_get_string(object, "SecretAccessKey"),
		    jsonx_get_string(object, token_key), jsonx_get_string(object, "Expiration"),
		    ret_answer, err);
	jsonx_wipe(object);
	return ret;
}

/* STS always gives an expiration, so that these keys are always refreshed. The whole reply is
 * wiped, with the copy of the keys in it. */
int
credentials_answer_of_sts(json_t *result, json_t **ret_answer, struct tmf_err *err)
{
	const json_t *keys = json_object_get(result, "Credentials");
	int ret = credentials_answer_new("STS", jsonx_get_string(keys, "AccessKeyId"),
	    jsonx_get_string(keys, "SecretAccessKey"), jsonx_get_string(keys, "SessionToken"),
	    jsonx_get_string(keys, "Expiration"), ret_answer, err);

	jsonx_wipe(result);
	return ret;
}

/* INT64_MAX stands for never, so that every comparison of times holds without a special case.
 * The answer is wiped after that: the keys then stand in one place only. */
void
credentials_answer_take(json_t *answer, struct credentials *ret_credentials, bool *ret_keep_on)
{
	const json_t *expires = json_object_get(answer, "ExpiresMs");

	*ret_credentials = (struct credentials){0};
	snprintf(ret_credentials->access_key_id, sizeof(ret_credentials->access_key_id), "%s",
	    jsonx_get_string(answer, "AccessKeyId"));
	secret_set(
	    &ret_credentials->secret_access_key, jsonx_get_string(answer, "SecretAccessKey"));
	secret_set(&ret_credentials->session_token, jsonx_get_string(answer, "SessionToken"));
	ret_credentials->expires_wall_ms =
	    expires != NULL ? json_integer_value(expires) : INT64_MAX;
	*ret_keep_on = json_is_true(json_object_get(answer, "KeepOn"));
	jsonx_wipe(answer);
}

int64_t
credentials_wall_ms(const struct credentials_opts *opts)
{
	const struct tmf_clock *clock = tmf_loop_clock(opts->loop);

	return clock->wall_ms(clock);
}
