#include "asl/jsonata/fault.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENT_BYTES_MAX 80 /* of a text within a message */

/*
 * The first letter is the phase: S for syntax, T for types, D for the evaluation, U for a limit.
 * The codes are those of jsonata 2.2, the words ours.
 * See: https://docs.jsonata.org/ and the messages of its source, src/jsonata.js
 */
static const struct {
	char code[FAULT_CODE_BYTES];
	const char *message;
} messages[] = {
    {"S0101", "string is not terminated by a matching quote"},
    {"S0102", "number out of range: %s"},
    {"S0103", "unsupported escape sequence: \\%s"},
    {"S0104", "\\u must be followed by four hexadecimal digits"},
    {"S0105", "quoted name is not terminated by a backtick"},
    {"S0106", "comment is not terminated by */"},
    {"S0201", "syntax error: unexpected %s"},
    {"S0202", "expected %s, but found %s"},
    {"S0203", "expected %s before the end of the expression"},
    {"S0204", "unknown operator: %s"},
    {"S0207", "unexpected end of the expression"},
    {"S0208", "a parameter of a function must be a variable name: $name"},
    {"S0209", "a predicate cannot follow a grouping expression in a step"},
    {"S0210", "each step can have only one grouping expression"},
    {"S0211", "%s cannot be used as a unary operator"},
    {"S0212", "the left side of := must be a variable name: $name"},
    {"S0213", "the literal value %s cannot be a step of a path"},
    {"S0214", "the right side of %s must be a variable name: $name"},
    {"S0215", "a context variable binding must precede the predicates of its step"},
    {"S0216", "a context variable binding must precede the order-by clause of its step"},
    {"S0217", "%% has no parent here that can be derived"},
    {"S0301", "empty regular expression"},
    {"S0302", "regular expression is not terminated by /"},
    {"S0303", "invalid regular expression: %s"},
    {"S0401", "invalid signature: type parameters belong to functions and arrays only"},
    {"S0402", "invalid signature: a choice cannot hold parameterised types"},
    {"S0500", "expression is too long, or nested too deeply"},
    {"T0410", "argument %s of function %s does not match its signature"},
    {"T0411", "the context is not a compatible type for argument %s of function %s"},
    {"T0412", "argument %s of function %s must be an array of %s"},
    {"D1001", "number out of range: %s"},
    {"D1002", "cannot negate a value that is not a number: %s"},
    {"D1004", "regular expression matches a string of length zero"},
    {"D1009", "several keys of the object constructor evaluate to %s"},
    {"D1013", "%s is not a name for a member: jsonata keeps it for itself"},
    {"D1010", "a transform may not change a prototype"},
    {"T1003", "key of an object must be a string; got %s"},
    {"T1005", "not a function: %s. Was $%s meant?"},
    {"T1006", "Attempted to invoke a non-function"},
    {"T1007", "cannot partially apply %s, which is not a function. Was $%s meant?"},
    {"T1008", "cannot partially apply what is not a function"},
    {"T1010", "a matcher function does not return the expected object"},
    {"D2014", "the range %s has more than 10,000,000 elements"},
    {"T2001", "the left side of %s must be a number"},
    {"T2002", "the right side of %s must be a number"},
    {"T2003", "the left side of the range operator .. must be an integer"},
    {"T2004", "the right side of the range operator .. must be an integer"},
    {"T2006", "the right side of the function application ~> must be a function"},
    {"T2007", "order-by values differ in type: %s and %s"},
    {"T2008", "order-by values must be numbers or strings"},
    {"T2009", "both sides of %s must be of one type"},
    {"T2010", "both sides of %s must be numbers or strings"},
    {"T2011", "the update of a transform must be an object; got %s"},
    {"T2012", "the removal of a transform must be a string or an array of strings; got %s"},
    {"T2013", "the transform's clone must be a function"},
    {"D3001", "a number that is not finite cannot be cast to a string"},
    {"D3010", "second argument of $replace must not be an empty string"},
    {"D3011", "fourth argument of $replace must not be negative"},
    {"D3012", "a replacement function must return a string"},
    {"D3020", "third argument of $split must not be negative"},
    {"D3030", "cannot be cast to a number: %s"},
    {"D3040", "third argument of $match must not be negative"},
    {"D3050", "the function of $reduce must take at least two arguments"},
    {"D3060", "no square root of a negative number: %s"},
    {"D3061", "result of $power is not a real number: %s to the power %s"},
    {"D3070", "$sort of one argument takes an array of strings or of numbers"},
    {"D3080", "picture of $formatNumber has more than two sub-pictures, separated by ;"},
    {"D3081", "sub-picture of $formatNumber has more than one decimal separator"},
    {"D3082", "sub-picture of $formatNumber has more than one percent sign"},
    {"D3083", "sub-picture of $formatNumber has more than one per-mille sign"},
    {"D3084", "sub-picture of $formatNumber has both a percent and a per-mille sign"},
    {"D3085", "mantissa of a sub-picture of $formatNumber has no digit"},
    {"D3086", "sub-picture of $formatNumber has a passive character between active ones"},
    {"D3087", "sub-picture of $formatNumber has a grouping separator beside the decimal separator"},
    {"D3088",
	"sub-picture of $formatNumber has a grouping separator at the end of the integer part"},
    {"D3089", "sub-picture of $formatNumber has two grouping separators side by side"},
    {"D3090",
	"integer part of a sub-picture of $formatNumber has a digit before an optional digit"},
    {"D3091",
	"fractional part of a sub-picture of $formatNumber has an optional digit before a digit"},
    {"D3092", "sub-picture of $formatNumber has an exponent and a percent or per-mille sign"},
    {"D3093", "exponent of a sub-picture of $formatNumber must consist of digits only"},
    {"D3100", "radix of $formatBase must be between 2 and 36; got %s"},
    {"D3110", "argument of $toMillis must be a timestamp of ISO 8601; got %s"},
    {"D3120", "syntax error in the expression of $eval"},
    {"D3121", "dynamic error in the expression of $eval: $eval is not available here"},
    {"D3130", "this kind of number formatting is not supported: %s"},
    {"D3131", "decimal digit pattern mixes digit groups"},
    {"D3132", "unknown component specifier in a picture: %s"},
    {"D3133", "the name modifier applies to months and days only; component %s"},
    {"D3134", "timezone picture has more than four digits"},
    {"D3135", "no matching ] for a [ in a picture"},
    {"D3136", "date and time lack a component that the timestamp needs"},
    {"D3137", "%s"},
    {"D3138", "$single expected exactly one match; there are more"},
    {"D3139", "$single expected exactly one match; it found none"},
    {"D3140", "malformed URL: %s"},
    {"D3141", "%s"},
    {"D3201", "third argument of $range must not be 0"},
    {"D3202", "$range has more than 10,000,000 elements"},
    {"D3203", "second argument of $partition must be 1 or more; got %s"},
    {"D3204", "algorithm of $hash must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512; got %s"},
    {"D3205", "argument of $parse is not JSON: %s"},
    {"U1001", "expression takes too many steps, too much memory or too many nested calls"},
};

#define MESSAGES_COUNT (sizeof(messages) / sizeof(messages[0]))

/* The token is cut at a whole character, since it may be written to JSON. */
void
fault_set_token(struct fault *fault, const char *text, size_t len)
{
	/* A longer token loses its end: it only identifies the place. */
	size_t fits = len < sizeof(fault->token) ? len : utf8_cut(text, sizeof(fault->token) - 1);

	memcpy(fault->token, text, fits);
	fault->token[fits] = '\0';
}

/* A linear search is enough: it runs once per failed evaluation. */
static const char *
message_of(const char *code)
{
	for (size_t i = 0; i < MESSAGES_COUNT; i++) {
		if (strcmp(messages[i].code, code) == 0)
			return messages[i].message;
	}
	assert(!"every code that is raised has a message");
	return "";
}

/* Writes the message; each argument is cut off at a whole character. vsnprintf is not used, as it
 * could cut a character in two. */
static void
fault_format(struct fault *fault, const char *format, va_list args)
{
	size_t at = 0;

	for (const char *p = format; *p != '\0' && at + 1 < sizeof(fault->message); p++) {
		if (p[0] == '%' && p[1] == 's') {
			const char *text = va_arg(args, const char *);
			/* One byte stays free for the NUL. */
			size_t room = sizeof(fault->message) - 1 - at;
			size_t cut;

			/* D3137 and D3141 are the user's own texts: only the buffer limits them. */
			if (strcmp(format, "%s") != 0 && room > ARGUMENT_BYTES_MAX)
				room = ARGUMENT_BYTES_MAX;
			cut = strlen(text) > room ? utf8_cut(text, room) : strlen(text);
			memcpy(fault->message + at, text, cut);
			at += cut;
			p++;
		} else {
			fault->message[at++] = *p;
			/* %% stands for the operator % in a message. */
			p += p[0] == '%' && p[1] == '%';
		}
	}
	fault->message[at] = '\0';
}

void
fault_defer(struct fault *fault, uint32_t position, const char *code, const char *text)
{
	if (fault->deferred_code[0] != '\0')
		return;
	snprintf(fault->deferred_code, sizeof(fault->deferred_code), "%s", code);
	snprintf(fault->deferred_text, sizeof(fault->deferred_text), "%s", text);
	fault->deferred_position = position;
}

void
fault_raise_deferred(struct fault *fault)
{
	if (fault->deferred_code[0] != '\0')
		fault_raise(
		    fault, fault->deferred_position, fault->deferred_code, fault->deferred_text);
}

/* longjmp leaves all frames at once. Only memory of the heap may be held at that time, which its
 * owner then frees. */
void
fault_raise(struct fault *fault, uint32_t position, const char *code, ...)
{
	va_list args;

	/* A code without a message would be an error of the program, which message_of asserts. */
	va_start(args, code);
	fault_format(fault, message_of(code), args);
	va_end(args);
	/* The code is what a caller can rely on; the words may change. */
	snprintf(fault->code, sizeof(fault->code), "%s", code);
	fault->position = fault->claimed != 0 ? fault->claimed : position;
	/* fault->out was set by the caller that owns the heap, so it is the one that frees it. */
	longjmp(fault->out, 1);
}
