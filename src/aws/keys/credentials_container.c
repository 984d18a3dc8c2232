#include "aws/keys/credentials_internal.h"
#include "aws/keys/key_request.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The endpoint of ECS, of EKS's pod identity agent, and of others that do the same. See:
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html */

#define RELATIVE_BASE	"http://169.254.170.2"
#define TIMEOUT_MS	2000
#define ATTEMPTS_MAX	3
#define PAUSE_MS	1000
#define TOKEN_BYTES_MAX (64u << 10)

/* Whom a token may be sent to in the clear. ECS answers at 169.254.170.2, EKS at 169.254.170.23
 * and fd00:ec2::23. */
static const char *const open_hosts[] = {
    "localhost", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"};

/* All of 127.0.0.0/8, as botocore counts it. A name that leads to a loopback address does not
 * count, since a name can be changed. Only localhost is accepted by name. */
static bool
container_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* Anything else could read the authorization token off the wire. */
static bool
container_may_be_open(const char *host)
{
	for (size_t i = 0; i < sizeof(open_hosts) / sizeof(open_hosts[0]); i++)
		if (strcasecmp(host, open_hosts[i]) == 0)
			return true;
	return container_is_loopback(host);
}

/* The variable may come with a container image: it must not lead the token to any host. With
 * https any host is accepted: its certificate says who it is. */
static int
container_check_uri(const char *uri, struct tmf_err *err)
{
	struct url url;
	int ret = 0;

	if (url_parse(uri, &url) < 0 ||
	    (strcmp(url.scheme, "https") != 0 && strcmp(url.scheme, "http") != 0))
		ret = tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is not an http or https URL");
	else if (strcmp(url.scheme, "http") == 0 && !container_may_be_open(url.host))
		ret = tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI names the host \"%s\": without https only "
		    "the container's own addresses are asked",
		    url.host);
	url_fini(&url);
	return ret;
}

/* The value of Authorization, verbatim; empty without a token. The file goes before the variable,
 * and is read each time, as EKS replaces its content while the process runs. A line end would begin
 * another header. A NUL byte would cut the header's value short, and so it is refused too. */
static int
container_read_token(const struct aws_env *env, struct buf *ret_token, struct tmf_err *err)
{
	const char *file = aws_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = aws_env_get(env, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	struct tmf_err read_err = {0};

	if (file == NULL) {
		buf_add_cstr(ret_token, token != NULL ? token : "");
	} else if (file_read(file, TOKEN_BYTES_MAX, ret_token, NULL, &read_err) < 0) {
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: %s",
		    tmf_err_text(&read_err));
		tmf_err_fini(&read_err);
		return -1;
	}
	if (strpbrk(buf_cstr(ret_token), "\r\n") != NULL ||
	    strlen(buf_cstr(ret_token)) != ret_token->len)
		return tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "the container's authorization token has a line end in it");
	return 0;
}

/* An error of the transport names the address, and nothing of what was sent. Any status but 200
 * is an error here: the body may repeat the token, and is not shown. */
static struct tmf_call *
container_answered(void *frame, struct tmf_call *over, json_t **ret_result, struct tmf_err *err)
{
	json_t *result = tmf_call_take_result(over);

	(void)frame;
	if (result == NULL)
		tmf_err_set(err, TMF_ERR_CREDENTIALS, "%s", tmf_err_text(&over->err));
	else if (key_reply_status(result) != 200)
		tmf_err_set(err, TMF_ERR_CREDENTIALS,
		    "the container's endpoint answers with HTTP status %d",
		    key_reply_status(result));
	else
		credentials_answer_parse("the container's endpoint", str_of(key_reply_body(result)),
		    "Token", ret_result, err);
	jsonx_wipe(result);
	return NULL;
}

/* The token is wiped as soon as the request has its own copy. */
static struct tmf_call *
container_ask(const struct credentials_opts *opts, const char *uri, struct tmf_err *err)
{
	struct key_request request = {
	    .method = "GET",
	    .url = uri,
	    .timeout_ms = TIMEOUT_MS,
	    .attempts_max = ATTEMPTS_MAX,
	    .pause_ms = PAUSE_MS,
	    .is_local = true,
	};
	struct buf token = {0};
	struct tmf_call *call = NULL;

	if (container_check_uri(uri, err) == 0 &&
	    container_read_token(&opts->env, &token, err) == 0) {
		if (token.len > 0)
			request.headers[0] =
			    (struct http_header){"Authorization", buf_cstr(&token)};
		call = tmf_call_sequence(
		    key_request_send(opts, &request), container_answered, NULL, NULL);
	}
	mem_wipe(token.p, token.cap);
	buf_fini(&token);
	return call;
}

/* ECS sets the first variable, EKS and others the second. Where both are set, the first wins, as
 * with the AWS SDKs. */
struct tmf_call *
credentials_look_container(
    const struct credentials_opts *opts, const char *profile, bool profile_only)
{
	const char *relative = aws_env_get(&opts->env, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = aws_env_get(&opts->env, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct tmf_err err = {0};
	struct tmf_call *call;
	char *uri;

	(void)profile;
	(void)profile_only;
	if (relative == NULL && full == NULL)
		return credentials_nothing(opts->loop,
		    "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor "
		    "AWS_CONTAINER_CREDENTIALS_FULL_URI is set");
	if (relative != NULL && relative[0] != '/') {
		tmf_err_set(&err, TMF_ERR_CREDENTIALS,
		    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI must begin with /");
		return tmf_call_of_err(opts->loop, &err);
	}
	uri = relative != NULL ? mem_printf(RELATIVE_BASE "%s", relative) : mem_strdup(full);
	call = container_ask(opts, uri, &err);
	free(uri);
	return call != NULL ? call : tmf_call_of_err(opts->loop, &err);
}
