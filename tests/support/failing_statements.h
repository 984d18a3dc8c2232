#ifndef TMFLOW_TESTS_FAILING_STATEMENTS_H
#define TMFLOW_TESTS_FAILING_STATEMENTS_H

#include "store/store.h"

#include <stdbool.h>

/*
 * One statement of a store is interrupted, which stands for any failure that is not the disk's.
 * One store at a time.
 */

/* The nth one from here on; 0: none. */
void failing_statements_arm(struct store *store, int n);

/* Whether there were as many. */
bool failing_statements_hit(void);

#endif
