#include "cli/commands/commands.h"

#include "base/jsonx.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/workspace/workspace.h"
#include "mirror/destroy/destroy.h"

#include <assert.h>

/* The kinds, in the order of their removal, and the members of an item that say what it is. */
static const struct {
	const char *name;
	const char *one;
	const char *id;
	const char *of;
} kinds[] = {
    {"sessions", "session", "sessionId", "networkInterfaceId"},
    {"targets", "target", "targetId", "subnetId"},
    {"instances", "instance", "instanceId", "subnetId"},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A list that is missing counts as empty. */
static size_t
destroy_count(const json_t *lists, size_t kind)
{
	assert(kind < KINDS);
	return json_array_size(jsonx_get_array(lists, kinds[kind].name));
}

/* What is kept does not count: there is nothing to remove then. */
static bool
destroy_is_empty(const json_t *lists)
{
	size_t count = 0;

	for (size_t kind = 0; kind < KINDS; kind++)
		count += destroy_count(lists, kind);
	return count == 0;
}

static void
destroy_print_counts(const json_t *lists, const char *what)
{
	cli_print(stdout, "  %zu sessions, %zu targets and %zu instances %s\n",
	    destroy_count(lists, 0), destroy_count(lists, 1), destroy_count(lists, 2), what);
}

/* What bears tmflow's tags may be anybody's: shown with what a person knows it by. */
static void
destroy_print_tagged(const json_t *result, FILE *out)
{
	const json_t *tagged = jsonx_get_array(result, "tagged");
	json_t *item;
	size_t i;

	json_array_foreach (tagged, i, item) {
		const char *target = jsonx_get_string(item, "targetId");
		const char *subnet = jsonx_get_string(item, "subnetId");
		const char *name = jsonx_get_string(item, "name");

		if (target != NULL)
			cli_print(out, "  ? target %s of %s\n", target,
			    subnet != NULL ? subnet : "no subnet");
		else
			cli_print(out, "  ? instance %s of %s, %s, %s, launched %s\n",
			    jsonx_get_string(item, "instanceId"),
			    subnet != NULL ? subnet : "no subnet",
			    name != NULL ? name : "without a name",
			    jsonx_get_string(item, "instanceType"),
			    jsonx_get_string(item, "launchTime"));
	}
	if (json_array_size(tagged) > 0)
		cli_print(out,
		    "  %zu with tmflow's tags, but nothing proves that tmflow made them: left "
		    "alone; --trust-tags removes them too\n",
		    json_array_size(tagged));
}

/*
 * "-" and "=" are read as in the plan of a run: removed, and kept. A kept item has a cause, such
 * as a session of someone else that uses the target.
 */
static void
destroy_print_plan(const json_t *plan)
{
	json_t *item;
	size_t i;

	for (size_t kind = 0; kind < KINDS; kind++)
		json_array_foreach (jsonx_get_array(plan, kinds[kind].name), i, item)
			cli_print(stdout, "  - %s %s of %s\n", kinds[kind].one,
			    jsonx_get_string(item, kinds[kind].id),
			    jsonx_get_string(item, kinds[kind].of));
	json_array_foreach (jsonx_get_array(plan, "kept"), i, item)
		cli_print(stdout, "  = %s is kept: %s\n", jsonx_get_string(item, "id"),
		    jsonx_get_string(item, "cause"));
	destroy_print_tagged(plan, stdout);
	destroy_print_counts(plan, "to remove; nothing was changed: --yes removes them");
}

/*
 * Failures go to standard error in every form of output, so that an operator sees them where the
 * JSON is piped away.
 */
static void
destroy_print_failures(const json_t *result)
{
	json_t *failure;
	size_t i;

	json_array_foreach (jsonx_get_array(result, "failed"), i, failure)
		cli_print(stderr, "tmflow: %s was not removed: %s: %s\n",
		    jsonx_get_string(failure, "id"), jsonx_get_string(failure, "error"),
		    jsonx_get_string(failure, "cause"));
}

/* Without --yes: {"plan": {sessions, targets, instances, kept, tagged}}; nothing is changed. */
static int
destroy_answer_plan(struct workspace *workspace, const json_t *plan)
{
	json_t *document;

	if (workspace->opts->output == OUTPUT_TEXT) {
		if (destroy_is_empty(plan) && json_array_size(jsonx_get_array(plan, "kept")) == 0 &&
		    json_array_size(jsonx_get_array(plan, "tagged")) == 0)
			cli_print(stdout, "nothing in %s was made by tmflow\n",
			    workspace->settings.region);
		else
			destroy_print_plan(plan);
		return EXIT_OK;
	}
	document = json_object();
	json_object_set(document, "plan", (json_t *)plan);
	cli_print_json(document);
	json_decref(document);
	return EXIT_OK;
}

/* With --yes: {"removed": {sessions, targets, instances}, "failed": [...], "tagged": [...]}. */
static int
destroy_answer_result(struct workspace *workspace, const json_t *result)
{
	const json_t *removed = json_object_get(result, "removed");
	bool whole = json_array_size(jsonx_get_array(result, "failed")) == 0;

	if (workspace->opts->output != OUTPUT_TEXT)
		cli_print_json(result);
	else if (destroy_is_empty(removed) && whole)
		cli_print(stdout, "nothing in %s was made by tmflow\n", workspace->settings.region);
	else
		destroy_print_counts(removed, "removed");
	destroy_print_tagged(result, stderr);
	destroy_print_failures(result);
	if (!whole)
		fputs("tmflow: run this again to remove what is left\n", stderr);
	return whole ? EXIT_OK : EXIT_RUN_FAILED;
}

/*
 * Without --yes nothing is changed. A dry run is the default, because a removal cannot be
 * undone.
 */
static int
destroy_run(struct workspace *workspace)
{
	bool yes = workspace->opts->yes;
	struct destroy *destroy =
	    destroy_new(accounts_home(workspace->accounts), workspace->opts->trust_tags);
	struct tmf_err err = {0};
	int code;
	json_t *result =
	    workspace_wait(workspace, yes ? destroy_remove(destroy) : destroy_find(destroy), &err);

	if (result == NULL)
		code = cli_fail_take(workspace->opts->output, &err);
	else
		code = yes ? destroy_answer_result(workspace, result)
			   : destroy_answer_plan(workspace, result);
	json_decref(result);
	destroy_free(destroy);
	return code;
}

/* Accounts without an owner: what tmflow made is found by its tags, whichever run made it. */
static int
destroy_prepare(struct workspace *workspace, struct store **ret_store)
{
	const struct cli_opts *opts = workspace->opts;
	int code = workspace_load_settings(workspace, NULL);

	if (code == EXIT_OK)
		code = workspace_connect(workspace);
	if (code == EXIT_OK)
		*ret_store = record_open_store(opts, &code);
	if (*ret_store == NULL)
		return code;
	workspace_open_accounts(
	    workspace, &(struct accounts_opts){.store = *ret_store, .owner = ""});
	return EXIT_OK;
}

/* The store is committed even after a failure, so that what was done is kept. */
int
cmd_destroy(const struct cli_opts *opts)
{
	struct workspace workspace;
	struct store *store = NULL;
	struct tmf_err err = {0};
	int code;

	workspace_init(&workspace, opts);
	code = destroy_prepare(&workspace, &store);
	if (code == EXIT_OK)
		code = destroy_run(&workspace);
	if (store != NULL && store_commit(store, &err) < 0)
		code = cli_fail(opts->output, &err);
	tmf_err_fini(&err);
	workspace_fini(&workspace);
	store_close(store);
	return code;
}
