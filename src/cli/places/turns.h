#ifndef TMFLOW_CLI_PLACES_TURNS_H
#define TMFLOW_CLI_PLACES_TURNS_H

#include "cli/places/places.h"
#include "cli/workspace/workspace.h"
#include "store/store.h"

/*
 * The right to reconcile accounts and regions: a lease for each pair of them in the store, so that
 * no two processes with that store reconcile one place at the same time. Where the processes have
 * stores of their own, the actions keep apart what two of them do (look before creating).
 */
struct turns {
	struct store_lease **at;
	size_t count;
};

/* "own" stands for an account where STS does not answer. */
#define TURNS_ACCOUNT_BYTES 13

/*
 * Whether other processes hold the turns of all places: then *err is TMF_ERR_BUSY with one of the
 * holders. Asks STS where the account of one is not known yet, so that turns_take need not wait.
 * Returns: 1, 0, or -1 with another *err.
 */
int turns_all_held(struct store *store, const struct places *places, struct workspace *base,
    char own_account[TURNS_ACCOUNT_BYTES], struct tmf_err *err);

/*
 * Takes the turn in all of the places, or in none. own_account: whose the keys of base are, empty
 * until STS was asked here for the first time. Waits for that answer.
 * Errors: TMF_ERR_BUSY with the holder, TMF_ERR_STORE.
 */
int turns_take(struct turns *turns, struct store *store, const struct places *places,
    struct workspace *base, char own_account[TURNS_ACCOUNT_BYTES], struct tmf_err *err);

/* Lets go of them. */
void turns_release(struct turns *turns);

#endif
