#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/run/online.h"
#include "cli/run/scripts.h"
#include "engine/registry.h"
#include "mirror/actions/actions.h"
#include "mirror/config/config.h"

#include <assert.h>

/* What files are checked with. */
struct validation {
	struct tmf_registry *registry;
	struct workspace *online; /* NULL without --online */
};

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

/* Where nothing can be looked up, the file is not valid: that is what was asked. */
static void
validate_config(const struct doc *doc, struct workspace *online, struct diag_list *diags)
{
	struct mirror_config *config = mirror_config_load(doc, diags);
	struct tmf_err err = {0};

	if (config != NULL && online != NULL && workspace_look_up(online, config, diags, &err) < 0)
		diag_add(diags, DIAG_ERROR, "NOT_LOOKED_UP", "", DIAG_AT_VALUE, NULL,
		    "not looked up in AWS: %s: %s", err.name, tmf_err_text(&err));
	tmf_err_fini(&err);
	mirror_config_free(config);
}

/* The content decides and not the name, so that one command can check all files of a project. */
static void
validate_document(
    const struct doc *doc, const struct validation *validation, struct diag_list *diags)
{
	if (mirror_config_is_one(doc))
		validate_config(doc, validation->online, diags);
	else
		validate_workflow(doc, validation->registry, diags);
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
validate_file(const char *path, const struct validation *validation, json_t *all)
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
		validate_document(doc, validation, &diags);
		cli_print_diags(&diags);
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
static int
validate_files(const struct cli_opts *opts, const struct validation *validation)
{
	json_t *document = json_object();
	json_t *diagnostics = json_array();
	int invalid = 0;

	assert(opts->arg_count > 0);
	for (int i = 0; i < opts->arg_count; i++) {
		if (!validate_file(opts->args[i], validation, diagnostics))
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
	return invalid == 0 ? EXIT_OK : EXIT_INVALID;
}

/* Keys and network are opened once for all files, which are of one region then. */
static int
validate_online(const struct cli_opts *opts)
{
	struct workspace workspace;
	int code;

	workspace_init(&workspace, opts);
	code = workspace_load_settings(&workspace, NULL);
	if (code == EXIT_OK)
		code = workspace_connect(&workspace);
	if (code == EXIT_OK)
		code = validate_files(opts,
		    &(struct validation){.registry = workspace.registry, .online = &workspace});
	workspace_fini(&workspace);
	return code;
}

/* An option without effect would make the operator believe that it had one. */
static bool
validate_asks_in_vain(const struct cli_opts *opts)
{
	return opts->region != NULL || opts->profile != NULL || opts->assume_role != NULL ||
	       opts->external_id != NULL || opts->mfa_token != NULL || opts->endpoint_url != NULL ||
	       opts->debug_http;
}

int
cmd_validate(const struct cli_opts *opts)
{
	struct tmf_registry *registry;
	struct tmf_err err = {0};
	int code;

	if (opts->online)
		return validate_online(opts);
	if (validate_asks_in_vain(opts)) {
		tmf_err_set(&err, TMF_ERR_INVALID,
		    "region, endpoint and credentials: need --online, without which AWS is not "
		    "asked");
		return cli_fail_take(opts->output, &err);
	}
	registry = tmf_registry_new();
	actions_register(registry, NULL);
	code = validate_files(opts, &(struct validation){.registry = registry});
	tmf_registry_free(registry);
	return code;
}
