#ifndef TMFLOW_TESTS_JOBS_FIXTURE_H
#define TMFLOW_TESTS_JOBS_FIXTURE_H

#include "aws/client.h"
#include "base/clock.h"
#include "scripted_transport.h"
#include "serve/events.h"

/* Jobs without configuration and account, on a fake clock; and clients over a scripted
 * transport. */

#define JOBS_FIXTURE_TURNS_MAX 5000u /* a workflow may go round for ever */

struct jobs_fixture {
	struct fake_clock clock;
	struct tmf_loop *loop;
	struct rng rng;
	struct store *store;
	struct tmf_registry *registry;
	struct jobs *jobs;
	struct event_routes routes;
	struct credentials_provider keys;
	struct scripted_transport *scripted;
	struct aws_client *client;
	unsigned turns;
};

/* What lasts. Aborts on failure, as all here. */
void jobs_fixture_init(struct jobs_fixture *f);

/* For one try: the transport, and a client of service. opts: loop is filled in. */
void
jobs_fixture_begin(struct jobs_fixture *f, const struct scripted_opts *opts, const char *service);

/* Runs the loop until it has nothing to do, is stopped, or has gone round too often: false then. */
bool jobs_fixture_run(struct jobs_fixture *f);
void jobs_fixture_end(struct jobs_fixture *f);

/* Frees what lasts. */
void jobs_fixture_fini(struct jobs_fixture *f);

#endif
