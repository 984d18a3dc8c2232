#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "mirror/actions/actions.h"

#include <stdlib.h>
#include <string.h>

/*
 * A machine reads this to check a workflow's Parameters, so that optional fields are listed as
 * well.
 */
static json_t *
action_fields_json(const struct tmf_action_field *fields)
{
	json_t *list = json_array();

	for (const struct tmf_action_field *f = fields; f != NULL && f->name != NULL; f++) {
		json_t *field = json_object();

		jsonx_put_string(field, "name", f->name);
		jsonx_put_string(field, "type", f->kind);
		json_object_set_new(field, "required", json_boolean(f->required));
		jsonx_put_string(field, "summary", f->summary);
		json_array_append_new(list, field);
	}
	return list;
}

/* The names of IAM, so that an operator can put the least policy together from them. */
static json_t *
action_iam_json(const struct tmf_action *action)
{
	json_t *list = json_array();

	for (const char *const *iam = action->iam_actions; iam != NULL && *iam != NULL; iam++)
		json_array_append_new(list, json_string(*iam));
	return list;
}

/* The resource has the prefix, as a Task state of the workflow must write it. */
static json_t *
action_json(const struct tmf_action *action)
{
	json_t *object = json_object();
	char *resource = mem_printf("tmflow:%s", action->name);

	jsonx_put_string(object, "resource", resource);
	jsonx_put_string(object, "summary", action->summary);
	json_object_set_new(object, "input", action_fields_json(action->input));
	json_object_set_new(object, "output", action_fields_json(action->output));
	json_object_set_new(object, "iamActions", action_iam_json(action));
	free(resource);
	return object;
}

/*
 * The title stands in the first row only, so that the eye finds where input ends and output
 * begins. An action without a list of fields accepts any JSON value.
 */
static void
action_print_fields(const char *title, const struct tmf_action_field *fields)
{
	if (fields == NULL) {
		cli_print(stdout, "  %-6s  any JSON value\n", title);
		return;
	}
	for (const struct tmf_action_field *f = fields; f->name != NULL; f++)
		cli_print(stdout, "  %-6s  %-20s %-24s %s%s\n", f == fields ? title : "", f->name,
		    f->kind, f->summary, f->required ? "" : " (optional)");
}

static void
action_print(const struct tmf_action *action)
{
	cli_print(stdout, "tmflow:%s\n  %s\n", action->name, action->summary);
	action_print_fields("input", action->input);
	action_print_fields("output", action->output);
	for (const char *const *iam = action->iam_actions; iam != NULL && *iam != NULL; iam++)
		cli_print(stdout, "  %-6s  %s\n", iam == action->iam_actions ? "IAM" : "", *iam);
	putchar('\n');
}

int
cmd_actions(const struct cli_opts *opts)
{
	struct tmf_registry *registry = tmf_registry_new();
	const char *wanted = opts->arg_count > 0 ? opts->args[0] : NULL;
	json_t *list = json_array();
	const struct tmf_action *action;
	int code = EXIT_OK;
	size_t shown = 0;

	actions_register(registry, NULL);
	/* A name that was copied from a workflow has the prefix. */
	if (wanted != NULL && strncmp(wanted, "tmflow:", 7) == 0)
		wanted += 7;
	for (size_t i = 0; (action = tmf_registry_at(registry, i)) != NULL; i++) {
		if (wanted != NULL && strcmp(wanted, action->name) != 0)
			continue;
		shown++;
		if (opts->output == OUTPUT_TEXT)
			action_print(action);
		else
			json_array_append_new(list, action_json(action));
	}
	if (wanted != NULL && shown == 0) {
		struct tmf_err err = {0};

		tmf_err_set(&err, TMF_ERR_INVALID,
		    "unknown action \"%s\" (tmflow actions lists them)", wanted);
		code = cli_fail_take(opts->output, &err);
	} else if (opts->output != OUTPUT_TEXT) {
		cli_print_json(list);
	}
	json_decref(list);
	tmf_registry_free(registry);
	return code;
}
