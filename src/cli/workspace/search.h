#ifndef TMFLOW_CLI_WORKSPACE_SEARCH_H
#define TMFLOW_CLI_WORKSPACE_SEARCH_H

#include "base/doc/doc.h"
#include "tmflow/error.h"

/*
 * Where workflows and configurations are found that are named without a folder:
 *
 *   workflows       ./workflows, $XDG_CONFIG_HOME/tmflow/workflows, PREFIX/share/tmflow/workflows
 *   configurations  ./config, $XDG_CONFIG_HOME/tmflow, /etc/tmflow
 *
 * PREFIX is where this program is installed: the folder above its own.
 */

/* Reads a workflow: the file of that name; else, where the name has no folder, the first of that
 * name in those folders, with .yaml, .yml, .json or as it is. Errors: doc_read's; TMF_ERR_INVALID
 * where none is there, with the folders. */
struct doc *search_workflow(const char *name, struct tmf_err *err);

/* The folders where workflows are, the first one first: malloc'ed, ends with NULL;
 * search_folders_free. Those that do not exist are among them. */
char **search_workflow_folders(void);
void search_folders_free(char **folders);

/* The first of those folders that exists, else the first. malloc'ed. */
char *search_workflows_dir(void);

/* The configuration of a region: the first REGION.yaml in its folders; where none is there, that of
 * the first folder. malloc'ed. */
char *search_config(const char *region);

/* "config/eu-west-1.yaml, ..., /etc/tmflow/eu-west-1.yaml": where that was looked for.
 * malloc'ed. */
char *search_config_places(const char *region);

#endif
