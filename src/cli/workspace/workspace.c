#include "cli/workspace/workspace.h"

#include "aws/wire/http_trace.h"
#include "base/clock.h"
#include "cli/answer.h"
#include "cli/workspace/workspace_internal.h"
#include "mirror/actions/actions.h"

#include <assert.h>
#include <stdlib.h>

static void
workspace_begin(struct workspace *workspace, const struct cli_opts *opts)
{
	*workspace = (struct workspace){.opts = opts};
	rng_seed_system(&workspace->rng);
	workspace->registry = tmf_registry_new();
	actions_register(workspace->registry, NULL);
}

void
workspace_init(struct workspace *workspace, const struct cli_opts *opts)
{
	workspace_begin(workspace, opts);
	workspace->loop = tmf_loop_new(clock_system());
}

/*
 * The parts of a run share one loop and one network: connections to EC2 are pooled, and one
 * thread serves all parts.
 */
void
workspace_init_beside(
    struct workspace *workspace, const struct cli_opts *opts, const struct workspace *other)
{
	assert(other->transport != NULL);
	workspace_begin(workspace, opts);
	workspace->shares = true;
	workspace->loop = other->loop;
	workspace->transport = other->transport;
}

/*
 * The reverse order of construction. The clients go before the transport and the credentials
 * that they borrow.
 */
void
workspace_fini(struct workspace *workspace)
{
	mirror_free(workspace->mirror);
	accounts_free(workspace->accounts);
	workspace_free_objects(workspace);
	workspace_free_clients(workspace);
	http_trace_free(workspace->trace);
	http_curl_free(workspace->curl);
	mirror_config_free(workspace->config);
	free(workspace->config_name);
	free(workspace->config_text);
	free(workspace->hook_name);
	free(workspace->hook_text);
	aws_settings_fini(&workspace->settings);
	free(workspace->user_agent);
	free(workspace->session_name);
	free(workspace->assume_role);
	free(workspace->external_id);
	if (!workspace->shares)
		tmf_loop_free(workspace->loop);
	tmf_registry_free(workspace->registry);
}

void
workspace_open_accounts(struct workspace *workspace, const struct accounts_opts *of)
{
	struct accounts_opts opts = *of;

	assert(workspace->accounts == NULL);
	opts.loop = workspace->loop;
	opts.ec2 = workspace->own.ec2;
	opts.client_for = workspace_client_for;
	opts.client_for_arg = workspace;
	opts.elb_for = workspace_elb_for;
	opts.trusts_tags |=
	    workspace->config != NULL && mirror_config_trusts_tags(workspace->config);
	workspace->accounts = accounts_new(&opts);
}

int
workspace_make_mirror(
    struct workspace *workspace, const struct mirror_opts *of, struct tmf_err *err)
{
	struct mirror_opts opts = *of;

	assert(workspace->mirror == NULL);
	opts.accounts = workspace->accounts;
	opts.config = workspace->config;
	opts.hook_name = workspace->hook_name;
	opts.hook_source = workspace->hook_text;
	workspace->mirror = mirror_new(&opts, err);
	if (workspace->mirror == NULL)
		return -1;
	tmf_registry_set_env(workspace->registry, workspace->mirror);
	return 0;
}

int
workspace_open_mirror(struct workspace *workspace, const struct mirror_opts *of)
{
	struct tmf_err err = {0};

	if (workspace_make_mirror(workspace, of, &err) < 0)
		return cli_fail_take(workspace->opts->output, &err);
	return EXIT_OK;
}
