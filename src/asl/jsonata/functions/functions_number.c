#include "asl/jsonata/functions/functions.h"

#include "asl/jsonata/functions/integer_picture.h"
#include "asl/jsonata/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Built-in functions over numbers; their pictures are format_number.c and integer_picture.c. */

#define NUMBER_TEXT_BYTES                                                                          \
	400 /* a longer text is a number of very many digits: cut off, it is the same double */
#define RADIX_DIGITS_MAX 1100 /* the largest double has 1,024 binary digits */

struct value
function_abs(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0] : value_number(fabs(args[0].u.number));
}

/* Rounds towards minus infinity: $floor(-1.5) is -2. */
struct value
function_floor(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0] : value_number(floor(args[0].u.number));
}

/* $ceil(-1.5) is -1. */
struct value
function_ceil(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)ev, (void)count, (void)context;
	return args[0].type == VALUE_UNDEFINED ? args[0] : value_number(ceil(args[0].u.number));
}

/* number times ten to the power of places, in decimal: 1.005 moved by 2 is 100.5, whatever the
 * product of the doubles would be. Only the exponent of the text is changed, and strtod rounds
 * once. A product would round as well: 1.005 * 100 is 100.49999999999999. */
static double
move_point(struct evaluator *ev, double number, int places)
{
	struct text text = {.heap = &ev->heap};
	const char *exponent;

	if (!isfinite(number))
		return number;
	text_add_number(&text, number);
	text_add_char(&text, '\0');
	exponent = strchr(text.at, 'e');
	if (exponent != NULL) {
		places += (int)strtol(exponent + 1, NULL, 10);
		text.len = (size_t)(exponent - text.at);
	} else {
		text.len--;
	}
	text_add_char(&text, 'e');
	{
		char digits[16];

		snprintf(digits, sizeof(digits), "%d", places);
		text_add(&text, digits, strlen(digits) + 1);
	}
	return strtod(text.at, NULL);
}

/* A half goes to the even neighbour: $round(2.5) is 2, $round(3.5) is 4, $round(125, -1) is 120. */
double
round_half_even(struct evaluator *ev, double number, int places)
{
	double moved = places != 0 ? move_point(ev, number, places) : number;
	double rounded = floor(moved + 0.5);

	if (fabs(rounded - moved) == 0.5 && fmod(fabs(rounded), 2) == 1)
		rounded--;
	if (places != 0)
		rounded = move_point(ev, rounded, -places);
	return rounded + 0.0; /* never -0 */
}

struct value
function_round(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	double places = count > 1 && args[1].type == VALUE_NUMBER ? args[1].u.number : 0;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if (trunc(places) < places || trunc(places) > places)
		return value_number((double)NAN); /* as in jsonata */
	/* Beyond a double's range of exponents nothing changes any more. The limit also keeps the
	 * cast to int defined. */
	places = places > 700 ? 700 : places < -700 ? -700 : places;
	return value_number(round_half_even(ev, args[0].u.number, (int)places));
}

/* JavaScript would give NaN, which JSON cannot hold. */
struct value
function_sqrt(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if (args[0].u.number < 0)
		evaluator_raise(ev, "D3060", evaluator_show(ev, &args[0]));
	return value_number(sqrt(args[0].u.number));
}

/* $power(0, -1) is infinite and $power(-8, 1/3) is NaN: both raise D3061. */
struct value
function_power(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	double result;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	result =
	    args[1].type == VALUE_NUMBER ? pow(args[0].u.number, args[1].u.number) : (double)NAN;
	if (!isfinite(result))
		evaluator_raise(
		    ev, "D3061", evaluator_show(ev, &args[0]), evaluator_show(ev, &args[1]));
	return value_number(result);
}

/* One time for the whole evaluation: two calls of $millis() in an expression agree. */
struct value
function_millis(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	(void)args, (void)count, (void)context;
	return value_number((double)ev->outside.now_wall_ms);
}

/* --- $number --- */

/* The text of a number as JSON has it, also with zeros in front: no blanks, no +. $number("01") is
 * 1; $number("+1") and $number(" 1") raise D3030, although JavaScript's Number() takes them. */
static bool
is_decimal(const char *p)
{
	p += *p == '-';
	if (*p < '0' || *p > '9')
		return false;
	p += strspn(p, "0123456789");
	if (*p == '.') {
		size_t digits = strspn(p + 1, "0123456789");

		if (digits == 0)
			return false;
		p += 1 + digits;
	}
	if (*p == 'e' || *p == 'E') {
		p += 1 + (p[1] == '+' || p[1] == '-');
		if (strspn(p, "0123456789") == 0)
			return false;
		p += strspn(p, "0123456789");
	}
	return *p == '\0';
}

/* 0x1f, 0o17, 0b11. Returns the radix; 0 for another text. $number("0x1f") is 31. A sign in front
 * is refused, as in JavaScript. */
static int
radix_of(const char *text)
{
	static const struct {
		char letter;
		int radix;
		const char *digits;
	} kinds[] = {{'x', 16, "0123456789abcdefABCDEF"}, {'o', 8, "01234567"}, {'b', 2, "01"}};

	for (size_t i = 0; i < 3; i++) {
		if (text[0] == '0' && (text[1] | 0x20) == kinds[i].letter && text[2] != '\0' &&
		    text[2 + strspn(text + 2, kinds[i].digits)] == '\0')
			return kinds[i].radix;
	}
	return 0;
}

/* Numbers pass unchanged and true is 1. A text which no double can hold raises D3030, since JSON
 * has no infinity. */
struct value
function_number(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	char text[NUMBER_TEXT_BYTES];
	double number = (double)NAN;
	int radix;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED || args[0].type == VALUE_NUMBER)
		return args[0];
	if (args[0].type == VALUE_BOOLEAN)
		return value_number(args[0].u.boolean);
	snprintf(text, sizeof(text), "%.*s",
	    (int)(args[0].len < sizeof(text) ? args[0].len : sizeof(text) - 1), args[0].u.text);
	radix = radix_of(text);
	if (radix != 0)
		number = (double)strtoull(text + 2, NULL, radix);
	else if (is_decimal(text))
		number = strtod(text, NULL);
	if (!isfinite(number))
		evaluator_raise(ev, "D3030", evaluator_show(ev, &args[0]));
	return value_number(number);
}

/* --- $formatBase --- */

/* $formatBase(255, 16) is "ff". Both arguments are rounded to integers first. The digits are taken
 * from the end, and 0 still has one. */
struct value
function_format_base(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char out[RADIX_DIGITS_MAX + 2];
	size_t at = sizeof(out);
	double number, radix = 10;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	number = round_half_even(ev, args[0].u.number, 0);
	if (count > 1 && args[1].type == VALUE_NUMBER)
		radix = round_half_even(ev, args[1].u.number, 0);
	if (radix < 2 || radix > 36)
		evaluator_raise(ev, "D3100", evaluator_show(ev, &args[1]));
	if (!isfinite(number))
		evaluator_raise(ev, "D3001");
	for (double rest = fabs(number); at > 1 && (rest >= 1 || at == sizeof(out));
	     rest = floor(rest / radix))
		out[--at] = digits[(int)fmod(rest, radix)];
	if (number < 0)
		out[--at] = '-';
	return value_copy_string(&ev->heap, out + at, sizeof(out) - at);
}
