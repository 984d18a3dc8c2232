#include "aws/wire/protocol.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Replies of S3: the bytes of an object, with what its headers say of it; a list in XML; an error
 * in XML under a status of its own. Which it is shows at the end, by the status.
 * See: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */

#define S3_LIST_ROOT "ListBucketResult"

/* Of an error, where the operation expects no XML. */
static const struct xml_shape s3_no_members[] = {{.element = NULL}};

struct aws_reader {
	const struct aws_operation *operation;
	struct buf body;
	struct xml_parser *parser; /* NULL: there was no XML */
};

/* Nothing is understood before the end: the status says whether the bytes are an object or XML. */
static struct aws_reader *
s3_reader_begin(const struct aws_operation *operation)
{
	struct aws_reader *reader = mem_zalloc(1, sizeof(*reader));

	reader->operation = operation;
	return reader;
}

/* The client asks for no more of an object than it can keep. */
static void
s3_reader_feed(struct aws_reader *reader, struct str part)
{
	buf_add_str(&reader->body, part);
}

static void
s3_put_header(
    json_t *value, const char *member, const struct aws_reply_headers *headers, const char *name)
{
	const char *text = headers->get(headers->arg, name);

	if (text != NULL)
		json_object_set_new(value, member, jsonx_text_value(text));
}

/* S3 says with each object, and with each that was put, which state of it that is: a page of
 * somebody else's under status 200 does not. */
static json_t *
s3_reader_object(
    const struct aws_reader *reader, const struct aws_reply_headers *headers, struct tmf_err *err)
{
	json_t *value;

	if (headers->get(headers->arg, "ETag") == NULL) {
		tmf_err_set(err, TMF_ERR_REPLY, "the reply has no ETag, as S3's always have");
		return NULL;
	}
	value = json_object();
	s3_put_header(value, "ETag", headers, "ETag");
	s3_put_header(value, "ContentRange", headers, "Content-Range");
	s3_put_header(value, "ContentEncoding", headers, "Content-Encoding");
	json_object_set_new(
	    value, "Body", json_stringn_nocheck(buf_cstr(&reader->body), reader->body.len));
	return value;
}

static void
s3_reader_finish(struct aws_reader *reader, const struct aws_reply_headers *headers,
    struct aws_reply *ret_reply, struct tmf_err *err)
{
	bool succeeded = aws_status_is_success(headers->status);
	json_t *value = NULL;

	assert(reader->parser == NULL && headers->status > 0);
	*ret_reply = (struct aws_reply){.code = "", .message = "", .request_id = ""};
	if (succeeded && reader->operation->reply == NULL) {
		ret_reply->value = s3_reader_object(reader, headers, err);
		return;
	}
	reader->parser = xml_parser_new(
	    reader->operation->reply != NULL ? reader->operation->reply : s3_no_members);
	if (xml_parser_feed(reader->parser, buf_str(&reader->body), err) < 0 ||
	    xml_parser_finish(reader->parser, &value, err) < 0)
		return;
	ret_reply->code = xml_parser_error_code(reader->parser);
	ret_reply->message = xml_parser_error_message(reader->parser);
	ret_reply->request_id = xml_parser_request_id(reader->parser);
	if (succeeded && ret_reply->code[0] == '\0' &&
	    strcmp(xml_parser_root(reader->parser), S3_LIST_ROOT) != 0)
		tmf_err_set(err, TMF_ERR_REPLY, "the reply is <%s> instead of <" S3_LIST_ROOT ">",
		    xml_parser_root(reader->parser));
	if (tmf_err_isset(err) || !succeeded || ret_reply->code[0] != '\0')
		json_decref(value);
	else
		ret_reply->value = value;
}

static void
s3_reader_free(struct aws_reader *reader)
{
	if (reader == NULL)
		return;
	buf_fini(&reader->body);
	xml_parser_free(reader->parser);
	free(reader);
}

const struct aws_protocol aws_protocol_s3 = {
    .signs_as_s3 = true,
    .begin = s3_reader_begin,
    .feed = s3_reader_feed,
    .finish = s3_reader_finish,
    .free_reader = s3_reader_free,
};
