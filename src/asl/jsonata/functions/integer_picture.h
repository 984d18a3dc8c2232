#ifndef TMFLOW_ASL_JSONATA_FUNCTIONS_INTEGER_PICTURE_H
#define TMFLOW_ASL_JSONATA_FUNCTIONS_INTEGER_PICTURE_H

#include "asl/jsonata/evaluator.h"
#include "asl/jsonata/text.h"

/*
 * Pictures of whole numbers, as $formatInteger, $parseInteger and the components of dates use them:
 * "w" words, "I" Roman, "a" letters, "#,##0" digits; ";o" behind it: ordinal.
 * See: https://www.w3.org/TR/xpath-functions-31/#func-format-integer
 */

enum integer_style { INTEGER_DECIMAL, INTEGER_LETTERS, INTEGER_ROMAN, INTEGER_WORDS };
enum integer_case { INTEGER_LOWER, INTEGER_UPPER, INTEGER_TITLE };

#define INTEGER_SEPARATORS_MAX 32 /* of one picture */

struct integer_separator {
	size_t position; /* digits to its right */
	uint32_t character;
};

struct integer_picture {
	enum integer_style style;
	enum integer_case letter_case;
	bool ordinal;
	uint32_t zero; /* the digits' zero, such as U+0660 */
	size_t mandatory;
	size_t optional;
	bool is_regular; /* separators[0] repeats at each `position` digits */
	struct integer_separator separators[INTEGER_SEPARATORS_MAX];
	size_t separators_count;
	size_t parse_width; /* digits to be taken when parsing; 0: as many as there are */
};

/* Raises D3130, D3131. */
void integer_picture_parse(
    struct evaluator *ev, const char *text, size_t len, struct integer_picture *ret_picture);

/* Appends number, which is whole. */
void integer_picture_format(const struct integer_picture *picture, double number, struct text *out);

/* Reads text as the picture writes it. What does not fit gives NaN. */
double integer_picture_read(const struct integer_picture *picture, const char *text, size_t len);

/* Appends a regular expression for what the picture writes. */
void integer_picture_regex(const struct integer_picture *picture, struct text *out);

/* How often separators repeat: each so and that many digits; 0 where they do not. */
size_t separators_repeat(const struct integer_separator *separators, size_t count);

/* Rounds to places behind the point, halves to the even neighbour. */
double round_half_even(struct evaluator *ev, double number, int places);

#endif
