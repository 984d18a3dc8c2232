#include "cli/places/tour.h"
#include "cli/places/organization.h"
#include "cli/places/places.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/report/progress.h"

#include <assert.h>
#include <stdlib.h>

struct tour {
	const struct tour_opts *opts;
	struct cli_opts base_opts;
	char *base_region;
	struct workspace base; /* whose keys assume the roles; owns loop and network */
	struct places places;
	json_t *accounts;
	struct store *own_store; /* where the asker has none */
	size_t next;		 /* place to be opened */
	size_t open;		 /* stops under way */
	size_t over;
	struct progress progress;
	struct tour_stop stops[TOUR_AT_ONCE_MAX];
	int code; /* of what ends it */
};

static void tour_go_on(struct tour *tour);

static void
tour_stop_fini(struct tour_stop *stop)
{
	tmf_call_cancel(stop->call);
	workspace_fini(&stop->workspace);
	free(stop->config);
	*stop = (struct tour_stop){.open = false};
}

/* A place whose keys are refused is answered with that, and the tour goes on. */
static void
tour_stop_over(struct tour_stop *stop, const json_t *result, struct tmf_err *err)
{
	struct tour *tour = stop->tour;

	assert((result == NULL) == tmf_err_isset(err));
	if (tour->opts->answered(tour->opts->arg, stop, result, err) < 0 && tour->code == EXIT_OK)
		tour->code = cli_fail(tour->opts->opts->output, err);
	tmf_err_fini(err);
	tour_stop_fini(stop);
	/* What is kept of a place, as its groups, lies between what was its pages: the rest of
	 * these would stay with the process. */
	mem_trim();
	tour->open--;
	tour->over++;
	assert(tour->over + tour->open == tour->next);
}

/* The stop is free before the next place begins: both may use the same one. */
static void
tour_answered(void *arg, struct tmf_call *call)
{
	struct tour_stop *stop = arg;
	struct tour *tour = stop->tour;
	json_t *result = tmf_call_take_result(call);
	struct tmf_err err = {0};

	assert(stop->open && stop->call == call);
	stop->call = NULL;
	if (result == NULL)
		tmf_err_move(&err, &call->err);
	tour_stop_over(stop, result, &err);
	json_decref(result);
	tour_go_on(tour);
}

/* Files are read and checked first: what is wrong with them is not of the place alone. */
static int
tour_stop_open(struct tour_stop *stop, struct tmf_err *err)
{
	const struct tour *tour = stop->tour;
	const struct cli_opts *opts = tour->opts->opts;
	struct workspace *workspace = &stop->workspace;
	int code;

	stop->opts = *opts;
	stop->opts.region = stop->place->region;
	stop->opts.assume_role = stop->place->assume_role;
	stop->opts.external_id = stop->place->external_id;
	stop->config = arn_fill_in(opts->config, stop->place->account, stop->place->region);
	stop->opts.config = stop->config;
	workspace_init_beside(workspace, &stop->opts, &tour->base);
	code = workspace_load_settings(workspace, NULL);
	if (code == EXIT_OK && (tour->opts->needs_config || workspace_has_config(workspace)))
		code = workspace_read_files(workspace);
	if (code != EXIT_OK)
		return code;
	if (workspace_open_client(workspace, err) < 0 || workspace->config == NULL)
		return EXIT_OK;
	workspace_open_accounts(
	    workspace, &(struct accounts_opts){
			   .store = tour->own_store != NULL ? tour->own_store : tour->opts->store,
			   .owner = "",
			   .dry_run = true,
		       });
	workspace_make_mirror(
	    workspace, &(struct mirror_opts){.run_id = "", .workflow = "tour"}, err);
	return EXIT_OK;
}

/* A fault before the first call is a place's result, too, where the command says so; else it ends
 * the tour, since the next place would most likely have it as well. */
static void
tour_begin_stop(struct tour *tour, struct tour_stop *stop)
{
	struct tmf_err err = {0};
	int code;

	*stop = (struct tour_stop){
	    .place = &tour->places.at[tour->next], .at = tour->next, .tour = tour, .open = true};
	tour->next++;
	tour->open++;
	code = tour_stop_open(stop, &err);
	if (code != EXIT_OK && tour->opts->faults_are_answers) {
		code = EXIT_OK;
		tmf_err_set(&err, TMF_ERR_INVALID, "settings or files cannot be used");
	}
	if (code == EXIT_OK && !tmf_err_isset(&err) && stop->place->fault != NULL)
		tmf_err_copy(&err, stop->place->fault);
	if (code != EXIT_OK) {
		tour->code = code;
		tour_stop_fini(stop);
		tour->open--;
	} else if (tmf_err_isset(&err)) {
		tour_stop_over(stop, NULL, &err);
	} else {
		stop->call = tour->opts->ask(tour->opts->arg, stop);
		tmf_call_on_done(stop->call, tour_answered, stop);
	}
}

/* Fills the free stops with places; the loop ends when there is nothing left. */
static void
tour_go_on(struct tour *tour)
{
	for (size_t i = 0; i < TOUR_AT_ONCE_MAX; i++)
		while (!tour->stops[i].open && tour->next < tour->places.count &&
		       tour->code == EXIT_OK)
			tour_begin_stop(tour, &tour->stops[i]);
	if (tour->open == 0 || tour->code != EXIT_OK)
		tmf_loop_stop(tour->base.loop);
}

/* What is asked of a fleet needs no memory of its own, and leaves none. */
static int
tour_open_store(struct tour *tour)
{
	struct tmf_err err = {0};

	if (tour->opts->store != NULL)
		return EXIT_OK;
	tour->own_store = store_open(NULL, clock_system(), &err);
	return tour->own_store != NULL ? EXIT_OK : cli_fail_take(tour->opts->opts->output, &err);
}

/* The base needs a region to assume the roles with: any of them serves. */
static int
tour_open_base(struct tour *tour)
{
	struct places *places = &tour->places;
	int code;

	tour->base_opts = *tour->opts->opts;
	tour->base_opts.assume_role = NULL;
	tour->base_region = places_first_region(tour->opts->opts, places);
	tour->base_opts.region = tour->base_region;
	workspace_init(&tour->base, &tour->base_opts);
	code = workspace_load_settings(&tour->base, NULL);
	for (size_t i = 0; i < places->count && code == EXIT_OK; i++)
		if (places->at[i].region == NULL)
			places->at[i].region = mem_strdup(tour->base.settings.region);
	return code == EXIT_OK ? workspace_connect(&tour->base) : code;
}

/* What only AWS knows of the places: the keys that list an organization are the base's, and the
 * roles in its accounts are assumed with the same. */
static int
tour_list(struct tour *tour)
{
	const struct cli_opts *opts = tour->opts->opts;
	struct tmf_err err = {0};

	return opts->organization && organization_list(opts, &tour->base, &tour->places, &err) < 0
		   ? cli_fail_take(opts->output, &err)
		   : EXIT_OK;
}

static void
tour_add_up(void *arg, struct progress_sum *ret_sum)
{
	const struct tour *tour = arg;

	*ret_sum = (struct progress_sum){.parts_noun = "accounts and regions",
	    .parts = tour->places.count,
	    .parts_over = tour->over};
}

/* What is under way where the tour ends early: its call goes before what it works on. */
static void
tour_end_stop(struct tour *tour, struct tour_stop *stop)
{
	struct tmf_err err = {0};

	tmf_call_cancel(stop->call);
	stop->call = NULL;
	tmf_err_set(&err, TMF_ERR_INVALID, "ended before");
	(void)tour->opts->answered(tour->opts->arg, stop, NULL, &err);
	tmf_err_fini(&err);
	tour_stop_fini(stop);
}

/* Progress is for several places: one answers within seconds, or fails. */
static int
tour_ask_all(struct tour *tour)
{
	struct tmf_err err = {0};

	for (size_t i = 0; i < tour->places.count; i++)
		if (tour->places.at[i].account != NULL)
			json_object_set_new(
			    tour->accounts, tour->places.at[i].account, json_true());
	tour->progress =
	    (struct progress){.loop = tour->base.loop, .add_up = tour_add_up, .arg = tour};
	if (!tour->opts->opts->quiet && tour->places.count > 1)
		progress_start(&tour->progress);
	tour_go_on(tour);
	if (tour->open > 0 && tour->code == EXIT_OK && tmf_loop_run(tour->base.loop, &err) < 0)
		tour->code = cli_fail_take(tour->opts->opts->output, &err);
	progress_stop(&tour->progress);
	return tour->code;
}

/* Stops that are still open when the tour ends get their result before the base goes, whose loop
 * and network they use. */
int
tour_run(const struct tour_opts *opts)
{
	struct tour *tour = mem_zalloc(1, sizeof(*tour));
	int code = places_of(opts->opts, &tour->places);

	tour->opts = opts;
	if (code != EXIT_OK) {
		free(tour);
		return code;
	}
	tour->accounts = json_object();
	code = tour_open_base(tour);
	if (code == EXIT_OK)
		code = tour_list(tour);
	if (code == EXIT_OK)
		code = tour_open_store(tour);
	if (code == EXIT_OK)
		code = tour_ask_all(tour);
	for (size_t i = 0; i < TOUR_AT_ONCE_MAX; i++)
		if (tour->stops[i].open)
			tour_end_stop(tour, &tour->stops[i]);
	workspace_fini(&tour->base);
	store_close(tour->own_store);
	json_decref(tour->accounts);
	places_fini(&tour->places);
	free(tour->base_region);
	free(tour);
	return code;
}

const json_t *
tour_accounts(const struct tour_stop *stop)
{
	return stop->tour->accounts;
}
