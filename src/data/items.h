#ifndef TMFLOW_DATA_ITEMS_H
#define TMFLOW_DATA_ITEMS_H

#include "asl/state/step.h"
#include "data/listing.h"
#include "data/manifest.h"
#include "data/rows.h"

/*
 * The items of a Map that are taken one by one: from an object that its ItemReader names, or from
 * the list in its data, for batches. Where the taking stands is a place that can be stored.
 *
 *   while (items_peek(items, &item, &err) == ROWS_ITEM)
 *           items_take(items);
 *
 * An object is a local file, {"Bucket": "file://FOLDER", "Key": "PATH/IN/IT"}, or one of S3, for
 * which the items may have to wait.
 */
struct items;

/* Where the taking stands. */
struct items_place {
	int64_t offset; /* bytes of the object; of a list and a listing: as taken */
	int64_t taken;	/* items */
	int64_t file;	/* of a manifest: which of its files */
	/* Which state of the object that holds for, as ETag does; "" for a list. */
	char version[MANIFEST_VERSION_BYTES_MAX + 1];
	char after[LISTING_KEY_BYTES_MAX + 1]; /* of a listing: the last key; "" for all else */
};

/* References are borrowed, and taken where they are kept. */
struct items_opts {
	const struct step_source *source;
	const struct asl_reader *reader; /* of the Map's state, kept */
	json_t *list;			 /* where the source has no reader; else NULL */
	const struct items_place *place; /* NULL: at the beginning */
	struct objects *objects;	 /* borrowed; NULL: S3 cannot be reached */
	struct objects_waiter waiter;	 /* for items that could not be peeked at yet */
};

/*
 * Opens what the source names.
 * Returns: NULL with States.ItemReaderFailed: no such file, or not the one that place is of. Of an
 * object of S3 the first look says so.
 */
struct items *items_open(const struct items_opts *opts, struct tmf_err *err);
void items_free(struct items *items);

/* The item to be taken next, borrowed until then. Returns: ROWS_MORE where it is still on its way:
 * the waiter is woken then. Errors: States.ItemReaderFailed, naming the object. */
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
