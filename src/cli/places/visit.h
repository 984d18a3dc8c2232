#ifndef TMFLOW_CLI_PLACES_VISIT_H
#define TMFLOW_CLI_PLACES_VISIT_H

#include "cli/places/places.h"
#include "cli/workspace/workspace.h"

/*
 * Asking something in several accounts and regions: a workspace for each, on one loop and network,
 * a few at a time. What goes wrong in one place stops no other.
 */

/* Each holds what its quotas bound: some 20 MiB at most. */
#define VISIT_AT_ONCE 8

/* One place under way. */
struct visit_place {
	const struct place *place;
	struct workspace workspace; /* with settings, clients and, where there is one, a mirror */
	void *work;		    /* the caller's */

	/* private to visit.c */
	struct visit *visit;
	struct cli_opts opts;
	char *config;
	struct store *store;
	struct tmf_call *call;
	bool ready;
};

struct visit_opts {
	const struct cli_opts *opts;
	bool needs_config; /* else a place without --config and config/REGION.yaml has no mirror */
	/* New call that asks the place. NULL with *err. */
	struct tmf_call *(*start)(void *arg, struct visit_place *place, struct tmf_err *err);
	/* It is over: result, or NULL with *err set (may be moved out). What hangs on work may be
	 * freed; the workspace lives until the end of the visit. */
	void (*done)(
	    void *arg, struct visit_place *place, const json_t *result, struct tmf_err *err);
	void *arg;
};

/*
 * Visits all places that the options name. All files are read and checked before the first one is
 * asked. Returns: EXIT_OK once each had its done, else says why and gives the exit code.
 */
int visit_places(const struct visit_opts *opts);

/* The account that the place is named with, or NULL. Borrows. */
const char *visit_account(const struct visit_place *place);

/* {account: true} of all places that are visited. Borrows. */
const json_t *visit_accounts(const struct visit_place *place);

#endif
