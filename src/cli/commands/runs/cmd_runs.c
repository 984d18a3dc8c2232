#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "base/timestamp.h"
#include "cli/answer.h"
#include "cli/record.h"
#include "cli/report/report_document.h"
#include "web/run_json.h"

#include <stdlib.h>
#include <string.h>

#define HOURS_MS (3600LL * 1000)
#define DAYS_MS	 (24 * HOURS_MS)

/* What the rows are written to. */
struct listing {
	struct store *store;
	enum cli_output output;
	json_t *runs; /* with -o json */
	size_t count;
};

/*
 * A row is printed as it comes, so that a long list needs no memory. Only a JSON array has to be
 * complete first.
 */
static int
runs_list_one(void *arg, const struct store_run *run)
{
	struct listing *listing = arg;
	char start[CLOCK_ISO_BYTES];

	listing->count++;
	if (listing->output == OUTPUT_TEXT) {
		clock_iso(run->start_wall_ms, start);
		if (listing->count == 1)
			cli_print(stdout, "%-26s  %-11s  %-24s  %s\n", "RUN", "STATUS", "STARTED",
			    "WORKFLOW");
		cli_print(stdout, "%-26s  %-11s  %-24s  %s%s\n", run->id,
		    run_status_name(run->status), start,
		    run->workflow_name != NULL ? run->workflow_name : "-",
		    run->dry_run ? "  (dry run)" : "");
		return 0;
	}
	int64_t counts[OUTCOME_COUNT] = {0};
	json_t *document = run_json(run, counts);

	/* The counts would need a query for each run. `tmflow show` has them. */
	json_object_del(document, "summary");
	jsonx_put_string(document, "workflow", run->workflow_name);
	if (listing->output == OUTPUT_JSON) {
		json_array_append_new(listing->runs, document);
		return 0;
	}
	cli_print_json_line(document);
	return 0;
}

/* Case does not matter here, because capitals are tedious to type in a shell. */
static int
runs_status_parse(const char *text, int *ret_status, struct tmf_err *err)
{
	for (int status = RUN_RUNNING; status <= RUN_INTERRUPTED; status++) {
		if (strcasecmp(text, run_status_name((enum run_status)status)) != 0)
			continue;
		*ret_status = status;
		return 0;
	}
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "--status takes RUNNING, SUCCEEDED, FAILED, TIMED_OUT or INTERRUPTED, not \"%s\"",
	    text);
}

/* 2026-01-15, a time stamp with zone, or so long ago: 36h, 7d. */
static int
runs_since_parse(const char *text, int64_t *ret_wall_ms, struct tmf_err *err)
{
	struct timestamp at;
	char *end;
	/* A day alone means its midnight in UTC, as all times in the store. */
	long long amount = strtoll(text, &end, 10);
	char *day = mem_printf("%sT00:00:00Z", text);
	bool is_day = timestamp_parse(str_of(day), &at);

	free(day);
	if (is_day || timestamp_parse(str_of(text), &at)) {
		*ret_wall_ms = at.seconds * 1000;
		return 0;
	}
	if (end != text && amount >= 0 && amount < 1000000 &&
	    (strcmp(end, "h") == 0 || strcmp(end, "d") == 0)) {
		*ret_wall_ms = clock_system()->wall_ms(clock_system()) -
			       amount * (*end == 'h' ? HOURS_MS : DAYS_MS);
		return 0;
	}
	return tmf_err_set(err, TMF_ERR_INVALID,
	    "--since takes a day (2026-01-15), a time (2026-01-15T12:00:00Z) or an age (36h, 7d), "
	    "not \"%s\"",
	    text);
}

/*
 * The filters are parsed before the store is opened, so that a typing error is reported at once. An
 * empty list is a success.
 */
int
cmd_runs(const struct cli_opts *opts)
{
	struct store_run_filter filter = {.status = -1};
	struct listing listing = {.output = opts->output};
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if ((opts->status != NULL && runs_status_parse(opts->status, &filter.status, &err) < 0) ||
	    (opts->since != NULL &&
		runs_since_parse(opts->since, &filter.since_wall_ms, &err) < 0)) {
		return cli_fail_take(opts->output, &err);
	}
	listing.store = record_open_store(opts, &code);
	if (listing.store == NULL)
		return code;
	listing.runs = json_array();
	if (store_runs_each(listing.store, &filter, runs_list_one, &listing, &err) < 0)
		code = cli_fail(opts->output, &err);
	else if (opts->output == OUTPUT_JSON)
		cli_print_json(listing.runs);
	else if (opts->output == OUTPUT_TEXT && listing.count == 0)
		/* On standard error: a script that counts lines must count none. */
		fputs("no runs\n", stderr);
	json_decref(listing.runs);
	store_close(listing.store);
	tmf_err_fini(&err);
	return code;
}
