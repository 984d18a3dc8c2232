#include "data/batch.h"

#include "base/jsonx.h"

#include <assert.h>

/* Items until the batch is full by their number or by its size: the item that is too much is not
 * taken, and begins the next one. bytes: of the input around them. */
static int
batch_fill(struct items *items, batch_select_fn *select, void *arg, json_t *batch, size_t bytes,
    struct tmf_err *err)
{
	size_t bytes_max = (size_t)items_batch_bytes(items);
	json_t *item;
	json_t *input = NULL;

	for (int64_t count = 0; count < items_batch_items(items); count++) {
		enum rows_next next = items_peek(items, &item, err);

		if (next == ROWS_OVER)
			return 0;
		if (next != ROWS_ITEM ||
		    select(arg, items_place(items)->taken, item, &input, err) < 0)
			return -1;
		bytes += jsonx_text_bytes(input, bytes_max) + (count > 0);
		if (bytes > bytes_max && count > 0) {
			json_decref(input);
			return 0;
		}
		json_array_append_new(batch, input);
		if (bytes > bytes_max)
			return tmf_err_set_name(err, TMF_ERR_ASL, "States.DataLimitExceeded",
			    "An item does not fit into a batch of %zu bytes.", bytes_max);
		items_take(items);
	}
	return 0;
}

static int
batch_of_many(struct items *items, batch_select_fn *select, void *arg, json_t **ret_input,
    struct tmf_err *err)
{
	json_t *batch = json_array();
	json_t *input = json_object();
	size_t bytes;

	if (items_batch_input(items) != NULL)
		json_object_set(input, "BatchInput", items_batch_input(items));
	json_object_set_new(input, "Items", batch);
	bytes = jsonx_text_bytes(input, ASL_DATA_BYTES_MAX);
	if (batch_fill(items, select, arg, batch, bytes, err) < 0) {
		json_decref(input);
		return -1;
	}
	*ret_input = input;
	return 0;
}

static int
batch_of_one(struct items *items, batch_select_fn *select, void *arg, json_t **ret_input,
    struct tmf_err *err)
{
	json_t *item;

	if (items_peek(items, &item, err) != ROWS_ITEM ||
	    select(arg, items_place(items)->taken, item, ret_input, err) < 0)
		return -1;
	items_take(items);
	return 0;
}

int
batch_next(struct items *items, batch_select_fn *select, void *arg, json_t **ret_input,
    int64_t *ret_count, struct tmf_err *err)
{
	int64_t before = items_place(items)->taken;
	int ret = items_batch_items(items) > 0 ? batch_of_many(items, select, arg, ret_input, err)
					       : batch_of_one(items, select, arg, ret_input, err);

	assert(items_place(items)->taken >= before);
	if (ret < 0)
		return -1;
	*ret_count = items_place(items)->taken - before;
	assert(*ret_count > 0);
	return 0;
}
