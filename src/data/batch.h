#ifndef TMFLOW_DATA_BATCH_H
#define TMFLOW_DATA_BATCH_H

#include "data/items.h"

/* What an item is for its child: a new reference in *ret_input. number: how many were taken before.
 * Returns: 0, or -1 with *err. */
typedef int
batch_select_fn(void *arg, int64_t number, json_t *item, json_t **ret_input, struct tmf_err *err);

/*
 * Takes the items of the next child, and makes its input of what select gives for each: that of one
 * item, or {"BatchInput": ..., "Items": [...]} where there is an ItemBatcher. Takes: items with one
 * to be peeked at.
 * Returns: 0 with a new reference and the number of items, or -1 with *err; some may have been
 * taken then. Errors: those of items_peek and select; States.DataLimitExceeded for an item that is
 * larger than a batch.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
 */
int batch_next(struct items *items, batch_select_fn *select, void *arg, json_t **ret_input,
    int64_t *ret_count, struct tmf_err *err);

#endif
