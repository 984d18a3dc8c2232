#include "data/batch.h"

#include "base/jsonx.h"

#include <assert.h>

/* The items in it were taken, but the place in the checkpoint is before them. */
void
batch_draft_fini(struct batch_draft *draft)
{
	json_decref(draft->input);
	*draft = (struct batch_draft){0};
}

/* Items until the batch is full by their number or by its size: the item that is too much is not
 * taken, and begins the next one. Returns: ROWS_ITEM when it is full. */
static enum rows_next
batch_fill(struct items *items, struct batch_draft *draft, const struct batch_select *select,
    struct tmf_err *err)
{
	size_t bytes_max = (size_t)items_batch_bytes(items);
	json_t *item;
	json_t *input = NULL;

	while (draft->counted < items_batch_items(items)) {
		enum rows_next next = items_peek(items, &item, err);

		if (next != ROWS_ITEM)
			return next == ROWS_OVER ? ROWS_ITEM : next;
		if (select->fn(select->arg, items_place(items)->taken, item, &input, err) < 0)
			return ROWS_FAILED;
		draft->bytes += jsonx_text_bytes(input, bytes_max) + (draft->counted > 0);
		if (draft->bytes > bytes_max && draft->counted > 0) {
			json_decref(input);
			return ROWS_ITEM;
		}
		json_array_append_new(draft->items, input);
		if (draft->bytes > bytes_max) {
			tmf_err_set_name(err, TMF_ERR_ASL, "States.DataLimitExceeded",
			    "An item does not fit into a batch of %zu bytes.", bytes_max);
			return ROWS_FAILED;
		}
		items_take(items);
		draft->counted++;
	}
	return ROWS_ITEM;
}

/* BatchInput counts towards the size of the batch, as on AWS. */
static void
batch_begin(const struct items *items, struct batch_draft *draft)
{
	draft->items = json_array();
	draft->input = json_object();
	draft->first = items_place(items)->taken;
	if (items_batch_input(items) != NULL)
		json_object_set(draft->input, "BatchInput", items_batch_input(items));
	json_object_set_new(draft->input, "Items", draft->items);
	draft->bytes = jsonx_text_bytes(draft->input, ASL_DATA_BYTES_MAX);
}

/* A batch may need more than one piece of the file. The draft keeps what is in it until the next
 * piece is there; only a batch that is handed out moves the place in the checkpoint. */
static enum rows_next
batch_of_many(struct items *items, struct batch_draft *draft, const struct batch_select *select,
    struct batch_result *ret_result, struct tmf_err *err)
{
	enum rows_next next;

	if (draft->input == NULL)
		batch_begin(items, draft);
	next = batch_fill(items, draft, select, err);
	assert(items_place(items)->taken == draft->first + draft->counted);
	if (next == ROWS_ITEM) {
		*ret_result = (struct batch_result){json_incref(draft->input), draft->counted};
		assert(draft->counted > 0);
	}
	if (next != ROWS_MORE)
		batch_draft_fini(draft);
	return next;
}

/* Without ItemBatcher the child's input is the item itself, not a list of one. */
static enum rows_next
batch_of_one(struct items *items, const struct batch_select *select,
    struct batch_result *ret_result, struct tmf_err *err)
{
	enum rows_next next;
	json_t *input;
	json_t *item;

	next = items_peek(items, &item, err);
	if (next != ROWS_ITEM)
		return next;
	if (select->fn(select->arg, items_place(items)->taken, item, &input, err) < 0)
		return ROWS_FAILED;
	items_take(items);
	*ret_result = (struct batch_result){input, 1};
	return ROWS_ITEM;
}

enum rows_next
batch_next(struct items *items, struct batch_draft *draft, const struct batch_select *select,
    struct batch_result *ret_result, struct tmf_err *err)
{
	if (items_batch_items(items) > 0)
		return batch_of_many(items, draft, select, ret_result, err);
	assert(draft->input == NULL);
	return batch_of_one(items, select, ret_result, err);
}
