#include "asl/jsonata/functions/integer_picture.h"

#include "asl/jsonata/functions/functions.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_BYTES_MAX	  32
#define MAGNITUDES	  4
#define ROMAN_REPEATS_MAX 10000000.0 /* thousands: longer texts serve no use */

static const char *const few[] = {"zero", "one", "two", "three", "four", "five", "six", "seven",
    "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen",
    "seventeen", "eighteen", "nineteen"};
/* Irregular ordinals are listed, the others are formed: twenty becomes twentieth, hundred becomes
 * hundredth. */
static const char *const few_ordinal[] = {"zeroth", "first", "second", "third", "fourth", "fifth",
    "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth", "thirteenth",
    "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth"};
static const char *const decades[] = {
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};
static const char *const magnitudes[MAGNITUDES] = {"thousand", "million", "billion", "trillion"};

/* Pairs such as cm are digits of their own, so that taking the largest that fits gives the short
 * form: 1999 is mcmxcix. */
static const struct {
	double value;
	const char *letters;
} romans[] = {{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"},
    {40, "xl"}, {10, "x"}, {9, "ix"}, {5, "v"}, {4, "iv"}, {1, "i"}};

/* The zeros of Unicode's decimal digits (general category Nd) that jsonata knows. */
static const uint32_t zeros[] = {0x30, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6,
    0x0b66, 0x0be6, 0x0c66, 0x0ce6, 0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0,
    0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900,
    0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* --- the picture --- */

/* Of 0 and b it is b, so a loop can begin with 0. */
static size_t
greatest_common_divisor(size_t a, size_t b)
{
	while (b != 0) {
		size_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* #,##0 repeats its comma every three digits for any length of number. #,##,0 does not: its
 * separators stand at 1 and 3 digits, and $formatNumber(1234567, "#,##,0") is "1234,56,7". The
 * separators must be at each multiple of the factor, and all be one character. */
size_t
separators_repeat(const struct integer_separator *separators, size_t count)
{
	size_t factor = 0;

	for (size_t i = 0; i < count; i++) {
		if (separators[i].character != separators[0].character)
			return 0;
		factor = greatest_common_divisor(factor, separators[i].position);
	}
	for (size_t i = 1; i <= count; i++) {
		bool found = false;

		for (size_t k = 0; k < count; k++)
			found = found || separators[k].position == i * factor;
		if (!found)
			return 0;
	}
	return factor;
}

/* The zero of a digit's family; 0 for a character that is not a digit. The ten digits of a family
 * follow each other in Unicode, so the zero identifies the family. */
static uint32_t
zero_of(uint32_t character)
{
	for (size_t i = 0; i < COUNT_OF(zeros); i++) {
		if (character >= zeros[i] && character <= zeros[i] + 9)
			return zeros[i];
	}
	return 0;
}

/* A pattern of digits, from its end: #,##0. Positions of separators count the digits on their
 * right, so the scan goes backwards. The output has the digits of the picture's family:
 * $formatInteger(1234, "\u0660") has Arabic-Indic digits. Characters of two families in one picture
 * raise D3131. */
static void
parse_digits(struct evaluator *ev, const char *text, size_t len, struct integer_picture *picture)
{
	size_t position = 0;

	for (size_t end = len; end > 0;) {
		size_t start = end - 1, bytes, repeat;
		uint32_t character, zero;

		/* Steps back over continuation bytes to the start of the character. */
		while (start > 0 && ((unsigned char)text[start] & 0xc0) == 0x80)
			start--;
		character = text_decode(text + start, end - start, &bytes);
		end = start;
		zero = zero_of(character);
		if (zero != 0 && picture->zero != 0 && zero != picture->zero)
			evaluator_raise(ev, "D3131");
		if (zero != 0) {
			picture->zero = zero;
			picture->mandatory++;
			position++;
		} else if (character == '#') {
			picture->optional++;
			position++;
		} else if (picture->separators_count < INTEGER_SEPARATORS_MAX) {
			picture->separators[picture->separators_count++] =
			    (struct integer_separator){position, character};
		}
		if (end > 0)
			continue;
		repeat = separators_repeat(picture->separators, picture->separators_count);
		picture->is_regular = repeat > 0;
		if (repeat > 0)
			/* Only the first entry is used from here on: it holds the distance. */
			picture->separators[0].position = repeat;
	}
	if (picture->mandatory == 0)
		evaluator_raise(ev, "D3130", heap_text(&ev->heap, text, len));
}

/* The last semicolon starts the modifier, so a semicolon may also be a separator of groups. Only
 * "o" (ordinal) has a meaning; "c" (cardinal) and all else are ignored. */
void
integer_picture_parse(
    struct evaluator *ev, const char *text, size_t len, struct integer_picture *ret_picture)
{
	static const struct {
		const char *text;
		enum integer_style style;
		enum integer_case letter_case;
	} names[] = {{"A", INTEGER_LETTERS, INTEGER_UPPER}, {"a", INTEGER_LETTERS, INTEGER_LOWER},
	    {"I", INTEGER_ROMAN, INTEGER_UPPER}, {"i", INTEGER_ROMAN, INTEGER_LOWER},
	    {"W", INTEGER_WORDS, INTEGER_UPPER}, {"Ww", INTEGER_WORDS, INTEGER_TITLE},
	    {"w", INTEGER_WORDS, INTEGER_LOWER}};
	const char *semicolon = len > 0 ? memrchr(text, ';', len) : NULL;
	struct integer_picture picture = {.style = INTEGER_DECIMAL};

	if (semicolon != NULL) {
		picture.ordinal = semicolon + 1 < text + len && semicolon[1] == 'o';
		len = (size_t)(semicolon - text);
	}
	if (len == 0) /* also of an undefined argument, which has no text at all */
		evaluator_raise(ev, "D3130", "");
	/* A picture which is not one of the names in full is a pattern of digits: "Wx" has no digit
	 * and raises D3130. */
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (strlen(names[i].text) != len || memcmp(names[i].text, text, len) != 0)
			continue;
		picture.style = names[i].style;
		picture.letter_case = names[i].letter_case;
		*ret_picture = picture;
		return;
	}
	parse_digits(ev, text, len, &picture);
	*ret_picture = picture;
}

/* --- formatting --- */

/* The words are stored in small letters of ASCII, so a difference of 32 changes the case. */
static void
add_word(struct text *out, const char *word, enum integer_case letter_case)
{
	for (size_t i = 0; word[i] != '\0'; i++) {
		bool upper =
		    letter_case == INTEGER_UPPER || (letter_case == INTEGER_TITLE && i == 0);

		text_add_char(out, upper && word[i] >= 'a' ? (char)(word[i] - 32) : word[i]);
	}
}

/* 0 to 99: "twelve", "thirty-four"; ordinal: "twelfth", "thirty-fourth", "twentieth". */
static void
add_words_below_100(struct text *out, int number, bool ordinal, enum integer_case letter_case)
{
	const char *const *last = ordinal ? few_ordinal : few;

	if (number < 20) {
		add_word(out, last[number], letter_case);
		return;
	}
	add_word(out, decades[number / 10 - 2], letter_case);
	if (number % 10 > 0) {
		text_add_char(out, '-');
		add_word(out, last[number % 10], letter_case);
	} else if (ordinal) {
		out->len--; /* the y of "twenty" */
		add_word(out, "ieth", letter_case == INTEGER_UPPER ? INTEGER_UPPER : INTEGER_LOWER);
	}
}

/* joined: words stand before, so "and" or a comma comes between. 1234 is "one thousand, two hundred
 * and thirty-four": the comma separates groups of 100 and more, the "and" what is below 100. Only
 * the last word is ordinal: 2300 is "two thousand, three hundredth". */
static void
add_words(struct text *out, double number, bool joined, bool ordinal, enum integer_case letter_case)
{
	/* "and" keeps its small letters in a title. */
	enum integer_case joint = letter_case == INTEGER_UPPER ? INTEGER_UPPER : INTEGER_LOWER;
	double part, rest;

	if (number < 100 && joined)
		add_word(out, " and ", joint);
	else if (joined)
		text_add(out, ", ", 2);
	if (number < 100) {
		add_words_below_100(out, (int)number, ordinal, letter_case);
		return;
	}
	if (number < 1000) {
		part = floor(number / 100);
		rest = fmod(number, 100);
		add_word(out, few[(int)part], letter_case);
		text_add_char(out, ' ');
		add_word(out, "hundred", letter_case);
	} else {
		/* Beyond trillions the largest magnitude repeats: 10^15 is "one thousand
		 * trillion". */
		int magnitude = (int)floor(floor(log10(number)) / 3);
		double factor;

		if (magnitude > MAGNITUDES)
			magnitude = MAGNITUDES;
		factor = pow(10, magnitude * 3);
		part = floor(number / factor);
		rest = number - part * factor;
		add_words(out, part, false, false, letter_case);
		text_add_char(out, ' ');
		add_word(out, magnitudes[magnitude - 1], letter_case);
	}
	if (rest > 0)
		add_words(out, rest, true, ordinal, letter_case);
	else if (ordinal)
		add_word(out, "th", letter_case == INTEGER_UPPER ? INTEGER_UPPER : INTEGER_LOWER);
}

/* Zero has no Roman numeral and gives the empty string. The limit bounds the text to 10,000 letters
 * m. */
static void
add_roman(struct text *out, double number, enum integer_case letter_case)
{
	number = number < ROMAN_REPEATS_MAX ? number : ROMAN_REPEATS_MAX;
	for (size_t i = 0; i < COUNT_OF(romans); i++) {
		while (number >= romans[i].value) {
			number -= romans[i].value;
			add_word(out, romans[i].letters, letter_case);
		}
	}
}

/* a, b .. z, aa, ab .. The digits are 1 to 26 and zero is absent, so 1 is taken off before each
 * division: 27 is aa. */
static void
add_letters(struct text *out, double number, enum integer_case letter_case)
{
	char letters[300];
	size_t at = sizeof(letters);

	while (number > 0 && at > 0) {
		letters[--at] =
		    (char)((letter_case == INTEGER_UPPER ? 'A' : 'a') + (int)fmod(number - 1, 26));
		number = floor((number - 1) / 26);
	}
	text_add(out, letters + at, sizeof(letters) - at);
}

static void
add_character(struct text *out, uint32_t character)
{
	char bytes[4];

	text_add(out, bytes, text_encode(bytes, character));
}

/* What stands before the last `right` digits. Behind the digits it may be any text: "0 kg". */
static void
add_separators(const struct integer_picture *picture, size_t right, struct text *out)
{
	if (picture->is_regular) {
		if (right > 0 && right % picture->separators[0].position == 0)
			add_character(out, picture->separators[0].character);
		return;
	}
	/* They were found from the right. */
	for (size_t i = picture->separators_count; i > 0; i--) {
		if (picture->separators[i - 1].position == right)
			add_character(out, picture->separators[i - 1].character);
	}
}

/* 11th, 12th and 13th are exceptions, so the digit before the last is looked at too. */
static const char *
ordinal_suffix(const char *digits, size_t len)
{
	static const char *const suffixes[] = {"st", "nd", "rd"};
	char last = digits[len - 1];

	if (last < '1' || last > '3' || (len > 1 && digits[len - 2] == '1'))
		return "th";
	return suffixes[last - '1'];
}

static void
add_digits(const struct integer_picture *picture, double number, struct text *out)
{
	struct text digits = {.heap = out->heap};
	size_t padding;

	/* Numbers from 10^21 on are written with an exponent, whose characters pass through
	 * below. */
	text_add_number(&digits, number);
	padding = picture->mandatory > digits.len ? picture->mandatory - digits.len : 0;
	for (size_t i = 0, all = padding + digits.len; i < all; i++) {
		size_t right = all - i;
		char digit = i < padding ? '0' : digits.at[i - padding];

		if (i > 0)
			add_separators(picture, right, out);
		add_character(out, digit >= '0' && digit <= '9'
				       ? picture->zero + (uint32_t)(digit - '0')
				       : (uint32_t)(unsigned char)digit);
	}
	add_separators(picture, 0, out);
	if (picture->ordinal) {
		const char *suffix = ordinal_suffix(digits.at, digits.len);

		text_add(out, suffix, 2);
	}
}

/* The sign stands before the digits in every style: $formatInteger(-5, "w") is "-five". */
void
integer_picture_format(const struct integer_picture *picture, double number, struct text *out)
{
	if (number < 0)
		text_add_char(out, '-');
	number = fabs(number);
	switch (picture->style) {
	case INTEGER_LETTERS:
		add_letters(out, number, picture->letter_case);
		break;
	case INTEGER_ROMAN:
		add_roman(out, number, picture->letter_case);
		break;
	case INTEGER_WORDS:
		add_words(out, number, false, picture->ordinal, picture->letter_case);
		break;
	case INTEGER_DECIMAL:
		add_digits(picture, number, out);
		break;
	}
}

/* --- reading --- */

/* "hundredth" is "hundred" with the ending "th". */
static bool
word_is(const char *word, const char *known, const char *ending)
{
	size_t len = strlen(known);

	return strncmp(word, known, len) == 0 && strcmp(word + len, ending) == 0;
}

/* The value of a word, ordinal or not; NaN of none. */
static double
word_value(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(few); i++) {
		if (strcmp(word, few[i]) == 0 || strcmp(word, few_ordinal[i]) == 0)
			return (double)i;
	}
	for (size_t i = 0; i < COUNT_OF(decades); i++) {
		size_t stem = strlen(decades[i]) - 1;

		if (strcmp(word, decades[i]) == 0 ||
		    (strncmp(word, decades[i], stem) == 0 && strcmp(word + stem, "ieth") == 0))
			return (double)(i + 2) * 10;
	}
	if (word_is(word, "hundred", "") || word_is(word, "hundred", "th"))
		return 100;
	for (size_t i = 0; i < MAGNITUDES; i++) {
		if (word_is(word, magnitudes[i], "") || word_is(word, magnitudes[i], "th"))
			return pow(10, (double)(i + 1) * 3);
	}
	return (double)NAN;
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The bytes of what stands between two words at the start of text: ", ", " and ", or one character;
 * 0 where a word goes on. */
static size_t
word_gap(const char *text, size_t len)
{
	if (len >= 2 && text[0] == ',' && is_blank(text[1]))
		return 2;
	if (len >= 5 && is_blank(text[0]) && strncasecmp(text + 1, "and", 3) == 0 &&
	    is_blank(text[4]))
		return 5;
	return len > 0 && (is_blank(text[0]) || text[0] == '-' || text[0] == '\\') ? 1 : 0;
}

/* "two hundred and five": values below 100 are added, the others multiply what came before. Every
 * word must be known, also an empty one between two gaps. */
static double
read_words(const char *text, size_t len)
{
	double done = 0, current = 0;

	for (size_t at = 0;;) {
		char word[WORD_BYTES_MAX];
		size_t bytes = 0, gap;
		double value;

		while ((gap = word_gap(text + at, len - at)) == 0 && at < len) {
			/* A word that is too long is cut and matches no entry. */
			if (bytes + 1 < sizeof(word))
				word[bytes++] = (char)tolower((unsigned char)text[at]);
			at++;
		}
		word[bytes] = '\0';
		value = word_value(word);
		if (value < 100) {
			/* "two thousand and five": the thousands are complete, so a later "hundred"
			 * must not multiply them. */
			if (current >= 1000) {
				done += current;
				current = 0;
			}
			current += value;
		} else {
			current *= value;
		}
		if (gap == 0)
			return done + current;
		at += gap;
	}
}

/* From the right: a digit below the largest seen so far is subtracted, as the c in cm. The order is
 * not checked further. A picture of small letters takes capitals, too, but not the other way
 * round. */
static double
read_roman(const char *text, size_t len, enum integer_case letter_case)
{
	static const char letters[] = "ivxlcdmIVXLCDM";
	static const double values[] = {1, 5, 10, 50, 100, 500, 1000};
	const char *first = letter_case == INTEGER_UPPER ? letters + 7 : letters;
	double number = 0, largest = 1;

	for (size_t i = len; i > 0; i--) {
		const char *found = strchr(first, text[i - 1]);
		double value;

		if (found == NULL || *found == '\0')
			return (double)NAN;
		value = values[(found - letters) % 7];
		if (value < largest) {
			number -= value;
		} else {
			largest = value;
			number += value;
		}
	}
	return number;
}

/* The inverse of add_letters: "aa" is 27. As in jsonata nothing is checked: a unit of UTF-16 that
 * is not a letter of the picture's case counts by its distance from the first one. */
static double
read_letters(const char *text, size_t len, enum integer_case letter_case)
{
	double before = (letter_case == INTEGER_UPPER ? 'A' : 'a') - 1;
	double number = 0;

	for (size_t at = 0, bytes = 0; at < len; at += bytes) {
		uint32_t character = text_decode(text + at, len - at, &bytes);

		if (character >= 0x10000) {
			number = number * 26 + (0xd7c0 + (character >> 10)) - before;
			character = 0xdc00 + (character & 0x3ff);
		}
		number = number * 26 + character - before;
	}
	return number;
}

/* Digits of the picture's family; separators are passed over. Of a regular picture that is the
 * comma, whatever the picture has. An ordinal's two last characters are its ending, unlooked at.
 * Reading stops at the first other character. */
static double
read_digits(const struct integer_picture *picture, const char *text, size_t len)
{
	double number = 0;
	bool has_digits = false, is_negative;

	if (picture->ordinal)
		len = len > 2 ? len - 2 : 0;
	is_negative = len > 0 && text[0] == '-';
	for (size_t at = is_negative || (len > 0 && text[0] == '+') ? 1 : 0; at < len;) {
		size_t bytes;
		uint32_t character = text_decode(text + at, len - at, &bytes);
		bool is_separator = picture->is_regular && character == ',';

		at += bytes;
		for (size_t i = 0; i < picture->separators_count && !picture->is_regular; i++)
			is_separator =
			    is_separator || picture->separators[i].character == character;
		if (character >= picture->zero && character <= picture->zero + 9) {
			number = number * 10 + (character - picture->zero);
			has_digits = true;
		} else if (!is_separator) {
			break;
		}
	}
	if (!has_digits)
		return (double)NAN;
	return is_negative ? -number : number;
}

double
integer_picture_read(const struct integer_picture *picture, const char *text, size_t len)
{
	switch (picture->style) {
	case INTEGER_LETTERS:
		return read_letters(text, len, picture->letter_case);
	case INTEGER_ROMAN:
		return read_roman(text, len, picture->letter_case);
	case INTEGER_WORDS:
		return read_words(text, len);
	case INTEGER_DECIMAL:
		break;
	}
	return read_digits(picture, text, len);
}

/* Any run of the words that numbers are made of. Spaces, commas and hyphens belong to the run,
 * since they stand within a number. */
static void
add_words_regex(struct text *out)
{
	text_add(out, "(?:", 3);
	for (size_t i = 0; i < COUNT_OF(few); i++) {
		/* The ordinal first: it may begin with the other. */
		text_add(out, few_ordinal[i], strlen(few_ordinal[i]));
		text_add_char(out, '|');
		text_add(out, few[i], strlen(few[i]));
		text_add_char(out, '|');
	}
	for (size_t i = 0; i < COUNT_OF(decades); i++) {
		text_add(out, decades[i], strlen(decades[i]) - 1);
		text_add(out, "(?:y|ieth)|", 11);
	}
	for (size_t i = 0; i < MAGNITUDES; i++) {
		text_add(out, magnitudes[i], strlen(magnitudes[i]));
		text_add(out, "(?:th)?|", 8);
	}
	text_add(out, "hundred(?:th)?|and|[-, ])+", 26);
}

/* The text of a date is split by one regular expression, so each style says which characters are
 * its own. A fixed width separates numbers without a sign between: [Y0001][M01] reads 197001. */
void
integer_picture_regex(const struct integer_picture *picture, struct text *out)
{
	char width[32];

	switch (picture->style) {
	case INTEGER_LETTERS:
		text_add(out, "[a-z]+", 6);
		break;
	case INTEGER_ROMAN:
		text_add(out, "[mdclxvi]+", 10);
		break;
	case INTEGER_WORDS:
		add_words_regex(out);
		break;
	case INTEGER_DECIMAL:
		if (picture->parse_width > 0)
			snprintf(width, sizeof(width), "[0-9]{%zu}", picture->parse_width);
		else
			snprintf(width, sizeof(width), "[0-9]+");
		text_add(out, width, strlen(width));
		if (picture->ordinal)
			text_add(out, "(?:th|st|nd|rd)", 15);
		break;
	}
}

/* --- the functions --- */

/* A fraction is rounded down, also below zero: -1.5 is written as -2. */
struct value
function_format_integer(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct integer_picture picture;
	struct text out = {.heap = &ev->heap};

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	if (!isfinite(args[0].u.number))
		evaluator_raise(ev, "D3001");
	integer_picture_parse(ev, args[1].u.text, args[1].len, &picture);
	integer_picture_format(&picture, floor(args[0].u.number), &out);
	return text_value(&out);
}

/* A text without digits is NaN, which becomes null in a document, as in jsonata: $exists
 * is true of it, unlike of a text that is missing. */
struct value
function_parse_integer(
    struct evaluator *ev, const struct value *args, size_t count, const struct value *context)
{
	struct integer_picture picture;
	double number;

	(void)count, (void)context;
	if (args[0].type == VALUE_UNDEFINED)
		return args[0];
	integer_picture_parse(ev, args[1].u.text, args[1].len, &picture);
	number = integer_picture_read(&picture, args[0].u.text, args[0].len);
	return value_number(number);
}
