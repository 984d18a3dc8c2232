#ifndef TMFLOW_ASL_JSONATA_CALLS_H
#define TMFLOW_ASL_JSONATA_CALLS_H

#include "asl/jsonata/evaluator.h"

/* Nodes that make a function, or call one. Each gives the value of its node for the context
 * input. */

/* A lambda, a regular expression or a transform as a value. */
struct value evaluate_function(
    struct evaluator *ev, const struct node *node, const struct value *input, struct frame *frame);

/* f(x). first: an argument that goes before the others, or NULL. */
struct value evaluate_call(struct evaluator *ev, const struct call_node *call,
    const struct value *input, struct frame *frame, const struct value *first);

/* f(x, ?) */
struct value evaluate_partial(struct evaluator *ev, const struct call_node *call,
    const struct value *input, struct frame *frame);

/* left ~> right */
struct value evaluate_apply(struct evaluator *ev, const struct binary_node *binary,
    const struct value *input, struct frame *frame);

#endif
