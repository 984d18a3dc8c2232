#include "aws/wire/protocol.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Replies of the AWS JSON protocols, which are alike. See:
 * https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html */

#define PROTOCOL_JSON_BYTES_MAX                                                                    \
	(4u << 20) /* ten messages of SQS, of 256 KiB each, and their escapes */

struct aws_reader {
	struct buf body;
	bool too_long;
	json_t *value; /* of the whole body; holds the message */
	char code[TMF_ERR_NAME_BYTES_MAX + 1];
	char request_id[TMF_ERR_REQUEST_ID_BYTES_MAX + 1];
};

static struct aws_reader *
protocol_json_begin(const struct aws_operation *operation)
{
	(void)operation;
	return mem_zalloc(1, sizeof(struct aws_reader));
}

/* JSON is read whole, since its error code may stand at its end. Beyond the limit nothing is
 * kept. */
static void
protocol_json_feed(struct aws_reader *reader, struct str part)
{
	if (reader->body.len + part.len > PROTOCOL_JSON_BYTES_MAX)
		reader->too_long = true;
	else
		buf_add_str(&reader->body, part);
}

/* "com.amazonaws.states#TaskTimedOut:http://..." is TaskTimedOut. The part behind the colon is
 * an address of the documentation, and that before the # a name space. */
static void
protocol_json_take_code(struct aws_reader *reader, const char *type)
{
	const char *hash = strrchr(type, '#');
	const char *name = hash != NULL ? hash + 1 : type;

	snprintf(reader->code, sizeof(reader->code), "%.*s", (int)strcspn(name, ":"), name);
}

/* "AWS.SimpleQueueService.NonExistentQueue;Sender": the name that the error had in the Query
 * protocol, by which the AWS tools know it still. */
static bool
protocol_json_take_query_code(struct aws_reader *reader, const char *error)
{
	size_t len = error != NULL ? strcspn(error, ";") : 0;

	if (len == 0 || error[len] == '\0' || strchr(error + len + 1, ';') != NULL)
		return false;
	snprintf(reader->code, sizeof(reader->code), "%.*s", (int)len, error);
	return true;
}

/* In the order of trust: SQS's older name, the header that Smithy prescribes, then members of the
 * body, which older services use. */
static void
protocol_json_find_code(struct aws_reader *reader, const struct aws_reply_headers *headers)
{
	const char *type = headers->get(headers->arg, "x-amzn-errortype");

	if (protocol_json_take_query_code(reader, headers->get(headers->arg, "x-amzn-query-error")))
		return;
	if (type == NULL)
		type = jsonx_get_string(reader->value, "__type");
	if (type == NULL)
		type = jsonx_get_string(reader->value, "code");
	if (type != NULL)
		protocol_json_take_code(reader, type);
}

/* Both spellings exist. AWS's services do not agree about it. */
static const char *
protocol_json_message(const struct aws_reader *reader)
{
	const char *message = jsonx_get_string(reader->value, "message");

	if (message == NULL)
		message = jsonx_get_string(reader->value, "Message");
	return message != NULL ? message : "";
}

/* A success may have no body at all. */
static int
protocol_json_parse(struct aws_reader *reader, struct tmf_err *err)
{
	if (reader->too_long)
		return tmf_err_set(err, TMF_ERR_REPLY, "the reply is longer than %u bytes",
		    PROTOCOL_JSON_BYTES_MAX);
	if (reader->body.len == 0) {
		reader->value = json_object();
		return 0;
	}
	reader->value = jsonx_parse(buf_str(&reader->body), err);
	if (reader->value != NULL && json_is_object(reader->value))
		return 0;
	tmf_err_fini(err);
	return tmf_err_set(err, TMF_ERR_REPLY, "the reply is not a JSON object");
}

/* A body that is not JSON under an error status is the status's error, see aws_reply_error. The
 * strings are borrowed from the reader. */
static void
protocol_json_finish(struct aws_reader *reader, const struct aws_reply_headers *headers,
    struct aws_reply *ret_reply, struct tmf_err *err)
{
	const char *request_id = headers->get(headers->arg, "x-amzn-requestid");
	int parsed = protocol_json_parse(reader, err);

	protocol_json_find_code(reader, headers);
	utf8_copy(
	    reader->request_id, sizeof(reader->request_id), request_id != NULL ? request_id : "");
	*ret_reply = (struct aws_reply){
	    .value = parsed == 0 && reader->code[0] == '\0' ? json_incref(reader->value) : NULL,
	    .code = reader->code,
	    .message = protocol_json_message(reader),
	    .request_id = reader->request_id,
	};
}

static void
protocol_json_free(struct aws_reader *reader)
{
	if (reader == NULL)
		return;
	buf_fini(&reader->body);
	json_decref(reader->value);
	free(reader);
}

/* The three differ in what requests say of themselves. REST services also have methods and paths;
 * those operations that are used here are all POST. */
#define PROTOCOL_JSON(type)                                                                        \
	{                                                                                          \
		.content_type = (type), .begin = protocol_json_begin, .feed = protocol_json_feed,  \
		.finish = protocol_json_finish, .free_reader = protocol_json_free,                 \
	}
const struct aws_protocol aws_protocol_json = PROTOCOL_JSON("application/x-amz-json-1.0");
const struct aws_protocol aws_protocol_json_1_1 = PROTOCOL_JSON("application/x-amz-json-1.1");
const struct aws_protocol aws_protocol_rest_json = PROTOCOL_JSON("application/json");
