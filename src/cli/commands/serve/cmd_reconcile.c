#include "cli/commands/commands.h"

#include "base/clock.h"
#include "base/log.h"
#include "cli/ages.h"
#include "cli/answer.h"
#include "cli/harden.h"
#include "cli/places/parts.h"
#include "cli/places/places.h"
#include "cli/places/turns.h"
#include "cli/record.h"
#include "cli/retention.h"
#include "cli/run/new_run.h"
#include "cli/run/rounds.h"
#include "cli/signals.h"
#include "mirror/config/prune.h"
#include "serve/health.h"
#include "web/metrics/metrics_server.h"
#include "web/metrics/reconcile_metrics.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * The backfill, again and again in one process. Each round is an ordinary run with a record of its
 * own, which reads its files again: an edited configuration counts from the next round on. All
 * rounds share this process's loop and network, and nothing else.
 */

#define AGAIN_MS	 100
#define DEFAULT_WORKFLOW "backfill"
#define RETENTION_ALL	 SIZE_MAX

struct reconcile {
	struct cli_opts opts; /* as given, but quiet and with the workflow */
	char *args[2];	      /* of opts */
	struct workspace base;
	struct store *store; /* of leases and retention; each round opens its own */
	struct health health;
	struct tmf_timer next;
	struct tmf_timer again; /* hands a signal on to the run that is about to begin */
	int signo;		/* that signal */
	char own_account[TURNS_ACCOUNT_BYTES];
	int64_t every_ms;
	int64_t retention_ms; /* -1: runs stay */
	uint64_t rounds;
	struct reconcile_metrics metrics;
	struct metrics_server *server; /* --metrics-listen; NULL: none */
	bool stops;
};

/* --- between two rounds --- */

/*
 * Within a round the signals are its run's, once that has begun. One that comes while its files are
 * read and its keys are looked for must not stop the loop, which waits for these; it is raised
 * again until the run has taken the signals over.
 */
static void
reconcile_signal(void *arg, int signo)
{
	struct reconcile *reconcile = arg;
	struct tmf_loop *loop = reconcile->base.loop;

	reconcile->stops = true;
	reconcile->signo = signo;
	if (reconcile->metrics.in_round)
		tmf_loop_timer_arm(loop, &reconcile->again, tmf_loop_mono_ms(loop) + AGAIN_MS);
	else
		tmf_loop_stop(loop);
}

static void
reconcile_raise_again(struct tmf_timer *timer)
{
	const struct reconcile *reconcile =
	    (struct reconcile *)((char *)timer - offsetof(struct reconcile, again));

	(void)raise(reconcile->signo);
}

static void
reconcile_asked_live(void *arg, int signo)
{
	const struct reconcile *reconcile = arg;

	(void)signo;
	cli_print(stderr, "tmflow: reconcile: waiting for the next round, %llu so far\n",
	    (unsigned long long)reconcile->rounds);
}

static void
reconcile_due(struct tmf_timer *timer)
{
	struct reconcile *reconcile =
	    (struct reconcile *)((char *)timer - offsetof(struct reconcile, next));

	tmf_loop_stop(reconcile->base.loop);
}

static void
reconcile_remove_old(struct reconcile *reconcile)
{
	const struct retention_opts what = {
	    .age_ms = reconcile->retention_ms, .state = -1, .max = RETENTION_ALL, .commits = true};
	struct retention_result result;
	struct tmf_err err = {0};

	if (reconcile->retention_ms < 0)
		return;
	if (retention_apply(reconcile->store, &what, &result, &err) < 0)
		log_event(LOG_WARN, "reconcile.retention", LOG_STR("cause", tmf_err_text(&err)));
	tmf_err_fini(&err);
}

/* The signals are this process's own again: a round has taken them for its run. */
static int
reconcile_watch_signals(struct reconcile *reconcile, struct tmf_err *err)
{
	struct tmf_loop *loop = reconcile->base.loop;

	return cli_signals_watch(loop, reconcile_signal, reconcile, err) < 0
		   ? -1
		   : cli_signals_watch_live(loop, reconcile_asked_live, reconcile, err);
}

static int
reconcile_wait(struct reconcile *reconcile, int64_t start_mono_ms, struct tmf_err *err)
{
	struct tmf_loop *loop = reconcile->base.loop;
	const struct rounds_next next = {start_mono_ms, reconcile->every_ms, &reconcile->base.rng};
	int ret;

	rounds_arm(loop, &reconcile->next, &next, &reconcile->metrics);
	ret = tmf_loop_run(loop, err);
	tmf_loop_timer_disarm(loop, &reconcile->next);
	return ret;
}

/* --- a round --- */

static int
reconcile_run_one(struct reconcile *reconcile)
{
	struct session session;
	int code;

	session_init_part(&session, &reconcile->opts, &reconcile->base, NULL);
	session.borrows_store = false;
	session.reads_scripts = true;
	code = new_run(&session);
	session_fini(&session);
	return code;
}

/* Of several places each takes its turn when it is begun: there may be thousands, of which a few
 * hundred are under way at a time. Which they are is looked up again, since a file of accounts
 * or an organization may have changed. */
static int
reconcile_round(struct reconcile *reconcile)
{
	struct places places = {0};
	struct turns turns = {0};
	struct tmf_err err = {0};
	int code;

	if (places_are_several(&reconcile->opts))
		return parts_run(&reconcile->opts, &reconcile->base, reconcile->own_account);
	code = places_of(&reconcile->opts, &places);
	if (code != EXIT_OK)
		return code;
	if (turns_take(&turns, reconcile->store, &places, &reconcile->base, reconcile->own_account,
		&err) < 0)
		code = cli_fail_take(reconcile->opts.output, &err);
	else if (reconcile->stops) /* the signal came while STS was asked */
		code = EXIT_OK;
	else
		code = reconcile_run_one(reconcile);
	turns_release(&turns);
	places_fini(&places);
	return code;
}

/*
 * A round that another process keeps from running has not failed: that one does its work. What is
 * wrong before the first round has begun is the operator's to see, and ends the process; later a
 * file that is being edited, or keys that are renewed, must not.
 */
static bool
reconcile_judge(struct reconcile *reconcile, int code, int64_t ms)
{
	struct reconcile_metrics *metrics = &reconcile->metrics;
	bool failed = code != EXIT_OK && code != EXIT_SOME_FAILED && code != EXIT_HELD;
	enum round_result result = code == EXIT_HELD ? ROUND_HELD
				   : failed	     ? ROUND_FAILED
						     : ROUND_SUCCEEDED;

	log_event(failed ? LOG_WARN : LOG_INFO, "reconcile.round", LOG_INT("code", code),
	    LOG_INT("round", (int64_t)reconcile->rounds));
	if (code == EXIT_INTERRUPTED || reconcile->stops ||
	    (code == EXIT_INVALID && reconcile->rounds == 1))
		return false;
	metrics->failures = failed ? metrics->failures + 1 : 0;
	reconcile_metrics_round(metrics, result, ms);
	reconcile_metrics_log(metrics);
	reconcile->health.failing = failed;
	return true;
}

/* Returns the exit code: that of an interrupted round, or EXIT_OK when a signal came between. */
static int
reconcile_rounds(struct reconcile *reconcile)
{
	struct tmf_err err = {0};
	int code = EXIT_OK;

	if (reconcile_watch_signals(reconcile, &err) < 0)
		return cli_fail_take(reconcile->opts.output, &err);
	while (!reconcile->stops) {
		int64_t start_ms = tmf_loop_mono_ms(reconcile->base.loop);

		reconcile->rounds++;
		reconcile->metrics.in_round = true;
		reconcile->metrics.next_wall_ms = 0;
		code = reconcile_round(reconcile);
		reconcile->metrics.in_round = false;
		tmf_loop_timer_disarm(reconcile->base.loop, &reconcile->again);
		if (reconcile_watch_signals(reconcile, &err) < 0)
			return cli_fail_take(reconcile->opts.output, &err);
		if (!reconcile_judge(
			reconcile, code, tmf_loop_mono_ms(reconcile->base.loop) - start_ms))
			return code;
		fflush(stdout);
		reconcile_remove_old(reconcile);
		if (reconcile_wait(reconcile, start_ms, &err) < 0)
			return cli_fail_take(reconcile->opts.output, &err);
	}
	return EXIT_OK;
}

/* --- the numbers --- */

static int
reconcile_numbers_write(void *arg, struct buf *out, struct tmf_err *err)
{
	struct reconcile *reconcile = arg;

	return reconcile_metrics_write(&reconcile->metrics, out, err);
}

static bool
reconcile_is_healthy(void *arg)
{
	const struct reconcile *reconcile = arg;

	return !reconcile->health.failing && !reconcile->stops;
}

/* Within a round, too: its run is on this loop. */
static int
reconcile_numbers_start(struct reconcile *reconcile)
{
	struct tmf_err err = {0};

	reconcile->metrics.kept.store = reconcile->store;
	reconcile->metrics.kept.loop = reconcile->base.loop;
	reconcile->metrics.start_wall_ms = clock_system()->wall_ms(clock_system());
	if (reconcile->opts.metrics_listen == NULL)
		return EXIT_OK;
	reconcile->server = metrics_server_start(
	    &(struct metrics_server_opts){
		.loop = reconcile->base.loop,
		.address = reconcile->opts.metrics_listen,
		.write = reconcile_numbers_write,
		.is_healthy = reconcile_is_healthy,
		.arg = reconcile,
	    },
	    &err);
	if (reconcile->server == NULL) {
		tmf_err_prefix(&err, "--metrics-listen");
		return cli_fail_take(reconcile->opts.output, &err);
	}
	cli_print(stderr, "tmflow: metrics at %s\n", metrics_server_url(reconcile->server));
	return EXIT_OK;
}

/* --- the process --- */

static int
reconcile_read_options(struct reconcile *reconcile, struct tmf_err *err)
{
	const struct cli_opts *opts = &reconcile->opts;
	const char *retention =
	    opts->retention != NULL ? opts->retention : getenv("TMFLOW_RETENTION");

	if (opts->every == NULL)
		return tmf_err_set(
		    err, TMF_ERR_INVALID, "missing period: give --every 15m, or another");
	if (rounds_parse("--every", opts->every, &reconcile->every_ms, err) < 0)
		return -1;
	if (record_check_prune_limit(opts->prune_limit, err) < 0)
		return -1;
	return retention == NULL || retention[0] == '\0'
		   ? 0
		   : cli_age_parse("--retention", retention, &reconcile->retention_ms, err);
}

/* With the first region of the options, as the base of a run over several places: its keys assume
 * the roles. */
static int
reconcile_open(struct reconcile *reconcile, struct cli_opts *base_opts)
{
	struct places places = {0};
	int code = places_of(&reconcile->opts, &places);
	char *region;

	if (code != EXIT_OK)
		return code;
	region = places_first_region(&reconcile->opts, &places);
	base_opts->region = region;
	code = workspace_load_settings(&reconcile->base, NULL);
	if (code == EXIT_OK)
		code = workspace_connect(&reconcile->base);
	base_opts->region = NULL;
	free(region);
	places_fini(&places);
	if (code == EXIT_OK)
		reconcile->store = record_open_store(&reconcile->opts, &code);
	return code;
}

int
cmd_reconcile(const struct cli_opts *opts)
{
	struct reconcile reconcile = {.opts = *opts,
	    .retention_ms = -1,
	    .next.fire = reconcile_due,
	    .again.fire = reconcile_raise_again};
	struct cli_opts base_opts = *opts;
	struct tmf_err err = {0};
	int code;

	if (reconcile_read_options(&reconcile, &err) < 0)
		return cli_fail_take(opts->output, &err);
	cli_forbid_privileges();
	reconcile.args[0] = opts->arg_count > 0 ? opts->args[0] : (char[]){DEFAULT_WORKFLOW};
	reconcile.opts.args = reconcile.args;
	reconcile.opts.arg_count = 1;
	reconcile.opts.quiet = true;
	base_opts.region = NULL;
	base_opts.assume_role = NULL;
	workspace_init(&reconcile.base, &base_opts);
	code = reconcile_open(&reconcile, &base_opts);
	if (code == EXIT_OK)
		code = reconcile_numbers_start(&reconcile);
	if (code == EXIT_OK) {
		health_start(&reconcile.health, reconcile.base.loop, opts->health_file);
		code = reconcile_rounds(&reconcile);
		health_stop(&reconcile.health);
	}
	metrics_server_stop(reconcile.server);
	reconcile_metrics_fini(&reconcile.metrics);
	store_close(reconcile.store);
	workspace_fini(&reconcile.base);
	return code;
}
