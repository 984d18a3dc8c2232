#include "tmflow/workflow.h"

#include "base/mem.h"
#include "embed/embed_internal.h"
#include "engine/registry.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

_Static_assert(TMF_WORKFLOW_BYTES_MAX == DOC_BYTES_MAX, "a definition is a document");

/* All faults with their places, sorted; NULL without any. As text, because the list of
 * faults is internal and a host mostly prints it. */
static char *
workflow_diagnostics(struct diag_list *diags)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out;

	if (diags->errors == 0 && diags->warnings == 0)
		return NULL;
	out = open_memstream(&text, &bytes);
	if (out == NULL)
		mem_exhausted(0);
	diag_print(diags, out);
	fclose(out);
	return text;
}

/* diags is sorted. Warnings stand among the errors, so the first fault may not be the first
 * error. The position is set beside the text, so that an editor can jump to it. Where the
 * list holds no error the machine was refused for another reason, and only the name is left
 * to report. */
static void
workflow_first_error(const struct doc *doc, const struct diag_list *diags, struct tmf_err *err)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->at[i];

		if (diag->severity != DIAG_ERROR)
			continue;
		tmf_err_set_at(
		    err, doc_name(doc), diag->pos.line, diag->pos.column, "%s", diag->message);
		return;
	}
	tmf_err_set(err, TMF_ERR_INVALID, "%s: not a valid definition", doc_name(doc));
}

/* Takes doc; NULL with *err set: it could not be read. Warnings alone do not stop a
 * workflow: the text with them is set, and the workflow is returned. The definition's own
 * text is kept, as a record of what ran. */
static struct tmf_workflow *
workflow_of_doc(
    struct doc *doc, struct tmf_registry *registry, char **ret_diagnostics, struct tmf_err *err)
{
	struct asl_resources resources = registry_resources(registry);
	struct tmf_workflow *workflow = NULL;
	struct asl_machine *machine;
	struct diag_list diags;
	char *text;

	if (doc == NULL) {
		if (ret_diagnostics != NULL)
			*ret_diagnostics =
			    err != NULL ? mem_printf("%s\n", tmf_err_text(err)) : NULL;
		return NULL;
	}
	diag_list_init(&diags, doc);
	machine = asl_compile(doc, &resources, &diags);
	text = workflow_diagnostics(&diags);
	if (machine != NULL && asl_machine_check_filled(machine, err) < 0) {
		asl_machine_unref(machine);
	} else if (machine != NULL) {
		workflow = mem_zalloc(1, sizeof(*workflow));
		workflow->name = mem_strdup(doc_name(doc));
		workflow->text = mem_strndup(doc_text(doc).p, doc_text(doc).len);
		workflow->machine = machine;
	} else {
		workflow_first_error(doc, &diags, err);
	}
	if (ret_diagnostics != NULL)
		*ret_diagnostics = text;
	else
		free(text);
	diag_list_fini(&diags);
	doc_free(doc);
	return workflow;
}

/* The name stands in front of each fault, as the path of a file does. */
struct tmf_workflow *
tmf_workflow_compile(const struct tmf_definition *definition, struct tmf_registry *registry,
    char **ret_diagnostics, struct tmf_err *err)
{
	struct str text = {.p = definition->text, .len = definition->text_bytes};

	assert(definition->name != NULL && registry != NULL);
	return workflow_of_doc(
	    doc_parse(definition->name, text, err), registry, ret_diagnostics, err);
}

/* A path and a text go the same way from here on, so both have the same faults with the
 * same places. */
struct tmf_workflow *
tmf_workflow_read(
    const char *path, struct tmf_registry *registry, char **ret_diagnostics, struct tmf_err *err)
{
	assert(path != NULL && registry != NULL);
	return workflow_of_doc(doc_read(path, err), registry, ret_diagnostics, err);
}

/* Executions that still run hold the machine by a reference of their own. */
void
tmf_workflow_free(struct tmf_workflow *workflow)
{
	if (workflow == NULL)
		return;
	asl_machine_unref(workflow->machine);
	free(workflow->name);
	free(workflow->text);
	free(workflow);
}

const char *
tmf_workflow_name(const struct tmf_workflow *workflow)
{
	return workflow->name;
}

/* The states within Maps and Parallels count as well. */
size_t
tmf_workflow_state_count(const struct tmf_workflow *workflow)
{
	return asl_machine_state_count(workflow->machine);
}
