#ifndef TMFLOW_ASL_JSONATA_VALUE_H
#define TMFLOW_ASL_JSONATA_VALUE_H

#include "asl/jsonata/heap.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The values of JSONata: those of JSON, "undefined", and functions. Passed by value, 16 bytes. What
 * they point to lives in the evaluation's heap, or is jansson's: input data are not converted but
 * looked at in place (is_json), so that a path through a large document costs its own length only.
 */

enum value_type {
	VALUE_UNDEFINED,
	VALUE_NULL,
	VALUE_BOOLEAN,
	VALUE_NUMBER,
	VALUE_STRING,
	VALUE_ARRAY,
	VALUE_OBJECT,
	VALUE_FUNCTION,
};

struct list;
struct object;
struct function;

struct value {
	union {
		bool boolean;
		double number;
		const char *text; /* UTF-8, len bytes; no NUL behind them */
		json_t *json;
		struct list *list;
		struct object *object;
		const struct function *function;
	} u;
	uint32_t len; /* of a string */
	uint8_t type; /* enum value_type */
	bool is_json; /* an array or object of jansson's, read only */
};

/*
 * An array made by an expression. A sequence is what a path or a filter gives: one of a single
 * element stands for that element, an empty one for undefined.
 * See: https://docs.jsonata.org/processing
 */
struct list {
	struct value *at;
	uint32_t count;
	uint32_t capacity;
	bool is_sequence;
	bool keep_singleton;  /* `[]` behind a step: a sequence of one stays an array */
	bool is_constructed;  /* by [..] in a path: not flattened into the step's sequence */
	bool is_outer;	      /* the array around an input that is an array itself */
	bool is_tuple_stream; /* its elements are tuples: objects of "@" and variables */
	bool is_range;	      /* no elements are stored: they are first, first + 1 and so on */
	double first;
};

struct member {
	const char *key;
	uint32_t len;
	uint32_t hash;
	struct value value;
};

/* An object made by an expression; keys in the order in which they were set. */
struct object {
	struct member *at;
	uint32_t count;
	uint32_t capacity;
	uint32_t *index; /* open addressing, entries + 1; NULL while small */
	uint32_t index_size;
};

/* --- making values --- */

/* Reads as an empty text as well: a signature lets undefined stand for any argument. */
static inline struct value
value_undefined(void)
{
	return (struct value){.u.text = "", .type = VALUE_UNDEFINED};
}

static inline struct value
value_null(void)
{
	return (struct value){.type = VALUE_NULL};
}

static inline struct value
value_boolean(bool boolean)
{
	return (struct value){.u.boolean = boolean, .type = VALUE_BOOLEAN};
}

static inline struct value
value_number(double number)
{
	return (struct value){.u.number = number, .type = VALUE_NUMBER};
}

/* Borrows text. */
static inline struct value
value_string(const char *text, size_t len)
{
	return (struct value){.u.text = text, .len = (uint32_t)len, .type = VALUE_STRING};
}

static inline struct value
value_list(struct list *list)
{
	return (struct value){.u.list = list, .type = VALUE_ARRAY};
}

static inline struct value
value_object(struct object *object)
{
	return (struct value){.u.object = object, .type = VALUE_OBJECT};
}

static inline struct value
value_function(const struct function *function)
{
	return (struct value){.u.function = function, .type = VALUE_FUNCTION};
}

/* A string that is copied into the heap. */
struct value value_copy_string(struct heap *heap, const char *text, size_t len);

/* A view of json, which is borrowed and must outlive the heap. NULL: undefined. */
struct value value_of_json(json_t *json);

#define VALUE_RESULT_DEPTH_MAX 1000u /* what a parser of JSON here accepts again */

/* What the value is as JSON: a new reference. Does not return where that would pass the heap's
 * limits or VALUE_RESULT_DEPTH_MAX. Undefined is NULL; a function is "", as in jsonata's
 * own output. Numbers that are whole and exact become integers. */
json_t *value_to_json(struct heap *heap, const struct value *value);

/* --- arrays --- */

/* An empty array with room for capacity elements. */
struct list *list_new(struct heap *heap, size_t capacity);
/* A sequence; with a value that is not undefined it holds that. */
struct list *list_sequence(struct heap *heap);
void list_push(struct heap *heap, struct list *list, struct value value);
/* The array of count whole numbers from first on, which takes no more memory than an empty one.
 * Nothing can be pushed to it. */
struct list *list_range(struct heap *heap, double first, size_t count);
/* Appends the elements of an array, or the value itself; nothing where it is undefined. */
void list_append(struct heap *heap, struct list *list, struct value value);

static inline bool
value_is_array(const struct value *value)
{
	return value->type == VALUE_ARRAY;
}

static inline size_t
value_count(const struct value *array)
{
	return array->is_json ? json_array_size(array->u.json) : array->u.list->count;
}

static inline struct value
value_at(const struct value *array, size_t index)
{
	if (array->is_json)
		return value_of_json(json_array_get(array->u.json, index));
	return array->u.list->is_range ? value_number(array->u.list->first + (double)index)
				       : array->u.list->at[index];
}

static inline bool
value_is_sequence(const struct value *value)
{
	return value->type == VALUE_ARRAY && !value->is_json && value->u.list->is_sequence;
}

static inline bool
value_is_constructed(const struct value *value)
{
	return value->type == VALUE_ARRAY && !value->is_json && value->u.list->is_constructed;
}

static inline bool
value_is_tuple_stream(const struct value *value)
{
	return value->type == VALUE_ARRAY && !value->is_json && value->u.list->is_tuple_stream;
}

/* --- objects --- */

/* An empty object. */
struct object *object_new(struct heap *heap);
/* Sets key, which is borrowed, to value; a key that is there keeps its place. */
void object_set(
    struct heap *heap, struct object *object, const char *key, size_t len, struct value value);
void object_remove(struct heap *heap, struct object *object, const char *key, size_t len);
/* NULL where the key is absent. */
struct value *object_find(const struct object *object, const char *key, size_t len);

/* The member of an object of either kind; undefined where it is absent. */
struct value value_member(const struct value *object, const char *key, size_t len);

/* Goes through the members of an object of either kind: cursor begins as {0}; false at the end. */
struct member_cursor {
	void *json_iter;
	uint32_t next;
	bool started;
	const char *key;
	size_t len;
	struct value value;
};
bool value_next_member(const struct value *object, struct member_cursor *cursor);
size_t value_member_count(const struct value *object);

/* --- comparing --- */

/* Deep equality, objects without regard to order. Undefined equals undefined. */
bool value_equal(struct heap *heap, const struct value *a, const struct value *b);

/* Equality of strings, numbers and the like; an array, object or function equals itself only. */
bool value_is_same(struct heap *heap, const struct value *a, const struct value *b);

/* As `<` of JavaScript orders strings: by UTF-16 code units. Below zero, zero, above zero. */
int value_compare_strings(const struct value *a, const struct value *b);

/* The truth of a value, as $boolean gives it; undefined is false. */
bool value_is_true(struct heap *heap, const struct value *value);

/* Whether it is a whole, finite number. */
bool value_is_integer(const struct value *value);

/* A deep copy in the heap that may be changed. Functions are shared. */
struct value value_clone(struct heap *heap, const struct value *value);

/* A hash that is equal for equal values. */
uint32_t value_hash(struct heap *heap, const struct value *value);

#endif
