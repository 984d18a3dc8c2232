#ifndef TMFLOW_CLI_COMMANDS_SERVE_LISTEN_RECONCILE_H
#define TMFLOW_CLI_COMMANDS_SERVE_LISTEN_RECONCILE_H

#include "cli/run/serving.h"

/*
 * The backfill beside the events of a listener, on a schedule: a job of the same process, one at a
 * time. What events bring and what a round finds meet in the same actions, which look before they
 * create.
 */
struct listen_reconcile;

/*
 * Begins with the first round. workflow: compiled by the serving's jobs. failing(arg) hears of
 * each change between rounds that fail and rounds that do not. Waits for STS once, as turns_take
 * does. Returns NULL with *err. Borrows serving and workflow.
 */
struct listen_reconcile *
listen_reconcile_new(struct serving *serving, const struct workflow *workflow, int64_t every_ms,
    void (*failing)(void *arg, bool is), void *arg, struct tmf_err *err);

/* No more rounds: the one under way is stopped where it stands, and the next process's first
 * round does what it left undone. NULL is fine. */
void listen_reconcile_stop(struct listen_reconcile *reconcile);

/* Stops, and frees. NULL is fine. */
void listen_reconcile_free(struct listen_reconcile *reconcile);

/* Appends its numbers as OpenMetrics text. */
void listen_reconcile_count(const struct listen_reconcile *reconcile, struct buf *out);

#endif
