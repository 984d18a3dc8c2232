#include "cli/places/visit.h"

#include "aws/arn.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

struct visit {
	const struct visit_opts *opts;
	struct workspace base; /* owns loop and network */
	struct visit_place *at;
	size_t count;
	size_t next; /* to be started */
	size_t open; /* under way */
	json_t *accounts;
};

static void visit_go_on(struct visit *visit);

/* Places go before the base, whose loop and transport they borrow. */
static void
visit_fini(struct visit *visit)
{
	for (size_t i = 0; i < visit->count; i++) {
		struct visit_place *place = &visit->at[i];

		tmf_call_cancel(place->call);
		if (place->ready)
			workspace_fini(&place->workspace);
		store_close(place->store);
		free(place->config);
	}
	free(visit->at);
	json_decref(visit->accounts);
	workspace_fini(&visit->base);
}

/* --config must be there; config/REGION.yaml may be. */
static int
visit_read_config(struct visit *visit, struct visit_place *place)
{
	char *path = workspace_config_path(&place->workspace);
	bool wanted = visit->opts->needs_config || place->opts.config != NULL ||
		      (path != NULL && access(path, R_OK) == 0);

	free(path);
	return wanted ? workspace_read_files(&place->workspace) : EXIT_OK;
}

/* The store is a temporary one: what is asked of a fleet needs no memory, and leaves none. The
 * accounts are those of a dry run, so that nothing is changed in AWS either. */
static int
visit_open_mirror(struct visit_place *place)
{
	struct tmf_err err = {0};

	if (place->workspace.config == NULL)
		return EXIT_OK;
	place->store = store_open(NULL, clock_system(), &err);
	if (place->store == NULL)
		return cli_fail_take(place->opts.output, &err);
	workspace_open_accounts(&place->workspace,
	    &(struct accounts_opts){.store = place->store, .owner = "", .dry_run = true});
	return workspace_open_mirror(
	    &place->workspace, &(struct mirror_opts){.run_id = "", .workflow = "visit"});
}

static int
visit_load(struct visit *visit, struct visit_place *place, const struct place *of)
{
	struct tmf_err err = {0};
	int code;

	assert(!place->ready && place->call == NULL);
	place->place = of;
	place->visit = visit;
	place->opts = *visit->opts->opts;
	place->opts.region = of->region;
	place->opts.assume_role = of->assume_role;
	place->opts.external_id = of->external_id;
	place->config = arn_fill_in(visit->opts->opts->config, of->account, of->region);
	place->opts.config = place->config;
	if (of->account != NULL)
		json_object_set_new(visit->accounts, of->account, json_true());
	workspace_init_beside(&place->workspace, &place->opts, &visit->base);
	place->ready = true;
	code = workspace_load_settings(&place->workspace, NULL);
	if (code == EXIT_OK)
		code = visit_read_config(visit, place);
	if (code == EXIT_OK && workspace_open_client(&place->workspace, &err) < 0)
		code = cli_fail_take(place->opts.output, &err);
	return code == EXIT_OK ? visit_open_mirror(place) : code;
}

/* --- asking --- */

static void
visit_over(struct visit_place *place, const json_t *result, struct tmf_err *err)
{
	struct visit *visit = place->visit;

	visit->opts->done(visit->opts->arg, place, result, err);
	tmf_err_fini(err);
}

static void
visit_place_done(void *arg, struct tmf_call *call)
{
	struct visit_place *place = arg;
	struct visit *visit = place->visit;
	json_t *result = tmf_call_take_result(call);

	assert(visit->open > 0 && place->call == call);
	place->call = NULL;
	visit->open--;
	visit_over(place, result, &call->err);
	json_decref(result);
	visit_go_on(visit);
}

static void
visit_go_on(struct visit *visit)
{
	while (visit->next < visit->count && visit->open < VISIT_AT_ONCE) {
		struct visit_place *place = &visit->at[visit->next++];
		struct tmf_err err = {0};

		place->call = visit->opts->start(visit->opts->arg, place, &err);
		if (place->call == NULL) {
			visit_over(place, NULL, &err);
			continue;
		}
		visit->open++;
		tmf_call_on_done(place->call, visit_place_done, place);
	}
	assert(visit->open <= VISIT_AT_ONCE);
	if (visit->open == 0)
		tmf_loop_stop(visit->base.loop);
}

static int
visit_run(struct visit *visit)
{
	struct tmf_err err = {0};

	visit_go_on(visit);
	if (visit->open > 0 && tmf_loop_run(visit->base.loop, &err) < 0)
		return cli_fail_take(visit->opts->opts->output, &err);
	return EXIT_OK;
}

int
visit_places(const struct visit_opts *opts)
{
	struct visit visit = {.opts = opts, .accounts = json_object()};
	struct cli_opts base_opts = *opts->opts;
	struct places places = {0};
	int code = places_of(opts->opts, &places);

	/* The region and role of the base are of no place: they are not even looked at. */
	base_opts.region = NULL;
	base_opts.assume_role = NULL;
	workspace_init(&visit.base, &base_opts);
	if (code == EXIT_OK)
		code = workspace_load_what_is_set(&visit.base);
	if (code == EXIT_OK) {
		visit.count = places.count;
		visit.at = mem_zalloc(places.count, sizeof(visit.at[0]));
	}
	for (size_t i = 0; code == EXIT_OK && i < places.count; i++)
		code = visit_load(&visit, &visit.at[i], &places.at[i]);
	if (code == EXIT_OK)
		code = visit_run(&visit);
	visit_fini(&visit);
	places_fini(&places);
	return code;
}

const char *
visit_account(const struct visit_place *place)
{
	return place->place->account;
}

const json_t *
visit_accounts(const struct visit_place *place)
{
	return place->visit->accounts;
}
