#include "data/items.h"

#include "base/jsonx.h"
#include "base/mem.h"
#include "data/local.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES	65536u
#define SOURCE_OF_STATE "STATE_DATA" /* AWS's word for items that are in the state's input */

/*
 * Five sources behind one door. Each has its own way of saying where it stands, and
 * items_note_place brings them into one form, which a checkpoint stores. What a restart opens with
 * that place gives the next item, and none twice.
 */

enum items_kind { ITEMS_LIST, ITEMS_FILE, ITEMS_OBJECT, ITEMS_LISTING, ITEMS_MANIFEST };

struct items {
	enum items_kind kind;
	int64_t items_max; /* -1: all */
	int64_t batch_items;
	int64_t batch_bytes;
	json_t *batch_input;
	struct items_place place;
	json_t *head; /* peeked and not taken; owned */
	bool over;
	char *name; /* of the object; NULL: a list */

	json_t *list;
	struct object_rows *object;
	struct listing *listing;
	struct manifest *manifest;

	struct rows *rows; /* of a file */
	int fd;
	int64_t read_offset; /* where the next piece begins */
	char piece[PIECE_BYTES];
};

/* --- a local file --- */

/* A pipe would block the loop, so that only a regular file is read. Its size and the time of its
 * last change say later whether it is still the same. */
static int
file_open(struct items *items, const json_t *arguments, struct tmf_err *err)
{
	struct stat status;

	items->name = local_path(jsonx_get_string(arguments, "Bucket"),
	    jsonx_get_string(arguments, "Key"), ASL_ERROR_READER, err);
	if (items->name == NULL)
		return -1;
	items->fd = open(items->name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (items->fd < 0 || fstat(items->fd, &status) < 0)
		return local_fail(items->name, strerror(errno), ASL_ERROR_READER, err);
	if (!S_ISREG(status.st_mode))
		return local_fail(items->name, "not a regular file", ASL_ERROR_READER, err);
	snprintf(items->place.version, sizeof(items->place.version), "%jx-%jx-%lx",
	    (uintmax_t)status.st_size, (uintmax_t)status.st_mtim.tv_sec,
	    (unsigned long)status.st_mtim.tv_nsec);
	return 0;
}

/* Returns: 0 with the piece fed, or with the text finished. */
static int
file_feed(struct items *items, struct tmf_err *err)
{
	ssize_t bytes;

	do
		bytes = pread(items->fd, items->piece, sizeof(items->piece), items->read_offset);
	while (bytes < 0 && errno == EINTR);
	if (bytes < 0)
		return local_fail(items->name, strerror(errno), ASL_ERROR_READER, err);
	if (bytes == 0)
		rows_finish(items->rows);
	else
		rows_feed(items->rows, (struct str){items->piece, (size_t)bytes});
	items->read_offset += bytes;
	return 0;
}

/* --- the next item --- */

/* A local file never lets the caller wait: where the rows want more text it is read at once. */
static enum rows_next
items_next_row(struct items *items, json_t **ret_item, struct tmf_err *err)
{
	for (;;) {
		enum rows_next next = rows_next(items->rows, ret_item, err);

		if (next == ROWS_FAILED)
			tmf_err_prefix(err, "%s", items->name);
		if (next != ROWS_MORE)
			return next;
		if (file_feed(items, err) < 0)
			return ROWS_FAILED;
	}
}

/* By the number of items taken, which is all the place that a list has. */
static enum rows_next
items_next_of_list(struct items *items, json_t **ret_item)
{
	json_t *item = json_array_get(items->list, (size_t)items->place.taken);

	if (item == NULL)
		return ROWS_OVER;
	*ret_item = json_incref(item);
	return ROWS_ITEM;
}

/* A listing has no text: each of its items came whole. */
static enum rows_next
items_next_of_listing(struct items *items, json_t **ret_item, struct tmf_err *err)
{
	switch (listing_next(items->listing, ret_item, err)) {
	case OBJECT_PIECE:
		return ROWS_ITEM;
	case OBJECT_WAIT:
		return ROWS_MORE;
	case OBJECT_OVER:
		return ROWS_OVER;
	case OBJECT_FAILED:
		break;
	}
	return ROWS_FAILED;
}

static enum rows_next
items_next(struct items *items, json_t **ret_item, struct tmf_err *err)
{
	switch (items->kind) {
	case ITEMS_LIST:
		return items_next_of_list(items, ret_item);
	case ITEMS_FILE:
		return items_next_row(items, ret_item, err);
	case ITEMS_OBJECT:
		return object_rows_next(items->object, ret_item, err);
	case ITEMS_LISTING:
		return items_next_of_listing(items, ret_item, err);
	case ITEMS_MANIFEST:
		return manifest_next(items->manifest, ret_item, err);
	}
	assert(!"not a kind of items");
	return ROWS_FAILED;
}

/* The head stays until it is taken: a batch that has no room for it leaves it to the next one. */
enum rows_next
items_peek(struct items *items, json_t **ret_item, struct tmf_err *err)
{
	enum rows_next next = ROWS_ITEM;

	if (items->over)
		return ROWS_OVER;
	if (items->head == NULL) {
		if (items->items_max >= 0 && items->place.taken >= items->items_max)
			next = ROWS_OVER;
		else
			next = items_next(items, &items->head, err);
	}
	assert((next == ROWS_ITEM) == (items->head != NULL));
	items->over = next == ROWS_OVER;
	*ret_item = items->head;
	return next;
}

/* Of an object the version is known by the time that one of its items is. */
static void
items_note_place(struct items *items)
{
	struct items_place *place = &items->place;
	struct manifest_place at;

	switch (items->kind) {
	case ITEMS_LIST:
		place->offset = place->taken;
		break;
	case ITEMS_FILE:
		place->offset = rows_offset(items->rows);
		break;
	case ITEMS_OBJECT:
		place->offset = object_rows_offset(items->object);
		snprintf(place->version, sizeof(place->version), "%s",
		    object_etag(object_rows_object(items->object)));
		break;
	case ITEMS_LISTING:
		place->offset = place->taken;
		snprintf(
		    place->after, sizeof(place->after), "%s", jsonx_get_string(items->head, "Key"));
		break;
	case ITEMS_MANIFEST:
		manifest_get_place(items->manifest, &at);
		place->offset = at.offset;
		place->file = at.file;
		memcpy(place->version, at.version, sizeof(place->version));
		break;
	}
}

/* Nothing is read ahead of the head, so that the reading stands behind it. */
void
items_take(struct items *items)
{
	assert(items->head != NULL && !items->over);
	assert(items->items_max < 0 || items->place.taken < items->items_max);
	items->place.taken++;
	items_note_place(items);
	assert(items->place.offset > 0);
	json_decref(items->head);
	items->head = NULL;
}

/* --- the whole --- */

/* The columns' names stand at the beginning, wherever the taking stands. The row behind them may
 * come with them: the seek throws it away. */
static int
items_go_to(struct items *items, const struct items_place *place, struct tmf_err *err)
{
	if (strcmp(place->version, items->place.version) != 0)
		return local_fail(items->name != NULL ? items->name : SOURCE_OF_STATE,
		    "changed since the run began, so that it cannot go on in the middle",
		    ASL_ERROR_READER, err);
	if (items->kind == ITEMS_LIST && place->offset != place->taken)
		return local_fail(
		    SOURCE_OF_STATE, "no such place in a list", ASL_ERROR_READER, err);
	items->place = *place;
	if (items->kind == ITEMS_LIST || place->offset == 0)
		return 0;
	while (rows_wants_header(items->rows)) {
		json_t *item = NULL;
		enum rows_next next = rows_next(items->rows, &item, err);

		json_decref(item);
		if (next == ROWS_OVER)
			return local_fail(
			    items->name, "the columns' names are missing", ASL_ERROR_READER, err);
		if (next == ROWS_FAILED)
			return tmf_err_prefix(err, "%s", items->name);
		if (next == ROWS_MORE && file_feed(items, err) < 0)
			return -1;
	}
	rows_seek(items->rows, place->offset);
	items->read_offset = place->offset;
	return 0;
}

/* --- objects of S3 --- */

static struct object_opts
items_object_opts(const struct items_opts *opts)
{
	const json_t *arguments = opts->source->arguments;

	return (struct object_opts){.objects = opts->objects,
	    .bucket = jsonx_get_string(arguments, "Bucket"),
	    .key = jsonx_get_string(arguments, "Key"),
	    .version_id = jsonx_get_string(arguments, "VersionId"),
	    .error = ASL_ERROR_READER,
	    .waiter = opts->waiter};
}

/* The place of items has all that one of a manifest has: it is stored as one. */
static void
items_open_manifest(struct items *items, const struct items_opts *opts)
{
	const struct object_opts object = items_object_opts(opts);
	struct manifest_place at;

	items->kind = ITEMS_MANIFEST;
	if (opts->place != NULL) {
		at = (struct manifest_place){
		    .file = opts->place->file, .offset = opts->place->offset};
		memcpy(at.version, opts->place->version, sizeof(at.version));
	}
	items->manifest = manifest_open(&object, opts->place != NULL ? &at : NULL);
	items->name = mem_strdup(manifest_name(items->manifest));
}

/* The first reply says which state of the object is read. Only one that goes on has it already. */
static void
items_open_object(struct items *items, const struct items_opts *opts)
{
	struct object_opts object = items_object_opts(opts);

	items->kind = ITEMS_OBJECT;
	object.etag = opts->place != NULL ? opts->place->version : NULL;
	items->object =
	    object_rows_open(&object, opts->reader, opts->place != NULL ? opts->place->offset : 0);
	items->name = mem_strdup(object_name(object_rows_object(items->object)));
}

/* S3 lists keys in their order, so that the last key taken says where to go on; new objects behind
 * it are items, too. */
static void
items_open_listing(struct items *items, const struct items_opts *opts)
{
	const json_t *arguments = opts->source->arguments;

	items->kind = ITEMS_LISTING;
	items->listing = listing_open(&(struct listing_opts){.objects = opts->objects,
	    .bucket = jsonx_get_string(arguments, "Bucket"),
	    .prefix = jsonx_get_string(arguments, "Prefix"),
	    .after = opts->place != NULL ? opts->place->after : "",
	    .error = ASL_ERROR_READER,
	    .waiter = opts->waiter});
	items->name = mem_strdup(listing_name(items->listing));
}

/* What the arguments of a reader must say, and may. */
static int
items_check_arguments(const struct items_opts *opts, struct tmf_err *err)
{
	const json_t *arguments = opts->source->arguments;
	const char *bucket = jsonx_get_string(arguments, "Bucket");
	const char *key = jsonx_get_string(arguments, "Key");

	if (bucket == NULL || bucket[0] == '\0' ||
	    (!opts->reader->lists && (key == NULL || key[0] == '\0')))
		return tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_READER,
		    opts->reader->lists
			? "ItemReader: Bucket must be a string that is not empty"
			: "ItemReader: Bucket and Key must be strings that are not empty");
	if (json_object_get(arguments, "Prefix") != NULL &&
	    jsonx_get_string(arguments, "Prefix") == NULL)
		return tmf_err_set_name(
		    err, TMF_ERR_ASL, ASL_ERROR_READER, "ItemReader: Prefix must be a string");
	if (local_is_folder(bucket) &&
	    (opts->reader->lists || opts->reader->input == ASL_READER_MANIFEST))
		return tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_READER,
		    "%s: a local folder has files only: %s is read from S3", bucket,
		    opts->reader->lists ? "a list of objects" : "an inventory");
	if (!local_is_folder(bucket) && opts->objects == NULL)
		return tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_READER,
		    "s3://%s/%s: S3 is not asked here; a local file has Bucket: file://FOLDER",
		    bucket, key != NULL ? key : "");
	return 0;
}

/* The kind is the reader's, but for an object of which the bucket says whether it is a file. Those
 * of S3 are not asked for before the first look at an item. */
static int
items_open_source(struct items *items, const struct items_opts *opts, struct tmf_err *err)
{
	if (items_check_arguments(opts, err) < 0)
		return -1;
	if (opts->place != NULL &&
	    !local_is_folder(jsonx_get_string(opts->source->arguments, "Bucket")))
		items->place = *opts->place;
	if (opts->reader->lists) {
		items_open_listing(items, opts);
	} else if (opts->reader->input == ASL_READER_MANIFEST) {
		items_open_manifest(items, opts);
	} else if (!local_is_folder(jsonx_get_string(opts->source->arguments, "Bucket"))) {
		items_open_object(items, opts);
	} else {
		items->kind = ITEMS_FILE;
		if (file_open(items, opts->source->arguments, err) < 0)
			return -1;
		items->rows = rows_new(opts->reader);
	}
	return 0;
}

/* Only what is read here and now is gone to here: of S3's sources each was opened at the place. */
struct items *
items_open(const struct items_opts *opts, struct tmf_err *err)
{
	const struct step_source *source = opts->source;
	struct items *items = mem_zalloc(1, sizeof(*items));

	assert(source->streamed && (opts->list == NULL) == (source->arguments != NULL));
	items->fd = -1;
	items->items_max = source->items_max;
	items->batch_items = source->batch_items;
	items->batch_bytes = source->batch_bytes;
	items->batch_input = json_incref(source->batch_input);
	items->list = json_incref(opts->list);
	if (opts->list == NULL && items_open_source(items, opts, err) < 0)
		goto failed;
	if (opts->place != NULL && (items->kind == ITEMS_LIST || items->kind == ITEMS_FILE) &&
	    items_go_to(items, opts->place, err) < 0)
		goto failed;
	return items;
failed:
	items_free(items);
	return NULL;
}

void
items_free(struct items *items)
{
	if (items == NULL)
		return;
	if (items->fd >= 0)
		close(items->fd);
	rows_free(items->rows);
	object_rows_free(items->object);
	listing_free(items->listing);
	manifest_free(items->manifest);
	json_decref(items->head);
	json_decref(items->list);
	json_decref(items->batch_input);
	free(items->name);
	free(items);
}

bool
items_are_over(const struct items *items)
{
	return items->over;
}

const struct items_place *
items_place(const struct items *items)
{
	return &items->place;
}

const char *
items_source(const struct items *items)
{
	return items->name != NULL ? items->name : SOURCE_OF_STATE;
}

int64_t
items_batch_items(const struct items *items)
{
	return items->batch_items;
}

int64_t
items_batch_bytes(const struct items *items)
{
	return items->batch_bytes;
}

json_t *
items_batch_input(const struct items *items)
{
	return items->batch_input;
}
