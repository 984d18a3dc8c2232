#ifndef TMFLOW_FLEET_COVERAGE_COVERAGE_LEDGER_H
#define TMFLOW_FLEET_COVERAGE_COVERAGE_LEDGER_H

#include "fleet/coverage/coverage.h"
#include "store/store.h"

/* The coverage as a run left it, or as it will be after a plan's run has not been made: from the
 * run's outcomes, without asking AWS. An interface that the run did not look at is not in it. */
struct coverage_ledger {
	struct store *store;
	const struct store_run *run;
	const char *account; /* of the run; NULL: not recorded */
	const char *region;  /* likewise */
	void (*on_item)(void *arg, const struct coverage_item *item);
	void *arg;
};

/* *ret_bare: rows of instances that have no interface. Errors: TMF_ERR_STORE. */
int
coverage_ledger_read(const struct coverage_ledger *ledger, uint64_t *ret_bare, struct tmf_err *err);

#endif
