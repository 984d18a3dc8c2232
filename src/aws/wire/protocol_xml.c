#include "aws/wire/protocol.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Replies of the EC2 Query and the Query protocol.
 * See: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html */

struct aws_reader {
	const struct aws_operation *operation;
	struct xml_parser *parser;
	struct tmf_err broken; /* what was wrong with the body so far */
};

/* The parser of XML comes with the first bytes, see xml_begin. The shape of the reply is that of
 * the operation. */
static struct aws_reader *
xml_reader_begin(const struct aws_operation *operation)
{
	struct aws_reader *reader = mem_zalloc(1, sizeof(*reader));

	reader->operation = operation;
	reader->parser = xml_parser_new(operation->reply);
	return reader;
}

/* After the first fault the rest is not looked at: the status decides what the reply was. */
static void
xml_reader_feed(struct aws_reader *reader, struct str part)
{
	if (!tmf_err_isset(&reader->broken))
		xml_parser_feed(reader->parser, part, &reader->broken);
}

/* A page that is XML but another's, of a captive portal say, must not pass for an empty list.
 * Every EC2 and Query reply is <OPERATIONResponse>. An error's root differs, and so its code is
 * asked for first. */
static void
xml_reader_check_root(struct aws_reader *reader)
{
	const char *root = xml_parser_root(reader->parser);
	const char *name = reader->operation->name;
	bool is_wanted =
	    str_starts(str_of(root), name) && strcmp(root + strlen(name), "Response") == 0;

	if (!is_wanted && xml_parser_error_code(reader->parser)[0] == '\0' &&
	    !tmf_err_isset(&reader->broken))
		tmf_err_set(&reader->broken, TMF_ERR_REPLY,
		    "the reply is <%s> instead of <%sResponse>", root, name);
}

/* An error's code counts even under status 200: some proxies lose the status. The strings of the
 * reply are borrowed from the parser, which lives as long as the reader. */
static void
xml_reader_finish(struct aws_reader *reader, const struct aws_reply_headers *headers,
    struct aws_reply *ret_reply, struct tmf_err *err)
{
	json_t *value = NULL;

	(void)headers;
	xml_parser_finish(reader->parser, &value, &reader->broken);
	xml_reader_check_root(reader);
	*ret_reply = (struct aws_reply){
	    .code = xml_parser_error_code(reader->parser),
	    .message = xml_parser_error_message(reader->parser),
	    .request_id = xml_parser_request_id(reader->parser),
	};
	if (tmf_err_isset(&reader->broken) || ret_reply->code[0] != '\0')
		json_decref(value);
	else
		ret_reply->value = value;
	tmf_err_move(err, &reader->broken);
}

static void
xml_reader_free(struct aws_reader *reader)
{
	if (reader == NULL)
		return;
	xml_parser_free(reader->parser);
	tmf_err_fini(&reader->broken);
	free(reader);
}

const struct aws_protocol aws_protocol_xml = {
    .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    .begin = xml_reader_begin,
    .feed = xml_reader_feed,
    .finish = xml_reader_finish,
    .free_reader = xml_reader_free,
};
