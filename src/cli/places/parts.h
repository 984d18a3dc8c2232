#ifndef TMFLOW_CLI_PLACES_PARTS_H
#define TMFLOW_CLI_PLACES_PARTS_H

#include "base/diag.h"
#include "cli/options.h"
#include "store/store.h"

#include <stdio.h>

/*
 * One run over several accounts and regions. Each pair of them is a part: a run of its own in the
 * store (its id is the whole's, account and region), with keys, pacer, configuration and failures
 * of its own; what goes wrong in one stops no other. All parts run at once on one loop.
 */

#define PARTS_MAX                                                                                  \
	200 /* each holds a page of instances in memory, some 4 MiB with what belongs to it */

/* One account and region. Strings are owned. */
struct place {
	char *account;	   /* NULL: whatever account the keys are of */
	char *region;	   /* NULL: the one that the environment names */
	char *assume_role; /* ARN, or NULL */
	char *external_id; /* or NULL */
};

struct places {
	struct place *at;
	size_t count;
};

/* Frees the places and their strings. */
void places_fini(struct places *places);

/* True if the options ask for more than one place. */
bool places_are_several(const struct cli_opts *opts);

/*
 * Which ones, from --region, --account and --assume-role, or from the file of --accounts; region
 * is NULL where none is named. Returns 0, or says why and gives the exit code.
 */
int places_of(const struct cli_opts *opts, struct places *ret_places);

/*
 * Adds those of a file of --accounts to places.
 * Errors: faults of the file are added to diags, and *err is left alone then; TMF_ERR_INVALID,
 * TMF_ERR_LIMIT. places is the caller's to free in any case.
 */
int places_of_doc(const struct doc *doc, const struct cli_opts *opts, struct diag_list *diags,
    struct places *places, struct tmf_err *err);

/* True if the run has parts. */
bool parts_belong_to(const struct store_run *run);

/*
 * The subcommands' work where there are parts. Return the exit code. run, store and their lease
 * are the caller's.
 */
int parts_run(const struct cli_opts *opts);
int parts_resume(const struct cli_opts *opts, struct store *store, struct store_run *run);
int parts_show(const struct cli_opts *opts, struct store *store, const struct store_run *run);

/*
 * Reports how it stands or ended: the closing document with a member "parts", or a table and what
 * to do next. shown: by `show`, whose document has a last member "calls" too. Returns the exit
 * code, or -1 with *err.
 */
int parts_tell(const struct cli_opts *opts, struct store *store, const struct store_run *run,
    bool shown, struct tmf_err *err);

/* The whole's status and, where all parts failed, why. */
int parts_sum_up(struct store *store, struct store_run *run, struct tmf_err *err);

#endif
