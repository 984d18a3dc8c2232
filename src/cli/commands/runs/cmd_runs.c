#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/ages.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/report/report_runs.h"
#include "cli/retention.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Which runs are meant, and what is done with them. */
struct runs_query {
	const struct cli_opts *opts;
	struct store_run_filter filter;
	int state; /* enum run_state_kind; -1: any */
	long limit;
	struct report_runs *list;
	struct tmf_err err;
};

/* "backfill", as the list shows it, or the name as it was given. */
static bool
runs_is_of_workflow(const struct store_run *run, const char *wanted)
{
	char *stem;
	bool same;

	if (run->workflow_name == NULL)
		return false;
	stem = file_stem(run->workflow_name);
	same = strcmp(stem, wanted) == 0 || strcmp(run->workflow_name, wanted) == 0;
	free(stem);
	return same;
}

/*
 * The record's status says who is RUNNING no better than it says who was killed: both are looked
 * for among those that it calls RUNNING. The record itself says that a run is dry.
 */
static int
runs_list_one(void *arg, const struct store_run *run)
{
	struct runs_query *query = arg;
	const char *workflow = query->opts->workflow;
	struct run_state state;

	if (workflow != NULL && !runs_is_of_workflow(run, workflow))
		return 0;
	if (run_state_read(query->list->store, run, &state, &query->err) < 0)
		return -1;
	if (query->state >= 0 && (int)state.kind != query->state)
		return 0;
	if (report_runs_add(query->list, run, &state, &query->err) < 0)
		return -1;
	return (long)query->list->count == query->limit;
}

/* The filters are parsed before the store is opened: a typing error is reported at once. */
static int
runs_query_make(const struct cli_opts *opts, struct runs_query *query, struct tmf_err *err)
{
	const struct cli_number limit = {"--limit", opts->limit, 1, LONG_MAX, LONG_MAX};
	int64_t now_ms = clock_system()->wall_ms(clock_system());
	enum run_state_kind state;

	*query = (struct runs_query){.opts = opts, .filter = {.status = -1}, .state = -1};
	if (opts->status != NULL && run_state_parse(opts->status, &state, err) < 0)
		return -1;
	if (opts->status != NULL)
		query->state = (int)state;
	if (opts->since != NULL &&
	    cli_moment_parse("--since", opts->since, now_ms, &query->filter.since_wall_ms, err) < 0)
		return -1;
	if (opts->until != NULL &&
	    cli_moment_parse("--until", opts->until, now_ms, &query->filter.until_wall_ms, err) < 0)
		return -1;
	return cli_number_parse(&limit, &query->limit, err);
}

static int
runs_list(struct runs_query *query, struct store *store)
{
	const struct cli_opts *opts = query->opts;
	struct tmf_err err = {0};
	int code = EXIT_OK;

	query->list = mem_zalloc(1, sizeof(*query->list));
	query->list->store = store;
	query->list->output = opts->output;
	query->list->now_wall_ms = clock_system()->wall_ms(clock_system());
	if (store_runs_each(store, &query->filter, runs_list_one, query, &err) < 0)
		code = cli_fail(opts->output, &err);
	else if (tmf_err_isset(&query->err))
		code = cli_fail(opts->output, &query->err);
	else
		report_runs_end(query->list);
	json_decref(code == EXIT_OK ? NULL : query->list->documents);
	free(query->list);
	tmf_err_fini(&query->err);
	tmf_err_fini(&err);
	return code;
}

/* --- pruning --- */

static int
runs_prune(const struct runs_query *query, struct store *store)
{
	const struct cli_opts *opts = query->opts;
	struct retention_opts what = {.state = query->state, .max = SIZE_MAX, .commits = true};
	struct retention_result result;
	struct tmf_err err = {0};

	if (cli_age_parse("--older-than", opts->older_than, &what.age_ms, &err) < 0 ||
	    retention_apply(store, &what, &result, &err) < 0)
		return cli_fail_take(opts->output, &err);
	if (opts->output != OUTPUT_TEXT) {
		json_t *document = json_object();

		json_object_set_new(document, "removed", json_integer((json_int_t)result.removed));
		json_object_set_new(document, "resumable", json_integer((json_int_t)result.open));
		cli_print_json(document);
		json_decref(document);
		return EXIT_OK;
	}
	cli_print(stdout, "%zu %s removed\n", result.removed, result.removed == 1 ? "run" : "runs");
	if (result.open > 0)
		cli_print(stdout,
		    "%zu that old were not over and stay: `tmflow resume` continues them, and "
		    "--status killed or --status interrupted removes them\n",
		    result.open);
	return EXIT_OK;
}

/* A filter without effect would remove more than its user expects. */
static int
runs_check_options(const struct cli_opts *opts, struct tmf_err *err)
{
	if (opts->prune_runs && opts->older_than == NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--prune: needs --older-than AGE, such as 30d");
	if (!opts->prune_runs && opts->older_than != NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--older-than: needs --prune (to list runs: --until)");
	if (opts->prune_runs && (opts->since != NULL || opts->until != NULL ||
				    opts->workflow != NULL || opts->limit != NULL))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--prune: goes with --older-than and --status alone");
	return 0;
}

/* An empty list is a success, also where nothing has run yet; but not in a place that was named. */
int
cmd_runs(const struct cli_opts *opts)
{
	struct runs_query query;
	struct store *store;
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (runs_check_options(opts, &err) < 0 || runs_query_make(opts, &query, &err) < 0)
		return cli_fail_take(opts->output, &err);
	store = opts->state_dir != NULL ? record_find_store(opts, &code)
					: record_open_store(opts, &code);
	if (store == NULL)
		return code;
	code = opts->prune_runs ? runs_prune(&query, store) : runs_list(&query, store);
	store_close(store);
	return code;
}
