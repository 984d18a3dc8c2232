#ifndef TMFLOW_CLI_RECORD_H
#define TMFLOW_CLI_RECORD_H

#include "base/rng.h"
#include "cli/options.h"
#include "mirror/config/prune.h"
#include "store/store.h"

#include <jansson.h>

/* A run's record in the store: opening that store, beginning a record, and the settings in it. */

/* Members of a record's settings. region, endpoint, profile, assumeRole and externalId are the
 * workspace's. */
#define RECORD_SCRIPTS	   "scripts"	/* {name: source} of the workflow's Lua files */
#define RECORD_HISTORY	   "history"	/* true: the run keeps its events */
#define RECORD_PRUNE	   "prune"	/* true: the run removes unwanted sessions */
#define RECORD_PRUNE_LIMIT "pruneLimit" /* "N" or "N%" */
#define RECORD_TRUST_TAGS  "trustTags"	/* true: tags are proof of a target, as with the key */
#define RECORD_PARTS	   "parts"	/* of a run over accounts and regions: how many */
#define RECORD_SERVING	   "serving"	/* true: a worker or listener, whose run nothing resumes */
#define RECORD_RECONCILE   "reconcile"	/* true: a round of `tmflow reconcile` */
#define RECORD_MOCK	   "mock"	/* the test case of --mock, see run/mocks.h */
#define RECORD_ACCOUNT	   "account"	/* of a part of such a run: its account */

/* Opens the store of the options, and makes a missing one. On failure reports why, sets the exit
 * code and returns NULL. */
struct store *record_open_store(const struct cli_opts *opts, int *ret_exit);

/* The same for what reads a store or continues a run: a missing one is an error. */
struct store *record_find_store(const struct cli_opts *opts, int *ret_exit);

/* Gives a new run its id: that of the options, or one made with rng. Errors: TMF_ERR_INVALID. */
int record_name(
    const struct cli_opts *opts, struct rng *rng, struct store_run *run, struct tmf_err *err);

/*
 * Gives a new run its id, unless record_name did, start and lease.
 * Returns: the lease, which the caller releases. Errors: TMF_ERR_INVALID, TMF_ERR_BUSY.
 */
struct store_lease *record_begin(const struct cli_opts *opts, struct rng *rng, struct store *store,
    struct store_run *run, struct tmf_err *err);

/* True if the run has ended: there is nothing to resume. */
bool record_is_over(const struct store_run *run);

/* The settings, an object. New reference; NULL where nothing was recorded. */
json_t *record_settings(const struct store_run *run);

/* Sets a member of them. Takes value. */
void record_put_setting(struct store_run *run, const char *key, json_t *value);

/* -1 where text (NULL: not given) is no limit. Errors: TMF_ERR_INVALID, naming --prune-limit. */
int record_check_prune_limit(const char *text, struct tmf_err *err);

/* Whether the run was started with --prune, and --prune-limit: PRUNE_LIMIT_DEFAULT without. */
bool record_prune(const struct store_run *run, struct prune_limit *ret_limit);

/* True for the record of a worker or listener. */
bool record_is_serving(const struct store_run *run);

/* True for a round of `tmflow reconcile`: the next round does what it left undone. */
bool record_is_round(const struct store_run *run);

/* True if the run was started with --trust-tags. */
bool record_trusts_tags(const struct store_run *run);

/* True if the run keeps its events. */
bool record_keeps_history(const struct store_run *run);

#endif
