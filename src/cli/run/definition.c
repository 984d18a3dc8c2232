#include "cli/run/definition.h"

#include "base/file.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/run/placeholders.h"
#include "cli/run/scripts.h"
#include "cli/workspace/search.h"
#include "engine/registry.h"

#include <string.h>

/*
 * Scripts are loaded along with the workflow, so that a syntax error in Lua is found before the run
 * starts. Without ret_scripts they are not read at all: a drawing needs none.
 */
struct asl_machine *
definition_compile(const struct doc *doc, struct tmf_registry *registry, enum cli_output output,
    const json_t *mocked, json_t **ret_scripts)
{
	struct asl_resources resources = registry_resources(registry);
	struct asl_machine *machine;
	struct diag_list diags;
	json_t *scripts = NULL;

	resources.mocked = mocked;
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, &resources, &diags);
	if (machine != NULL && ret_scripts != NULL)
		scripts = scripts_read(machine, doc_name(doc), &diags);
	if (diags.errors > 0) {
		/* A script that does not load makes a machine that compiled invalid after all. */
		cli_fail_diags(output, &diags);
		asl_machine_unref(machine);
		json_decref(scripts);
		machine = NULL;
	} else {
		cli_print_diags(&diags); /* warnings */
		if (ret_scripts != NULL)
			*ret_scripts = scripts;
	}
	diag_list_fini(&diags);
	return machine;
}

/* Next, Default and the like, at any depth of a Choice's rules: each gets a state to lead to. Those
 * of states within the state have their own. */
static void
definition_add_targets(json_t *json, json_t *states)
{
	static const char *const within[] = {"Branches", "ItemProcessor", "Iterator", "Parameters",
	    "Arguments", "ItemSelector", "ResultSelector", "Result", "Output", "Assign", NULL};
	const char *key;
	json_t *value;
	size_t i;

	json_array_foreach (json, i, value)
		definition_add_targets(value, states);
	json_object_foreach (json, key, value) {
		const char *const *other = within;

		while (*other != NULL && strcmp(*other, key) != 0)
			other++;
		if (*other != NULL)
			continue;
		if ((strcmp(key, "Next") == 0 || strcmp(key, "Default") == 0) &&
		    json_is_string(value) &&
		    json_object_get(states, json_string_value(value)) == NULL)
			json_object_set_new(states, json_string_value(value),
			    json_pack("{s:s}", "Type", "Succeed"));
		else
			definition_add_targets(value, states);
	}
}

/* TestState of AWS takes a state as its definition. What the state leads to is not tried. */
static void
definition_wrap_state(struct doc *doc, const char *name)
{
	json_t *root = doc_root(doc);
	json_t *states;

	if (!json_is_object(root) || json_object_get(root, "Type") == NULL ||
	    json_object_get(root, "States") != NULL)
		return;
	states = json_object();
	json_object_set(states, name, root);
	definition_add_targets(root, states);
	doc_take_root(doc, json_pack("{s:s, s:o}", "StartAt", name, "States", states));
}

/* The name of the state to try. Without one there is a fault, unless the state is alone. */
static char *
definition_state_name(const struct cli_opts *opts, const struct doc *doc, struct tmf_err *err)
{
	if (opts->arg_count > 1)
		return mem_strdup(opts->args[1]);
	if (json_object_get(doc_root(doc), "States") == NULL)
		return file_stem(opts->args[0]);
	tmf_err_set(err, TMF_ERR_INVALID,
	    "missing argument: STATE (tmflow graph shows the states of %s)", opts->args[0]);
	return NULL;
}

struct asl_machine *
definition_read_state(const struct cli_opts *opts, struct tmf_registry *registry,
    json_t **ret_scripts, char **ret_name)
{
	struct asl_machine *machine = NULL;
	struct tmf_err err = {0};
	struct doc *doc = doc_read(opts->args[0], &err);
	bool filled;

	*ret_name = NULL;
	if (doc != NULL && placeholders_fill(opts, doc, &filled, &err) == 0)
		*ret_name = definition_state_name(opts, doc, &err);
	if (*ret_name != NULL) {
		definition_wrap_state(doc, *ret_name);
		machine = definition_compile(doc, registry, opts->output, NULL, ret_scripts);
	}
	if (machine != NULL && asl_machine_check_filled(machine, &err) < 0) {
		asl_machine_unref(machine);
		machine = NULL;
	}
	if (tmf_err_isset(&err))
		cli_fail_take(opts->output, &err);
	doc_free(doc);
	return machine;
}

struct asl_machine *
definition_read(
    const char *path, struct tmf_registry *registry, enum cli_output output, json_t **ret_scripts)
{
	struct asl_machine *machine;
	struct tmf_err err = {0};
	struct doc *doc = search_workflow(path, &err);

	if (doc == NULL) {
		cli_fail_take(output, &err);
		return NULL;
	}
	machine = definition_compile(doc, registry, output, NULL, ret_scripts);
	doc_free(doc);
	return machine;
}
