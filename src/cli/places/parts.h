#ifndef TMFLOW_CLI_PLACES_PARTS_H
#define TMFLOW_CLI_PLACES_PARTS_H

#include "cli/options.h"
#include "cli/places/turns.h"
#include "cli/workspace/workspace.h"
#include "store/store.h"

/*
 * One run over several accounts and regions. Each pair of them is a part: a run of its own in the
 * store (its id is the whole's, account and region), with keys, pacer, configuration and failures
 * of its own; what goes wrong in one stops no other. All parts run at once on one loop.
 */

/* True if the run has parts. */
bool parts_belong_to(const struct store_run *run);

/*
 * The subcommands' work where there are parts. Return the exit code. run, store and their lease
 * are the caller's. beside: the workspace of a process that runs on afterwards, whose loop and
 * network are taken; NULL: the run has its own. own_account: of a round of reconcile, for
 * turns_take: each part then waits for no other process, and fails where one has its turn. Where
 * others have all turns nothing is recorded, and the code is EXIT_HELD. NULL: of no round.
 */
int parts_run(const struct cli_opts *opts, const struct workspace *beside, char *own_account);
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
