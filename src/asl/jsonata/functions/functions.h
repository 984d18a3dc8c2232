#ifndef TMFLOW_ASL_JSONATA_FUNCTIONS_FUNCTIONS_H
#define TMFLOW_ASL_JSONATA_FUNCTIONS_FUNCTIONS_H

#include "asl/jsonata/evaluator.h"

/* The built-in functions, each as https://docs.jsonata.org/overview describes it. Their arguments
 * have passed their signature: there are as many as it names, undefined where one is left out. */
#define BUILTIN(name, signature, run, arity)                                                       \
	struct value run(struct evaluator *ev, const struct value *args, size_t count,             \
	    const struct value *context);
#include "asl/jsonata/functions/functions.tbl.h"
#undef BUILTIN

/* Characters of a text (Unicode code points), as $length counts them. */
size_t text_characters(const struct value *text);

/* The byte at which a number of characters (units: of UTF-16 code units) ends, at most the end. */
size_t text_byte_at(const struct value *text, size_t wanted, bool units);

/* The bytes from begin up to end of a text, without a copy; empty where they are out of order. */
struct value text_slice(const struct value *text, size_t begin, size_t end);

/* The byte of the first place of part at or behind from; SIZE_MAX if it is not there. */
size_t text_find(const struct value *text, const struct value *part, size_t from);

/* The place of byte `at` of a text, in UTF-16 code units: what JavaScript counts in. */
size_t text_utf16_index(const struct value *text, size_t at);

#endif
