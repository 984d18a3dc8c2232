#include "jobs_fixture.h"

#include "base/clock.h"
#include "mirror/actions/actions.h"

#include <stdio.h>
#include <stdlib.h>

#define WORKFLOW SERVE_TEST_DIR "/workflow.yaml"
#define RUN_ID	 "fuzz"
#define WALL_MS	 1768478400000 /* 2026-01-15T12:00:00Z */

static void
give_keys(struct credentials_provider *provider, credentials_done_fn *done, void *arg)
{
	struct credentials keys = {.access_key_id = "AKIDEXAMPLE", .expires_wall_ms = INT64_MAX};

	(void)provider;
	secret_set(&keys.secret_access_key, "example");
	done(arg, &keys, NULL);
	credentials_fini(&keys);
}

static int
count_turn(void *arg, struct tmf_err *err)
{
	struct jobs_fixture *f = arg;

	(void)err;
	if (++f->turns > JOBS_FIXTURE_TURNS_MAX)
		tmf_loop_stop(f->loop);
	return 0;
}

void
jobs_fixture_init(struct jobs_fixture *f)
{
	struct store_run run = {.workflow_name = (char *)"fuzz"};
	struct tmf_err err = {0};

	*f = (struct jobs_fixture){
	    .routes = {.on_launch = WORKFLOW, .on_guardduty = WORKFLOW},
	    .keys = {.get = give_keys},
	};
	fake_clock_init(&f->clock, WALL_MS);
	f->loop = tmf_loop_new(&f->clock.clock);
	rng_seed(&f->rng, 1);
	f->store = store_open(NULL, &f->clock.clock, &err);
	snprintf(run.id, sizeof(run.id), "%s", RUN_ID);
	if (f->store == NULL || store_run_create(f->store, &run, &err) < 0)
		abort();
	f->registry = tmf_registry_new();
	actions_register(f->registry, NULL);
	f->jobs = jobs_new(&(struct jobs_opts){.loop = f->loop,
			       .rng = &f->rng,
			       .registry = f->registry,
			       .store = f->store,
			       .run_id = RUN_ID,
			       .workflows_dir = SERVE_TEST_DIR},
	    &err);
	if (f->jobs == NULL)
		abort();
	tmf_loop_add_turn_hook(f->loop, count_turn, f);
}

void
jobs_fixture_begin(struct jobs_fixture *f, const struct scripted_opts *opts, const char *service)
{
	struct scripted_opts filled = *opts;
	struct tmf_err err = {0};

	filled.loop = f->loop;
	f->scripted = scripted_transport_new(&filled);
	f->client = aws_client_new(
	    &(struct aws_client_opts){
		.loop = f->loop,
		.transport = scripted_transport_http(f->scripted),
		.credentials = &f->keys,
		.rng = &f->rng,
		.service = service,
		.region = "us-east-1",
	    },
	    &err);
	if (f->client == NULL)
		abort();
}

bool
jobs_fixture_run(struct jobs_fixture *f)
{
	struct tmf_err err = {0};

	f->turns = 0;
	if (tmf_loop_run(f->loop, &err) < 0)
		abort();
	return f->turns <= JOBS_FIXTURE_TURNS_MAX;
}

void
jobs_fixture_end(struct jobs_fixture *f)
{
	aws_client_free(f->client);
	scripted_transport_free(f->scripted);
}

void
jobs_fixture_fini(struct jobs_fixture *f)
{
	jobs_free(f->jobs);
	tmf_registry_free(f->registry);
	store_close(f->store);
	tmf_loop_free(f->loop);
}
