#include "cli.h"

#include "tmflow/base/json.h"
#include "tmflow/mirror/config.h"
#include "tmflow/mirror/mirror.h"

/* What became of one file. */
struct verdict {
	bool valid;
	size_t warnings;
};

static void
check_document(const struct doc *doc, struct action_registry *registry, struct diag_list *diags)
{
	struct asl_resources resources = action_registry_resources(registry);

	if (mirror_config_is_one(doc))
		mirror_config_free(mirror_config_load(doc, diags));
	else
		asl_machine_unref(asl_compile(doc, &resources, diags));
}

/* A file that is not even YAML or JSON: one row, in the shape of a diagnostic. */
static json_t *
unreadable_json(const struct err *err)
{
	json_t *diagnostic = json_object();

	json_put_string(diagnostic, "severity", "ERROR");
	json_put_string(diagnostic, "code", "INVALID_JSON_DESCRIPTION");
	json_put_string(diagnostic, "message", err_text(err));
	json_put_string(diagnostic, "location", "/");
	return diagnostic;
}

static struct verdict
validate_file(const char *path, struct action_registry *registry, json_t *files)
{
	struct verdict verdict = {0};
	struct err err = {0};
	struct doc *doc = doc_read(path, &err);
	json_t *diagnostics;

	if (doc == NULL) {
		fprintf(stderr, "%s\n", err_text(&err));
		diagnostics = json_array();
		json_array_append_new(diagnostics, unreadable_json(&err));
	} else {
		struct diag_list diags;

		diag_list_init(&diags, doc);
		check_document(doc, registry, &diags);
		diag_print(&diags, stderr);
		diagnostics = diag_json(&diags);
		verdict.valid = diags.errors == 0;
		verdict.warnings = diags.warnings;
		diag_list_fini(&diags);
	}
	json_t *file = json_object();
	json_put_string(file, "file", path);
	json_put_string(file, "result", verdict.valid ? "OK" : "FAIL");
	json_object_set_new(file, "diagnostics", diagnostics);
	json_array_append_new(files, file);
	doc_free(doc);
	err_fini(&err);
	return verdict;
}

int
cmd_validate(const struct cli_opts *opts)
{
	struct action_registry *registry = action_registry_new();
	json_t *document = json_object();
	json_t *files = json_array();
	int invalid = 0;

	mirror_register_actions(registry, NULL);
	for (int i = 0; i < opts->arg_count; i++) {
		struct verdict verdict = validate_file(opts->args[i], registry, files);

		if (!verdict.valid)
			invalid++;
		else if (opts->output == OUTPUT_TEXT)
			printf("%s: valid\n", opts->args[i]);
	}
	json_put_string(document, "result", invalid == 0 ? "OK" : "FAIL");
	json_object_set_new(document, "files", files);
	if (opts->output != OUTPUT_TEXT)
		cli_print_json(document);
	json_decref(document);
	action_registry_free(registry);
	return invalid == 0 ? EXIT_OK : EXIT_INVALID;
}
