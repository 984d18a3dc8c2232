#include "asl/compile/placeholder.h"

#include "base/jsonx.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* What is the same for all values of one definition. */
struct placeholder_filling {
	const json_t *values;
	json_t *used;
};

static json_t *
placeholder_fill_value(const struct placeholder_filling *filling, const char *field, json_t *value);

bool
placeholder_next(const char *text, size_t *at, struct str *ret_name)
{
	const char *from = text + *at;

	while ((from = strstr(from, "${")) != NULL) {
		size_t len = strcspn(from + 2, "${}");

		if (len > 0 && from[2 + len] == '}') {
			*ret_name = (struct str){from + 2, len};
			*at = (size_t)(from - text) + 2 + len + 1;
			return true;
		}
		from += 2;
	}
	return false;
}

bool
placeholder_is_whole(const char *text)
{
	struct str name;
	size_t at = 0;

	return placeholder_next(text, &at, &name) && name.p == text + 2 && text[at] == '\0';
}

/* Borrowed; NULL where it is not among the values. */
static json_t *
placeholder_value(const struct placeholder_filling *filling, struct str name)
{
	char *key = mem_strndup(name.p, name.len);
	json_t *value = json_object_get(filling->values, key);

	if (value != NULL)
		json_object_set_new(filling->used, key, json_true());
	free(key);
	return value;
}

/*
 * The fields whose value AWS wants as a number. Of a Task's Parameters they are texts as often as
 * numbers, but there a text of digits is rare, and what it is called decides.
 */
static bool
placeholder_is_number_field(const char *field)
{
	static const char *const fields[] = {"Seconds", "TimeoutSeconds", "HeartbeatSeconds",
	    "IntervalSeconds", "MaxDelaySeconds", "MaxAttempts", "BackoffRate", "MaxConcurrency",
	    "ToleratedFailureCount", "ToleratedFailurePercentage", "MaxItems", "MaxItemsPerBatch",
	    "MaxInputBytesPerBatch", NULL};
	const char *const *known = fields;

	if (field == NULL)
		return false;
	if (strncmp(field, "Numeric", 7) == 0)
		return true;
	while (*known != NULL && strcmp(*known, field) != 0)
		known++;
	return *known != NULL;
}

/* The text with its placeholders filled in; those without a value stay. */
static char *
placeholder_fill_text(const struct placeholder_filling *filling, const char *text)
{
	struct buf out = {0};
	struct str name;
	size_t done = 0;
	size_t at = 0;

	while (placeholder_next(text, &at, &name)) {
		const json_t *value = placeholder_value(filling, name);

		buf_add(&out, text + done, (size_t)(name.p - 2 - (text + done)));
		if (value == NULL)
			buf_printf(&out, "${%.*s}", (int)name.len, name.p);
		else if (json_is_string(value))
			buf_add_cstr(&out, json_string_value(value));
		else
			jsonx_write(value, &out);
		done = at;
	}
	buf_add_cstr(&out, text + done);
	return buf_take(&out);
}

static json_t *
placeholder_fill_string(
    const struct placeholder_filling *filling, const char *field, json_t *string)
{
	const char *text = json_string_value(string);
	struct str name;
	size_t at = 0;
	json_t *value;
	char *filled;

	if (strlen(text) != json_string_length(string) || !placeholder_next(text, &at, &name))
		return json_incref(string);
	value = placeholder_is_whole(text) ? placeholder_value(filling, name) : NULL;
	if (value != NULL && !json_is_string(value))
		return json_incref(value);
	filled = placeholder_fill_text(filling, text);
	value = placeholder_is_number_field(field) ? jsonx_parse(str_of(filled), NULL) : NULL;
	if (value != NULL && !json_is_number(value)) {
		json_decref(value);
		value = NULL;
	}
	if (value == NULL)
		value = json_string(filled);
	free(filled);
	return value;
}

static json_t *
placeholder_fill_object(const struct placeholder_filling *filling, json_t *object)
{
	json_t *filled = json_object();
	const char *key;
	json_t *member;

	json_object_foreach (object, key, member) {
		char *name = placeholder_fill_text(filling, key);

		json_object_set_new(filled, name, placeholder_fill_value(filling, key, member));
		free(name);
	}
	return filled;
}

/* A document nests at most DOC_DEPTH_MAX levels, so the recursion ends. */
static json_t *
placeholder_fill_value(const struct placeholder_filling *filling, const char *field, json_t *value)
{
	json_t *filled;
	json_t *element;
	size_t i;

	if (json_is_string(value))
		return placeholder_fill_string(filling, field, value);
	if (json_is_object(value))
		return placeholder_fill_object(filling, value);
	if (!json_is_array(value))
		return json_incref(value);
	filled = json_array();
	json_array_foreach (value, i, element)
		json_array_append_new(filled, placeholder_fill_value(filling, NULL, element));
	return filled;
}

json_t *
placeholder_fill(json_t *definition, const json_t *values, json_t *used)
{
	const struct placeholder_filling filling = {.values = values, .used = used};

	assert(json_is_object(values) && json_is_object(used));
	return placeholder_fill_value(&filling, NULL, definition);
}
