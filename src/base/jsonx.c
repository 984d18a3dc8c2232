#include "base/jsonx.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/* The words of JSON Schema, as messages show them to a user. */
const char *
jsonx_kind(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "object";
	case JSON_ARRAY:
		return "array";
	case JSON_STRING:
		return "string";
	case JSON_INTEGER:
	case JSON_REAL:
		return "number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

/* As the language compares: 1 and 1.0 are one number, which jansson keeps apart. Two comparisons
 * and no ==, which the compiler warns of for reals; NaN cannot come, since JSON has none. */
bool
jsonx_same(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;
	size_t i;

	if (a == b)
		return true;
	if (json_is_number(a) && json_is_number(b)) {
		if (json_is_integer(a) && json_is_integer(b))
			return json_integer_value(a) == json_integer_value(b);
		return !(json_number_value(a) < json_number_value(b)) &&
		       !(json_number_value(a) > json_number_value(b));
	}
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		json_array_foreach (a, i, value)
			if (!jsonx_same(value, json_array_get(b, i)))
				return false;
		return true;
	}
	if (json_is_object(a)) {
		if (json_object_size(a) != json_object_size(b))
			return false;
		json_object_foreach ((json_t *)(uintptr_t)a, key, value) {
			const json_t *other = json_object_get(b, key);

			if (other == NULL || !jsonx_same(value, other))
				return false;
		}
		return true;
	}
	return json_equal(a, b);
}

/* NULL for an absent key and for a value of another type alike. */
const char *
jsonx_get_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Of an absent key json_object_get gives NULL, and so it does of what is not an object: no fault,
 * just absent. */
json_t *
jsonx_get_array(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_array(value) ? value : NULL;
}

/* The same for an object. */
json_t *
jsonx_get_object(const json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	return json_is_object(value) ? value : NULL;
}

/* The old object may be shared by a checkpoint and a history entry: it is copied, not changed. Its
 * members are shared. */
json_t *
jsonx_with(const json_t *object, const char *key, json_t *value)
{
	json_t *copy =
	    json_is_object(object) ? json_copy((json_t *)(uintptr_t)object) : json_object();

	assert(value != NULL);
	json_object_set_new_nocheck(copy, key, value);
	return copy;
}

/* Most of what is put is plain ASCII: it is not looked at character by character. Eight bytes at a
 * time; the high bits are gathered and looked at once. */
static bool
jsonx_is_ascii(const char *text, size_t len)
{
	uint64_t found = 0;
	uint64_t word;
	size_t i = 0;

	for (; len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text + i, sizeof(word));
		found |= word;
	}
	for (; i < len; i++)
		found |= (unsigned char)text[i];
	return (found & UINT64_C(0x8080808080808080)) == 0;
}

/* json_string refuses what is not UTF-8. A file name, an argument or a header may be any bytes, and
 * an error that quotes it must not get lost for that. */
json_t *
jsonx_text_value(const char *text)
{
	size_t len = strlen(text);
	json_t *string =
	    jsonx_is_ascii(text, len) ? json_stringn_nocheck(text, len) : json_string(text);
	struct buf repaired = {0};

	if (string != NULL)
		return string;
	utf8_repair(&repaired, text);
	string = json_string(buf_cstr(&repaired));
	assert(string != NULL);
	buf_fini(&repaired);
	return string;
}

/* Without jansson's own check of UTF-8 for the key, which is always ours. */
void
jsonx_put_string(json_t *object, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new_nocheck(object, key, jsonx_text_value(value));
}

/* For what AWS writes as null and not as absent. */
void
jsonx_put_string_or_null(json_t *object, const char *key, const char *value)
{
	json_object_set_new_nocheck(
	    object, key, value != NULL ? jsonx_text_value(value) : json_null());
}

/* A string is never changed in place, so any number of objects may hold it. */
void
jsonx_share_string(json_t *object, const char *key, const json_t *from, const char *from_key)
{
	json_t *value = json_object_get(from, from_key);

	if (json_is_string(value))
		json_object_set_new_nocheck(object, key, json_incref(value));
}
