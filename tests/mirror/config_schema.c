#include "config_schema.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "mirror/config/config_keys.h"

#include <stdlib.h>

/* config/schema.json, for editors. See: https://json-schema.org/draft-07 */

#define DRAFT	 "http://json-schema.org/draft-07/schema#"
#define MISSING	 "missing" /* names of definitions */
#define TAG	 "tag"
#define RULE_OF	 "%sRule" /* of tags, subnets, vpcs */
#define ID_CHARS "[A-Za-z0-9-]+"

static json_t *form_schema(const struct config_key *key);

static json_t *
typed(const char *type)
{
	json_t *schema = json_object();

	jsonx_put_string(schema, "type", type);
	return schema;
}

static json_t *
reference(const char *definition)
{
	json_t *schema = json_object();
	char *path = mem_printf("#/definitions/%s", definition);

	jsonx_put_string(schema, "$ref", path);
	free(path);
	return schema;
}

/* {"anyOf": [a, b]}; both are taken. */
static json_t *
either(json_t *a, json_t *b)
{
	json_t *schema = json_object();
	json_t *any = json_array();

	json_array_append_new(any, a);
	json_array_append_new(any, b);
	json_object_set_new(schema, "anyOf", any);
	return schema;
}

/* A text that begins with prefix and goes on. */
static json_t *
begins_with(const char *prefix, const char *rest)
{
	json_t *schema = typed("string");
	char *pattern = mem_printf("^%s%s", prefix, rest);

	jsonx_put_string(schema, "pattern", pattern);
	free(pattern);
	return schema;
}

static json_t *
between(const char *type, struct config_range range)
{
	json_t *schema = typed(type);

	json_object_set_new(schema, "minimum", json_integer(range.min));
	json_object_set_new(schema, "maximum", json_integer(range.max));
	return schema;
}

static json_t *
constant(const char *text)
{
	json_t *schema = json_object();

	jsonx_put_string(schema, "const", text);
	return schema;
}

static json_t *
list_of(json_t *items, size_t count_max)
{
	json_t *schema = typed("array");

	json_object_set_new(schema, "items", items);
	if (count_max > 0)
		json_object_set_new(schema, "maxItems", json_integer((json_int_t)count_max));
	return schema;
}

static json_t *
text(const struct config_key *key)
{
	json_t *schema = typed("string");

	if (key->count_max > 0)
		json_object_set_new(schema, "maxLength", json_integer((json_int_t)key->count_max));
	return schema;
}

static json_t *
choice(const struct config_key *key)
{
	json_t *schema = json_object();
	json_t *choices = json_array();

	for (size_t i = 0; key->choices[i] != NULL; i++)
		json_array_append_new(choices, json_string(key->choices[i]));
	json_object_set_new(schema, "enum", choices);
	return schema;
}

/* What the checker passes over. */
static json_t *
extensions(void)
{
	json_t *patterns = json_object();

	json_object_set_new(patterns, "^" CONFIG_EXTENSION, json_true());
	return patterns;
}

/* Properties of the keys that may stand in the lists `in`. What need not be given may also be
 * given as missing. */
static json_t *
object_of(const struct config_key *keys, unsigned in)
{
	json_t *schema = typed("object");
	json_t *properties = json_object();
	json_t *required = json_array();

	for (; keys->name != NULL; keys++) {
		json_t *value;

		if (in != 0 && (keys->in & in) == 0)
			continue;
		value = form_schema(keys);
		if (keys->role == ROLE_NEEDED)
			json_array_append_new(required, json_string(keys->name));
		else
			value = either(value, reference(MISSING));
		jsonx_put_string(value, "description", keys->summary);
		json_object_set_new(properties, keys->name, value);
	}
	json_object_set_new(schema, "additionalProperties", json_false());
	json_object_set_new(schema, "patternProperties", extensions());
	json_object_set_new(schema, "properties", properties);
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	json_decref(required);
	return schema;
}

static json_t *
rules(const struct config_key *key)
{
	char *name = mem_printf(RULE_OF, key->name);
	json_t *schema = list_of(reference(name), CONFIG_RULES_MAX);

	free(name);
	return schema;
}

static json_t *
form_schema(const struct config_key *key)
{
	switch (key->form) {
	case FORM_NAME:
	case FORM_TEXT:
		return text(key);
	case FORM_TEXTS:
		return list_of(key->choices != NULL ? choice(key) : typed("string"), 0);
	case FORM_ID:
		return begins_with(key->prefix, ID_CHARS "$");
	case FORM_IDS:
		return list_of(either(begins_with(key->prefix, ID_CHARS "$"), reference(MISSING)),
		    key->count_max);
	case FORM_ARN:
		return begins_with("arn:", "");
	case FORM_ACCOUNTS:
		return list_of(either(begins_with("", "[0-9]{12}$"),
				   either(typed("integer"), reference(MISSING))),
		    0);
	case FORM_TAGS:
		return list_of(reference(TAG), key->count_max);
	case FORM_CHOICE:
		return choice(key);
	case FORM_INT:
		return key->zero_word == NULL
			   ? between("integer", key->range)
			   : either(between("integer", key->range), constant(key->zero_word));
	case FORM_NUMBER:
		return between("number", key->range);
	case FORM_BOOLEAN:
		return typed("boolean");
	case FORM_RULES:
		return rules(key);
	case FORM_SECTION:
		return object_of(key->keys, 0);
	}
	return NULL;
}

/* {"required": [names of the keys with role]} */
static json_t *requires(enum key_role role)
{
	json_t *schema = json_object();
	json_t *required = json_array();

	for (const struct config_key *key = config_rule_keys; key->name != NULL; key++)
		if (key->role == role)
			json_array_append_new(required, json_string(key->name));
	json_object_set_new(schema, "required", required);
	return schema;
}

static json_t *
rule_schema(unsigned in)
{
	json_t *schema = object_of(config_rule_keys, in);
	json_t *targets = either(requires(ROLE_TARGET), requires(ROLE_LAUNCH));

	json_object_update(schema, targets);
	json_decref(targets);
	return schema;
}

static json_t *
tag_schema(void)
{
	static const struct config_key keys[] = {
	    {"Key", "upper and lower case count", .form = FORM_TEXT, .role = ROLE_NEEDED},
	    {"Value", "write it in quotes: yes, on and 7 are to be strings", .form = FORM_TEXT,
		.role = ROLE_NEEDED},
	    {.name = NULL},
	};

	return object_of(keys, 0);
}

static json_t *
missing_schema(void)
{
	json_t *schema = json_object();
	json_t *values = json_array();

	json_array_append_new(values, json_null());
	json_array_append_new(values, json_string(""));
	json_array_append_new(values, json_string(CONFIG_PLACEHOLDER));
	json_object_set_new(schema, "enum", values);
	jsonx_put_string(schema, "description", "counts as not given");
	return schema;
}

json_t *
config_schema(void)
{
	json_t *schema = json_object();
	json_t *root = object_of(config_root_keys, 0);
	json_t *definitions = json_object();

	jsonx_put_string(schema, "$schema", DRAFT);
	jsonx_put_string(schema, "title", "tmflow configuration");
	jsonx_put_string(schema, "description", "Which instances tmflow mirrors, and where to");
	json_object_update(schema, root);
	json_object_set_new(definitions, MISSING, missing_schema());
	json_object_set_new(definitions, TAG, tag_schema());
	for (size_t kind = 0; kind < CONFIG_KINDS; kind++) {
		char *name = mem_printf(RULE_OF, config_list_names[kind]);

		json_object_set_new(definitions, name, rule_schema(IN(kind)));
		free(name);
	}
	json_object_set_new(schema, "definitions", definitions);
	json_decref(root);
	return schema;
}
