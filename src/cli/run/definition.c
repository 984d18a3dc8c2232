#include "cli/run/definition.h"

#include "cli/answer.h"
#include "cli/color.h"
#include "cli/run/placeholders.h"
#include "cli/run/scripts.h"
#include "cli/run/search.h"
#include "engine/registry.h"

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

struct asl_machine *
definition_read_filled(
    const struct cli_opts *opts, struct tmf_registry *registry, json_t **ret_scripts)
{
	struct asl_machine *machine = NULL;
	struct tmf_err err = {0};
	struct doc *doc = doc_read(opts->args[0], &err);
	bool filled;

	if (doc != NULL && placeholders_fill(opts, doc, &filled, &err) == 0)
		machine = definition_compile(doc, registry, opts->output, NULL, ret_scripts);
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
