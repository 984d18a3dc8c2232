#include "asl/jsonata/evaluator.h"

#include "asl/jsonata/calls.h"
#include "asl/jsonata/parser/lexer.h"
#include "asl/jsonata/tuples.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_MAX 10000000.0 /* elements, as in jsonata */

/* --- scopes --- */

/* A frame starts empty, so a block that binds nothing costs one allocation. */
struct frame *
frame_new(struct evaluator *ev, struct frame *outer)
{
	struct frame *frame = heap_alloc(&ev->heap, sizeof(*frame));

	frame->outer = outer;
	return frame;
}

/* The name is borrowed: it lives in the expression, the input or the heap. */
void
frame_bind(
    struct evaluator *ev, struct frame *frame, const char *name, size_t len, struct value value)
{
	struct binding *binding;

	for (binding = frame->first; binding != NULL; binding = binding->next) {
		if (binding->len == len && memcmp(binding->name, name, len) == 0) {
			binding->value = value;
			return;
		}
	}
	binding = heap_alloc(&ev->heap, sizeof(*binding));
	*binding = (struct binding){
	    .next = frame->first, .name = name, .len = (uint32_t)len, .value = value};
	frame->first = binding;
}

/* Variables from outside are not copied to a scope: a workflow may have hundreds, of which an
 * expression uses one. Functions are looked up last: a variable may take the name of a built-in
 * function, as in `$sum := 1`, and hides it from then on. */
struct value
frame_find(const struct evaluator *ev, const struct frame *frame, const char *name, size_t len)
{
	json_t *outside;
	const struct function *builtin;

	/* Inner scopes first, so an inner variable hides an outer one. */
	for (; frame != NULL; frame = frame->outer) {
		for (const struct binding *b = frame->first; b != NULL; b = b->next) {
			if (b->len == len && memcmp(b->name, name, len) == 0)
				return b->value;
		}
	}
	outside = json_object_getn(ev->outside.variables, name, len);
	if (outside != NULL)
		return value_of_json(outside);
	builtin = function_find(name, len);
	return builtin != NULL ? value_function(builtin) : value_undefined();
}

/* --- what is said of values --- */

/* For messages only, so 200 bytes are enough. */
const char *
evaluator_show(struct evaluator *ev, const struct value *value)
{
	json_t *json = value_to_json(&ev->heap, value);
	char *text = json != NULL ? json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char shown[200];

	/* Through the stack: heap_text may not return, and text is malloc's. */
	snprintf(shown, sizeof(shown), "%s", text != NULL ? text : "undefined");
	free(text);
	json_decref(json);
	return heap_text(&ev->heap, shown, strlen(shown));
}

/* The rule of singletons: one value stands for itself, none is undefined. A tuple stream is not a
 * value yet and stays as it is. */
struct value
sequence_unpack(struct value value)
{
	const struct list *list;

	if (!value_is_sequence(&value))
		return value;
	list = value.u.list;
	if (list->is_tuple_stream)
		return value;
	if (list->count == 0)
		return value_undefined();
	return list->count == 1 && !list->keep_singleton ? list->at[0] : value;
}

/* --- operators --- */

/* The text may lie in the local buffer, so it is copied. */
static const char *
operator_text(struct evaluator *ev, const struct node *node)
{
	char buffer[3];
	const char *text = lexer_operator_text(node->op, buffer);

	return heap_text(&ev->heap, text, strlen(text));
}

/* Raises a fault about an operator and one of its sides. */
static _Noreturn void
raise_operator(struct evaluator *ev, const struct node *node, const char *code)
{
	const char *text = operator_text(ev, node);

	fault_set_token(ev->fault, text, strlen(text));
	fault_raise(ev->fault, node->position, code, text);
}

/* An operand of arithmetic: a finite number, or undefined. A number can be infinite only as the
 * result of an operation before: 1/0 + 1 is D1001. */
static void
check_operand(
    struct evaluator *ev, const struct node *node, const struct value *value, const char *code)
{
	char text[40];

	if (value->type == VALUE_UNDEFINED)
		return;
	if (value->type != VALUE_NUMBER || isnan(value->u.number))
		raise_operator(ev, node, code);
	if (isfinite(value->u.number))
		return;
	snprintf(text, sizeof(text), "%g", value->u.number);
	fault_raise(ev->fault, node->position, "D1001", text);
}

/* Both sides are evaluated and checked before undefined counts: absent + "a" is T2002. The
 * remainder has the sign of the dividend, as in JavaScript: -5 % 3 is -2. */
static struct value
evaluate_arithmetic(struct evaluator *ev, const struct binary_node *binary,
    const struct value *input, struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right = evaluate(ev, binary->right, input, frame);
	double result;

	check_operand(ev, &binary->node, &left, "T2001");
	check_operand(ev, &binary->node, &right, "T2002");
	if (left.type == VALUE_UNDEFINED || right.type == VALUE_UNDEFINED)
		return value_undefined();
	switch (binary->node.op) {
	case '+':
		result = left.u.number + right.u.number;
		break;
	case '-':
		result = left.u.number - right.u.number;
		break;
	case '*':
		result = left.u.number * right.u.number;
		break;
	case '/':
		result = left.u.number / right.u.number;
		break;
	default:
		assert(binary->node.op == '%');
		result = fmod(left.u.number, right.u.number);
		break;
	}
	/* 1/0 is infinite, as in JavaScript: it fails only as the operand of more arithmetic. */
	return value_number(result);
}

/* Undefined on either side makes undefined, but only once the other side is known to be of a kind
 * that can be compared: `missing < 1` is undefined, `missing < []` fails with T2010. */
static struct value
evaluate_comparison(struct evaluator *ev, const struct binary_node *binary,
    const struct value *input, struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right = evaluate(ev, binary->right, input, frame);
	bool left_fits = left.type == VALUE_NUMBER || left.type == VALUE_STRING;
	bool right_fits = right.type == VALUE_NUMBER || right.type == VALUE_STRING;

	if ((!left_fits && left.type != VALUE_UNDEFINED) ||
	    (!right_fits && right.type != VALUE_UNDEFINED))
		raise_operator(ev, &binary->node, "T2010");
	/* Here a side that does not fit is undefined. */
	if (!left_fits || !right_fits)
		return value_undefined();
	if (left.type != right.type)
		raise_operator(ev, &binary->node, "T2009");
	if (left.type == VALUE_STRING) {
		left = value_number(value_compare_strings(&left, &right));
		right = value_number(0);
	}
	/* Not by an order: "not a number" is neither less nor more nor equal. */
	switch (binary->node.op) {
	case '<':
		return value_boolean(left.u.number < right.u.number);
	case '>':
		return value_boolean(left.u.number > right.u.number);
	case OP_AT_MOST:
		return value_boolean(left.u.number <= right.u.number);
	default:
		assert(binary->node.op == OP_AT_LEAST);
		return value_boolean(left.u.number >= right.u.number);
	}
}

/* absent = absent is false, and absent != 1 is false as well. */
static struct value
evaluate_equality(struct evaluator *ev, const struct binary_node *binary, const struct value *input,
    struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right = evaluate(ev, binary->right, input, frame);

	/* What is undefined is neither equal nor unequal to anything. */
	if (left.type == VALUE_UNDEFINED || right.type == VALUE_UNDEFINED)
		return value_boolean(false);
	return value_boolean(value_equal(&ev->heap, &left, &right) == (binary->node.op == '='));
}

/* A path that finds one value gives no array, so a single y is looked at as the array of it. An
 * array or object is in y only if it is the same one: [1] in [[1]] is false. */
static struct value
evaluate_in(struct evaluator *ev, const struct binary_node *binary, const struct value *input,
    struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right = evaluate(ev, binary->right, input, frame);

	if (left.type == VALUE_UNDEFINED || right.type == VALUE_UNDEFINED)
		return value_boolean(false);
	if (right.type != VALUE_ARRAY)
		return value_boolean(value_is_same(&ev->heap, &left, &right));
	heap_spend(&ev->heap, value_count(&right));
	for (size_t i = 0; i < value_count(&right); i++) {
		struct value element = value_at(&right, i);

		if (value_is_same(&ev->heap, &left, &element))
			return value_boolean(true);
	}
	return value_boolean(false);
}

/* The text of a value, as $string gives it; "" for undefined. $string is called without its
 * signature, as an argument of any type is valid: "a" & 1 is "a1". */
static struct value
concat_text(struct evaluator *ev, const struct value *value)
{
	static const char name[] = "string";

	if (value->type == VALUE_STRING)
		return *value;
	if (value->type == VALUE_UNDEFINED)
		return value_string("", 0);
	return function_find(name, sizeof(name) - 1)->u.builtin->run(ev, value, 1, value);
}

static struct value
evaluate_concat(struct evaluator *ev, const struct binary_node *binary, const struct value *input,
    struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right = evaluate(ev, binary->right, input, frame);
	char *text;

	ev->call_position = binary->node.position;
	left = concat_text(ev, &left);
	right = concat_text(ev, &right);
	text = heap_alloc(&ev->heap, (size_t)left.len + right.len + 1);
	memcpy(text, left.u.text, left.len);
	memcpy(text + left.len, right.u.text, right.len);
	return value_string(text, (size_t)left.len + right.len);
}

/* A range is not made whole: $sum([1..1000000]) has no need of a million values. [5..3] is empty,
 * not a descending range; what has one element is made, since a sequence of one stands for it. */
static struct value
evaluate_range(struct evaluator *ev, const struct binary_node *binary, const struct value *input,
    struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right = evaluate(ev, binary->right, input, frame);
	struct list *list;
	double size;
	char text[40];

	if (left.type != VALUE_UNDEFINED && !value_is_integer(&left))
		raise_operator(ev, &binary->node, "T2003");
	if (right.type != VALUE_UNDEFINED && !value_is_integer(&right))
		raise_operator(ev, &binary->node, "T2004");
	if (left.type == VALUE_UNDEFINED || right.type == VALUE_UNDEFINED ||
	    left.u.number > right.u.number)
		return value_undefined();
	size = right.u.number - left.u.number + 1;
	if (size > RANGE_MAX) {
		snprintf(text, sizeof(text), "%.0f..%.0f", left.u.number, right.u.number);
		fault_raise(ev->fault, binary->node.position, "D2014", text);
	}
	if (size > 1) {
		list = list_range(&ev->heap, left.u.number, (size_t)size);
		list->is_sequence = true;
	} else {
		list = list_sequence(&ev->heap);
		list_push(&ev->heap, list, left);
	}
	return value_list(list);
}

/* A literal has its sign already: only other operands reach this. */
static struct value
evaluate_negation(struct evaluator *ev, const struct unary_node *unary, const struct value *input,
    struct frame *frame)
{
	struct value value = evaluate(ev, unary->expr, input, frame);

	if (value.type == VALUE_UNDEFINED)
		return value;
	/* 1/0 fails as the operand of more arithmetic only, and this is one. */
	if (value.type == VALUE_NUMBER && isinf(value.u.number))
		fault_raise(ev->fault, unary->node.position, "D1001", "Infinity");
	if (value.type != VALUE_NUMBER || isnan(value.u.number))
		fault_raise(ev->fault, unary->node.position, "D1002", evaluator_show(ev, &value));
	return value_number(-value.u.number);
}

/* --- constructors --- */

/* [1, [2, 3]] keeps the inner array, but with $x := [2, 3] the array [1, $x] is [1, 2, 3]. */
static struct value
evaluate_array(struct evaluator *ev, const struct list_node *node, const struct value *input,
    struct frame *frame)
{
	struct list *list;

	if (node->node.count == 1 && node->at[0]->type == NODE_RANGE) {
		struct value range =
		    evaluate_range(ev, (const struct binary_node *)node->at[0], input, frame);

		/* [1..1000000] is the range itself, not a copy of it. */
		list = range.type == VALUE_ARRAY ? range.u.list : list_new(&ev->heap, 0);
		list->is_sequence = false;
		list->is_constructed = (node->node.flags & NODE_CONSTRUCTED) != 0;
		return value_list(list);
	}
	list = list_new(&ev->heap, node->node.count);
	for (uint32_t i = 0; i < node->node.count; i++) {
		struct value value = evaluate(ev, node->at[i], input, frame);

		/* [[1]] keeps its inner array; arrays of other expressions are joined. */
		if (node->at[i]->type == NODE_ARRAY)
			list_push(&ev->heap, list, value);
		else
			list_append(&ev->heap, list, value);
	}
	list->is_constructed = (node->node.flags & NODE_CONSTRUCTED) != 0;
	return value_list(list);
}

/* A block has a scope of its own: what is bound in it ends with it, also for functions made there,
 * which keep the scope alive. */
static struct value
evaluate_block(struct evaluator *ev, const struct list_node *node, const struct value *input,
    struct frame *frame)
{
	struct frame *inner = frame_new(ev, frame);
	struct value value = value_undefined();

	for (uint32_t i = 0; i < node->node.count; i++)
		value = evaluate(ev, node->at[i], input, inner);
	return value;
}

/* Only the branch taken is evaluated, so recursion ends and an error in the other does not
 * matter. */
static struct value
evaluate_condition(struct evaluator *ev, const struct condition_node *node,
    const struct value *input, struct frame *frame)
{
	struct value condition = evaluate(ev, node->condition, input, frame);

	if (value_is_true(&ev->heap, &condition))
		return evaluate(ev, node->then, input, frame);
	return node->otherwise != NULL ? evaluate(ev, node->otherwise, input, frame)
				       : value_undefined();
}

/* --- nodes --- */

static struct value
evaluate_variable(struct evaluator *ev, const struct name_node *variable, const struct value *input,
    struct frame *frame)
{
	/* $ alone is the context; an array around the whole input is not part of it. */
	if (variable->node.len == 0)
		return value_is_array(input) && !input->is_json && input->u.list->is_outer
			   ? input->u.list->at[0]
			   : *input;
	return frame_find(ev, frame, variable->name, variable->node.len);
}

/* The step that it refers to has bound its context to the label. */
static struct value
evaluate_parent(struct evaluator *ev, const struct parent_node *parent, struct frame *frame)
{
	return frame_find(ev, frame, parent->slot->label, strlen(parent->slot->label));
}

/* The right side is not evaluated where the left one decides: `$exists(a) and a.b > 1`. The result
 * is a boolean, not one of the operands as in JavaScript. */
static struct value
evaluate_logic(struct evaluator *ev, const struct binary_node *binary, const struct value *input,
    struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	struct value right;
	bool claimed;

	if (value_is_true(&ev->heap, &left) == (binary->node.type == NODE_OR))
		return value_boolean(binary->node.type == NODE_OR);
	claimed = fault_claim(ev->fault, binary->node.position);
	right = evaluate(ev, binary->right, input, frame);
	fault_unclaim(ev->fault, claimed);
	return value_boolean(value_is_true(&ev->heap, &right));
}

/* `a ?? b` asks whether a is there at all, `a ?: b` whether it is true: 0 ?? 1 is 0,
 * 0 ?: 1 is 1. */
static struct value
evaluate_alternative(struct evaluator *ev, const struct binary_node *binary,
    const struct value *input, struct frame *frame)
{
	struct value left = evaluate(ev, binary->left, input, frame);
	bool good = binary->node.type == NODE_COALESCE ? left.type != VALUE_UNDEFINED
						       : value_is_true(&ev->heap, &left);

	return good ? left : evaluate(ev, binary->right, input, frame);
}

typedef struct value binary_fn(struct evaluator *ev, const struct binary_node *binary,
    const struct value *input, struct frame *frame);

static binary_fn *const binary_evaluators[] = {
    [NODE_ARITHMETIC] = evaluate_arithmetic,
    [NODE_COMPARISON] = evaluate_comparison,
    [NODE_EQUALITY] = evaluate_equality,
    [NODE_IN] = evaluate_in,
    [NODE_AND] = evaluate_logic,
    [NODE_OR] = evaluate_logic,
    [NODE_CONCAT] = evaluate_concat,
    [NODE_RANGE] = evaluate_range,
    [NODE_APPLY] = evaluate_apply,
    [NODE_COALESCE] = evaluate_alternative,
    [NODE_DEFAULT] = evaluate_alternative,
};

/* A name that is bound again in the same scope is changed there; in an inner scope a new one hides
 * the outer until the block ends. */
static struct value
evaluate_bind(struct evaluator *ev, const struct bind_node *bind, const struct value *input,
    struct frame *frame)
{
	struct value value = evaluate(ev, bind->value, input, frame);

	frame_bind(ev, frame, bind->variable->name, bind->variable->node.len, value);
	return value;
}

/* A % in the predicate of `(a; b)[%.c]` makes tuples, which only a path looks at. */
static struct value
evaluate_filtered(struct evaluator *ev, const struct filtered_node *filtered,
    const struct value *input, struct frame *frame)
{
	struct value value = evaluate_unpacked(ev, filtered->expr, input, frame);

	value = evaluate_stages(ev, filtered->stages, value, frame);
	return value_is_tuple_stream(&value) && (filtered->node.flags & NODE_STEP) == 0
		   ? values_of_tuples(ev, &value)
		   : value;
}

/* Sequences come back whole: the caller decides when one value stands for itself. */
struct value
evaluate_unpacked(
    struct evaluator *ev, const struct node *node, const struct value *input, struct frame *frame)
{
	const struct grouped_node *grouped = (const struct grouped_node *)node;
	struct value value;

	switch (node->type) {
	case NODE_LITERAL:
		return ((const struct literal_node *)node)->value;
	case NODE_NAME:
		return evaluate_lone_name(ev, (const struct name_node *)node, input, frame);
	case NODE_VARIABLE:
		return evaluate_variable(ev, (const struct name_node *)node, input, frame);
	case NODE_WILDCARD:
		return evaluate_wildcard(ev, input);
	case NODE_DESCENDANT:
		return evaluate_descendants(ev, input);
	case NODE_PARENT:
		return evaluate_parent(ev, (const struct parent_node *)node, frame);
	case NODE_PATH:
		return evaluate_path(ev, (const struct path_node *)node, input, frame);
	case NODE_FILTERED:
		return evaluate_filtered(ev, (const struct filtered_node *)node, input, frame);
	case NODE_FOCUSED:
		return evaluate_unpacked(ev, node_inner(node), input, frame);
	case NODE_GROUPED:
		value = evaluate_unpacked(ev, grouped->expr, input, frame);
		return evaluate_group(ev, grouped->group, value, frame);
	case NODE_NEGATE:
		return evaluate_negation(ev, (const struct unary_node *)node, input, frame);
	case NODE_ARRAY:
		return evaluate_array(ev, (const struct list_node *)node, input, frame);
	case NODE_OBJECT: /* the group of its context */
		return evaluate_group(ev, (const struct object_node *)node, *input, frame);
	case NODE_BLOCK:
		return evaluate_block(ev, (const struct list_node *)node, input, frame);
	case NODE_CONDITION:
		return evaluate_condition(ev, (const struct condition_node *)node, input, frame);
	case NODE_BIND:
		return evaluate_bind(ev, (const struct bind_node *)node, input, frame);
	case NODE_LAMBDA:
	case NODE_REGEX:
	case NODE_TRANSFORM:
		return evaluate_function(ev, node, input, frame);
	case NODE_CALL:
		return evaluate_call(ev, (const struct call_node *)node, input, frame, NULL);
	case NODE_PARTIAL:
		return evaluate_partial(ev, (const struct call_node *)node, input, frame);
	default:
		/* A NODE_SORT is a step of a path only, a NODE_PLACEHOLDER an argument only. */
		assert(node->type < sizeof(binary_evaluators) / sizeof(binary_evaluators[0]));
		assert(binary_evaluators[node->type] != NULL);
		return binary_evaluators[node->type](
		    ev, (const struct binary_node *)node, input, frame);
	}
}

struct value
evaluate(
    struct evaluator *ev, const struct node *node, const struct value *input, struct frame *frame)
{
	struct value value;

	if (++ev->heap.steps > ev->heap.steps_max || ++ev->heap.depth > HEAP_DEPTH_MAX)
		fault_raise(ev->fault, node->position, "U1001"); /* here the place is known */
	value = evaluate_unpacked(ev, node, input, frame);
	heap_leave(&ev->heap);
	if (value_is_sequence(&value) && !value.u.list->is_tuple_stream &&
	    (node->flags & NODE_KEEP_ARRAY) != 0)
		value.u.list->keep_singleton = true;
	return sequence_unpack(value);
}
