#include "asl/expr/intrinsic.h"

/* What the functions share: how they fail, and how they return text. */

/* Recorded from AWS: bad arguments are States.Runtime, which nothing catches, and the cause has the
 * call as it is written in the definition. States.IntrinsicFailure, which the documentation lists,
 * has never been seen. */
static void
intrinsic_fail_with(const struct intrinsic_call *call, const char *what, const char *detail)
{
	tmf_err_set_name(call->err, TMF_ERR_ASL, "States.Runtime",
	    "There was an error while evaluating the intrinsic function: %.*s. Invalid %s in "
	    "States.%s: %s",
	    (int)call->text.len, call->text.p, what, call->fn->name, detail);
}

json_t *
intrinsic_fail(const struct intrinsic_call *call, const char *format, ...)
{
	struct buf text = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&text, format, args);
	va_end(args);
	intrinsic_fail_with(call, "arguments", buf_cstr(&text));
	buf_fini(&text);
	return NULL;
}

json_t *
intrinsic_fail_template(const struct intrinsic_call *call, const char *detail)
{
	intrinsic_fail_with(call, "template", detail);
	return NULL;
}

/* Takes text. JSON holds only UTF-8, and a function that cuts or decodes bytes may have
 * made something else. */
json_t *
intrinsic_string(const struct intrinsic_call *call, struct buf *text)
{
	json_t *string = json_stringn(text->p != NULL ? text->p : "", text->len);

	buf_fini(text);
	return string != NULL ? string : intrinsic_fail(call, "the result is not UTF-8");
}

/* Every byte counts that does not continue a character: those are 10xxxxxx. */
size_t
intrinsic_char_count(struct str text)
{
	size_t count = 0;

	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.p[i] & 0xc0) != 0x80;
	return count;
}
