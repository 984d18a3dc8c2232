#include "asl/jsonata/functions/functions.h"
#include "asl/jsonata/functions/integer_picture.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * $formatNumber: pictures such as "#,##0.00;(#,##0.00)" for positive and negative numbers.
 * See: https://www.w3.org/TR/xpath-functions-31/#func-format-number
 */

#define FRACTION_DIGITS_MAX 300 /* more are zeros */
#define FIXED_BYTES	    (310 + FRACTION_DIGITS_MAX + 8)
#define EXPONENT_STEPS_MAX  700 /* from the smallest double to the largest */

/* The characters that mean something, each of which an option can change. The order is that of
 * signs[] below. */
enum sign {
	SIGN_DECIMAL,
	SIGN_GROUPING,
	SIGN_EXPONENT,
	SIGN_MINUS,
	SIGN_PERCENT,
	SIGN_PER_MILLE,
	SIGN_ZERO,
	SIGN_DIGIT,
	SIGN_PATTERN,
	SIGN_COUNT
};

static const struct {
	const char *option;
	const char *usual;
} signs[SIGN_COUNT] = {
    [SIGN_DECIMAL] = {"decimal-separator", "."},
    [SIGN_GROUPING] = {"grouping-separator", ","},
    [SIGN_EXPONENT] = {"exponent-separator", "e"},
    [SIGN_MINUS] = {"minus-sign", "-"},
    [SIGN_PERCENT] = {"percent", "%"},
    [SIGN_PER_MILLE] = {"per-mille", "\xe2\x80\xb0"},
    [SIGN_ZERO] = {"zero-digit", "0"},
    [SIGN_DIGIT] = {"digit", "#"},
    [SIGN_PATTERN] = {"pattern-separator", ";"},
};

/* Characters of a picture. */
struct chars {
	const uint32_t *at;
	size_t len;
};

struct format {
	struct evaluator *ev;
	uint32_t sign[SIGN_COUNT]; /* the characters that are used */
	struct value
	    text[SIGN_COUNT]; /* an option may be longer: percent signs are written whole */
};

/* One half of a picture, taken apart. */
struct sub_picture {
	struct chars all;
	struct chars prefix, suffix, active, mantissa, integer, fraction, exponent;
	bool has_exponent;
	bool has_decimal;
	size_t decimal; /* its place in the mantissa */
	struct integer_separator integer_groups[INTEGER_SEPARATORS_MAX];
	size_t integer_groups_count;
	size_t regular; /* groups repeat at that distance; 0: they do not */
	size_t fraction_groups[INTEGER_SEPARATORS_MAX];
	size_t fraction_groups_count;
	size_t integer_min, scaling, fraction_min, fraction_max, exponent_min;
};

/* An array of code points, since a picture is searched by position from both ends. One element more
 * than needed, as an empty text would otherwise be an array of size 0. */
static struct chars
chars_of(struct evaluator *ev, const struct value *text)
{
	uint32_t *at = heap_array(&ev->heap, (size_t)text->len + 1, sizeof(*at));
	size_t count = 0;

	for (size_t i = 0; i < text->len;) {
		size_t bytes;

		at[count++] = text_decode(text->u.text + i, text->len - i, &bytes);
		i += bytes;
	}
	return (struct chars){at, count};
}

/* The bounds are clamped as those of String.prototype.substring, so callers need not check for a
 * missing part. */
static struct chars
slice(struct chars chars, size_t from, size_t to)
{
	to = to < chars.len ? to : chars.len;
	return from < to ? (struct chars){chars.at + from, to - from} : (struct chars){chars.at, 0};
}

/* The place of a character at or behind from; SIZE_MAX where it is absent. */
static size_t
find_char(struct chars chars, uint32_t character, size_t from)
{
	for (size_t i = from; i < chars.len; i++) {
		if (chars.at[i] == character)
			return i;
	}
	return SIZE_MAX;
}

static size_t
count_char(struct chars chars, uint32_t character)
{
	size_t count = 0;

	for (size_t i = 0; i < chars.len; i++)
		count += chars.at[i] == character;
	return count;
}

/* How often a sign stands there; one that an option gives may be longer than a character. */
static size_t
count_sign(const struct format *f, struct chars chars, enum sign sign)
{
	struct chars wanted = chars_of(f->ev, &f->text[sign]);
	size_t count = 0;

	for (size_t i = 0; i + wanted.len <= chars.len; i++)
		count += memcmp(chars.at + i, wanted.at, wanted.len * sizeof(wanted.at[0])) == 0;
	return count;
}

/* An option may set another zero; its family follows it in Unicode. */
static bool
is_digit(const struct format *f, uint32_t character)
{
	return character >= f->sign[SIGN_ZERO] && character <= f->sign[SIGN_ZERO] + 9;
}

/* Active characters form the number; any other one is literal text before or after it. */
static bool
is_active(const struct format *f, uint32_t character)
{
	return is_digit(f, character) || character == f->sign[SIGN_DECIMAL] ||
	       character == f->sign[SIGN_EXPONENT] || character == f->sign[SIGN_GROUPING] ||
	       character == f->sign[SIGN_DIGIT] || character == f->sign[SIGN_PATTERN];
}

/* Digits among the characters; optional ones too where asked for. */
static size_t
count_digits(const struct format *f, struct chars chars, bool optional)
{
	size_t count = 0;

	for (size_t i = 0; i < chars.len; i++)
		count +=
		    is_digit(f, chars.at[i]) || (optional && chars.at[i] == f->sign[SIGN_DIGIT]);
	return count;
}

/* --- taking apart --- */

/* "$#,##0.00 net" has the prefix "$", the suffix " net" and the active part between. An exponent
 * sign counts only within the active part: a leading or trailing "e" is text. */
static void
split_parts(const struct format *f, struct sub_picture *p)
{
	size_t start = 0, end = p->all.len, exponent;

	while (start < end &&
	       (!is_active(f, p->all.at[start]) || p->all.at[start] == f->sign[SIGN_EXPONENT]))
		start++;
	while (end > start &&
	       (!is_active(f, p->all.at[end - 1]) || p->all.at[end - 1] == f->sign[SIGN_EXPONENT]))
		end--;
	if (start == end) /* nothing is active: all of it is taken for that */
		start = 0, end = p->all.len;
	p->prefix = slice(p->all, 0, start);
	p->suffix = slice(p->all, end, p->all.len);
	p->active = slice(p->all, start, end);
	exponent = find_char(p->all, f->sign[SIGN_EXPONENT], start);
	p->mantissa = p->active;
	p->has_exponent = exponent != SIZE_MAX && exponent <= end;
	if (p->has_exponent) {
		p->mantissa = slice(p->active, 0, exponent);
		p->exponent = slice(p->active, exponent + 1, p->active.len);
	}
	p->decimal = find_char(p->mantissa, f->sign[SIGN_DECIMAL], 0);
	p->has_decimal = p->decimal != SIZE_MAX;
	p->integer = p->has_decimal ? slice(p->mantissa, 0, p->decimal) : p->mantissa;
	p->fraction =
	    p->has_decimal ? slice(p->mantissa, p->decimal + 1, p->mantissa.len) : p->suffix;
}

static _Noreturn void
raise_picture(const struct format *f, const char *code)
{
	evaluator_raise(f->ev, code);
}

static uint32_t
char_at(struct chars chars, size_t at)
{
	return at < chars.len ? chars.at[at] : 0;
}

/* Optional digits stand outside: #0.0# is valid, 0#.#0 is not. */
static const char *
check_digits_order(const struct format *f, const struct sub_picture *p, const char *code)
{
	size_t optional = find_char(p->integer, f->sign[SIGN_DIGIT], 0);

	if (optional != SIZE_MAX && count_digits(f, slice(p->integer, 0, optional), false) > 0)
		code = "D3090";
	for (size_t i = p->fraction.len; i > 0; i--) {
		if (p->fraction.at[i - 1] != f->sign[SIGN_DIGIT])
			continue;
		return count_digits(f, slice(p->fraction, i - 1, p->fraction.len), false) > 0
			   ? "D3091"
			   : code;
	}
	return code;
}

/* Of several faults the last one counts, as in jsonata. */
static void
check_sub_picture(const struct format *f, const struct sub_picture *p)
{
	uint32_t grouping = f->sign[SIGN_GROUPING];
	size_t percents = count_sign(f, p->all, SIGN_PERCENT);
	size_t per_milles = count_sign(f, p->all, SIGN_PER_MILLE);
	bool has_passive = false;
	const char *code = NULL;

	if (count_char(p->all, f->sign[SIGN_DECIMAL]) > 1)
		code = "D3081";
	if (percents > 1)
		code = "D3082";
	if (per_milles > 1)
		code = "D3083";
	if (percents > 0 && per_milles > 0)
		code = "D3084";
	if (count_digits(f, p->mantissa, true) == 0)
		code = "D3085";
	for (size_t i = 0; i < p->active.len; i++)
		has_passive = has_passive || !is_active(f, p->active.at[i]);
	/* A literal between digits would make the picture ambiguous. */
	if (has_passive)
		code = "D3086";
	if (p->has_decimal && ((p->decimal > 0 && char_at(p->all, p->decimal - 1) == grouping) ||
				  char_at(p->all, p->decimal + 1) == grouping))
		code = "D3087";
	if (!p->has_decimal && p->integer.len > 0 && p->integer.at[p->integer.len - 1] == grouping)
		code = "D3088";
	for (size_t i = 1; i < p->all.len; i++) {
		if (p->all.at[i] == grouping && p->all.at[i - 1] == grouping)
			code = "D3089";
	}
	code = check_digits_order(f, p, code);
	if (p->has_exponent && p->exponent.len > 0 && (percents > 0 || per_milles > 0))
		code = "D3092";
	if (p->has_exponent &&
	    (p->exponent.len == 0 || count_digits(f, p->exponent, false) < p->exponent.len))
		code = "D3093";
	if (code != NULL)
		raise_picture(f, code);
}

/* Positions in the integer part count digits from the right, in the fraction from the left, so both
 * count from the decimal separator. */
static void
find_groups(const struct format *f, struct sub_picture *p)
{
	size_t at = find_char(p->integer, f->sign[SIGN_GROUPING], 0);

	for (; at != SIZE_MAX && p->integer_groups_count < INTEGER_SEPARATORS_MAX;
	     at = find_char(p->integer, f->sign[SIGN_GROUPING], at + 1))
		p->integer_groups[p->integer_groups_count++].position =
		    count_digits(f, slice(p->integer, at, p->integer.len), true);
	/* Regular groups continue beyond the picture: "#,##0" writes 1,234,567. */
	p->regular = separators_repeat(p->integer_groups, p->integer_groups_count);
	at = find_char(p->fraction, f->sign[SIGN_GROUPING], 0);
	for (;
	     p->has_decimal && at != SIZE_MAX && p->fraction_groups_count < INTEGER_SEPARATORS_MAX;
	     at = find_char(p->fraction, f->sign[SIGN_GROUPING], at + 1))
		p->fraction_groups[p->fraction_groups_count++] =
		    count_digits(f, slice(p->fraction, 0, at), true);
}

/* The rules of the specification for a picture without mandatory digits: at least one digit is
 * written. $formatNumber(0, "#.#") is ".0", $formatNumber(0.5, "#.#") is ".5". */
static void
measure(const struct format *f, struct sub_picture *p)
{
	p->integer_min = p->scaling = count_digits(f, p->integer, false);
	p->fraction_min = count_digits(f, p->fraction, false);
	p->fraction_max = count_digits(f, p->fraction, true);
	if (p->fraction_max > FRACTION_DIGITS_MAX)
		p->fraction_max = FRACTION_DIGITS_MAX;
	if (p->integer_min == 0 && p->fraction_max == 0) {
		if (p->has_exponent)
			p->fraction_min = p->fraction_max = 1;
		else
			p->integer_min = 1;
	}
	if (p->has_exponent && p->integer_min == 0 &&
	    find_char(p->integer, f->sign[SIGN_DIGIT], 0) != SIZE_MAX)
		p->integer_min = 1;
	if (p->integer_min == 0 && p->fraction_min == 0)
		p->fraction_min = 1;
	if (p->has_exponent)
		p->exponent_min = count_digits(f, p->exponent, false);
}

/* The half of the picture for the number's sign. negative: the first half serves with a minus. Both
 * halves are checked, whichever is used, so that a wrong picture fails for any number.
 * $formatNumber(-5, "0;(0)") is "(5)", $formatNumber(-5, "0") is "-5". */
static struct sub_picture
choose_half(const struct format *f, struct chars picture, bool is_negative, bool *ret_minus)
{
	size_t separator = find_char(picture, f->sign[SIGN_PATTERN], 0);
	struct sub_picture p = {.all = picture};
	struct sub_picture other = {0};

	if (count_char(picture, f->sign[SIGN_PATTERN]) > 1)
		raise_picture(f, "D3080");
	*ret_minus = is_negative && separator == SIZE_MAX;
	if (separator != SIZE_MAX) {
		p.all = slice(picture, 0, separator);
		other.all = slice(picture, separator + 1, picture.len);
		split_parts(f, &other);
		check_sub_picture(f, &other);
	}
	split_parts(f, &p);
	check_sub_picture(f, &p);
	return is_negative && separator != SIZE_MAX ? other : p;
}

/* --- putting together --- */

static void
add_char(const struct format *f, struct text *out, uint32_t character)
{
	char bytes[4];

	(void)f;
	text_add(out, bytes, text_encode(bytes, character));
}

static void
add_chars(const struct format *f, struct text *out, struct chars chars)
{
	for (size_t i = 0; i < chars.len; i++)
		add_char(f, out, chars.at[i]);
}

/* Without a regular distance only the positions of the picture have a separator:
 * $formatNumber(1234567, "#,##,0") is "1234,56,7". */
static bool
integer_separator_before(const struct sub_picture *p, size_t right)
{
	if (p->regular > 0)
		return right % p->regular == 0;
	for (size_t i = 0; i < p->integer_groups_count; i++) {
		if (p->integer_groups[i].position == right)
			return true;
	}
	return false;
}

/* digits: of the integer part without leading zeros. */
static void
add_integer(const struct format *f, const struct sub_picture *p, struct text *out,
    const char *digits, size_t len)
{
	size_t padding = p->integer_min > len ? p->integer_min - len : 0;

	for (size_t i = 0, all = padding + len; i < all; i++) {
		char digit = i < padding ? '0' : digits[i - padding];

		if (i > 0 && integer_separator_before(p, all - i))
			add_char(f, out, f->sign[SIGN_GROUPING]);
		add_char(f, out, f->sign[SIGN_ZERO] + (uint32_t)(digit - '0'));
	}
}

/* digits: of the fraction without trailing zeros. */
static void
add_fraction(const struct format *f, const struct sub_picture *p, struct text *out,
    const char *digits, size_t len)
{
	size_t all = len > p->fraction_min ? len : p->fraction_min;

	if (all == 0 || !p->has_decimal)
		return;
	add_char(f, out, f->sign[SIGN_DECIMAL]);
	for (size_t i = 0; i < all; i++) {
		char digit = i < len ? digits[i] : '0';

		for (size_t k = 0; i > 0 && k < p->fraction_groups_count; k++) {
			if (p->fraction_groups[k] == i)
				add_char(f, out, f->sign[SIGN_GROUPING]);
		}
		add_char(f, out, f->sign[SIGN_ZERO] + (uint32_t)(digit - '0'));
	}
}

/* The minus sign is written only below zero: $formatNumber(1234, "00.000e0") is "12.340e2". */
static void
add_exponent(const struct format *f, const struct sub_picture *p, struct text *out, int exponent)
{
	char digits[16];
	size_t len;

	if (!p->has_exponent)
		return;
	snprintf(digits, sizeof(digits), "%d", abs(exponent));
	len = strlen(digits);
	add_char(f, out, f->sign[SIGN_EXPONENT]);
	if (exponent < 0)
		text_add_value(out, &f->text[SIGN_MINUS]);
	for (size_t i = len; i < p->exponent_min; i++)
		add_char(f, out, f->sign[SIGN_ZERO]);
	for (size_t i = 0; i < len; i++)
		add_char(f, out, f->sign[SIGN_ZERO] + (uint32_t)(digits[i] - '0'));
}

/* The number as its picture shows it: a percentage is multiplied, an exponent taken out. The
 * mantissa has as many integer digits as the picture has mandatory ones. The loops multiply and
 * divide by ten, as jsonata does, so both round alike. $formatNumber(0.14, "01%") is "14%". */
static double
scale_number(const struct format *f, const struct sub_picture *p, double number, int *ret_exponent)
{
	double most, least;

	number = fabs(number);
	if (count_sign(f, p->all, SIGN_PERCENT) > 0)
		number *= 100;
	else if (count_sign(f, p->all, SIGN_PER_MILLE) > 0)
		number *= 1000;
	*ret_exponent = 0;
	if (p->exponent_min == 0 || number == 0)
		return number;
	most = pow(10, (double)p->scaling);
	least = pow(10, (double)p->scaling - 1);
	for (int i = 0; number < least && i < EXPONENT_STEPS_MAX; i++, --*ret_exponent)
		number *= 10;
	for (int i = 0; number > most && i < EXPONENT_STEPS_MAX; i++, ++*ret_exponent)
		number /= 10;
	return number;
}

/* An option's first character serves within the picture; the whole text of minus and percent signs
 * is used elsewhere. */
static void
read_options(struct format *f, const struct value *options)
{
	for (size_t i = 0; i < SIGN_COUNT; i++) {
		struct value given = value_undefined();
		size_t bytes;

		if (options != NULL && options->type == VALUE_OBJECT)
			given = value_member(options, signs[i].option, strlen(signs[i].option));
		f->text[i] = value_string(signs[i].usual, strlen(signs[i].usual));
		if (given.type == VALUE_STRING && given.len > 0)
			f->text[i] = given;
		f->sign[i] = text_decode(f->text[i].u.text, f->text[i].len, &bytes);
	}
}

/* The picture is checked before the number, so a wrong one is reported for an infinite number
 * too. */
struct value
function_format_number(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct format f = {.ev = ev};
	struct text out = {.heap = &ev->heap};
	struct sub_picture p;
	char fixed[FIXED_BYTES];
	const char *integer = fixed, *point;
	bool has_minus;
	int exponent;
	size_t fraction_len;

	(void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	read_options(&f, count > 2 ? &args[2] : NULL);
	p = choose_half(&f, chars_of(ev, &args[1]), args[0].u.number < 0, &has_minus);
	find_groups(&f, &p);
	measure(&f, &p);
	if (!isfinite(args[0].u.number))
		evaluator_raise(ev, "D3001");
	snprintf(fixed, sizeof(fixed), "%.*f", (int)p.fraction_max,
	    round_half_even(
		ev, scale_number(&f, &p, args[0].u.number, &exponent), (int)p.fraction_max));
	/* %f writes "0.5" where the picture may want ".5": add_integer puts back the mandatory
	 * zeros. */
	while (*integer == '0')
		integer++;
	point = strchr(integer, '.');
	if (point == NULL)
		point = integer + strlen(integer);
	fraction_len = *point == '.' ? strlen(point + 1) : 0;
	/* The fraction was written with its largest length; add_fraction fills up to the
	 * smallest. */
	while (fraction_len > 0 && point[fraction_len] == '0')
		fraction_len--;
	if (has_minus)
		text_add_value(&out, &f.text[SIGN_MINUS]);
	add_chars(&f, &out, p.prefix);
	add_integer(&f, &p, &out, integer, (size_t)(point - integer));
	add_fraction(&f, &p, &out, point + 1, fraction_len);
	add_exponent(&f, &p, &out, exponent);
	add_chars(&f, &out, p.suffix);
	return text_value(&out);
}
