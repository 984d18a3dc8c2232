#ifndef TMFLOW_CLI_FLEET_FLEET_H
#define TMFLOW_CLI_FLEET_FLEET_H

#include "base/diag.h"
#include "cli/options.h"
#include "store/store.h"

#include <stdio.h>

/*
 * One run over several accounts and regions. Each pair of them is a part: a run of its own in the
 * store (its id is the whole's, account and region), with keys, pacer, configuration and failures
 * of its own; what goes wrong in one stops no other. All parts run at once on one loop.
 */

#define FLEET_PARTS_MAX                                                                            \
	200 /* each holds a page of instances in memory, some 4 MiB with what belongs to it */

/* One account and region. Strings are owned. */
struct fleet_place {
	char *account;	   /* NULL: whatever account the keys are of */
	char *region;	   /* NULL: the one that the environment names */
	char *assume_role; /* ARN, or NULL */
	char *external_id; /* or NULL */
};

struct fleet_places {
	struct fleet_place *at;
	size_t count;
};

/* Frees the places and their strings. */
void fleet_places_fini(struct fleet_places *places);

/* True if the options ask for more than one place. */
bool fleet_is_wanted(const struct cli_opts *opts);

/*
 * Which ones, from --region, --account and --assume-role, or from the file of --accounts; region
 * is NULL where none is named. Returns 0, or says why and gives the exit code.
 */
int fleet_places_of(const struct cli_opts *opts, struct fleet_places *ret_places);

/*
 * Adds those of a file of --accounts to places.
 * Errors: faults of the file are added to diags, and *err is left alone then; TMF_ERR_INVALID,
 * TMF_ERR_LIMIT. places is the caller's to free in any case.
 */
int fleet_places_of_doc(const struct doc *doc, const struct cli_opts *opts, struct diag_list *diags,
    struct fleet_places *places, struct tmf_err *err);

/* True if the run has parts. */
bool fleet_is_one(const struct store_run *run);

/*
 * The subcommands' work where there are parts. Return the exit code. run, store and their lease
 * are the caller's.
 */
int fleet_run(const struct cli_opts *opts);
int fleet_resume(const struct cli_opts *opts, struct store *store, struct store_run *run);
int fleet_show(const struct cli_opts *opts, struct store *store, const struct store_run *run);

/*
 * Reports how it stands or ended: the closing document with a member "parts", or a table and what
 * to do next. shown: by `show`, whose document has a last member "calls" too. Returns the exit
 * code, or -1 with *err.
 */
int fleet_tell(const struct cli_opts *opts, struct store *store, const struct store_run *run,
    bool shown, struct tmf_err *err);

/* The whole's status and, where all parts failed, why. */
int fleet_sum_up(struct store *store, struct store_run *run, struct tmf_err *err);

#endif
