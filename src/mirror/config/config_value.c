#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/config_internal.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define CODE_MISSING "MISSING_VALUE"
#define CODE_INVALID "INVALID_VALUE"
#define CODE_UNKNOWN "UNKNOWN_KEY"

/* The mark is a length rather than a stack entry: leaving cannot fail, and a check that returns
 * early in the middle of a level is undone by the level above. */
size_t
config_enter(struct config_reader *reader, const char *key)
{
	size_t mark = reader->pointer.len;

	doc_pointer_add(&reader->pointer, key);
	return mark;
}

size_t
config_enter_index(struct config_reader *reader, size_t index)
{
	size_t mark = reader->pointer.len;

	doc_pointer_add_index(&reader->pointer, index);
	return mark;
}

/* The pointer is one buffer that grows and shrinks: a million values need no million strings. */
void
config_leave(struct config_reader *reader, size_t mark)
{
	assert(mark <= reader->pointer.len);
	reader->pointer.len = mark;
	if (reader->pointer.p != NULL)
		reader->pointer.p[mark] = '\0';
}

/* The seed application's template has lists of placeholders. */
static bool
config_any_given(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (config_given(json_array_get(list, i)))
			return true;
	return false;
}

/* A blank text counts as missing, since that is how a template is emptied by hand. 0 and false are
 * values. */
bool
config_given(const json_t *value)
{
	struct str text;

	if (value == NULL || json_is_null(value))
		return false;
	if (json_is_array(value))
		return config_any_given(value);
	if (!json_is_string(value))
		return true;
	text = str_trim((struct str){json_string_value(value), json_string_length(value)});
	return text.len > 0 && !str_is(text, CONFIG_PLACEHOLDER);
}

/* The message is formatted before it is handed on, because diag_add takes no va_list. */
static void
config_add_fault(struct config_reader *reader, const char *code, const char *format, va_list args)
{
	struct buf message = {0};

	buf_vprintf(&message, format, args);
	diag_add(reader->diags, DIAG_ERROR, code, buf_cstr(&reader->pointer), DIAG_AT_VALUE, NULL,
	    "%s", buf_cstr(&message));
	buf_fini(&message);
}

/* At the place of the key that is not there. The diagnostics show the nearest place that is: the
 * mapping which lacks it. */
void
config_missing(struct config_reader *reader, const char *key, const char *format, ...)
{
	size_t mark = config_enter(reader, key);
	va_list args;

	va_start(args, format);
	config_add_fault(reader, CODE_MISSING, format, args);
	va_end(args);
	config_leave(reader, mark);
}

void
config_invalid(struct config_reader *reader, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_add_fault(reader, CODE_INVALID, format, args);
	va_end(args);
}

/* A warning does not stop the run: a hook may still use a rule that is never reached by itself. */
void
config_warn(struct config_reader *reader, const char *code, const char *format, ...)
{
	struct buf message = {0};
	va_list args;

	va_start(args, format);
	buf_vprintf(&message, format, args);
	va_end(args);
	diag_add(reader->diags, DIAG_WARNING, code, buf_cstr(&reader->pointer), DIAG_AT_VALUE, NULL,
	    "%s", buf_cstr(&message));
	buf_fini(&message);
}

/* A walk is enough: a table has at most CONFIG_KEYS_MAX keys. */
static bool
config_is_known(const char *const *known, const char *key)
{
	if (strncmp(key, CONFIG_EXTENSION, strlen(CONFIG_EXTENSION)) == 0)
		return true;
	while (*known != NULL)
		if (strcmp(*known++, key) == 0)
			return true;
	return false;
}

/* An unknown key is a fault and no warning: a misspelt `targetID` would otherwise be a rule that
 * launches instances. */
void
config_check_keys(struct config_reader *reader, const json_t *object, const char *const *known)
{
	struct buf hint = {0};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		size_t mark = config_enter(reader, key);

		if (!config_is_known(known, key))
			diag_add(reader->diags, DIAG_ERROR, CODE_UNKNOWN,
			    buf_cstr(&reader->pointer), DIAG_AT_KEY,
			    diag_hint_nearest(&hint, key, known), "unknown key \"%s\"", key);
		config_leave(reader, mark);
	}
	buf_fini(&hint);
}

/* YAML reads `name: 42` as a number and `name: yes` (in 1.1) as a boolean: say how to write it. */
void
config_read_text(
    struct config_reader *reader, const char *name, const json_t *value, const char **ret_text)
{
	assert(name != NULL);
	if (json_is_string(value))
		*ret_text = json_string_value(value);
	else if (json_is_number(value) || json_is_boolean(value))
		config_invalid(reader, "%s must be a string: write it in quotes", name);
	else
		config_invalid(
		    reader, "%s must be a string, but is of kind %s", name, jsonx_kind(value));
}

void
config_read_name(struct config_reader *reader, const json_t *value, const char **ret_name)
{
	const char *name = NULL;

	config_read_text(reader, "name", value, &name);
	if (name == NULL)
		return;
	*ret_name = name;
	if (strlen(name) > CONFIG_NAME_BYTES_MAX)
		config_invalid(reader, "a name has at most %d characters", CONFIG_NAME_BYTES_MAX);
}

/* Only the form: whether AWS knows the id shows when it is used, and the file may be for another
 * account. */
static bool
config_is_id(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(text, prefix, len) != 0 || text[len] == '\0')
		return false;
	for (text += len; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && *text != '-')
			return false;
	return true;
}

/* By way of config_read_text, so that an id written as a number has the fault that says how to mend
 * it. */
void
config_read_id(struct config_reader *reader, const char *name, const json_t *value,
    const char *prefix, const char **ret_id)
{
	const char *text = NULL;

	config_read_text(reader, name, value, &text);
	if (text == NULL)
		return;
	if (config_is_id(text, prefix))
		*ret_id = text;
	else
		config_invalid(
		    reader, "%s is \"%s\", but must be an id like \"%s...\"", name, text, prefix);
}

/* One member of a tag. Key and Value with capitals, as AWS writes them: tags are copied from
 * there. A tag's value may be empty. */
static void
config_read_tag_part(struct config_reader *reader, const json_t *tag, const char *part,
    bool may_be_empty, const char **ret_text)
{
	const json_t *value = json_object_get(tag, part);
	size_t mark;

	if (!config_given(value) &&
	    !(may_be_empty && json_is_string(value) && json_string_length(value) == 0)) {
		config_missing(reader, part, "the tag has no %s", part);
		return;
	}
	mark = config_enter(reader, part);
	config_read_text(reader, part, value, ret_text);
	config_leave(reader, mark);
}

/* Two keys and no table: a tag's form is AWS's and will not grow. */
static void
config_read_tag(struct config_reader *reader, const json_t *tag, struct config_tag *ret_tag)
{
	static const char *const known[] = {"Key", "Value", NULL};

	if (!json_is_object(tag)) {
		config_invalid(reader, "a tag must be a mapping of Key and Value");
		return;
	}
	config_check_keys(reader, tag, known);
	config_read_tag_part(reader, tag, "Key", false, &ret_tag->key);
	config_read_tag_part(reader, tag, "Value", true, &ret_tag->value);
}

/* The limit is checked before memory is taken. The array is the slot's from then on, with faults or
 * without, and is freed with it. */
void
config_read_tags(struct config_reader *reader, const char *name, const json_t *value,
    struct config_tag **ret_tags, size_t *ret_count)
{
	size_t count = json_array_size(value);

	if (count == 0 || count > CONFIG_TAGS_PER_RULE_MAX) {
		config_invalid(reader, "%s must be a list of 1 to %u tags, each with Key and Value",
		    name, CONFIG_TAGS_PER_RULE_MAX);
		return;
	}
	*ret_tags = mem_zalloc(count, sizeof(**ret_tags));
	*ret_count = count;
	for (size_t i = 0; i < count; i++) {
		size_t mark = config_enter_index(reader, i);

		config_read_tag(reader, json_array_get(value, i), &(*ret_tags)[i]);
		config_leave(reader, mark);
	}
}

/* Elements that count as missing are left out, so that the seed's template, a list of one
 * placeholder, is missing as a whole, and one filled in by half keeps its values. */
void
config_read_ids(struct config_reader *reader, const char *name, const json_t *value,
    const char *prefix, const char **ret_ids, size_t max, size_t *ret_count)
{
	size_t count = json_array_size(value);

	if (count == 0 || count > max) {
		config_invalid(
		    reader, "%s must be a list of 1 to %zu ids like \"%s...\"", name, max, prefix);
		return;
	}
	assert(max > 0);
	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		const json_t *id = json_array_get(value, i);
		size_t mark = config_enter_index(reader, i);

		if (config_given(id))
			config_read_id(reader, name, id, prefix, &ret_ids[(*ret_count)++]);
		config_leave(reader, mark);
	}
}

/* 5.0 is refused: AWS shows such a number without a fraction. */
void
config_read_int(struct config_reader *reader, const char *name, const json_t *value,
    struct config_range range, int *ret_number)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value) || number < range.min || number > range.max)
		config_invalid(
		    reader, "%s must be a whole number from %d to %d", name, range.min, range.max);
	else
		*ret_number = (int)number;
}

/* The message names two choices, since every key of this form has exactly two. */
void
config_read_choice(struct config_reader *reader, const char *name, const json_t *value,
    const char *const *choices, unsigned *ret_choice)
{
	const char *text = NULL;

	config_read_text(reader, name, value, &text);
	if (text == NULL)
		return;
	assert(choices[0] != NULL && choices[1] != NULL && choices[2] == NULL);
	for (unsigned i = 0; choices[i] != NULL; i++) {
		if (strcmp(choices[i], text) == 0) {
			*ret_choice = i;
			return;
		}
	}
	config_invalid(reader, "%s is \"%s\", but must be \"%s\" or \"%s\"", name, text, choices[0],
	    choices[1]);
}
