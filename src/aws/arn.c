#include "aws/arn.h"

#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ACCOUNT_NUMBER_MAX 999999999999LL
#define NAME_CHARS_MAX	   80 /* of an activity; a function has 64 */
#define ACTIVITY_EXAMPLE   "arn:aws:states:us-east-1:123456789012:activity:mirror"
#define FUNCTION_EXAMPLE   "arn:aws:lambda:us-east-1:123456789012:function:mirror"
#define NAME_FORBIDDEN	   " \t\r\n<>{}[]?*\"#%\\^|~`$&,;:/"
#define FUNCTION_LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define QUALIFIER_LETTERS  FUNCTION_LETTERS "$"

/* Takes the text before the next colon off rest; what is behind the last colon is left there.
 * Example: of "aws:states:x" it takes "aws" and leaves "states:x". */
static bool
arn_take_part(struct str *rest, struct str *ret_part)
{
	const char *colon = rest->len > 0 ? memchr(rest->p, ':', rest->len) : NULL;

	if (colon == NULL)
		return false;
	*ret_part = (struct str){rest->p, (size_t)(colon - rest->p)};
	rest->len -= ret_part->len + 1;
	rest->p = colon + 1;
	return true;
}

/* Region and account may be empty: S3 and IAM have neither. The resource keeps its own colons:
 * of a function with an alias it is function:NAME:ALIAS. The partitions are compared by their
 * beginning, since AWS adds some (aws-iso, aws-eusc). */
int
arn_parse(const char *text, struct arn *ret_arn, struct tmf_err *err)
{
	struct str rest = str_of(text);
	struct arn arn = {0};
	struct str start;

	if (rest.len > ARN_BYTES_MAX)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "an ARN has at most %u characters, this one %zu", ARN_BYTES_MAX, rest.len);
	if (!arn_take_part(&rest, &start) || !str_is(start, "arn"))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "\"%s\" is not an ARN: it must begin with arn:", text);
	if (!arn_take_part(&rest, &arn.partition) || !arn_take_part(&rest, &arn.service) ||
	    !arn_take_part(&rest, &arn.region) || !arn_take_part(&rest, &arn.account))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "not a complete ARN: \"%s\" "
		    "(arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE)",
		    text);
	if (arn.partition.len < 3 || strncmp(arn.partition.p, "aws", 3) != 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\" is not an ARN: its partition is aws, aws-cn, aws-us-gov or another "
		    "that begins with aws",
		    text);
	if (arn.service.len == 0 || rest.len == 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\" is not an ARN: service or resource is empty", text);
	arn.resource = rest;
	*ret_arn = arn;
	return 0;
}

/* A name in braces that is not known stays: it may be the user's own text. A field without a
 * value stays as well, so that the reader sees which one was missing. Example:
 * "arn:aws:states:{region}:{account}:activity:a" without an account keeps {account}. */
char *
arn_fill_in(const char *template, const char *account, const char *region)
{
	const struct {
		const char *name, *value;
	} fields[] = {{"{account}", account}, {"{region}", region}};
	struct buf out = {0};

	if (template == NULL)
		return NULL;
	while (*template != '\0') {
		size_t i = 0;

		while (i < 2 && strncmp(template, fields[i].name, strlen(fields[i].name)) != 0)
			i++;
		if (i < 2 && fields[i].value != NULL) {
			buf_add_cstr(&out, fields[i].value);
			template += strlen(fields[i].name);
		} else {
			buf_add_char(&out, *template ++);
		}
	}
	return buf_take(&out);
}

/* An account's id is a string: it may begin with 0, and a number would lose that. */
bool
arn_is_account(struct str account)
{
	for (size_t i = 0; i < account.len; i++)
		if (account.p[i] < '0' || account.p[i] > '9')
			return false;
	return account.len == ARN_ACCOUNT_DIGITS;
}

bool
arn_account_of(const json_t *value, char ret_id[ARN_ACCOUNT_DIGITS + 1])
{
	json_int_t number = json_integer_value(value);

	if (json_is_string(value) && arn_is_account(str_of(json_string_value(value)))) {
		memcpy(ret_id, json_string_value(value), ARN_ACCOUNT_DIGITS + 1);
		return true;
	}
	if (!json_is_integer(value) || number <= 0 || number > ACCOUNT_NUMBER_MAX)
		return false;
	snprintf(ret_id, ARN_ACCOUNT_DIGITS + 1, "%0*lld", ARN_ACCOUNT_DIGITS, (long long)number);
	return true;
}

/* Service, region and account of a regional resource, and that resource begins with kind, such
 * as "activity:". The kind is checked before region and account: an ARN of S3 has neither, and
 * its error should name the kind. */
static int
arn_parse_regional(const char *text, const char *service, const char *kind, const char *example,
    struct arn *ret_arn, struct tmf_err *err)
{
	if (arn_parse(text, ret_arn, err) < 0)
		return -1;
	if (!str_is(ret_arn->service, service) || !str_starts(ret_arn->resource, kind))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\" names another kind of resource: what is wanted looks like %s", text,
		    example);
	if (ret_arn->region.len == 0)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\" has no region: what is wanted looks like %s", text, example);
	if (!arn_is_account(ret_arn->account))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\" has no account of %d digits: what is wanted looks like %s", text,
		    ARN_ACCOUNT_DIGITS, example);
	return 0;
}

/* A colon is among the characters that CreateActivity refuses, so that a name never adds a part to
 * its ARN.
 * See: https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateActivity.html */
int
arn_parse_activity(const char *text, struct arn *ret_arn, struct tmf_err *err)
{
	struct arn arn = {0};
	struct str name;

	if (arn_parse_regional(text, "states", "activity:", ACTIVITY_EXAMPLE, &arn, err) < 0)
		return -1;
	assert(arn.resource.len >= strlen("activity:"));
	name = (struct str){
	    arn.resource.p + strlen("activity:"), arn.resource.len - strlen("activity:")};
	if (name.len == 0 || name.len > NAME_CHARS_MAX ||
	    strcspn(name.p, NAME_FORBIDDEN) < name.len)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\": an activity's name has 1 to %d characters, and no blanks or any of "
		    "<>{}[]?*\"#%%\\^|~`$&,;:/",
		    text, NAME_CHARS_MAX);
	*ret_arn = arn;
	return 0;
}

/* The qualifier is an alias, a version or $LATEST, and may be missing. Example: in
 * function:mirror:live the name is mirror and the qualifier live.
 * See: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
int
arn_parse_function(const char *text, struct arn *ret_arn, struct tmf_err *err)
{
	struct arn arn = {0};
	struct str rest;
	struct str kind;
	struct str name;

	if (arn_parse_regional(text, "lambda", "function:", FUNCTION_EXAMPLE, &arn, err) < 0)
		return -1;
	rest = arn.resource;
	arn_take_part(&rest, &kind);
	name = rest;
	bool qualified = arn_take_part(&rest, &name);
	bool named = name.len > 0 && strspn(name.p, FUNCTION_LETTERS) >= name.len;
	bool qualifier =
	    !qualified || (rest.len > 0 && strspn(rest.p, QUALIFIER_LETTERS) == rest.len);
	if (!named || !qualifier)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "\"%s\": a function's name has letters, digits, - and _, and so has its alias "
		    "or version",
		    text);
	*ret_arn = arn;
	return 0;
}
