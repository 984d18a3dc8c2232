#include "asl/expr/java_hash.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define JAVA_HASH_BUCKETS_FIRST 16u /* of an empty set; it has two elements for three buckets */
#define JAVA_HASH_TRUE		1231u
#define JAVA_HASH_FALSE		1237u
#define JAVA_HASH_FACTOR	31u

/* An element and the bucket that it falls into. */
struct java_hash_place {
	json_t *element;
	uint32_t bucket;
	size_t at; /* its place before */
};

static uint32_t java_hash_of(const json_t *value);

/* Java's text is UTF-16: a character beyond 16 bits counts as the two halves of its pair. */
static uint32_t
java_hash_of_text(const char *text, size_t len)
{
	const char *end = text + len;
	uint32_t hash = 0;

	while (text < end) {
		size_t bytes;
		uint32_t c = (uint32_t)utf8_decode(text, &bytes);

		if (c >= 0x10000) {
			hash = hash * JAVA_HASH_FACTOR + (0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + (c & 0x3ff);
		}
		hash = hash * JAVA_HASH_FACTOR + c;
		text += bytes;
	}
	return hash;
}

/* Integer, Long and Double: the halves of 64 bits, mixed. A small positive integer is itself. */
static uint32_t
java_hash_of_number(const json_t *value)
{
	json_int_t integer = json_integer_value(value);
	double real = json_real_value(value);
	uint64_t bits;

	if (json_is_integer(value) && integer >= INT32_MIN && integer <= INT32_MAX)
		return (uint32_t)integer;
	if (json_is_integer(value))
		bits = (uint64_t)integer;
	else
		memcpy(&bits, &real, sizeof(bits));
	return (uint32_t)(bits ^ bits >> 32);
}

static uint32_t
java_hash_of_list(const json_t *list)
{
	uint32_t hash = 1;
	json_t *element;
	size_t i;

	json_array_foreach (list, i, element)
		hash = hash * JAVA_HASH_FACTOR + java_hash_of(element);
	return hash;
}

static uint32_t
java_hash_of_map(const json_t *map)
{
	uint32_t hash = 0;
	const char *key;
	json_t *member;

	json_object_foreach ((json_t *)map, key, member)
		hash += java_hash_of_text(key, strlen(key)) ^ java_hash_of(member);
	return hash;
}

/* Values of a workflow nest at most as deep as JSON texts may, so the recursion ends. */
static uint32_t
java_hash_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return java_hash_of_map(value);
	case JSON_ARRAY:
		return java_hash_of_list(value);
	case JSON_STRING:
		return java_hash_of_text(json_string_value(value), json_string_length(value));
	case JSON_INTEGER:
	case JSON_REAL:
		return java_hash_of_number(value);
	case JSON_TRUE:
		return JAVA_HASH_TRUE;
	case JSON_FALSE:
		return JAVA_HASH_FALSE;
	case JSON_NULL:
		break;
	}
	return 0;
}

/* Within a bucket they stand as they came. */
static int
java_hash_compare(const void *a, const void *b)
{
	const struct java_hash_place *left = a;
	const struct java_hash_place *right = b;

	if (left->bucket != right->bucket)
		return left->bucket < right->bucket ? -1 : 1;
	return left->at < right->at ? -1 : left->at > right->at;
}

void
java_hash_sort(json_t *array)
{
	size_t count = json_array_size(array);
	struct java_hash_place *places = mem_zalloc(count + 1, sizeof(*places));
	size_t buckets = JAVA_HASH_BUCKETS_FIRST;

	while (count * 4 > buckets * 3)
		buckets *= 2;
	for (size_t i = 0; i < count; i++) {
		json_t *element = json_array_get(array, i);
		uint32_t hash = java_hash_of(element);

		places[i] = (struct java_hash_place){.element = json_incref(element), .at = i};
		places[i].bucket = (hash ^ hash >> 16) & (uint32_t)(buckets - 1);
		assert(places[i].bucket < buckets);
	}
	qsort(places, count, sizeof(*places), java_hash_compare);
	for (size_t i = 0; i < count; i++)
		json_array_set_new(array, i, places[i].element);
	free(places);
}
