#include "aws/wire/protocol.h"

#include "loop/http.h"

#include <assert.h>
#include <stddef.h>

#define HTTP_UNAUTHORIZED  401 /* AWS says AuthFailure with it */
#define HTTP_PROXY_REFUSES 407

/* Names for replies that carry no code of AWS's: a proxy's page, an empty body. They are those that
 * the SDKs use. */
static const struct {
	int status;
	const char *name;
} status_names[] = {
    {400, "BadRequest"},
    {403, "Forbidden"},
    {404, "NotFound"},
    {413, "RequestEntityTooLarge"},
    {429, "TooManyRequestsException"},
    {500, "InternalError"},
    {502, "BadGateway"},
    {503, "ServiceUnavailable"},
    {504, "GatewayTimeout"},
};

/* The request id stands in the text: who writes to AWS support needs it, and a Cause keeps only the
 * text. */
void
aws_reply_error(const struct aws_reply *reply, int status, struct tmf_err *err)
{
	bool has_id = reply->request_id[0] != '\0';
	const char *open = has_id ? " (request id " : "";
	const char *close = has_id ? ")" : "";
	const char *name = "TMFlow.InvalidReply";

	for (size_t i = 0; i < sizeof(status_names) / sizeof(status_names[0]); i++)
		if (status_names[i].status == status)
			name = status_names[i].name;
	if (tmf_err_isset(err) || reply->code[0] == '\0') {
		if (status == HTTP_PROXY_REFUSES)
			tmf_err_set_name(err, TMF_ERR_TRANSPORT, HTTP_ERROR_PROXY,
			    "the proxy wants credentials: HTTP status %d", status);
		else if (status < 400 || status == HTTP_UNAUTHORIZED)
			tmf_err_set(err, TMF_ERR_REPLY,
			    "HTTP status %d, which AWS does not send%s%s%s", status, open,
			    reply->request_id, close);
		else
			tmf_err_set_name(err, TMF_ERR_SERVICE, name,
			    "HTTP status %d without an error code%s%s%s", status, open,
			    reply->request_id, close);
	} else {
		tmf_err_set_name(err, TMF_ERR_SERVICE, reply->code, "%s%s%s%s", reply->message,
		    open, reply->request_id, close);
	}
	err->http_status = status;
}
