#include "world_internal.h"

#include <string.h>
#include <time.h>

/*
 * The calls of the Security Token Service. Anybody who is known here may assume any role of any
 * account, unless --deny-role says otherwise. See:
 * docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */

#define SESSION_NAME_MIN     2u
#define SESSION_NAME_MAX     64u
#define ROLE_SECONDS_DEFAULT 3600
#define ROLE_SECONDS_MIN     900
#define ROLE_SECONDS_MAX     43200
#define ISO_SECONDS_BYTES    32

void
query_close_result(struct sim_call *c, const char *result)
{
	xml_close(c->out, result);
	xml_open(c->out, "ResponseMetadata");
	xml_text(c->out, "RequestId", c->reply->request_id);
	xml_close(c->out, "ResponseMetadata");
}

/* Who calls, as IAM names them. */
static void
caller_arn(const struct sim_call *c, struct buf *out)
{
	if (c->grant != NULL)
		buf_add_cstr(out, c->grant->arn);
	else
		buf_printf(out, "arn:aws:iam::%s:user/ec2sim", c->w->opts.account_id);
}

int
op_get_caller_identity(struct sim_call *c)
{
	struct buf arn = {0};

	caller_arn(c, &arn);
	xml_open(c->out, "GetCallerIdentityResult");
	xml_text(c->out, "Arn", buf_cstr(&arn));
	xml_text(c->out, "UserId", c->grant != NULL ? c->grant->user_id : "AIDAEC2SIMEXAMPLE");
	xml_text(c->out, "Account", c->w->opts.account_id);
	query_close_result(c, "GetCallerIdentityResult");
	buf_fini(&arn);
	return 0;
}

/* What stands up to the separator; text moves behind it. */
static struct str
cut(struct str *text, char separator)
{
	const char *end = memchr(text->p, separator, text->len);
	size_t len = end != NULL ? (size_t)(end - text->p) : text->len;
	struct str word = {text->p, len};

	*text = (struct str){text->p + len + (end != NULL), text->len - len - (end != NULL)};
	return word;
}

struct role {
	struct str partition;
	struct str account;
	struct str name; /* without path */
};

/* arn:PARTITION:iam::ACCOUNT:role/PATH/NAME */
static bool
parse_role(struct str arn, struct role *ret)
{
	struct str rest = arn;
	bool good = str_is(cut(&rest, ':'), "arn");

	ret->partition = cut(&rest, ':');
	good = str_is(cut(&rest, ':'), "iam") && good;
	good = cut(&rest, ':').len == 0 && good;
	ret->account = cut(&rest, ':');
	good = str_is(cut(&rest, '/'), "role") && good;
	do
		ret->name = cut(&rest, '/');
	while (rest.len > 0);
	return good && ret->partition.len > 0 && ret->name.len > 0 &&
	       ret->account.len == REALM_ACCOUNT_ID_BYTES - 1;
}

static bool
session_name_good(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char ch = name.p[i];
		bool word = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			    (ch >= '0' && ch <= '9') || ch == '_';

		if (!word && (ch == '\0' || strchr("+=,.@-", ch) == NULL))
			return false;
	}
	return name.len >= SESSION_NAME_MIN && name.len <= SESSION_NAME_MAX;
}

static int
check_role(struct sim_call *c, struct grant_opts *ret)
{
	struct str arn = params_get(&c->params, "RoleArn");
	struct role role;

	ret->session = params_get(&c->params, "RoleSessionName");
	if (!session_name_good(ret->session))
		return call_fail(c, 400, "ValidationError",
		    "1 validation error detected: Value at 'roleSessionName' failed to satisfy "
		    "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*, "
		    "length 2 to 64");
	if (arn.len == 0 || !parse_role(arn, &role))
		return call_fail(c, 400, "ValidationError", "%.*s is invalid", (int)arn.len, arn.p);
	if (!realm_find_account(c->w->realm, role.account, &ret->account) ||
	    realm_denied(c->w->realm, ret->account, role.name)) {
		struct buf caller = {0};

		caller_arn(c, &caller);
		call_fail(c, 403, "AccessDenied",
		    "User: %s is not authorized to perform: sts:AssumeRole on resource: %.*s",
		    buf_cstr(&caller), (int)arn.len, arn.p);
		buf_fini(&caller);
		return -1;
	}
	ret->partition = role.partition;
	ret->role = role.name;
	return 0;
}

static void
write_grant(struct sim_call *c, const struct grant *grant)
{
	char expiration[ISO_SECONDS_BYTES];
	time_t seconds = (time_t)(grant->expires_wall_ms / 1000);
	struct tm tm;

	strftime(expiration, sizeof(expiration), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &tm));
	xml_open(c->out, "AssumeRoleResult");
	xml_open(c->out, "AssumedRoleUser");
	xml_text(c->out, "Arn", grant->arn);
	xml_text(c->out, "AssumedRoleId", grant->user_id);
	xml_close(c->out, "AssumedRoleUser");
	xml_open(c->out, "Credentials");
	xml_text(c->out, "AccessKeyId", grant->access_key);
	xml_text(c->out, "SecretAccessKey", grant->secret_key);
	xml_text(c->out, "SessionToken", grant->session_token);
	xml_text(c->out, "Expiration", expiration);
	xml_close(c->out, "Credentials");
	query_close_result(c, "AssumeRoleResult");
}

int
op_assume_role(struct sim_call *c)
{
	struct grant_opts opts = {.now_wall_ms = c->w->now_wall_ms};
	const struct grant *grant;
	int64_t seconds = ROLE_SECONDS_DEFAULT;
	bool set;

	if (check_role(c, &opts) < 0 ||
	    call_int(c, "DurationSeconds", ROLE_SECONDS_MIN, ROLE_SECONDS_MAX, &seconds, &set) < 0)
		return -1;
	opts.life_ms = seconds * 1000;
	grant = realm_grant(c->w->realm, &opts);
	if (grant == NULL)
		return call_fail(c, 400, "LimitExceeded", "Too many roles were assumed.");
	write_grant(c, grant);
	return 0;
}
