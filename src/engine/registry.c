#include "tmflow/action.h"

#include "base/mem.h"
#include "engine/registry.h"

#include "asl/state/machine.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX	    "tmflow:"
#define PREFIX_LEN  (sizeof(PREFIX) - 1)
#define FIELDS_MAX  32 /* of one action, for hints */
#define CODE_ACTION "UNKNOWN_ACTION"
#define CODE_FIELD  "SCHEMA_VALIDATION_FAILED"

struct tmf_registry {
	const struct tmf_action *at[TMF_ACTIONS_MAX]; /* by name */
	size_t count;
	void *env;
};

struct tmf_registry *
tmf_registry_new(void)
{
	return mem_zalloc(1, sizeof(struct tmf_registry));
}

void
tmf_registry_free(struct tmf_registry *registry)
{
	free(registry);
}

/* Keeps the table sorted by name, so that a list of the actions is in order however the
 * families register. A name that is there twice is a fault of the program, not of a user:
 * the assertion finds it in the first test. */
void
tmf_registry_add(struct tmf_registry *registry, const struct tmf_action *action)
{
	size_t i = registry->count++;

	assert(registry->count <= TMF_ACTIONS_MAX);
	while (i > 0 && strcmp(registry->at[i - 1]->name, action->name) > 0) {
		registry->at[i] = registry->at[i - 1];
		i--;
	}
	assert(i == 0 || strcmp(registry->at[i - 1]->name, action->name) != 0);
	registry->at[i] = action;
}

/* A walk is enough: the table is small, and a task that starts has far slower work before
 * it. */
const struct tmf_action *
tmf_registry_find(const struct tmf_registry *registry, const char *name)
{
	for (size_t i = 0; i < registry->count; i++)
		if (strcmp(registry->at[i]->name, name) == 0)
			return registry->at[i];
	return NULL;
}

const struct tmf_action *
tmf_registry_at(const struct tmf_registry *registry, size_t index)
{
	return index < registry->count ? registry->at[index] : NULL;
}

/* The environment belongs to the host. The registry only hands it on to the ops of
 * executions that bring none of their own. */
void
tmf_registry_set_env(struct tmf_registry *registry, void *env)
{
	registry->env = env;
}

void *
tmf_registry_env(const struct tmf_registry *registry)
{
	return registry->env;
}

/* --- checking a definition --- */

/* The place is a JSON pointer to the member, so that the printed fault names the line and
 * column of the definition. */
static void
registry_add_at(struct diag_list *diags, enum diag_severity severity, const char *code,
    const char *pointer, const char *member, const char *hint, const char *message)
{
	char *place = mem_printf("%s/%s", pointer, member);

	diag_add(diags, severity, code, place, DIAG_AT_VALUE, hint, "%s", message);
	free(place);
}

/* A typing error is the usual cause, so the nearest known name is worth more than the full
 * list. */
static void
registry_unknown_action(const struct tmf_registry *registry, const char *resource,
    const char *pointer, struct diag_list *diags)
{
	const char *names[TMF_ACTIONS_MAX + 1] = {NULL};
	const char *near;
	char *message = mem_printf("unknown action \"%s\"", resource);
	char *hint;

	for (size_t i = 0; i < registry->count; i++)
		names[i] = registry->at[i]->name;
	near = str_nearest(str_of(resource + PREFIX_LEN), names);
	hint = near != NULL ? mem_printf("did you mean \"" PREFIX "%s\"?", near)
			    : mem_strdup("tmflow actions lists them");
	registry_add_at(diags, DIAG_ERROR, CODE_ACTION, pointer, "Resource", hint, message);
	free(hint);
	free(message);
}

/* The key comes with its length, because a key that ends in ".$" is compared without these
 * two bytes. */
static const struct tmf_action_field *
registry_find_field(const struct tmf_action *action, const char *key, size_t len)
{
	for (const struct tmf_action_field *f = action->input; f->name != NULL; f++)
		if (strlen(f->name) == len && strncmp(f->name, key, len) == 0)
			return f;
	return NULL;
}

/* A key of Parameters without its ".$". In a payload template "bucket.$" sets the field
 * "bucket" from a path. */
static size_t
registry_key_len(const char *key)
{
	size_t len = strlen(key);

	return len > 2 && strcmp(key + len - 2, ".$") == 0 ? len - 2 : len;
}

/* An error, not a warning: a field with a typing error would otherwise be ignored in
 * silence. */
static void
registry_unknown_field(
    const struct tmf_action *action, const char *key, const char *pointer, struct diag_list *diags)
{
	/* pointer is that of the Parameters or Arguments. */
	const char *names[FIELDS_MAX + 1] = {NULL};
	struct buf place = {0};
	struct buf hint = {0};
	char *word = mem_strndup(key, registry_key_len(key));
	size_t count = 0;

	for (const struct tmf_action_field *f = action->input;
	     f->name != NULL && count < FIELDS_MAX; f++)
		names[count++] = f->name;
	buf_add_cstr(&place, pointer);
	doc_pointer_add(&place, key);
	diag_add(diags, DIAG_ERROR, CODE_FIELD, buf_cstr(&place), DIAG_AT_KEY,
	    diag_hint_nearest(&hint, word, names), PREFIX "%s has no input field \"%s\"",
	    action->name, word);
	free(word);
	buf_fini(&place);
	buf_fini(&hint);
}

/* A field may come as a literal or as a path; either satisfies a required field. */
static bool
registry_has_field(const json_t *parameters, const char *name)
{
	char *dynamic = mem_printf("%s.$", name);
	bool has = json_object_get(parameters, name) != NULL ||
		   json_object_get(parameters, dynamic) != NULL;

	free(dynamic);
	return has;
}

/* Only the names are checked. A value may come from a path, and is known only when the
 * state is entered. */
static void
registry_check_parameters(const struct tmf_action *action, json_t *parameters, const char *pointer,
    struct diag_list *diags)
{
	const char *key;
	json_t *value;

	json_object_foreach (parameters, key, value)
		if (registry_find_field(action, key, registry_key_len(key)) == NULL)
			registry_unknown_field(action, key, pointer, diags);
	for (const struct tmf_action_field *f = action->input; f->name != NULL; f++) {
		char *message;

		if (!f->required || registry_has_field(parameters, f->name))
			continue;
		message =
		    mem_printf(PREFIX "%s needs the input field \"%s\"", action->name, f->name);
		diag_add(
		    diags, DIAG_ERROR, CODE_FIELD, pointer, DIAG_AT_VALUE, NULL, "%s", message);
		free(message);
	}
}

/* A foreign ARN is valid ASL, and the compiler warns of it. Without Parameters the input of the
 * state is the input of the action, and nothing can be said about it beforehand. */
static void
registry_check_resource(void *arg, const struct asl_state *state, json_t *definition,
    const char *pointer, struct diag_list *diags)
{
	const struct tmf_registry *registry = arg;
	const struct tmf_action *action;
	const char *field =
	    json_object_get(definition, "Arguments") != NULL ? "Arguments" : "Parameters";
	json_t *parameters = json_object_get(definition, field);
	struct buf place = {0};

	if (state->u.task.action == NULL)
		return;
	action = tmf_registry_find(registry, state->u.task.action);
	buf_printf(&place, "%s/%s", pointer, field);
	if (action == NULL)
		registry_unknown_action(registry, state->u.task.resource, pointer, diags);
	else if (action->input != NULL && json_is_object(parameters))
		registry_check_parameters(action, parameters, buf_cstr(&place), diags);
	buf_fini(&place);
}

struct asl_resources
registry_resources(struct tmf_registry *registry)
{
	return (struct asl_resources){
	    .check = registry_check_resource, .arg = registry, .warns_remote = true};
}

/* Lets the caller run a workflow without AWS actions where there are no credentials. */
bool
registry_needs_aws(const struct tmf_registry *registry, const struct asl_machine *machine)
{
	for (size_t i = 0; i < asl_machine_state_count(machine); i++) {
		const struct asl_state *state = asl_machine_state(machine, (unsigned)i);
		const struct tmf_action *action = NULL;

		if (state->type == ASL_TASK && state->u.task.action != NULL)
			action = tmf_registry_find(registry, state->u.task.action);
		if (action != NULL && action->needs_aws)
			return true;
	}
	return false;
}
