#ifndef TMFLOW_DATA_BATCH_H
#define TMFLOW_DATA_BATCH_H

#include "data/items.h"

/* What an item is for its child: a new reference in *ret_input. number: how many were taken before.
 * Returns: 0, or -1 with *err. */
typedef int
batch_select_fn(void *arg, int64_t number, json_t *item, json_t **ret_input, struct tmf_err *err);

/* Who makes an input of an item. */
struct batch_select {
	batch_select_fn *fn;
	void *arg;
};

struct batch_result {
	json_t *input; /* owned */
	int64_t count; /* of the items in it */
};

/* A child's input so far, while items for it are on their way. {0}: none is begun. */
struct batch_draft {
	json_t *input;	 /* owned; NULL: none */
	json_t *items;	 /* in it; borrowed */
	size_t bytes;	 /* of it */
	int64_t first;	 /* how many items were taken before it */
	int64_t counted; /* of those in it */
};

/* Forgets what was drafted. */
void batch_draft_fini(struct batch_draft *draft);

/*
 * Takes the items of the next child, and makes its input of what select gives for each: that of one
 * item, or {"BatchInput": ..., "Items": [...]} where there is an ItemBatcher. Takes: items with one
 * to be peeked at, or a draft that is begun.
 * Returns: ROWS_ITEM with a new reference and the number of items; ROWS_MORE where one is on its
 * way: call again with the same draft; ROWS_FAILED with *err, some may have been taken then.
 * Errors: those of items_peek and select; States.DataLimitExceeded for an item that is larger than
 * a batch.
 * See: https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
 */
enum rows_next batch_next(struct items *items, struct batch_draft *draft,
    const struct batch_select *select, struct batch_result *ret_result, struct tmf_err *err);

#endif
