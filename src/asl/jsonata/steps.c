#include "asl/jsonata/tuples.h"

#include <math.h>
#include <string.h>

/*
 * How a path is walked: each step is evaluated for each value that the step before gave, and what
 * comes out is joined into one flat sequence. Where steps bind variables, the values go in tuples
 * (tuples.h).
 * See: https://docs.jsonata.org/path-operators
 */

struct value
sequence_of(struct evaluator *ev, struct value value)
{
	struct list *list;

	if (value.type == VALUE_ARRAY)
		return value;
	list = list_sequence(&ev->heap);
	list_push(&ev->heap, list, value);
	return value_list(list);
}

/* --- single steps --- */

/* Arrays are gone through however deep they lie within each other: [[{"a": 1}], {"a": 2}] has the
 * members 1 and 2 at a. */
struct value
lookup_member(struct evaluator *ev, const struct value *input, const char *key, size_t len)
{
	struct list *list;

	if (input->type == VALUE_OBJECT)
		return value_member(input, key, len);
	if (input->type != VALUE_ARRAY)
		return value_undefined();
	heap_enter(&ev->heap);
	list = list_sequence(&ev->heap);
	for (size_t i = 0, count = value_count(input); i < count; i++) {
		struct value element = value_at(input, i);

		list_append(&ev->heap, list, lookup_member(ev, &element, key, len));
	}
	heap_leave(&ev->heap);
	return value_list(list);
}

static struct value
evaluate_name(struct evaluator *ev, const struct name_node *name, const struct value *input)
{
	return lookup_member(ev, input, name->name, name->node.len);
}

/* Appends a value, arrays within arrays joined. */
static void
append_flat(struct evaluator *ev, struct list *list, const struct value *value)
{
	if (value->type != VALUE_ARRAY) {
		if (value->type != VALUE_UNDEFINED)
			list_push(&ev->heap, list, *value);
		return;
	}
	heap_enter(&ev->heap);
	for (size_t i = 0, count = value_count(value); i < count; i++) {
		struct value element = value_at(value, i);

		append_flat(ev, list, &element);
	}
	heap_leave(&ev->heap);
}

/* {"a": 1, "b": [2, [3]]} has the values 1, 2, 3: the arrays of members are flattened. With such an
 * array the result is one too, and stays it with one element: {"b": [2]}.* is [2]. */
struct value
evaluate_wildcard(struct evaluator *ev, const struct value *input)
{
	struct list *list = list_sequence(&ev->heap);
	struct member_cursor cursor = {0};
	struct value object = *input;

	if (value_is_array(input) && !input->is_json && input->u.list->is_outer &&
	    input->u.list->count > 0)
		object = input->u.list->at[0];
	if (object.type == VALUE_ARRAY) {
		/* The elements are the members of an array. */
		for (size_t i = 0, count = value_count(&object); i < count; i++) {
			struct value element = value_at(&object, i);

			list->is_sequence = list->is_sequence && element.type != VALUE_ARRAY;
			append_flat(ev, list, &element);
		}
	}
	while (object.type == VALUE_OBJECT && value_next_member(&object, &cursor)) {
		list->is_sequence = list->is_sequence && cursor.value.type != VALUE_ARRAY;
		append_flat(ev, list, &cursor.value);
	}
	return value_list(list);
}

/* The value itself comes first, then its parts in order: {"a": {"b": 1}} has three. An array is not
 * listed, only its elements are. */
static void
descend(struct evaluator *ev, const struct value *value, struct list *list)
{
	struct member_cursor cursor = {0};

	heap_enter(&ev->heap);
	if (value->type != VALUE_ARRAY)
		list_push(&ev->heap, list, *value);
	if (value->type == VALUE_ARRAY) {
		for (size_t i = 0, count = value_count(value); i < count; i++) {
			struct value element = value_at(value, i);

			descend(ev, &element, list);
		}
	}
	while (value->type == VALUE_OBJECT && value_next_member(value, &cursor))
		descend(ev, &cursor.value, list);
	heap_leave(&ev->heap);
}

struct value
evaluate_descendants(struct evaluator *ev, const struct value *input)
{
	struct list *list;

	if (input->type == VALUE_UNDEFINED)
		return *input;
	list = list_sequence(&ev->heap);
	descend(ev, input, list);
	return list->count == 1 ? list->at[0] : value_list(list);
}

/* A step's node for one context. A name here is a member of that context, not a path of its own. */
static struct value
evaluate_node(
    struct evaluator *ev, const struct node *node, const struct value *context, struct frame *frame)
{
	struct value value;

	if (node->type != NODE_NAME)
		return evaluate(ev, node, context, frame);
	value = evaluate_name(ev, (const struct name_node *)node, context);
	if (value_is_sequence(&value) && (node->flags & NODE_KEEP_ARRAY) != 0)
		value.u.list->keep_singleton = true;
	return sequence_unpack(value);
}

/* --- predicates --- */

/* How often the numbers of a predicate's value name the element: [0], [-1], [[0..2]]. A fraction is
 * rounded down: [1, 2, 3][1.9] is 2. Negative numbers count from the end: [1, 2, 3][-1] is 3. */
static size_t
names_index(const struct value *result, size_t index, size_t count)
{
	size_t times = 0;

	for (size_t i = 0; i < (value_is_array(result) ? value_count(result) : 1); i++) {
		struct value number = value_is_array(result) ? value_at(result, i) : *result;
		double wanted = floor(number.u.number);

		if (wanted < 0)
			wanted += (double)count;
		times += wanted == (double)index;
	}
	return times;
}

/* An empty array counts as numbers, and then names no element. */
static bool
is_numbers(const struct value *value)
{
	if (value->type == VALUE_NUMBER)
		return true;
	if (value->type != VALUE_ARRAY)
		return false;
	for (size_t i = 0, count = value_count(value); i < count; i++) {
		struct value element = value_at(value, i);

		if (element.type != VALUE_NUMBER)
			return false;
	}
	return true;
}

/* The common case of a literal number. It does not go through the elements: a[0] of a long array
 * costs one step. An element that is an array itself is given as it is, not within a sequence. */
static struct value
pick_index(struct evaluator *ev, double number, const struct value *input, struct list *results)
{
	double count = (double)value_count(input);
	double index = floor(number);

	if (index < 0)
		index += count;
	if (index >= 0 && index < count) {
		struct value element = value_at(input, (size_t)index);

		if (element.type == VALUE_ARRAY)
			return element;
		if (element.type != VALUE_UNDEFINED)
			list_push(&ev->heap, results, element);
	}
	return value_list(results);
}

/* A number selects by position, any other value by its truth. In a tuple stream the tuples are
 * kept, so that their variables survive the filter. */
static struct value
evaluate_filter(
    struct evaluator *ev, const struct node *predicate, struct value input, struct frame *frame)
{
	const struct literal_node *literal = (const struct literal_node *)predicate;
	struct list *results = list_sequence(&ev->heap);
	bool tuples = value_is_tuple_stream(&input);
	size_t count;

	results->is_tuple_stream = tuples;
	input = sequence_of(ev, input);
	if (predicate->type == NODE_LITERAL && literal->value.type == VALUE_NUMBER)
		return pick_index(ev, literal->value.u.number, &input, results);
	count = value_count(&input);
	for (size_t i = 0; i < count; i++) {
		struct value item = value_at(&input, i);
		struct value context = tuples ? tuple_value(&item) : item;
		struct frame *scope = tuples ? tuple_frame(ev, &item, frame) : frame;
		struct value result = evaluate(ev, predicate, &context, scope);

		/* $a[$b] asks each number of $b about each element of $a. */
		if (value_is_array(&result))
			heap_spend(&ev->heap, value_count(&result));
		for (size_t times = is_numbers(&result) ? names_index(&result, i, count)
							: value_is_true(&ev->heap, &result);
		     times > 0; times--)
			list_push(&ev->heap, results, item);
	}
	return value_list(results);
}

/* An index stage writes into the tuples in place: each belongs to this stream alone. */
struct value
evaluate_stages(
    struct evaluator *ev, const struct stage *stages, struct value input, struct frame *frame)
{
	for (const struct stage *stage = stages; stage != NULL; stage = stage->next) {
		if (stage->filter != NULL) {
			input = evaluate_filter(ev, stage->filter, input, frame);
			continue;
		}
		for (size_t i = 0; i < value_count(&input); i++) {
			struct value tuple = value_at(&input, i);

			object_set(&ev->heap, tuple.u.object, stage->index->name,
			    stage->index->node.len, value_number((double)i));
		}
	}
	return input;
}

/* --- paths --- */

/* Joins what a step gave for each context: arrays are opened once, constructed ones are not. */
static struct value
join_results(struct evaluator *ev, struct list *results, bool is_last)
{
	struct list *joined;
	bool is_flat = true;

	/* The array that a last step gives as a whole stays what it is. */
	if (is_last && results->count == 1 && results->at[0].type == VALUE_ARRAY &&
	    !value_is_sequence(&results->at[0]))
		return results->at[0];
	for (uint32_t i = 0; i < results->count && is_flat; i++)
		is_flat =
		    results->at[i].type != VALUE_ARRAY || value_is_constructed(&results->at[i]);
	if (is_flat)
		return value_list(results);
	joined = list_sequence(&ev->heap);
	for (uint32_t i = 0; i < results->count; i++) {
		if (value_is_constructed(&results->at[i]))
			list_push(&ev->heap, joined, results->at[i]);
		else
			list_append(&ev->heap, joined, results->at[i]);
	}
	return value_list(joined);
}

/* Undefined results are dropped, so a missing member shortens the sequence: [{"a": 1}, {}].a is
 * 1. */
static struct value
evaluate_step(struct evaluator *ev, const struct step *step, const struct value *input,
    struct frame *frame, bool is_last)
{
	const struct stage *stages = step->more != NULL ? step->more->stages : NULL;
	struct list *results;

	if (step->node->type == NODE_SORT)
		return evaluate_stages(ev, stages,
		    evaluate_sort(ev, (const struct sort_node *)step->node, input, frame), frame);
	results = list_sequence(&ev->heap);
	for (size_t i = 0, count = value_count(input); i < count; i++) {
		struct value context = value_at(input, i);
		struct value value = evaluate_node(ev, step->node, &context, frame);

		if (stages != NULL)
			value = evaluate_stages(ev, stages, value, frame);
		if (value.type != VALUE_UNDEFINED)
			list_push(&ev->heap, results, value);
	}
	return join_results(ev, results, is_last);
}

/* One tuple for one value that a step gave in the context of a tuple. */
static struct value
extend_tuple(struct evaluator *ev, const struct step *step, const struct value *tuple,
    const struct value *values, size_t number)
{
	struct object *copy = tuple_copy(ev, tuple);
	struct value value = value_at(values, number);
	struct value before = tuple_value(tuple);

	if (value_is_tuple_stream(values)) {
		struct member_cursor cursor = {0};

		while (value_next_member(&value, &cursor))
			object_set(&ev->heap, copy, cursor.key, cursor.len, cursor.value);
		return value_object(copy);
	}
	if (step->more != NULL && step->more->focus != NULL && step->more->focus->node.len > 0)
		/* The context stays; the value is bound to the variable. */
		object_set(
		    &ev->heap, copy, step->more->focus->name, step->more->focus->node.len, value);
	else
		object_set(&ev->heap, copy, TUPLE_VALUE, TUPLE_VALUE_LEN, value);
	if (step->more != NULL && step->more->index != NULL)
		object_set(&ev->heap, copy, step->more->index->name, step->more->index->node.len,
		    value_number((double)number));
	if (step->more != NULL && step->more->ancestor != NULL)
		object_set(&ev->heap, copy, step->more->ancestor->label,
		    strlen(step->more->ancestor->label), before);
	return value_object(copy);
}

/* A step of tuples gives one tuple for each value of each tuple. Only values travel on that are
 * not undefined, so a join like a@$x.b@$y[$x.id = $y.of] drops the pairs that do not match. */
static struct value
evaluate_tuple_step(struct evaluator *ev, const struct step *step, const struct value *input,
    const struct value *tuples, struct frame *frame)
{
	const struct stage *stages = step->more != NULL ? step->more->stages : NULL;
	struct list *results;
	struct value stream;

	if (step->node->type == NODE_SORT) {
		const struct sort_node *sort = (const struct sort_node *)step->node;

		stream = evaluate_sort(ev, sort, tuples != NULL ? tuples : input, frame);
		if (tuples == NULL)
			stream =
			    tuples_of(ev, &stream, step->more != NULL ? step->more->index : NULL);
		return evaluate_stages(ev, stages, stream, frame);
	}
	stream = tuples != NULL ? *tuples : tuples_of(ev, input, NULL);
	results = list_sequence(&ev->heap);
	results->is_tuple_stream = true;
	for (size_t i = 0; i < value_count(&stream); i++) {
		struct value tuple = value_at(&stream, i);
		struct value context = tuple_value(&tuple);
		struct value value =
		    evaluate_node(ev, step->node, &context, tuple_frame(ev, &tuple, frame));

		if (value.type == VALUE_UNDEFINED)
			continue;
		value = sequence_of(ev, value);
		for (size_t k = 0; k < value_count(&value); k++)
			list_push(&ev->heap, results, extend_tuple(ev, step, &tuple, &value, k));
	}
	return evaluate_stages(ev, stages, value_list(results), frame);
}

/* The contexts of the first step: the elements of an array, or the input itself. A path that begins
 * with a variable does not look at its input. An outer array around the input counts as an array of
 * one here. */
static struct value
first_contexts(struct evaluator *ev, const struct path_node *path, const struct value *input)
{
	struct list *list;

	if (input->type == VALUE_ARRAY && node_bare(path->first->node)->type != NODE_VARIABLE)
		return *input;
	list = list_sequence(&ev->heap);
	list_push(&ev->heap, list, *input);
	return value_list(list);
}

/* Once one step needs tuples, all that follow go by tuples, too: a variable that was bound by an
 * early step must reach the last one, and the group behind it. */
struct value
evaluate_path(struct evaluator *ev, const struct path_node *path, const struct value *input,
    struct frame *frame)
{
	struct value current = first_contexts(ev, path, input);
	struct value result = current;
	struct value tuples = value_undefined();
	bool is_stream = false;

	for (const struct step *step = path->first; step != NULL; step = step->next) {
		is_stream = is_stream || (step->node->flags & NODE_TUPLE) != 0;
		if (step == path->first && (step->node->flags & NODE_CONSTRUCTED) != 0)
			result = evaluate(ev, step->node, &current, frame);
		else if (is_stream)
			tuples = evaluate_tuple_step(ev, step, &current,
			    tuples.type != VALUE_UNDEFINED ? &tuples : NULL, frame);
		else
			result = evaluate_step(ev, step, &current, frame, step->next == NULL);
		if (!is_stream && (result.type == VALUE_UNDEFINED ||
				      (value_is_array(&result) && value_count(&result) == 0)))
			break;
		if (step->more == NULL || step->more->focus == NULL)
			current = sequence_of(ev, result);
	}
	if (is_stream)
		result =
		    (path->node.flags & NODE_TUPLE) != 0 ? tuples : values_of_tuples(ev, &tuples);
	if ((path->node.flags & NODE_KEEP_ARRAY) != 0 && value_is_array(&result)) {
		/* An array that is the element of a sequence of one. */
		if (value_is_constructed(&result) && !value_is_sequence(&result)) {
			struct list *list = list_sequence(&ev->heap);

			list_push(&ev->heap, list, result);
			result = value_list(list);
		}
		if (!result.is_json)
			result.u.list->keep_singleton = true;
	}
	if (path->group != NULL)
		result = evaluate_group(ev, path->group, is_stream ? tuples : result, frame);
	return result;
}

/* A name alone is a path of one step; the step is built on the stack, as no other part refers to
 * it. */
struct value
evaluate_lone_name(struct evaluator *ev, const struct name_node *name, const struct value *input,
    struct frame *frame)
{
	struct name_node step_node = *name;
	struct step step = {.node = &step_node.node};
	struct value contexts = *input;

	/* The common case first: a member of an object. */
	if (input->type == VALUE_OBJECT)
		return value_member(input, name->name, name->node.len);
	if (input->type != VALUE_ARRAY)
		return value_undefined();
	return evaluate_step(ev, &step, &contexts, frame, true);
}
