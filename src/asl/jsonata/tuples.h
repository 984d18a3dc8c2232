#ifndef TMFLOW_ASL_JSONATA_TUPLES_H
#define TMFLOW_ASL_JSONATA_TUPLES_H

#include "asl/jsonata/evaluator.h"

/*
 * Steps with @, # or % in them need more than the values: each value then travels in a tuple, an
 * object with the value at "@" and the variables that its way has bound. A stream of tuples is an
 * array of them. Example: books@$b.title gives {"@": title, "b": book} for each book.
 * All that is returned lives as long as the heap.
 */

#define TUPLE_VALUE	"@"
#define TUPLE_VALUE_LEN 1

/* The value that a tuple carries. */
struct value tuple_value(const struct value *tuple);

/* The variables of a tuple as a scope within outer. "@" is bound with them, which no expression can
 * name. */
struct frame *tuple_frame(struct evaluator *ev, const struct value *tuple, struct frame *outer);

/* A copy, to be extended: each value of a step has variables of its own. */
struct object *tuple_copy(struct evaluator *ev, const struct value *tuple);

/* The start of a stream: the values (an array) as tuples without variables, as they have bound
 * nothing so far. With index, the number of each is bound to that name. */
struct value
tuples_of(struct evaluator *ev, const struct value *input, const struct name_node *index);

/* What the tuples of a stream carry. */
struct value values_of_tuples(struct evaluator *ev, const struct value *tuples);

/* Tuples of one key as one: each variable has the values of all. A single tuple as it is. */
struct value tuples_join(struct evaluator *ev, const struct value *tuples);

/* Appends b to a, which may be undefined, as $append does. */
struct value values_append(struct evaluator *ev, struct value a, struct value b);

#endif
