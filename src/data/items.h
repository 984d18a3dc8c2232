#ifndef TMFLOW_DATA_ITEMS_H
#define TMFLOW_DATA_ITEMS_H

#include "asl/state/step.h"
#include "data/rows.h"

/*
 * The items of a Map that are taken one by one: from an object that its ItemReader names, or from
 * the list in its data, for batches. Where the taking stands is a place that can be stored.
 *
 *   while (items_peek(items, &item, &err) == ROWS_ITEM)
 *           items_take(items);
 *
 * An object is a local file: {"Bucket": "file://FOLDER", "Key": "PATH/IN/IT"}.
 */
struct items;

/* Where the taking stands. */
struct items_place {
	int64_t offset; /* bytes of the object; of a list: as taken */
	int64_t taken;	/* items */
	/* Which state of the object that holds for, as ETag does; "" for a list. */
	char version[64];
};

/*
 * source, and list where it has no reader: as step_enter gives them. References are taken.
 * reader: of the Map's state, kept. place: NULL for the beginning.
 * Returns: NULL with States.ItemReaderFailed: no such object, or not the one that place is of.
 */
struct items *items_open(const struct step_source *source, const struct asl_reader *reader,
    json_t *list, const struct items_place *place, struct tmf_err *err);
void items_free(struct items *items);

/* The item to be taken next, borrowed until then. Returns: not ROWS_MORE: an object is waited for.
 * Errors: States.ItemReaderFailed, naming the object. */
enum rows_next items_peek(struct items *items, json_t **ret_item, struct tmf_err *err);

/* Takes the item that items_peek gave. */
void items_take(struct items *items);

/* Whether items_peek has come to the end. */
bool items_are_over(const struct items *items);

/* Where the taking stands now. */
const struct items_place *items_place(const struct items *items);

/* What AWS calls the source of the items in $$.Map.Item.Source. */
const char *items_source(const struct items *items);

/* The batches: as in struct step_source. input: borrowed; may be NULL. */
int64_t items_batch_items(const struct items *items);
int64_t items_batch_bytes(const struct items *items);
json_t *items_batch_input(const struct items *items);

#endif
