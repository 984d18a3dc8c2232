#ifndef TMFLOW_CLI_RUN_SESSION_H
#define TMFLOW_CLI_RUN_SESSION_H

#include "cli/report/progress.h"
#include "cli/run/mocks.h"
#include "cli/run/pace.h"
#include "cli/run/steps.h"
#include "cli/workspace/workspace.h"
#include "engine/engine.h"

/*
 * One run in this process, from its recorded texts to its closing document: what `run` and
 * `resume` share.
 * Life: session_init, run filled in (from files or from the store), session_load_workflow, the
 * workspace made ready where the workflow needs AWS, store and lease, session_execute,
 * session_fini.
 */
struct session {
	const struct cli_opts *opts;
	struct workspace workspace;
	struct store_run run; /* owned */

	bool reads_scripts;	/* a new run: from their files; else from its record */
	struct doc *definition; /* session_read_workflow's; NULL: parsed from the record */

	/* session_load_workflow */
	json_t *scripts; /* the workflow's Lua files, see scripts.h */
	json_t *mock;	 /* the test case of --mock, see mocks.h; NULL: none */
	char *name;	 /* of the workflow: its file without folder and ending */
	struct asl_machine *machine;
	json_t *input;
	bool needs_aws;
	enum asl_s3 asks_s3; /* where it needs nothing else of AWS, too */
	char *spool;	     /* of the store; NULL: the workflow writes nothing to S3 */

	/* the caller */
	struct store *store;
	bool borrows_store;
	struct store_lease *lease;

	/* session_execute */
	struct mocks mocks;
	struct engine *engine;
	struct execution *execution;
	struct progress progress;
	struct pace pace;
	struct steps steps;
	bool history;		   /* events are kept */
	struct tmf_err fault;	   /* why one could not be */
	int signals;		   /* caught so far */
	struct tmf_call *settling; /* the execution is over; the domain puts its affairs in order */
	bool over;
};

/* Borrows opts while the session lives. */
void session_init(struct session *session, const struct cli_opts *opts);

/* A part of a larger run: on the loop and network of other, in store (borrowed). */
void session_init_part(struct session *session, const struct cli_opts *opts,
    const struct workspace *other, struct store *store);

/* Frees what it holds, in any state that it is in. */
void session_fini(struct session *session);

/*
 * Compiles the run's definition; afterwards needs_aws and asks_s3 are known.
 * Returns 0, or says why and gives the exit code.
 */
int session_load_workflow(struct session *session);

/*
 * Reads the workflow's file and the input into the run's record. Returns 0, or says why and gives
 * the exit code.
 */
int session_read_workflow(struct session *session);

/*
 * Settings and keys of a run that asks S3 and needs nothing else of AWS; recorded: of its record,
 * or NULL for a new one, whose record they are noted in.
 */
int session_connect_objects(struct session *session, const char *recorded);

/* Copies what the workspace has read into the record. */
void session_record_files(struct session *session);

/*
 * Takes configuration and hook from the record, as they were at the start, and checks them; the
 * workflow needs AWS. Returns as above.
 */
int session_restore_files(struct session *session);

/* How a run begins in this process. */
enum session_way {
	SESSION_START,	  /* at its first state */
	SESSION_CONTINUE, /* from its checkpoint: a resume, or a redrive where it had failed */
	/* The same, but at its first state where the run has no checkpoint: it failed, or was
	 * stopped, before it began. */
	SESSION_CONTINUE_OR_START,
};

/* Puts domain, engine and execution together: the loop then runs it. */
int session_open(struct session *session, enum session_way way, struct tmf_err *err);

/* Reads the run's checkpoint as a resume would, and changes nothing. Errors: execution_resume's. */
int session_check(struct session *session, struct tmf_err *err);

/* Prints to stderr what the run is doing, a line for each live branch. */
void session_print_live(const struct session *session);

/* Lets what is under way come to an end that can be resumed from. */
void session_interrupt(struct session *session);

/* After the loop: writes how the run ended, or that it was interrupted. */
int session_close(struct session *session, struct tmf_err *err);

/* Runs it and prints how it ended. Returns the exit code. */
int session_execute(struct session *session, enum session_way way);

#endif
