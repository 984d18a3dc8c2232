#ifndef TMFLOW_CLI_SESSION_H
#define TMFLOW_CLI_SESSION_H

#include "cli.h"
#include "progress.h"
#include "tmflow/aws/credentials.h"
#include "tmflow/base/rng.h"
#include "tmflow/engine/engine.h"
#include "tmflow/loop/http.h"
#include "tmflow/mirror/config.h"

/*
 * One run in this process, from its recorded texts to its closing document: what `run` and `resume` share.
 * Life: zeroed, run filled in (from files or from the store), session_load, session_begin, session_execute, session_fini.
 */
struct session {
	const struct cli_opts *opts;
	struct store_run run; /* owned */
	struct rng rng;

	/* session_load */
	char *name; /* of the workflow: its file without folder and ending */
	struct action_registry *registry;
	struct asl_machine *machine;
	json_t *input;
	bool needs_aws;
	struct aws_settings settings;
	struct credentials_provider *credentials;
	struct mirror_config *config;

	/* session_begin */
	struct store *store;
	struct store_lease *lease;

	/* session_execute */
	struct loop *loop;
	struct http_transport *transport;
	struct aws_client *ec2;
	struct mirror *mirror;
	struct engine *engine;
	struct execution *execution;
	struct progress progress;
	json_t *path; /* names of the top-level states entered, with --history */
	int signals;  /* caught so far */
	bool over;
};

void session_init(struct session *session, const struct cli_opts *opts);
void session_fini(struct session *session);

/* Compiles the run's definition; afterwards needs_aws is known. Returns 0, or says why and gives the exit code. */
int session_load_workflow(struct session *session);

/* Where AWS is needed: region, end point and profile from flags, then the run's record, then the environment. */
int session_load_settings(struct session *session);

/* Checks the run's configuration. */
int session_load_config(struct session *session);

/* Without keys nothing is started: looks for them last, when all else is in order. */
int session_find_credentials(struct session *session);

/* Runs it (from the start, or from its checkpoints) and prints how it ended. Returns the exit code. */
int session_execute(struct session *session, bool resume);

#endif
