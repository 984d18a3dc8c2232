#ifndef TMFLOW_AWS_WIRE_PROTOCOL_H
#define TMFLOW_AWS_WIRE_PROTOCOL_H

#include "aws/wire/echo.h"
#include "aws/wire/xml.h"
#include "base/buf.h"
#include "loop/http.h"
#include "tmflow/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define AWS_OPERATION_HEADERS_MAX 2

/* What is asked of a service. */
struct aws_operation {
	const char *name;   /* "DescribeInstances" */
	const char *method; /* NULL: POST */
	/* Below the endpoint, as sent, "/listprincipals"; copied; NULL: none, as with most. */
	const char *path;
	const char *query;  /* as sent, without "?"; copied; NULL: none */
	const char *bucket; /* of S3: in the host's name, or the path's first segment; copied */
	struct http_header headers[AWS_OPERATION_HEADERS_MAX]; /* of its own; copied */
	const char *content_type; /* of the body; NULL: the protocol's */
	struct buf body;	  /* moved into the call: the same bytes go out at every attempt */
	const struct xml_shape *reply; /* of an XML protocol */
	/* Makes the result of the parsed reply: takes it, gives a new reference. NULL: the reply as
	 * it is. */
	json_t *(*convert)(json_t *reply);
	const struct aws_echo *echoes; /* what the reply must repeat of the body; NULL: nothing */
	int64_t total_timeout_ms;      /* of one attempt; 0: the client's. Long polls want more */
	bool secret;	       /* its bodies are a user's data: a trace does not show them */
	bool unsigned_request; /* AssumeRoleWithWebIdentity: sent without keys */
	bool lists_all;	       /* names no resources: NotFound is a passing answer */
	bool has_token;	       /* has the NextToken of a page */
};

/* What a complete reply said. Texts are "" where absent, and borrowed from the reader. */
struct aws_reply {
	json_t *value; /* owned; NULL: an error, or one that cannot be understood */
	const char *code;
	const char *message;
	const char *request_id;
};

/* The status, and the headers that some protocols put errors into. */
struct aws_reply_headers {
	const char *(*get)(void *arg, const char *name); /* NULL if absent; borrowed */
	void *arg;
	int status;
};

/* 206 is S3's answer to a range. */
static inline bool
aws_status_is_success(int status)
{
	return status == 200 || status == 206;
}

/* The error that a reply means which brings no result: AWS's own code, or one named after the
 * status where the body is not AWS's (no code in it, or *err says that it cannot be read). A status
 * that AWS does not send makes TMF_ERR_REPLY, and 407 a TMF_ERR_TRANSPORT: a proxy's. */
void aws_reply_error(const struct aws_reply *reply, int status, struct tmf_err *err);

struct aws_reader; /* a protocol's own */

/* How a service's replies are read, as they come in. */
struct aws_protocol {
	const char *content_type; /* of requests; NULL: none but the operation's own */
	bool signs_as_s3;	  /* the path is signed as sent, with the hash of the body */
	/* Begins a reply; operation is borrowed while it is read. */
	struct aws_reader *(*begin)(const struct aws_operation *operation);
	/* What is wrong with a part is kept until the end: a page that is not XML becomes an error
	 * that is named by its status. */
	void (*feed)(struct aws_reader *reader, struct str part);
	/* *err is set (and the value NULL) where the reply is broken, truncated, or another's. */
	void (*finish)(struct aws_reader *reader, const struct aws_reply_headers *headers,
	    struct aws_reply *ret_reply, struct tmf_err *err);
	void (*free_reader)(struct aws_reader *reader); /* NULL is fine */
};

extern const struct aws_protocol aws_protocol_xml;  /* EC2 Query and Query: form data out, XML in */
extern const struct aws_protocol aws_protocol_json; /* JSON 1.0 */
extern const struct aws_protocol aws_protocol_json_1_1;
extern const struct aws_protocol aws_protocol_rest_json; /* operations have paths of their own */
/* S3: an operation without a shape of its reply gives {"Body", "ETag", "ContentRange",
 * "ContentEncoding"}; Body is a string of whatever bytes came, and the others may be absent. */
extern const struct aws_protocol aws_protocol_s3;

#endif
