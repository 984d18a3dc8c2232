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

struct items {
	int64_t items_max; /* -1: all */
	int64_t batch_items;
	int64_t batch_bytes;
	json_t *batch_input;
	struct items_place place;
	json_t *head; /* peeked and not taken; owned */
	int64_t head_end;
	bool over;
	char *name; /* of the object; NULL: a list */

	json_t *list;

	struct rows *rows; /* of an object */
	int fd;
	int64_t read_offset; /* where the next piece begins */
	char piece[PIECE_BYTES];
};

/* --- a local file --- */

/* The path of {"Bucket": "file://FOLDER", "Key": "a/b.csv"}, malloc'ed; NULL with *err. */
static char *
file_path(const json_t *arguments, struct tmf_err *err)
{
	const char *bucket = jsonx_get_string(arguments, "Bucket");
	const char *key = jsonx_get_string(arguments, "Key");

	if (bucket == NULL || key == NULL || bucket[0] == '\0' || key[0] == '\0') {
		tmf_err_set_name(err, TMF_ERR_ASL, ASL_ERROR_READER,
		    "ItemReader: Bucket and Key must be strings that are not empty");
		return NULL;
	}
	return local_path(bucket, key, ASL_ERROR_READER, err);
}

/* A pipe would block the loop, so that only a regular file is read. Its size and the time of its
 * last change say later whether it is still the same. */
static int
file_open(struct items *items, const json_t *arguments, struct tmf_err *err)
{
	struct stat status;

	items->name = file_path(arguments, err);
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

static enum rows_next
items_next_of_list(struct items *items, json_t **ret_item)
{
	json_t *item = json_array_get(items->list, (size_t)items->place.taken);

	if (item == NULL)
		return ROWS_OVER;
	*ret_item = json_incref(item);
	return ROWS_ITEM;
}

enum rows_next
items_peek(struct items *items, json_t **ret_item, struct tmf_err *err)
{
	enum rows_next next = ROWS_ITEM;

	if (items->over)
		return ROWS_OVER;
	if (items->head == NULL) {
		if (items->items_max >= 0 && items->place.taken >= items->items_max)
			next = ROWS_OVER;
		else if (items->rows == NULL)
			next = items_next_of_list(items, &items->head);
		else
			next = items_next_row(items, &items->head, err);
		items->head_end =
		    items->rows != NULL ? rows_offset(items->rows) : items->place.taken + 1;
	}
	assert(next != ROWS_MORE && (next == ROWS_ITEM) == (items->head != NULL));
	items->over = next == ROWS_OVER;
	*ret_item = items->head;
	return next;
}

void
items_take(struct items *items)
{
	assert(items->head != NULL && items->head_end > items->place.offset);
	json_decref(items->head);
	items->head = NULL;
	items->place.offset = items->head_end;
	items->place.taken++;
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
	if (items->rows == NULL && place->offset != place->taken)
		return local_fail(
		    SOURCE_OF_STATE, "no such place in a list", ASL_ERROR_READER, err);
	items->place = *place;
	if (items->rows == NULL || place->offset == 0)
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

struct items *
items_open(const struct step_source *source, const struct asl_reader *reader, json_t *list,
    const struct items_place *place, struct tmf_err *err)
{
	struct items *items = mem_zalloc(1, sizeof(*items));

	assert(source->streamed && (list == NULL) == (source->arguments != NULL));
	items->fd = -1;
	items->items_max = source->items_max;
	items->batch_items = source->batch_items;
	items->batch_bytes = source->batch_bytes;
	items->batch_input = json_incref(source->batch_input);
	items->list = json_incref(list);
	if (list == NULL) {
		if (file_open(items, source->arguments, err) < 0)
			goto failed;
		items->rows = rows_new(reader);
	}
	if (place != NULL && items_go_to(items, place, err) < 0)
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
