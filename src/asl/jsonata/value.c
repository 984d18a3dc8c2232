#include "asl/jsonata/value.h"

#include "base/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Objects up to this size are searched from end to end: shorter than hashing. */
#define MEMBERS_SEARCHED_MAX 8u

#define INTEGER_EXACT_MAX 9007199254740992.0 /* 2^53: doubles hold each whole number up to it */

#define NODE_JSON_BYTES 64u /* what jansson takes for a value, some of it malloc's own */

#define STRING_STEP_BYTES 64u /* compared in one step of the budget */

#define FNV_START 2166136261u
#define FNV_PRIME 16777619u

/* FNV-1a: fast on short keys and without tables. It does not resist chosen collisions; the size
 * limits bound what those cost. */
static uint32_t
hash_bytes(uint32_t hash, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ at[i]) * FNV_PRIME;
	return hash;
}

/* --- making values --- */

/* For texts that do not live as long as the heap, such as a local buffer. */
struct value
value_copy_string(struct heap *heap, const char *text, size_t len)
{
	return value_string(heap_text(heap, text, len), len);
}

/* Arrays and objects are views, so a path into a large input costs only the way it takes. Integers
 * become doubles, as all numbers of JavaScript are. */
struct value
value_of_json(json_t *json)
{
	if (json == NULL)
		return value_undefined();
	switch (json_typeof(json)) {
	case JSON_NULL:
		return value_null();
	case JSON_TRUE:
	case JSON_FALSE:
		return value_boolean(json_is_true(json));
	case JSON_INTEGER:
	case JSON_REAL:
		return value_number(json_number_value(json));
	case JSON_STRING:
		return value_string(json_string_value(json), json_string_length(json));
	case JSON_ARRAY:
		return (struct value){.u.json = json, .type = VALUE_ARRAY, .is_json = true};
	case JSON_OBJECT:
		return (struct value){.u.json = json, .type = VALUE_OBJECT, .is_json = true};
	}
	return value_undefined();
}

/* A whole number is written without a point: 2 and not 2.0. Beyond 2^53 a double no longer holds
 * each integer, so it stays a real. */
static json_t *
number_to_json(double number)
{
	if (number == floor(number) && fabs(number) <= INTEGER_EXACT_MAX)
		return json_integer((json_int_t)number);
	/* JSON has neither infinity nor "not a number". */
	return isfinite(number) ? json_real(number) : json_null();
}

/* Half a pair of surrogates (three bytes from ED A0 80 on) is not UTF-8: it becomes U+FFFD. jansson
 * refuses what is not UTF-8, and only a \ud800 in an expression makes such text. The replacement
 * has three bytes too, so the length stays. */
static json_t *
string_to_json(const struct value *value)
{
	json_t *json;
	char *copy;

	if (value->len == 0 || memchr(value->u.text, 0xed, value->len) == NULL)
		return json_stringn_nocheck(value->u.text, value->len);
	json = json_stringn(value->u.text, value->len);
	if (json != NULL)
		return json;
	copy = mem_strndup(value->u.text, value->len);
	for (uint32_t i = 0; i + 2 < value->len; i++) {
		if ((unsigned char)copy[i] == 0xed && (unsigned char)copy[i + 1] >= 0xa0)
			copy[i] = (char)0xef, copy[i + 1] = (char)0xbf, copy[i + 2] = (char)0xbd;
	}
	json = json_stringn_nocheck(copy, value->len);
	free(copy);
	return json;
}

static json_t *to_json(const struct value *value);

static json_t *
array_to_json(const struct value *value)
{
	json_t *array = json_array();

	for (size_t i = 0; i < value_count(value); i++) {
		struct value element = value_at(value, i);
		json_t *json = to_json(&element);

		/* A gap keeps its place: undefined in an array becomes null, as JSON.stringify
		 * writes it. */
		json_array_append_new(array, json != NULL ? json : json_null());
	}
	return array;
}

/* A member whose value is undefined is left out, as in JavaScript: {"a": absent} is {}. */
static json_t *
object_to_json(const struct value *value)
{
	struct member_cursor cursor = {0};
	json_t *object = json_object();

	while (value_next_member(value, &cursor)) {
		json_t *json = to_json(&cursor.value);

		if (json != NULL)
			json_object_setn_new(object, cursor.key, cursor.len, json);
	}
	return object;
}

static json_t *
to_json(const struct value *value)
{
	if (value->is_json)
		/* What was input is shared with the output, never copied. */
		return json_incref(value->u.json);
	switch ((enum value_type)value->type) {
	case VALUE_UNDEFINED:
		return NULL;
	case VALUE_NULL:
		return json_null();
	case VALUE_BOOLEAN:
		return json_boolean(value->u.boolean);
	case VALUE_NUMBER:
		return number_to_json(value->u.number);
	case VALUE_STRING:
		return string_to_json(value);
	case VALUE_ARRAY:
		return array_to_json(value);
	case VALUE_OBJECT:
		return object_to_json(value);
	case VALUE_FUNCTION:
		return json_string("");
	}
	return NULL;
}

/* Adds to *bytes what the value takes as JSON. start: the depth of its root. A value that contains
 * itself has no end, so the depth stops the walk. Arrays and objects of the input count nothing
 * themselves: they are shared. */
static void
measure_json(struct heap *heap, const struct value *value, unsigned start, size_t *bytes)
{
	struct member_cursor cursor = {0};

	heap_enter(heap);
	if (heap->depth - start > VALUE_RESULT_DEPTH_MAX)
		heap_give_up(heap);
	if (!value->is_json)
		*bytes += NODE_JSON_BYTES + (value->type == VALUE_STRING ? value->len : 0);
	if (*bytes > heap->limit_bytes)
		heap_give_up(heap);
	for (size_t i = 0; value->type == VALUE_ARRAY && i < value_count(value); i++) {
		struct value element = value_at(value, i);

		measure_json(heap, &element, start, bytes);
	}
	while (value->type == VALUE_OBJECT && value_next_member(value, &cursor))
		measure_json(heap, &cursor.value, start, bytes);
	heap_leave(heap);
}

/* In two passes: what jansson has half built would leak if the heap gave up on the way. */
json_t *
value_to_json(struct heap *heap, const struct value *value)
{
	size_t bytes = 0;

	measure_json(heap, value, heap->depth, &bytes);
	return to_json(value);
}

/* --- arrays --- */

/* A capacity of 0 allocates no elements: most sequences stay empty or hold one value. */
struct list *
list_new(struct heap *heap, size_t capacity)
{
	struct list *list = heap_alloc(heap, sizeof(*list));

	if (capacity > 0) {
		list->at = heap_array(heap, capacity, sizeof(list->at[0]));
		list->capacity = (uint32_t)capacity;
	}
	return list;
}

struct list *
list_sequence(struct heap *heap)
{
	struct list *list = list_new(heap, 0);

	list->is_sequence = true;
	return list;
}

/* The count has 32 bits, of which the largest range, RANGE_MAX, needs 24. */
struct list *
list_range(struct heap *heap, double first, size_t count)
{
	struct list *list = list_new(heap, 0);

	list->is_range = true;
	list->first = first;
	list->count = (uint32_t)count;
	return list;
}

/* Arrays double, and the old space is lost until the heap ends: at most as much again as the array
 * takes in the end. */
void
list_push(struct heap *heap, struct list *list, struct value value)
{
	assert(!list->is_range);
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 2 : (size_t)list->capacity * 2;
		struct value *at = heap_array(heap, capacity, sizeof(*at));

		if (list->count > 0)
			memcpy(at, list->at, list->count * sizeof(*at));
		list->at = at;
		list->capacity = (uint32_t)capacity;
	}
	list->at[list->count++] = value;
}

/* The count is taken first, so that an array may be appended to itself. */
void
list_append(struct heap *heap, struct list *list, struct value value)
{
	if (value.type == VALUE_UNDEFINED)
		return;
	if (value.type != VALUE_ARRAY) {
		list_push(heap, list, value);
		return;
	}
	for (size_t i = 0, count = value_count(&value); i < count; i++)
		list_push(heap, list, value_at(&value, i));
}

/* --- objects --- */

struct object *
object_new(struct heap *heap)
{
	return heap_alloc(heap, sizeof(struct object));
}

/* The index entry of a key, or the free one where it would stand. Linear probing; at least half of
 * the entries are free, so the loop ends. The hash is compared before the key, which spares most
 * comparisons of text. */
static uint32_t *
object_slot(const struct object *object, const char *key, size_t len, uint32_t hash)
{
	uint32_t at = hash & (object->index_size - 1);

	assert(object->index != NULL);
	while (object->index[at] != 0) {
		const struct member *member = &object->at[object->index[at] - 1];

		if (member->hash == hash && member->len == len &&
		    memcmp(member->key, key, len) == 0)
			break;
		at = (at + 1) & (object->index_size - 1);
	}
	return &object->index[at];
}

/* Twice the capacity keeps the index at most half full until the next growth. */
static void
object_build_index(struct heap *heap, struct object *object)
{
	object->index_size = object->capacity * 2;
	object->index = heap_array(heap, object->index_size, sizeof(object->index[0]));
	for (uint32_t i = 0; i < object->count; i++)
		*object_slot(object, object->at[i].key, object->at[i].len, object->at[i].hash) =
		    i + 1;
}

/* A constant time for large objects: a group-by over many keys looks up each item. */
struct value *
object_find(const struct object *object, const char *key, size_t len)
{
	if (object->index != NULL) {
		uint32_t found = *object_slot(object, key, len, hash_bytes(FNV_START, key, len));

		return found != 0 ? &object->at[found - 1].value : NULL;
	}
	for (uint32_t i = 0; i < object->count; i++) {
		if (object->at[i].len == len && memcmp(object->at[i].key, key, len) == 0)
			return &object->at[i].value;
	}
	return NULL;
}

/* A key set again keeps its place, as in JavaScript: only the value changes. */
void
object_set(
    struct heap *heap, struct object *object, const char *key, size_t len, struct value value)
{
	struct value *known = object_find(object, key, len);

	if (known != NULL) {
		*known = value;
		return;
	}
	if (object->count == object->capacity) {
		/* A power of two, which the index relies on. */
		uint32_t capacity = object->capacity == 0 ? 4 : object->capacity * 2;
		struct member *at = heap_array(heap, capacity, sizeof(*at));

		if (object->at != NULL)
			memcpy(at, object->at, object->count * sizeof(*at));
		object->at = at;
		object->capacity = capacity;
		if (capacity > MEMBERS_SEARCHED_MAX)
			object_build_index(heap, object);
	}
	assert(object->at != NULL);
	object->at[object->count] = (struct member){.key = key,
	    .len = (uint32_t)len,
	    .hash = hash_bytes(FNV_START, key, len),
	    .value = value};
	if (object->index != NULL)
		*object_slot(object, key, len, object->at[object->count].hash) = object->count + 1;
	object->count++;
}

/* Removing moves what stands behind, so the index is built again: rare enough, only transforms
 * do. */
void
object_remove(struct heap *heap, struct object *object, const char *key, size_t len)
{
	struct value *known = object_find(object, key, len);
	uint32_t at;

	if (known == NULL)
		return;
	at = (uint32_t)((struct member *)((char *)known - offsetof(struct member, value)) -
			object->at);
	memmove(
	    &object->at[at], &object->at[at + 1], (object->count - at - 1) * sizeof(object->at[0]));
	object->count--;
	if (object->index != NULL)
		object_build_index(heap, object);
}

/* jansson returns NULL for an absent key, which value_of_json makes undefined. */
struct value
value_member(const struct value *object, const char *key, size_t len)
{
	const struct value *found;

	assert(object->type == VALUE_OBJECT);
	if (object->is_json)
		return value_of_json(json_object_getn(object->u.json, key, len));
	found = object_find(object->u.object, key, len);
	return found != NULL ? *found : value_undefined();
}

/* A member that is set while a cursor goes through its object may be seen or not, but never breaks
 * the walk: the cursor keeps a number, not a pointer. Members of jansson's objects come in the
 * order of insertion, as JavaScript lists keys that are not integers. */
bool
value_next_member(const struct value *object, struct member_cursor *cursor)
{
	assert(object->type == VALUE_OBJECT);
	if (!object->is_json) {
		const struct member *member;

		if (cursor->next == object->u.object->count)
			return false;
		member = &object->u.object->at[cursor->next++];
		cursor->key = member->key;
		cursor->len = member->len;
		cursor->value = member->value;
		return true;
	}
	cursor->json_iter = cursor->started
				? json_object_iter_next(object->u.json, cursor->json_iter)
				: json_object_iter(object->u.json);
	cursor->started = true;
	if (cursor->json_iter == NULL)
		return false;
	cursor->key = json_object_iter_key(cursor->json_iter);
	cursor->len = json_object_iter_key_len(cursor->json_iter);
	cursor->value = value_of_json(json_object_iter_value(cursor->json_iter));
	return true;
}

size_t
value_member_count(const struct value *object)
{
	return object->is_json ? json_object_size(object->u.json) : object->u.object->count;
}

/* --- comparing --- */

/* Order counts in arrays, not in objects: [1, 2] = [2, 1] is false. */
static bool
arrays_equal(struct heap *heap, const struct value *a, const struct value *b)
{
	size_t count = value_count(a);
	size_t i;

	if (count != value_count(b))
		return false;
	heap_enter(heap);
	for (i = 0; i < count; i++) {
		struct value left = value_at(a, i);
		struct value right = value_at(b, i);

		if (!value_equal(heap, &left, &right))
			break;
	}
	heap_leave(heap);
	return i == count;
}

/* With equal counts it is enough that each member of a is one of b. */
static bool
objects_equal(struct heap *heap, const struct value *a, const struct value *b)
{
	struct member_cursor cursor = {0};
	bool equal = true;

	if (value_member_count(a) != value_member_count(b))
		return false;
	heap_enter(heap);
	while (equal && value_next_member(a, &cursor)) {
		struct value other = value_member(b, cursor.key, cursor.len);

		equal = other.type != VALUE_UNDEFINED && value_equal(heap, &cursor.value, &other);
	}
	heap_leave(heap);
	return equal;
}

/* Nothing is cast: 1 = "1" is false. Two views of one jansson value are equal without a walk. NaN
 * is not equal to itself, as in JavaScript. */
bool
value_equal(struct heap *heap, const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch ((enum value_type)a->type) {
	case VALUE_UNDEFINED:
	case VALUE_NULL:
		return true;
	case VALUE_BOOLEAN:
		return a->u.boolean == b->u.boolean;
	case VALUE_NUMBER:
		return a->u.number == b->u.number;
	case VALUE_STRING:
		heap_spend(heap, a->len / STRING_STEP_BYTES);
		return a->len == b->len && memcmp(a->u.text, b->u.text, a->len) == 0;
	case VALUE_ARRAY:
		return (a->is_json && b->is_json && a->u.json == b->u.json) ||
		       arrays_equal(heap, a, b);
	case VALUE_OBJECT:
		return (a->is_json && b->is_json && a->u.json == b->u.json) ||
		       objects_equal(heap, a, b);
	case VALUE_FUNCTION:
		return a->u.function == b->u.function;
	}
	return false;
}

bool
value_is_same(struct heap *heap, const struct value *a, const struct value *b)
{
	if (a->type == b->type && (a->type == VALUE_ARRAY || a->type == VALUE_OBJECT))
		return a->is_json == b->is_json && a->u.json == b->u.json;
	return value_equal(heap, a, b);
}

/* Where UTF-8 and UTF-16 order differently: characters beyond U+FFFF are pairs of surrogates from
 * U+D800 on, so they stand before those from U+E000 to U+FFFF. */
static unsigned
utf16_rank(unsigned char byte)
{
	if (byte >= 0xf0)
		return 0xeeu; /* before 0xef, and before the part of 0xee that begins with U+E000 */
	return byte >= 0xee ? byte + 2u : byte;
}

/* A code point order would put U+1F600 after U+FF5E; by code units it is before. */
int
value_compare_strings(const struct value *a, const struct value *b)
{
	const unsigned char *left = (const unsigned char *)a->u.text;
	const unsigned char *right = (const unsigned char *)b->u.text;
	uint32_t common = a->len < b->len ? a->len : b->len;

	for (uint32_t i = 0; i < common; i++) {
		if (left[i] != right[i]) {
			int order = (int)utf16_rank(left[i]) - (int)utf16_rank(right[i]);

			/* Two characters beyond U+FFFF rank alike by their first byte. */
			return order != 0 ? order : (int)left[i] - (int)right[i];
		}
	}
	return a->len < b->len ? -1 : a->len > b->len;
}

/* Functions are false, and so are {}, [] and [0, 0]: $boolean([0, 0]) is false. */
bool
value_is_true(struct heap *heap, const struct value *value)
{
	bool is_true = false;

	switch ((enum value_type)value->type) {
	case VALUE_UNDEFINED:
	case VALUE_NULL:
	case VALUE_FUNCTION:
		return false;
	case VALUE_BOOLEAN:
		return value->u.boolean;
	case VALUE_NUMBER:
		return value->u.number < 0 || value->u.number > 0; /* false of NaN */
	case VALUE_STRING:
		return value->len > 0;
	case VALUE_OBJECT:
		return value_member_count(value) > 0;
	case VALUE_ARRAY:
		/* An array is true if one of its elements is. */
		heap_enter(heap);
		for (size_t i = 0; !is_true && i < value_count(value); i++) {
			struct value element = value_at(value, i);

			is_true = value_is_true(heap, &element);
		}
		heap_leave(heap);
		return is_true;
	}
	return false;
}

/* Infinity equals its own trunc, so it is excluded by name. */
bool
value_is_integer(const struct value *value)
{
	return value->type == VALUE_NUMBER && isfinite(value->u.number) &&
	       value->u.number == trunc(value->u.number);
}

/* Lists lose their marks: the copy of a sequence is an ordinary array. */
struct value
value_clone(struct heap *heap, const struct value *value)
{
	if (value->type == VALUE_ARRAY) {
		size_t count = value_count(value);
		struct list *list = list_new(heap, count);

		heap_enter(heap);
		for (size_t i = 0; i < count; i++) {
			struct value element = value_at(value, i);

			list_push(heap, list, value_clone(heap, &element));
		}
		heap_leave(heap);
		return value_list(list);
	}
	if (value->type == VALUE_OBJECT) {
		struct object *object = object_new(heap);
		struct member_cursor cursor = {0};

		heap_enter(heap);
		while (value_next_member(value, &cursor))
			object_set(
			    heap, object, cursor.key, cursor.len, value_clone(heap, &cursor.value));
		heap_leave(heap);
		return value_object(object);
	}
	return *value;
}

/* Equal values must hash alike whether they are jansson's or made here, so only types, numbers and
 * texts enter, never pointers, except those of functions. */
uint32_t
value_hash(struct heap *heap, const struct value *value)
{
	uint32_t hash = hash_bytes(FNV_START, &value->type, sizeof(value->type));
	double number;

	switch ((enum value_type)value->type) {
	case VALUE_UNDEFINED:
	case VALUE_NULL:
		return hash;
	case VALUE_BOOLEAN:
		return hash ^ value->u.boolean;
	case VALUE_NUMBER:
		number = value->u.number + 0.0; /* -0 equals 0 */
		return hash_bytes(hash, &number, sizeof(number));
	case VALUE_STRING:
		return hash_bytes(hash, value->u.text, value->len);
	case VALUE_ARRAY:
		heap_enter(heap);
		for (size_t i = 0; i < value_count(value); i++) {
			struct value element = value_at(value, i);

			hash = hash * FNV_PRIME ^ value_hash(heap, &element);
		}
		heap_leave(heap);
		return hash;
	case VALUE_OBJECT: {
		/* A sum, since the order of members does not count. */
		struct member_cursor cursor = {0};

		heap_enter(heap);
		while (value_next_member(value, &cursor))
			hash += hash_bytes(FNV_START, cursor.key, cursor.len) *
				(value_hash(heap, &cursor.value) | 1u);
		heap_leave(heap);
		return hash;
	}
	case VALUE_FUNCTION:
		return hash_bytes(hash, &value->u.function, sizeof(void *));
	}
	return hash;
}
