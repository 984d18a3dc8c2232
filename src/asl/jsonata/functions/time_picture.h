#ifndef TMFLOW_ASL_JSONATA_FUNCTIONS_TIME_PICTURE_H
#define TMFLOW_ASL_JSONATA_FUNCTIONS_TIME_PICTURE_H

#include "asl/jsonata/functions/integer_picture.h"

/* The pictures of $fromMillis and $toMillis, taken apart. */

enum names { NAMES_NONE, NAMES_LOWER, NAMES_UPPER, NAMES_TITLE };

struct part {
	char component; /* '\0': a literal */
	struct value literal;
	enum names names;
	bool is_integer;
	bool utc_as_z;			 /* the modifier t */
	size_t width_max;		 /* of a name; 0: none */
	int year_digits;		 /* the last ones of the year; below 0: all */
	struct integer_picture *integer; /* NULL of a literal */
};

struct picture {
	struct value text;
	struct part *parts;
	size_t count, capacity;
	const struct pattern *regex; /* of what $toMillis takes; NULL: not yet made */
};

/* The parts of a picture, which live as long as the evaluation. Raises D3132, D3134, D3135,
 * S0500. */
struct picture *picture_of(struct evaluator *ev, const struct value *text);

#endif
