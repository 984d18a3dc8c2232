#ifndef TMFLOW_SERVE_JOBS_INTERNAL_H
#define TMFLOW_SERVE_JOBS_INTERNAL_H

#include "serve/jobs.h"

struct workflow {
	char *path; /* NULL: came with its task */
	char *name; /* without folder and ending */
	struct asl_machine *machine;
	bool needs_aws;
};

struct jobs {
	struct jobs_opts opts;
	struct engine *engine;
	struct accounts *accounts; /* with the inventories, of all jobs */
	struct mirror *actions;	   /* the run that all actions share; a workflow has its own */
	struct workflow *workflows[JOBS_WORKFLOWS_MAX];
	size_t workflow_count;
	struct job *first; /* all that are live */
	struct jobs_stats stats;
	uint64_t executions;	   /* started so far */
	struct tmf_call *settling; /* what earlier processes left behind; NULL: done */
	struct tmf_timer idle;	   /* the next look for targets that nobody mirrors to */
};

/* Compiles a definition. Errors: as jobs_read_workflow. Takes nothing. */
struct workflow *
workflow_compile(struct jobs *jobs, const struct doc *doc, const char *name, struct tmf_err *err);
void workflow_free(struct workflow *workflow);

/*
 * The one of that name in the folder of workflows: letters, digits, '-', '_' and '.'; ".yaml" may
 * be left out.
 */
const struct workflow *workflow_by_name(struct jobs *jobs, const char *name, struct tmf_err *err);

#endif
