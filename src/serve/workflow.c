#include "serve/jobs_internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "engine/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ENDING	   ".yaml"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

void
workflow_free(struct workflow *workflow)
{
	if (workflow == NULL)
		return;
	asl_machine_unref(workflow->machine);
	free(workflow->path);
	free(workflow->name);
	free(workflow);
}

/* The first fault; `tmflow validate` lists them all. */
static void
workflow_first_fault(const struct diag_list *diags, struct tmf_err *err)
{
	for (size_t i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->at[i];

		if (diag->severity != DIAG_ERROR)
			continue;
		tmf_err_set(err, TMF_ERR_INVALID, "%s:%u:%u: %s", doc_name(diags->doc),
		    diag->pos.line, diag->pos.column, diag->message);
		return;
	}
}

/*
 * A served workflow is compiled against the registry of this process. An action that is unknown
 * here is thereby a fault before the run begins.
 */
struct workflow *
workflow_compile(struct jobs *jobs, const struct doc *doc, const char *name, struct tmf_err *err)
{
	struct asl_resources resources = registry_resources(jobs->opts.registry);
	struct workflow *workflow = NULL;
	struct asl_machine *machine;
	struct diag_list diags;

	diag_list_init(&diags, doc);
	machine = asl_compile(doc, &resources, &diags);
	if (machine == NULL) {
		workflow_first_fault(&diags, err);
	} else if (asl_machine_check_filled(machine, err) < 0) {
		asl_machine_unref(machine);
	} else {
		workflow = mem_zalloc(1, sizeof(*workflow));
		workflow->name = file_stem(name);
		workflow->machine = machine;
		workflow->needs_aws = registry_needs_aws(jobs->opts.registry, machine);
	}
	diag_list_fini(&diags);
	return workflow;
}

/*
 * Compiled once and kept until the process ends, because runs borrow the machine. The bound
 * keeps a sender of tasks from filling the memory with names.
 */
const struct workflow *
jobs_read_workflow(struct jobs *jobs, const char *path, struct tmf_err *err)
{
	struct workflow *workflow;
	struct doc *doc;

	assert(jobs->workflow_count <= JOBS_WORKFLOWS_MAX);
	for (size_t i = 0; i < jobs->workflow_count; i++)
		if (strcmp(jobs->workflows[i]->path, path) == 0)
			return jobs->workflows[i];
	if (jobs->workflow_count == JOBS_WORKFLOWS_MAX) {
		tmf_err_set(err, TMF_ERR_LIMIT, "%s: %u workflows are in use already", path,
		    JOBS_WORKFLOWS_MAX);
		return NULL;
	}
	doc = doc_read(path, err);
	if (doc == NULL)
		return NULL;
	workflow = workflow_compile(jobs, doc, path, err);
	doc_free(doc);
	if (workflow == NULL)
		return NULL;
	workflow->path = mem_strdup(path);
	jobs->workflows[jobs->workflow_count++] = workflow;
	return workflow;
}

const struct workflow *
workflow_by_name(struct jobs *jobs, const char *name, struct tmf_err *err)
{
	const struct workflow *workflow;
	const char *ending = strchr(name, '.') == NULL ? ENDING : "";
	char *path;

	/* The name comes from far away: it must not lead out of the folder. */
	if (name[0] == '\0' || name[0] == '.' || name[strspn(name, NAME_CHARS)] != '\0') {
		tmf_err_set(err, TMF_ERR_INVALID,
		    "workflow: not the name of a workflow (such as \"backfill\"): \"%s\"", name);
		return NULL;
	}
	path = mem_printf("%s/%s%s", jobs->opts.workflows_dir, name, ending);
	workflow = jobs_read_workflow(jobs, path, err);
	free(path);
	return workflow;
}
