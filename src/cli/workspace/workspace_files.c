#include "base/file.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "cli/workspace/search.h"
#include "cli/workspace/workspace.h"
#include "mirror/config/rules.h"
#include "script/script.h"

#include <stdlib.h>
#include <unistd.h>

/* The configuration and its hook: read, and checked against each other. */

/*
 * A configuration belongs to one region, because subnets and targets do. The default name
 * therefore is that of the region, such as config/eu-west-1.yaml.
 */
char *
workspace_config_path(const struct workspace *workspace)
{
	if (workspace->opts->config != NULL)
		return mem_strdup(workspace->opts->config);
	return workspace->settings.region != NULL ? search_config(workspace->settings.region)
						  : NULL;
}

bool
workspace_has_config(const struct workspace *workspace)
{
	char *path = workspace_config_path(workspace);
	bool has = workspace->opts->config != NULL || (path != NULL && access(path, R_OK) == 0);

	free(path);
	return has;
}

static int
workspace_read_config(struct workspace *workspace)
{
	const char *given = workspace->opts->config;
	struct tmf_err err = {0};
	struct doc *doc;

	workspace->config_name = workspace_config_path(workspace);
	doc = doc_read(workspace->config_name, &err);
	if (doc == NULL) {
		if (given == NULL && err.line == 0) {
			char *places = search_config_places(workspace->settings.region);

			tmf_err_prefix(&err, "missing --config: tried %s", places);
			free(places);
		}
		return cli_fail_take(workspace->opts->output, &err);
	}
	workspace->config_text = mem_strndup(doc_text(doc).p, doc_text(doc).len);
	doc_free(doc);
	return EXIT_OK;
}

/*
 * The text is parsed here and not in workspace_read_config, because a resumed run has it from
 * the record.
 */
int
workspace_load_config(struct workspace *workspace)
{
	enum cli_output output = workspace->opts->output;
	struct tmf_err err = {0};
	struct doc *doc = doc_parse(workspace->config_name, str_of(workspace->config_text), &err);
	struct diag_list diags;
	int code = EXIT_OK;

	if (doc == NULL)
		return cli_fail_take(output, &err);
	diag_list_init(&diags, doc);
	workspace->config = mirror_config_load(doc, &diags);
	if (workspace->config == NULL)
		code = cli_fail_diags(output, &diags);
	else if (!workspace->warned)
		cli_print_diags(&diags);
	diag_list_fini(&diags);
	doc_free(doc);
	return code;
}

/* The hook's path: --hook as it is; the configuration's from where the configuration stands. */
static char *
workspace_hook_path(const struct workspace *workspace)
{
	const char *named = mirror_config_hook(workspace->config);

	if (workspace->opts->hook != NULL)
		return mem_strdup(workspace->opts->hook);
	return named != NULL ? file_beside(workspace->config_name, named) : NULL;
}

int
workspace_try_hook(
    const struct mirror_config *config, const char *name, struct str source, struct tmf_err *err)
{
	struct script *script = script_new(name, source, err);
	struct rules *rules = script != NULL ? rules_new(config, script, err) : NULL;

	rules_free(rules);
	script_free(script);
	return rules != NULL ? 0 : -1;
}

/* Reads the hook, if there is one. */
static int
workspace_read_hook(struct workspace *workspace)
{
	enum cli_output output = workspace->opts->output;
	struct buf source = {0};
	struct tmf_err err = {0};

	workspace->hook_name = workspace_hook_path(workspace);
	if (workspace->hook_name == NULL)
		return EXIT_OK;
	if (file_read(workspace->hook_name, SCRIPT_SOURCE_BYTES_MAX, &source, NULL, &err) < 0) {
		buf_fini(&source);
		return cli_fail_take(output, &err);
	}
	workspace->hook_text = buf_take(&source);
	return workspace_try_hook(
		   workspace->config, workspace->hook_name, str_of(workspace->hook_text), &err) < 0
		   ? cli_fail_take(output, &err)
		   : EXIT_OK;
}

/*
 * In this order, because the configuration may name the hook, and the hook is checked against the
 * rules.
 */
int
workspace_read_files(struct workspace *workspace)
{
	int code = workspace_read_config(workspace);

	if (code == EXIT_OK)
		code = workspace_load_config(workspace);
	return code == EXIT_OK ? workspace_read_hook(workspace) : code;
}
