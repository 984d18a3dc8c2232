#include "cli/workspace/online.h"

#include "base/mem.h"
#include "cli/answer.h"
#include "cli/color.h"
#include "mirror/online_check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int
workspace_look_up(struct workspace *workspace, const struct mirror_config *config,
    struct diag_list *diags, struct tmf_err *err)
{
	json_t *result;

	assert(workspace->own.ec2 != NULL);
	result = workspace_wait(workspace, online_check_start(workspace->own.ec2, config), err);
	if (result == NULL)
		return -1;
	online_check_judge(config, result, false, diags);
	json_decref(result);
	return 0;
}

/* Says what the lookup found; result NULL: nothing, because of *err. The text was parsed before,
 * and is again only for the places of its values: a run of hours should not hold them. */
static int
online_judge(
    struct workspace *workspace, const json_t *result, bool shared, const struct tmf_err *err)
{
	struct diag_list diags;
	struct doc *doc;
	int code = EXIT_OK;

	if (result == NULL) {
		cli_print(stderr, "tmflow: configuration not checked against AWS: %s: %s\n",
		    err->name, tmf_err_text(err));
		return EXIT_OK;
	}
	doc = doc_parse(workspace->config_name, str_of(workspace->config_text), NULL);
	assert(doc != NULL);
	diag_list_init(&diags, doc);
	online_check_judge(workspace->config, result, shared, &diags);
	if (diags.errors > 0)
		code = cli_fail_diags(workspace->opts->output, &diags);
	else
		cli_print_diags(&diags);
	diag_list_fini(&diags);
	doc_free(doc);
	return code;
}

int
workspace_check_online(struct workspace *workspace)
{
	struct tmf_err err = {0};
	json_t *result;
	int code;

	if (workspace->opts->no_online_check || workspace->config == NULL)
		return EXIT_OK;
	assert(workspace->own.ec2 != NULL);
	result = workspace_wait(
	    workspace, online_check_start(workspace->own.ec2, workspace->config), &err);
	code = online_judge(workspace, result, false, &err);
	json_decref(result);
	tmf_err_fini(&err);
	return code;
}

/* --- several at the same time --- */

struct online_lookup {
	struct tmf_loop *loop;
	size_t *left; /* lookups that are under way */
	bool asked;
	bool shared; /* several places go by the same configuration */
	json_t *result;
	struct tmf_err err;
	struct buf places; /* that go by the same configuration: only in the first of them */
};

static void
online_lookup_done(void *arg, struct tmf_call *call)
{
	struct online_lookup *lookup = arg;

	assert(*lookup->left > 0);
	lookup->result = tmf_call_take_result(call);
	if (lookup->result == NULL)
		tmf_err_move(&lookup->err, &call->err);
	if (--*lookup->left == 0)
		tmf_loop_stop(lookup->loop);
}

static void
online_lookup_start(struct online_lookup *lookup, struct workspace *workspace, size_t *left)
{
	*lookup = (struct online_lookup){.loop = workspace->loop, .left = left};
	if (workspace->opts->no_online_check || workspace->config == NULL ||
	    workspace->own.ec2 == NULL)
		return;
	++*left;
	lookup->asked = true;
	tmf_call_on_done(
	    online_check_start(workspace->own.ec2, workspace->config), online_lookup_done, lookup);
}

/* The first of the workspaces that goes by the same file. */
static size_t
online_first_of_config(struct workspace *const *workspaces, size_t index)
{
	size_t first = 0;

	while (strcmp(workspaces[first]->config_name, workspaces[index]->config_name) != 0)
		first++;
	return first;
}

/* A file that several places share may name what is in one of them. What could not be asked for in
 * one may be there. */
static void
online_merge(struct online_lookup *into, struct online_lookup *lookup, const char *name)
{
	static const char *const members[] = {"Found", "Refused"};

	if (into->places.len > 0)
		buf_add_cstr(&into->places, ", ");
	buf_add_cstr(&into->places, name);
	if (into == lookup)
		return;
	into->shared = true;
	for (size_t i = 0; into->result != NULL && lookup->result != NULL && i < 2; i++)
		json_object_update(json_object_get(into->result, members[i]),
		    json_object_get(lookup->result, members[i]));
	if (lookup->result == NULL) {
		json_decref(into->result);
		into->result = NULL;
		tmf_err_fini(&into->err);
		tmf_err_move(&into->err, &lookup->err);
	}
}

/* All are judged, so that one call of the command shows the faults of all files. */
static int
online_judge_all(struct workspace *const *workspaces, struct online_lookup *lookups, size_t count)
{
	int code = EXIT_OK;

	for (size_t i = 0; i < count; i++) {
		if (!lookups[i].asked || lookups[i].places.len == 0 ||
		    online_judge(workspaces[i], lookups[i].result, lookups[i].shared,
			&lookups[i].err) == EXIT_OK)
			continue;
		cli_print(stderr, "tmflow: looked up in %s\n", buf_cstr(&lookups[i].places));
		code = EXIT_INVALID;
	}
	return code;
}

int
workspaces_check_online(struct workspace *const *workspaces, char *const *names, size_t count)
{
	struct online_lookup *lookups = mem_zalloc(count, sizeof(*lookups));
	struct tmf_err err = {0};
	size_t left = 0;
	int code;

	for (size_t i = 0; i < count; i++)
		online_lookup_start(&lookups[i], workspaces[i], &left);
	/* A loop that fails leaves them unanswered; the run meets the same fault. */
	if (left > 0)
		tmf_loop_run(workspaces[0]->loop, &err);
	for (size_t i = 0; i < count; i++) {
		if (tmf_err_isset(&err) && lookups[i].result == NULL)
			tmf_err_copy(&lookups[i].err, &err);
		if (lookups[i].asked)
			online_merge(
			    &lookups[online_first_of_config(workspaces, i)], &lookups[i], names[i]);
	}
	code = online_judge_all(workspaces, lookups, count);
	for (size_t i = 0; i < count; i++) {
		json_decref(lookups[i].result);
		tmf_err_fini(&lookups[i].err);
		buf_fini(&lookups[i].places);
	}
	tmf_err_fini(&err);
	free(lookups);
	return code;
}
