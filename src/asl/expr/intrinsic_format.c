#include "asl/expr/expr.h"
#include "asl/expr/intrinsic.h"

#include "base/jsonx.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 17 digits always read back as the same double, so the search for fewer ends. */
#define DOUBLE_DIGITS_MAX 17 /* significant digits, enough for every double */

/* The fewest digits that read back as the same number: "d.ddde+xx". 0.1 must come out as
 * "0.1" and not as "0.10000000000000001". */
static void
format_shortest_digits(double value, char text[32])
{
	for (int digits = 0; digits < DOUBLE_DIGITS_MAX; digits++) {
		snprintf(text, 32, "%.*e", digits, value);
		if (strtod(text, NULL) == value)
			return;
	}
}

/* As Java's Double.toString: 1.0, 0.001, 1.0E10, 1.5E-5 */
/* Recorded from AWS: 1.1 is "1.1". Beyond 10^7 and below 10^-3 Java writes an exponent. The
 * bounds are those of Java's Double.toString. */
static void
format_double(double value, struct buf *out)
{
	char text[32] = "";
	char *exponent_at;
	char *fraction;
	int exponent;
	int decimals;

	if (value == 0) {
		buf_add_cstr(out, signbit(value) ? "-0.0" : "0.0");
		return;
	}
	format_shortest_digits(value, text);
	exponent_at = strchr(text, 'e');
	assert(exponent_at != NULL);
	exponent = (int)strtol(exponent_at + 1, NULL, 10);
	*exponent_at = '\0';
	fraction = strchr(text, '.');
	if (exponent < -3 || exponent >= 7) {
		buf_printf(out, "%s%sE%d", text, fraction != NULL ? "" : ".0", exponent);
		return;
	}
	decimals = (fraction != NULL ? (int)strlen(fraction + 1) : 0) - exponent;
	buf_printf(out, "%.*f", decimals > 1 ? decimals : 1, value);
}

/* Recorded from AWS: the map's toString() of Java, {Arg1=1, Arg2=[]}, and not JSON. */
static int
format_object(const struct intrinsic_call *call, json_t *object, struct buf *out)
{
	const char *key;
	json_t *member;
	const char *separator = "{";

	if (json_object_size(object) == 0)
		buf_add_char(out, '{');
	json_object_foreach (object, key, member) {
		buf_printf(out, "%s%s=", separator, key);
		separator = ", ";
		if (intrinsic_write_value(call, member, out) < 0)
			return -1;
	}
	buf_add_char(out, '}');
	return 0;
}

/*
 * As Java's toString has it: a string bare, an object as {a=1, b=[]}. An array is a class of its
 * own there, whose text is JSON: not recorded yet, but it agrees with all that is. The limit is
 * checked before each value, so nested data cannot grow the text far beyond it.
 */
int
intrinsic_write_value(const struct intrinsic_call *call, json_t *value, struct buf *out)
{
	if (out->len > INTRINSIC_TEXT_BYTES_MAX ||
	    (json_is_array(value) && !jsonx_text_fits(value, INTRINSIC_TEXT_BYTES_MAX))) {
		intrinsic_fail(call, "the text has more than %u bytes", INTRINSIC_TEXT_BYTES_MAX);
		return -1;
	}
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return format_object(call, value, out);
	case JSON_ARRAY:
		jsonx_write(value, out);
		break;
	case JSON_STRING:
		buf_add(out, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		buf_printf(out, "%lld", (long long)json_integer_value(value));
		break;
	case JSON_REAL:
		format_double(json_real_value(value), out);
		break;
	case JSON_TRUE:
		buf_add_cstr(out, "true");
		break;
	case JSON_FALSE:
		buf_add_cstr(out, "false");
		break;
	case JSON_NULL:
		buf_add_cstr(out, "null");
		break;
	}
	return 0;
}

/* Writes the template with {} replaced by the arguments in turn; \{ \} and \\ stand for the
 * character itself. 0, or -1 by intrinsic_fail. A {} without an argument is counted, too, so both
 * too few and too many arguments fail. Recorded from AWS: a brace alone is refused, in these words.
 */
static int
format_template(const struct intrinsic_call *call, struct buf *out)
{
	struct str template = call->args[0].text;
	size_t arg = 1;

	for (size_t i = 0; i < template.len; i++) {
		const char *at = template.p + i;
		size_t left = template.len - i;

		if (left > 1 && *at == '\\' && strchr("{}\\", at[1]) != NULL && at[1] != '\0') {
			buf_add_char(out, at[1]);
			i++;
		} else if (left > 1 && memcmp(at, "{}", 2) == 0) {
			if (arg < call->arg_count &&
			    intrinsic_write_value(call, call->args[arg].json, out) < 0)
				return -1;
			arg++;
			i++;
		} else if (*at == '{' || *at == '}') {
			intrinsic_fail_template(call, *at == '{'
							  ? "matching '}' not found for '{'."
							  : "matching '{' not found for '}'.");
			return -1;
		} else {
			buf_add_char(out, *at);
		}
	}
	if (arg == call->arg_count)
		return 0;
	/* AWS's own words. */
	intrinsic_fail(call, "number of arguments do not match the occurrences of {}.");
	return -1;
}

/* UTF-8 is checked once, for the whole text. */
json_t *
intrinsic_format(const struct intrinsic_call *call)
{
	struct buf out = {0};

	if (format_template(call, &out) == 0)
		return intrinsic_string(call, &out);
	buf_fini(&out);
	return NULL;
}
