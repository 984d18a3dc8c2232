#include "asl/jsonata/tuples.h"

struct value
tuple_value(const struct value *tuple)
{
	return value_member(tuple, TUPLE_VALUE, TUPLE_VALUE_LEN);
}

/* The whole tuple becomes the scope, value and all: leaving "@" out would cost a comparison a
 * member, and no expression can name it. */
struct frame *
tuple_frame(struct evaluator *ev, const struct value *tuple, struct frame *outer)
{
	struct frame *frame = frame_new(ev, outer);
	struct member_cursor cursor = {0};

	while (value_next_member(tuple, &cursor))
		frame_bind(ev, frame, cursor.key, cursor.len, cursor.value);
	return frame;
}

/* Members are values, which are shared: only the table of names is copied. */
struct object *
tuple_copy(struct evaluator *ev, const struct value *tuple)
{
	struct object *copy = object_new(&ev->heap);
	struct member_cursor cursor = {0};

	while (value_next_member(tuple, &cursor))
		object_set(&ev->heap, copy, cursor.key, cursor.len, cursor.value);
	return copy;
}

struct value
tuples_of(struct evaluator *ev, const struct value *input, const struct name_node *index)
{
	struct list *list = list_sequence(&ev->heap);

	list->is_tuple_stream = true;
	for (size_t i = 0; i < value_count(input); i++) {
		struct object *tuple = object_new(&ev->heap);

		object_set(&ev->heap, tuple, TUPLE_VALUE, TUPLE_VALUE_LEN, value_at(input, i));
		if (index != NULL)
			object_set(&ev->heap, tuple, index->name, index->node.len,
			    value_number((double)i));
		list_push(&ev->heap, list, value_object(tuple));
	}
	return value_list(list);
}

struct value
values_of_tuples(struct evaluator *ev, const struct value *tuples)
{
	struct list *list = list_sequence(&ev->heap);

	for (size_t i = 0; i < value_count(tuples); i++) {
		struct value tuple = value_at(tuples, i);

		list_push(&ev->heap, list, tuple_value(&tuple));
	}
	return value_list(list);
}

struct value
values_append(struct evaluator *ev, struct value a, struct value b)
{
	struct list *list;

	if (a.type == VALUE_UNDEFINED)
		return b;
	if (b.type == VALUE_UNDEFINED)
		return a;
	list = list_sequence(&ev->heap);
	list_append(&ev->heap, list, a);
	list_append(&ev->heap, list, b);
	return value_list(list);
}

/* A variable that is missing in some of the tuples has the values of the others, in their order. So
 * $b in books@$b{category: $b.title} stands for all books of a category. */
struct value
tuples_join(struct evaluator *ev, const struct value *tuples)
{
	struct object *all = object_new(&ev->heap);

	if (tuples->type != VALUE_ARRAY)
		return *tuples;
	for (size_t i = 0; i < value_count(tuples); i++) {
		struct value tuple = value_at(tuples, i);
		struct member_cursor cursor = {0};

		while (value_next_member(&tuple, &cursor)) {
			const struct value *known = object_find(all, cursor.key, cursor.len);

			object_set(&ev->heap, all, cursor.key, cursor.len,
			    values_append(
				ev, known != NULL ? *known : value_undefined(), cursor.value));
		}
	}
	return value_object(all);
}
