#include "mirror/actions/action.h"

#include "base/jsonx.h"

#include <assert.h>
#include <string.h>

#define FIELDS_MAX 32

static bool
action_is_list(const json_t *value)
{
	return json_is_array(value);
}

static bool
action_is_text(const json_t *value)
{
	return json_is_string(value);
}

static bool
action_is_number(const json_t *value)
{
	return json_is_integer(value);
}

static bool
action_is_boolean(const json_t *value)
{
	return json_is_boolean(value);
}

static bool
action_is_object(const json_t *value)
{
	return json_is_object(value);
}

/* By the first word of a field's kind. The rest, as in "list of string", is for the reader: what an
 * element has to be is for the action to check, which can name the element. */
static const struct {
	const char *word;
	bool (*is)(const json_t *value);
} action_kinds[] = {
    {"list", action_is_list},
    {"string", action_is_text},
    {"number", action_is_number},
    {"boolean", action_is_boolean},
    {"object", action_is_object},
};

/* A kind that is not in the table takes any value: "any JSON value". */
static bool
action_is_of_kind(const json_t *value, const char *kind)
{
	for (size_t i = 0; i < sizeof(action_kinds) / sizeof(action_kinds[0]); i++)
		if (str_starts(str_of(kind), action_kinds[i].word))
			return action_kinds[i].is(value);
	return true;
}

/* A walk: no table has more than a dozen fields. */
static const struct tmf_action_field *
action_find_field(const struct tmf_action *action, const char *name)
{
	for (const struct tmf_action_field *field = action->input; field->name != NULL; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return NULL;
}

/* An unknown field is a fault, so that a misspelt optional one does not change what a state does
 * without a word. The nearest name is nearly always the one that was meant. */
static int
action_unknown_field(struct tmf_op *op, const char *name)
{
	const char *names[FIELDS_MAX + 1] = {NULL};
	size_t count = 0;
	const char *near;

	for (const struct tmf_action_field *field = op->action->input; field->name != NULL; field++)
		if (count < FIELDS_MAX)
			names[count++] = field->name;
	near = str_nearest(str_of(name), names);
	return tmf_err_set(&op->err, TMF_ERR_INVALID, "tmflow:%s has no input field %s%s%s%s",
	    op->action->name, name, near != NULL ? " (did you mean " : "", near != NULL ? near : "",
	    near != NULL ? "?)" : "");
}

/* A field that is null counts as absent. A state that passes on what the state before gave cannot
 * leave a field out, so null has to do. */
static int
action_check_field(struct tmf_op *op, const struct tmf_action_field *field, const json_t *value)
{
	if (json_is_null(value) || action_is_of_kind(value, field->kind))
		return 0;
	return tmf_err_set(&op->err, TMF_ERR_INVALID,
	    "the input field %s of tmflow:%s must be a %s, but is of kind %s", field->name,
	    op->action->name, field->kind, jsonx_kind(value));
}

/* Those that are there: each is known, and of its kind. By jansson's iterators, since
 * json_object_foreach looks each key up again, and a page's input is checked for each item. */
static int
action_check_given(struct tmf_op *op)
{
	for (void *at = json_object_iter(op->input); at != NULL;
	     at = json_object_iter_next(op->input, at)) {
		const char *name = json_object_iter_key(at);
		const struct tmf_action_field *field = action_find_field(op->action, name);

		if (field == NULL)
			return action_unknown_field(op, name);
		if (action_check_field(op, field, json_object_iter_value(at)) < 0)
			return -1;
	}
	return 0;
}

/* The account is opened here, before the first stage: from then on action_account cannot fail. */
int
action_input_check(struct tmf_op *op)
{
	const struct tmf_action *action = op->action;

	assert(action->input != NULL);
	if (!json_is_object(op->input))
		return tmf_err_set(&op->err, TMF_ERR_INVALID,
		    "the input of tmflow:%s must be an object, but is of kind %s", action->name,
		    jsonx_kind(op->input));
	if (action_check_given(op) < 0)
		return -1;
	for (const struct tmf_action_field *field = action->input; field->name != NULL; field++)
		if (field->required && action_field_of(op, field->name) == NULL)
			return tmf_err_set(&op->err, TMF_ERR_INVALID,
			    "tmflow:%s needs the input field %s", action->name, field->name);
	return mirror_account(env(op), action_text_of(op, MEMBER_ACCOUNT), &op->err) != NULL ? 0
											     : -1;
}

/* After the check, so a value that is there is of its kind. */
json_t *
action_field_of(const struct tmf_op *op, const char *name)
{
	json_t *value = json_object_get(op->input, name);

	return json_is_null(value) ? NULL : value;
}

/* NULL for null as well as for a field that is absent. */
const char *
action_text_of(const struct tmf_op *op, const char *name)
{
	return jsonx_get_string(op->input, name);
}

/* Looked up for each call rather than kept in the frame: several actions have no frame, and the
 * list is short. */
struct account *
action_account(const struct tmf_op *op)
{
	struct tmf_err err = {0};
	struct account *account = mirror_account(env(op), action_text_of(op, MEMBER_ACCOUNT), &err);

	assert(account != NULL); /* it was opened when the input was checked */
	return account;
}

/* By name, since a rule passes through the workflow's data, and a pointer cannot. */
const struct config_rule *
action_rule_of(struct tmf_op *op, const char *name)
{
	const struct config_rule *rule = NULL;

	if (name != NULL)
		rule = mirror_config_rule_named(env(op)->config, name);
	if (rule == NULL)
		tmf_err_set(&op->err, TMF_ERR_INVALID,
		    "Rule: the configuration has no rule named \"%s\"", name != NULL ? name : "");
	return rule;
}
