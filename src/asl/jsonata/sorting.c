#include "asl/jsonata/tuples.h"

/*
 * An order-by, `items^(<price, >title)`: the terms are compared in their order until one decides.
 * See: https://docs.jsonata.org/path-operators#---order-by
 */

struct sorting {
	const struct sort_node *node;
	struct frame *frame;
	bool tuples;
};

/* The key is evaluated for each comparison, so the sort needs no table of keys. */
static struct value
sort_key(struct evaluator *ev, const struct sorting *sorting, const struct sort_term *term,
    const struct value *item)
{
	struct value context = *item;
	struct frame *frame = sorting->frame;

	if (sorting->tuples) {
		context = tuple_value(item);
		frame = tuple_frame(ev, item, frame);
	}
	return evaluate(ev, term->expr, &context, frame);
}

/* Both sides are looked at before their types are compared: `true` against "x" is T2008, for true
 * has no order at all; 1 against "x" is T2007. */
static void
sort_check_keys(struct evaluator *ev, const struct sort_node *node, const struct value *a,
    const struct value *b)
{
	static const char *const names[] = {
	    "undefined", "null", "boolean", "number", "string", "array", "object", "function"};

	if ((a->type != VALUE_STRING && a->type != VALUE_NUMBER) ||
	    (b->type != VALUE_STRING && b->type != VALUE_NUMBER))
		fault_raise(ev->fault, node->node.position, "T2008");
	if (a->type != b->type)
		fault_raise(
		    ev->fault, node->node.position, "T2007", names[a->type], names[b->type]);
}

/* Whether a must stand behind b. What is undefined stands last either way. */
static bool
sort_swap(struct evaluator *ev, void *arg, const struct value *a, const struct value *b)
{
	const struct sorting *sorting = arg;

	for (uint32_t i = 0; i < sorting->node->node.count; i++) {
		const struct sort_term *term = &sorting->node->terms[i];
		struct value left = sort_key(ev, sorting, term, a);
		struct value right = sort_key(ev, sorting, term, b);
		double order;

		if (left.type == VALUE_UNDEFINED && right.type == VALUE_UNDEFINED)
			continue;
		if (left.type == VALUE_UNDEFINED || right.type == VALUE_UNDEFINED)
			return left.type == VALUE_UNDEFINED;
		sort_check_keys(ev, sorting->node, &left, &right);
		order = left.type == VALUE_STRING
			    ? value_compare_strings(&left, &right)
			    : (left.u.number > right.u.number) - (left.u.number < right.u.number);
		if (order != 0)
			return term->descending ? order < 0 : order > 0;
	}
	return false;
}

/* The sort is stable, so values with equal keys keep the order of the input. */
struct value
evaluate_sort(struct evaluator *ev, const struct sort_node *node, const struct value *input,
    struct frame *frame)
{
	struct sorting sorting = {node, frame, value_is_tuple_stream(input)};
	struct list *list = list_sequence(&ev->heap);

	list->is_tuple_stream = sorting.tuples;
	list_append(&ev->heap, list, *input);
	if (list->count > 1)
		sort_values(ev, list->at, list->count, sort_swap, &sorting);
	return value_list(list);
}
