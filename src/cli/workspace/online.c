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
	json_t *result;
	struct tmf_err err;
};

/* What was found for the places that go by one file. */
struct online_row {
	size_t first; /* of these places */
	bool shared;  /* there are others */
	json_t *result;
	struct tmf_err err;
	struct buf places; /* their names */
};

struct online_checks {
	json_t *index; /* {file: row} */
	struct online_row *rows;
	size_t count;
};

struct online_checks *
online_checks_new(void)
{
	struct online_checks *checks = mem_zalloc(1, sizeof(*checks));

	checks->index = json_object();
	return checks;
}

void
online_checks_free(struct online_checks *checks)
{
	if (checks == NULL)
		return;
	for (size_t i = 0; i < checks->count; i++) {
		json_decref(checks->rows[i].result);
		tmf_err_fini(&checks->rows[i].err);
		buf_fini(&checks->rows[i].places);
	}
	free(checks->rows);
	json_decref(checks->index);
	free(checks);
}

size_t
online_checks_count(const struct online_checks *checks)
{
	return checks->count;
}

size_t
online_checks_first(const struct online_checks *checks, size_t row)
{
	assert(row < checks->count);
	return checks->rows[row].first;
}

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

/* The row of the file. A new one is the place's. */
static struct online_row *
online_row_of(struct online_checks *checks, const char *file, size_t place)
{
	json_t *row = json_object_get(checks->index, file);

	if (row != NULL)
		return &checks->rows[json_integer_value(row)];
	if ((checks->count & (checks->count - 1)) == 0)
		checks->rows = mem_resize(checks->rows, checks->count == 0 ? 1 : 2 * checks->count,
		    sizeof(checks->rows[0]));
	json_object_set_new(checks->index, file, json_integer((json_int_t)checks->count));
	checks->rows[checks->count] = (struct online_row){.first = place};
	return &checks->rows[checks->count++];
}

/* A file that several places share may name what is in one of them. What could not be asked for in
 * one may be there. Takes what the lookup has. */
static void
online_merge(struct online_row *row, struct online_lookup *lookup, const char *name)
{
	static const char *const members[] = {"Found", "Refused"};
	bool first = row->places.len == 0;

	if (!first)
		buf_add_cstr(&row->places, ", ");
	buf_add_cstr(&row->places, name);
	row->shared = !first;
	if (first) {
		row->result = lookup->result;
		tmf_err_move(&row->err, &lookup->err);
		lookup->result = NULL;
		return;
	}
	for (size_t i = 0; row->result != NULL && lookup->result != NULL && i < 2; i++)
		json_object_update(json_object_get(row->result, members[i]),
		    json_object_get(lookup->result, members[i]));
	if (lookup->result == NULL && tmf_err_isset(&lookup->err)) {
		json_decref(row->result);
		row->result = NULL;
		tmf_err_fini(&row->err);
		tmf_err_move(&row->err, &lookup->err);
	}
}

/* A loop that fails leaves them unanswered; the run meets the same fault. */
void
online_checks_ask(struct online_checks *checks, struct workspace *const *workspaces,
    char *const *names, size_t count, size_t first)
{
	struct online_lookup *lookups = mem_zalloc(count, sizeof(*lookups));
	struct tmf_err err = {0};
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		online_lookup_start(&lookups[i], workspaces[i], &left);
	if (left > 0)
		tmf_loop_run(workspaces[0]->loop, &err);
	for (size_t i = 0; i < count; i++) {
		if (tmf_err_isset(&err) && lookups[i].result == NULL)
			tmf_err_copy(&lookups[i].err, &err);
		if (lookups[i].asked)
			online_merge(online_row_of(checks, workspaces[i]->config_name, first + i),
			    &lookups[i], names[i]);
		json_decref(lookups[i].result);
		tmf_err_fini(&lookups[i].err);
	}
	tmf_err_fini(&err);
	free(lookups);
}

int
online_checks_judge(const struct online_checks *checks, size_t row, struct workspace *workspace)
{
	const struct online_row *judged = &checks->rows[row];

	assert(row < checks->count && workspace->config != NULL);
	if (online_judge(workspace, judged->result, judged->shared, &judged->err) == EXIT_OK)
		return EXIT_OK;
	cli_print(stderr, "tmflow: looked up in %s\n", buf_cstr(&judged->places));
	return EXIT_INVALID;
}
