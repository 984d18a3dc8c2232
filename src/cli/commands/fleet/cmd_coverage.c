#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/jsonx.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/commands/fleet/coverage_report.h"
#include "cli/places/places.h"
#include "cli/places/tour.h"
#include "cli/record.h"
#include "fleet/cost/cost.h"
#include "fleet/coverage/coverage_judge.h"
#include "fleet/coverage/coverage_ledger.h"
#include "web/coverage/coverage_page.h"
#include "web/metrics/fleet_metrics.h"
#include "web/metrics/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COVERAGE_BY_DEFAULT "vpc"

struct coverage_command {
	const struct cli_opts *opts;
	struct store *store;
	struct coverage_by by;
	struct coverage *whole;
	struct prices *prices;
	json_t *cost;	    /* see cost_add */
	json_t *failed;	    /* [{account, region, error, cause}] */
	bool lists;	    /* a line an interface, and not a document */
	double min_percent; /* -1: not asked for */
};

/* A place while it is read. Its lines wait in a file: should the token of the
 * listing be refused, they are written again. */
struct coverage_place {
	struct coverage_command *command;
	struct coverage *coverage;
	struct coverage_judge judge;
	FILE *lines; /* NULL: none are wanted */
};

/* --- lines --- */

static void
coverage_put_line(
    const struct coverage_command *command, const struct coverage_item *item, FILE *out)
{
	json_t *line = coverage_item_json(item);

	if (command->opts->output == OUTPUT_CSV) {
		coverage_report_csv_item(line, out);
	} else {
		cli_put_json(out, line);
		putc('\n', out);
	}
	json_decref(line);
}

/* Counted and written in one pass: an account's interfaces are not kept in memory. */
static void
coverage_place_item(void *arg, const struct coverage_item *item)
{
	struct coverage_place *place = arg;

	coverage_add(place->coverage, item);
	if (place->lines != NULL)
		coverage_put_line(place->command, item, place->lines);
}

static int
coverage_lines_open(FILE **ret_lines, struct tmf_err *err)
{
	*ret_lines = tmpfile();
	return *ret_lines != NULL
		   ? 0
		   : tmf_err_set(err, TMF_ERR_SYSTEM, "cannot make a temporary file");
}

/* lines: NULL where the file for a listing that began again could not be made. */
static int
coverage_lines_copy(FILE *lines, struct tmf_err *err)
{
	char bytes[16384];
	size_t count;

	if (lines == NULL || fflush(lines) != 0 || ferror(lines))
		return tmf_err_set(err, TMF_ERR_SYSTEM, "cannot write to a temporary file");
	rewind(lines);
	while ((count = fread(bytes, 1, sizeof(bytes), lines)) > 0)
		fwrite(bytes, 1, count, stdout);
	return ferror(lines) ? tmf_err_set(err, TMF_ERR_SYSTEM, "cannot read a temporary file") : 0;
}

/* --- a place --- */

/* What was learned is committed with each page: an open transaction would keep runs waiting. */
static int
coverage_place_page(void *arg, const struct survey_page *page, struct tmf_err *err)
{
	struct coverage_place *place = arg;
	uint64_t bare;

	if (coverage_judge_page(&place->judge, page, &bare, err) < 0)
		return -1;
	coverage_add_bare(place->coverage, bare);
	return store_commit(place->command->store, err);
}

/* The listing begins again at its first page: what was counted would be counted twice. */
static void
coverage_place_restart(void *arg)
{
	struct coverage_place *place = arg;

	coverage_reset(place->coverage);
	if (place->lines != NULL) {
		fclose(place->lines);
		place->lines = tmpfile();
	}
}

/* Each place has a coverage of its own, which joins the whole at its end: several places are read
 * at a time, and one that fails leaves nothing behind. */
static struct tmf_call *
coverage_ask(void *arg, struct tour_stop *stop)
{
	struct coverage_command *command = arg;
	struct coverage_place *place = mem_zalloc(1, sizeof(*place));
	struct tmf_err err = {0};

	stop->state = place;
	place->command = command;
	place->coverage = coverage_new(&command->by);
	place->judge = (struct coverage_judge){
	    .mirror = stop->workspace.mirror,
	    .region = stop->workspace.settings.region,
	    .on_item = coverage_place_item,
	    .arg = place,
	};
	if (command->lists && coverage_lines_open(&place->lines, &err) < 0)
		return tmf_call_of_err(stop->workspace.loop, &err);
	return survey_start(&(struct survey_opts){
	    .mirror = stop->workspace.mirror,
	    .on_page = coverage_place_page,
	    .on_restart = coverage_place_restart,
	    .arg = place,
	});
}

/* Sessions that rules want cost whether packets flow or not. What others mirror is audit's
 * business. */
static int64_t
coverage_sessions(const struct coverage *coverage)
{
	static const enum coverage_class classes[] = {
	    COVERAGE_MIRRORED, COVERAGE_SHADOWED, COVERAGE_DEAD};
	int64_t sessions = 0;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		sessions += (int64_t)coverage_counts(coverage)->of[classes[i]];
	return sessions;
}

static void
coverage_add_cost(const struct coverage_command *command, const char *region, int64_t sessions)
{
	cost_add(command->cost, command->prices, region != NULL ? region : "",
	    &(struct cost_items){.sessions = sessions});
}

/* Said at once on standard error, too: a tour of many accounts takes minutes. */
static void
coverage_note_failed(
    struct coverage_command *command, const struct place *place, const struct tmf_err *err)
{
	json_t *failed = json_object();

	jsonx_put_string_or_null(failed, "account", place->account);
	jsonx_put_string_or_null(failed, "region", place->region);
	jsonx_put_string(failed, "error", err->name);
	jsonx_put_string(failed, "cause", tmf_err_text(err));
	json_array_append_new(command->failed, failed);
	cli_print(stderr, "tmflow: %s %s not read: %s\n",
	    place->account != NULL ? place->account : "account", place->region, tmf_err_text(err));
}

/* Half of a place is not counted: the rest would be taken for not there. */
static int
coverage_answered(void *arg, struct tour_stop *stop, const json_t *result, struct tmf_err *err)
{
	struct coverage_command *command = arg;
	struct coverage_place *place = stop->state;
	int ret = 0;

	if (result == NULL) {
		coverage_note_failed(command, stop->place, err);
	} else {
		coverage_merge(command->whole, place->coverage);
		coverage_add_cost(
		    command, stop->workspace.settings.region, coverage_sessions(place->coverage));
	}
	if (place == NULL)
		return 0;
	if (result != NULL && command->lists)
		ret = coverage_lines_copy(place->lines, err);
	if (place->lines != NULL)
		fclose(place->lines);
	coverage_free(place->coverage);
	free(place);
	return ret;
}

static int
coverage_of_aws(struct coverage_command *command)
{
	return tour_run(&(struct tour_opts){
	    .opts = command->opts,
	    .store = command->store,
	    .needs_config = true,
	    .ask = coverage_ask,
	    .answered = coverage_answered,
	    .arg = command,
	});
}

/* --- a run's ledger --- */

static void
coverage_run_item(void *arg, const struct coverage_item *item)
{
	struct coverage_command *command = arg;

	coverage_add(command->whole, item);
	if (command->lists)
		coverage_put_line(command, item, stdout);
}

struct coverage_runs {
	struct coverage_command *command;
	struct tmf_err *err;
	int ret;
};

static int
coverage_add_run(void *arg, const struct store_run *run)
{
	struct coverage_runs *runs = arg;
	json_t *settings = record_settings(run);
	int64_t before = coverage_sessions(runs->command->whole);
	uint64_t bare = 0;

	runs->ret = coverage_ledger_read(
	    &(struct coverage_ledger){
		.store = runs->command->store,
		.run = run,
		.account = jsonx_get_string(settings, RECORD_ACCOUNT),
		.region = jsonx_get_string(settings, "region"),
		.on_item = coverage_run_item,
		.arg = runs->command,
	    },
	    &bare, runs->err);
	coverage_add_bare(runs->command->whole, bare);
	coverage_add_cost(runs->command, jsonx_get_string(settings, "region"),
	    coverage_sessions(runs->command->whole) - before);
	json_decref(settings);
	return runs->ret;
}

/* Its own rows, and those of its parts. */
static int
coverage_of_run(struct coverage_command *command, struct tmf_err *err)
{
	struct coverage_runs runs = {.command = command, .err = err};
	struct store_run run = {0};

	if (store_run_find(command->store, command->opts->run, &run, err) < 0)
		return -1;
	if (coverage_add_run(&runs, &run) == 0 &&
	    store_runs_each(command->store,
		&(struct store_run_filter){.status = -1, .parent = run.id}, coverage_add_run, &runs,
		err) < 0)
		runs.ret = -1;
	store_run_fini(&run);
	return runs.ret;
}

/* --- the whole --- */

/* strtod takes "nan" and "inf" as well, which the comparison refuses. */
static int
coverage_parse_min(const char *text, double *ret_percent, struct tmf_err *err)
{
	char *end = NULL;
	double percent = text != NULL ? strtod(text, &end) : -1;

	if (text != NULL && (end == text || *end != '\0' || !(percent >= 0 && percent <= 100)))
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "--min takes a number from 0 to 100, not \"%s\"", text);
	*ret_percent = percent;
	return 0;
}

/* A ledger has what the run wrote, and no more. */
static int
coverage_check_run(const struct coverage_command *command, struct tmf_err *err)
{
	const struct cli_opts *opts = command->opts;

	if (opts->run == NULL)
		return 0;
	if (opts->config != NULL || opts->hook != NULL || opts->region != NULL ||
	    opts->account != NULL || opts->accounts != NULL || opts->organization ||
	    opts->assume_role != NULL)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--run: not together with --config, --hook, --region, --account, --accounts, "
		    "--organization or --assume-role: the run has its own");
	if (coverage_by_needs_tags(&command->by))
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--run: a run keeps no tags but Name: leave tag:KEY out of --by");
	return 0;
}

/* A list has a line an interface, which a grouping has not: --by turns csv and jsonl into tables of
 * groups. The map of -o html has a grouping of its own. */
static int
coverage_read_opts(struct coverage_command *command, struct tmf_err *err)
{
	const struct cli_opts *opts = command->opts;
	bool map = opts->output == OUTPUT_HTML;

	if (map && opts->by != NULL)
		return tmf_err_set(err, TMF_ERR_INVALID,
		    "--by: not together with -o html, whose map is by account, region, VPC and "
		    "subnet");
	command->lists =
	    opts->by == NULL && (opts->output == OUTPUT_CSV || opts->output == OUTPUT_JSONL);
	if (coverage_parse_min(opts->min, &command->min_percent, err) < 0 ||
	    coverage_by_parse(map		 ? COVERAGE_PAGE_BY
			      : opts->by != NULL ? opts->by
						 : COVERAGE_BY_DEFAULT,
		&command->by, err) < 0)
		return -1;
	return coverage_check_run(command, err);
}

static void
coverage_put_group(void *arg, const json_t *group)
{
	cli_print_list_item(arg, group);
}

static void
coverage_put_group_line(void *arg, const json_t *group)
{
	(void)arg;
	cli_print_json_line(json_incref((json_t *)group));
}

static void
coverage_print(const struct coverage_command *command, const json_t *document)
{
	struct jsonx_list list = {.document = document, .key = COVERAGE_GROUPS};

	switch (command->opts->output) {
	case OUTPUT_JSON:
		cli_print_list_begin(&list);
		coverage_groups_each(command->whole, coverage_put_group, &list);
		cli_print_list_end(&list);
		break;
	case OUTPUT_JSONL:
		coverage_groups_each(command->whole, coverage_put_group_line, NULL);
		break;
	case OUTPUT_CSV:
		coverage_report_groups_csv(command->whole, &command->by, stdout);
		break;
	case OUTPUT_HTML:
		coverage_page_write(
		    command->whole, document, clock_system()->wall_ms(clock_system()), stdout);
		break;
	case OUTPUT_TEXT:
	case OUTPUT_SARIF:
		coverage_report_text(command->whole, document, stdout);
		break;
	}
}

static int
coverage_write_metrics(
    const struct coverage_command *command, const json_t *document, struct tmf_err *err)
{
	struct buf text = {0};
	int ret;

	if (!metrics_are_wanted(command->opts->metrics_file))
		return 0;
	metrics_of_coverage(
	    command->whole, document, clock_system()->wall_ms(clock_system()), &text);
	ret = metrics_report(command->opts->metrics_file, "coverage", &text, err);
	buf_fini(&text);
	return ret;
}

static int
coverage_answer(const struct coverage_command *command, struct tmf_err *err)
{
	json_t *document = coverage_json(command->whole);
	int ret;

	json_object_set(document, "cost", command->cost);
	json_object_set(document, "failed", command->failed);
	ret = coverage_write_metrics(command, document, err);
	if (ret == 0 && !command->lists)
		coverage_print(command, document);
	json_decref(document);
	return ret;
}

/* Below --min is said last, as an alarm goes by it. Where nothing is wanted, nothing is below. */
static int
coverage_exit(const struct coverage_command *command)
{
	double share;

	if (json_array_size(command->failed) > 0)
		return EXIT_RUN_FAILED;
	if (command->min_percent < 0 ||
	    !coverage_counts_share(coverage_counts(command->whole), &share))
		return EXIT_OK;
	/* A hair less than asked for, by the last bit of a division, is enough. */
	return share * 100 < command->min_percent - 1e-9 ? EXIT_BELOW : EXIT_OK;
}

/* The heading is written before the first place answers, so that a reader of the pipe sees at once
 * what will come. */
static int
coverage_run(struct coverage_command *command)
{
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (command->lists && command->opts->output == OUTPUT_CSV)
		coverage_report_csv_heading(stdout);
	if (command->opts->run == NULL)
		code = coverage_of_aws(command);
	else if (coverage_of_run(command, &err) < 0)
		code = cli_fail_take(command->opts->output, &err);
	if (code != EXIT_OK)
		return code;
	return coverage_answer(command, &err) < 0 ? cli_fail_take(command->opts->output, &err)
						  : coverage_exit(command);
}

int
cmd_coverage(const struct cli_opts *opts)
{
	struct coverage_command command = {.opts = opts};
	struct tmf_err err = {0};
	int code = EXIT_OK;

	command.prices = prices_new(opts->price, &err);
	if (command.prices == NULL || coverage_read_opts(&command, &err) < 0) {
		prices_free(command.prices);
		coverage_by_fini(&command.by);
		return cli_fail_begin(opts->output, &err);
	}
	command.store = record_open_store(opts, &code);
	if (command.store != NULL) {
		command.whole = coverage_new(&command.by);
		command.failed = json_array();
		command.cost = json_object();
		code = coverage_run(&command);
		coverage_free(command.whole);
		json_decref(command.failed);
		json_decref(command.cost);
	}
	store_close(command.store);
	prices_free(command.prices);
	coverage_by_fini(&command.by);
	return code;
}
