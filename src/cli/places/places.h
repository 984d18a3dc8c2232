#ifndef TMFLOW_CLI_PLACES_PLACES_H
#define TMFLOW_CLI_PLACES_PLACES_H

#include "base/diag.h"
#include "cli/options.h"

/* The accounts and regions that a run is to work in, see parts.h. */

/* An organization of 500 accounts in 20 regions. Each takes some hundred bytes. */
#define PLACES_MAX 10000

/* One account and region. Strings are owned. */
struct place {
	char *account;	       /* NULL: whatever account the keys are of */
	char *region;	       /* NULL: the one that the environment names */
	char *assume_role;     /* ARN, or NULL */
	char *external_id;     /* or NULL */
	struct tmf_err *fault; /* owned: why nothing can be asked there; NULL: it can */
};

struct places {
	struct place *at;
	size_t count;
};

/* "a,b" to a new list ["a", "b"], NULL to []. Errors: TMF_ERR_INVALID, named by the option. */
int places_split(const char *list, const char *option, json_t **ret_items, struct tmf_err *err);

/* Adds a copy of place, whose fault is not copied. Errors: TMF_ERR_LIMIT. */
int places_append(struct places *places, const struct place *place, struct tmf_err *err);

/* Frees the places and their strings. */
void places_fini(struct places *places);

/* True if the options ask for more than one place. */
bool places_are_several(const struct cli_opts *opts);

/* The first region that --region or the file names: any serves to find keys and to assume roles
 * with. malloc'ed; NULL: none is named. */
char *places_first_region(const struct cli_opts *opts, const struct places *places);

/*
 * Which ones, from --region, --account and --assume-role, or from the file of --accounts; region
 * is NULL where none is named. With --organization the list is empty: see organization_list.
 * Returns 0, or says why and gives the exit code.
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
