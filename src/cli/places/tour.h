#ifndef TMFLOW_CLI_PLACES_TOUR_H
#define TMFLOW_CLI_PLACES_TOUR_H

#include "cli/places/places.h"
#include "cli/workspace/workspace.h"

/*
 * A question that is asked in each of several accounts and regions, and changes nothing: each has
 * keys, client, configuration and mirror of its own, a few at a time on one loop. What goes wrong
 * in one stops no other.
 */

/* Each holds a page of instances in memory, 1.3 MiB with what belongs to it; one after another
 * would wait for the network. Of 4 at once 100,000 instances took 18.5 MiB, of 2 15.7. */
#define TOUR_AT_ONCE_MAX 2

/* A place while it is asked. */
struct tour_stop {
	const struct place *place;
	size_t at;		    /* of the place among all */
	struct workspace workspace; /* with its mirror */
	struct cli_opts opts;	    /* the command's, for this place */
	char *config;		    /* its path, filled in */
	void *state;		    /* the asker's */
	struct tour *tour;
	struct tmf_call *call; /* under way */
	bool open;
};

struct tour_opts {
	const struct cli_opts *opts;
	struct store
	    *store; /* borrowed: what AWS refused, and what was made. NULL: one that vanishes */
	bool needs_config; /* else a place without one has no mirror (workspace_has_config) */
	/* A place whose files are wrong is answered with an error as well, and ends nothing. */
	bool faults_are_answers;
	/* Starts the question at a place whose mirror is ready. */
	struct tmf_call *(*ask)(void *arg, struct tour_stop *stop);
	/* The answer, or NULL with *err: the place could not be opened, or its call failed. Also
	 * frees what ask set as the state. Returns 0, or -1 with *err, which ends the tour. */
	int (*answered)(
	    void *arg, struct tour_stop *stop, const json_t *result, struct tmf_err *err);
	void *arg;
};

/*
 * Asks in all places of the options: --region, --account and --assume-role, --accounts, or
 * --organization. A
 * configuration that is invalid ends it before it is asked there, unless faults are answers.
 * Returns EXIT_OK, or says why and returns the exit code. What failed at a place is answered's.
 */
int tour_run(const struct tour_opts *opts);

/* {account: true} of all places that are asked. Borrows. */
const json_t *tour_accounts(const struct tour_stop *stop);

#endif
