#include "aws/wire/echo.h"

#include "aws/wire/query.h"

#include <string.h>

/* The value of a parameter as it stands in the body; .p NULL where it has none. No name or value
 * holds a raw '&' or '='. */
static struct str
echo_asked(struct str body, const char *parameter)
{
	size_t name_len = strlen(parameter);
	const char *end = body.p + body.len;
	const char *field = body.p;

	while (field < end) {
		const char *stop = memchr(field, '&', (size_t)(end - field));
		size_t len = (size_t)((stop != NULL ? stop : end) - field);

		if (len > name_len && field[name_len] == '=' &&
		    memcmp(field, parameter, name_len) == 0)
			return (struct str){field + name_len + 1, len - name_len - 1};
		field += len + 1;
	}
	return (struct str){NULL, 0};
}

static const json_t *
echo_answered(const struct aws_echo *echo, const json_t *value)
{
	const json_t *within = echo->within != NULL ? json_object_get(value, echo->within) : value;

	if (json_is_array(within))
		within = json_array_get(within, 0);
	return json_object_get(within, echo->member);
}

/* As the request has it: percent-encoded. Members that are no text or number are not compared. */
static void
echo_encode(struct buf *out, const json_t *answered)
{
	if (json_is_string(answered))
		query_encode(out, str_of(json_string_value(answered)));
	else if (json_is_integer(answered))
		buf_add_int(out, json_integer_value(answered));
}

int
aws_echo_check(
    const struct aws_echo *echoes, struct str body, const json_t *value, struct tmf_err *err)
{
	struct buf answered = {0};
	int ret = 0;

	for (; ret == 0 && echoes->parameter != NULL; echoes++) {
		struct str asked = echo_asked(body, echoes->parameter);

		buf_reset(&answered);
		echo_encode(&answered, echo_answered(echoes, value));
		if (asked.p != NULL && answered.len > 0 && !str_eq(asked, buf_str(&answered)))
			ret = tmf_err_set(err, TMF_ERR_REPLY,
			    "the reply is one to another request: %s is %s, asked for was %.*s",
			    echoes->member, buf_cstr(&answered), (int)asked.len, asked.p);
	}
	buf_fini(&answered);
	return ret;
}
