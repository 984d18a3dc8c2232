#include "lives.h"

#include "base/jsonx.h"
#include "run_suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/tmflow-lives-XXXXXX";

int
lives_main(Suite *suite)
{
	int failed;

	if (mkdtemp(folder) == NULL) {
		perror(folder);
		return 1;
	}
	failed = run_suite(suite);
	lives_forget();
	rmdir(folder);
	return failed == 0 ? 0 : 1;
}

struct store *
lives_open_with(struct tmf_clock *clock)
{
	struct tmf_err err = {0};
	struct store *store = store_open(folder, clock, &err);

	ck_assert_msg(store != NULL, "%s", tmf_err_text(&err));
	return store;
}

struct store *
lives_open(bool new_run)
{
	char empty[] = "{}";
	struct store_run run = {.id = "run", .status = RUN_RUNNING, .start_wall_ms = 1};
	struct store *store = lives_open_with(clock_system());
	struct tmf_err err = {0};

	run.workflow_name = run.definition = run.input = empty;
	if (new_run)
		ck_assert_msg(
		    store_run_create(store, &run, &err) == 0 && store_commit(store, &err) == 0,
		    "%s", tmf_err_text(&err));
	return store;
}

void
lives_forget(void)
{
	char command[sizeof(folder) + 16];

	snprintf(command, sizeof(command), "rm -rf %s/*", folder);
	if (system(command) != 0)
		perror(command);
}

static int
count_row(void *arg, int64_t branch_id, struct str state)
{
	(void)branch_id;
	(void)state;
	++*(int *)arg;
	return 0;
}

int
lives_rows(struct store *store)
{
	struct tmf_err err = {0};
	int rows = 0;

	ck_assert_int_eq(store_branches_each(store, "run", count_row, &rows, &err), 0);
	return rows;
}

struct asl_machine *
lives_compile(struct harness *h, const char *definition)
{
	struct tmf_err err = {0};
	struct doc *doc = doc_parse("definition", str_of(definition), &err);
	struct asl_machine *machine;
	json_t *root;

	ck_assert_msg(doc != NULL, "%s", tmf_err_text(&err));
	root = json_incref(doc_root(doc));
	doc_free(doc);
	machine = harness_compile(h, root);
	json_decref(root);
	return machine;
}

/* Stops the loop, as a crash would: behind the hook that commits, which the engine has added
 * before. */
struct cut {
	struct tmf_loop *loop;
	int turns_left;
};

static int
count_turn(void *arg, struct tmf_err *err)
{
	struct cut *cut = arg;

	(void)err;
	if (--cut->turns_left <= 0)
		tmf_loop_stop(cut->loop);
	return 0;
}

void
lives_turn(struct harness *h, int turns)
{
	struct cut cut = {h->loop, turns};
	struct tmf_err err = {0};

	tmf_loop_add_turn_hook(h->loop, count_turn, &cut);
	ck_assert_msg(tmf_loop_run(h->loop, &err) == 0, "%s", tmf_err_text(&err));
	tmf_loop_remove_turn_hook(h->loop, count_turn, &cut);
}

void
lives_expect(const struct harness *h, const char *output)
{
	char *text = h->output != NULL ? jsonx_text(h->output) : strdup("none");

	ck_assert(h->over);
	ck_assert_int_eq(h->status, RUN_SUCCEEDED);
	ck_assert_str_eq(text, output);
	free(text);
}
