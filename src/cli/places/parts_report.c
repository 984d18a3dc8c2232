#include "base/clock.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/places/parts.h"
#include "cli/record.h"
#include "cli/report/report.h"
#include "cli/report/report_calls.h"
#include "cli/report/report_plan.h"
#include "cli/report/report_reasons.h"
#include "web/run_json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The report of a run with parts, by account and region. */

bool
parts_belong_to(const struct store_run *run)
{
	json_t *settings = record_settings(run);
	bool is_one = json_is_integer(json_object_get(settings, RECORD_PARTS));

	json_decref(settings);
	return is_one;
}

/* Where a part ran. Borrowed from settings, which the caller frees. */
struct part_place {
	json_t *settings;
	const char *account; /* NULL: the keys' own */
	const char *region;
};

static struct part_place
part_place_of(const struct store_run *part)
{
	struct part_place place = {.settings = record_settings(part)};

	place.account = jsonx_get_string(place.settings, RECORD_ACCOUNT);
	place.region = jsonx_get_string(place.settings, "region");
	return place;
}

/* The member "account" is left out where the keys' own account is mirrored. */
static void
part_put_place(json_t *object, const struct part_place *place)
{
	jsonx_put_string(object, "account", place->account);
	jsonx_put_string(object, "region", place->region);
}

/* --- sums --- */

struct sums {
	struct store *store;
	int64_t counts[OUTCOME_COUNT];
	json_t *reasons;
	size_t parts;
	size_t failed; /* ended FAILED or TIMED_OUT */
	size_t open;   /* have not ended */
	bool store_failed;
	char *error; /* of the first that failed */
	char *cause;
	json_t *rows; /* NULL: not wanted */
};

/* A callback of the store has no err: a failed read is noted and ends the iteration. */
static int
sums_add_part(void *arg, const struct store_run *part)
{
	struct sums *sums = arg;
	int64_t counts[OUTCOME_COUNT];
	bool failed = part->status == RUN_FAILED || part->status == RUN_TIMED_OUT;

	if (store_outcomes_count(sums->store, part->id, counts, NULL) < 0 ||
	    run_json_reasons_add(sums->reasons, sums->store, part->id, NULL) < 0) {
		sums->store_failed = true;
		return 1;
	}
	for (size_t kind = 0; kind < OUTCOME_COUNT; kind++)
		sums->counts[kind] += counts[kind];
	sums->parts++;
	sums->failed += failed;
	sums->open += part->status == RUN_RUNNING || part->status == RUN_INTERRUPTED;
	if (failed && sums->error == NULL && sums->cause == NULL) {
		struct part_place place = part_place_of(part);

		sums->error = mem_strdup(part->error);
		sums->cause = mem_printf("%s%s%s: %s", place.account != NULL ? place.account : "",
		    place.account != NULL ? " " : "", place.region,
		    part->cause != NULL ? part->cause : "no cause");
		json_decref(place.settings);
	}
	if (sums->rows != NULL) {
		json_t *document = run_json_read(sums->store, part, counts, NULL);
		struct part_place place = part_place_of(part);

		sums->store_failed |= document == NULL;
		part_put_place(document, &place);
		json_array_append_new(sums->rows, document);
		json_decref(place.settings);
	}
	return 0;
}

static void
sums_fini(struct sums *sums)
{
	free(sums->error);
	free(sums->cause);
	json_decref(sums->reasons);
	json_decref(sums->rows);
}

/* One pass over the parts, so that the counts and the rows of one report agree. */
static int
sums_of(struct store *store, const struct store_run *run, struct sums *sums, struct tmf_err *err)
{
	sums->store = store;
	sums->reasons = json_object();
	if (store_runs_each(
		store, &(struct store_run_filter){.parent = run->id}, sums_add_part, sums, err) < 0)
		return -1;
	return sums->store_failed ? tmf_err_set(err, TMF_ERR_STORE,
					"failed to read the outcomes of run %s", run->id)
				  : 0;
}

/*
 * The whole has failed only if all its parts have. Example: of 12 accounts 1 refuses the role.
 * The run succeeded, its exit code says that some failed, and a retry takes up that part.
 */
int
parts_sum_up(struct store *store, struct store_run *run, struct tmf_err *err)
{
	struct sums sums = {0};

	if (sums_of(store, run, &sums, err) < 0) {
		sums_fini(&sums);
		return -1;
	}
	run->stop_wall_ms = clock_system()->wall_ms(clock_system());
	free(run->error);
	free(run->cause);
	run->error = run->cause = NULL;
	run->status = RUN_SUCCEEDED;
	if (sums.open > 0) {
		run->status = RUN_INTERRUPTED;
	} else if (sums.failed == sums.parts) {
		run->status = RUN_FAILED;
		run->error = mem_strdup(sums.error);
		run->cause =
		    mem_printf("all %zu parts failed, the first: %s", sums.parts, sums.cause);
	}
	sums_fini(&sums);
	return 0;
}

/*
 * Failures come before changes: a script that looks for changes must not overlook a failed part.
 */
static int
parts_exit(const struct cli_opts *opts, const struct store_run *run, const struct sums *sums)
{
	int code = report_exit(run, sums->counts);

	if (code == EXIT_OK && sums->failed > 0)
		code = EXIT_SOME_FAILED;
	if (code == EXIT_OK && opts->detailed_exitcode && report_plan_changes(sums->counts))
		code = EXIT_CHANGES;
	return code;
}

/* --- calls --- */

struct part_calls {
	struct store *store;
	json_t *calls;
	struct tmf_err err;
};

/* Tallies add up by operation, whatever the account. */
static int
part_add_calls(void *arg, const struct store_run *part)
{
	struct part_calls *all = arg;

	return run_json_calls_add(all->calls, all->store, part->id, &all->err) < 0;
}

/* What all parts asked AWS for. New reference, or NULL with *err. */
static json_t *
parts_calls(struct store *store, const struct store_run *run, struct tmf_err *err)
{
	struct part_calls all = {.store = store, .calls = json_object()};
	int ret = store_runs_each(
	    store, &(struct store_run_filter){.parent = run->id}, part_add_calls, &all, err);

	if (tmf_err_isset(&all.err)) {
		tmf_err_move(err, &all.err);
		ret = -1;
	}
	if (ret == 0)
		return all.calls;
	json_decref(all.calls);
	return NULL;
}

/* --- for a person --- */

/* Those that are not zero, behind `first`. */
static void
part_print_counts(const char *first, const int64_t counts[OUTCOME_COUNT], FILE *out)
{
	const char *separator = first;

	for (size_t kind = 0; kind < OUTCOME_COUNT; kind++) {
		if (counts[kind] == 0)
			continue;
		cli_print(out, "%s%" PRId64 " %s", separator, counts[kind],
		    outcome_name((enum outcome_kind)kind));
		separator = ", ";
	}
}

struct part_lines {
	struct store *store;
	const struct cli_opts *opts;
	FILE *out;
};

/* A Fail state may leave out Error, Cause or both. */
static void
part_print_fault(const struct store_run *part, FILE *out)
{
	if (part->error != NULL || part->cause != NULL)
		cli_print(out, "      %s: %s\n", part->error != NULL ? part->error : "",
		    part->cause != NULL ? part->cause : "");
}

/*
 * A fault of the store leaves the counts at 0 here. It is not lost: sums_of has read the same
 * counts before and would have failed.
 */
static int
part_print(void *arg, const struct store_run *part)
{
	struct part_lines *lines = arg;
	struct part_place place = part_place_of(part);
	int64_t counts[OUTCOME_COUNT] = {0};

	store_outcomes_count(lines->store, part->id, counts, NULL);
	cli_print(lines->out, "  %-12s  %-14s  %s", place.account != NULL ? place.account : "-",
	    place.region, run_status_name(part->status));
	part_print_counts("  ", counts, lines->out);
	fputc('\n', lines->out);
	part_print_fault(part, lines->out);
	if (part->dry_run)
		report_plan_text(lines->store, part, counts, lines->out, NULL);
	json_decref(place.settings);
	return 0;
}

/*
 * A part that failed as a whole has no failed instances, so that the counts alone would not
 * suggest a retry.
 */
static void
parts_next_step(
    const struct store *store, const struct store_run *run, const struct sums *sums, FILE *out)
{
	if (sums->failed > 0 && sums->open == 0 && !run->dry_run && !store_is_temporary(store))
		cli_print(
		    out, "  to retry what failed: `tmflow resume %s --retry-failed`\n", run->id);
	else
		report_next_step(store, run, sums->counts, out);
}

/*
 * The parts come first and their sum last, so that the sum stands above the prompt where there are
 * many parts.
 */
static int
parts_report_text(const struct cli_opts *opts, struct store *store, const struct store_run *run,
    const struct sums *sums, struct tmf_err *err)
{
	struct part_lines lines = {.store = store, .opts = opts, .out = stdout};
	const struct report_parts parts = {.count = sums->parts, .failed = sums->failed};
	json_t *calls;

	if (report_heading(store, run, sums->counts, &parts, stdout, err) < 0 ||
	    store_runs_each(
		store, &(struct store_run_filter){.parent = run->id}, part_print, &lines, err) < 0)
		return -1;
	cli_print(stdout, "  %zu parts: ", sums->parts);
	part_print_counts("", sums->counts, stdout);
	if (sums->failed > 0)
		cli_print(stdout, "; %zu parts failed", sums->failed);
	fputc('\n', stdout);
	calls = parts_calls(store, run, err);
	if (calls == NULL)
		return -1;
	report_calls_text(calls, stdout);
	json_decref(calls);
	parts_next_step(store, run, sums, stdout);
	return 0;
}

/*
 * The calls are part of the document of `tmflow show`, and not of the one that a run prints at its
 * end.
 */
static int
parts_report_json(struct store *store, const struct store_run *run, const struct sums *sums,
    bool shown, struct tmf_err *err)
{
	json_t *calls = shown ? parts_calls(store, run, err) : NULL;
	json_t *document;

	if (shown && calls == NULL)
		return -1;
	document = run_json(run, sums->counts);
	if (json_object_size(sums->reasons) > 0)
		json_object_set(document, "reasons", sums->reasons);
	json_object_set(document, "parts", sums->rows);
	if (json_object_size(calls) > 0)
		json_object_set(document, "calls", calls);
	cli_print_json(document);
	json_decref(document);
	json_decref(calls);
	return 0;
}

/*
 * Returns the exit code, or -1 with *err: a report that cannot be read must not look like a
 * success.
 */
int
parts_tell(const struct cli_opts *opts, struct store *store, const struct store_run *run,
    bool shown, struct tmf_err *err)
{
	struct sums sums = {.rows = opts->output != OUTPUT_TEXT ? json_array() : NULL};
	int ret = sums_of(store, run, &sums, err);

	if (ret == 0)
		ret = opts->output != OUTPUT_TEXT ? parts_report_json(store, run, &sums, shown, err)
						  : parts_report_text(opts, store, run, &sums, err);
	if (ret == 0)
		ret = parts_exit(opts, run, &sums);
	sums_fini(&sums);
	return ret;
}

/* --- outcomes --- */

struct rows {
	struct store *store;
	const struct cli_opts *opts;
	int kind;
	struct part_place place; /* of the part whose rows come */
	struct report_list list;
	struct tmf_err err;
};

/* Rows of all parts form one table, so that each row names its account and region. */
static int
part_outcome(void *arg, const struct outcome *outcome)
{
	struct rows *rows = arg;
	json_t *object;

	if (rows->opts->output == OUTPUT_TEXT) {
		cli_print(stdout, "%-12s  %-14s  ",
		    rows->place.account != NULL ? rows->place.account : "-", rows->place.region);
		report_outcome_line(outcome, stdout);
		return 0;
	}
	object = run_json_outcome(outcome);
	part_put_place(object, &rows->place);
	if (rows->opts->output == OUTPUT_JSON) {
		report_list_item(&rows->list, object);
	} else {
		cli_print_json_line(object);
	}
	return 0;
}

/* The place is read once for each part, and not for each of its rows. */
static int
part_outcomes(void *arg, const struct store_run *part)
{
	struct rows *rows = arg;

	rows->place = part_place_of(part);
	int ret =
	    store_outcomes_each(rows->store, part->id, rows->kind, part_outcome, rows, &rows->err);
	json_decref(rows->place.settings);
	return ret < 0;
}

/*
 * A list that has begun is ended even after a fault, so that standard output stays valid JSON. Its
 * "incomplete" then says that rows are missing.
 */
static int
parts_show_outcomes(const struct cli_opts *opts, struct store *store, const struct store_run *run,
    struct tmf_err *err)
{
	struct rows rows = {
	    .store = store, .opts = opts, .kind = opts->failed ? OUTCOME_FAILED : -1};
	struct sums sums = {0};
	int ret = sums_of(store, run, &sums, err);

	if (ret == 0 && opts->output == OUTPUT_JSON) {
		json_t *document = run_json(run, sums.counts);

		if (json_object_size(sums.reasons) > 0)
			json_object_set(document, "reasons", sums.reasons);
		report_list_begin(&rows.list, document, "outcomes", stdout);
		json_decref(document);
	}
	if (ret == 0)
		ret = store_runs_each(store, &(struct store_run_filter){.parent = run->id},
		    part_outcomes, &rows, err);
	if (tmf_err_isset(&rows.err)) {
		tmf_err_move(err, &rows.err);
		ret = -1;
	}
	if (rows.list.out != NULL)
		report_list_end(&rows.list, err);
	sums_fini(&sums);
	return ret;
}

/*
 * A history belongs to one execution, and each part has one. The message names the
 * pattern of their ids.
 */
int
parts_show(const struct cli_opts *opts, struct store *store, const struct store_run *run)
{
	struct tmf_err err = {0};
	int ret;

	if (opts->history)
		ret = tmf_err_set(&err, TMF_ERR_INVALID,
		    "run %s has parts, each with a history of its own: `tmflow show %s-...`",
		    run->id, run->id);
	else if (opts->failed || opts->outcomes || opts->output == OUTPUT_JSONL)
		ret = parts_show_outcomes(opts, store, run, &err);
	else
		ret = parts_tell(opts, store, run, true, &err);
	return ret < 0 ? cli_fail_take(opts->output, &err) : EXIT_OK;
}
