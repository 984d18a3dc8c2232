#include "asl/jsonata/functions/time_picture.h"

#include "asl/jsonata/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX   64u /* of a picture */
#define PARTS_FIRST 8u

/* What a component is written as where the picture does not say so. Minutes and seconds have two
 * digits by default: "[h]:[m][P]" of 0 is "12:00am". Names are in small letters: "[F]" is
 * "thursday". */
static const struct {
	char component;
	const char *presentation;
} usual_presentations[] = {{'Y', "1"}, {'M', "1"}, {'D', "1"}, {'d', "1"}, {'F', "n"}, {'W', "1"},
    {'w', "1"}, {'X', "1"}, {'x', "1"}, {'H', "1"}, {'h', "1"}, {'P', "n"}, {'m', "01"},
    {'s', "01"}, {'f', "1"}, {'Z', "01:01"}, {'z', "01:01"}, {'C', "n"}, {'E', "n"}};

/* The limit bounds the regular expression that $toMillis builds of the picture. */
static struct part *
picture_add(struct evaluator *ev, struct picture *picture)
{
	if (picture->count == PARTS_MAX)
		evaluator_raise(ev, "S0500");
	if (picture->count == picture->capacity) {
		size_t capacity = picture->capacity == 0 ? PARTS_FIRST : picture->capacity * 2;
		struct part *parts = heap_array(&ev->heap, capacity, sizeof(*parts));

		if (picture->count > 0)
			memcpy(parts, picture->parts, picture->count * sizeof(*parts));
		picture->parts = parts;
		picture->capacity = capacity;
	}
	return &picture->parts[picture->count++];
}

/* A literal; ]] in it is one ]. Between markers a single ] is literal too; only [ has to be
 * doubled. */
static void
picture_add_literal(struct evaluator *ev, struct picture *picture, const char *text, size_t len)
{
	struct text out = {.heap = &ev->heap};

	if (len == 0)
		return;
	for (size_t i = 0; i < len; i++) {
		text_add_char(&out, text[i]);
		i += text[i] == ']' && i + 1 < len && text[i + 1] == ']';
	}
	picture_add(ev, picture)->literal = text_value(&out);
}

/* "2-4", "*-3", "2": zero for a missing bound. strtol reads "*" as 0: no bound. More than
 * 100 is taken as no bound as well, so that padding stays small. */
static void
parse_width(const char *text, size_t *ret_min, size_t *ret_max)
{
	const char *dash = strchr(text, '-');
	long min = strtol(text, NULL, 10);
	long max = dash != NULL ? strtol(dash + 1, NULL, 10) : 0;

	*ret_min = min > 0 && min <= 100 ? (size_t)min : 0;
	*ret_max = max > 0 && max <= 100 ? (size_t)max : 0;
}

/* A width raises the count of mandatory digits: [Y,2-2] of 1970 is "70". A year of two or more
 * digits in the pattern is cut to its last ones. */
static void
parse_integer_part(struct evaluator *ev, struct picture *picture, struct part *part,
    const char *presentation, size_t len, bool ordinal, const char *width)
{
	char *text = heap_alloc(&ev->heap, len + 3);
	size_t min = 0, max = 0;
	struct part *before = picture->count > 1 ? part - 1 : NULL;

	memcpy(text, presentation, len);
	if (ordinal)
		text[len] = ';', text[len + 1] = 'o';
	integer_picture_parse(ev, text, len + (ordinal ? 2 : 0), part->integer);
	part->is_integer = true;
	if (width != NULL)
		parse_width(width, &min, &max);
	if (part->integer->mandatory < min)
		part->integer->mandatory = min;
	part->year_digits = -1;
	if (part->component == 'Y') {
		size_t digits = part->integer->mandatory + part->integer->optional;

		if (max > 0) {
			part->year_digits = (int)max;
			part->integer->mandatory = max;
		} else if (digits >= 2 && part->integer->style == INTEGER_DECIMAL) {
			part->year_digits = (int)digits;
		}
	}
	/* Numbers side by side: the first must know where it ends. */
	if (before != NULL && before->is_integer && before->component != 'Z' &&
	    before->component != 'z')
		before->integer->parse_width = before->integer->mandatory;
}

/* The inside of [..], blanks removed and NUL at its end. The last letter may be a modifier: a and c
 * are ignored, o is ordinal ("1st"), t writes Z for UTC. A single letter is the presentation
 * itself, as in [Ya]. */
static void
parse_marker(struct evaluator *ev, struct picture *picture, char *marker)
{
	struct part *part = picture_add(ev, picture);
	char *comma = strrchr(marker, ',');
	char *presentation = marker + (marker[0] != '\0');
	char shown[2] = {marker[0], '\0'};
	bool ordinal = false;
	size_t len;

	part->component = marker[0];
	part->integer = heap_alloc(&ev->heap, sizeof(*part->integer));
	if (comma != NULL)
		*comma = '\0';
	len = strlen(presentation);
	if (len > 1 && strchr("atco", presentation[len - 1]) != NULL) {
		ordinal = presentation[len - 1] == 'o';
		part->utc_as_z = presentation[len - 1] == 't';
		len--;
	}
	for (size_t i = 0;
	     len == 0 && i < sizeof(usual_presentations) / sizeof(usual_presentations[0]); i++) {
		if (usual_presentations[i].component != marker[0] || marker[0] == '\0')
			continue;
		presentation = heap_text(&ev->heap, usual_presentations[i].presentation,
		    strlen(usual_presentations[i].presentation));
		len = strlen(presentation);
	}
	if (len == 0)
		evaluator_raise(ev, "D3132", shown);
	if (presentation[0] == 'n') {
		part->names = NAMES_LOWER;
	} else if (presentation[0] == 'N') {
		part->names = len > 1 && presentation[1] == 'n' ? NAMES_TITLE : NAMES_UPPER;
	} else if (strchr("YMDdFWwXxHhmsf", marker[0]) != NULL) {
		parse_integer_part(ev, picture, part, presentation, len, ordinal,
		    comma != NULL ? comma + 1 : NULL);
	}
	if (part->names != NAMES_NONE && comma != NULL) {
		size_t min;

		parse_width(comma + 1, &min, &part->width_max);
	}
	if (marker[0] == 'Z' || marker[0] == 'z') {
		if (part->names != NAMES_NONE)
			evaluator_raise(ev, "D3134");
		integer_picture_parse(ev, presentation, len, part->integer);
		part->is_integer = true;
	}
}

/* [[ is a literal [: "[[x]]" is "[x]". Blanks within a marker have no meaning and are removed. */
static struct picture *
picture_parse(struct evaluator *ev, const struct value *text)
{
	struct picture *picture = heap_alloc(&ev->heap, sizeof(*picture));
	const char *at = text->u.text;
	const char *end = at + text->len;
	const char *start = at;

	picture->text = *text;
	while (at < end) {
		const char *close;
		char *marker;
		size_t len = 0;

		if (*at != '[') {
			at++;
			continue;
		}
		picture_add_literal(ev, picture, start, (size_t)(at - start));
		if (at + 1 < end && at[1] == '[') {
			picture_add_literal(ev, picture, "[", 1);
			at += 2;
			start = at;
			continue;
		}
		close = memchr(at, ']', (size_t)(end - at));
		if (close == NULL)
			evaluator_raise(ev, "D3135");
		marker = heap_alloc(&ev->heap, (size_t)(close - at));
		for (const char *p = at + 1; p < close; p++) {
			if (strchr(" \t\r\n\v\f", *p) == NULL)
				marker[len++] = *p;
		}
		parse_marker(ev, picture, marker);
		at = start = close + 1;
	}
	picture_add_literal(ev, picture, start, (size_t)(end - start));
	return picture;
}

/* The last one is kept: a loop formats, or reads, one time after the other by the same picture. */
struct picture *
picture_of(struct evaluator *ev, const struct value *text)
{
	if (ev->picture == NULL || ev->picture->text.len != text->len ||
	    memcmp(ev->picture->text.u.text, text->u.text, text->len) != 0)
		ev->picture = picture_parse(ev, text);
	return ev->picture;
}
