#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/run/scripts.h"
#include "engine/registry.h"
#include "mirror/actions/actions.h"
#include "mirror/config/config.h"

/*
 * The scripts are loaded too, so that a check in CI finds the same faults as a run would at its
 * start.
 */
static void
validate_workflow(const struct doc *doc, struct tmf_registry *registry, struct diag_list *diags)
{
	struct asl_resources resources = registry_resources(registry);
	struct asl_machine *machine = asl_compile(doc, &resources, diags);

	if (machine != NULL)
		json_decref(scripts_read(machine, doc_name(doc), diags));
	asl_machine_unref(machine);
}

/* The content decides and not the name, so that one command can check all files of a project. */
static void
validate_document(const struct doc *doc, struct tmf_registry *registry, struct diag_list *diags)
{
	if (mirror_config_is_one(doc))
		mirror_config_free(mirror_config_load(doc, diags));
	else
		validate_workflow(doc, registry, diags);
}

/* Adds a file's diagnostics to those of all, each with the file's name. */
static void
validate_append(json_t *all, json_t *diagnostics, const char *path)
{
	json_t *diagnostic;
	size_t i;

	json_array_foreach (diagnostics, i, diagnostic) {
		jsonx_put_string(diagnostic, "file", path);
		json_array_append(all, diagnostic);
	}
	json_decref(diagnostics);
}

/* True if the file is valid. */
static bool
validate_file(const char *path, struct tmf_registry *registry, json_t *all)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_read(path, &err);
	struct diag_list diags;
	json_t *diagnostics;
	bool valid = false;

	if (doc == NULL) {
		cli_say(&err);
		diagnostics = json_array();
		json_array_append_new(diagnostics, cli_unreadable_diagnostic(&err));
	} else {
		diag_list_init(&diags, doc);
		validate_document(doc, registry, &diags);
		diag_print(&diags, stderr);
		diagnostics = diag_json(&diags);
		valid = diags.errors == 0;
		diag_list_fini(&diags);
	}
	validate_append(all, diagnostics, path);
	doc_free(doc);
	tmf_err_fini(&err);
	return valid;
}

/*
 * {"result", "diagnostics", "truncated"}, as ValidateStateMachineDefinition answers; nothing is
 * left out.
 */
int
cmd_validate(const struct cli_opts *opts)
{
	struct tmf_registry *registry = tmf_registry_new();
	json_t *document = json_object();
	json_t *diagnostics = json_array();
	int invalid = 0;

	actions_register(registry, NULL);
	for (int i = 0; i < opts->arg_count; i++) {
		if (!validate_file(opts->args[i], registry, diagnostics))
			invalid++;
		else if (opts->output == OUTPUT_TEXT)
			cli_print(stdout, "%s: valid\n", opts->args[i]);
	}
	jsonx_put_string(document, "result", invalid == 0 ? "OK" : "FAIL");
	json_object_set_new(document, "diagnostics", diagnostics);
	json_object_set_new(document, "truncated", json_false());
	if (opts->output != OUTPUT_TEXT)
		cli_print_json(document);
	json_decref(document);
	tmf_registry_free(registry);
	return invalid == 0 ? EXIT_OK : EXIT_INVALID;
}
