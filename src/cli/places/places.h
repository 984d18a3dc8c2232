#ifndef TMFLOW_CLI_PLACES_PLACES_H
#define TMFLOW_CLI_PLACES_PLACES_H

#include "base/diag.h"
#include "cli/options.h"

/* The accounts and regions that a run is to work in, see parts.h. */

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

#endif
