#include "cli/run/online.h"

#include "cli/answer.h"
#include "cli/color.h"
#include "mirror/online_check.h"

#include <assert.h>

int
workspace_look_up(struct workspace *workspace, const struct mirror_config *config,
    struct diag_list *diags, struct tmf_err *err)
{
	json_t *result;

	assert(workspace->ec2 != NULL);
	result = workspace_wait(workspace, online_check_start(workspace->ec2, config), err);
	if (result == NULL)
		return -1;
	online_check_judge(config, result, diags);
	json_decref(result);
	return 0;
}

/* The text was parsed before, and is again only for the places of its values: a run of hours should
 * not hold them. */
int
workspace_check_online(struct workspace *workspace)
{
	struct tmf_err err = {0};
	struct diag_list diags;
	struct doc *doc;
	int code = EXIT_OK;

	if (workspace->opts->no_online_check || workspace->config == NULL)
		return EXIT_OK;
	doc = doc_parse(workspace->config_name, str_of(workspace->config_text), &err);
	assert(doc != NULL);
	diag_list_init(&diags, doc);
	if (workspace_look_up(workspace, workspace->config, &diags, &err) < 0)
		cli_print(stderr, "tmflow: configuration not checked against AWS: %s: %s\n",
		    err.name, tmf_err_text(&err));
	else if (diags.errors > 0)
		code = cli_fail_diags(workspace->opts->output, &diags);
	else
		cli_print_diags(&diags);
	diag_list_fini(&diags);
	doc_free(doc);
	tmf_err_fini(&err);
	return code;
}
